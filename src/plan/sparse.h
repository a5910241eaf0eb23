/* Sparse matrices between tensors: every linear node of a graph is one. */
#ifndef UMBRA_PLAN_SPARSE_H
#define UMBRA_PLAN_SPARSE_H

#include "graph/ir.h"

/* Compressed rows: y = A x + offset; rows are output elements, columns input elements (row-major c,
 * y, x). Columns of a row ascend. Owns: umbra_sparse_free. */
typedef struct umbra_sparse {
    size_t rows, columns;
    size_t *row_start; /* rows + 1 */
    uint32_t *column;
    double *weight;
    double *offset; /* rows: biases */
} umbra_sparse;

void umbra_sparse_free(umbra_sparse *matrix);
/* CONV, CONV_TRANSPOSE, DENSE, AVERAGE_POOL, GLOBAL_AVERAGE_POOL, REDUCE_MEAN over space,
 * BATCH_NORM, RESHAPE (identity), with respect to their first input. */
umbra_status umbra_sparse_from_node(umbra_sparse **out, const umbra_graph *graph,
                                    int node) UMBRA_MUST_USE;
umbra_status umbra_sparse_identity(umbra_sparse **out, size_t size) UMBRA_MUST_USE;
umbra_status umbra_sparse_multiply(umbra_sparse **out, const umbra_sparse *a,
                                   const umbra_sparse *b) UMBRA_MUST_USE; /* a(b(x)) */
umbra_status umbra_sparse_add(umbra_sparse **out, const umbra_sparse *a,
                              const umbra_sparse *b) UMBRA_MUST_USE;
/* weight *= row_factor[row] * column_factor[column] (NULL: 1); offset *= row_factor. */
void umbra_sparse_scale(umbra_sparse *matrix, const double *row_factor,
                        const double *column_factor);

#endif
