/* What lowering keeps while it walks over the graph: linear values as sums of terms. */
#ifndef UMBRA_PLAN_LOWER_H
#define UMBRA_PLAN_LOWER_H

#include "plan/network.h"

/* A linear value, not yet evaluated. */
typedef struct umbra_expression {
    int count;
    size_t capacity;
    umbra_term *terms;
    double *offset; /* NULL: zero */
    int gap;
} umbra_expression;

typedef struct umbra_lowering {
    umbra_network *network;
    const umbra_graph *graph;
    umbra_expression *values; /* by graph value */
    int *uses;
    const unsigned char *compose;
    int compose_count;
    umbra_lower_mode mode;
    int grid_most; /* points of a plane that is not cut */
    int composed;  /* candidates expanded in the expression at hand */
} umbra_lowering;

void umbra_expression_free(umbra_expression *e);
umbra_status umbra_expression_copy(umbra_expression *out, const umbra_expression *in,
                                   size_t size) UMBRA_MUST_USE;
/* Add coefficient * matrix * tensor; two terms of one tensor become one. */
umbra_status umbra_expression_add_term(umbra_lowering *l, umbra_expression *e,
                                       umbra_term term) UMBRA_MUST_USE;
/* out += coefficient * (matrix applied to in) */
umbra_status umbra_expression_apply(umbra_lowering *l, umbra_expression *out,
                                    const umbra_expression *in, int matrix,
                                    double coefficient) UMBRA_MUST_USE;
/* offset += coefficient * addend, making it where it is NULL */
umbra_status umbra_offset_add(double **offset, const double *addend, double coefficient,
                              size_t size) UMBRA_MUST_USE;

/* Elements of a value; what its rows or columns are; and the geometry of a tensor that is to hold
 * it. */
size_t umbra_lowering_size(const umbra_lowering *l, int value);
umbra_side umbra_lowering_side(const umbra_lowering *l, int value);
umbra_status umbra_lowering_tensor(const umbra_lowering *l, int value,
                                   umbra_tensor *t) UMBRA_MUST_USE;
/* Evaluate an expression into a new tensor, of which `t` says value, node, shift and geometry, and
 * in `depth` the least depth that it is to have. */
umbra_status umbra_lowering_evaluate(umbra_lowering *l, const umbra_expression *in, umbra_tensor t,
                                     int candidate, int *tensor, int *linear) UMBRA_MUST_USE;
/* The depth that it would have. */
umbra_status umbra_lowering_depth(umbra_lowering *l, const umbra_expression *in, size_t size,
                                  int *depth) UMBRA_MUST_USE;
/* The tensor of a candidate that is kept and holds this value, or -1. */
int umbra_lowering_find_kept(const umbra_lowering *l, int value);
/* out += coefficient * tensor */
umbra_status umbra_lowering_read(umbra_lowering *l, int tensor, double coefficient,
                                 umbra_expression *out) UMBRA_MUST_USE;
umbra_status umbra_lowering_add_constant(const umbra_lowering *l, umbra_expression *e,
                                         double constant, size_t size) UMBRA_MUST_USE;
/* A linear value with several readers becomes a candidate: a tensor that readers may also see
 * through. */
umbra_status umbra_lowering_make_candidate(umbra_lowering *l, int node) UMBRA_MUST_USE;
/* The value as a tensor without a shift, of at least t.depth: one that is kept, or a new one. */
umbra_status umbra_lowering_operand(umbra_lowering *l, int value, umbra_tensor t,
                                    int *tensor) UMBRA_MUST_USE;
umbra_status umbra_lowering_square(umbra_lowering *l, int source, int part,
                                   int *square) UMBRA_MUST_USE;
/* a * b, of one depth and layout; `t` says value, node, part and geometry. */
umbra_status umbra_lowering_multiply(umbra_lowering *l, int a, int b, umbra_tensor t,
                                     int *product) UMBRA_MUST_USE;
int umbra_polynomial_degree(const umbra_node *node); /* without leading zeros */
/* Nodes by family: each sets the expression of its output. */
umbra_status umbra_lower_product(umbra_lowering *l, int node) UMBRA_MUST_USE; /* two computed */
umbra_status umbra_lower_powers(umbra_lowering *l, int node) UMBRA_MUST_USE;  /* degree > 2 */
umbra_status umbra_lower_polynomial(umbra_lowering *l, int node) UMBRA_MUST_USE;
/* What plan/selection.h takes. */
umbra_status umbra_lower_move(umbra_lowering *l, int node) UMBRA_MUST_USE;

umbra_status umbra_network_add_tensor(umbra_network *network, const umbra_tensor *tensor,
                                      int *index) UMBRA_MUST_USE;
umbra_status umbra_network_add_linear(umbra_network *network, const umbra_linear *linear,
                                      int *index) UMBRA_MUST_USE;
umbra_status umbra_network_add_candidate(umbra_network *network, const umbra_candidate *candidate,
                                         int *index) UMBRA_MUST_USE;
/* Channels, height and width of a value. Returns: UMBRA_E_MODEL for a batch or a rank not known
 * here */
umbra_status umbra_value_geometry(const umbra_graph *graph, int value, int *channels, int *height,
                                  int *width) UMBRA_MUST_USE;

#endif
