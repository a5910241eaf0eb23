/* Eight doubles at a time: the operations of AVX-512 F and DQ that fma_residues.h asks for. */
#ifndef UMBRA_MATH_FMA_AVX512F_H
#define UMBRA_MATH_FMA_AVX512F_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define LANES_LOG2 3
#define ALWAYS static inline __attribute__((always_inline, unused))
typedef __m512d vec;
typedef uint64_t words __attribute__((vector_size(64), may_alias));

ALWAYS vec broadcast(double x)
{
    return _mm512_set1_pd(x);
}

ALWAYS vec load_doubles(const void *p)
{
    return _mm512_load_pd(p);
}

ALWAYS void store_doubles(void *p, vec x)
{
    _mm512_store_pd(p, x);
}

ALWAYS vec doubles_of(words x)
{
    return _mm512_cvtepu64_pd((__m512i)x);
}

ALWAYS words words_of(vec x)
{
    return (words)_mm512_cvttpd_epu64(x);
}

ALWAYS vec fmadd(vec a, vec b, vec c)
{
    return _mm512_fmadd_pd(a, b, c);
}

ALWAYS vec fmsub(vec a, vec b, vec c)
{
    return _mm512_fmsub_pd(a, b, c);
}

ALWAYS vec fnmadd(vec a, vec b, vec c)
{
    return _mm512_fnmadd_pd(a, b, c);
}

ALWAYS vec nearest(vec x)
{
    return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

ALWAYS vec below(vec x)
{
    return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

ALWAYS vec add_where_negative(vec x, vec y)
{
    return _mm512_mask_add_pd(x, _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_LT_OQ), x, y);
}

ALWAYS vec subtract_where_above(vec x, vec bound, vec y)
{
    return _mm512_mask_sub_pd(x, _mm512_cmp_pd_mask(x, bound, _CMP_GT_OQ), x, y);
}

ALWAYS vec reversed(vec x)
{
    return (vec)_mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), (__m512i)x);
}

ALWAYS vec load_i32(const int32_t *p)
{
    return _mm512_cvtepi32_pd(_mm256_loadu_si256((const void *)p));
}

ALWAYS vec load_float(const float *p)
{
    return _mm512_cvtps_pd(_mm256_broadcast_ss(p));
}

ALWAYS void store_floats(float *p, vec x)
{
    _mm256_store_ps(p, _mm512_cvtpd_ps(x));
}

typedef __m512i spread;

ALWAYS spread spread_of(size_t first, int fold_log2)
{
    const __m512i lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_add_epi64(_mm512_srl_epi64(lane, _mm_cvtsi32_si128(fold_log2)),
                            _mm512_set1_epi64((long long)first));
}

ALWAYS vec load_spread(const float *p, spread s)
{
    return _mm512_permutexvar_pd(s, _mm512_cvtps_pd(_mm256_load_ps(p)));
}

#endif
