/* Measures how many independent fused multiply-adds of 64 bytes a nanosecond has. */
#define REGISTER "zmm"
#include "math/x86/roof_fma.h"

double umbra_fma_per_ns_avx512f(void)
{
    return fma_per_ns();
}
