/* Choice of the kernel set: the strongest that the machine runs, or the one that UMBRA_CPU names.
 */
#include "math/kernels.h"

#include "math/kernel_sets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(const umbra_kernels *) chosen;

static const char *const known_names[] = {"portable", "avx2", "avx512f", "avx512ifma"};

int umbra_kernels_all(const umbra_kernels *sets[4])
{
    int count = 0;
    sets[count++] = &umbra_kernels_portable;
#if defined(UMBRA_X86_KERNELS)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &umbra_kernels_avx2;
    const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl");
    if (avx512)
        sets[count++] = &umbra_kernels_avx512f;
    if (avx512 && __builtin_cpu_supports("avx512ifma"))
        sets[count++] = &umbra_kernels_avx512ifma;
#elif defined(UMBRA_EMULATED_KERNELS) /* tests: see tests/math/emulated */
    sets[count++] = &umbra_kernels_avx512f;
    sets[count++] = &umbra_kernels_avx512ifma;
#endif
    return count;
}

umbra_status umbra_kernels_init(void)
{
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    const char *wanted = getenv("UMBRA_CPU");
    if (wanted == NULL || wanted[0] == '\0') {
        atomic_store(&chosen, sets[count - 1]);
        return UMBRA_OK;
    }
    for (int i = 0; i < count; i++)
        if (strcmp(sets[i]->name, wanted) == 0) {
            atomic_store(&chosen, sets[i]);
            return UMBRA_OK;
        }
    for (size_t i = 0; i < sizeof known_names / sizeof known_names[0]; i++)
        if (strcmp(known_names[i], wanted) == 0)
            return umbra_fail(
                UMBRA_E_INPUT,
                "UMBRA_CPU=%s: this machine lacks those instructions; the strongest set "
                "here is %s",
                wanted, sets[count - 1]->name);
    return umbra_fail(UMBRA_E_USAGE,
                      "UMBRA_CPU=%s is unknown; give portable, avx2, avx512f or "
                      "avx512ifma",
                      wanted);
}

const umbra_kernels *umbra_kernels_get(void)
{
    const umbra_kernels *kernels = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (kernels != NULL)
        return kernels;
    const umbra_kernels *sets[4];
    return sets[umbra_kernels_all(sets) - 1];
}
