/* Measures how many independent fused multiply-adds of 32 bytes a nanosecond has. */
#define REGISTER "ymm"
#include "math/x86/roof_fma.h"

double umbra_fma_per_ns_avx2(void)
{
    return fma_per_ns();
}
