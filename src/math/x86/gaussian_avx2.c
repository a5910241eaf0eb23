/* The discrete Gaussian, four samples at a time. */
#define LANES 4
#include "math/gaussian_passes.h"

void umbra_gaussian_avx2(int32_t *r, const unsigned char *bytes, size_t n)
{
    gaussian_samples(r, bytes, n);
}
