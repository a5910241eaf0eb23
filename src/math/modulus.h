/* A prime modulus below 2^50 with its constants, and scalar arithmetic modulo it. */
#ifndef UMBRA_MATH_MODULUS_H
#define UMBRA_MATH_MODULUS_H

#include "umbra/status.h"

#include <stddef.h>
#include <stdint.h>

#define UMBRA_MODULUS_MAX_BITS 50

/* Made by umbra_modulus_init, immutable. Kernels use only q, bits and the constants below. */
typedef struct umbra_modulus {
    uint64_t q;           /* odd prime, 2^13 < q < 2^50 */
    int bits;             /* 2^(bits-1) < q < 2^bits */
    uint64_t barrett52;   /* floor(2^(bits+51) / q), for 52-bit high products */
    uint64_t two52;       /* 2^52 mod q, to fold a high word into a low one */
    uint64_t two52_shoup; /* floor(two52 * 2^52 / q) */
    uint64_t two64;       /* 2^64 mod q */
    uint64_t two64_shoup; /* floor(two64 * 2^64 / q), for 128-bit sums in portable C */
    uint64_t barrett64;   /* floor(2^64 / q) */
    double inverse;       /* 1 / q rounded to nearest */
} umbra_modulus;

umbra_status umbra_modulus_init(umbra_modulus *m, uint64_t q) UMBRA_MUST_USE;

/* Scalars; a, b < q; results < q. Variable time in the modulus only. */
uint64_t umbra_mod_add(uint64_t a, uint64_t b, const umbra_modulus *m);
uint64_t umbra_mod_sub(uint64_t a, uint64_t b, const umbra_modulus *m);
uint64_t umbra_mod_mul(uint64_t a, uint64_t b, const umbra_modulus *m);
uint64_t umbra_mod_pow(uint64_t a, uint64_t exponent, const umbra_modulus *m);
uint64_t umbra_mod_inverse(uint64_t a, const umbra_modulus *m); /* a != 0 */
uint64_t umbra_mod_reduce(uint64_t a, const umbra_modulus *m);  /* any 64-bit a */
uint64_t umbra_mod_from_i64(int64_t a, const umbra_modulus *m);
/* floor(w * 2^52 / q), w < q: the companion of a constant factor, [Harvey14]. */
uint64_t umbra_mod_shoup52(uint64_t w, const umbra_modulus *m);

/* Deterministic Miller-Rabin for 64-bit numbers. */
int umbra_is_prime(uint64_t n);

/* Find `count` distinct primes = 1 mod `step`, nearest to 2^bits_log2 (a real number, below 50),
 * avoiding those of `taken`. Candidates alternate above and below, so that products stay near the
 * wanted scale.
 *
 * step:    a power of two, at least 2N
 * Returns: UMBRA_E_SECURITY where there are not enough such primes below 2^50 */
umbra_status umbra_find_primes(uint64_t *primes, int count, double bits_log2, uint64_t step,
                               const uint64_t *taken, int taken_count) UMBRA_MUST_USE;

#endif
