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

/* high * 2^52 + low mod q. Range in: high < 2^59, low < 2^63; the whole below 2^104 unless `large`.
 * Range out: < q. */
ALWAYS vec reduce_sums(vec high, vec low, int large, const wide_constants *w)
{
    high = ADD(high, _mm512_srli_epi64(low, 52));
    low = _mm512_and_si512(low, w->c.mask);
    if (large)
        high = reduce_pair(_mm512_srli_epi64(high, 52), _mm512_and_si512(high, w->c.mask), w);
    return fold_from_4q(reduce_pair(high, low, w), &w->c);
}

/* Up to so many products and a residue are at most 16 * (2^50 - 1)^2 + 2^50 < 2^104, so that their
 * high word, with the carry, is below 2^52. */
#define COUNT_SMALL 16

/* Sums go over the terms in groups and over the words in chunks, the running sums of a chunk in the
 * first cache: rows lie apart by powers of two and fall on the same sets, so that more of them at
 * once than a cache has ways push out what was fetched ahead. */
#define CHUNK 256
#define DOT_TERMS 4
#define COMBINE_TERMS 8

/* Of one chunk: low and high words of the first and second result. */
typedef struct sums {
    _Alignas(64) uint64_t low0[CHUNK], high0[CHUNK], low1[CHUNK], high1[CHUNK];
} sums;

/* Which part of the sums a group is. */
typedef struct group {
    size_t start, n;      /* the words of the chunk */
    int first, last;      /* group of terms */
    int accumulate, wide; /* start from what r holds; more than COUNT_SMALL terms in all */
} group;

/* Up to 1024 products and one residue: low words < 2^63, high words < 2^58, without any carry. */
ALWAYS void dot2_group(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                       const uint64_t *const *a1, const uint64_t *const *b, size_t terms, sums *s,
                       const group *g, const wide_constants *w)
{
    for (size_t i = 0; i < g->n; i += LANES) {
        const size_t at = g->start + i;
        vec low0 = ZERO, high0 = ZERO, low1 = ZERO, high1 = ZERO;
        if (!g->first) {
            low0 = load(s->low0 + i);
            high0 = load(s->high0 + i);
            low1 = load(s->low1 + i);
            high1 = load(s->high1 + i);
        } else if (g->accumulate) {
            low0 = load(r0 + at);
            low1 = load(r1 + at);
        }
        _Pragma("GCC unroll 4") for (size_t j = 0; j < terms; j++)
        {
            vec x = load(b[j] + at), y0 = load(a0[j] + at), y1 = load(a1[j] + at);
            low0 = LOW(low0, y0, x);
            high0 = HIGH(high0, y0, x);
            low1 = LOW(low1, y1, x);
            high1 = HIGH(high1, y1, x);
        }
        if (g->last) {
            store(r0 + at, reduce_sums(high0, low0, g->wide, w));
            store(r1 + at, reduce_sums(high1, low1, g->wide, w));
        } else {
            store(s->low0 + i, low0);
            store(s->high0 + i, high0);
            store(s->low1 + i, low1);
            store(s->high1 + i, high1);
        }
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
    sums s;
    group g = {.accumulate = accumulate, .wide = count > COUNT_SMALL};
    for (; g.start < n; g.start += CHUNK) {
        g.n = n - g.start < CHUNK ? n - g.start : CHUNK;
        for (size_t j = 0; j < count; j += DOT_TERMS) {
            g.first = j == 0;
            g.last = count - j <= DOT_TERMS;
            if (count - j >= DOT_TERMS)
                dot2_group(r0, r1, a0 + j, a1 + j, b + j, DOT_TERMS, &s, &g, &w);
            else
                dot2_group(r0, r1, a0 + j, a1 + j, b + j, count - j, &s, &g, &w);
        }
    }
}

/* Lane i of the result is lane 7 - i. */
ALWAYS vec reversed(vec x)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), x);
}

ALWAYS vec load_result(const uint64_t *r, size_t at, const umbra_dot_block *b)
{
    return b->mirror == 0 ? load(r + at) : reversed(load(r + b->mirror - LANES - at));
}

ALWAYS void store_result(uint64_t *r, size_t at, vec x, const umbra_dot_block *b)
{
    if (b->mirror == 0)
        store(r + at, x);
    else
        store(r + b->mirror - LANES - at, reversed(x));
}

/* One sum of up to 1024 products at points at .. at+7: bounds as dot2_group. several: the points
 * have more than one weight. */
ALWAYS void sum_points(const umbra_dot_block *b, const umbra_dot_sum *s, size_t at, int several,
                       const wide_constants *w)
{
    const size_t k = b->weight_start + ((at - b->start) >> b->fold_log2);
    const vec lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    const vec order =
        _mm512_srl_epi64(lane, _mm_cvtsi32_si128(b->fold_log2)) + broadcast(k % LANES);
    vec low0 = s->accumulate ? load_result(s->r0, at, b) : ZERO, high0 = ZERO;
    vec low1 = s->accumulate ? load_result(s->r1, at, b) : ZERO, high1 = ZERO;
    for (size_t j = 0; j < s->count; j++) {
        const size_t row = s->row[j];
        const vec x = several ? _mm512_permutexvar_epi64(order, load(s->weights[j] + k / 8 * 8))
                              : broadcast(s->weights[j][k]);
        const vec y0 = load(b->a0[row] + at), y1 = load(b->a1[row] + at);
        low0 = LOW(low0, y0, x);
        high0 = HIGH(high0, y0, x);
        low1 = LOW(low1, y1, x);
        high1 = HIGH(high1, y1, x);
    }
    store_result(s->r0, at, reduce_sums(high0, low0, s->count > COUNT_SMALL, w), b);
    store_result(s->r1, at, reduce_sums(high1, low1, s->count > COUNT_SMALL, w), b);
}

static void dot_block_avx512ifma(const umbra_dot_block *b, size_t n, const umbra_modulus *m)
{
    assert(b->start % 16 == 0 && n % 16 == 0 && b->mirror % 16 == 0);
    assert(b->fold_log2 >= 3 || b->weight_start % (8u >> b->fold_log2) == 0);
    const wide_constants w = wide_constants_of(m);
    for (size_t i = b->start; i < b->start + n; i += 2 * LANES)
        for (size_t s = 0; s < b->sum_count; s++)
            for (size_t v = 0; v < 2 * LANES; v += LANES)
                if (b->fold_log2 < 3)
                    sum_points(b, &b->sums[s], i + v, 1, &w);
                else
                    sum_points(b, &b->sums[s], i + v, 0, &w);
}

ALWAYS void combine_group(uint64_t *r, const uint64_t *const *a, const uint64_t *weights,
                          size_t terms, sums *s, const group *g, const wide_constants *w)
{
    for (size_t i = 0; i < g->n; i += LANES) {
        const size_t at = g->start + i;
        vec low = g->first ? ZERO : load(s->low0 + i), high = g->first ? ZERO : load(s->high0 + i);
        _Pragma("GCC unroll 8") for (size_t j = 0; j < terms; j++)
        {
            vec x = broadcast(weights[j]), y = load(a[j] + at);
            low = LOW(low, y, x);
            high = HIGH(high, y, x);
        }
        if (g->last) {
            store(r + at, reduce_sums(high, low, g->wide, w));
        } else {
            store(s->low0 + i, low);
            store(s->high0 + i, high);
        }
    }
}

static void combine_avx512ifma(uint64_t *r, const uint64_t *const *a, const uint64_t *weights,
                               size_t count, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(count >= 1 && count <= 64);
    const wide_constants w = wide_constants_of(m);
    sums s;
    group g = {.wide = count > COUNT_SMALL};
    for (; g.start < n; g.start += CHUNK) {
        g.n = n - g.start < CHUNK ? n - g.start : CHUNK;
        for (size_t j = 0; j < count; j += COMBINE_TERMS) {
            g.first = j == 0;
            g.last = count - j <= COMBINE_TERMS;
            if (count - j >= COMBINE_TERMS)
                combine_group(r, a + j, weights + j, COMBINE_TERMS, &s, &g, &w);
            else
                combine_group(r, a + j, weights + j, count - j, &s, &g, &w);
        }
    }
}

/* Range in: a < 2^52. Range out: < 2q. */
ALWAYS vec reduce_word_lazy(vec a, const wide_constants *w)
{
    vec k = HIGH(ZERO, a, w->one_shoup);
    return _mm512_and_si512(LOW(a, k, w->c.minus_q), w->c.mask);
}

/* Range in: a < 2^52. Range out: < q. */
ALWAYS vec reduce_word(vec a, const wide_constants *w)
{
    return fold(reduce_word_lazy(a, w), w->c.q);
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

/* Eight integers at p, or before and at p in the opposite order and negated, plus `shift`. */
ALWAYS vec load_i32(const int32_t *p, int mirrored, vec shift)
{
    if (!mirrored)
        return ADD(shift, _mm512_cvtepi32_epi64(_mm256_loadu_si256((const void *)p)));
    const vec x = _mm512_cvtepi32_epi64(_mm256_loadu_si256((const void *)(p - 7)));
    return SUB(shift, _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), x));
}

/* low + w high, both shifted by a multiple of q from 2^31 on, so that they are below 2^50 + 2^32:
 * low mod q and w high, each below 2q, are below 4q together. */
ALWAYS void halve_words(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    const wide_constants w = wide_constants_of(&ntt->modulus);
    const uint64_t q = ntt->modulus.q;
    const vec shift = broadcast((((uint64_t)1 << 31) + q - 1) / q * q);
    const vec root = broadcast(ntt->roots[1]), shoup = broadcast(ntt->roots_shoup[1]);
    const size_t half = ntt->degree / 2;
    for (size_t k = mirrored ? LANES : 0; k < half; k += LANES) {
        const vec low = load_i32(mirrored ? a + 2 * half - k : a + k, mirrored, shift);
        const vec high = load_i32(mirrored ? a + half - k : a + half + k, mirrored, shift);
        const vec sum = ADD(reduce_word_lazy(low, &w), multiply_shoup(high, root, shoup, &w.c));
        store(p + k, fold_from_4q(sum, &w.c));
    }
}

static void halve_i32_avx512ifma(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    UMBRA_ASSERT_VECTOR(p, ntt->degree / 2);
    if (!mirrored) {
        halve_words(p, a, 0, ntt);
    } else {
        umbra_halve_i32(p, a, 1, 0, LANES, ntt);
        halve_words(p, a, 1, ntt);
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

const umbra_kernels umbra_kernels_avx512ifma = {
    .name = "avx512ifma",
    .ntt_forward = umbra_ntt_forward_avx512ifma,
    .ntt_inverse = umbra_ntt_inverse_avx512ifma,
    .ntt_forward_centred = umbra_ntt_forward_centred_avx512ifma,
    .halve_i32 = halve_i32_avx512ifma,
    .ntt_forward_half = umbra_ntt_forward_half_avx512ifma,
    .add = add_avx512ifma,
    .sub = sub_avx512ifma,
    .neg = neg_avx512ifma,
    .mul = mul_avx512ifma,
    .mul_add = mul_add_avx512ifma,
    .mul_scalar = mul_scalar_avx512ifma,
    .sub_mul_scalar = sub_mul_scalar_avx512ifma,
    .mul_scalar_add = mul_scalar_add_avx512ifma,
    .dot2 = dot2_avx512ifma,
    .dot_block = dot_block_avx512ifma,
    .combine = combine_avx512ifma,
    .reduce = reduce_avx512ifma,
    .reduce_centred = reduce_centred_avx512ifma,
    .reduce_i32 = reduce_i32_avx512ifma,
    .reduce_i64 = reduce_i64_avx512ifma,
    .round_quotient = round_quotient_avx512ifma,
    .permute = umbra_permute_avx512f,
    .permute_add = umbra_permute_add_avx512f,
    .gaussian = umbra_gaussian_avx512f,
    .embed = umbra_embed_avx512f,
    .embed_inverse = umbra_embed_inverse_avx512f,
};
