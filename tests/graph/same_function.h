/* A pass keeps the function that a graph computes: the identity that tests of passes share. */
#ifndef UMBRA_TESTS_SAME_FUNCTION_H
#define UMBRA_TESTS_SAME_FUNCTION_H

#include "graph/passes.h"
#include "onnx_writer.h"

typedef umbra_status (*graph_pass)(umbra_graph *graph);

/* Import the written model twice, apply the pass to one, run both on the same random inputs and
 * compare all outputs. Returns the graph after the pass, for umbra_graph_free. */
umbra_graph *check_same_function(onnx_writer *w, graph_pass pass);
/* Import the written model, run it on the numbers 1, 2, 3, .. and compare its only output. Frees
 * the writer. */
void check_counted(onnx_writer *w, const char *shape, const float *want);
int count_nodes(const umbra_graph *graph, umbra_op op);
/* The only node of this kind; fails the test where there is not exactly one. */
const umbra_node *only_node(const umbra_graph *graph, umbra_op op);

#endif
