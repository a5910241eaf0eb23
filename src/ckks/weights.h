/* Complex weight vectors as small integer polynomials: the form in which a server keeps a model. */
#ifndef UMBRA_CKKS_WEIGHTS_H
#define UMBRA_CKKS_WEIGHTS_H

#include "ckks/params.h"

/* count: a power of two up to N/2; the vector repeats over the slots. r: the 2 * count coefficients
 * of X^(k * N / (2 count)); all others are zero. im may be NULL (real: r[count] = 0 and r[2 count -
 * k] = -r[k] exactly). scratch: 2 * count numbers. Returns: UMBRA_E_INPUT where a coefficient does
 * not fit 32 bits or is not finite */
umbra_status umbra_encode_weights_i32(const umbra_params *params, int32_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch) UMBRA_MUST_USE;

/* The same in 64 bits, for scales that 32 do not hold: coefficients below 2^62, exact to the 53
 * bits of a double. */
umbra_status umbra_encode_weights_i64(const umbra_params *params, int64_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch) UMBRA_MUST_USE;

#endif
