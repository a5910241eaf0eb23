/* Operators that only move elements, evaluated on data of any kind. */
#include "graph/move.h"

#include "graph/broadcast.h"

#include <string.h>

bool umbra_op_moves(umbra_op op)
{
    return op == UMBRA_OP_RESHAPE || op == UMBRA_OP_TRANSPOSE || op == UMBRA_OP_PAD ||
           op == UMBRA_OP_CONCAT || op == UMBRA_OP_SLICE || op == UMBRA_OP_GATHER;
}

static void concat(const umbra_graph *graph, const umbra_node *node, void *out,
                   const void *const *inputs, size_t bytes)
{
    int64_t strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(&graph->values[node->output].shape, strides);
    for (int i = 0; i < node->input_count; i++) {
        const umbra_shape *x = &graph->values[node->inputs[i]].shape;
        umbra_scatter_strided(out, offset, strides, inputs[i], x, bytes);
        offset += strides[node->attr.axis] * x->dim[node->attr.axis];
    }
}

static void pad(const umbra_graph *graph, const umbra_node *node, void *out, const void *in,
                size_t bytes)
{
    const umbra_shape *y = &graph->values[node->output].shape;
    int64_t strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(y, strides);
    for (int i = 0; i < y->rank; i++)
        offset += node->attr.pads_full[i] * strides[i];
    memset(out, 0, (size_t)umbra_shape_elements(y) * bytes);
    umbra_scatter_strided(out, offset, strides, in, &graph->values[node->inputs[0]].shape, bytes);
}

/* Whole rows of what lies behind the axis. */
static void gather(const umbra_graph *graph, const umbra_node *node, char *out, const char *in,
                   size_t bytes)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_value *indices = &graph->values[node->inputs[1]];
    int64_t outer = 1, count = indices->shape.dim[0], extent = x->dim[node->attr.axis];
    size_t row = bytes;
    for (int i = 0; i < x->rank; i++) {
        outer *= i < node->attr.axis ? x->dim[i] : 1;
        row *= i > node->attr.axis ? (size_t)x->dim[i] : 1;
    }
    for (int64_t o = 0; o < outer; o++, in += (size_t)extent * row)
        for (int64_t k = 0; k < count; k++, out += row)
            memcpy(out, in + (size_t)indices->i64[k] * row, row);
}

/* TRANSPOSE and SLICE read their input in strides. */
static void strided(const umbra_graph *graph, const umbra_node *node, void *out, const void *in,
                    size_t bytes)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    int64_t own[UMBRA_MAX_RANK] = {0}, strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(x, own);
    for (int i = 0; i < x->rank; i++) {
        if (node->op == UMBRA_OP_TRANSPOSE) {
            strides[i] = own[node->attr.permutation[i]];
        } else {
            strides[i] = own[i] * node->attr.step[i];
            offset += own[i] * node->attr.begin[i];
        }
    }
    umbra_gather_strided(out, &graph->values[node->output].shape, in, offset, strides, bytes);
}

void umbra_move_elements(const umbra_graph *graph, const umbra_node *node, void *out,
                         const void *const *inputs, size_t element_bytes)
{
    size_t count = (size_t)umbra_shape_elements(&graph->values[node->output].shape);
    if (node->op == UMBRA_OP_CONCAT)
        concat(graph, node, out, inputs, element_bytes);
    else if (node->op == UMBRA_OP_PAD)
        pad(graph, node, out, inputs[0], element_bytes);
    else if (node->op == UMBRA_OP_GATHER)
        gather(graph, node, out, inputs[0], element_bytes);
    else if (node->op == UMBRA_OP_RESHAPE)
        memcpy(out, inputs[0], count * element_bytes);
    else
        strided(graph, node, out, inputs[0], element_bytes);
}
