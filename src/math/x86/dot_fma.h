/* Sums of products in doubles by fused multiply-add, over rows, over blocks of rows, and with
 * numbers: one text, included once for each instruction set, after its header.
 *
 * TERMS_AHEAD: how many words of the rows of dot2 are fetched ahead, 0 for none. */
#ifndef UMBRA_MATH_DOT_FMA_H
#define UMBRA_MATH_DOT_FMA_H

#include "math/kernel_sets.h"
#include "math/x86/fma_residues.h"

/* Range in: |x| <= 2^52 q, an integer of 53 bits and a power of two. Range out: |r| < 5q/2 and
 * exact: x/q, below 2^53, is known within 2 and the rounding. */
ALWAYS vec reduce_wide(vec x, const constants *c)
{
    vec k = nearest(x * c->inverse);
    return fnmadd(k, c->q, x);
}

/* Sums go over the terms in groups and over the words in chunks, the running sums of a chunk in the
 * first cache, and each step takes a whole cache line of every row: rows lie apart by powers of two
 * and fall on the same sets, so that more of them at once than a cache has ways push each other
 * out. Sums of dot2 are centred after eight terms: those below 3q/4 and a sum or residue below q
 * stay below 7q < 2^53. */
#define CHUNK 256
#define DOT_TERMS 2
#define COMBINE_TERMS 4
#define LAZY_TERMS 8
#define STEP (2 * LANES)

/* Of one chunk: sums of the first and second result. */
typedef struct sums {
    _Alignas(64) double first[CHUNK], second[CHUNK];
} sums;

/* Which part of the sums a group is. */
typedef struct group {
    size_t start, n; /* the words of the chunk */
    int first, last; /* group of terms */
    int centre;      /* the sums, which the last group does in any case */
    int accumulate;  /* start from what r holds */
} group;

/* lazy: after how many terms sums are centred */
ALWAYS group group_at(size_t start, size_t n, size_t term, size_t terms, size_t count, size_t lazy)
{
    return (group){.start = start,
                   .n = n - start < CHUNK ? n - start : CHUNK,
                   .first = term == 0,
                   .last = count - term <= terms,
                   .centre = (term + terms) % lazy == 0};
}

ALWAYS vec begin(const uint64_t *r, const double *sum, const group *g)
{
    return !g->first ? load_doubles(sum) : g->accumulate ? load(r) : broadcast(0);
}

ALWAYS void end(uint64_t *r, double *sum, vec x, const group *g, const constants *c)
{
    if (g->last)
        store(r, lift(centre(x, c), c));
    else
        store_doubles(sum, g->centre ? centre(x, c) : x);
}

ALWAYS void fetch_terms(const uint64_t *a0, const uint64_t *a1, const uint64_t *b)
{
    if (TERMS_AHEAD == 0)
        return;
    _mm_prefetch((const char *)(a0 + TERMS_AHEAD), _MM_HINT_T0);
    _mm_prefetch((const char *)(a1 + TERMS_AHEAD), _MM_HINT_T0);
    _mm_prefetch((const char *)(b + TERMS_AHEAD), _MM_HINT_T0);
}

ALWAYS void dot2_group(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                       const uint64_t *const *a1, const uint64_t *const *b, size_t terms, sums *s,
                       const group *g, const constants *c)
{
    for (size_t i = 0; i < g->n; i += STEP) {
        vec sum0[2], sum1[2];
        _Pragma("GCC unroll 2") for (size_t k = 0; k < 2; k++)
        {
            const size_t at = i + k * LANES;
            sum0[k] = begin(r0 + g->start + at, s->first + at, g);
            sum1[k] = begin(r1 + g->start + at, s->second + at, g);
        }
        _Pragma("GCC unroll 4") for (size_t j = 0; j < terms; j++)
            _Pragma("GCC unroll 2") for (size_t k = 0; k < 2; k++)
        {
            const size_t at = g->start + i + k * LANES;
            const vec x = load(b[j] + at);
            fetch_terms(a0[j] + at, a1[j] + at, b[j] + at);
            sum0[k] = sum0[k] + multiply(load(a0[j] + at), x, c);
            sum1[k] = sum1[k] + multiply(load(a1[j] + at), x, c);
        }
        _Pragma("GCC unroll 2") for (size_t k = 0; k < 2; k++)
        {
            const size_t at = i + k * LANES;
            end(r0 + g->start + at, s->first + at, sum0[k], g, c);
            end(r1 + g->start + at, s->second + at, sum1[k], g, c);
        }
    }
}

static void dot2_fma(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                     const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                     int accumulate, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r0, n);
    UMBRA_ASSERT_VECTOR(r1, n);
    assert(count >= 1 && count <= 1024);
    const constants c = constants_of(m);
    sums s;
    for (size_t start = 0; start < n; start += CHUNK)
        for (size_t j = 0; j < count; j += DOT_TERMS) {
            group g = group_at(start, n, j, DOT_TERMS, count, LAZY_TERMS);
            g.accumulate = accumulate;
            if (count - j >= DOT_TERMS)
                dot2_group(r0, r1, a0 + j, a1 + j, b + j, DOT_TERMS, &s, &g, &c);
            else
                dot2_group(r0, r1, a0 + j, a1 + j, b + j, count - j, &s, &g, &c);
        }
}

/* Blocks of products: residues as two halves of 25 bits, x = high + low with |high| <= 2^49 a
 * multiple of 2^25 and |low| <= 2^24, so that 32 products of halves sum up exactly in a double and
 * are reduced once.
 *
 * Range in: 0 <= x < q. Range out: high + low = x mod q */
#define BLOCK_TERMS 32
#define TILE 16
#define VECTORS (LANES / 4) /* of points summed at once: as many as there are registers for */
#define ROWS_AHEAD 32       /* words */

typedef struct halves {
    vec high, low;
} halves;

ALWAYS halves split(vec x, const constants *c)
{
    const vec magic = broadcast(0x1.8p77);
    x = subtract_where_above(x, c->q * broadcast(0.5), c->q);
    vec high = x + magic - magic;
    return (halves){high, x - high};
}

/* Halves of weights are kept as floats, which have 24 bits: LANES high halves, then LANES low. */
static void split_weights_fma(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    assert(((uintptr_t)r & 63u) == 0 && ((uintptr_t)a & 63u) == 0 && n % 8 == 0);
    const constants c = constants_of(m);
    float *out = (float *)(void *)r;
    for (size_t i = 0; i < n; i += LANES) {
        halves x = split(load(a + i), &c);
        store_floats(out + 2 * i, x.high);
        store_floats(out + 2 * i + LANES, x.low);
    }
}

/* Where the weights of LANES points are. */
typedef struct weight_place {
    size_t start, lane; /* of LANES weights, and among them */
    spread order;
} weight_place;

/* Weights of a pass over VECTORS registers: one for all of its points, one for each register, or
 * several within one. */
typedef enum repetition { ONE_WEIGHT, ONE_EACH, SEVERAL_EACH } repetition;

ALWAYS weight_place place_of(const umbra_dot_block *b, size_t at)
{
    const size_t k = b->weight_start + ((at - b->start) >> b->fold_log2);
    return (weight_place){k / LANES * LANES, k % LANES, spread_of(k % LANES, b->fold_log2)};
}

ALWAYS halves load_weights(const uint64_t *weights, const weight_place *p, repetition how)
{
    const float *high = (const float *)(const void *)(weights + p->start), *low = high + LANES;
    if (how == SEVERAL_EACH)
        return (halves){load_spread(high, p->order), load_spread(low, p->order)};
    return (halves){load_float(high + p->lane), load_float(low + p->lane)};
}

/* Products of halves, each sum below 2^53 times the unit of its halves. */
typedef struct products {
    vec high, middle, middle2, low;
} products;

ALWAYS void add_halves(products *p, const double *a, halves w)
{
    const vec high = load_doubles(a), low = load_doubles(a + LANES);
    p->high = fmadd(high, w.high, p->high);
    p->middle = fmadd(high, w.low, p->middle);
    p->middle2 = fmadd(low, w.high, p->middle2);
    p->low = fmadd(low, w.low, p->low);
}

/* few: at most half of BLOCK_TERMS, so that the products in the middle are one sum.
 *
 * Range in: |before| < q. Range out: |r| < 3q/4; the others are below 2^79 and so below 0.51 q. */
ALWAYS vec reduce_products(const products *p, vec before, int few, const constants *c)
{
    vec sum = before + reduce_wide(p->high, c);
    if (few)
        sum = sum + reduce_wide(p->middle + p->middle2, c);
    else
        sum = sum + reduce_wide(p->middle, c) + reduce_wide(p->middle2, c);
    return centre(sum + reduce_wide(p->low, c), c);
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

/* Add up to BLOCK_TERMS terms of a sum, from term j on. rows: those of the pass, split. ahead:
 * whether to fetch the weights that come next. */
ALWAYS void add_terms(products p[VECTORS][2], const umbra_dot_sum *s, size_t j, size_t end,
                      const double *rows, const weight_place place[VECTORS], repetition how,
                      int ahead)
{
    for (; j < end; j++) {
        const double *a = rows + (size_t)s->row[j] * UMBRA_DOT_SCRATCH_WORDS;
        halves x = load_weights(s->weights[j], &place[0], how);
        if (ahead)
            _mm_prefetch((const char *)(s->weights[j] + place[0].start + 8), _MM_HINT_T0);
        _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++)
        {
            if (v > 0 && how != ONE_WEIGHT)
                x = load_weights(s->weights[j], &place[v], how);
            add_halves(&p[v][0], a + 4 * v * LANES, x);
            add_halves(&p[v][1], a + 4 * v * LANES + 2 * LANES, x);
        }
    }
}

/* One sum at VECTORS * LANES points. */
ALWAYS void sum_points(const umbra_dot_block *b, const umbra_dot_sum *s, size_t at,
                       const double *rows, repetition how, int ahead, const constants *c)
{
    const vec zero = broadcast(0);
    weight_place place[VECTORS];
    vec sum[VECTORS][2];
    _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++)
    {
        place[v] = place_of(b, at + v * LANES);
        sum[v][0] = s->accumulate ? load_result(s->r0, at + v * LANES, b) : zero;
        sum[v][1] = s->accumulate ? load_result(s->r1, at + v * LANES, b) : zero;
    }
    for (size_t j = 0, end; j < s->count; j = end) {
        products p[VECTORS][2];
        end = s->count - j < BLOCK_TERMS ? s->count : j + BLOCK_TERMS;
        _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++) p[v][0] = p[v][1] =
            (products){zero, zero, zero, zero};
        add_terms(p, s, j, end, rows, place, how, ahead);
        const int few = end - j <= BLOCK_TERMS / 2;
        _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++)
            _Pragma("GCC unroll 2") for (size_t h = 0; h < 2; h++) sum[v][h] =
                few ? reduce_products(&p[v][h], sum[v][h], 1, c)
                    : reduce_products(&p[v][h], sum[v][h], 0, c);
    }
    _Pragma("GCC unroll 2") for (size_t v = 0; v < VECTORS; v++)
    {
        store_result(s->r0, at + v * LANES, lift(sum[v][0], c), b);
        store_result(s->r1, at + v * LANES, lift(sum[v][1], c), b);
    }
}

/* All sums at VECTORS * LANES points; weights are fetched before a line of eight of them ends. */
ALWAYS void sum_pass(const umbra_dot_block *b, size_t at, const double *rows, const constants *c)
{
    const size_t now = b->weight_start + ((at - b->start) >> b->fold_log2);
    const size_t next = b->weight_start + ((at + VECTORS * LANES - b->start) >> b->fold_log2);
    const int ahead = next / 8 != now / 8;
    for (size_t s = 0; s < b->sum_count; s++)
        if (b->fold_log2 < LANES_LOG2)
            sum_points(b, &b->sums[s], at, rows, SEVERAL_EACH, ahead, c);
        else if (VECTORS == 1 || b->fold_log2 == LANES_LOG2)
            sum_points(b, &b->sums[s], at, rows, ONE_EACH, ahead, c);
        else
            sum_points(b, &b->sums[s], at, rows, ONE_WEIGHT, ahead, c);
}

/* A tile of one row, and a fetch of a later one: there are more rows than the machine follows. */
ALWAYS void split_row(double *to, const uint64_t *a, const constants *c)
{
    for (size_t v = 0; v < TILE; v += LANES) {
        const halves x = split(load(a + v), c);
        store_doubles(to + 4 * v, x.high);
        store_doubles(to + 4 * v + LANES, x.low);
        if (v % 8 == 0)
            _mm_prefetch((const char *)(a + v + ROWS_AHEAD), _MM_HINT_T1);
    }
}

static void dot_block_fma(const umbra_dot_block *b, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(b->scratch, n);
    assert(b->start % TILE == 0 && b->mirror % TILE == 0);
    assert(b->fold_log2 >= 3 || b->weight_start % (8u >> b->fold_log2) == 0);
    const constants c = constants_of(m);
    double *rows = (double *)(void *)b->scratch;
    for (size_t i = b->start; i < b->start + n; i += TILE) {
        for (size_t row = 0; row < b->row_count; row++) {
            double *to = rows + row * UMBRA_DOT_SCRATCH_WORDS;
            split_row(to, b->a0[row] + i, &c);
            split_row(to + 2 * LANES, b->a1[row] + i, &c);
        }
        for (size_t v = 0; v < TILE; v += VECTORS * LANES)
            sum_pass(b, i + v, rows + 4 * v, &c);
    }
}

/* Up to four products in two doubles: RUNNING + high, and low. Above RUNNING doubles are multiples
 * of 2^51, so that high is what the sum of products rounds to and low, at most 2^50 for each of
 * them, is the rest; both are exact.
 *
 * Range in: 0 <= ab < 2^100, so that RUNNING + high stays below 2^104 */
typedef struct running {
    vec high, low;
} running;

#define RUNNING 0x1.8p103

ALWAYS running add_product(running s, vec a, vec b)
{
    const vec high = fmadd(a, b, s.high), step = high - s.high;
    return (running){high, s.low + fmsub(a, b, step)};
}

/* before + the products. Range in: |before| <= 3q/4. Range out: below 2^53, as 13q/4 + 2^52 is. */
ALWAYS vec add_running(vec before, running s, const constants *c)
{
    const vec high = s.high - broadcast(RUNNING);
    return reduce_wide(high, c) + (s.low + before);
}

/* Three products and more are reduced together, which costs as much as two by themselves. */
ALWAYS void combine_group(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t terms,
                          sums *s, const group *g, const constants *c)
{
    vec factor[COMBINE_TERMS];
    for (size_t j = 0; j < terms; j++)
        factor[j] = broadcast((double)w[j]);
    for (size_t i = 0; i < g->n; i += STEP)
        _Pragma("GCC unroll 2") for (size_t k = 0; k < 2; k++)
        {
            const size_t at = i + k * LANES;
            running together = {broadcast(RUNNING), broadcast(0)};
            vec sum = begin(r + g->start + at, s->first + at, g);
            _Pragma("GCC unroll 4") for (size_t j = 0; j < terms; j++)
            {
                const vec x = load(a[j] + g->start + at);
                if (terms > 2)
                    together = add_product(together, x, factor[j]);
                else
                    sum = sum + multiply(x, factor[j], c);
            }
            if (terms > 2)
                sum = add_running(sum, together, c);
            end(r + g->start + at, s->first + at, sum, g, c);
        }
}

static void combine_fma(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                        size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(count >= 1 && count <= 64);
    const constants c = constants_of(m);
    sums s;
    for (size_t start = 0; start < n; start += CHUNK)
        for (size_t j = 0; j < count; j += COMBINE_TERMS) {
            const group g = group_at(start, n, j, COMBINE_TERMS, count, COMBINE_TERMS);
            if (count - j >= COMBINE_TERMS)
                combine_group(r, a + j, w + j, COMBINE_TERMS, &s, &g, &c);
            else
                combine_group(r, a + j, w + j, count - j, &s, &g, &c);
        }
}

#endif
