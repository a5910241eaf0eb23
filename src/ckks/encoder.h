/* Encode vectors of numbers into polynomials, and back. */
#ifndef UMBRA_CKKS_ENCODER_H
#define UMBRA_CKKS_ENCODER_H

#include "ckks/ciphertext.h"

/* count: a power of two, 1 .. N/2 (sparse packing repeats the vector). im may be NULL (real). The
 * values must be finite and |value| * 2^scale below Q/2 of the level: UMBRA_E_INPUT otherwise.
 * Sets message_log2 to the smallest whole number that bounds the values; encryption
 * makes that number public, but not below 0: set it to a bound known beforehand where it says too
 * much. CT: values are secret when they are an image: no branch on values except the
 * finite/overflow refusal */
umbra_status umbra_encode(umbra_plaintext *out, double scale_log2, const double *re,
                          const double *im, size_t count) UMBRA_MUST_USE;
/* The inverse; re and im (or NULL) hold count numbers: for count < N/2 the mean over the
 * repetitions of the vector. Exact to the precision of double for every level. CT: the polynomial
 * is secret */
umbra_status umbra_decode(const umbra_plaintext *in, double *re, double *im,
                          size_t count) UMBRA_MUST_USE;

/* Coefficients rounded to integers, in coefficient order, before any prime is known: the compact
 * form of weights, turned into limbs when they are used. r has N numbers. Returns: UMBRA_E_INPUT
 * where a coefficient does not fit (int32: |r| < 2^31) or is not finite. */
umbra_status umbra_encode_coefficients_i32(const umbra_params *params, int32_t *r,
                                           double scale_log2, const double *re,
                                           size_t count) UMBRA_MUST_USE;
umbra_status umbra_encode_coefficients_i64(const umbra_params *params, int64_t *r,
                                           double scale_log2, const double *re,
                                           size_t count) UMBRA_MUST_USE;

#endif
