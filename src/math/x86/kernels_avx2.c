/* The table of kernels by fused multiply-add, four residues at a time as exact integers in doubles.
 */
#include "math/x86/kernels_avx2.h"
#include "math/scalar.h"
#include "math/x86/sets_x86.h"

static void add_avx2(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                     const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(_mm256_sub_pd(_mm256_add_pd(load(a + i), load(b + i)), c.q), &c));
}

static void sub_avx2(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                     const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(_mm256_sub_pd(load(a + i), load(b + i)), &c));
}

static void neg_avx2(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(_mm256_sub_pd(_mm256_setzero_pd(), load(a + i)), &c));
}

static void mul_avx2(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                     const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(multiply(load(a + i), load(b + i), &c), &c));
}

/* t + r mod q. Range in: |t| <= 3q/4, 0 <= r < q. Range out: [0, q): t + r - q lies above -7q/4. */
ALWAYS vec accumulate_lifted(vec t, vec r, const constants *c)
{
    return lift(lift(_mm256_add_pd(t, _mm256_sub_pd(r, c->q)), c), c);
}

static void mul_add_avx2(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                         const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, accumulate_lifted(multiply(load(a + i), load(b + i), &c), load(r + i), &c));
}

static void mul_scalar_avx2(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                            const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(multiply(load(a + i), factor, &c), &c));
}

static void sub_mul_scalar_avx2(uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w,
                                size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES) {
        vec d = _mm256_sub_pd(load(a + i), load(b + i)); /* |d| < q */
        store(r + i, lift(multiply(d, factor, &c), &c));
    }
}

static void mul_scalar_add_avx2(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                                const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, accumulate_lifted(multiply(load(a + i), factor, &c), load(r + i), &c));
}

static void reduce_avx2(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(centre(load(a + i), &c), &c));
}

static void reduce_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                                const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const vec half = broadcast((double)(p / 2)), whole = broadcast((double)p);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = load(a + i);
        vec upper = _mm256_cmp_pd(x, half, _CMP_GT_OQ);
        x = _mm256_sub_pd(x, _mm256_and_pd(upper, whole));
        store(r + i, lift(centre(x, &c), &c));
    }
}

static void ntt_forward_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p,
                                     const umbra_ntt *ntt)
{
    if (p < 2 * ntt->modulus.q) {
        umbra_ntt_forward_centred_avx2(r, a, p, ntt);
    } else {
        reduce_centred_avx2(r, a, p, ntt->degree, &ntt->modulus);
        umbra_ntt_forward_avx2(r, r, ntt);
    }
}

static void reduce_i32_avx2(uint64_t *r, const int32_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES) {
        vec x = _mm256_cvtepi32_pd(_mm_load_si128((const void *)(a + i)));
        store(r + i, lift(centre(x, &c), &c));
    }
}

/* Four integers at p, or before and at p in the opposite order and negated. */
ALWAYS vec load_i32(const int32_t *p, int mirrored)
{
    if (!mirrored)
        return _mm256_cvtepi32_pd(_mm_loadu_si128((const void *)p));
    __m128i x = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(p - 3)), 0x1b);
    return _mm256_sub_pd(_mm256_setzero_pd(), _mm256_cvtepi32_pd(x));
}

/* low + w high: below 2^31 + 3q/4 in size. */
ALWAYS void halve_words(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const vec w = broadcast((double)ntt->roots[1]);
    const size_t half = ntt->degree / 2;
    for (size_t k = mirrored ? LANES : 0; k < half; k += LANES) {
        const vec low = load_i32(mirrored ? a + 2 * half - k : a + k, mirrored);
        const vec high = load_i32(mirrored ? a + half - k : a + half + k, mirrored);
        store(p + k, lift(centre(_mm256_add_pd(low, multiply(high, w, &c)), &c), &c));
    }
}

static void halve_i32_avx2(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    UMBRA_ASSERT_VECTOR(p, ntt->degree / 2);
    if (!mirrored) {
        halve_words(p, a, 0, ntt);
    } else {
        umbra_halve_i32(p, a, 1, 0, LANES, ntt);
        halve_words(p, a, 1, ntt);
    }
}

/* a + 2^62 = high * 2^32 + low is not negative; then high * (2^32 mod q) + low - (2^62 mod q),
 * which is below 2q + 2^32 in size. */
static void reduce_i64_avx2(uint64_t *r, const int64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const vec two32 = broadcast((double)umbra_scalar_reduce64((uint64_t)1 << 32, m));
    const vec two62 = broadcast((double)umbra_scalar_reduce64((uint64_t)1 << 62, m));
    const vec two52 = broadcast(0x1p52);
    for (size_t i = 0; i < n; i += LANES) {
        __m256i u = _mm256_add_epi64(_mm256_load_si256((const void *)(a + i)),
                                     _mm256_set1_epi64x((long long)1 << 62));
        __m256i low_bits = _mm256_blend_epi32(u, _mm256_setzero_si256(), 0xaa);
        vec high = _mm256_castsi256_pd(_mm256_srli_epi64(u, 32)),
            low = _mm256_castsi256_pd(low_bits);
        high = _mm256_sub_pd(_mm256_or_pd(high, two52), two52);
        low = _mm256_sub_pd(_mm256_or_pd(low, two52), two52);
        vec x = _mm256_add_pd(multiply(high, two32, &c), _mm256_sub_pd(low, two62));
        store(r + i, lift(centre(x, &c), &c));
    }
}

static void round_quotient_avx2(uint64_t *v, const uint64_t *const *a, const double *inverse,
                                size_t count, size_t n)
{
    UMBRA_ASSERT_VECTOR(v, n);
    assert(count >= 1 && count <= 64);
    for (size_t i = 0; i < n; i += LANES) {
        vec sum = broadcast(0.5);
        for (size_t j = 0; j < count; j++)
            sum = _mm256_add_pd(sum, _mm256_mul_pd(load(a[j] + i), broadcast(inverse[j])));
        store(v + i, _mm256_floor_pd(sum));
    }
}

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

static void permute_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i += LANES) {
        fetch_ahead(a, index, i, n);
        _mm256_store_si256((void *)(r + i), permuted(a, index + i));
    }
}

static void permute_add_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
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

const umbra_kernels umbra_kernels_avx2 = {
    .name = "avx2",
    .ntt_forward = umbra_ntt_forward_avx2,
    .ntt_inverse = umbra_ntt_inverse_avx2,
    .ntt_forward_centred = ntt_forward_centred_avx2,
    .halve_i32 = halve_i32_avx2,
    .ntt_forward_half = umbra_ntt_forward_half_avx2,
    .add = add_avx2,
    .sub = sub_avx2,
    .neg = neg_avx2,
    .mul = mul_avx2,
    .mul_add = mul_add_avx2,
    .mul_scalar = mul_scalar_avx2,
    .sub_mul_scalar = sub_mul_scalar_avx2,
    .mul_scalar_add = mul_scalar_add_avx2,
    .dot2 = umbra_dot2_avx2,
    .weight_words = 2,
    .split_weights = umbra_split_weights_avx2,
    .dot_block = umbra_dot_block_avx2,
    .combine = umbra_combine_avx2,
    .reduce = reduce_avx2,
    .reduce_centred = reduce_centred_avx2,
    .reduce_i32 = reduce_i32_avx2,
    .reduce_i64 = reduce_i64_avx2,
    .round_quotient = round_quotient_avx2,
    .permute = permute_avx2,
    .permute_add = permute_add_avx2,
    .gaussian = umbra_gaussian_avx2,
    .embed = umbra_embed_avx2,
    .embed_inverse = umbra_embed_inverse_avx2,
};
