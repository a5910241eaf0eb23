/* Vectors of numbers -> polynomials. */
#include "ckks/encoder.h"

#include "base/memory.h"
#include "ckks/declassify.h"
#include "ckks/internal.h"

#include <math.h>
#include <string.h>

#define HIGH_LOG2 50 /* a coefficient is high * 2^50 + low */
#define COEFFICIENT_LOG2_MAX                                                                       \
    110 /* what high and low hold; beyond, a power of two stays outside                            \
         */

/* Numbers that round by adding and taking away 1.5 * 2^52: |x| < 2^51. No branch, unlike some rint.
 */
static double round_small(double x)
{
    volatile double shifted = x + 0x1.8p52;
    return shifted - 0x1.8p52;
}

/* The smallest m with all |x| <= 2^m, or INT_MAX where one is not finite. CT: only the result is
 * public. */
static int magnitude_log2(const double *x, size_t count)
{
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits &= UINT64_MAX >>
                1; /* as integers, magnitudes are in order; infinities and NaN are largest */
        const uint64_t larger = (most - bits) >> 63;
        most += (bits - most) & (0 - larger);
    }
    const uint64_t fraction = most & (((uint64_t)1 << 52) - 1);
    int magnitude = (int)(most >> 52) - 1023 + (int)((fraction | (0 - fraction)) >> 63);
    int finite = (int)((most >> 52) ^ 0x7ff);
    UMBRA_DECLASSIFY(&magnitude, sizeof magnitude);
    UMBRA_DECLASSIFY(&finite, sizeof finite);
    return finite == 0 ? INT32_MAX : magnitude;
}

static umbra_status check_values(const umbra_params *params, const double *re, const double *im,
                                 size_t count, int *magnitude)
{
    if (count < 1 || count > params->degree / 2 || (count & (count - 1)) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%zu values to encode; give a power of two up to %zu",
                          count, params->degree / 2);
    const int m = magnitude_log2(re, count), n = im == NULL ? m : magnitude_log2(im, count);
    if (m == INT32_MAX || n == INT32_MAX)
        return umbra_fail(UMBRA_E_INPUT, "a value to encode is not finite; check the input data");
    *magnitude = m > n ? m : n;
    return UMBRA_OK;
}

/* Scratch that may hold an image: wiped before it is freed. */
typedef struct embedding {
    double *re, *im;
    int64_t *low, *high;
    uint64_t *limb;
    size_t bytes;
} embedding;

static umbra_status embedding_new(embedding *e, const umbra_params *params)
{
    void *memory = NULL;
    const size_t n = params->degree;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 4 * n, sizeof(uint64_t), "encoding"));
    e->bytes = 4 * n * sizeof(uint64_t);
    e->low = memory;
    e->high = e->low + n;
    e->limb = (uint64_t *)(void *)(e->high + n);
    e->re = (double *)(void *)(e->limb + n);
    e->im = e->re + n / 2;
    return UMBRA_OK;
}

static void embedding_free(embedding *e)
{
    umbra_secret_wipe(e->low, e->bytes);
    umbra_memory_free(e->low);
}

/* Coefficients, as doubles without scale: e->re[k] of X^(k*gap), e->im[k] of X^(N/2 + k*gap). A
 * real vector has c_(N-j) = -c_j; made exact here, because the linear map saves half of its
 * transforms by it. */
static void embed(embedding *e, const umbra_params *params, const double *re, const double *im,
                  size_t count)
{
    memcpy(e->re, re, count * sizeof *re);
    if (im != NULL)
        memcpy(e->im, im, count * sizeof *im);
    else
        memset(e->im, 0, count * sizeof *e->im);
    umbra_fft_embed_inverse(params->fft, e->re, e->im, count);
    if (im != NULL)
        return;
    e->im[0] = 0;
    for (size_t j = 1; j < count; j++)
        e->im[count - j] = -e->re[j];
}

/* Split x * scale, |x * scale| < 2^110: both steps are exact, as a double has 53 bits. */
static void split(double x, double scale, int64_t *low, int64_t *high)
{
    const double t = x * scale;
    const int64_t h = (int64_t)(t * 0x1p-50);
    *high = h;
    *low = (int64_t)round_small(t - (double)h * 0x1p50);
}

static void split_all(embedding *e, const umbra_params *params, double scale, size_t count)
{
    const size_t gap = params->degree / 2 / count, half = params->degree / 2;
    for (size_t k = 0; k < count; k++) {
        split(e->re[k], scale, &e->low[k * gap], &e->high[k * gap]);
        split(e->im[k], scale, &e->low[half + k * gap], &e->high[half + k * gap]);
    }
}

/* with_high: public; all high words are zero without it. */
static void fill_limbs(umbra_plaintext *out, const embedding *e, int with_high)
{
    const umbra_params *params = out->params;
    const umbra_level *level = &params->levels[out->level];
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    for (int i = 0; i < level->limbs; i++) {
        const umbra_ntt *ntt = &params->ntt[level->prime[i]];
        const umbra_modulus *m = &ntt->modulus;
        uint64_t *limb = out->limbs + (size_t)i * n;
        k->reduce_i64(limb, e->low, n, m);
        if (with_high) {
            k->reduce_i64(e->limb, e->high, n, m);
            k->mul_scalar_add(limb, e->limb, umbra_mod_reduce((uint64_t)1 << HIGH_LOG2, m), n, m);
        }
        k->ntt_forward(limb, limb, ntt);
    }
}

/* Times 2^bits, modulo each prime. bits: public */
static void shift_limbs(umbra_plaintext *out, uint64_t bits)
{
    const umbra_params *params = out->params;
    const umbra_level *level = &params->levels[out->level];
    for (int i = 0; bits > 0 && i < level->limbs; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        uint64_t *limb = out->limbs + (size_t)i * params->degree;
        params->kernels->mul_scalar(limb, limb, umbra_mod_pow(2, bits, m), params->degree, m);
    }
}

umbra_status umbra_encode(umbra_plaintext *out, double scale_log2, const double *re,
                          const double *im, size_t count)
{
    const umbra_params *params = out->params;
    int magnitude = 0;
    if (out->room_limbs < (size_t)params->levels[out->level].limbs)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a plaintext of level %d does not fit a room of %zu limbs", out->level,
                          out->room_limbs);
    UMBRA_TRY(check_values(params, re, im, count, &magnitude));
    const double limit = params->levels[out->level].log2_q - 1;
    if (!(scale_log2 >= 0) || !(magnitude + scale_log2 < limit))
        return umbra_fail(UMBRA_E_INPUT,
                          "values up to 2^%d at scale 2^%.2f do not fit level %d (2^%.1f); take a "
                          "smaller scale or a higher level",
                          magnitude, scale_log2, out->level, limit);
    embedding e;
    UMBRA_TRY(embedding_new(&e, params));
    embed(&e, params, re, im, count);
    const double excess = fmax(0, ceil(magnitude + 1 + scale_log2 - COEFFICIENT_LOG2_MAX));
    split_all(&e, params, exp2(scale_log2 - excess), count);
    /* Complex values reach sqrt(2) times their parts. */
    fill_limbs(out, &e, magnitude + 1 + scale_log2 >= HIGH_LOG2);
    embedding_free(&e);
    shift_limbs(out, (uint64_t)excess);
    out->scale_log2 = scale_log2;
    out->message_log2 = magnitude;
    out->noise_log2 = umbra_noise_encode_sparse(params, count) + excess;
    return UMBRA_OK;
}

/* Scaled integers in coefficient order, all |r| < 2^limit_log2. */
static umbra_status encode_integers(embedding *e, const umbra_params *params, double scale_log2,
                                    const double *re, size_t count, int limit_log2)
{
    int magnitude = 0;
    UMBRA_TRY(check_values(params, re, NULL, count, &magnitude));
    embed(e, params, re, NULL, count);
    double most = 0; /* weights are no secret of the one who encodes them */
    for (size_t j = 0; j < count; j++)
        most = fmax(most, fabs(e->re[j]));
    if (!(scale_log2 >= 0) || !(most * exp2(scale_log2) < exp2(limit_log2) - 1))
        return umbra_fail(
            UMBRA_E_INPUT,
            "coefficients up to %g at scale 2^%.2f do not fit %d bits; take a smaller "
            "scale",
            most, scale_log2, limit_log2 + 1);
    split_all(e, params, exp2(scale_log2), count);
    return UMBRA_OK;
}

umbra_status umbra_encode_coefficients_i32(const umbra_params *params, int32_t *r,
                                           double scale_log2, const double *re, size_t count)
{
    embedding e;
    UMBRA_TRY(embedding_new(&e, params));
    umbra_status status = encode_integers(&e, params, scale_log2, re, count, 31);
    for (size_t i = 0; status == UMBRA_OK && i < params->degree; i++)
        r[i] = (int32_t)e.low[i];
    embedding_free(&e);
    return status;
}

umbra_status umbra_encode_coefficients_i64(const umbra_params *params, int64_t *r,
                                           double scale_log2, const double *re, size_t count)
{
    embedding e;
    UMBRA_TRY(embedding_new(&e, params));
    umbra_status status = encode_integers(&e, params, scale_log2, re, count, 62);
    for (size_t i = 0; status == UMBRA_OK && i < params->degree; i++)
        r[i] = e.high[i] * ((int64_t)1 << HIGH_LOG2) + e.low[i];
    embedding_free(&e);
    return status;
}
