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

static umbra_status too_large(double most, double scale_log2, int bits)
{
    return umbra_fail(UMBRA_E_INPUT,
                      "weights of %g at scale 2^%.2f do not fit %d bits; take a smaller scale",
                      most, scale_log2, bits);
}

umbra_status umbra_encode_weights_i32(const umbra_params *params, int32_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch)
{
    const double scale = exp2(scale_log2);
    embed_weights(params, re, im, count, scratch);
    const double most = largest(scratch, 2 * count);
    if (!(most * scale < 0x1p31 - 1))
        return too_large(most, scale_log2, 32);
    for (size_t k = 0; k < 2 * count; k++)
        r[k] = (int32_t)lrint(scratch[k] * scale);
    return UMBRA_OK;
}

umbra_status umbra_encode_weights_i64(const umbra_params *params, int64_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch)
{
    const double scale = exp2(scale_log2);
    embed_weights(params, re, im, count, scratch);
    const double most = largest(scratch, 2 * count);
    if (!(most * scale < 0x1p62))
        return too_large(most, scale_log2, 63);
    for (size_t k = 0; k < 2 * count; k++)
        r[k] = llrint(scratch[k] * scale);
    return UMBRA_OK;
}
