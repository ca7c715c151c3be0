/* The parts of the load generator and what they share. See load.c for what it does as a whole. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TEXT_SIZE = 100,           /* bytes of one chat text: a sentence */
    REQUEST_SIZE = 4096,       /* an expanded path or message, with its headers */
    PROCESS_LIMIT = 8,         /* a server and its database are two */
    CONNECTING_AT_ONCE = 64,   /* below 100, the shortest accept queue among the servers */
    INBOX_SIZE = 8 << 20,      /* holds the largest frame together with what came before it */
};

typedef enum { BURST, PACED, IDLE } Mode;

typedef struct {
    Mode mode;
    bool poll;                 /* long-poll over HTTP instead of WebSocket */
    bool socketio;             /* speak engine.io's and Socket.IO's handshake inside the WebSocket */
    int port, clients, rooms, in_flight, process_count;
    double rate, warmup, seconds, connect_seconds;
    const char *path, *post_path, *message, *ready, *error;
    pid_t processes[PROCESS_LIMIT];
} Options;

typedef enum { CONNECTING, UPGRADING, JOINING, READY, CLOSED } State;

typedef struct {
    int fd, index;
    State state;
    bool poster;               /* in poll mode: one of those that send, and do not listen */
    uint64_t awaited;          /* stamp of its own message that it has not seen yet, else 0 */
    uint64_t cursor;           /* in poll mode: the highest `seq` it has seen */
    char *rest;                /* the beginning of a frame whose end has not come yet */
    size_t rest_size;
} Client;

typedef struct {
    Options options;
    int epoll, total;          /* `total` counts listeners and posters */
    Client *clients;
    int ready, closed;
    bool sending, measuring;
    int next_sender;
    uint64_t last_stamp;       /* of the message sent last */
    uint64_t read_at;          /* when the bytes in hand were received */
    uint64_t messages, expected, deliveries, errors;
    uint64_t window_messages, window_deliveries;
} Load;

/* histogram.c: latencies in nanoseconds, in buckets of at most 1.6 % width */
void histogram_add(uint64_t nanoseconds);
double histogram_microseconds(double quantile);
double histogram_worst(void);

/* process.c: what the kernel says about a process */
double process_cpu_seconds(pid_t process);
long process_memory_kb(pid_t process);

/* options.c */
Options options_read(int count, char **arguments);

/* load.c */
uint64_t now_ns(void);
bool send_next(Load *load);

/* template.c: paths and messages with their placeholders */
size_t template_expand(char *to, size_t size, const char *from, Load *load, Client *client, uint64_t stamp);
uint64_t new_stamp(Load *load);

/* client.c: connections, and what is the same for both transports */
void client_connect(Load *load, Client *client);
void client_handle(Load *load, Client *client, uint32_t events);
void client_write(Load *load, Client *client, const char *bytes, size_t size);
void client_became_ready(Load *load, Client *client);
void client_close(Load *load, Client *client);
size_t count_deliveries(Load *load, Client *client, const char *text, size_t size);

/* websocket.c and poll.c: each takes whole frames or answers from the bytes and says how many bytes those were */
void websocket_upgrade(Load *load, Client *client);
size_t websocket_take(Load *load, Client *client, const char *bytes, size_t size);
void websocket_send(Load *load, Client *client, int opcode, const char *text, size_t size);
void poll_ask(Load *load, Client *client);
size_t poll_take(Load *load, Client *client, const char *bytes, size_t size);
void poll_post(Load *load, Client *client, const char *body, size_t size);

#endif
