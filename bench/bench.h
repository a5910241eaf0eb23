/* What benchmarks share: options, timing by medians, and one JSON line a figure. */
#ifndef UMBRA_BENCH_BENCH_H
#define UMBRA_BENCH_BENCH_H

#include "umbra/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct umbra_bench_options {
    int threads;        /* for "all threads"; 0: all that the process may use */
    double min_seconds; /* to spend on each figure; 0: 0.2 */
} umbra_bench_options;

/* One figure, handed to the caller: the command line prints it as a JSON line or a row. */
typedef struct umbra_bench_figure {
    const char *name; /* "ntt_forward", "rotate", ... */
    const char *isa;  /* kernel set */
    int degree_log2;  /* 0 where it does not apply */
    int threads;
    double ns; /* median of one operation */
    int runs;
    double roof_share; /* of the IFMA roof, 0 where it does not apply */
    const char *note;  /* "16 data primes, 1 special", or "" */
} umbra_bench_figure;

/* Returns non-zero to stop: UMBRA_E_CANCELLED. */
typedef int (*umbra_bench_sink)(void *context, const umbra_bench_figure *figure);

/* Call body repeatedly for min_seconds (at least 5 times, after one warm-up) and give the median
 * ns. */
typedef umbra_status (*umbra_bench_body)(void *context);
umbra_status umbra_bench_median(const umbra_bench_options *options, umbra_bench_body body,
                                void *context, double *ns, int *runs) UMBRA_MUST_USE;

/* Kernels of every set that this machine runs. */
umbra_status umbra_bench_math(const umbra_bench_options *options, umbra_bench_sink sink,
                              void *context) UMBRA_MUST_USE;
/* Operations of the scheme at N = 2^14, 2^15, 2^16, on one thread and on all. */
umbra_status umbra_bench_ckks(const umbra_bench_options *options, umbra_bench_sink sink,
                              void *context) UMBRA_MUST_USE;

#endif
