/* Operators that only move elements, evaluated on data of any kind. */
#ifndef UMBRA_GRAPH_MOVE_H
#define UMBRA_GRAPH_MOVE_H

#include "graph/ir.h"

/* RESHAPE, TRANSPOSE, PAD, CONCAT, SLICE, GATHER. */
bool umbra_op_moves(umbra_op op);

/* Evaluate a node that only moves elements. Run on 1, 2, 3, .. in 8-byte integers it tells for each
 * element of the output where it comes from, 0 for a pad.
 *
 * Shape:  inputs[i] holds the elements of the node's i-th input, out those of its output (both as
 *         the graph says); an element has 4 or 8 bytes; a GATHER's indices are read from the graph
 * Alias:  out overlaps no input */
void umbra_move_elements(const umbra_graph *graph, const umbra_node *node, void *out,
                         const void *const *inputs, size_t element_bytes);

#endif
