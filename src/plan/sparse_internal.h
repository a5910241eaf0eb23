/* How sparse matrices are built: row by row, counted first and written second. */
#ifndef UMBRA_PLAN_SPARSE_INTERNAL_H
#define UMBRA_PLAN_SPARSE_INTERNAL_H

#include "plan/sparse.h"

/* Where a row's entries go: nowhere but the count in the first pass. */
typedef struct umbra_sparse_sink {
    uint32_t *column; /* NULL: count only */
    double *weight;
    size_t count;
} umbra_sparse_sink;

/* Weights that are exactly zero are dropped: a pruned tap then costs no diagonal. */
static inline void umbra_sparse_emit(umbra_sparse_sink *sink, size_t column, double weight)
{
    if (weight == 0.0)
        return;
    if (sink->column != NULL) {
        sink->column[sink->count] = (uint32_t)column;
        sink->weight[sink->count] = weight;
    }
    sink->count++;
}

/* Emits the entries of one row in ascending order of columns; the same ones each time it is called.
 */
typedef void (*umbra_sparse_row)(const void *context, size_t row, umbra_sparse_sink *sink);

/* A matrix without entries: row_start and offset are zero.
 * Returns: UMBRA_E_RESOURCE where memory is short, UMBRA_E_MODEL where columns exceed 32 bits */
umbra_status umbra_sparse_new(umbra_sparse **out, size_t rows, size_t columns) UMBRA_MUST_USE;
/* Room for `count` entries, in a matrix that has none. */
umbra_status umbra_sparse_reserve(umbra_sparse *matrix, size_t count) UMBRA_MUST_USE;
umbra_status umbra_sparse_build(umbra_sparse **out, size_t rows, size_t columns,
                                umbra_sparse_row row, const void *context) UMBRA_MUST_USE;

/* CONV, CONV_TRANSPOSE, AVERAGE_POOL (sparse_window.c). */
umbra_status umbra_sparse_from_window(umbra_sparse **out, const umbra_graph *graph,
                                      const umbra_node *node) UMBRA_MUST_USE;
/* The constant float data of input k; NULL with an error where it is computed, absent (optional
 * inputs excepted: *data is NULL) or has not `count` elements. */
umbra_status umbra_sparse_constant(const umbra_graph *graph, const umbra_node *node, int k,
                                   size_t count, const float **data) UMBRA_MUST_USE;

#endif
