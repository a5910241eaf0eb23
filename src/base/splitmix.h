/* Numbers that look random and are the same everywhere. Nothing secret may come of them. */
#ifndef UMBRA_BASE_SPLITMIX_H
#define UMBRA_BASE_SPLITMIX_H

#include <stdint.h>

/* The next of 2^64 numbers; any state is a good one.
 *
 * Source: splitmix64 [SLF14] */
static inline uint64_t umbra_splitmix_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

#endif
