/* The complex FFT of the embedding on eight doubles at a time. */
#define LANES 8
#include "math/embed_passes.h"

void umbra_embed_avx512f(double *re, double *im, size_t slots, const double *wr, const double *wi)
{
    embed_slots(re, im, slots, wr, wi);
}

void umbra_embed_inverse_avx512f(double *re, double *im, size_t slots, const double *wr,
                                 const double *wi)
{
    embed_inverse_slots(re, im, slots, wr, wi);
}
