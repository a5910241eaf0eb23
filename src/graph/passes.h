/* Passes from graph to graph; each lives in its own file and keeps the function computed. */
#ifndef UMBRA_GRAPH_PASSES_H
#define UMBRA_GRAPH_PASSES_H

#include "graph/ir.h"

/* Import already infers shapes and folds constants. The rest, in the order of use: */
umbra_status umbra_pass_fold_constants(umbra_graph *graph) UMBRA_MUST_USE;
umbra_status umbra_pass_infer_shapes(umbra_graph *graph) UMBRA_MUST_USE;
umbra_status
umbra_pass_fold_pads(umbra_graph *graph) UMBRA_MUST_USE; /* Pad into Conv, AveragePool */
umbra_status umbra_pass_fold_batch_norm(umbra_graph *graph) UMBRA_MUST_USE;  /* into Conv, Dense */
umbra_status umbra_pass_find_polynomials(umbra_graph *graph) UMBRA_MUST_USE; /* a*x**2+b*x+c, x*x */
umbra_status
umbra_pass_affine_to_batch_norm(umbra_graph *graph) UMBRA_MUST_USE;   /* x*k+t a channel */
umbra_status umbra_pass_fuse_silu(umbra_graph *graph) UMBRA_MUST_USE; /* x*Sigmoid(x), at import */
umbra_status umbra_pass_drop_dead(umbra_graph *graph) UMBRA_MUST_USE;

/* All of the above, for a network that is to be encrypted. Afterwards only these remain where the
 * model can be encrypted: CONV, CONV_TRANSPOSE, DENSE, ADD (two computed tensors), POLYNOMIAL,
 * AVERAGE_POOL, GLOBAL_AVERAGE_POOL, RESHAPE; and BATCH_NORM where it could not be folded. */
umbra_status umbra_graph_simplify(umbra_graph *graph) UMBRA_MUST_USE;

/* Every node that cannot be evaluated under encryption, one line each with its remedy; *list is
 * NULL where there is none. A message holds 4095 bytes, this list has no limit.
 *
 * Owns: *list belongs to the caller, umbra_memory_free */
umbra_status umbra_graph_list_offenders(const umbra_graph *graph, char **list,
                                        int *count) UMBRA_MUST_USE;
/* Cut that list at the end of a line, to what a message holds. Returns what to write behind it. */
const char *umbra_graph_cut_offenders(char *list);
/* That list, as much of it as a message holds (some 30 nodes; their number is whole), as the
 * message of UMBRA_E_MODEL; UMBRA_OK where there is none. Call after umbra_graph_simplify. */
umbra_status umbra_graph_check_encryptable(const umbra_graph *graph,
                                           const char *file) UMBRA_MUST_USE;

#endif
