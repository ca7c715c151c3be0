/* The client's side of RFC 6455, and of the handshake that Socket.IO speaks inside it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "load.h"

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, OPCODE = 0x0f };

/* The key and its answer are those of the example in RFC 6455, section 1.3; a server cannot tell. */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==", ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

void websocket_upgrade(Load *load, Client *client)
{
    char path[REQUEST_SIZE / 2], request[REQUEST_SIZE];
    template_expand(path, sizeof path, load->options.path, load, client, 0);
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        path, load->options.port, KEY);
    client->state = UPGRADING;
    client_write(load, client, request, (size_t)size);
}

static size_t take_upgrade(Load *load, Client *client, const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - bytes) + 4;
    if (head < 12 || memcmp(bytes + 9, "101", 3) != 0 || !memmem(bytes, head, ACCEPT, sizeof ACCEPT - 1)) {
        client_close(load, client);
        return head;
    }
    client->state = JOINING;
    if (!load->options.ready && !load->options.socketio)
        client_became_ready(load, client);
    return head;
}

/* A mask of zeros is a legal one and leaves the text as it is; the server has to apply it all the same. */
void websocket_send(Load *load, Client *client, int opcode, const char *text, size_t size)
{
    char frame[REQUEST_SIZE];
    size_t head = 2;
    frame[0] = (char)(0x80 | opcode);
    if (size < 126) {
        frame[1] = (char)(0x80 | size);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(size >> 8);
        frame[3] = (char)size;
        head = 4;
    }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, text, size);
    client_write(load, client, frame, head + 4 + size);
}

static void take_socketio(Load *load, Client *client, const char *text, size_t size)
{
    if (size > 0 && text[0] == '0')
        websocket_send(load, client, TEXT, "40", 2);
    else if (size == 1 && text[0] == '2')
        websocket_send(load, client, TEXT, "3", 1);
    else if (size >= 2 && memcmp(text, "40", 2) == 0)
        client_became_ready(load, client);
}

static bool contains(const char *text, size_t size, const char *part)
{
    return part && memmem(text, size, part, strlen(part));
}

static void take_frame(Load *load, Client *client, int opcode, const char *text, size_t size)
{
    if (opcode == PING) {
        websocket_send(load, client, PONG, text, size);
    } else if (opcode == CLOSE) {
        client_close(load, client);
    } else if (client->state == JOINING && contains(text, size, load->options.ready)) {
        client_became_ready(load, client); /* what this frame shows of the past is no delivery */
    } else if (opcode <= BINARY && count_deliveries(load, client, text, size) == 0) {
        if (load->options.socketio)
            take_socketio(load, client, text, size);
        if (contains(text, size, load->options.error))
            load->errors++;
    }
}

/* Takes one whole frame from the bytes; returns its size, or 0 while its end has not come. */
size_t websocket_take(Load *load, Client *client, const char *bytes, size_t size)
{
    if (client->state == UPGRADING)
        return take_upgrade(load, client, bytes, size);
    const unsigned char *raw = (const unsigned char *)bytes;
    if (size < 2)
        return 0;
    uint64_t length = raw[1] & 0x7f;
    size_t head = length == 126 ? 4 : length == 127 ? 10 : 2;
    if (size < head)
        return 0;
    if (head > 2) {
        length = 0;
        for (size_t i = 2; i < head; i++)
            length = length << 8 | raw[i];
    }
    if (head + length > INBOX_SIZE) {
        load->errors++;
        client_close(load, client);
        return 0;
    }
    if (size < head + length)
        return 0;
    take_frame(load, client, raw[0] & OPCODE, bytes + head, length);
    return head + length;
}
