/* The NTT by fused multiply-add, four residues at a time as exact integers in doubles.
 *
 * Bounds are in units of q < 2^50, for roots w centred: |w| <= q/2. With h = fl(y*w), l = y*w - h
 * (exact) and k the integer next to y*w/q as computed, the product is T = (h - k*q) + l:
 *   - k = fl(y*v + M) - M with v = fl(w * inverse) and M = 1.5*2^52, one rounding to an integer:
 * right while |y*v| <= 2^51, so for |y| <= 4;
 *   - v is within 2^-52 (1 + 2^-53) of w/q relatively, so k is within 1/2 + 2^50 |y|/2 * 2^-52 of
 * y*w/q: |T| <= 1/2 + |y|/8;
 *   - |l| <= 2^48 while |h| < 2^102, so h - k*q is an integer below 2^53, which the fused operation
 * gives exactly; T too.
 * The shorter form has k = the integer next to fl(y*v): two instructions that write new registers,
 * one cycle earlier than the two with M. fl(y*v) is another 2^50 |y|/2 * 2^-53 off: |T| <= 1/2 +
 * 3|y|/16, while |h| < 2^102, so for |y| < 8. */
#include "math/x86/sets_x86.h"

#include <immintrin.h>

#define LANES 4
#define LANES_LOG2 2
#define GROUPS 2
#define LANES_APART 1
#define TAIL_LEVEL 3 /* the last level of all centres, as the first of the last five does */
#define FORWARD_PERIOD 4
#define INVERSE_PERIOD 2
#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define ALWAYS static inline __attribute__((always_inline))
typedef __m256d vec;

typedef struct constants {
    vec q, inverse, magic;
} constants;

typedef struct factors {
    const double *w;
} factors;

typedef struct factor {
    vec w, v; /* the root, and the root over q */
} factor;

ALWAYS constants constants_of(const umbra_modulus *m)
{
    return (constants){_mm256_set1_pd((double)m->q), _mm256_set1_pd(m->inverse),
                       _mm256_set1_pd(0x1.8p52)};
}

ALWAYS factors forward_factors(const umbra_ntt *ntt)
{
    return (factors){ntt->roots_centred};
}

ALWAYS factors inverse_factors(const umbra_ntt *ntt)
{
    return (factors){ntt->inverse_roots_centred};
}

ALWAYS factor factor_of(vec w, const constants *c)
{
    return (factor){w, _mm256_mul_pd(w, c->inverse)};
}

ALWAYS factor factor_at(const factors *f, size_t i, const constants *c)
{
    return factor_of(_mm256_set1_pd(f->w[i]), c);
}

/* Range in: |x| <= 4. Range out: |r| <= 1/2 (+ 2^-50). */
ALWAYS vec centre(vec x, const constants *c)
{
    vec k = _mm256_sub_pd(_mm256_fmadd_pd(x, c->inverse, c->magic), c->magic);
    return _mm256_fnmadd_pd(k, c->q, x);
}

/* Range in: |y| <= 4, |w| <= 1/2. Range out: |r| <= 1/2 + |y|/8. */
ALWAYS vec multiply(vec y, factor w, const constants *c)
{
    vec h = _mm256_mul_pd(y, w.w);
    vec k = _mm256_sub_pd(_mm256_fmadd_pd(y, w.v, c->magic), c->magic);
    vec l = _mm256_fmsub_pd(y, w.w, h);
    return _mm256_add_pd(_mm256_fnmadd_pd(k, c->q, h), l);
}

/* The same by the shorter form. Range in: |x| < 8, |y| < 8, |w| <= 1/2. Range out: |x| <= 1/2 (+
 * 2^-50), and 1/2 + 3|y|/16. */
ALWAYS vec centre_short(vec x, const constants *c)
{
    vec k = _mm256_round_pd(_mm256_mul_pd(x, c->inverse), NEAREST);
    return _mm256_fnmadd_pd(k, c->q, x);
}

ALWAYS vec multiply_short(vec y, factor w, const constants *c)
{
    vec h = _mm256_mul_pd(y, w.w);
    vec k = _mm256_round_pd(_mm256_mul_pd(y, w.v), NEAREST);
    vec l = _mm256_fmsub_pd(y, w.w, h);
    return _mm256_add_pd(_mm256_fnmadd_pd(k, c->q, h), l);
}

/* At least every fourth level centres x: bounds run 1.95 -> 2.82 -> 3.85 -> 5.08 -> 1/2 + 1/2 +
 * 3*5.08/16 < 1.96; the input, below 1, is inside the first. */
ALWAYS void forward_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    (void)multiplied;
    vec t = multiply_short(*y, w, c);
    vec s = level % FORWARD_PERIOD == 3 ? centre_short(*x, c) : *x;
    *x = _mm256_add_pd(s, t);
    *y = _mm256_sub_pd(s, t);
}

/* Every second level centres the sum: bounds run 1 -> max(2, 1/2 + 2/8) = 2 -> max(1/2, 1/2 + 4/8)
 * = 1. */
ALWAYS void inverse_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    (void)multiplied;
    vec d = _mm256_sub_pd(*x, *y);
    vec s = _mm256_add_pd(*x, *y);
    *x = level % INVERSE_PERIOD == 1 ? centre(s, c) : s;
    *y = multiply(d, w, c);
}

/* Range in: |x|, |y| <= 2. Range out: |x|, |y| < 1: 1/2 + 4/8 is not reached, because q <= 2^50
 * - 1. */
ALWAYS void inverse_last_butterfly(vec *x, vec *y, const umbra_ntt *ntt, const constants *c)
{
    vec d = _mm256_sub_pd(*x, *y);
    *x = multiply(_mm256_add_pd(*x, *y), factor_of(_mm256_set1_pd(ntt->degree_inverse_centred), c),
                  c);
    *y = multiply(d, factor_of(_mm256_set1_pd(ntt->inverse_roots_centred[0]), c), c);
}

ALWAYS factor factors_by_two(const factors *f, size_t i, const constants *c) /* 0 0 1 1 */
{
    const double *p = f->w + i;
    return factor_of(_mm256_insertf128_pd(_mm256_set1_pd(p[0]), _mm_set1_pd(p[1]), 1), c);
}

ALWAYS factor factors_by_one(const factors *f, size_t i, const constants *c)
{
    return factor_of(_mm256_loadu_pd(f->w + i), c);
}

#define UNROLL_PAIRS _Pragma("GCC unroll 8")

/* i is the place of the root of x[0]'s first level; those of the other registers follow. Elements 0
 * .. 7 of a pair go to (0 1 4 5 | 2 3 6 7), (even | odd), and back. */
ALWAYS void forward_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = _mm256_permute2f128_pd(x[k], x[k + 1], 0x20);
        vec b = _mm256_permute2f128_pd(x[k], x[k + 1], 0x31);
        forward_butterfly(&a, &b, factors_by_two(f, i + (size_t)k, c), level, 0, c);
        x[k] = _mm256_unpacklo_pd(a, b);
        x[k + 1] = _mm256_unpackhi_pd(a, b);
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        forward_butterfly(&x[k], &x[k + 1], factors_by_one(f, 2 * (i + (size_t)k), c), level + 1, 0,
                          c);
        vec a = _mm256_unpacklo_pd(x[k], x[k + 1]), b = _mm256_unpackhi_pd(x[k], x[k + 1]);
        x[k] = _mm256_permute2f128_pd(a, b, 0x20);
        x[k + 1] = _mm256_permute2f128_pd(a, b, 0x31);
    }
}

ALWAYS void inverse_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = _mm256_permute2f128_pd(x[k], x[k + 1], 0x20);
        vec b = _mm256_permute2f128_pd(x[k], x[k + 1], 0x31);
        x[k] = _mm256_unpacklo_pd(a, b);
        x[k + 1] = _mm256_unpackhi_pd(a, b);
        inverse_butterfly(&x[k], &x[k + 1], factors_by_one(f, 2 * (i + (size_t)k), c), level, 0, c);
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = _mm256_unpacklo_pd(x[k], x[k + 1]), b = _mm256_unpackhi_pd(x[k], x[k + 1]);
        inverse_butterfly(&a, &b, factors_by_two(f, i + (size_t)k, c), level + 1, 0, c);
        x[k] = _mm256_permute2f128_pd(a, b, 0x20);
        x[k + 1] = _mm256_permute2f128_pd(a, b, 0x31);
    }
}

#define load_vec(p) _mm256_loadu_pd((const double *)(const void *)(p))
#define store_vec(p, x) _mm256_storeu_pd((double *)(void *)(p), x)

/* An integer below 2^52 in the mantissa of 2^52 is the number 2^52 + integer. */
ALWAYS vec load_residues(const uint64_t *p)
{
    const vec two52 = _mm256_set1_pd(0x1p52);
    return _mm256_sub_pd(_mm256_or_pd(load_vec(p), two52), two52);
}

typedef struct centring {
    vec half, whole; /* p/2 and p */
} centring;

ALWAYS centring centring_of(uint64_t p, const constants *c)
{
    (void)c;
    return (centring){_mm256_set1_pd((double)(p / 2)), _mm256_set1_pd((double)p)};
}

/* Range out: |x| <= p/2 < 1 */
ALWAYS vec load_centred(const uint64_t *a, const centring *p)
{
    const vec x = load_residues(a);
    return _mm256_sub_pd(x, _mm256_and_pd(_mm256_cmp_pd(x, p->half, _CMP_GT_OQ), p->whole));
}

/* Range in: |x| < 1. A zero of either sign is not below zero. */
ALWAYS void store_inverse(uint64_t *p, vec x, const constants *c)
{
    const vec two52 = _mm256_set1_pd(0x1p52);
    vec negative = _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ);
    x = _mm256_add_pd(x, _mm256_and_pd(negative, c->q));
    store_vec(p, _mm256_xor_pd(_mm256_add_pd(x, two52), two52));
}

/* Range in: |x| < 1.96. x/q + 1/(2q) is at least 1/(2q) > 2^-51 from any integer, and what is
 * computed of it at most 2^-52 (of `inverse`) + 2^-53 (of the sum) off; so is its floor the one of
 * x/q. */
ALWAYS void store_forward(uint64_t *p, vec x, const constants *c)
{
    const vec two52 = _mm256_set1_pd(0x1p52);
    const vec half = _mm256_mul_pd(c->inverse, _mm256_set1_pd(0.5));
    vec k = _mm256_floor_pd(_mm256_fmadd_pd(x, c->inverse, half));
    store_vec(p, _mm256_xor_pd(_mm256_fnmadd_pd(k, c->q, _mm256_add_pd(x, two52)), two52));
}

#include "math/x86/ntt_passes.h"

void umbra_ntt_forward_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    forward_transform(r, a, ntt);
}

void umbra_ntt_forward_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p,
                                    const umbra_ntt *ntt)
{
    forward_centred_transform(r, a, p, ntt);
}

void umbra_ntt_inverse_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    inverse_transform(r, a, ntt);
}

void umbra_ntt_forward_half_avx2(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    forward_half_transform(r, p, ntt);
}
