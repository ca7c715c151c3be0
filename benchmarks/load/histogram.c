/* A histogram with logarithmic buckets: 64 for each doubling, so a figure is at most 1.6 % off. */
#include "load.h"

enum { STEPS = 64, STEP_BITS = 6, BUCKETS = STEPS * 40 }; /* 40 doublings reach beyond an hour */

static uint64_t counts[BUCKETS], total, worst;

static int bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (int)value;
    int doublings = 63 - __builtin_clzll(value) - STEP_BITS;
    int bucket = (doublings + 1) * STEPS + (int)((value >> doublings) & (STEPS - 1));
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t start_of(int bucket)
{
    if (bucket < STEPS)
        return (uint64_t)bucket;
    int doublings = bucket / STEPS - 1;
    return (uint64_t)(STEPS + bucket % STEPS) << doublings;
}

void histogram_add(uint64_t nanoseconds)
{
    counts[bucket_of(nanoseconds)]++;
    total++;
    if (nanoseconds > worst)
        worst = nanoseconds;
}

double histogram_microseconds(double quantile)
{
    uint64_t seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += counts[bucket];
        if (seen > 0 && (double)seen >= quantile * (double)total)
            return (double)start_of(bucket) / 1000;
    }
    return 0;
}

double histogram_worst(void)
{
    return (double)worst / 1000;
}
