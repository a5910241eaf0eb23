/* Matrices of nodes that move, repeat or scale elements: each output element is a number times one
 * element of one input, plus a constant. */
#ifndef UMBRA_PLAN_SELECTION_H
#define UMBRA_PLAN_SELECTION_H

#include "plan/sparse.h"

/* TRANSPOSE, PAD, CONCAT, SLICE, GATHER, RESHAPE; ADD, SUB with numpy broadcasting; MUL, DIV by a
 * constant. Of a MUL of two computed inputs: how a factor is repeated to the size of the output. */
bool umbra_op_selects(umbra_op op);

/* Output element r is weight[r] times element column[r] of the input; column is UINT32_MAX where it
 * does not depend on that input. */
typedef struct umbra_selection {
    size_t rows, columns;
    uint32_t *column;
    double *weight; /* NULL: all 1 */
} umbra_selection;

void umbra_selection_free(umbra_selection *selection); /* the fields */
/* How the output depends on computed input `input`.
 * Owns:    umbra_selection_free
 * Returns: UMBRA_E_MODEL where the tensors have more than 2^24 elements, or a constant divides by
 * zero */
umbra_status umbra_selection_of_node(umbra_selection *out, const umbra_graph *graph, int node,
                                     int input) UMBRA_MUST_USE;
/* The same as a matrix. Owns: umbra_sparse_free */
umbra_status umbra_selection_matrix(umbra_sparse **out, const umbra_graph *graph, int node,
                                    int input) UMBRA_MUST_USE;
/* What the constant inputs of CONCAT, ADD and SUB add, by output element; NULL where there are
 * none. Owns: umbra_memory_free */
umbra_status umbra_selection_offset(double **out, const umbra_graph *graph,
                                    int node) UMBRA_MUST_USE;

#endif
