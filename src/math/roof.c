/* The most that this machine's vector multipliers can do, to judge the kernels by. */
#include "math/roof.h"

#include "math/kernel_sets.h"

#include <string.h>

double umbra_madd52_per_ns(void)
{
#if defined(UMBRA_X86_KERNELS)
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    if (strcmp(sets[count - 1]->name, "avx512ifma") == 0)
        return umbra_madd52_per_ns_avx512ifma();
#endif
    return 0;
}

double umbra_ntt_roof_ns(int degree_log2, double madd52_per_ns)
{
    const double butterflies = (double)((size_t)1 << degree_log2) / 2 * degree_log2;
    return butterflies * 3 / 8 / madd52_per_ns;
}
