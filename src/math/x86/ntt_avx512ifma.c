/* The NTT by 52-bit integer multiplication, eight residues at a time. */
#include "math/x86/lane_pairs.h"
#include "math/x86/sets_x86.h"

#define LANES 8
#define LANES_LOG2 3
#define GROUPS 2
#define LANES_APART 0
#define TAIL_LEVEL 0
#define FORWARD_PERIOD 1
#define INVERSE_PERIOD 1
#define ALWAYS static inline __attribute__((always_inline))
typedef __m512i vec;

typedef struct constants {
    vec q, twice, minus_q, mask; /* q, 2q, 2^52 - q, 2^52 - 1 */
} constants;

typedef struct factor {
    vec w, shoup;
} factor;

/* Roots and companions; per two registers of data those of the last two levels; and what these are
 * multiplied by, lane by lane. */
typedef struct factors {
    const uint64_t *w, *shoup, *lanes;
    size_t lanes_first; /* the place of the root that the first entry of `lanes` belongs to */
    factor by_two, by_one;
} factors;

ALWAYS constants constants_of(const umbra_modulus *m)
{
    const uint64_t two52 = (uint64_t)1 << 52;
    return (constants){_mm512_set1_epi64((long long)m->q), _mm512_set1_epi64((long long)(2 * m->q)),
                       _mm512_set1_epi64((long long)(two52 - m->q)),
                       _mm512_set1_epi64((long long)(two52 - 1))};
}

/* roots[0 .. 7] = 1, psi^(N/2), ...; entry 0 of the table may hold another number. */
ALWAYS vec first_eight(const uint64_t *table, uint64_t one)
{
    return _mm512_mask_set1_epi64(_mm512_loadu_si512(table), 1, (long long)one);
}

ALWAYS factors factors_of(const uint64_t *w, const uint64_t *shoup, const uint64_t *lanes,
                          const umbra_ntt *ntt)
{
    const vec twice = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
    const factor eight = {first_eight(w, 1),
                          first_eight(shoup, ((uint64_t)1 << 52) / ntt->modulus.q)};
    return (factors){
        w,
        shoup,
        lanes,
        ntt->degree / 8,
        {_mm512_permutexvar_epi64(twice, eight.w), _mm512_permutexvar_epi64(twice, eight.shoup)},
        eight};
}

ALWAYS factors forward_factors(const umbra_ntt *ntt)
{
    return factors_of(ntt->roots, ntt->roots_shoup, ntt->lane_roots, ntt);
}

ALWAYS factors inverse_factors(const umbra_ntt *ntt)
{
    return factors_of(ntt->inverse_roots, ntt->inverse_roots_shoup, ntt->inverse_lane_roots, ntt);
}

ALWAYS factor factor_at(const factors *f, size_t i, const constants *c)
{
    (void)c;
    return (factor){_mm512_set1_epi64((long long)f->w[i]),
                    _mm512_set1_epi64((long long)f->shoup[i])};
}

/* Range in: x < 2*bound. Range out: < bound, by the smaller of x and x - bound as unsigned numbers.
 */
ALWAYS vec fold(vec x, vec bound)
{
    return _mm512_min_epu64(x, _mm512_sub_epi64(x, bound));
}

/* Range in: any y, of which the low 52 bits count; w < q. Range out: < 2q in the low 52 bits: with
 * k = floor(y*shoup / 2^52), y*w - k*q is in [0, q*(1 + y/2^52)), below 2^52, so it is enough to
 * know it modulo 2^52. [Harvey14] */
ALWAYS vec multiply_low52(vec y, factor w, const constants *c)
{
    vec k = _mm512_madd52hi_epu64(_mm512_setzero_si512(), y, w.shoup);
    vec low = _mm512_madd52lo_epu64(_mm512_setzero_si512(), y, w.w);
    return _mm512_madd52lo_epu64(low, k, c->minus_q);
}

/* The same in all 64 bits. What is only multiplied next can do without. */
ALWAYS vec multiply(vec y, factor w, const constants *c)
{
    return _mm512_and_si512(multiply_low52(y, w, c), c->mask);
}

/* Range in: x < 4q <= 2^52, at the first level (below 0) < q; y < 4q in its low 52 bits. Range out:
 * < 4q: x folded to 2q, plus t < 2q or plus 2q - t; where `multiplied`, in the low 52 bits. */
ALWAYS void forward_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    vec t = multiplied ? multiply_low52(*y, w, c) : multiply(*y, w, c);
    vec s = level < 0 ? *x : fold(*x, c->twice);
    *x = _mm512_add_epi64(s, t);
    *y = _mm512_sub_epi64(_mm512_add_epi64(s, c->twice), t);
}

/* Range in: x, y < 2q. Range out: < 2q, y in its low 52 bits where `multiplied`; the difference
 * plus 2q is below 4q <= 2^52. */
ALWAYS void inverse_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    (void)level;
    vec d = _mm512_add_epi64(_mm512_sub_epi64(*x, *y), c->twice);
    *x = fold(_mm512_add_epi64(*x, *y), c->twice);
    *y = multiplied ? multiply_low52(d, w, c) : multiply(d, w, c);
}

/* Range in: x, y < 2q. Range out: < 2q; both factors are multiplied by 1/N, so nothing need be
 * folded. */
ALWAYS void inverse_last_butterfly(vec *x, vec *y, const umbra_ntt *ntt, const constants *c)
{
    const factor scale = {_mm512_set1_epi64((long long)ntt->degree_inverse),
                          _mm512_set1_epi64((long long)ntt->degree_inverse_shoup)};
    const factor w = {_mm512_set1_epi64((long long)ntt->inverse_roots[0]),
                      _mm512_set1_epi64((long long)ntt->inverse_roots_shoup[0])};
    vec d = _mm512_add_epi64(_mm512_sub_epi64(*x, *y), c->twice);
    *x = multiply(_mm512_add_epi64(*x, *y), scale, c);
    *y = multiply(d, w, c);
}

ALWAYS factor factors_by_four(const factors *f, size_t i)
{
    return (factor){by_four(f->w + i), by_four(f->shoup + i)};
}

/* The common factor of the roots of the last level (which 1) or the one before (0), for the pair of
 * registers whose first root is at i. Multiplying twice costs four instructions and saves three
 * quarters of the table, which otherwise is twice the size of the data. */
ALWAYS factor common_factor(const factors *f, size_t i, int which)
{
    const uint64_t *p = f->lanes + 2 * (i - f->lanes_first) + 2 * which;
    return (factor){_mm512_set1_epi64((long long)p[0]), _mm512_set1_epi64((long long)p[1])};
}

ALWAYS void set_pair(vec *x, pair p)
{
    x[0] = p.a;
    x[1] = p.b;
}

#define UNROLL_PAIRS _Pragma("GCC unroll 8")

/* i is the place of the root of x[0]'s first level; those of the other registers follow. */
ALWAYS void forward_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        pair p = swap_fours(x[k], x[k + 1]);
        forward_butterfly(&p.a, &p.b, factors_by_four(f, i + (size_t)k), level, 0, c);
        set_pair(x + k, swap_twos(p.a, p.b));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = x[k], b = x[k + 1];
        b = multiply_low52(b, common_factor(f, i + (size_t)k, 0), c);
        forward_butterfly(&a, &b, f->by_two, level + 1, 0, c);
        set_pair(x + k, swap_ones(a, b));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = x[k], b = x[k + 1];
        b = multiply_low52(b, common_factor(f, i + (size_t)k, 1), c);
        forward_butterfly(&a, &b, f->by_one, level + 2, 0, c);
        set_pair(x + k, join_ones(a, b));
    }
}

ALWAYS void inverse_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        pair p = part_ones(x[k], x[k + 1]);
        inverse_butterfly(&p.a, &p.b, f->by_one, level, 1, c);
        p.b = multiply(p.b, common_factor(f, i + (size_t)k, 1), c);
        set_pair(x + k, swap_ones(p.a, p.b));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = x[k], b = x[k + 1];
        inverse_butterfly(&a, &b, f->by_two, level + 1, 1, c);
        b = multiply(b, common_factor(f, i + (size_t)k, 0), c);
        set_pair(x + k, swap_twos(a, b));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        vec a = x[k], b = x[k + 1];
        inverse_butterfly(&a, &b, factors_by_four(f, i + (size_t)k), level + 2, 0, c);
        set_pair(x + k, swap_fours(a, b));
    }
}

typedef struct centring {
    vec half, whole, q; /* p/2, p, and the modulus */
} centring;

ALWAYS centring centring_of(uint64_t p, const constants *c)
{
    return (centring){_mm512_set1_epi64((long long)(p / 2)), _mm512_set1_epi64((long long)p), c->q};
}

/* Range out: < 2q: q plus what is above -p/2 > -q and at most p/2 < q */
ALWAYS vec load_centred(const uint64_t *a, const centring *p)
{
    const vec x = _mm512_loadu_si512(a), above = _mm512_add_epi64(x, p->q);
    return _mm512_mask_sub_epi64(above, _mm512_cmpgt_epu64_mask(x, p->half), above, p->whole);
}

#define load_residues(p) _mm512_loadu_si512(p)
#define load_vec(p) _mm512_loadu_si512(p)
#define store_vec(p, x) _mm512_storeu_si512(p, x)
/* from below 4q and from below 2q */
#define store_forward(p, x, c) store_vec(p, fold(fold(x, (c)->twice), (c)->q))
#define store_inverse(p, x, c) store_vec(p, fold(x, (c)->q))

#include "math/x86/ntt_passes.h"

void umbra_ntt_forward_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    forward_transform(r, a, ntt);
}

void umbra_ntt_forward_centred_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t p,
                                          const umbra_ntt *ntt)
{
    forward_centred_transform(r, a, p, ntt, &umbra_kernels_avx512ifma);
}

void umbra_ntt_inverse_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    inverse_transform(r, a, ntt);
}

void umbra_ntt_forward_half_avx512ifma(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    forward_half_transform(r, p, ntt);
}
