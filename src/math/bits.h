/* Reversal of the bits of an index. */
#ifndef UMBRA_MATH_BITS_H
#define UMBRA_MATH_BITS_H

#include <stdint.h>

/* The low `bits` bits of x in opposite order; bits 0 .. 32, x < 2^bits. */
static inline uint32_t umbra_bit_reverse(uint32_t x, int bits)
{
    x = ((x & 0x55555555u) << 1) | ((x >> 1) & 0x55555555u);
    x = ((x & 0x33333333u) << 2) | ((x >> 2) & 0x33333333u);
    x = ((x & 0x0f0f0f0fu) << 4) | ((x >> 4) & 0x0f0f0f0fu);
    x = ((x & 0x00ff00ffu) << 8) | ((x >> 8) & 0x00ff00ffu);
    x = (x << 16) | (x >> 16);
    return bits == 0 ? 0 : x >> (32 - bits);
}

#endif
