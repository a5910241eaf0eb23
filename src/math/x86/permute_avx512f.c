/* Permutations of words, eight at a time: integers, for both sets with AVX-512. */
#include "math/x86/sets_x86.h"

#include <immintrin.h>

#define LANES 8
#define ALWAYS static inline __attribute__((always_inline))

/* An automorphism moves aligned blocks of eight as wholes, in NTT order: bit-reversed, the low
 * three bits of an index are the high ones of an exponent, which stay a coset under multiplication.
 * Those take one load and one permutation; any other index is gathered. The index is public. */
ALWAYS __m512i permuted(const uint64_t *a, const uint32_t *index)
{
    const uint32_t block = index[0] / LANES;
    const __m256i places = _mm256_loadu_si256((const void *)index);
    const __m256i offsets = _mm256_sub_epi32(places, _mm256_set1_epi32((int)(block * LANES)));
    if (_mm256_cmplt_epu32_mask(offsets, _mm256_set1_epi32(LANES)) == 0xff)
        return _mm512_permutexvar_epi64(_mm512_cvtepu32_epi64(offsets),
                                        _mm512_load_si512(a + (size_t)block * LANES));
    return _mm512_i32gather_epi64(places, (const void *)a, 8);
}

void umbra_permute_avx512f(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i += LANES)
        _mm512_store_si512(r + i, permuted(a, index + i));
}

void umbra_permute_add_avx512f(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                               const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    const __m512i q = _mm512_set1_epi64((long long)m->q);
    for (size_t i = 0; i < n; i += LANES) {
        const __m512i sum = _mm512_add_epi64(_mm512_load_si512(r + i), permuted(a, index + i));
        _mm512_store_si512(r + i, _mm512_min_epu64(sum, _mm512_sub_epi64(sum, q)));
    }
}
