/* Fills the placeholders of a path or a message; options.c lists them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

/* The time a message is sent at; made unique, so that it also names the message. */
uint64_t new_stamp(Load *load)
{
    uint64_t stamp = now_ns();
    if (stamp <= load->last_stamp)
        stamp = load->last_stamp + 1;
    load->last_stamp = stamp;
    return stamp;
}

/* TEXT_SIZE bytes that begin with the marker by which deliveries are counted and timed. */
static int write_text(char *to, size_t size, uint64_t stamp)
{
    static const char words[] = " The quick brown fox jumps over the lazy dog, and nobody in the room has minded it";
    return snprintf(to, size, "@%016" PRIx64 "@%.*s", stamp, TEXT_SIZE - 18, words);
}

/* A UUID of version 4 by its shape; unique in one run and, by the monotonic clock, between runs. */
static int write_key(char *to, size_t size, uint64_t stamp)
{
    return snprintf(to, size, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned)(stamp >> 32), (unsigned)(stamp >> 16 & 0xffff),
                    (unsigned)(stamp >> 4 & 0xfff), (unsigned)(stamp & 0xfff), (stamp * 0x9e3779b97f4a7c15u) >> 16);
}

static int write_field(char *to, size_t size, const char *name, Load *load, Client *client, uint64_t stamp)
{
    if (strncmp(name, "i}", 2) == 0)
        return snprintf(to, size, "%d", client->index);
    if (strncmp(name, "run}", 4) == 0)
        return snprintf(to, size, "%d", (int)getpid());
    if (strncmp(name, "room}", 5) == 0)
        return snprintf(to, size, "%d", client->index % load->options.rooms);
    if (strncmp(name, "cursor}", 7) == 0)
        return snprintf(to, size, "%" PRIu64, client->cursor);
    if (strncmp(name, "key}", 4) == 0)
        return write_key(to, size, stamp);
    if (strncmp(name, "text}", 5) == 0)
        return write_text(to, size, stamp);
    return -1;
}

/* Writes `from` with its placeholders filled to `to`, with a zero at the end; returns the size without it. */
size_t template_expand(char *to, size_t size, const char *from, Load *load, Client *client, uint64_t stamp)
{
    size_t used = 0;
    while (*from && used + 1 < size) {
        int written = *from == '{' ? write_field(to + used, size - used, from + 1, load, client, stamp) : -1;
        if (written < 0) {
            to[used++] = *from++;
        } else {
            used += (size_t)written;
            from = strchr(from, '}') + 1;
        }
    }
    used = used < size ? used : size - 1;
    to[used] = 0;
    return used;
}
