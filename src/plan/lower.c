/* From a graph to squares and linear maps between tensors. */
#include "plan/lower.h"

#include "base/memory.h"
#include "graph/build.h"
#include "plan/problems.h"

#include <math.h>
#include <string.h>

size_t umbra_lowering_size(const umbra_lowering *l, int value)
{
    return (size_t)umbra_shape_elements(&l->graph->values[value].shape);
}

umbra_status umbra_lowering_tensor(const umbra_lowering *l, int value, umbra_tensor *t)
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
    umbra_expression inner = {.count = definition->term_count,
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

static bool fits(const umbra_network *n, const umbra_tensor *t, int gap)
{
    int64_t times = gap > 0 ? gap : 1, over = gap > 0 ? 1 : -gap;
    return (t->height * times + over - 1) / over <= n->grid_height &&
           (t->width * times + over - 1) / over <= n->grid_width;
}

/* The wanted gap where planes with it fit the grid, else the largest power of two that does, else
 * the least number of phases. */
static int gap_that_fits(const umbra_network *n, const umbra_tensor *t, int wanted)
{
    int gap = 1;
    if (wanted != 0 && fits(n, t, wanted))
        return wanted;
    while (fits(n, t, 2 * gap))
        gap *= 2;
    if (gap == 1 && !fits(n, t, 1))
        for (gap = -2; !fits(n, t, gap) && gap > -64;)
            gap *= 2;
    return gap;
}

static int deepest_term(const umbra_lowering *l, const umbra_expression *e)
{
    int depth = 0;
    for (int i = 0; i < e->count; i++) {
        int of_term = l->network->tensors[e->terms[i].tensor].depth;
        depth = of_term > depth ? of_term : depth;
    }
    return depth;
}

umbra_status umbra_lowering_depth(umbra_lowering *l, const umbra_expression *in, size_t size,
                                  int *depth)
{
    umbra_expression e = {0};
    UMBRA_TRY(umbra_expression_copy(&e, in, size));
    umbra_status status = resolve(l, &e);
    *depth = deepest_term(l, &e) + 1;
    umbra_expression_free(&e);
    return status;
}

umbra_status umbra_lowering_evaluate(umbra_lowering *l, const umbra_expression *in, umbra_tensor t,
                                     int candidate, int *tensor, int *linear)
{
    umbra_expression e = {0};
    size_t size = umbra_lowering_size(l, t.value);
    UMBRA_TRY(umbra_expression_copy(&e, in, size));
    l->composed = 0;
    umbra_status status = resolve(l, &e);
    umbra_linear made = {.candidate = candidate, .depth = deepest_term(l, &e)};
    if (t.depth > made.depth + 1)
        made.depth = t.depth - 1;
    void *zero = NULL;
    if (status == UMBRA_OK && e.offset == NULL && l->mode == UMBRA_LOWER_ALL) {
        status = umbra_memory_alloc_array(&zero, size, sizeof(double), "offsets");
        e.offset = zero;
    }
    t.kind = UMBRA_TENSOR_LINEAR;
    t.source = t.other = -1;
    t.depth = made.depth + 1;
    t.gap = gap_that_fits(l->network, &t, e.gap);
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

int umbra_lowering_find_kept(const umbra_lowering *l, int value)
{
    for (int i = 0; i < l->network->candidate_count; i++) {
        const umbra_candidate *c = &l->network->candidates[i];
        if (c->value == value && !c->compose)
            return c->tensor;
    }
    return -1;
}

umbra_status umbra_lowering_read(umbra_lowering *l, int tensor, double coefficient,
                                 umbra_expression *out)
{
    const umbra_tensor *t = &l->network->tensors[tensor];
    umbra_term term = {.tensor = tensor, .coefficient = coefficient};
    size_t size = (size_t)t->channels * (size_t)t->height * (size_t)t->width;
    UMBRA_TRY(umbra_matrices_identity(l->network->matrices, size, &term.matrix));
    out->gap = t->gap;
    return umbra_expression_add_term(l, out, term);
}

umbra_status umbra_lowering_add_constant(const umbra_lowering *l, umbra_expression *e,
                                         double constant, size_t size)
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

/* Gaps below 1 are numbers of phases: -p stands for 1/p. 0: none fits. */
static int gap_times(int gap, int stride)
{
    if (gap >= 0)
        return gap <= UINT16_MAX / stride ? gap * stride : 0;
    if (stride % -gap == 0)
        return stride / -gap;
    return -gap % stride == 0 ? gap / stride : 0;
}

static int gap_over(int gap, int stride)
{
    if (gap > 0 && gap % stride == 0)
        return gap / stride;
    if (gap > 0 && stride % gap == 0)
        return -(stride / gap);
    return gap < 0 && gap >= -UINT16_MAX / stride ? gap * stride : 0;
}

static int gap_after(const umbra_node *n, int gap)
{
    int64_t stride = n->attr.strides[0];
    if (n->op == UMBRA_OP_BATCH_NORM)
        return gap;
    if (stride < 1 || stride > UINT16_MAX || stride != n->attr.strides[1])
        return 0;
    switch (n->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_AVERAGE_POOL:
        return gap_times(gap, (int)stride);
    case UMBRA_OP_CONV_TRANSPOSE:
        return gap_over(gap, (int)stride);
    default:
        return 0;
    }
}

umbra_side umbra_lowering_side(const umbra_lowering *l, int value)
{
    const umbra_shape *s = &l->graph->values[value].shape;
    bool channels = s->rank >= 2 && s->dim[0] == 1;
    return (umbra_side){.size = umbra_lowering_size(l, value),
                        .channels = channels ? (size_t)s->dim[1] : 1};
}

static umbra_status lower_linear(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_expression *out = &l->values[n->output];
    const umbra_expression *in = &l->values[n->inputs[0]];
    const umbra_sparse *matrix = NULL;
    umbra_side rows = umbra_lowering_side(l, n->output);
    umbra_side columns = umbra_lowering_side(l, n->inputs[0]);
    int id = -1;
    UMBRA_TRY(umbra_matrices_node(l->network->matrices, node, rows, columns, &id));
    UMBRA_TRY(umbra_expression_apply(l, out, in, id, 1));
    out->gap = gap_after(n, in->gap);
    if (l->mode == UMBRA_LOWER_SHAPES)
        return UMBRA_OK;
    UMBRA_TRY(umbra_matrices_get(l->network->matrices, id, &matrix));
    return umbra_offset_add(&out->offset, matrix->offset, 1, rows.size);
}

umbra_status umbra_lowering_make_candidate(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_network *network = l->network;
    int number = network->candidate_count, unused = -1;
    umbra_candidate c = {.value = n->output,
                         .compose = number >= l->compose_count || l->compose[number] != 0};
    umbra_tensor t = {.node = node};
    UMBRA_TRY(umbra_lowering_tensor(l, n->output, &t));
    UMBRA_TRY(umbra_lowering_evaluate(l, &l->values[n->output], t, number, &c.tensor, &c.linear));
    UMBRA_TRY(umbra_network_add_candidate(network, &c, &unused));
    umbra_expression_free(&l->values[n->output]);
    return umbra_lowering_read(l, c.tensor, 1, &l->values[n->output]);
}

static bool is_just_a_tensor(const umbra_lowering *l, const umbra_expression *e)
{
    return e->count <= 1 &&
           (e->count == 0 || umbra_matrices_is_identity(l->network->matrices, e->terms[0].matrix));
}

static bool multiplies_tensors(const umbra_lowering *l, const umbra_node *n)
{
    return n->op == UMBRA_OP_MUL && !umbra_value_is_constant(&l->graph->values[n->inputs[0]]) &&
           !umbra_value_is_constant(&l->graph->values[n->inputs[1]]);
}

static umbra_status lower_node(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_status status;
    switch (n->op) {
    case UMBRA_OP_POLYNOMIAL:
        status = umbra_lower_polynomial(l, node);
        break;
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
    case UMBRA_OP_RESHAPE:
    case UMBRA_OP_TRANSPOSE:
    case UMBRA_OP_PAD:
    case UMBRA_OP_CONCAT:
    case UMBRA_OP_SLICE:
    case UMBRA_OP_GATHER:
        status =
            multiplies_tensors(l, n) ? umbra_lower_product(l, node) : umbra_lower_move(l, node);
        break;
    default:
        status = lower_linear(l, node);
        break;
    }
    /* A reshaped image of five dimensions is no tensor that could be kept. */
    bool may_be_kept = l->uses[n->output] > 1 && l->graph->values[n->output].shape.rank <= 4;
    if (status == UMBRA_OK && may_be_kept && !is_just_a_tensor(l, &l->values[n->output]))
        status = umbra_lowering_make_candidate(l, node);
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

/* Planes stand on one grid, whichever is the largest among the input, what polynomials read and the
 * output: the others leave gaps on it. Where that is larger than grid_most, planes are cut into
 * phases. */
static void find_grid(umbra_lowering *l)
{
    umbra_network *n = l->network;
    const umbra_graph *g = l->graph;
    int values[2] = {g->inputs[0], g->outputs[0]};
    n->grid_height = n->grid_width = 1;
    for (int i = -2; i < g->node_count; i++) {
        if (i >= 0 && g->nodes[i].op != UMBRA_OP_POLYNOMIAL && !multiplies_tensors(l, &g->nodes[i]))
            continue;
        const umbra_node *node = i < 0 ? NULL : &g->nodes[i];
        int value = node == NULL               ? values[i + 2]
                    : node->op == UMBRA_OP_MUL ? node->output
                                               : node->inputs[0];
        umbra_tensor t = {0};
        if (umbra_lowering_tensor(l, value, &t) != UMBRA_OK)
            continue; /* refused where it is lowered */
        int height = power_of_two_from(t.height), width = power_of_two_from(t.width);
        n->grid_height = height > n->grid_height ? height : n->grid_height;
        n->grid_width = width > n->grid_width ? width : n->grid_width;
    }
    while (n->grid_height > l->grid_most / n->grid_width) {
        if (n->grid_height >= n->grid_width)
            n->grid_height /= 2;
        if (n->grid_width > l->grid_most / n->grid_height)
            n->grid_width /= 2;
    }
}

static umbra_status lower_input(umbra_lowering *l)
{
    umbra_network *n = l->network;
    int value = l->graph->inputs[0];
    umbra_tensor t = {.kind = UMBRA_TENSOR_INPUT, .source = -1, .node = -1};
    UMBRA_TRY(umbra_lowering_tensor(l, value, &t));
    find_grid(l);
    t.gap = gap_that_fits(n, &t, 0);
    UMBRA_TRY(umbra_network_add_tensor(n, &t, &n->input));
    return umbra_lowering_read(l, n->input, 1, &l->values[value]);
}

static umbra_status lower_output(umbra_lowering *l)
{
    umbra_network *n = l->network;
    int value = l->graph->outputs[0], linear = -1;
    int producer = l->graph->values[value].producer;
    umbra_tensor t = {.node = producer};
    if (producer < 0)
        return umbra_fail(UMBRA_E_MODEL, "the model's output is its input: nothing to compute");
    UMBRA_TRY(umbra_lowering_tensor(l, value, &t));
    UMBRA_TRY(umbra_lowering_evaluate(l, &l->values[value], t, -1, &n->output, &linear));
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
        if (umbra_tensor_is_product(t))
            n->tensors[t->source].used = true;
        if (t->kind == UMBRA_TENSOR_PRODUCT)
            n->tensors[t->other].used = true;
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
    return umbra_network_lower_images(out, graph, matrices, compose, compose_count, mode, 1, 0);
}

#define GRID_MOST (1 << 14) /* points: the slots of ring degree 2^15 */

umbra_status umbra_network_lower_images(umbra_network *out, const umbra_graph *graph,
                                        umbra_matrices *matrices, const unsigned char *compose,
                                        int compose_count, umbra_lower_mode mode, int images,
                                        size_t slots)
{
    const size_t room = images > 1 ? slots / (size_t)images : GRID_MOST;
    umbra_network network = {.graph = graph,
                             .matrices = matrices,
                             .images = images,
                             .no_offsets = mode == UMBRA_LOWER_SHAPES};
    umbra_lowering l = {.network = &network,
                        .graph = graph,
                        .grid_most = room < 1           ? 1
                                     : room < GRID_MOST ? (int)room
                                                        : GRID_MOST,
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
