/* The roofs of a whole network: what all threads can multiply, and read from memory. */
#include "bench/bench.h"

#include "base/memory.h"
#include "math/roof.h"

#include <string.h>

#define MEMORY_BYTES ((size_t)96 << 20) /* of each thread: more than the last cache holds */
#define RING_LOG2 15

typedef struct reading {
    uint64_t **memory; /* of each thread */
    double *rate;
} reading;

static umbra_status read_memory(void *context, size_t index, int worker)
{
    reading *r = context;
    (void)worker;
    r->rate[index] = umbra_roof_memory_bytes_per_ns(r->memory[index], MEMORY_BYTES);
    return UMBRA_OK;
}

static umbra_status measure_memory(umbra_pool *pool, double *bytes_per_ns)
{
    const size_t threads = (size_t)umbra_pool_threads(pool);
    reading r;
    void *memory = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&memory, threads, sizeof *r.memory + sizeof *r.rate, "benchmark"));
    r.memory = memory;
    r.rate = (double *)(void *)(r.memory + threads);
    umbra_status status = UMBRA_OK;
    size_t have = 0;
    for (; have < threads && status == UMBRA_OK; have++) {
        memory = NULL;
        status = umbra_memory_alloc(&memory, MEMORY_BYTES, "benchmark");
        if (status == UMBRA_OK)
            memset(memory, 1, MEMORY_BYTES); /* untouched pages are read from no memory */
        r.memory[have] = memory;
    }
    if (status == UMBRA_OK)
        status = umbra_pool_run(pool, threads, read_memory, &r);
    *bytes_per_ns = 0;
    for (size_t i = 0; i < have; i++) {
        *bytes_per_ns += r.rate[i];
        umbra_memory_free(r.memory[i]);
    }
    umbra_memory_free(r.memory);
    return status;
}

umbra_status umbra_bench_measure_roofs(umbra_pool *pool, umbra_bench_roofs *out)
{
    const umbra_roof roof = umbra_roof_measure(umbra_kernels_get());
    const double n = (double)((size_t)1 << RING_LOG2), threads = umbra_pool_threads(pool);
    *out = (umbra_bench_roofs){.butterflies_per_ns = 0};
    if (roof.per_ns > 0) {
        out->butterflies_per_ns = threads * n / 2 * RING_LOG2 / umbra_roof_ntt_ns(&roof, RING_LOG2);
        out->products_per_ns = threads * n / umbra_roof_products_ns(&roof, n);
    }
    return measure_memory(pool, &out->memory_bytes_per_ns);
}
