/* Sums, and nodes that move or scale elements: matrices with one entry a row, and no tensors. */
#include "base/memory.h"
#include "graph/build.h"
#include "plan/lower.h"
#include "plan/selection.h"

/* The gap of the output: an input's, where its planes keep their size or are taken in equal steps;
 * 0 where that is not so. */
static int gap_of(const umbra_lowering *l, const umbra_node *n, int input)
{
    const umbra_shape *x = &l->graph->values[n->inputs[input]].shape;
    const umbra_shape *y = &l->graph->values[n->output].shape;
    int gap = l->values[n->inputs[input]].gap;
    const int64_t *step = n->attr.step, *from = n->attr.permutation;
    if (x->rank != 4 || y->rank != 4)
        return 0;
    if (n->op == UMBRA_OP_SLICE && gap < 0)
        return step[2] == 1 && step[3] == 1 ? gap : 0;
    if (n->op == UMBRA_OP_SLICE)
        return step[2] == step[3] && step[2] >= 1 && step[2] * gap <= l->network->grid_height
                   ? (int)step[2] * gap
                   : 0;
    if (n->op == UMBRA_OP_TRANSPOSE)
        return from[2] >= 2 && from[3] >= 2 ? gap : 0;
    bool same = x->dim[2] == y->dim[2] && x->dim[3] == y->dim[3];
    return same || n->op == UMBRA_OP_PAD || n->op == UMBRA_OP_CONCAT ? gap : 0;
}

/* out += node, as a function of one of its inputs */
static umbra_status add_input(umbra_lowering *l, int node, int k)
{
    const umbra_node *n = &l->graph->nodes[node];
    const umbra_value *in = &l->graph->values[n->inputs[k]], *out = &l->graph->values[n->output];
    umbra_matrices *store = l->network->matrices;
    umbra_expression *e = &l->values[n->output];
    bool sum = n->op == UMBRA_OP_ADD || n->op == UMBRA_OP_SUB, same = sum;
    umbra_side rows = umbra_lowering_side(l, n->output);
    int id = -1, gap = gap_of(l, n, k);
    for (int i = 0; i < in->shape.rank; i++)
        same = same && in->shape.rank == out->shape.rank && in->shape.dim[i] == out->shape.dim[i];
    if (n->op == UMBRA_OP_RESHAPE || same)
        UMBRA_TRY(umbra_matrices_identity(store, rows.size, &id));
    else
        UMBRA_TRY(umbra_matrices_selection(store, node, k, rows,
                                           umbra_lowering_side(l, n->inputs[k]), &id));
    bool negative = same && n->op == UMBRA_OP_SUB && k == 1; /* a selection has its sign itself */
    UMBRA_TRY(umbra_expression_apply(l, e, &l->values[n->inputs[k]], id, negative ? -1 : 1));
    if (e->gap == 0 || (gap != 0 && gap > e->gap))
        e->gap = gap;
    return UMBRA_OK;
}

umbra_status umbra_lower_move(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    umbra_expression *e = &l->values[n->output];
    double *constants = NULL;
    for (int k = 0; k < n->input_count; k++)
        if (!umbra_value_is_constant(&l->graph->values[n->inputs[k]]))
            UMBRA_TRY(add_input(l, node, k));
    if (l->mode == UMBRA_LOWER_SHAPES)
        return UMBRA_OK;
    UMBRA_TRY(umbra_selection_offset(&constants, l->graph, node));
    umbra_status status =
        umbra_offset_add(&e->offset, constants, 1, umbra_lowering_size(l, n->output));
    umbra_memory_free(constants);
    return status;
}
