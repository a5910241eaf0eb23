/* Polynomials as squares and linear maps. */
#include "plan/lower.h"

#include <math.h>

/* How the range of x compares with the shift: (x + shift)^2 of a far shift loses the bits of x. */
static bool shift_is_far(const umbra_value *x, double shift)
{
    double reach = x->range_min <= x->range_max ? fmax(fabs(x->range_min), fabs(x->range_max)) : 4;
    return fabs(shift) > 2 * reach;
}

/* a x^2 + b x + c = a (x + b/2a)^2 + c - b^2/4a: one square, everything else in the neighbours. */
static umbra_status lower_quadratic(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const double *c = n->attr.coefficient;
    double shift = c[1] / (2 * c[2]);
    bool far = shift_is_far(&l->graph->values[n->inputs[0]], shift);
    umbra_tensor t = {.node = node, .shift = far ? 0 : shift};
    umbra_expression *out = &l->values[n->output];
    int linear_tensor = -1, linear = -1, square_tensor = -1;
    UMBRA_TRY(umbra_lowering_tensor(l, n->inputs[0], &t));
    UMBRA_TRY(umbra_lowering_evaluate(l, &l->values[n->inputs[0]], t, -1, &linear_tensor, &linear));
    umbra_tensor square = l->network->tensors[linear_tensor];
    square.kind = UMBRA_TENSOR_SQUARE;
    square.source = linear_tensor;
    UMBRA_TRY(umbra_network_add_tensor(l->network, &square, &square_tensor));
    UMBRA_TRY(umbra_lowering_read(l, square_tensor, c[2], out));
    if (far)
        UMBRA_TRY(umbra_lowering_read(l, linear_tensor, c[1], out));
    return umbra_lowering_add_constant(l, out, far ? c[0] : c[0] - c[1] * c[1] / (4 * c[2]),
                                       umbra_lowering_size(l, n->output));
}

umbra_status umbra_lower_polynomial(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const double *c = n->attr.coefficient;
    umbra_expression *out = &l->values[n->output];
    const umbra_expression *in = &l->values[n->inputs[0]];
    size_t size = umbra_lowering_size(l, n->output);
    int identity = -1;
    if (n->attr.degree >= 2 && c[2] != 0)
        return lower_quadratic(l, node);
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, size, &identity));
    UMBRA_TRY(umbra_expression_apply(l, out, in, identity, n->attr.degree >= 1 ? c[1] : 0));
    out->gap = in->gap;
    return umbra_lowering_add_constant(l, out, c[0], size);
}
