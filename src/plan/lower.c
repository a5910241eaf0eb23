/* From a graph to squares and linear maps between tensors. */
#include "plan/lower.h"

#include "base/memory.h"
#include "plan/problems.h"

#include <math.h>
#include <string.h>

static size_t value_size(const umbra_lowering *l, int value)
{
    return (size_t)umbra_shape_elements(&l->graph->values[value].shape);
}

/* Set the geometry of a new tensor that holds `value`. */
static umbra_status tensor_for(const umbra_lowering *l, int value, umbra_tensor *t)
{
    t->value = value;
    return umbra_value_geometry(l->graph, value, &t->channels, &t->height, &t->width);
}

/* The deepest tensor that cannot be expanded, and the deepest that can. */
static void depths(const umbra_lowering *l, const umbra_expression *e, int *fixed, int *open,
                   int *at)
{
    *fixed = *open = -1;
    for (int i = 0; i < e->count; i++) {
        int tensor = e->terms[i].tensor, depth = l->network->tensors[tensor].depth;
        bool expandable = false;
        for (int c = 0; c < l->network->candidate_count; c++)
            expandable |=
                l->network->candidates[c].tensor == tensor && l->network->candidates[c].compose;
        if (!expandable && depth > *fixed)
            *fixed = depth;
        if (expandable && depth > *open) {
            *open = depth;
            *at = i;
        }
    }
}

/* Replace term `at` by the definition of its tensor. */
static umbra_status expand(umbra_lowering *l, umbra_expression *e, int at)
{
    umbra_network *n = l->network;
    umbra_term term = e->terms[at];
    const umbra_linear *definition = NULL;
    for (int i = 0; i < n->linear_count; i++)
        if (n->linears[i].tensor == term.tensor)
            definition = &n->linears[i];
    if (definition == NULL)
        return umbra_fail(UMBRA_E_INTERNAL, "tensor %d has no definition", term.tensor);
    e->terms[at] = e->terms[--e->count];
    umbra_expression inner = {.known = true,
                              .count = definition->term_count,
                              .terms = definition->terms,
                              .offset = l->mode == UMBRA_LOWER_ALL ? definition->offset : NULL};
    l->composed++;
    return umbra_expression_apply(l, e, &inner, term.matrix, term.coefficient);
}

/* A candidate deeper than everything else in a sum would cost a level of its own: expand it. */
static umbra_status resolve(umbra_lowering *l, umbra_expression *e)
{
    int fixed, open, at = 0;
    for (depths(l, e, &fixed, &open, &at); open > fixed; depths(l, e, &fixed, &open, &at))
        UMBRA_TRY(expand(l, e, at));
    return UMBRA_OK;
}

/* Evaluate an expression into a new tensor. */
static umbra_status materialise(umbra_lowering *l, const umbra_expression *in, umbra_tensor t,
                                int candidate, int *tensor, int *linear)
{
    umbra_expression e = {0};
    size_t size = value_size(l, t.value);
    UMBRA_TRY(umbra_expression_copy(&e, in, size));
    l->composed = 0;
    umbra_status status = resolve(l, &e);
    umbra_linear made = {.candidate = candidate};
    for (int i = 0; i < e.count; i++) {
        int depth = l->network->tensors[e.terms[i].tensor].depth;
        made.depth = depth > made.depth ? depth : made.depth;
    }
    void *zero = NULL;
    if (status == UMBRA_OK && e.offset == NULL) {
        status = umbra_memory_alloc_array(&zero, size, sizeof(double), "offsets");
        e.offset = zero;
    }
    t.kind = UMBRA_TENSOR_LINEAR;
    t.source = -1;
    t.depth = made.depth + 1;
    t.gap = e.gap;
    if (status == UMBRA_OK)
        status = umbra_network_add_tensor(l->network, &t, tensor);
    made.tensor = *tensor;
    made.term_count = e.count;
    made.terms = e.terms;
    made.offset = e.offset;
    made.composed = l->composed;
    if (status == UMBRA_OK)
        status = umbra_network_add_linear(l->network, &made, linear);
    if (status != UMBRA_OK)
        umbra_expression_free(&e);
    return status;
}

/* The expression "this tensor". */
static umbra_status expression_of_tensor(umbra_lowering *l, int tensor, double coefficient,
                                         umbra_expression *out)
{
    const umbra_tensor *t = &l->network->tensors[tensor];
    umbra_term term = {.tensor = tensor, .coefficient = coefficient};
    size_t size = (size_t)t->channels * (size_t)t->height * (size_t)t->width;
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, size, &term.matrix));
    out->known = true;
    out->gap = t->gap;
    return umbra_expression_add_term(l, out, term);
}

static umbra_status add_constant(const umbra_lowering *l, umbra_expression *e, double constant,
                                 size_t size)
{
    void *made = NULL;
    if (l->mode == UMBRA_LOWER_SHAPES)
        return UMBRA_OK;
    if (e->offset == NULL) {
        UMBRA_TRY(umbra_memory_alloc_array(&made, size, sizeof(double), "offsets"));
        e->offset = made;
    }
    for (size_t i = 0; i < size; i++)
        e->offset[i] += constant;
    return UMBRA_OK;
}

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
    UMBRA_TRY(tensor_for(l, n->inputs[0], &t));
    UMBRA_TRY(materialise(l, &l->values[n->inputs[0]], t, -1, &linear_tensor, &linear));
    umbra_tensor square = l->network->tensors[linear_tensor];
    square.kind = UMBRA_TENSOR_SQUARE;
    square.source = linear_tensor;
    UMBRA_TRY(umbra_network_add_tensor(l->network, &square, &square_tensor));
    UMBRA_TRY(expression_of_tensor(l, square_tensor, c[2], out));
    if (far)
        UMBRA_TRY(expression_of_tensor(l, linear_tensor, c[1], out));
    return add_constant(l, out, far ? c[0] : c[0] - c[1] * c[1] / (4 * c[2]),
                        value_size(l, n->output));
}

static umbra_status lower_polynomial(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const double *c = n->attr.coefficient;
    umbra_expression *out = &l->values[n->output];
    const umbra_expression *in = &l->values[n->inputs[0]];
    int identity = -1;
    if (n->attr.degree >= 2 && c[2] != 0)
        return lower_quadratic(l, node);
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, value_size(l, n->output), &identity));
    UMBRA_TRY(umbra_expression_apply(l, out, in, identity, n->attr.degree >= 1 ? c[1] : 0));
    out->gap = in->gap;
    return add_constant(l, out, c[0], value_size(l, n->output));
}

static umbra_status lower_add(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_expression *out = &l->values[n->output];
    int identity = -1;
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, value_size(l, n->output), &identity));
    for (int k = 0; k < 2; k++) {
        const umbra_expression *in = &l->values[n->inputs[k]];
        UMBRA_TRY(umbra_expression_apply(l, out, in, identity, 1));
        out->gap = in->gap > out->gap ? in->gap : out->gap;
    }
    return UMBRA_OK;
}

static int gap_after(const umbra_node *n, int gap)
{
    int stride = (int)n->attr.strides[0];
    switch (n->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_AVERAGE_POOL:
        return gap * (stride < 1 ? 1 : stride);
    case UMBRA_OP_CONV_TRANSPOSE:
        return stride >= 1 && gap % stride == 0 ? gap / stride : 0;
    case UMBRA_OP_BATCH_NORM:
        return gap;
    default:
        return 0;
    }
}

static umbra_status side_of(const umbra_lowering *l, int value, umbra_side *side)
{
    int channels = 0, height = 0, width = 0;
    UMBRA_TRY(umbra_value_geometry(l->graph, value, &channels, &height, &width));
    *side = (umbra_side){.size = value_size(l, value), .channels = (size_t)channels};
    return UMBRA_OK;
}

static umbra_status lower_linear(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_expression *out = &l->values[n->output];
    const umbra_expression *in = &l->values[n->inputs[0]];
    const umbra_sparse *matrix = NULL;
    umbra_side rows, columns;
    int id = -1;
    UMBRA_TRY(side_of(l, n->output, &rows));
    UMBRA_TRY(side_of(l, n->inputs[0], &columns));
    if (n->op == UMBRA_OP_RESHAPE)
        UMBRA_TRY(umbra_matrices_identity(l->network->matrices, rows.size, &id));
    else
        UMBRA_TRY(umbra_matrices_node(l->network->matrices, node, rows, columns, &id));
    UMBRA_TRY(umbra_expression_apply(l, out, in, id, 1));
    out->gap = n->op == UMBRA_OP_RESHAPE ? in->gap : gap_after(n, in->gap);
    if (n->op == UMBRA_OP_RESHAPE || l->mode == UMBRA_LOWER_SHAPES)
        return UMBRA_OK;
    UMBRA_TRY(umbra_matrices_get(l->network->matrices, id, &matrix));
    return umbra_offset_add(&out->offset, matrix->offset, 1, rows.size);
}

/* A linear value with several readers becomes a candidate: a tensor that readers may also see
 * through. */
static umbra_status make_candidate(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_network *network = l->network;
    int number = network->candidate_count, unused = -1;
    umbra_candidate c = {.value = n->output,
                         .compose = number >= l->compose_count || l->compose[number] != 0};
    umbra_tensor t = {.node = node};
    UMBRA_TRY(tensor_for(l, n->output, &t));
    UMBRA_TRY(materialise(l, &l->values[n->output], t, number, &c.tensor, &c.linear));
    UMBRA_TRY(umbra_network_add_candidate(network, &c, &unused));
    umbra_expression_free(&l->values[n->output]);
    return expression_of_tensor(l, c.tensor, 1, &l->values[n->output]);
}

static bool is_just_a_tensor(const umbra_lowering *l, const umbra_expression *e)
{
    return e->count <= 1 &&
           (e->count == 0 || umbra_matrices_is_identity(l->network->matrices, e->terms[0].matrix));
}

static umbra_status lower_node(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_status status;
    switch (n->op) {
    case UMBRA_OP_POLYNOMIAL:
        status = lower_polynomial(l, node);
        break;
    case UMBRA_OP_ADD:
        status = lower_add(l, node);
        break;
    default:
        status = lower_linear(l, node);
        break;
    }
    if (status == UMBRA_OK && l->uses[n->output] > 1 && !is_just_a_tensor(l, &l->values[n->output]))
        status = make_candidate(l, node);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "node \"%s\"", n->name);
    return UMBRA_OK;
}

static int power_of_two_from(int a)
{
    int power = 1;
    while (power < a)
        power *= 2;
    return power;
}

static umbra_status lower_input(umbra_lowering *l)
{
    umbra_network *n = l->network;
    int value = l->graph->inputs[0];
    umbra_tensor t = {.kind = UMBRA_TENSOR_INPUT, .source = -1, .node = -1, .gap = 1};
    UMBRA_TRY(tensor_for(l, value, &t));
    n->grid_height = power_of_two_from(t.height);
    n->grid_width = power_of_two_from(t.width);
    UMBRA_TRY(umbra_network_add_tensor(n, &t, &n->input));
    return expression_of_tensor(l, n->input, 1, &l->values[value]);
}

static umbra_status lower_output(umbra_lowering *l)
{
    umbra_network *n = l->network;
    int value = l->graph->outputs[0], linear = -1;
    int producer = l->graph->values[value].producer;
    umbra_tensor t = {.node = producer};
    if (producer < 0)
        return umbra_fail(UMBRA_E_MODEL, "the model's output is its input: nothing to compute");
    UMBRA_TRY(tensor_for(l, value, &t));
    UMBRA_TRY(materialise(l, &l->values[value], t, -1, &n->output, &linear));
    n->depth = n->tensors[n->output].depth;
    return UMBRA_OK;
}

/* Tensors that the output does not need (a candidate that every reader sees through) are not made.
 */
static void mark_used(umbra_network *n)
{
    n->tensors[n->output].used = true;
    n->tensors[n->input].used = true;
    for (int i = n->tensor_count - 1; i >= 0; i--) {
        const umbra_tensor *t = &n->tensors[i];
        if (!t->used)
            continue;
        if (t->kind == UMBRA_TENSOR_SQUARE)
            n->tensors[t->source].used = true;
        for (int k = 0; k < n->linear_count; k++)
            for (int j = 0; n->linears[k].tensor == i && j < n->linears[k].term_count; j++)
                n->tensors[n->linears[k].terms[j].tensor].used = true;
    }
}

static umbra_status count_uses(umbra_lowering *l)
{
    void *uses = NULL;
    const umbra_graph *g = l->graph;
    UMBRA_TRY(
        umbra_memory_alloc_array(&uses, (size_t)g->value_count + 1, sizeof(int), "a network"));
    l->uses = uses;
    for (int i = 0; i < g->node_count; i++)
        for (int k = 0; k < g->nodes[i].input_count; k++)
            if (g->nodes[i].inputs[k] >= 0)
                l->uses[g->nodes[i].inputs[k]]++;
    for (int i = 0; i < g->output_count; i++)
        l->uses[g->outputs[i]]++;
    return UMBRA_OK;
}

static umbra_status lower_all(umbra_lowering *l)
{
    void *values = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&values, (size_t)l->graph->value_count + 1,
                                       sizeof(umbra_expression), "a network"));
    l->values = values;
    UMBRA_TRY(count_uses(l));
    UMBRA_TRY(lower_input(l));
    for (int i = 0; i < l->graph->node_count; i++)
        UMBRA_TRY(lower_node(l, i));
    return lower_output(l);
}

umbra_status umbra_network_lower(umbra_network *out, const umbra_graph *graph,
                                 umbra_matrices *matrices, const unsigned char *compose,
                                 int compose_count, umbra_lower_mode mode)
{
    umbra_network network = {.graph = graph, .matrices = matrices, .images = 1};
    umbra_lowering l = {.network = &network,
                        .graph = graph,
                        .compose = compose,
                        .compose_count = compose_count,
                        .mode = mode};
    UMBRA_TRY(umbra_problems_check(graph));
    umbra_status status = lower_all(&l);
    for (int i = 0; l.values != NULL && i < graph->value_count; i++)
        umbra_expression_free(&l.values[i]);
    umbra_memory_free(l.values);
    umbra_memory_free(l.uses);
    if (status != UMBRA_OK) {
        umbra_network_free(&network);
        return status;
    }
    mark_used(&network);
    *out = network;
    return UMBRA_OK;
}
