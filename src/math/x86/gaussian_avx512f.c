/* The discrete Gaussian, eight samples at a time. */
#define LANES 8
#include "math/gaussian_passes.h"

void umbra_gaussian_avx512f(int32_t *r, const unsigned char *bytes, size_t n)
{
    gaussian_samples(r, bytes, n);
}
