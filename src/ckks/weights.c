/* Encoding of weights: the inverse embedding, rounded. */
#include "ckks/weights.h"

#include <math.h>
#include <string.h>

umbra_status umbra_encode_weights_i32(const umbra_params *params, int32_t *r, double scale_log2,
                                      const double *re, const double *im, size_t count,
                                      double *scratch)
{
    double *x = scratch, *y = scratch + count, scale = exp2(scale_log2), most = 0;
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
    for (size_t k = 0; k < 2 * count; k++) {
        double v = x[k] * scale;
        most = v > most || v < -most || v != v ? fabs(v) : most;
        if (!(fabs(v) < 0x1p31 - 1))
            break;
        r[k] = (int32_t)lrint(v);
    }
    if (!(most < 0x1p31 - 1))
        return umbra_fail(UMBRA_E_INPUT,
                          "weights of %g at scale 2^%.2f do not fit 32 bits; take a smaller scale",
                          most / scale, scale_log2);
    return UMBRA_OK;
}
