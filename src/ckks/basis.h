/* Centred conversion from a small set of primes to any other primes, a few limbs at a time. */
#ifndef UMBRA_CKKS_BASIS_H
#define UMBRA_CKKS_BASIS_H

#include "ckks/params.h"

#define UMBRA_BASIS_MAX 63 /* one less than combine takes: the quotient is a limb of its own */

/* math/rns.h converts all limbs at once; a key switch spreads limbs over threads, a few to each
 * with their NTTs, so that it needs the two halves of a conversion apart. B = product of b_i.
 *
 * 1. scaled[i] = x_i * scale[i] mod b_i for each source limb, and quotient = round(sum scaled[i] /
 * b_i);
 * 2. x mod t = sum scaled[i] * (B/b_i mod t) - quotient * (B mod t): the centred x, |x| <= B/2.
 * [HPS19] A basis of one prime needs no quotient: the residue is read as centred. */
typedef struct umbra_basis {
    int count;
    int prime[UMBRA_BASIS_MAX];
    double log2; /* log2 B */
    uint64_t *scale;
    double *inverse;
    uint64_t *weights; /* for each prime of the parameters: count numbers B/b_i, then -B */
    void *memory;
} umbra_basis;

umbra_status umbra_basis_init(umbra_basis *basis, const umbra_ntt *ntt, int total,
                              const int *primes, int count) UMBRA_MUST_USE;
void umbra_basis_free(umbra_basis *basis);

/* quotient: n words, untouched for a basis of one prime. scaled: count limbs. */
void umbra_basis_quotient(const umbra_basis *basis, const umbra_kernels *kernels,
                          uint64_t *quotient, const uint64_t *const *scaled, size_t n);
/* The centred x modulo a prime, in NTT order.
 *
 * rows: the count scaled limbs, then the quotient. r equals none of them.
 * CT: data is secret */
void umbra_basis_transform(const umbra_basis *basis, const umbra_ntt *ntt, int prime,
                           const umbra_kernels *kernels, uint64_t *r, const uint64_t *const *rows);
/* The same modulo `count` primes, r[i] modulo prime[i]: rows are read once for all of them. */
void umbra_basis_transform_each(const umbra_basis *basis, const umbra_ntt *ntt, const int *prime,
                                size_t count, const umbra_kernels *kernels, uint64_t *const *r,
                                const uint64_t *const *rows);

#endif
