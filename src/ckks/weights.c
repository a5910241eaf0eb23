/* Encoding of weights: the inverse embedding, rounded. */
#include "ckks/weights.h"

#include <math.h>
#include <string.h>

/* Coefficients as doubles in scratch: x[0 .. count-1] and then y. */
static void embed_weights(const umbra_params *params, const double *re, const double *im,
                          size_t count, double *scratch)
{
    double *x = scratch, *y = scratch + count;
    memcpy(x, re, count * sizeof *x);
    if (im != NULL)
        memcpy(y, im, count * sizeof *y);
    else
        memset(y, 0, count * sizeof *y);
    umbra_fft_embed_inverse(umbra_params_fft(params), x, y, count);
    /* A real vector has c_(N-j) = -c_j: exact here, so that half of its transform can be saved. */
    if (im == NULL)
        y[0] = 0;
    for (size_t k = 1; im == NULL && k < count; k++)
        y[count - k] = -x[k];
}

/* The largest magnitude; NaN where there is one. */
static double largest(const double *x, size_t count)
{
    double most = 0;
    for (size_t k = 0; k < count; k++)
        most = fabs(x[k]) <= most ? most : fabs(x[k]);
    return most;
}

/* Coefficients times the scale, not yet rounded, in scratch; all below `limit`. */
static umbra_status scale_weights(const umbra_params *params, double scale_log2, const double *re,
                                  const double *im, size_t count, double *scratch, double limit,
                                  int bits)
{
    const double scale = exp2(scale_log2);
    embed_weights(params, re, im, count, scratch);
    const double most = largest(scratch, 2 * count);
    if (!(most * scale < limit))
        return umbra_fail(UMBRA_E_INPUT,
                          "weights of %g at scale 2^%.2f do not fit %d bits; take a smaller scale",
                          most, scale_log2, bits);
    for (size_t k = 0; k < 2 * count; k++)
        scratch[k] *= scale;
    return UMBRA_OK;
}

/* As lrint, without a call: |x| < 2^31, so that x + 1.5 * 2^52 has the rounded x in its low bits.
 */
static inline int32_t round_i32(double x)
{
    const double shifted = x + 0x1.8p52;
    uint64_t bits = 0;
    memcpy(&bits, &shifted, sizeof bits);
    return (int32_t)(uint32_t)bits;
}

umbra_status umbra_encode_weights_i32(const umbra_params *params, int32_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch)
{
    UMBRA_TRY(scale_weights(params, scale_log2, re, im, count, scratch, 0x1p31 - 1, 32));
    for (size_t k = 0; k < 2 * count; k++)
        r[k] = round_i32(scratch[k]);
    return UMBRA_OK;
}

umbra_status umbra_encode_weights_i64(const umbra_params *params, int64_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch)
{
    UMBRA_TRY(scale_weights(params, scale_log2, re, im, count, scratch, 0x1p62, 63));
    for (size_t k = 0; k < 2 * count; k++)
        r[k] = llrint(scratch[k]);
    return UMBRA_OK;
}
