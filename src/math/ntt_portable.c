/* The negacyclic NTT in portable C: radix-2 butterflies with lazy reduction. */
#include "math/kernel_sets.h"
#include "math/scalar.h"

/* One level of decimation in frequency of the exponents: blocks of 2*half words, one root per
 * block, from the root at `first`.
 *
 * Range in:  a[i] < 4q < 2^52
 * Range out: r[i] < 4q: x folded to 2q, plus a product below 2q, or minus it plus 2q. [Harvey14]
 * Alias:     r == a */
static void forward_level(uint64_t *r, const uint64_t *a, size_t half, size_t blocks, size_t first,
                          const umbra_ntt *ntt)
{
    const uint64_t q = ntt->modulus.q;
    for (size_t block = 0; block < blocks; block++) {
        const uint64_t w = ntt->roots[first + block];
        const uint64_t w_shoup = ntt->roots_shoup[first + block];
        const uint64_t *in = a + 2 * half * block;
        uint64_t *out = r + 2 * half * block;
        for (size_t i = 0; i < half; i++) {
            uint64_t x = umbra_scalar_fold(in[i], 2 * q);
            uint64_t y = umbra_scalar_mul_shoup(in[half + i], w, w_shoup, q);
            out[i] = x + y;
            out[half + i] = x - y + 2 * q;
        }
    }
}

/* n points, whose first root is at `root`. */
static void forward(uint64_t *r, const uint64_t *a, size_t n, size_t root, const umbra_ntt *ntt)
{
    const uint64_t q = ntt->modulus.q;
    UMBRA_ASSERT_VECTOR(r, n);
    UMBRA_ASSERT_VECTOR(a, n);
    for (size_t blocks = 1; blocks < n; blocks *= 2)
        forward_level(r, blocks == 1 ? a : r, n / (2 * blocks), blocks, root * blocks, ntt);
    for (size_t i = 0; i < n; i++)
        r[i] = umbra_scalar_fold(umbra_scalar_fold(r[i], 2 * q), q);
}

void umbra_ntt_forward_portable(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    forward(r, a, ntt->degree, 1, ntt);
}

/* Centred residues plus q are below 2q. */
void umbra_ntt_forward_centred_portable(uint64_t *r, const uint64_t *a, uint64_t p,
                                        const umbra_ntt *ntt)
{
    assert(p < 2 * ntt->modulus.q);
    for (size_t i = 0; i < ntt->degree; i++) {
        const uint64_t upper = 0 - ((p / 2 - a[i]) >> 63); /* all ones where a > floor(p / 2) */
        r[i] = a[i] + ntt->modulus.q - (p & upper);
    }
    forward(r, r, ntt->degree, 1, ntt);
}

void umbra_ntt_forward_half_portable(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    forward(r, p, ntt->degree / 2, 2, ntt);
}

/* One level of the inverse.
 *
 * Range in:  a[i] < 2q
 * Range out: r[i] < 2q: the sum, below 4q, folded; the difference plus 2q, below 4q < 2^52,
 * multiplied Alias:     r == a */
static void inverse_level(uint64_t *r, const uint64_t *a, size_t half, const umbra_ntt *ntt)
{
    const uint64_t q = ntt->modulus.q;
    const size_t blocks = ntt->degree / (2 * half);
    for (size_t block = 0; block < blocks; block++) {
        const uint64_t w = ntt->inverse_roots[blocks + block];
        const uint64_t w_shoup = ntt->inverse_roots_shoup[blocks + block];
        const uint64_t *in = a + 2 * half * block;
        uint64_t *out = r + 2 * half * block;
        for (size_t i = 0; i < half; i++) {
            uint64_t x = in[i], y = in[half + i];
            out[i] = umbra_scalar_fold(x + y, 2 * q);
            out[half + i] = umbra_scalar_mul_shoup(x - y + 2 * q, w, w_shoup, q);
        }
    }
}

void umbra_ntt_inverse_portable(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    const uint64_t q = ntt->modulus.q;
    const size_t half = ntt->degree / 2;
    UMBRA_ASSERT_VECTOR(r, ntt->degree);
    UMBRA_ASSERT_VECTOR(a, ntt->degree);
    inverse_level(r, a, 1, ntt);
    for (size_t h = 2; h < half; h *= 2)
        inverse_level(r, r, h, ntt);
    /* The last level, with 1/N in both factors; sum and difference are below 4q < 2^52. */
    for (size_t i = 0; i < half; i++) {
        uint64_t x = r[i], y = r[half + i];
        uint64_t sum =
            umbra_scalar_mul_shoup(x + y, ntt->degree_inverse, ntt->degree_inverse_shoup, q);
        uint64_t difference = umbra_scalar_mul_shoup(x - y + 2 * q, ntt->inverse_roots[0],
                                                     ntt->inverse_roots_shoup[0], q);
        r[i] = umbra_scalar_fold(sum, q);
        r[half + i] = umbra_scalar_fold(difference, q);
    }
}
