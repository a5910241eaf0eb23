/* Tables of a negacyclic number-theoretic transform. */
#ifndef UMBRA_MATH_NTT_H
#define UMBRA_MATH_NTT_H

#include "math/modulus.h"

#define UMBRA_DEGREE_MIN_LOG2 5
#define UMBRA_DEGREE_MAX_LOG2 17

/* Immutable after init and shared between threads. Roots stand in the order in which the transforms
 * use them (bit-reversed), each with its Shoup companion: roots[k] = psi^bitrev(k),
 * inverse_roots[k] its inverse, but inverse_roots[0] = inverse_roots[1] / N, which the last level
 * of the inverse uses. */
typedef struct umbra_ntt {
    umbra_modulus modulus;
    int degree_log2; /* 5 .. 17 */
    size_t degree;
    uint64_t psi; /* a primitive 2N-th root of unity: the smallest one, so that tables are
                     reproducible */
    uint64_t *roots, *roots_shoup;                 /* N words each, forward */
    uint64_t *inverse_roots, *inverse_roots_shoup; /* N words each */
    uint64_t degree_inverse, degree_inverse_shoup; /* 1/N mod q */
    /* The same roots in (-q/2, q/2), for the transforms in doubles. */
    double *roots_centred, *inverse_roots_centred;
    double degree_inverse_centred;
    /* For eight lanes, per 16 words of data: with j = N/8, N/8 + 2, ... the words roots[2j], its
     * companion, roots[4j], its companion. The others follow: roots[2j + l] = roots[2j] * roots[l]
     * for l < 4, roots[4j + l] = roots[4j] * roots[l] for l < 8. N/4 words each, not 3N/2; after
     * the forward ones those for N/2, N/4, ..., which folded views use. */
    uint64_t *lane_roots, *inverse_lane_roots;
    void *memory; /* one block behind the tables */
} umbra_ntt;

/* q = 1 mod 2N. Owns: umbra_ntt_free. */
umbra_status umbra_ntt_init(umbra_ntt *ntt, uint64_t q, int degree_log2) UMBRA_MUST_USE;
/* With a given primitive 2N-th root of unity; 0: the smallest. */
umbra_status umbra_ntt_init_root(umbra_ntt *ntt, uint64_t q, int degree_log2,
                                 uint64_t psi) UMBRA_MUST_USE;
void umbra_ntt_free(umbra_ntt *ntt);
/* The forward transform of polynomials in Y = X^(2^fold_log2): N >> fold_log2 points, at least 2^5,
 * with the root psi^(2^fold_log2). Its powers in bit-reversed order are the first of those for N.
 * The view borrows the tables, is not to be freed, and has no inverse. */
umbra_ntt umbra_ntt_folded(const umbra_ntt *ntt, int fold_log2);

/* Index table of the automorphism X -> X^galois (odd, < 2N) on NTT order: r[i] = a[index[i]]. */
void umbra_automorphism_index(uint32_t *index, int degree_log2, uint32_t galois);
/* The same in coefficient order, signs included; r != a. */
void umbra_automorphism_coefficients(uint64_t *r, const uint64_t *a, int degree_log2,
                                     uint32_t galois, const umbra_modulus *m);
/* 5^step mod 2N for a rotation of the slots to the left by step (any sign), N/2 slots. */
uint32_t umbra_galois_of_rotation(int degree_log2, int64_t step_slots);

#endif
