/* The most that this machine's vector multipliers and its memory can do, to judge the kernels by.
 */
#include "math/roof.h"

#include "base/clock.h"
#include "math/kernel_sets.h"

#include <string.h>

umbra_roof umbra_roof_measure(const umbra_kernels *kernels)
{
    (void)kernels;
#if defined(UMBRA_X86_KERNELS)
    if (strcmp(kernels->name, "avx512ifma") == 0)
        return (umbra_roof){umbra_madd52_per_ns_avx512ifma(), 3.0 / 8, 2.0 / 8};
    /* y*w, its rounding error, the quotient, and the rest */
    if (strcmp(kernels->name, "avx512f") == 0)
        return (umbra_roof){umbra_fma_per_ns_avx512f(), 4.0 / 8, 4.0 / 8};
    if (strcmp(kernels->name, "avx2") == 0)
        return (umbra_roof){umbra_fma_per_ns_avx2(), 4.0 / 4, 4.0 / 4};
#endif
    return (umbra_roof){0};
}

double umbra_roof_ntt_ns(const umbra_roof *roof, int degree_log2)
{
    const double butterflies = (double)((size_t)1 << degree_log2) / 2 * degree_log2;
    return roof->per_ns > 0 ? butterflies * roof->per_butterfly / roof->per_ns : 0;
}

double umbra_roof_products_ns(const umbra_roof *roof, double count)
{
    return roof->per_ns > 0 ? count * roof->per_product / roof->per_ns : 0;
}

double umbra_roof_memory_bytes_per_ns(const uint64_t *words, size_t bytes)
{
    enum { PASSES = 5, STREAMS = 8 };
    const size_t each = bytes / 8 / STREAMS;
    double best = 0;
    volatile uint64_t result;
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t sums[STREAMS] = {0};
        const uint64_t start = umbra_clock_ns();
        for (size_t i = 0; i < each; i += 8)
            for (size_t s = 0; s < STREAMS; s++) /* a word of each line: the rest comes with it */
                sums[s] += words[s * each + i];
        const double rate = (double)bytes / (double)(umbra_clock_ns() - start);
        for (size_t s = 0; s < STREAMS; s++)
            result = sums[s];
        best = rate > best ? rate : best;
    }
    (void)result;
    return best;
}
