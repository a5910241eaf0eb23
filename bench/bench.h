/* What benchmarks share: options, timing by medians, and one JSON line a figure. */
#ifndef UMBRA_BENCH_BENCH_H
#define UMBRA_BENCH_BENCH_H

#include "base/threads.h"

#include <stddef.h>
#include <stdint.h>

/* A ring to measure the scheme in: data primes of about `bits` bits, special primes of 50. */
typedef struct umbra_bench_shape {
    int degree_log2;  /* 12 .. 17 */
    int data;         /* 1 .. 64 */
    int special;      /* 1 .. 16; also the primes of a digit */
    double data_bits; /* at most 50 */
} umbra_bench_shape;

typedef struct umbra_bench_options {
    int threads;                    /* for "all threads"; 0: all that the process may use */
    double min_seconds;             /* to spend on each figure; 0: 0.2 */
    const umbra_bench_shape *shape; /* umbra_bench_ckks measures this one alone; NULL: its own */
} umbra_bench_options;

/* One figure, handed to the caller: the command line prints it as a JSON line or a row. */
typedef struct umbra_bench_figure {
    const char *name; /* "ntt_forward", "rotate", ... */
    const char *isa;  /* kernel set */
    int degree_log2;  /* 0 where it does not apply */
    int threads;
    double ns;     /* median of one operation */
    double cpu_ns; /* the same in CPU time of all threads, 0 where it was not taken */
    int runs;
    /* The least time that the multiplications, and that the bytes of keys, weights and ciphertexts
     * (each once, from memory, at the rate that one thread reads), would take, as shares of the
     * time taken; 0 where not told. */
    double roof_share, memory_share;
    const umbra_bench_shape *shape; /* NULL where it does not apply; log2_q and log2_p with it */
    double log2_q, log2_p;
    const char *note; /* "16 data primes, 1 special", or "" */
} umbra_bench_figure;

/* Returns non-zero to stop: UMBRA_E_CANCELLED. */
typedef int (*umbra_bench_sink)(void *context, const umbra_bench_figure *figure);

/* Call body repeatedly for min_seconds (at least 5 times, after one warm-up) and give the median
 * ns. */
typedef umbra_status (*umbra_bench_body)(void *context);
umbra_status umbra_bench_median(const umbra_bench_options *options, umbra_bench_body body,
                                void *context, double *ns, int *runs) UMBRA_MUST_USE;
/* The same, with the median of the process's CPU time: what a busy machine does not change. */
umbra_status umbra_bench_measure(const umbra_bench_options *options, umbra_bench_body body,
                                 void *context, umbra_bench_figure *figure) UMBRA_MUST_USE;
/* CPU time of all threads of the process. */
double umbra_bench_cpu_ns(void);

/* What this machine can do at most with the kernel set in use, all threads together. */
typedef struct umbra_bench_roofs {
    double butterflies_per_ns, products_per_ns; /* 0 for portable kernels */
    double memory_bytes_per_ns;                 /* read in order, each thread its own */
} umbra_bench_roofs;
umbra_status umbra_bench_measure_roofs(umbra_pool *pool, umbra_bench_roofs *out) UMBRA_MUST_USE;

/* Kernels of every set that this machine runs. */
umbra_status umbra_bench_math(const umbra_bench_options *options, umbra_bench_sink sink,
                              void *context) UMBRA_MUST_USE;
/* Operations of the scheme at N = 2^14, 2^15, 2^16, or in options->shape, on one thread and on all.
 */
umbra_status umbra_bench_ckks(const umbra_bench_options *options, umbra_bench_sink sink,
                              void *context) UMBRA_MUST_USE;

#endif
