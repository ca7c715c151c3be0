/* The limit: a WebSocket broadcast in C, one thread, one epoll loop, that does nothing else.
 *
 *   epoll_loop --port=N          one send for each message and client
 *   epoll_loop --port=N --join   what one turn of the loop brings is joined: one send for each client and turn
 *
 * It is no server to use: it knows whole text frames of up to 64 KiB and the one handshake of the load generator.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENT_LIMIT = 20000, EVENTS = 1024, ACCEPT_QUEUE = 1024, FRAME_LIMIT = 65536, INBOX_SIZE = 2 * FRAME_LIMIT };

typedef struct {
    int fd, place;             /* `place` in `clients` */
    bool joined;               /* the handshake is over */
    char *in, *out;            /* the beginning of a frame; what the kernel has not taken yet */
    size_t in_size, out_size;
} Client;

static Client *clients[CLIENT_LIMIT];
static int client_count, epoll;
static bool join;
static char inbox[INBOX_SIZE], *joined_frames;
static size_t joined_size, joined_room;

/* The answer to the key of the example in RFC 6455, section 1.3, which the load generator sends. */
static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void watch(Client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(epoll, operation, client->fd, &event);
}

static void append(char **buffer, size_t *size, const char *bytes, size_t count)
{
    *buffer = realloc(*buffer, *size + count);
    if (!*buffer)
        abort();
    memcpy(*buffer + *size, bytes, count);
    *size += count;
}

static void send_bytes(Client *client, const char *bytes, size_t size)
{
    ssize_t sent = client->out_size > 0 ? 0 : send(client->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == size)
        return;
    append(&client->out, &client->out_size, bytes + sent, size - (size_t)sent);
    watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void send_rest(Client *client)
{
    ssize_t sent = send(client->fd, client->out, client->out_size, MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    client->out_size -= (size_t)sent;
    memmove(client->out, client->out + sent, client->out_size);
    if (client->out_size == 0)
        watch(client, EPOLL_CTL_MOD, EPOLLIN);
}

static void send_to_all(const char *bytes, size_t size)
{
    for (int i = 0; i < client_count; i++)
        if (clients[i]->joined)
            send_bytes(clients[i], bytes, size);
}

/* The frame for a text, once, whatever the number of clients. */
static void broadcast(const char *text, size_t size)
{
    char frame[4 + FRAME_LIMIT] = {(char)0x81, (char)size};
    size_t head = 2;
    if (size > 125) {
        frame[1] = 126;
        frame[2] = (char)(size >> 8);
        frame[3] = (char)size;
        head = 4;
    }
    memcpy(frame + head, text, size);
    if (!join) {
        send_to_all(frame, head + size);
        return;
    }
    if (joined_size + head + size > joined_room)
        joined_frames = realloc(joined_frames, joined_room = 2 * (joined_size + head + size));
    if (!joined_frames)
        abort();
    memcpy(joined_frames + joined_size, frame, head + size);
    joined_size += head + size;
}

static size_t take(Client *client, char *bytes, size_t size)
{
    if (!client->joined) {
        char *end = memmem(bytes, size, "\r\n\r\n", 4);
        if (!end)
            return 0;
        send_bytes(client, UPGRADE, sizeof UPGRADE - 1);
        client->joined = true;
        return (size_t)(end - bytes) + 4;
    }
    const unsigned char *raw = (const unsigned char *)bytes;
    if (size < 8)
        return 0;
    size_t length = raw[1] & 0x7f, head = 6;
    if (length == 126) {
        length = (size_t)raw[2] << 8 | raw[3];
        head = 8;
    }
    if (size < head + length)
        return 0;
    for (size_t i = 0; i < length; i++)
        bytes[head + i] ^= bytes[head - 4 + i % 4];
    if ((raw[0] & 0x0f) == 1)
        broadcast(bytes + head, length);
    return head + length;
}

static void drop(Client *client)
{
    close(client->fd);
    clients[client->place] = clients[--client_count];
    clients[client->place]->place = client->place;
    free(client->in);
    free(client->out);
    free(client);
}

static void receive(Client *client)
{
    size_t size = client->in_size, done = 0, taken;
    if (size > 0)
        memcpy(inbox, client->in, size);
    ssize_t received = recv(client->fd, inbox + size, INBOX_SIZE - size, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0) {
        drop(client);
        return;
    }
    size += (size_t)received;
    while (done < size && (taken = take(client, inbox + done, size - done)) > 0)
        done += taken;
    client->in_size = 0;
    if (done < size)
        append(&client->in, &client->in_size, inbox + done, size - done);
}

static void accept_all(int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        Client *client = client_count < CLIENT_LIMIT ? calloc(1, sizeof *client) : NULL;
        if (!client) {
            close(fd);
            continue;
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        client->fd = fd;
        client->place = client_count;
        clients[client_count++] = client;
        watch(client, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, ACCEPT_QUEUE) != 0) {
        perror("epoll_loop");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    return listener;
}

int main(int count, char **arguments)
{
    int port = 0;
    for (int i = 1; i < count; i++) {
        sscanf(arguments[i], "--port=%d", &port);
        join = join || strcmp(arguments[i], "--join") == 0;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    static struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            Client *client = events[i].data.ptr;
            if (!client)
                accept_all(listener);
            else if (events[i].events & EPOLLOUT)
                send_rest(client);
            else
                receive(client);
        }
        if (joined_size > 0)
            send_to_all(joined_frames, joined_size);
        joined_size = 0;
    }
}
