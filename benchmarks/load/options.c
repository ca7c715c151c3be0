/* The flags of the load generator. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char USAGE[] =
    "load: measures a chat server on 127.0.0.1\n"
    "  --mode=burst|paced|idle  messages as fast as they come back, at a rate, or none\n"
    "  --port=N --path=PATH     where a client connects or, with --post-path, polls\n"
    "  --message=TEXT           what a client sends\n"
    "  --clients=N --rooms=N    client i is in room i % rooms\n"
    "  --in-flight=K            messages under way at once in a burst; with --post-path: connections that post\n"
    "  --rate=R                 messages a second, all senders together, with --mode=paced\n"
    "  --warmup=S --seconds=S   unmeasured and measured time\n"
    "  --connect-seconds=S      for all clients to connect\n"
    "  --pid=PID                a process of the server, up to 8 times: its CPU time and memory are reported\n"
    "  --ready=PART             a client has joined when it reads a frame that contains this\n"
    "  --error=PART             a frame that contains this counts as an error\n"
    "  --socketio               speak Socket.IO's handshake\n"
    "  --post-path=PATH         long-poll: clients GET --path again and again, messages are POSTed here\n"
    "In PATH and TEXT: {i} index of the client, {run} number of this run, {room}, {cursor} highest \"seq\" seen, {key} a new UUID,\n"
    "  {text} the chat text\n";

enum { MODE = 1, PORT, PATH, MESSAGE, CLIENTS, ROOMS, IN_FLIGHT, RATE, WARMUP, SECONDS, CONNECT, PID, READY_PART, ERROR_PART, SOCKETIO, POST_PATH };

static const struct option FLAGS[] = {
    {"mode", required_argument, NULL, MODE},
    {"port", required_argument, NULL, PORT},
    {"path", required_argument, NULL, PATH},
    {"message", required_argument, NULL, MESSAGE},
    {"clients", required_argument, NULL, CLIENTS},
    {"rooms", required_argument, NULL, ROOMS},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"rate", required_argument, NULL, RATE},
    {"warmup", required_argument, NULL, WARMUP},
    {"seconds", required_argument, NULL, SECONDS},
    {"connect-seconds", required_argument, NULL, CONNECT},
    {"pid", required_argument, NULL, PID},
    {"ready", required_argument, NULL, READY_PART},
    {"error", required_argument, NULL, ERROR_PART},
    {"socketio", no_argument, NULL, SOCKETIO},
    {"post-path", required_argument, NULL, POST_PATH},
    {0},
};

static void fail(void)
{
    fputs(USAGE, stderr);
    exit(2);
}

static Mode mode_named(const char *name)
{
    if (strcmp(name, "burst") != 0 && strcmp(name, "paced") != 0 && strcmp(name, "idle") != 0)
        fail();
    return name[0] == 'b' ? BURST : name[0] == 'p' ? PACED : IDLE;
}

static void take(Options *options, int flag, const char *value)
{
    switch (flag) {
    case MODE: options->mode = mode_named(value); break;
    case PORT: options->port = atoi(value); break;
    case PATH: options->path = value; break;
    case MESSAGE: options->message = value; break;
    case CLIENTS: options->clients = atoi(value); break;
    case ROOMS: options->rooms = atoi(value); break;
    case IN_FLIGHT: options->in_flight = atoi(value); break;
    case RATE: options->rate = atof(value); break;
    case WARMUP: options->warmup = atof(value); break;
    case SECONDS: options->seconds = atof(value); break;
    case CONNECT: options->connect_seconds = atof(value); break;
    case READY_PART: options->ready = value; break;
    case ERROR_PART: options->error = value; break;
    case SOCKETIO: options->socketio = true; break;
    case POST_PATH: options->post_path = value; options->poll = true; break;
    case PID:
        if (options->process_count == PROCESS_LIMIT)
            fail();
        options->processes[options->process_count++] = atoi(value);
        break;
    default: fail();
    }
}

Options options_read(int count, char **arguments)
{
    Options options = {.path = "/", .message = "{text}", .clients = 10, .rooms = 1, .in_flight = 8, .rate = 20,
                       .warmup = 1, .seconds = 3, .connect_seconds = 60};
    for (int flag; (flag = getopt_long(count, arguments, "", FLAGS, NULL)) != -1;)
        take(&options, flag, optarg);
    if (options.port < 1 || options.clients < 1 || options.rooms < 1 || options.in_flight < 1 || options.rate <= 0)
        fail();
    return options;
}
