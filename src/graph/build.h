/* Growing and editing a graph: what the importer and the passes share. */
#ifndef UMBRA_GRAPH_BUILD_H
#define UMBRA_GRAPH_BUILD_H

#include "graph/ir.h"

/* Owns: caller, umbra_graph_free */
umbra_status umbra_graph_new(umbra_graph **out) UMBRA_MUST_USE;

/* Names are copied. `index` receives the place of the new value or node. Adding may move the
 * arrays: a pointer to a value or node does not outlive the call. */
umbra_status umbra_graph_add_value(umbra_graph *graph, const char *name, const umbra_shape *shape,
                                   umbra_data_type type, int *index) UMBRA_MUST_USE;
/* Count a constant against the bound on all constants ever made, before it is allocated: folding
 * must not make gigabytes out of a small file. */
umbra_status umbra_graph_charge(umbra_graph *graph, const umbra_shape *shape, umbra_data_type type,
                                const char *name) UMBRA_MUST_USE;
/* A constant whose data (zeroed) the caller fills through values[index].f32 or .i64. */
umbra_status umbra_graph_add_constant(umbra_graph *graph, const char *name,
                                      const umbra_shape *shape, umbra_data_type type,
                                      int *index) UMBRA_MUST_USE;
/* attr: NULL for umbra_attributes_default. The output's producer is set. */
umbra_status umbra_graph_add_node(umbra_graph *graph, umbra_op op, const char *name,
                                  const char *op_type, const int *inputs, int input_count,
                                  int output, const umbra_attributes *attr,
                                  int *index) UMBRA_MUST_USE;
/* A float constant named after another value: "<name>~umbra~<role><number>", which is unique
 * because the importer refuses the mark in names of a file. */
#define UMBRA_GENERATED_MARK "~umbra~"
umbra_status umbra_graph_add_constant_like(umbra_graph *graph, int like, const char *role,
                                           const umbra_shape *shape, int *index) UMBRA_MUST_USE;
umbra_status umbra_graph_add_input(umbra_graph *graph, int value) UMBRA_MUST_USE;
umbra_status umbra_graph_add_output(umbra_graph *graph, int value) UMBRA_MUST_USE;

/* Strides, dilations and groups 1, epsilon 1e-5, everything else 0. */
umbra_attributes umbra_attributes_default(void);
umbra_status umbra_text_copy(char **out, const char *text) UMBRA_MUST_USE;

#define UMBRA_MAX_MOMENTS (1 << 20) /* channels */
/* Room for the moments of a value, zeroed, which the caller fills. Replaces what is there.
 *
 * channels: 1, or umbra_value_channels
 * Returns:  UMBRA_E_INPUT for another number, or more than UMBRA_MAX_MOMENTS */
umbra_status umbra_graph_add_moments(umbra_graph *graph, int value,
                                     int64_t channels) UMBRA_MUST_USE;
/* Whether each mean is finite and no mean square is less than the square of its mean, but for the
 * rounding of decimals. */
bool umbra_value_moments_fit(const umbra_value *value);

bool umbra_value_is_constant(const umbra_value *value);
/* The f32 data of a constant, converted from i64 once where it is an integer one.
 * Returns: E_INTERNAL when the value is not a constant */
umbra_status umbra_constant_as_f32(umbra_graph *graph, int value) UMBRA_MUST_USE;
bool umbra_shape_equal(const umbra_shape *a, const umbra_shape *b);
/* numpy broadcasting; false where the shapes do not fit together. */
bool umbra_shape_broadcast(const umbra_shape *a, const umbra_shape *b, umbra_shape *out);
/* "[1, 3, 32, 32]"; into a buffer of UMBRA_SHAPE_TEXT bytes. */
#define UMBRA_SHAPE_TEXT 160
const char *umbra_shape_text(const umbra_shape *shape, char *buffer);

/* uses[v]: how often v is read by nodes and graph outputs. Owns: caller, umbra_memory_free */
umbra_status umbra_graph_count_uses(const umbra_graph *graph, int **uses) UMBRA_MUST_USE;
/* Every reader of `from` (and the graph's outputs) reads `to` instead. */
void umbra_graph_replace_uses(umbra_graph *graph, int from, int to);
/* Take out the nodes marked in dead[node_count]; producers are renumbered. */
void umbra_graph_remove_nodes(umbra_graph *graph, const bool *dead);
void umbra_graph_remove_last_node(umbra_graph *graph);
/* Put the nodes in an order in which inputs are computed before they are used, as near as possible
 * to the order that they have. Returns: E_INPUT naming a node of a cycle */
umbra_status umbra_graph_sort(umbra_graph *graph) UMBRA_MUST_USE;
void umbra_node_set_input(umbra_node *node, int position, int value);

/* Shape of a node's output from the shapes of its inputs. RESHAPE and SLICE keep the shape that the
 * output has and check it. An input of unknown shape gives an unknown shape. */
umbra_status umbra_infer_node(const umbra_graph *graph, const umbra_node *node,
                              umbra_shape *out) UMBRA_MUST_USE;
/* bad[v]: constant v holds NaN or infinity. Owns: caller, umbra_memory_free */
#define UMBRA_NOT_FINITE "holds NaN or infinity; train again, or export anew"
umbra_status umbra_graph_find_infinite(const umbra_graph *graph, bool **bad) UMBRA_MUST_USE;
/* The first input of a node that is bad, -1 where there is none. */
int umbra_node_bad_input(const umbra_node *node, const bool *bad);
/* Evaluate a node whose inputs are all constants; its output becomes a constant and the node is
 * left for the caller to remove. *folded is false where the operator or the size is not for
 * folding. */
umbra_status umbra_fold_node(umbra_graph *graph, int node, bool *folded) UMBRA_MUST_USE;

#endif
