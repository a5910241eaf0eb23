/* Conversions between residue number system bases. */
#ifndef UMBRA_MATH_RNS_H
#define UMBRA_MATH_RNS_H

#include "math/kernels.h"

/* Constants to convert from base A (count_from primes) to base B (count_to primes). Immutable. */
typedef struct umbra_base_conversion umbra_base_conversion;

/* moduli: borrowed for the life of the conversion. Owns: umbra_base_conversion_free. */
umbra_status umbra_base_conversion_new(umbra_base_conversion **out,
                                       const umbra_modulus *const *from, int count_from,
                                       const umbra_modulus *const *to, int count_to) UMBRA_MUST_USE;
void umbra_base_conversion_free(umbra_base_conversion *conversion);
size_t umbra_base_conversion_scratch_bytes(const umbra_base_conversion *conversion, size_t n);

/* Coefficient order. to[j] = x + e*A mod b_j for limbs from[i] = x mod a_i, x in [0, A).
 *
 * approximate: 0 <= e < count_from, [HPS19] without correction
 * exact:       the centred representative of x (|x| < A/2) mod b_j; the quotient is estimated in
 * double precision, right unless x is within A * 2^-40 of +-A/2, where e may be 1 ([HPS19]) Alias:
 * to[j] != from[i] CT:          data is secret */
void umbra_base_convert_approximate(const umbra_base_conversion *conversion, uint64_t *const *to,
                                    const uint64_t *const *from, size_t n, void *scratch);
void umbra_base_convert_exact(const umbra_base_conversion *conversion, uint64_t *const *to,
                              const uint64_t *const *from, size_t n, void *scratch);

#endif
