/* Matrices by number: each product is made once, whichever decisions ask for it again. */
#ifndef UMBRA_PLAN_MATRICES_H
#define UMBRA_PLAN_MATRICES_H

#include "plan/sparse.h"

typedef struct umbra_matrices umbra_matrices;

/* graph is borrowed. Owns: umbra_matrices_free */
umbra_status umbra_matrices_new(umbra_matrices **out, const umbra_graph *graph) UMBRA_MUST_USE;
void umbra_matrices_free(umbra_matrices *store);

/* What rows or columns are: elements in the order (channel, point). */
typedef struct umbra_side {
    size_t size, channels;
} umbra_side;

/* Numbers are those of equal things: asking twice gives the same. Nothing is computed yet. */
umbra_status umbra_matrices_node(umbra_matrices *store, int node, umbra_side rows,
                                 umbra_side columns, int *id) UMBRA_MUST_USE;
/* Of a node that moves or scales elements (plan/selection.h): how its output depends on its input
 * number `input`. */
umbra_status umbra_matrices_selection(umbra_matrices *store, int node, int input, umbra_side rows,
                                      umbra_side columns, int *id) UMBRA_MUST_USE;
umbra_status umbra_matrices_identity(umbra_matrices *store, size_t size, int *id) UMBRA_MUST_USE;
/* a(b(x)), without offsets */
umbra_status umbra_matrices_product(umbra_matrices *store, int a, int b, int *id) UMBRA_MUST_USE;
/* ka * a + kb * b, without offsets */
umbra_status umbra_matrices_sum(umbra_matrices *store, int a, double ka, int b, double kb,
                                int *id) UMBRA_MUST_USE;
int umbra_matrices_is_identity(const umbra_matrices *store, int id);
size_t umbra_matrices_rows(const umbra_matrices *store, int id);

/* The matrix of a node, computed at the first call and kept; for offsets and for running the
 * network. */
umbra_status umbra_matrices_get(umbra_matrices *store, int id,
                                const umbra_sparse **out) UMBRA_MUST_USE;
/* The matrix to look at: what the store holds, or one made for the caller, who frees *owned with
 * umbra_sparse_free (NULL where there is none). rows, columns: the sides wanted; NULL: any.
 *
 * Threads: several at once, while nobody calls the functions above */
umbra_status umbra_matrices_view(const umbra_matrices *store, int id, const umbra_sparse_side *rows,
                                 const umbra_sparse_side *columns, const umbra_sparse **out,
                                 umbra_sparse **owned) UMBRA_MUST_USE;

#endif
