/* The client's side of long-poll: ask, wait, take the answer, ask again with the cursor it brought. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char SEQ[] = "\"seq\":", LENGTH[] = "content-length:";

void poll_ask(Load *load, Client *client)
{
    char path[REQUEST_SIZE / 2], request[REQUEST_SIZE];
    template_expand(path, sizeof path, load->options.path, load, client, 0);
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path,
                        load->options.port);
    client_write(load, client, request, (size_t)size);
}

void poll_post(Load *load, Client *client, const char *body, size_t body_size)
{
    char path[REQUEST_SIZE / 4], request[REQUEST_SIZE * 2];
    template_expand(path, sizeof path, load->options.post_path, load, client, 0);
    int size = snprintf(request, sizeof request,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        path, load->options.port, body_size, body);
    client_write(load, client, request, (size_t)size);
}

static size_t body_length(const char *head, size_t size)
{
    for (const char *line = head; (line = memmem(line, size - (size_t)(line - head), "\r\n", 2));) {
        line += 2;
        if (strncasecmp(line, LENGTH, sizeof LENGTH - 1) == 0)
            return strtoul(line + sizeof LENGTH - 1, NULL, 10);
    }
    return 0;
}

/* An answer holds its entries and the log's end: the highest number is the next cursor. */
static void move_cursor(Client *client, const char *body, size_t size)
{
    const char *end = body + size;
    while ((body = memmem(body, (size_t)(end - body), SEQ, sizeof SEQ - 1))) {
        body += sizeof SEQ - 1;
        uint64_t seq = strtoull(body, NULL, 10);
        if (seq > client->cursor)
            client->cursor = seq;
    }
}

/* Takes one whole answer from the bytes; returns its size, or 0 while its end has not come. */
size_t poll_take(Load *load, Client *client, const char *bytes, size_t size)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - bytes) + 4, body = body_length(bytes, head);
    if (head + body > INBOX_SIZE) {
        load->errors++;
        client_close(load, client);
        return 0;
    }
    if (size < head + body)
        return 0;
    if (head < 12 || bytes[9] != '2') {
        load->errors++;
        client_close(load, client);
        return head + body;
    }
    if (client->poster) {
        client->awaited = 0;
    } else {
        move_cursor(client, bytes + head, body);
        count_deliveries(load, client, bytes + head, body);
        poll_ask(load, client);
    }
    return head + body;
}
