/* The complex FFT of the embedding in portable vectors of two doubles. */
#define LANES 2
#include "math/embed_passes.h"

void umbra_embed_portable(double *re, double *im, size_t slots, const double *wr, const double *wi)
{
    embed_slots(re, im, slots, wr, wi);
}

void umbra_embed_inverse_portable(double *re, double *im, size_t slots, const double *wr,
                                  const double *wi)
{
    embed_inverse_slots(re, im, slots, wr, wi);
}
