/* One connection: connecting, reading, writing, closing, and counting what it is delivered. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { MARKER_SIZE = 18 }; /* @, 16 hexadecimal digits, @ */

static char inbox[INBOX_SIZE];

static void watch(Load *load, Client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(load->epoll, operation, client->fd, &event);
}

void client_connect(Load *load, Client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->state = CONNECTING;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
        client_close(load, client);
        return;
    }
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(load, client, EPOLL_CTL_ADD, EPOLLOUT);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        client_close(load, client);
}

void client_close(Load *load, Client *client)
{
    if (client->state == CLOSED)
        return;
    if (client->state == READY)
        load->ready--;
    client->state = CLOSED;
    load->closed++;
    if (client->fd >= 0)
        close(client->fd);
    free(client->rest);
    client->rest = NULL;
    client->rest_size = 0;
}

void client_became_ready(Load *load, Client *client)
{
    if (client->state != READY)
        load->ready++;
    client->state = READY;
}

/* A request or a message is far below a socket's buffer; what does not fit means that the server has stopped reading. */
void client_write(Load *load, Client *client, const char *bytes, size_t size)
{
    if (client->state != CLOSED && send(client->fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) {
        load->errors++;
        client_close(load, client);
    }
}

static void connected(Load *load, Client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        client_close(load, client);
        return;
    }
    watch(load, client, EPOLL_CTL_MOD, EPOLLIN);
    if (!load->options.poll) {
        websocket_upgrade(load, client);
        return;
    }
    client_became_ready(load, client);
    if (!client->poster)
        poll_ask(load, client);
}

static void keep_rest(Client *client, const char *bytes, size_t size)
{
    if (size > 0)
        client->rest = realloc(client->rest, size);
    if (size > 0 && !client->rest)
        abort();
    memcpy(client->rest ? client->rest : inbox, bytes, size);
    client->rest_size = size;
}

static void receive(Load *load, Client *client)
{
    size_t size = client->rest_size;
    if (size > 0)
        memcpy(inbox, client->rest, size);
    ssize_t received = recv(client->fd, inbox + size, INBOX_SIZE - size, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    if (received <= 0) {
        client_close(load, client);
        return;
    }
    load->read_at = now_ns();
    size += (size_t)received;
    size_t done = 0, taken;
    do {
        taken = (load->options.poll ? poll_take : websocket_take)(load, client, inbox + done, size - done);
        done += taken;
    } while (taken > 0 && done < size && client->state != CLOSED);
    if (client->state != CLOSED)
        keep_rest(client, inbox + done, size - done);
}

void client_handle(Load *load, Client *client, uint32_t events)
{
    if (client->state == CONNECTING)
        connected(load, client);
    else if (client->state != CLOSED && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(load, client);
}

/* The stamp between two @, or 0 if that is no marker. */
static uint64_t stamp_at(const char *marker)
{
    uint64_t stamp = 0;
    if (marker[MARKER_SIZE - 1] != '@')
        return 0;
    for (int i = 1; i < MARKER_SIZE - 1; i++) {
        int digit = marker[i] <= '9' ? marker[i] - '0' : marker[i] - 'a' + 10;
        if (digit < 0 || digit > 15)
            return 0;
        stamp = stamp << 4 | (uint64_t)digit;
    }
    return stamp;
}

/* Counts and times the markers in a text, and sends the next message for each of the client's own. Returns their number. */
size_t count_deliveries(Load *load, Client *client, const char *text, size_t size)
{
    const char *end = text + size;
    size_t found = 0;
    while (end - text >= MARKER_SIZE && (text = memchr(text, '@', (size_t)(end - text) - MARKER_SIZE + 1))) {
        uint64_t stamp = stamp_at(text);
        if (stamp == 0) {
            text++;
            continue;
        }
        text += MARKER_SIZE;
        found++;
        if (load->measuring)
            histogram_add(load->read_at - stamp);
        if (stamp == client->awaited) {
            client->awaited = 0;
            if (load->options.mode == BURST)
                send_next(load);
        }
    }
    load->deliveries += found;
    if (load->measuring)
        load->window_deliveries += found;
    return found;
}
