/* AVX-512 in plain C: the intrinsics that src/math/x86 uses, so that its kernels run on any
 * machine.
 *
 * Test builds of the AVX-512 sources find this file instead of the compiler's. Each function
 * does what Intel's manual says of its namesake, and no more is here than is used. */
#ifndef UMBRA_TESTS_EMULATED_IMMINTRIN_H
#define UMBRA_TESTS_EMULATED_IMMINTRIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef long long __m512i __attribute__((vector_size(64), may_alias));
typedef double __m512d __attribute__((vector_size(64), may_alias));
typedef float __m256 __attribute__((vector_size(32), may_alias));
typedef long long __m256i __attribute__((vector_size(32), may_alias));
typedef long long __m128i __attribute__((vector_size(16), may_alias));
typedef uint8_t __mmask8;

typedef uint64_t emulated_u64x8 __attribute__((vector_size(64), may_alias));
typedef uint32_t emulated_u32x8 __attribute__((vector_size(32), may_alias));
typedef int32_t emulated_i32x8 __attribute__((vector_size(32), may_alias));

__extension__ typedef unsigned __int128 emulated_u128;

#define EMULATED static inline __attribute__((always_inline, unused))
#define EMULATED_LANES(expression)                                                                 \
    do {                                                                                           \
        __m512i result = {0};                                                                      \
        for (int i = 0; i < 8; i++)                                                                \
            result[i] = (long long)(expression);                                                   \
        return result;                                                                             \
    } while (0)
#define EMULATED_DOUBLES(expression)                                                               \
    do {                                                                                           \
        __m512d result = {0};                                                                      \
        for (int i = 0; i < 8; i++)                                                                \
            result[i] = (expression);                                                              \
        return result;                                                                             \
    } while (0)
#define EMULATED_MASK(condition)                                                                   \
    do {                                                                                           \
        unsigned mask = 0;                                                                         \
        for (unsigned i = 0; i < 8; i++)                                                           \
            mask |= (unsigned)(condition) << i;                                                    \
        return (__mmask8)mask;                                                                     \
    } while (0)

EMULATED __m512i _mm512_setzero_si512(void)
{
    return (__m512i){0};
}

EMULATED __m512i _mm512_set1_epi64(long long a)
{
    EMULATED_LANES(a);
}

EMULATED __m512d _mm512_set1_pd(double a)
{
    return (__m512d){a, a, a, a, a, a, a, a};
}

#define _mm512_setr_epi64(...) ((__m512i){__VA_ARGS__})

EMULATED __m512i _mm512_loadu_si512(const void *p)
{
    __m512i a;
    memcpy(&a, p, sizeof a);
    return a;
}

EMULATED __m512i _mm512_load_si512(const void *p) /* a fault, on a real machine, where unaligned */
{
    return *(const __m512i *)(((uintptr_t)p & 63) == 0 ? p : NULL);
}

EMULATED void _mm512_storeu_si512(void *p, __m512i a)
{
    memcpy(p, &a, sizeof a);
}

EMULATED void _mm512_store_si512(void *p, __m512i a)
{
    *(__m512i *)(((uintptr_t)p & 63) == 0 ? p : NULL) = a;
}

EMULATED __m256i _mm256_loadu_si256(const void *p)
{
    __m256i a;
    memcpy(&a, p, sizeof a);
    return a;
}

EMULATED __m256i _mm256_load_si256(const void *p)
{
    return *(const __m256i *)(((uintptr_t)p & 31) == 0 ? p : NULL);
}

EMULATED __m128i _mm_loadu_si128(const void *p)
{
    __m128i a;
    memcpy(&a, p, sizeof a);
    return a;
}

EMULATED __m512i _mm512_castsi128_si512(__m128i a) /* the rest is undefined: filled with ones */
{
    return (__m512i){a[0], a[1], -1, -1, -1, -1, -1, -1};
}

EMULATED __m128i _mm_cvtsi32_si128(int a)
{
    return (__m128i){(long long)(uint32_t)a, 0};
}

EMULATED __m512i _mm512_add_epi64(__m512i a, __m512i b)
{
    return (__m512i)((emulated_u64x8)a + (emulated_u64x8)b);
}

EMULATED __m512i _mm512_sub_epi64(__m512i a, __m512i b)
{
    return (__m512i)((emulated_u64x8)a - (emulated_u64x8)b);
}

EMULATED __m512i _mm512_and_si512(__m512i a, __m512i b)
{
    return a & b;
}

EMULATED __m512i _mm512_min_epu64(__m512i a, __m512i b)
{
    EMULATED_LANES((uint64_t)a[i] < (uint64_t)b[i] ? a[i] : b[i]);
}

EMULATED __m512i _mm512_abs_epi64(__m512i a)
{
    EMULATED_LANES(a[i] < 0 ? 0 - (uint64_t)a[i] : (uint64_t)a[i]);
}

EMULATED __m512i _mm512_srli_epi64(__m512i a, unsigned count)
{
    EMULATED_LANES(count > 63 ? 0 : (uint64_t)a[i] >> count);
}

EMULATED __m512i _mm512_sll_epi64(__m512i a, __m128i count)
{
    EMULATED_LANES((uint64_t)count[0] > 63 ? 0 : (uint64_t)a[i] << count[0]);
}

EMULATED __m512i _mm512_srl_epi64(__m512i a, __m128i count)
{
    EMULATED_LANES((uint64_t)count[0] > 63 ? 0 : (uint64_t)a[i] >> count[0]);
}

EMULATED uint64_t emulated_product52(long long a, long long b, int high)
{
    const uint64_t mask = (UINT64_C(1) << 52) - 1;
    const emulated_u128 product = (emulated_u128)((uint64_t)a & mask) * ((uint64_t)b & mask);
    return (uint64_t)(high ? product >> 52 : product & mask);
}

EMULATED __m512i _mm512_madd52lo_epu64(__m512i sum, __m512i a, __m512i b)
{
    EMULATED_LANES((uint64_t)sum[i] + emulated_product52(a[i], b[i], 0));
}

EMULATED __m512i _mm512_madd52hi_epu64(__m512i sum, __m512i a, __m512i b)
{
    EMULATED_LANES((uint64_t)sum[i] + emulated_product52(a[i], b[i], 1));
}

EMULATED __m512i _mm512_mask_add_epi64(__m512i other, __mmask8 mask, __m512i a, __m512i b)
{
    EMULATED_LANES(mask >> i & 1 ? (uint64_t)a[i] + (uint64_t)b[i] : (uint64_t)other[i]);
}

EMULATED __m512i _mm512_mask_sub_epi64(__m512i other, __mmask8 mask, __m512i a, __m512i b)
{
    EMULATED_LANES(mask >> i & 1 ? (uint64_t)a[i] - (uint64_t)b[i] : (uint64_t)other[i]);
}

EMULATED __m512i _mm512_mask_set1_epi64(__m512i other, __mmask8 mask, long long a)
{
    EMULATED_LANES(mask >> i & 1 ? a : other[i]);
}

EMULATED __mmask8 _mm512_cmpgt_epu64_mask(__m512i a, __m512i b)
{
    EMULATED_MASK((uint64_t)a[i] > (uint64_t)b[i]);
}

EMULATED __mmask8 _mm512_movepi64_mask(__m512i a)
{
    EMULATED_MASK(a[i] < 0);
}

EMULATED __m512i _mm512_permutexvar_epi64(__m512i index, __m512i a)
{
    EMULATED_LANES(a[index[i] & 7]);
}

EMULATED __m512i _mm512_permutex2var_epi64(__m512i a, __m512i index, __m512i b)
{
    EMULATED_LANES(index[i] & 8 ? b[index[i] & 7] : a[index[i] & 7]);
}

EMULATED __m512i _mm512_shuffle_i64x2(__m512i a, __m512i b, int choice)
{
    EMULATED_LANES((i < 4 ? a : b)[(choice >> i / 2 * 2 & 3) * 2 + i % 2]);
}

EMULATED __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b)
{
    EMULATED_LANES(i & 1 ? b[i - 1] : a[i]);
}

EMULATED __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b)
{
    EMULATED_LANES(i & 1 ? b[i] : a[i + 1]);
}

EMULATED __m512i _mm512_cvtepi32_epi64(__m256i a)
{
    const emulated_i32x8 narrow = (emulated_i32x8)a;
    EMULATED_LANES(narrow[i]);
}

EMULATED __m512i _mm512_cvtepu32_epi64(__m256i a)
{
    const emulated_u32x8 narrow = (emulated_u32x8)a;
    EMULATED_LANES(narrow[i]);
}

EMULATED __m512d _mm512_cvtepu64_pd(__m512i a)
{
    return __builtin_convertvector((emulated_u64x8)a, __m512d);
}

EMULATED __m512i _mm512_cvttpd_epu64(__m512d a)
{
    return (__m512i) __builtin_convertvector(a, emulated_u64x8);
}

EMULATED __m512d _mm512_add_pd(__m512d a, __m512d b)
{
    return a + b;
}

EMULATED __m512d _mm512_mul_pd(__m512d a, __m512d b)
{
    return a * b;
}

EMULATED __m512d _mm512_setzero_pd(void)
{
    return (__m512d){0};
}

EMULATED __m512d _mm512_loadu_pd(const void *p)
{
    __m512d a;
    memcpy(&a, p, sizeof a);
    return a;
}

EMULATED __m512d _mm512_load_pd(const void *p)
{
    return *(const __m512d *)(((uintptr_t)p & 63) == 0 ? p : NULL);
}

EMULATED void _mm512_store_pd(void *p, __m512d a)
{
    *(__m512d *)(((uintptr_t)p & 63) == 0 ? p : NULL) = a;
}

EMULATED __m512d _mm512_fmadd_pd(__m512d a, __m512d b, __m512d c)
{
    EMULATED_DOUBLES(__builtin_fma(a[i], b[i], c[i]));
}

EMULATED __m512d _mm512_fmsub_pd(__m512d a, __m512d b, __m512d c)
{
    EMULATED_DOUBLES(__builtin_fma(a[i], b[i], -c[i]));
}

EMULATED __m512d _mm512_fnmadd_pd(__m512d a, __m512d b, __m512d c)
{
    EMULATED_DOUBLES(__builtin_fma(-a[i], b[i], c[i]));
}

#define _MM_FROUND_TO_NEAREST_INT 0
#define _MM_FROUND_TO_NEG_INF 1
#define _MM_FROUND_NO_EXC 8

/* The higher four bits of the real one's mode are binary places, 0 here. */
EMULATED __m512d _mm512_roundscale_pd(__m512d a, int mode)
{
    EMULATED_DOUBLES((mode & 7) == _MM_FROUND_TO_NEG_INF ? __builtin_floor(a[i])
                                                         : __builtin_nearbyint(a[i]));
}

#define _CMP_LT_OQ 0x11
#define _CMP_GT_OQ 0x1e

EMULATED __mmask8 _mm512_cmp_pd_mask(__m512d a, __m512d b, int condition)
{
    EMULATED_MASK(condition == _CMP_LT_OQ ? a[i] < b[i] : a[i] > b[i]);
}

EMULATED __m512d _mm512_mask_add_pd(__m512d other, __mmask8 mask, __m512d a, __m512d b)
{
    EMULATED_DOUBLES(mask >> i & 1 ? a[i] + b[i] : other[i]);
}

EMULATED __m512d _mm512_mask_sub_pd(__m512d other, __mmask8 mask, __m512d a, __m512d b)
{
    EMULATED_DOUBLES(mask >> i & 1 ? a[i] - b[i] : other[i]);
}

EMULATED __m512d _mm512_cvtepi32_pd(__m256i a)
{
    const emulated_i32x8 narrow = (emulated_i32x8)a;
    EMULATED_DOUBLES(narrow[i]);
}

EMULATED __m256 _mm256_load_ps(const float *p)
{
    return *(const __m256 *)(const void *)(((uintptr_t)p & 31) == 0 ? p : NULL);
}

EMULATED void _mm256_store_ps(float *p, __m256 a)
{
    *(__m256 *)(void *)(((uintptr_t)p & 31) == 0 ? p : NULL) = a;
}

EMULATED __m256 _mm256_broadcast_ss(const float *p)
{
    return (__m256){*p, *p, *p, *p, *p, *p, *p, *p};
}

EMULATED __m512d _mm512_cvtps_pd(__m256 a)
{
    EMULATED_DOUBLES((double)a[i]);
}

EMULATED __m256 _mm512_cvtpd_ps(__m512d a)
{
    __m256 result = {0};
    for (int i = 0; i < 8; i++)
        result[i] = (float)a[i];
    return result;
}

EMULATED __m512d _mm512_permutexvar_pd(__m512i index, __m512d a)
{
    EMULATED_DOUBLES(a[index[i] & 7]);
}

EMULATED __m512i _mm512_castsi256_si512(__m256i a) /* the rest is undefined: filled with ones */
{
    return (__m512i){a[0], a[1], a[2], a[3], -1, -1, -1, -1};
}

#define _MM_HINT_T0 3
#define _MM_HINT_T1 2
#define _mm_prefetch(p, hint) ((void)(p), (void)(hint))

EMULATED __m512i _mm512_i32gather_epi64(__m256i index, const void *base, int scale)
{
    const emulated_i32x8 places = (emulated_i32x8)index;
    __m512i result = {0};
    for (int i = 0; i < 8; i++) {
        long long word;
        memcpy(&word, (const char *)base + (ptrdiff_t)places[i] * scale, sizeof word);
        result[i] = word;
    }
    return result;
}

EMULATED __m256i _mm256_set1_epi32(int a)
{
    return (__m256i)(emulated_i32x8){a, a, a, a, a, a, a, a};
}

EMULATED __m256i _mm256_sub_epi32(__m256i a, __m256i b)
{
    return (__m256i)((emulated_u32x8)a - (emulated_u32x8)b);
}

EMULATED __mmask8 _mm256_cmplt_epu32_mask(__m256i a, __m256i b)
{
    const emulated_u32x8 x = (emulated_u32x8)a, y = (emulated_u32x8)b;
    EMULATED_MASK(x[i] < y[i]);
}

#endif
