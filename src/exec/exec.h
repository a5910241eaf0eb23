/* Run a plan: on ciphertexts, or on plain slot vectors as its own reference. */
#ifndef UMBRA_EXEC_EXEC_H
#define UMBRA_EXEC_EXEC_H

#include "ckks/evaluator.h"
#include "plan/plan.h"

typedef struct umbra_exec umbra_exec;

/* What a step reports when it is done. */
typedef struct umbra_exec_event {
    int step, step_count;
    const char *name;
    double seconds;
    int level;
    double error_bits;    /* -error_log2 of the tensor (plan/program_build.h) */
    int value;            /* index of the graph value that `ciphertexts` hold, -1 when none */
    double factor, shift; /* slot = factor * (value + shift) */
    const umbra_layout *layout;
    const umbra_ciphertext *const
        *ciphertexts; /* for the verifier, which holds the key; NULL on slots */
    int ciphertext_count;
    const double *slots; /* of all ciphertexts, real parts; NULL on ciphertexts */
} umbra_exec_event;

/* progress returns non-zero to stop: UMBRA_E_CANCELLED. */
typedef int (*umbra_exec_progress)(void *context, const umbra_exec_event *event);

/* Weights are made within the plan's memory budget, those of each map when it first runs. plan,
 * keys and pool are borrowed.
 *
 * keys: NULL for plaintext runs only. Keys of another plan: UMBRA_E_MISMATCH.
 * Returns: UMBRA_E_RESOURCE before work begins when the machine's memory does not suffice */
umbra_status umbra_exec_new(umbra_exec **out, const umbra_plan *plan,
                            const umbra_evaluation_keys *keys, umbra_pool *pool) UMBRA_MUST_USE;
void umbra_exec_free(umbra_exec *exec);

/* Make all weights now. */
umbra_status umbra_exec_prepare(umbra_exec *exec) UMBRA_MUST_USE;
/* Time that was spent so far on weights that are kept, and on keys that come in at their first use;
 * the seconds of steps do not have it. */
typedef struct umbra_exec_preparation {
    uint64_t wall_ns, cpu_ns;
} umbra_exec_preparation;
umbra_exec_preparation umbra_exec_prepared(const umbra_exec *exec);

/* query: one ciphertext for each of the input layout. result: array of the output layout's count,
 * made by the call, freed by the caller with umbra_ciphertext_free. */
umbra_status umbra_exec_run(umbra_exec *exec, const umbra_ciphertext *const *query, int query_count,
                            umbra_ciphertext **result, int result_count,
                            umbra_exec_progress progress, void *context) UMBRA_MUST_USE;

/* The same program on double-precision slot vectors: input and output are tensors of the graph, one
 * after the other as many as the plan has images. progress: the same events as of umbra_exec_run,
 * with slots; NULL for none. */
umbra_status umbra_exec_run_plain(umbra_exec *exec, const float *input, double *output,
                                  umbra_exec_progress progress, void *context) UMBRA_MUST_USE;

#endif
