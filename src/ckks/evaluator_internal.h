/* The inside of the evaluator: scratch, checks of operands, and the steps of a key switch. */
#ifndef UMBRA_CKKS_EVALUATOR_INTERNAL_H
#define UMBRA_CKKS_EVALUATOR_INTERNAL_H

#include "ckks/evaluator.h"
#include "ckks/internal.h"

struct umbra_evaluator {
    const umbra_params *params;
    const umbra_evaluation_keys *keys;
    umbra_pool *pool;
    const umbra_kernels *kernels;
    size_t degree, threads;
    uint64_t *shared; /* grown between calls, never inside one */
    uint64_t *workers;
    size_t shared_limbs, worker_limbs;
    void *tables; /* lists of a linear map */
    size_t tables_bytes;
};

/* Make room for `shared` limbs, and `per_worker` limbs for each thread. Contents are undefined. */
umbra_status umbra_evaluator_reserve(umbra_evaluator *e, size_t shared_limbs,
                                     size_t per_worker_limbs) UMBRA_MUST_USE;

static inline uint64_t *umbra_evaluator_worker(const umbra_evaluator *e, int worker)
{
    return e->workers + (size_t)worker * e->worker_limbs * e->degree;
}

/* Operands. Every check runs before the first output word is written. */
umbra_status umbra_check_input(const umbra_evaluator *e, const umbra_ciphertext *a,
                               int parts_max) UMBRA_MUST_USE;
umbra_status umbra_check_output(const umbra_evaluator *e, const umbra_ciphertext *out, int level,
                                int parts) UMBRA_MUST_USE;
umbra_status umbra_check_levels(int a, int b) UMBRA_MUST_USE;
umbra_status umbra_check_scales(double a_log2, double b_log2) UMBRA_MUST_USE;
umbra_status umbra_check_product_scale(const umbra_params *params, int level,
                                       double scale_log2) UMBRA_MUST_USE;
/* The key for an element at a level, read if it was not. Returns: UMBRA_E_MISMATCH telling which
 * key is missing; UMBRA_E_INPUT, _IO, _RESOURCE where it cannot be read */
umbra_status umbra_check_key(const umbra_evaluator *e, const umbra_ciphertext *a, uint32_t galois,
                             const umbra_switch_key **key) UMBRA_MUST_USE;
/* 0: the log of nothing. */
double umbra_log2_sum(double a_log2, double b_log2);

/* Digits of one polynomial: what hoisted rotations share. */
typedef struct umbra_decomposition {
    int level;
    const uint64_t *own; /* the polynomial, NTT order, borrowed */
    uint64_t
        *scaled; /* a limb for each limb of the level: coefficient order, ready for conversion */
    uint64_t *quotient; /* a limb for each digit */
    /* NULL, and each limb is converted when it is used; or (limb * digits + digit) limbs, NTT
     * order, for each limb of the level and each special one, unset where `own` has the limb. */
    uint64_t *extended;
} umbra_decomposition;

size_t umbra_decomposition_limbs(const umbra_params *params, int level, bool extended);
/* memory: umbra_decomposition_limbs limbs, for all but `own` */
umbra_status umbra_decompose(umbra_evaluator *e, umbra_decomposition *d, int level,
                             const uint64_t *own, uint64_t *memory, bool extended) UMBRA_MUST_USE;
/* Several at a time, none extended; memory one after the other. */
umbra_status umbra_decompose_each(umbra_evaluator *e, umbra_decomposition *d, size_t count,
                                  int level, const uint64_t *const *own,
                                  uint64_t *memory) UMBRA_MUST_USE;

/* Limbs are converted to a few at a time, since each conversion reads all limbs of a digit: limbs
 * first .. first + count - 1 of a level's primes and the special ones. */
#define UMBRA_SWITCH_WIDTH 4
typedef struct umbra_limb_range {
    int first, count; /* count: 1 .. UMBRA_SWITCH_WIDTH */
} umbra_limb_range;
/* In how many ranges a loop of the pool takes limbs first .. first + limbs - 1, `times` over: fewer
 * than UMBRA_SWITCH_WIDTH at a time where threads would have nothing to do; and range `index`. */
size_t umbra_switch_ranges(const umbra_evaluator *e, size_t limbs, size_t times);
umbra_limb_range umbra_switch_range(size_t ranges, size_t index, size_t first, size_t limbs);

/* Limbs that one worker needs for an inner product, a batch of digits and rows of a seeded key, and
 * for a whole switch. */
#define UMBRA_SWITCH_INNER_LIMBS (UMBRA_SWITCH_WIDTH * UMBRA_SWITCH_BATCH + 1)
#define UMBRA_SWITCH_WORKER_LIMBS (UMBRA_SWITCH_INNER_LIMBS + 3 * UMBRA_SWITCH_WIDTH)

/* (r[0][i], r[1][i]) = sum of digits times key, in limb number i of the range.
 * batch: UMBRA_SWITCH_INNER_LIMBS limbs of scratch */
void umbra_switch_inner(const umbra_evaluator *e, const umbra_decomposition *d,
                        const umbra_switch_key *key, umbra_limb_range limbs,
                        uint64_t *const r[2][UMBRA_SWITCH_WIDTH], uint64_t *batch);

/* Divide by P and finish: out[p] = turn(add[p] + round(sum[p] / P)). */
typedef struct umbra_switch_job {
    umbra_evaluator *e;
    int level;
    const umbra_decomposition *digits; /* sum = digits times key ... */
    const umbra_switch_key *key;
    const uint64_t
        *sum[2];       /* ... or, where digits is NULL, these: level limbs, then special ones */
    uint64_t *special; /* scratch: umbra_switch_special_limbs */
    const uint64_t *add[2];             /* or NULL */
    const uint32_t *index;              /* of the automorphism applied at the end, or NULL */
    uint64_t *out[2];                   /* may be add, or the polynomial that was decomposed */
    size_t special_ranges, data_ranges; /* of umbra_switch_run */
} umbra_switch_job;

size_t umbra_switch_special_limbs(const umbra_params *params);
/* Threads: over limbs; serially inside a loop of the pool. Worker scratch:
 * UMBRA_SWITCH_WORKER_LIMBS */
umbra_status umbra_switch_run(const umbra_switch_job *job) UMBRA_MUST_USE;

#endif
