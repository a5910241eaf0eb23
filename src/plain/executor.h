/* Run a graph on plaintext tensors with oneDNN: the client's encoder, and the reference. */
#ifndef UMBRA_PLAIN_EXECUTOR_H
#define UMBRA_PLAIN_EXECUTOR_H

#include "graph/ir.h"

typedef struct umbra_plain umbra_plain;

/* Prepare a graph (every operator of ir.h but UNKNOWN is supported; others are listed as
 * UMBRA_E_MODEL). The graph is borrowed until umbra_plain_free.
 *
 * threads: 0 for all that the process may use */
umbra_status umbra_plain_new(umbra_plain **out, const umbra_graph *graph,
                             int threads) UMBRA_MUST_USE;
void umbra_plain_free(umbra_plain *plain);

/* Run once. inputs[i] holds the i-th graph input, row-major; outputs are valid until the next run.
 *
 * Threads: one run at a time for a umbra_plain */
umbra_status umbra_plain_run(umbra_plain *plain, const float *const *inputs) UMBRA_MUST_USE;

/* The tensor of a value after a run (any node's output, so that encrypted runs are compared node by
 * node); NULL for an index out of range. */
const float *umbra_plain_value(const umbra_plain *plain, int value);

#endif
