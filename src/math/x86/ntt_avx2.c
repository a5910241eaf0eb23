/* The NTT in doubles, four residues at a time. */
#include "math/x86/fma_avx2.h"

#define SHORT_CHAINS 1
#define GROUPS 2
#define LANES_APART 1
#include "math/x86/ntt_fma.h"
#include "math/x86/sets_x86.h"

/* The last five levels of all are centred at the first and the last: what store_forward gets is
 * within 1.96. */

ALWAYS factor factors_by_two(const factors *f, size_t i, const constants *c) /* 0 0 1 1 */
{
    const double *p = f->w + i;
    return factor_of(_mm256_insertf128_pd(broadcast(p[0]), _mm_set1_pd(p[1]), 1), c);
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

#include "math/x86/ntt_passes.h"

void umbra_ntt_forward_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    forward_transform(r, a, ntt);
}

void umbra_ntt_forward_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p,
                                    const umbra_ntt *ntt)
{
    forward_centred_transform(r, a, p, ntt, &umbra_kernels_avx2);
}

void umbra_ntt_inverse_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    inverse_transform(r, a, ntt);
}

void umbra_ntt_forward_half_avx2(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    forward_half_transform(r, p, ntt);
}
