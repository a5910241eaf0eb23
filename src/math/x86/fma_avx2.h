/* Four doubles at a time: the operations of AVX2 and FMA that fma_residues.h asks for. */
#ifndef UMBRA_MATH_FMA_AVX2_H
#define UMBRA_MATH_FMA_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define LANES 4
#define LANES_LOG2 2
#define ALWAYS static inline __attribute__((always_inline, unused))
typedef __m256d vec;
typedef uint64_t words __attribute__((vector_size(32), may_alias));

ALWAYS vec broadcast(double x)
{
    return _mm256_set1_pd(x);
}

ALWAYS vec load_doubles(const void *p)
{
    return _mm256_load_pd((const double *)p);
}

ALWAYS void store_doubles(void *p, vec x)
{
    _mm256_store_pd((double *)p, x);
}

/* An integer below 2^52 in the mantissa of 2^52 is the number 2^52 + integer. */
ALWAYS vec doubles_of(words x)
{
    const vec two52 = broadcast(0x1p52);
    return _mm256_or_pd((vec)x, two52) - two52;
}

ALWAYS words words_of(vec x)
{
    const vec two52 = broadcast(0x1p52);
    return (words)_mm256_xor_pd(x + two52, two52);
}

ALWAYS vec fmadd(vec a, vec b, vec c)
{
    return _mm256_fmadd_pd(a, b, c);
}

ALWAYS vec fmsub(vec a, vec b, vec c)
{
    return _mm256_fmsub_pd(a, b, c);
}

ALWAYS vec fnmadd(vec a, vec b, vec c)
{
    return _mm256_fnmadd_pd(a, b, c);
}

ALWAYS vec nearest(vec x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

ALWAYS vec below(vec x)
{
    return _mm256_floor_pd(x);
}

ALWAYS vec add_where_negative(vec x, vec y)
{
    return x + _mm256_and_pd(_mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_LT_OQ), y);
}

ALWAYS vec subtract_where_above(vec x, vec bound, vec y)
{
    return x - _mm256_and_pd(_mm256_cmp_pd(x, bound, _CMP_GT_OQ), y);
}

ALWAYS vec reversed(vec x)
{
    return _mm256_permute4x64_pd(x, 0x1b);
}

ALWAYS vec load_i32(const int32_t *p)
{
    return _mm256_cvtepi32_pd(_mm_loadu_si128((const void *)p));
}

ALWAYS vec load_float(const float *p)
{
    return _mm256_cvtps_pd(_mm_broadcast_ss(p));
}

ALWAYS void store_floats(float *p, vec x)
{
    _mm_store_ps(p, _mm256_cvtpd_ps(x));
}

typedef __m128i spread;

ALWAYS spread spread_of(size_t first, int fold_log2)
{
    const __m128i lane = _mm_setr_epi32(0, 1, 2, 3);
    return _mm_add_epi32(_mm_srl_epi32(lane, _mm_cvtsi32_si128(fold_log2)),
                         _mm_set1_epi32((int)first));
}

ALWAYS vec load_spread(const float *p, spread s)
{
    return _mm256_cvtps_pd(_mm_permutevar_ps(_mm_load_ps(p), s));
}

#endif
