/* The table of kernels by 52-bit integer multiplication, eight residues at a time. */
#include "math/scalar.h"
#include "math/x86/sets_x86.h"

#include <immintrin.h>

#define LANES 8
#define ALWAYS static inline __attribute__((always_inline))
typedef __m512i vec;

ALWAYS vec broadcast(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

ALWAYS vec load(const uint64_t *p)
{
    return _mm512_load_si512(p);
}

ALWAYS void store(uint64_t *p, vec x)
{
    _mm512_store_si512(p, x);
}

#define ADD(a, b) _mm512_add_epi64(a, b)
#define SUB(a, b) _mm512_sub_epi64(a, b)
#define LOW(acc, a, b) _mm512_madd52lo_epu64(acc, a, b)
#define HIGH(acc, a, b) _mm512_madd52hi_epu64(acc, a, b)
#define ZERO _mm512_setzero_si512()

/* The modulus in registers. */
typedef struct constants {
    vec q, twice, minus_q, mask; /* q, 2q, 2^52 - q, 2^52 - 1 */
} constants;

ALWAYS constants constants_of(const umbra_modulus *m)
{
    const uint64_t two52 = (uint64_t)1 << 52;
    return (constants){broadcast(m->q), broadcast(2 * m->q), broadcast(two52 - m->q),
                       broadcast(two52 - 1)};
}

/* Range in: x < 2*bound. Range out: < bound. */
ALWAYS vec fold(vec x, vec bound)
{
    return _mm512_min_epu64(x, SUB(x, bound));
}

ALWAYS vec fold_from_4q(vec x, const constants *c)
{
    return fold(fold(x, c->twice), c->q);
}

/* a*w mod q. Range in: a < 2^52, w < q. Range out: < 2q < 2^52, so low words suffice. [Harvey14] */
ALWAYS vec multiply_shoup(vec a, vec w, vec shoup, const constants *c)
{
    vec k = HIGH(ZERO, a, shoup);
    return _mm512_and_si512(LOW(LOW(ZERO, a, w), k, c->minus_q), c->mask);
}

/* a*b mod q by Barrett's method.
 *
 * Range in:  a, b < q
 * Range out: < 4q. With x = a*b, t = floor(x / 2^bits) from the high word of (a * 2^(52-bits)) * b,
 * and k = floor(2t * floor(2^(bits+51)/q) / 2^52): x/q - k < 2^bits/q + 2t/2^52 + 1 < 2 + 1/2 + 1
 */
ALWAYS vec multiply_barrett(vec a, vec b, __m128i shift, vec barrett, const constants *c)
{
    vec t = HIGH(ZERO, _mm512_sll_epi64(a, shift), b);
    vec k = HIGH(ZERO, ADD(t, t), barrett);
    return _mm512_and_si512(LOW(LOW(ZERO, a, b), k, c->minus_q), c->mask);
}

static void add_avx512ifma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                           const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const vec q = broadcast(m->q);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, fold(ADD(load(a + i), load(b + i)), q));
}

static void sub_avx512ifma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                           const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const vec q = broadcast(m->q);
    for (size_t i = 0; i < n; i += LANES) {
        vec d = SUB(load(a + i), load(b + i)); /* negative is huge, and then d + q is the smaller */
        store(r + i, _mm512_min_epu64(d, ADD(d, q)));
    }
}

static void neg_avx512ifma(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const vec q = broadcast(m->q);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, fold(SUB(q, load(a + i)), q));
}

static void mul_avx512ifma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                           const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const __m128i shift = _mm_cvtsi32_si128(52 - m->bits);
    const vec barrett = broadcast(m->barrett52);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i,
              fold_from_4q(multiply_barrett(load(a + i), load(b + i), shift, barrett, &c), &c));
}

static void mul_add_avx512ifma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                               const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const __m128i shift = _mm_cvtsi32_si128(52 - m->bits);
    const vec barrett = broadcast(m->barrett52);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = multiply_barrett(load(a + i), load(b + i), shift, barrett, &c);
        x = ADD(fold(x, c.twice), load(r + i)); /* < 3q */
        store(r + i, fold_from_4q(x, &c));
    }
}

static void mul_scalar_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                                  const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast(w), shoup = broadcast(umbra_scalar_shoup52(w, m));
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, fold(multiply_shoup(load(a + i), factor, shoup, &c), c.q));
}

static void sub_mul_scalar_avx512ifma(uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w,
                                      size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast(w), shoup = broadcast(umbra_scalar_shoup52(w, m));
    for (size_t i = 0; i < n; i += LANES) {
        vec d = ADD(SUB(load(a + i), load(b + i)), c.q); /* < 2q < 2^52 */
        store(r + i, fold(multiply_shoup(d, factor, shoup, &c), c.q));
    }
}

static void mul_scalar_add_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                                      const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast(w), shoup = broadcast(umbra_scalar_shoup52(w, m));
    for (size_t i = 0; i < n; i += LANES) {
        vec x = ADD(multiply_shoup(load(a + i), factor, shoup, &c), load(r + i)); /* < 3q */
        store(r + i, fold_from_4q(x, &c));
    }
}

/* What reduces a sum of products: 2^52 mod q and 1, with their Shoup companions. */
typedef struct wide_constants {
    constants c;
    vec two52, two52_shoup, one_shoup;
} wide_constants;

ALWAYS wide_constants wide_constants_of(const umbra_modulus *m)
{
    return (wide_constants){constants_of(m), broadcast(m->two52), broadcast(m->two52_shoup),
                            broadcast(((uint64_t)1 << 52) / m->q)};
}

/* high * 2^52 + low mod q. Range in: high, low < 2^52. Range out: < 4q <= 2^52: each of the two
 * Shoup quotients, added, is short by less than 2. */
ALWAYS vec reduce_pair(vec high, vec low, const wide_constants *w)
{
    vec k = HIGH(HIGH(ZERO, high, w->two52_shoup), low, w->one_shoup);
    return _mm512_and_si512(LOW(LOW(low, high, w->two52), k, w->c.minus_q), w->c.mask);
}

/* high * 2^52 + low mod q. Range in: high < 2^59, low < 2^63; high + 2^11 < 2^52 unless `large`.
 * Range out: < q. */
ALWAYS vec reduce_sums(vec high, vec low, int large, const wide_constants *w)
{
    high = ADD(high, _mm512_srli_epi64(low, 52));
    low = _mm512_and_si512(low, w->c.mask);
    if (large)
        high = reduce_pair(_mm512_srli_epi64(high, 52), _mm512_and_si512(high, w->c.mask), w);
    return fold_from_4q(reduce_pair(high, low, w), &w->c);
}

/* High words of products below 2^100 are below 2^48: up to so many of them stay below 2^52 - 2^11.
 */
#define COUNT_SMALL 15

/* Columns i .. i + 8*columns - 1. Sums of up to 1024 products and one residue: low words < 2^63,
 * high words < 2^58, without any carry between. */
ALWAYS void dot2_columns(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                         const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                         int accumulate, size_t i, int columns, const wide_constants *w)
{
    vec low0[4], high0[4], low1[4], high1[4];
    _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++)
    {
        low0[k] = accumulate ? load(r0 + i + LANES * k) : ZERO;
        low1[k] = accumulate ? load(r1 + i + LANES * k) : ZERO;
        high0[k] = high1[k] = ZERO;
    }
    for (size_t j = 0; j < count; j++) {
        const uint64_t *p0 = a0[j] + i, *p1 = a1[j] + i, *pb = b[j] + i;
        _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++)
        {
            vec x = load(pb + LANES * k), y0 = load(p0 + LANES * k), y1 = load(p1 + LANES * k);
            low0[k] = LOW(low0[k], y0, x);
            high0[k] = HIGH(high0[k], y0, x);
            low1[k] = LOW(low1[k], y1, x);
            high1[k] = HIGH(high1[k], y1, x);
        }
    }
    const int large = count > COUNT_SMALL;
    _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++)
    {
        store(r0 + i + LANES * k, reduce_sums(high0[k], low0[k], large, w));
        store(r1 + i + LANES * k, reduce_sums(high1[k], low1[k], large, w));
    }
}

static void dot2_avx512ifma(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                            const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                            int accumulate, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r0, n);
    UMBRA_ASSERT_VECTOR(r1, n);
    assert(count >= 1 && count <= 1024);
    const wide_constants w = wide_constants_of(m);
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        dot2_columns(r0, r1, a0, a1, b, count, accumulate, i, 4, &w);
    for (; i < n; i += LANES)
        dot2_columns(r0, r1, a0, a1, b, count, accumulate, i, 1, &w);
}

ALWAYS void combine_columns(uint64_t *r, const uint64_t *const *a, const uint64_t *weights,
                            size_t count, size_t i, int columns, const wide_constants *w)
{
    vec low[4], high[4];
    _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++) low[k] = high[k] = ZERO;
    for (size_t j = 0; j < count; j++) {
        const uint64_t *p = a[j] + i;
        vec x = broadcast(weights[j]);
        _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++)
        {
            vec y = load(p + LANES * k);
            low[k] = LOW(low[k], y, x);
            high[k] = HIGH(high[k], y, x);
        }
    }
    const int large = count > COUNT_SMALL;
    _Pragma("GCC unroll 4") for (int k = 0; k < columns; k++)
        store(r + i + LANES * k, reduce_sums(high[k], low[k], large, w));
}

static void combine_avx512ifma(uint64_t *r, const uint64_t *const *a, const uint64_t *w,
                               size_t count, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(count >= 1 && count <= 64);
    const wide_constants wide = wide_constants_of(m);
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        combine_columns(r, a, w, count, i, 4, &wide);
    for (; i < n; i += LANES)
        combine_columns(r, a, w, count, i, 1, &wide);
}

/* Range in: a < 2^52. Range out: < q. */
ALWAYS vec reduce_word(vec a, const wide_constants *w)
{
    vec k = HIGH(ZERO, a, w->one_shoup);
    return fold(_mm512_and_si512(LOW(a, k, w->c.minus_q), w->c.mask), w->c.q);
}

static void reduce_avx512ifma(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const wide_constants w = wide_constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, reduce_word(load(a + i), &w));
}

static void reduce_centred_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                                      const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const wide_constants w = wide_constants_of(m);
    const vec half = broadcast(p / 2), minus_p = broadcast(m->q - umbra_scalar_reduce64(p, m));
    for (size_t i = 0; i < n; i += LANES) {
        vec x = load(a + i);
        __mmask8 upper = _mm512_cmpgt_epu64_mask(x, half);
        x = reduce_word(x, &w);
        store(r + i, fold(_mm512_mask_add_epi64(x, upper, x, minus_p), w.c.q));
    }
}

/* The residue of a number of which x is the residue of the absolute value. */
ALWAYS vec apply_sign(vec x, __mmask8 negative, const constants *c)
{
    return fold(_mm512_mask_sub_epi64(x, negative, c->q, x), c->q);
}

static void reduce_i32_avx512ifma(uint64_t *r, const int32_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const wide_constants w = wide_constants_of(m);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = _mm512_cvtepi32_epi64(_mm256_load_si256((const void *)(a + i)));
        __mmask8 negative = _mm512_movepi64_mask(x);
        store(r + i, apply_sign(reduce_word(_mm512_abs_epi64(x), &w), negative, &w.c));
    }
}

static void reduce_i64_avx512ifma(uint64_t *r, const int64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const wide_constants w = wide_constants_of(m);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = _mm512_load_si512(a + i);
        __mmask8 negative = _mm512_movepi64_mask(x);
        x = reduce_sums(ZERO, _mm512_abs_epi64(x), 0, &w);
        store(r + i, apply_sign(x, negative, &w.c));
    }
}

static void round_quotient_avx512ifma(uint64_t *v, const uint64_t *const *a, const double *inverse,
                                      size_t count, size_t n)
{
    UMBRA_ASSERT_VECTOR(v, n);
    assert(count >= 1 && count <= 64);
    for (size_t i = 0; i < n; i += LANES) {
        __m512d sum = _mm512_set1_pd(0.5);
        for (size_t j = 0; j < count; j++) {
            __m512d x = _mm512_cvtepu64_pd(load(a[j] + i));
            sum = _mm512_add_pd(sum, _mm512_mul_pd(x, _mm512_set1_pd(inverse[j])));
        }
        store(v + i, _mm512_cvttpd_epu64(sum));
    }
}

/* An automorphism moves aligned blocks of eight as wholes, in NTT order: bit-reversed, the low
 * three bits of an index are the high ones of an exponent, which stay a coset under multiplication.
 * Those take one load and one permutation; any other index is gathered. The index is public. */
static void permute_avx512ifma(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i += LANES) {
        const uint32_t block = index[i] / LANES;
        __m256i places = _mm256_loadu_si256((const void *)(index + i));
        __m256i offsets = _mm256_sub_epi32(places, _mm256_set1_epi32((int)(block * LANES)));
        if (_mm256_cmplt_epu32_mask(offsets, _mm256_set1_epi32(LANES)) == 0xff)
            store(r + i, _mm512_permutexvar_epi64(_mm512_cvtepu32_epi64(offsets),
                                                  load(a + (size_t)block * LANES)));
        else
            store(r + i, _mm512_i32gather_epi64(places, (const void *)a, 8));
    }
}

const umbra_kernels umbra_kernels_avx512ifma = {
    .name = "avx512ifma",
    .ntt_forward = umbra_ntt_forward_avx512ifma,
    .ntt_inverse = umbra_ntt_inverse_avx512ifma,
    .add = add_avx512ifma,
    .sub = sub_avx512ifma,
    .neg = neg_avx512ifma,
    .mul = mul_avx512ifma,
    .mul_add = mul_add_avx512ifma,
    .mul_scalar = mul_scalar_avx512ifma,
    .sub_mul_scalar = sub_mul_scalar_avx512ifma,
    .mul_scalar_add = mul_scalar_add_avx512ifma,
    .dot2 = dot2_avx512ifma,
    .combine = combine_avx512ifma,
    .reduce = reduce_avx512ifma,
    .reduce_centred = reduce_centred_avx512ifma,
    .reduce_i32 = reduce_i32_avx512ifma,
    .reduce_i64 = reduce_i64_avx512ifma,
    .round_quotient = round_quotient_avx512ifma,
    .permute = permute_avx512ifma,
    .embed = umbra_embed_avx512ifma,
    .embed_inverse = umbra_embed_inverse_avx512ifma,
};
