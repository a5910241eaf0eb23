/* Multiplication by the imaginary unit: exact, and without a level. */
#ifndef UMBRA_CKKS_MONOMIAL_H
#define UMBRA_CKKS_MONOMIAL_H

#include "ckks/evaluator.h"

/* out = i * a in every slot: the product with X^(N/2), whose value at zeta^(5^j) is i for every j.
 *
 * Level, Scale, Noise: those of a. out may be a. */
umbra_status umbra_eval_multiply_i(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a) UMBRA_MUST_USE;

#endif
