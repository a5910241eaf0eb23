/* Permutations of words, four at a time. */
#include "math/x86/sets_x86.h"

#include <immintrin.h>

#define LANES 4
#define ALWAYS static inline __attribute__((always_inline))

/* An automorphism moves aligned blocks of four as wholes, in NTT order: bit-reversed, the low two
 * bits of an index are the high ones of an exponent, which stay a coset under multiplication. Those
 * take one load and one permutation; any other index is gathered. The index is public. */
ALWAYS __m256i permuted(const uint64_t *a, const uint32_t *index)
{
    const uint32_t block = index[0] / LANES;
    const __m128i places = _mm_loadu_si128((const void *)index);
    const __m128i blocks = _mm_cmpeq_epi32(_mm_srli_epi32(places, 2), _mm_set1_epi32((int)block));
    if (_mm_movemask_epi8(blocks) != 0xffff)
        return _mm256_setr_epi64x((long long)a[index[0]], (long long)a[index[1]],
                                  (long long)a[index[2]], (long long)a[index[3]]);
    /* word pairs 2k, 2k + 1 */
    __m256i pairs = _mm256_cvtepu32_epi64(_mm_and_si128(places, _mm_set1_epi32(LANES - 1)));
    pairs = _mm256_add_epi64(pairs, pairs);
    pairs = _mm256_or_si256(pairs, _mm256_slli_epi64(pairs, 32));
    pairs = _mm256_add_epi64(pairs, _mm256_set1_epi64x((long long)1 << 32));
    const __m256i x = _mm256_load_si256((const void *)(a + (size_t)block * LANES));
    return _mm256_permutevar8x32_epi32(x, pairs);
}

/* No machine foresees where the next block is taken from. */
#define INDICES_AHEAD 64
ALWAYS void fetch_ahead(const uint64_t *a, const uint32_t *index, size_t i, size_t n)
{
    if (i % 8 == 0 && i + INDICES_AHEAD < n)
        _mm_prefetch((const char *)(a + index[i + INDICES_AHEAD]), _MM_HINT_T0);
}

void umbra_permute_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i += LANES) {
        fetch_ahead(a, index, i, n);
        _mm256_store_si256((void *)(r + i), permuted(a, index + i));
    }
}

void umbra_permute_add_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                            const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    const __m256i q = _mm256_set1_epi64x((long long)m->q), zero = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += LANES) {
        fetch_ahead(a, index, i, n);
        const __m256i before = _mm256_load_si256((const void *)(r + i));
        const __m256i less = _mm256_sub_epi64(_mm256_add_epi64(before, permuted(a, index + i)), q);
        const __m256i negative = _mm256_cmpgt_epi64(zero, less);
        _mm256_store_si256((void *)(r + i), _mm256_add_epi64(less, _mm256_and_si256(negative, q)));
    }
}
