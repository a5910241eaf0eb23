/* Arithmetic of kernels by fused multiply-add: four residues as exact integers in doubles. */
#ifndef UMBRA_MATH_KERNELS_AVX2_H
#define UMBRA_MATH_KERNELS_AVX2_H

#include "math/kernels.h"

#include <immintrin.h>

#define LANES 4
#define ALWAYS static inline __attribute__((always_inline))
typedef __m256d vec;

ALWAYS vec broadcast(double x)
{
    return _mm256_set1_pd(x);
}

/* An integer below 2^52 in the mantissa of 2^52 is the number 2^52 + integer. */
ALWAYS vec load(const uint64_t *p)
{
    const vec two52 = broadcast(0x1p52);
    return _mm256_sub_pd(_mm256_or_pd(_mm256_load_pd((const void *)p), two52), two52);
}

ALWAYS void store(uint64_t *p, vec x)
{
    const vec two52 = broadcast(0x1p52);
    _mm256_store_pd((double *)(void *)p, _mm256_xor_pd(_mm256_add_pd(x, two52), two52));
}

typedef struct constants {
    vec q, inverse, magic;
} constants;

ALWAYS constants constants_of(const umbra_modulus *m)
{
    return (constants){broadcast((double)m->q), broadcast(m->inverse), broadcast(0x1.8p52)};
}

/* Range in: -q < x < q. Range out: [0, q); a zero of either sign is not below zero. */
ALWAYS vec lift(vec x, const constants *c)
{
    vec negative = _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ);
    return _mm256_add_pd(x, _mm256_and_pd(negative, c->q));
}

/* Range in: |x| < 2^53. Range out: |r| < 3q/4: x/q is known within 2^-52 of its size, at most 2^40,
 * and the rounding to an integer adds 1/2. */
ALWAYS vec centre(vec x, const constants *c)
{
    vec k = _mm256_sub_pd(_mm256_fmadd_pd(x, c->inverse, c->magic), c->magic);
    return _mm256_fnmadd_pd(k, c->q, x);
}

/* a*b mod q. Range in: |a*b| < 2^50 q. Range out: |r| <= 3q/4: h/q, below 2^50, is known within
 * 2^-52 of its size by fl(h*inverse), so within 1/4; h - k*q and h's rounding error, below 2^48,
 * are exact. */
ALWAYS vec multiply(vec a, vec b, const constants *c)
{
    vec h = _mm256_mul_pd(a, b);
    vec l = _mm256_fmsub_pd(a, b, h);
    vec k = _mm256_sub_pd(_mm256_fmadd_pd(h, c->inverse, c->magic), c->magic);
    return _mm256_add_pd(_mm256_fnmadd_pd(k, c->q, h), l);
}

#endif
