/* The table of kernels: one contract each, several instruction sets behind it, the same bytes out.
 */
#ifndef UMBRA_MATH_KERNELS_H
#define UMBRA_MATH_KERNELS_H

#include "math/modulus.h"
#include "math/ntt.h"

/* One sum of a block of products: of rows row[j] times weights[j], j < count. */
typedef struct umbra_dot_sum {
    uint64_t *r0, *r1;
    const uint64_t *const *weights; /* as the kernel split_weights makes them */
    const uint32_t *row;
    size_t count; /* 1 .. 1024 */
    int accumulate;
} umbra_dot_sum;

/* Several sums over the same rows, at the points start .. start + n - 1. */
typedef struct umbra_dot_block {
    const uint64_t *const *a0, *const *a1;
    size_t row_count;
    const umbra_dot_sum *sums;
    size_t sum_count;
    size_t start;
    /* Weights repeat: point start + i has number weight_start + (i >> fold_log2). Where fold_log2
     * is below 3, weight_start = 0 mod 8 >> fold_log2. */
    size_t weight_start;
    int fold_log2;
    /* 0: the results of point i stand at i. Else at mirror - 1 - i; mirror = 0 mod 16. */
    size_t mirror;
    uint64_t *scratch; /* UMBRA_DOT_SCRATCH_WORDS for each row */
} umbra_dot_block;

#define UMBRA_DOT_SCRATCH_WORDS 64

/* Common to all: n = 0 mod 16; arrays 64-byte aligned; residues in [0, q) in and out (fully
 * reduced); r may equal an input entirely, partial overlap is not allowed; CT: data is secret, n,
 * q, counts and constants are public. */
typedef struct umbra_kernels {
    const char *name; /* "portable", "avx2", "avx512f", "avx512ifma" */

    /* Negacyclic NTT. forward: natural coefficient order in, bit-reversed evaluation order out
     * (r[j] = a(psi^(2*bitrev(j)+1))). inverse: the opposite, 1/N included. [Harvey14] */
    void (*ntt_forward)(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
    void (*ntt_inverse)(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
    /* The same as reduce_centred and then ntt_forward, in one go: a[i] < p < 2^50 is read as a - p
     * where a > p / 2. r == a allowed. */
    void (*ntt_forward_centred)(uint64_t *r, const uint64_t *a, uint64_t p, const umbra_ntt *ntt);
    /* Half of the places of a polynomial a, from N/2 words: the first N/2 places are the roots of
     * X^(N/2) - w, w = psi^(N/2) = roots[1], so that p = a mod (X^(N/2) - w) is all that they need.
     * halve_i32: p from integers |a| < 2^31; mirrored = 1: p of a(X^-1), which has at place j what
     * a has at place N-1-j. ntt_forward_half: r[j], j < N/2, from p. */
    void (*halve_i32)(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt);
    void (*ntt_forward_half)(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);

    void (*add)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                const umbra_modulus *m);
    void (*sub)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                const umbra_modulus *m);
    void (*neg)(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m);
    void (*mul)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                const umbra_modulus *m);
    /* r += a * b */
    void (*mul_add)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                    const umbra_modulus *m);
    /* r = a * w, w < q; r = (a - b) * w: the last step of rescaling and of modulus down */
    void (*mul_scalar)(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                       const umbra_modulus *m);
    void (*sub_mul_scalar)(uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w, size_t n,
                           const umbra_modulus *m);
    /* r += a * w */
    void (*mul_scalar_add)(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                           const umbra_modulus *m);

    /* r0[i] (+)= sum_j a0[j][i] * b[j][i], r1 likewise with a1: reduction is delayed to the end, so
     * each input is read once. count 1 .. 1024. accumulate: 0 overwrites r, 1 adds to it. Used for
     * a ciphertext (a0, a1) times plaintexts b, and for a key (a0, a1) times digits b. */
    void (*dot2)(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0, const uint64_t *const *a1,
                 const uint64_t *const *b, size_t count, int accumulate, size_t n,
                 const umbra_modulus *m);

    /* Weights of dot_block, n = 0 mod 8 words made from as many residues. NULL: residues as they
     * are. */
    void (*split_weights)(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m);
    /* Every sum of a block: r0[i] (+)= sum_j a0[row[j]][i] * w[j][i], r1 likewise with a1. Points
     * are taken a few at a time, in which each row is read once for all sums. No r is among the
     * rows. start = 0 mod 16. */
    void (*dot_block)(const umbra_dot_block *block, size_t n, const umbra_modulus *m);

    /* r[i] = sum_j a[j][i] * w[j] mod q, count 1 .. 64; a[j][i] < 2^50 of ANY modulus, w[j] < q:
     * the inner loop of RNS base conversion. */
    void (*combine)(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                    size_t n, const umbra_modulus *m);

    /* r[i] = a[i] mod q for a[i] < 2^50 of another modulus. */
    void (*reduce)(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m);
    /* The same for the centred representative: a is read as a - p where a > p / 2, p < 2^50. */
    void (*reduce_centred)(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                           const umbra_modulus *m);
    /* r[i] = a[i] mod q for signed numbers: |a| < 2^31, and |a| < 2^62. */
    void (*reduce_i32)(uint64_t *r, const int32_t *a, size_t n, const umbra_modulus *m);
    void (*reduce_i64)(uint64_t *r, const int64_t *a, size_t n, const umbra_modulus *m);

    /* v[i] = floor(sum_j a[j][i] * inverse[j] + 1/2) in double precision, summed in the order of j
     * without fused multiply-add: the same bits everywhere. a[j][i] < 2^50, count 1 .. 64; the
     * rounded quotient of exact base conversion. [HPS19] */
    void (*round_quotient)(uint64_t *v, const uint64_t *const *a, const double *inverse,
                           size_t count, size_t n);

    /* r[i] = a[index[i]], and r[i] + a[index[i]] mod q; r != a */
    void (*permute)(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n);
    void (*permute_add)(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                        const umbra_modulus *m);

    /* n samples of umbra_sample_gaussian, each from 16 bytes: a little-endian number u of 127 bits
     * and a sign in the top bit. The magnitude is the number of entries of the cumulative table
     * that are not above u. n = 0 mod 16; bytes of any alignment. CT: all are secret. */
    void (*gaussian)(int32_t *r, const unsigned char *bytes, size_t n);

    /* The complex FFT of the canonical embedding, through umbra_fft_embed and its inverse, which
     * say more.
     *
     * Shape:    re, im: slots doubles each, 8-byte aligned, slots a power of two
     *           wr, wi: root j of the level `half` (1, 2, 4 .. slots/2) at half + j
     * CT:       data is secret */
    void (*embed)(double *re, double *im, size_t slots, const double *wr, const double *wi);
    void (*embed_inverse)(double *re, double *im, size_t slots, const double *wr, const double *wi);
} umbra_kernels;

/* The strongest set that this machine runs, or the one that UMBRA_CPU names
 * (portable|avx2|avx512f|avx512ifma); chosen once. An unknown name, or a set that the machine
 * lacks, is an error from umbra_kernels_init, which programs call first; umbra_kernels_get without
 * it uses the strongest. */
umbra_status umbra_kernels_init(void) UMBRA_MUST_USE;
const umbra_kernels *umbra_kernels_get(void);
/* Every set that this machine can run, weakest first; for tests and benchmarks. */
int umbra_kernels_all(const umbra_kernels *sets[4]);

#endif
