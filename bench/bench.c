/* Timing by medians. */
#include "bench/bench.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#define LEAST_RUNS 5
#define MOST_RUNS 2000

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double umbra_bench_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

umbra_status umbra_bench_measure(const umbra_bench_options *options, umbra_bench_body body,
                                 void *context, umbra_bench_figure *figure)
{
    double sample[MOST_RUNS], cpu[MOST_RUNS], spent = 0;
    double wanted = options->min_seconds > 0 ? options->min_seconds * 1e9 : 2e8;
    int count = 0;
    UMBRA_TRY(body(context)); /* fills caches and tables */
    while (count < MOST_RUNS && (count < LEAST_RUNS || spent < wanted)) {
        uint64_t start = umbra_clock_ns();
        double cpu_start = umbra_bench_cpu_ns();
        UMBRA_TRY(body(context));
        cpu[count] = umbra_bench_cpu_ns() - cpu_start;
        sample[count] = (double)(umbra_clock_ns() - start);
        spent += sample[count++];
    }
    qsort(sample, (size_t)count, sizeof *sample, by_value);
    qsort(cpu, (size_t)count, sizeof *cpu, by_value);
    figure->ns = sample[count / 2];
    figure->cpu_ns = cpu[count / 2];
    figure->runs = count;
    return UMBRA_OK;
}

umbra_status umbra_bench_median(const umbra_bench_options *options, umbra_bench_body body,
                                void *context, double *ns, int *runs)
{
    umbra_bench_figure figure = {.name = NULL};
    UMBRA_TRY(umbra_bench_measure(options, body, context, &figure));
    *ns = figure.ns;
    *runs = figure.runs;
    return UMBRA_OK;
}
