/* Matrices by number: each product is made once, whichever decisions ask for it again. */
#ifndef UMBRA_PLAN_MATRICES_H
#define UMBRA_PLAN_MATRICES_H

#include "base/threads.h"
#include "plan/sparse.h"

typedef struct umbra_matrices umbra_matrices;

/* graph is borrowed. Owns: umbra_matrices_free */
umbra_status umbra_matrices_new(umbra_matrices **out, const umbra_graph *graph) UMBRA_MUST_USE;
void umbra_matrices_free(umbra_matrices *store);

/* Numbers are those of equal things: asking twice gives the same. Nothing is computed yet. */
umbra_status umbra_matrices_node(umbra_matrices *store, int node, size_t rows, size_t columns,
                                 int *id) UMBRA_MUST_USE;
umbra_status umbra_matrices_identity(umbra_matrices *store, size_t size, int *id) UMBRA_MUST_USE;
/* a(b(x)), without offsets */
umbra_status umbra_matrices_product(umbra_matrices *store, int a, int b, int *id) UMBRA_MUST_USE;
/* ka * a + kb * b, without offsets */
umbra_status umbra_matrices_sum(umbra_matrices *store, int a, double ka, int b, double kb,
                                int *id) UMBRA_MUST_USE;
int umbra_matrices_is_identity(const umbra_matrices *store, int id);
size_t umbra_matrices_rows(const umbra_matrices *store, int id);

/* The matrix itself, computed at the first call; valid until dropped. */
umbra_status umbra_matrices_get(umbra_matrices *store, int id,
                                const umbra_sparse **out) UMBRA_MUST_USE;
/* Compute several at once on the threads of a pool. */
umbra_status umbra_matrices_prepare(umbra_matrices *store, const int *ids, int count,
                                    umbra_pool *pool) UMBRA_MUST_USE;
/* Free what was computed of products and sums; it is computed again when asked for. */
void umbra_matrices_drop(umbra_matrices *store, int id);

#endif
