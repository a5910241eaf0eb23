/* The most that this machine's vector multipliers and its memory can do, to judge the kernels by.
 */
#ifndef UMBRA_MATH_ROOF_H
#define UMBRA_MATH_ROOF_H

#include "math/kernels.h"

/* Multiplications on whole registers, the scarcest that a kernel set needs: 52-bit multiply-adds of
 * 64 bytes, or double multiplications and fused multiply-adds of 32 bytes. All 0 for portable C. */
typedef struct umbra_roof {
    double per_ns;        /* that one thread does, independent ones, measured for milliseconds */
    double per_butterfly; /* of one pair of coefficients: so many, over the lanes */
    double per_product;   /* of one a*b of a sum of products */
} umbra_roof;

umbra_roof umbra_roof_measure(const umbra_kernels *kernels);
/* The least time of a transform: N/2 * log2(N) butterflies. */
double umbra_roof_ntt_ns(const umbra_roof *roof, int degree_log2);
double umbra_roof_products_ns(const umbra_roof *roof, double count);

/* Bytes that one thread reads from memory in a nanosecond, in order: the best of some passes over
 * `bytes`, which are more than the caches hold. */
double umbra_roof_memory_bytes_per_ns(const uint64_t *words, size_t bytes);

#endif
