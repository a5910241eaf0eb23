/* The table of kernels in portable C: the reference and the fallback. */
#include "math/gaussian_table.h"
#include "math/kernel_sets.h"
#include "math/scalar.h"

#define COUNT_MAX_DOT 1024
#define COUNT_MAX_COMBINE 64

static void add_portable(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                         const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(a[i] + b[i], m->q);
}

static void sub_portable(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                         const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(a[i] - b[i] + m->q, m->q);
}

static void neg_portable(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(m->q - a[i], m->q);
}

static void mul_portable(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                         const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_mul(a[i], b[i], m);
}

static void mul_add_portable(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                             const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(r[i] + umbra_scalar_mul(a[i], b[i], m), m->q);
}

static void mul_scalar_portable(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                                const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const uint64_t w_shoup = umbra_scalar_shoup52(w, m);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(umbra_scalar_mul_shoup(a[i], w, w_shoup, m->q), m->q);
}

static void sub_mul_scalar_portable(uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w,
                                    size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const uint64_t w_shoup = umbra_scalar_shoup52(w, m);
    for (size_t i = 0; i < n; i++) {
        uint64_t d = a[i] - b[i] + m->q; /* < 2q < 2^52, as the product asks */
        r[i] = umbra_scalar_fold(umbra_scalar_mul_shoup(d, w, w_shoup, m->q), m->q);
    }
}

static void mul_scalar_add_portable(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                                    const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const uint64_t q = m->q, w_shoup = umbra_scalar_shoup52(w, m);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = r[i] + umbra_scalar_mul_shoup(a[i], w, w_shoup, q); /* < 3q */
        r[i] = umbra_scalar_fold(umbra_scalar_fold(x, 2 * q), q);
    }
}

static void dot2_portable(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                          const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                          int accumulate, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r0, n);
    UMBRA_ASSERT_VECTOR(r1, n);
    assert(count >= 1 && count <= COUNT_MAX_DOT);
    for (size_t i = 0; i < n; i++) {
        /* 1024 products below 2^100 and one residue: below 2^111 */
        umbra_u128 sum0 = accumulate ? r0[i] : 0, sum1 = accumulate ? r1[i] : 0;
        for (size_t j = 0; j < count; j++) {
            sum0 += (umbra_u128)a0[j][i] * b[j][i];
            sum1 += (umbra_u128)a1[j][i] * b[j][i];
        }
        r0[i] = umbra_scalar_reduce128(sum0, m);
        r1[i] = umbra_scalar_reduce128(sum1, m);
    }
}

static void dot_block_portable(const umbra_dot_block *block, size_t n, const umbra_modulus *m)
{
    assert(block->start % 16 == 0 && n % 16 == 0 && block->mirror % 16 == 0);
    for (size_t s = 0; s < block->sum_count; s++) {
        const umbra_dot_sum *sum = &block->sums[s];
        assert(sum->count >= 1 && sum->count <= COUNT_MAX_DOT);
        for (size_t i = 0; i < n; i++) {
            const size_t at = block->start + i, w = block->weight_start + (i >> block->fold_log2);
            const size_t place = block->mirror != 0 ? block->mirror - 1 - at : at;
            umbra_u128 sum0 = sum->accumulate ? sum->r0[place] : 0;
            umbra_u128 sum1 = sum->accumulate ? sum->r1[place] : 0;
            for (size_t j = 0; j < sum->count; j++) {
                const uint64_t weight = sum->weights[j][w];
                sum0 += (umbra_u128)block->a0[sum->row[j]][at] * weight;
                sum1 += (umbra_u128)block->a1[sum->row[j]][at] * weight;
            }
            sum->r0[place] = umbra_scalar_reduce128(sum0, m);
            sum->r1[place] = umbra_scalar_reduce128(sum1, m);
        }
    }
}

static void combine_portable(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                             size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(count >= 1 && count <= COUNT_MAX_COMBINE);
    for (size_t i = 0; i < n; i++) {
        umbra_u128 sum = 0; /* 64 products below 2^100 */
        for (size_t j = 0; j < count; j++)
            sum += (umbra_u128)a[j][i] * w[j];
        r[i] = umbra_scalar_reduce128(sum, m);
    }
}

static void reduce_portable(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_reduce64(a[i], m);
}

static void reduce_centred_portable(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                                    const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const uint64_t p_mod_q = umbra_scalar_reduce64(p, m);
    for (size_t i = 0; i < n; i++) {
        uint64_t upper = 0 - ((p / 2 - a[i]) >> 63); /* all ones where a > floor(p / 2) */
        uint64_t x = umbra_scalar_reduce64(a[i], m) + m->q - (p_mod_q & upper);
        r[i] = umbra_scalar_fold(x, m->q);
    }
}

static void ntt_forward_centred_portable(uint64_t *r, const uint64_t *a, uint64_t p,
                                         const umbra_ntt *ntt)
{
    if (p < 2 * ntt->modulus.q) {
        umbra_ntt_forward_centred_portable(r, a, p, ntt);
    } else {
        reduce_centred_portable(r, a, p, ntt->degree, &ntt->modulus);
        umbra_ntt_forward_portable(r, r, ntt);
    }
}

static void reduce_i32_portable(uint64_t *r, const int32_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_from_i64(a[i], m);
}

static void reduce_i64_portable(uint64_t *r, const int64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_from_i64(a[i], m);
}

static void halve_i32_portable(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    const size_t half = ntt->degree / 2;
    UMBRA_ASSERT_VECTOR(p, half);
    umbra_halve_i32(p, a, mirrored, 0, half, ntt);
}

static void round_quotient_portable(uint64_t *v, const uint64_t *const *a, const double *inverse,
                                    size_t count, size_t n)
{
    UMBRA_ASSERT_VECTOR(v, n);
    assert(count >= 1 && count <= COUNT_MAX_COMBINE);
    for (size_t i = 0; i < n; i++) {
        double sum = 0.5;
        for (size_t j = 0; j < count; j++)
            sum += (double)a[j][i] * inverse[j];
        v[i] = (uint64_t)sum; /* not negative, so truncation is the floor */
    }
}

static void permute_portable(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i++)
        r[i] = a[index[i]];
}

static void permute_add_portable(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                                 const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(r != a);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(r[i] + a[index[i]], m->q);
}

static uint64_t load_le(const unsigned char *p)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

/* u: 127 bits. The number of table entries that are <= u, all of them looked at. */
static int32_t gaussian_magnitude(umbra_u128 u)
{
    uint64_t below = 0;
    for (int k = 0; k < UMBRA_GAUSSIAN_CUT; k++) {
        umbra_u128 entry =
            (umbra_u128)umbra_gaussian_table[k][0] << 64 | umbra_gaussian_table[k][1];
        below += (uint64_t)((u - entry) >> 127); /* both below 2^127: the top bit is the borrow */
    }
    return UMBRA_GAUSSIAN_CUT - (int32_t)below;
}

static void gaussian_portable(int32_t *r, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t low = load_le(bytes + 16 * i), high = load_le(bytes + 16 * i + 8);
        int32_t sign = -(int32_t)(high >> 63);
        umbra_u128 u = (umbra_u128)(high & (UINT64_MAX >> 1)) << 64 | low;
        r[i] = (gaussian_magnitude(u) ^ sign) - sign;
    }
}

const umbra_kernels umbra_kernels_portable = {
    .name = "portable",
    .ntt_forward = umbra_ntt_forward_portable,
    .ntt_inverse = umbra_ntt_inverse_portable,
    .ntt_forward_centred = ntt_forward_centred_portable,
    .halve_i32 = halve_i32_portable,
    .ntt_forward_half = umbra_ntt_forward_half_portable,
    .add = add_portable,
    .sub = sub_portable,
    .neg = neg_portable,
    .mul = mul_portable,
    .mul_add = mul_add_portable,
    .mul_scalar = mul_scalar_portable,
    .sub_mul_scalar = sub_mul_scalar_portable,
    .mul_scalar_add = mul_scalar_add_portable,
    .dot2 = dot2_portable,
    .dot_block = dot_block_portable,
    .combine = combine_portable,
    .reduce = reduce_portable,
    .reduce_centred = reduce_centred_portable,
    .reduce_i32 = reduce_i32_portable,
    .reduce_i64 = reduce_i64_portable,
    .round_quotient = round_quotient_portable,
    .permute = permute_portable,
    .permute_add = permute_add_portable,
    .gaussian = gaussian_portable,
    .embed = umbra_embed_portable,
    .embed_inverse = umbra_embed_inverse_portable,
};
