/* Polynomials -> vectors of numbers. */
#include "base/memory.h"
#include "ckks/encoder.h"
#include "ckks/internal.h"

#include <math.h>
#include <string.h>

/* Balanced mixed radix: x = d_0 + d_1 q_0 + d_2 q_0 q_1 + ... with |d_i| <= (q_i - 1)/2 is the
 * centred representative of x modulo Q, exactly, and a small x has zeros at the top, so that a sum
 * in double precision from the top loses a few units in the last place only. Garner's method, on
 * centred digits.
 *
 * limbs: coefficient order, overwritten by the digits d_i mod q_i */
static void to_mixed_radix(const umbra_params *params, const umbra_level *level, uint64_t *limbs,
                           uint64_t *scratch)
{
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    for (int i = 1; i < level->limbs; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        uint64_t *y = limbs + (size_t)i * n;
        for (int j = 0; j < i; j++) {
            const uint64_t p = umbra_params_modulus(params, level->prime[j])->q;
            k->reduce_centred(scratch, limbs + (size_t)j * n, p, n, m);
            k->sub_mul_scalar(y, y, scratch, umbra_mod_inverse(umbra_mod_reduce(p, m), m), n, m);
        }
    }
}

static double centred(uint64_t digit, uint64_t q)
{
    const uint64_t above = ((q - 1) / 2 - digit) >> 63;
    return (double)(int64_t)(digit - (q & (0 - above)));
}

static double coefficient(const umbra_params *params, const umbra_level *level,
                          const uint64_t *digits, size_t at)
{
    double x = 0;
    for (int i = level->limbs - 1; i >= 0; i--) {
        const uint64_t q = umbra_params_modulus(params, level->prime[i])->q;
        x = x * (double)q + centred(digits[(size_t)i * params->degree + at], q);
    }
    return x;
}

umbra_status umbra_decode(const umbra_plaintext *in, double *re, double *im, size_t count)
{
    const umbra_params *params = in->params;
    const umbra_level *level = &params->levels[in->level];
    const size_t n = params->degree, limbs = (size_t)level->limbs;
    if (count < 1 || count > n / 2 || (count & (count - 1)) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%zu values to decode; give a power of two up to %zu",
                          count, n / 2);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (limbs + 2) * n, sizeof(uint64_t), "decoding"));
    uint64_t *digits = memory, *scratch = digits + limbs * n;
    double *real = (double *)(void *)(scratch + n), *imaginary = real + n / 2;
    for (size_t i = 0; i < limbs; i++)
        params->kernels->ntt_inverse(digits + i * n, in->limbs + i * n,
                                     &params->ntt[level->prime[i]]);
    to_mixed_radix(params, level, digits, scratch);
    const size_t gap = n / 2 / count;
    const double unscale = exp2(-in->scale_log2);
    for (size_t k = 0; k < count; k++) {
        real[k] = coefficient(params, level, digits, k * gap) * unscale;
        imaginary[k] = coefficient(params, level, digits, n / 2 + k * gap) * unscale;
    }
    umbra_fft_embed(params->fft, real, imaginary, count);
    memcpy(re, real, count * sizeof *re);
    if (im != NULL)
        memcpy(im, imaginary, count * sizeof *im);
    umbra_secret_wipe(memory, (limbs + 2) * n * sizeof(uint64_t));
    umbra_memory_free(memory);
    return UMBRA_OK;
}
