/* Processor time and memory of another process, as the kernel counts them. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "load.h"

/* Of all its threads, those that have ended included; in steps of nanoseconds, not of the 10 ms of /proc/PID/stat. */
double process_cpu_seconds(pid_t process)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return -1;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The proportional set size: a page that several processes share counts for each in part. -1 if it cannot be read. */
long process_memory_kb(pid_t process)
{
    char path[64], line[256];
    long kilobytes = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)process);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %ld", &kilobytes) == 1)
            break;
    fclose(file);
    return kilobytes;
}
