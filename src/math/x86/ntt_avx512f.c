/* The NTT in doubles, eight residues at a time. */
#include "math/x86/fma_avx512f.h"

#define SHORT_CHAINS 0
#define GROUPS 2
#define LANES_APART 0
#include "math/x86/lane_pairs.h"
#include "math/x86/ntt_fma.h"
#include "math/x86/sets_x86.h"

/* The last six levels of all are centred at the first and the fifth: what store_forward gets is
 * within 1.48 and one level more, 2.17. */

ALWAYS factor factors_by_four(const factors *f, size_t i, const constants *c)
{
    return factor_of((vec)by_four(f->w + i), c);
}

ALWAYS factor factors_by_two(const factors *f, size_t i, const constants *c)
{
    const __m512i twice = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256i w = _mm256_loadu_si256((const void *)(f->w + i));
    return factor_of((vec)_mm512_permutexvar_epi64(twice, _mm512_castsi256_si512(w)), c);
}

ALWAYS factor factors_by_one(const factors *f, size_t i, const constants *c)
{
    return factor_of(_mm512_loadu_pd(f->w + i), c);
}

/* p as x[0] and x[1] */
ALWAYS void set_pair(vec *x, pair p)
{
    x[0] = (vec)p.a;
    x[1] = (vec)p.b;
}

#define PAIR(x) (__m512i)(x)[0], (__m512i)(x)[1]
#define UNROLL_PAIRS _Pragma("GCC unroll 8")

/* i is the place of the root of x[0]'s first level; those of the other registers follow. */
ALWAYS void forward_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        set_pair(x + k, swap_fours(PAIR(x + k)));
        forward_butterfly(&x[k], &x[k + 1], factors_by_four(f, i + (size_t)k, c), level, 0, c);
        set_pair(x + k, swap_twos(PAIR(x + k)));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        forward_butterfly(&x[k], &x[k + 1], factors_by_two(f, 2 * (i + (size_t)k), c), level + 1, 0,
                          c);
        set_pair(x + k, swap_ones(PAIR(x + k)));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        forward_butterfly(&x[k], &x[k + 1], factors_by_one(f, 4 * (i + (size_t)k), c), level + 2, 0,
                          c);
        set_pair(x + k, join_ones(PAIR(x + k)));
    }
}

ALWAYS void inverse_lanes(vec *x, int count, const factors *f, size_t i, int level,
                          const constants *c)
{
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        set_pair(x + k, part_ones(PAIR(x + k)));
        inverse_butterfly(&x[k], &x[k + 1], factors_by_one(f, 4 * (i + (size_t)k), c), level, 0, c);
        set_pair(x + k, swap_ones(PAIR(x + k)));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        inverse_butterfly(&x[k], &x[k + 1], factors_by_two(f, 2 * (i + (size_t)k), c), level + 1, 0,
                          c);
        set_pair(x + k, swap_twos(PAIR(x + k)));
    }
    UNROLL_PAIRS
    for (int k = 0; k < count; k += 2) {
        inverse_butterfly(&x[k], &x[k + 1], factors_by_four(f, i + (size_t)k, c), level + 2, 0, c);
        set_pair(x + k, swap_fours(PAIR(x + k)));
    }
}

#include "math/x86/ntt_passes.h"

void umbra_ntt_forward_avx512f(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    forward_transform(r, a, ntt);
}

void umbra_ntt_forward_centred_avx512f(uint64_t *r, const uint64_t *a, uint64_t p,
                                       const umbra_ntt *ntt)
{
    forward_centred_transform(r, a, p, ntt, &umbra_kernels_avx512f);
}

void umbra_ntt_inverse_avx512f(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    inverse_transform(r, a, ntt);
}

void umbra_ntt_forward_half_avx512f(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    forward_half_transform(r, p, ntt);
}
