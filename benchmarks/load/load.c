/* A load generator for chat servers: many WebSocket or long-poll clients in one thread, cheap enough not to be what is measured.
 *
 * Every message carries the time it was sent at, as @<16 hexadecimal digits of CLOCK_MONOTONIC in nanoseconds>@. A delivery is
 * one such marker that a client reads, in whatever JSON or plain text it stands, so all servers are counted alike.
 * Prints one line of JSON. See options.c for the flags.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "load.h"

enum {
    EVENTS = 1024,             /* taken from the kernel at once */
    DRAIN_SECONDS = 5,         /* for what is still under way after the measured time */
    STALL_SECONDS = 1,         /* in poll mode: for a message to reach all, before the next goes out all the same */
};

/* Between looks for events it sleeps by the clock. Were it waiting for them, each send of a server would first have to wake it on
 * the other core, which is dear on a virtual machine and which no server pays for clients that are elsewhere. Times come out
 * this much longer, for all servers alike. */
static const struct timespec NAP = {.tv_nsec = 50000};

/* A poll says nothing that would show it was accepted, so these connect by the clock: 64 each time, 1,280 a second. */
static const double POLL_CONNECT_SECONDS = 0.05, POLL_SETTLE_SECONDS = 1;

uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t after(double seconds)
{
    return now_ns() + (uint64_t)(seconds * 1e9);
}

static int members_of_room(const Options *options, int room)
{
    return options->clients / options->rooms + (room < options->clients % options->rooms);
}

static void send_message(Load *load, Client *client)
{
    char message[REQUEST_SIZE / 2];
    uint64_t stamp = new_stamp(load);
    size_t size = template_expand(message, sizeof message, load->options.message, load, client, stamp);
    client->awaited = stamp;
    load->messages++;
    load->window_messages += load->measuring;
    load->expected += (uint64_t)members_of_room(&load->options, client->index % load->options.rooms);
    if (load->options.poll)
        poll_post(load, client, message, size);
    else
        websocket_send(load, client, 1, message, size);
}

/* Sends from the next client in turn that waits for no message of its own; false if all do. */
bool send_next(Load *load)
{
    int first = load->options.poll ? load->options.clients : 0, senders = load->total - first;
    for (int tries = 0; load->sending && tries < senders; tries++) {
        Client *client = &load->clients[first + load->next_sender];
        load->next_sender = (load->next_sender + 1) % senders;
        if (client->state == READY && client->awaited == 0) {
            send_message(load, client);
            return true;
        }
    }
    return false;
}

static void handle_events(Load *load, uint64_t until)
{
    static struct epoll_event events[EVENTS];
    int count = epoll_wait(load->epoll, events, EVENTS, 0);
    if (count == 0 && now_ns() < until)
        nanosleep(&NAP, NULL);
    for (int i = 0; i < count; i++)
        client_handle(load, events[i].data.ptr, events[i].events);
}

/* Sends what is due at the given rate, and returns when the next message is. */
static uint64_t send_paced(Load *load, uint64_t due)
{
    for (uint64_t now = now_ns(); due <= now; due += (uint64_t)(1e9 / load->options.rate))
        send_next(load);
    return due;
}

/* One message at a time to all the polls: a poll that is being answered is not waiting and could not be given the next. */
static uint64_t send_in_lockstep(Load *load)
{
    uint64_t patience = load->last_stamp + STALL_SECONDS * 1000000000u;
    if (load->deliveries < load->expected && now_ns() < patience)
        return patience;
    send_next(load);
    return after(STALL_SECONDS);
}

/* Lets the traffic flow for some seconds. In a burst each message that arrives sends the next one, see count_deliveries. */
static void run(Load *load, double seconds)
{
    const Options *options = &load->options;
    uint64_t end = after(seconds), next = now_ns();
    while (now_ns() < end) {
        if (options->mode == PACED)
            next = send_paced(load, next);
        else if (options->mode == BURST && options->poll)
            next = send_in_lockstep(load);
        else
            next = end;
        handle_events(load, next < end ? next : end);
    }
}

/* Connects all clients, a few at a time; returns the seconds it took. */
static double connect_all(Load *load)
{
    uint64_t start = now_ns(), deadline = after(load->options.connect_seconds);
    int started = 0;
    while (load->ready + load->closed < load->total && now_ns() < deadline) {
        while (started < load->total && started - load->ready - load->closed < CONNECTING_AT_ONCE)
            client_connect(load, &load->clients[started++]);
        handle_events(load, deadline);
        if (load->options.poll && load->ready + load->closed == started)
            run(load, started < load->total ? POLL_CONNECT_SECONDS : POLL_SETTLE_SECONDS);
    }
    return (double)(now_ns() - start) / 1e9;
}

static void drain(Load *load)
{
    uint64_t deadline = after(DRAIN_SECONDS);
    load->sending = false;
    while (load->deliveries < load->expected && now_ns() < deadline)
        handle_events(load, deadline);
}

static void read_cpu(const Options *options, double *seconds)
{
    for (int i = 0; i < options->process_count; i++)
        seconds[i] = process_cpu_seconds(options->processes[i]);
}

static void read_memory(const Options *options, long *kilobytes)
{
    for (int i = 0; i < options->process_count; i++)
        kilobytes[i] = process_memory_kb(options->processes[i]);
}

/* Connects, warms up, measures, waits for what is missing, and prints the figures. */
static void measure(Load *load)
{
    const Options *options = &load->options;
    double cpu_alone[PROCESS_LIMIT], cpu_joined[PROCESS_LIMIT], cpu_start[PROCESS_LIMIT], cpu_end[PROCESS_LIMIT];
    long memory_alone[PROCESS_LIMIT], memory_joined[PROCESS_LIMIT];

    read_memory(options, memory_alone);
    read_cpu(options, cpu_alone);
    double connecting = connect_all(load);
    int connected = load->ready;
    read_cpu(options, cpu_joined);
    run(load, options->mode == IDLE ? options->warmup : 0);
    read_memory(options, memory_joined);

    load->sending = options->mode != IDLE;
    for (int i = 0; options->mode == BURST && !options->poll && i < options->in_flight; i++)
        send_next(load);
    run(load, options->mode == IDLE ? 0 : options->warmup);

    double own = process_cpu_seconds(0);
    uint64_t started = now_ns();
    read_cpu(options, cpu_start);
    load->measuring = true;
    run(load, options->seconds);
    load->measuring = false;
    read_cpu(options, cpu_end);
    double seconds = (double)(now_ns() - started) / 1e9;
    own = process_cpu_seconds(0) - own;
    int closed = load->closed;
    drain(load);

    uint64_t missing = load->expected > load->deliveries ? load->expected - load->deliveries : 0;
    printf("{\"connected\":%d,\"connect_seconds\":%.6f,\"closed\":%d,\"errors\":%" PRIu64 ",\"missing\":%" PRIu64
           ",\"messages\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"seconds\":%.6f,\"generator_cpu\":%.6f,",
           connected, connecting, closed, load->errors, missing, load->window_messages, load->window_deliveries, seconds,
           own);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"processes\":[", histogram_microseconds(0.5),
           histogram_microseconds(0.99), histogram_worst());
    for (int i = 0; i < options->process_count; i++)
        printf("%s{\"cpu\":%.6f,\"connect_cpu\":%.6f,\"kb_alone\":%ld,\"kb_joined\":%ld}", i ? "," : "",
               cpu_end[i] - cpu_start[i], cpu_joined[i] - cpu_alone[i], memory_alone[i], memory_joined[i]);
    puts("]}");
}

int main(int count, char **arguments)
{
    Load load = {.options = options_read(count, arguments), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    load.total = load.options.clients + (load.options.poll ? load.options.in_flight : 0);
    load.clients = calloc((size_t)load.total, sizeof *load.clients);
    if (!load.clients || load.epoll < 0) {
        perror("load");
        return 1;
    }
    for (int i = 0; i < load.total; i++)
        load.clients[i] = (Client){.fd = -1, .index = i, .poster = i >= load.options.clients};
    measure(&load);
    return 0;
}
