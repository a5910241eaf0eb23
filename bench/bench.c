/* Timing by medians. */
#include "bench/bench.h"

#include "base/clock.h"

#include <stdlib.h>

#define LEAST_RUNS 5
#define MOST_RUNS 2000

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

umbra_status umbra_bench_median(const umbra_bench_options *options, umbra_bench_body body,
                                void *context, double *ns, int *runs)
{
    double sample[MOST_RUNS], spent = 0;
    double wanted = options->min_seconds > 0 ? options->min_seconds * 1e9 : 2e8;
    int count = 0;
    UMBRA_TRY(body(context)); /* fills caches and tables */
    while (count < MOST_RUNS && (count < LEAST_RUNS || spent < wanted)) {
        uint64_t start = umbra_clock_ns();
        UMBRA_TRY(body(context));
        sample[count] = (double)(umbra_clock_ns() - start);
        spent += sample[count++];
    }
    qsort(sample, (size_t)count, sizeof *sample, by_value);
    *ns = sample[count / 2];
    *runs = count;
    return UMBRA_OK;
}
