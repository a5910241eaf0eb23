/* The noise model: one set of formulas for the evaluator and for the planner's simulator.
 *
 * All figures are log2 of the standard deviation of the error of one slot (real part), in units of
 * the encoding (scale included); messages are log2 of a bound on |slot value| without scale. */
#ifndef UMBRA_CKKS_NOISE_H
#define UMBRA_CKKS_NOISE_H

#include "ckks/params.h"

double umbra_noise_fresh_secret(const umbra_params *params);
double umbra_noise_fresh_public(const umbra_params *params);
double umbra_noise_encode(const umbra_params *params); /* rounding of an encoded plaintext */
/* The same of `count` numbers that repeat over the slots: 2 count coefficients carry an error. */
double umbra_noise_encode_sparse(const umbra_params *params, size_t count);
double umbra_noise_add(double a_log2, double b_log2); /* independent errors: sqrt(2^2a + 2^2b) */
double umbra_noise_key_switch(const umbra_params *params, int level);
double umbra_noise_rescale(const umbra_params *params, int level, double noise_log2);
/* a * b with messages and scales of both; errors of both */
double umbra_noise_multiply(double a_message_log2, double a_scale_log2, double a_noise_log2,
                            double b_message_log2, double b_scale_log2, double b_noise_log2);
/* A linear map: `diagonals` weights rounded to integers and `giants` key switches in one output. */
double umbra_noise_linear_map(const umbra_params *params, int level, double message_log2,
                              double scale_log2, double noise_log2, double weight_scale_log2,
                              double weight_noise_gain_log2, size_t diagonals, size_t giants);

#endif
