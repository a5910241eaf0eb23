/* The complex FFT of the canonical embedding: coefficients <-> slots. */
#include "math/fft.h"

#include "base/memory.h"
#include "math/kernels.h"

#include <assert.h>
#include <math.h>

/* Level `half` (half = 1, 2, 4 .. N/4) has the factors exp(2 pi i (5^j mod 8 half) / (8 half)), j <
 * half, at offset half: they do not depend on the number of slots. */
struct umbra_fft {
    int degree_log2;
    size_t slots_max;
    double *re, *im;
};

umbra_status umbra_fft_new(umbra_fft **out, int degree_log2)
{
    if (degree_log2 < UMBRA_DEGREE_MIN_LOG2 || degree_log2 > UMBRA_DEGREE_MAX_LOG2)
        return umbra_fail(UMBRA_E_INPUT, "ring degree 2^%d is outside 2^%d .. 2^%d", degree_log2,
                          UMBRA_DEGREE_MIN_LOG2, UMBRA_DEGREE_MAX_LOG2);
    const size_t slots = (size_t)1 << (degree_log2 - 1);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, 64 + 2 * slots * sizeof(double), "FFT tables"));
    umbra_fft *fft = memory;
    fft->degree_log2 = degree_log2;
    fft->slots_max = slots;
    fft->re = (double *)(void *)((unsigned char *)memory + 64);
    fft->im = fft->re + slots;
    const long double pi = 3.14159265358979323846264338327950288L;
    for (size_t half = 1; half < slots; half *= 2) {
        size_t power = 1;
        for (size_t j = 0; j < half; j++) {
            long double angle = 2 * pi * (long double)power / (long double)(8 * half);
            fft->re[half + j] = (double)cosl(angle);
            fft->im[half + j] = (double)sinl(angle);
            power = power * 5 & (8 * half - 1);
        }
    }
    *out = fft;
    return UMBRA_OK;
}

void umbra_fft_free(umbra_fft *fft)
{
    umbra_memory_free(fft);
}

void umbra_fft_embed(const umbra_fft *fft, double *re, double *im, size_t slots)
{
    assert(slots >= 1 && slots <= fft->slots_max && (slots & (slots - 1)) == 0);
    umbra_kernels_get()->embed(re, im, slots, fft->re, fft->im);
}

void umbra_fft_embed_inverse(const umbra_fft *fft, double *re, double *im, size_t slots)
{
    assert(slots >= 1 && slots <= fft->slots_max && (slots & (slots - 1)) == 0);
    umbra_kernels_get()->embed_inverse(re, im, slots, fft->re, fft->im);
}
