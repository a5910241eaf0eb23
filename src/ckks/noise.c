/* The noise model: one set of formulas for the evaluator and for the planner's simulator. */
#include "ckks/noise.h"

#include "ckks/internal.h"

#include <math.h>

#define DEVIATION 3.2              /* of every fresh error, math/sample.h */
#define TERNARY_VARIANCE (2.0 / 3) /* of a coefficient of the secret */
#define ROUNDING_VARIANCE (1.0 / 12)

/* A slot is sum e_k zeta^(jk): its real part has N/2 times the variance of one coefficient. */
double umbra_noise_slots_log2(const umbra_params *params)
{
    return 0.5 * (params->literal.degree_log2 - 1);
}

static double from_variance(const umbra_params *params, double coefficient_variance)
{
    return 0.5 * log2(coefficient_variance) + umbra_noise_slots_log2(params);
}

double umbra_noise_fresh_secret(const umbra_params *params)
{
    return from_variance(params, DEVIATION * DEVIATION);
}

/* v e + e0 + e1 s: each product adds N coefficients of variance 2/3. */
double umbra_noise_fresh_public(const umbra_params *params)
{
    const double n = (double)params->degree;
    return from_variance(params, DEVIATION * DEVIATION * (1 + 2 * n * TERNARY_VARIANCE));
}

/* Real vectors have m_(N-k) = -m_k, so that pairs of roundings agree: twice the variance in the
 * real part, none in the imaginary one. */
double umbra_noise_encode_sparse(const umbra_params *params, size_t count)
{
    return from_variance(params,
                         2 * ROUNDING_VARIANCE * 2 * (double)count / (double)params->degree);
}

double umbra_noise_encode(const umbra_params *params)
{
    return umbra_noise_encode_sparse(params, params->degree / 2);
}

double umbra_noise_add(double a_log2, double b_log2)
{
    const double high = fmax(a_log2, b_log2), low = fmin(a_log2, b_log2);
    return isinf(low) ? high : high + 0.5 * log2(1 + exp2(2 * (low - high)));
}

/* Each part is rounded to an integer: r0 + r1 s (+ r2 s^2, whose coefficients have variance 4N/9).
 */
double umbra_noise_rounding(const umbra_params *params, int parts)
{
    const double n = (double)params->degree;
    double sum = 1 + n * TERNARY_VARIANCE;
    if (parts > 2)
        sum += n * n * TERNARY_VARIANCE * TERNARY_VARIANCE;
    return from_variance(params, ROUNDING_VARIANCE * sum);
}

/* Digits are centred, so uniform in +-D/2: sum over digits of N * D^2/12 * 3.2^2, divided by P^2,
 * and the rounding of the division by P. */
double umbra_noise_key_switch(const umbra_params *params, int level)
{
    const umbra_level *l = &params->levels[level];
    double sum = 0;
    for (int d = 0; d < l->digits; d++)
        sum += exp2(2 * (l->digit[d].log2 - params->log2_p));
    sum *= (double)params->degree * ROUNDING_VARIANCE * DEVIATION * DEVIATION;
    return umbra_noise_add(from_variance(params, sum), umbra_noise_rounding(params, 2));
}

double umbra_noise_rescale(const umbra_params *params, int level, double noise_log2)
{
    return umbra_noise_add(noise_log2 - params->levels[level].rescale.log2,
                           umbra_noise_rounding(params, 2));
}

/* m_a e_b + m_b e_a + e_a e_b. The first two are added and not their squares: in a square they are
 * the same number. */
double umbra_noise_multiply(double a_message_log2, double a_scale_log2, double a_noise_log2,
                            double b_message_log2, double b_scale_log2, double b_noise_log2)
{
    const double left = a_message_log2 + a_scale_log2 + b_noise_log2;
    const double right = b_message_log2 + b_scale_log2 + a_noise_log2;
    const double high = fmax(left, right), low = fmin(left, right);
    const double sum = isinf(low) ? high : high + log2(1 + exp2(low - high));
    return umbra_noise_add(sum, a_noise_log2 + b_noise_log2);
}

double umbra_noise_linear_map(const umbra_params *params, int level, double message_log2,
                              double scale_log2, double noise_log2, double weight_scale_log2,
                              double weight_noise_gain_log2, size_t diagonals, size_t giants)
{
    const double switched = umbra_noise_key_switch(params, level);
    const double inputs = umbra_noise_add(noise_log2, switched);
    const double weights = umbra_noise_encode(params) + 0.5 * log2((double)diagonals);
    double noise = umbra_noise_add(inputs + weight_scale_log2 + weight_noise_gain_log2,
                                   weights + message_log2 + scale_log2);
    if (giants > 0)
        noise = umbra_noise_add(noise, switched + 0.5 * log2((double)giants));
    return noise;
}
