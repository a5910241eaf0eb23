/* Polynomials of degree one and two; products of two computed values. */
#include "plan/lower.h"

#include <math.h>

/* How the range of x compares with the shift: (x + shift)^2 of a far shift loses the bits of x. */
static bool shift_is_far(const umbra_value *x, double shift)
{
    double reach = x->range_min <= x->range_max ? fmax(fabs(x->range_min), fabs(x->range_max)) : 4;
    return fabs(shift) > 2 * reach;
}

umbra_status umbra_lowering_square(umbra_lowering *l, int source, int part, int *square)
{
    umbra_tensor t = l->network->tensors[source];
    t.kind = UMBRA_TENSOR_SQUARE;
    t.source = source;
    t.other = -1;
    t.part = part;
    t.reach = t.reach * t.reach;
    return umbra_network_add_tensor(l->network, &t, square);
}

umbra_status umbra_lowering_multiply(umbra_lowering *l, int a, int b, umbra_tensor t, int *product)
{
    const umbra_tensor *x = &l->network->tensors[a], *y = &l->network->tensors[b];
    if (x->depth != y->depth || x->gap != y->gap)
        return umbra_fail(UMBRA_E_INTERNAL, "factors at depths %d and %d, with gaps %d and %d",
                          x->depth, y->depth, x->gap, y->gap);
    t.kind = UMBRA_TENSOR_PRODUCT;
    t.source = a;
    t.other = b;
    t.gap = x->gap;
    t.depth = x->depth;
    t.reach = x->reach * y->reach;
    return umbra_network_add_tensor(l->network, &t, product);
}

/* The value as a tensor without a shift: one that is kept, or a new one. */
umbra_status umbra_lowering_operand(umbra_lowering *l, int value, umbra_tensor t, int *tensor)
{
    int linear = -1, kept = umbra_lowering_find_kept(l, value);
    UMBRA_TRY(umbra_lowering_tensor(l, value, &t));
    if (kept >= 0 && l->network->tensors[kept].depth >= t.depth) {
        *tensor = kept;
        return UMBRA_OK;
    }
    return umbra_lowering_evaluate(l, &l->values[value], t, -1, tensor, &linear);
}

/* a x^2 + b x + c = a ((x + s)^2 - s^2) + c with s = b/2a: one square, everything else in the
 * neighbours. (x + s)^2 alone stands around s^2, and the next map's roundings of weights would all
 * be multiplied by that. */
static umbra_status lower_quadratic(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const double *c = n->attr.coefficient;
    double shift = c[1] / (2 * c[2]);
    bool far = shift_is_far(&l->graph->values[n->inputs[0]], shift);
    umbra_tensor t = {.node = node, .shift = far ? 0 : shift};
    umbra_expression *out = &l->values[n->output];
    int x = -1, linear = -1, square = -1;
    if (t.shift == 0) {
        UMBRA_TRY(umbra_lowering_operand(l, n->inputs[0], t, &x));
    } else {
        UMBRA_TRY(umbra_lowering_tensor(l, n->inputs[0], &t));
        UMBRA_TRY(umbra_lowering_evaluate(l, &l->values[n->inputs[0]], t, -1, &x, &linear));
    }
    UMBRA_TRY(umbra_lowering_square(l, x, 0, &square));
    l->network->tensors[square].node = node;
    UMBRA_TRY(umbra_lowering_read(l, square, c[2], out));
    if (far)
        UMBRA_TRY(umbra_lowering_read(l, x, c[1], out));
    return umbra_lowering_add_constant(l, out, c[0], umbra_lowering_size(l, n->output));
}

umbra_status umbra_lower_polynomial(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const double *c = n->attr.coefficient;
    umbra_expression *out = &l->values[n->output];
    const umbra_expression *in = &l->values[n->inputs[0]];
    size_t size = umbra_lowering_size(l, n->output);
    int identity = -1, degree = umbra_polynomial_degree(n);
    if (degree > 2)
        return umbra_lower_powers(l, node);
    if (degree == 2)
        return lower_quadratic(l, node);
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, size, &identity));
    UMBRA_TRY(umbra_expression_apply(l, out, in, identity, degree == 1 ? c[1] : 0));
    out->gap = in->gap;
    return umbra_lowering_add_constant(l, out, c[0], size);
}

int umbra_polynomial_degree(const umbra_node *node)
{
    int degree = node->attr.degree;
    while (degree > 0 && node->attr.coefficient[degree] == 0)
        degree--;
    return degree;
}

/* A factor of fewer elements is repeated by its matrix, so that both have one layout; both are
 * brought to the depth of the deeper one. */
umbra_status umbra_lower_product(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    size_t size = umbra_lowering_size(l, n->output);
    umbra_expression factor[2] = {{0}, {0}};
    umbra_tensor t = {.node = node};
    int tensor[2] = {-1, -1}, depth = 0, gap = 0, linear = -1, product = -1;
    umbra_status status = umbra_lowering_tensor(l, n->output, &t);
    for (int k = 0; status == UMBRA_OK && k < 2; k++) {
        int id = -1, of_factor = 0;
        UMBRA_GOTO(done, status,
                   umbra_matrices_selection(l->network->matrices, node, k,
                                            umbra_lowering_side(l, n->output),
                                            umbra_lowering_side(l, n->inputs[k]), &id));
        if (umbra_lowering_size(l, n->inputs[k]) == size)
            UMBRA_GOTO(done, status, umbra_matrices_identity(l->network->matrices, size, &id));
        UMBRA_GOTO(done, status,
                   umbra_expression_apply(l, &factor[k], &l->values[n->inputs[k]], id, 1));
        UMBRA_GOTO(done, status, umbra_lowering_depth(l, &factor[k], size, &of_factor));
        if (umbra_lowering_size(l, n->inputs[k]) == size && gap == 0)
            gap = l->values[n->inputs[k]].gap;
        depth = of_factor > depth ? of_factor : depth;
    }
    for (int k = 0; status == UMBRA_OK && k < 2; k++) {
        umbra_tensor f = t;
        const umbra_value *v = &l->graph->values[n->inputs[k]];
        f.part = k + 1;
        f.depth = depth;
        if (v->range_min <= v->range_max)
            f.reach = fmax(fabs(v->range_min), fabs(v->range_max));
        factor[k].gap = gap;
        status = umbra_lowering_evaluate(l, &factor[k], f, -1, &tensor[k], &linear);
    }
    if (status == UMBRA_OK)
        status = umbra_lowering_multiply(l, tensor[0], tensor[1], t, &product);
    if (status == UMBRA_OK)
        status = umbra_lowering_read(l, product, 1, &l->values[n->output]);
done:
    umbra_expression_free(&factor[0]);
    umbra_expression_free(&factor[1]);
    return status;
}
