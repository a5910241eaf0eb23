/* Arithmetic with broadcasting, and moving elements: transpose, pad, concatenate, slice. */
#include "graph/broadcast.h"
#include "plain/plain_internal.h"

#include <string.h>

umbra_status umbra_plain_run_arithmetic(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step)
{
    (void)step;
    const umbra_value *values = plain->graph->values;
    int a = node->inputs[0], b = node->inputs[1];
    umbra_broadcast_f32(umbra_arithmetic_of(node->op), plain->data[node->output],
                        &values[node->output].shape, plain->data[a], &values[a].shape,
                        plain->data[b], &values[b].shape);
    return UMBRA_OK;
}

static void concat(const umbra_plain *plain, const umbra_node *node)
{
    int64_t strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(&plain->graph->values[node->output].shape, strides);
    for (int i = 0; i < node->input_count; i++) {
        const umbra_shape *x = &plain->graph->values[node->inputs[i]].shape;
        umbra_scatter_strided(plain->data[node->output], offset, strides,
                              plain->data[node->inputs[i]], x, sizeof(float));
        offset += strides[node->attr.axis] * x->dim[node->attr.axis];
    }
}

static void pad(const umbra_plain *plain, const umbra_node *node)
{
    const umbra_shape *y = &plain->graph->values[node->output].shape;
    int64_t strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(y, strides);
    for (int i = 0; i < y->rank; i++)
        offset += node->attr.pads_full[i] * strides[i];
    memset(plain->data[node->output], 0, (size_t)umbra_shape_elements(y) * sizeof(float));
    umbra_scatter_strided(plain->data[node->output], offset, strides, plain->data[node->inputs[0]],
                          &plain->graph->values[node->inputs[0]].shape, sizeof(float));
}

umbra_status umbra_plain_run_move(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step)
{
    (void)step;
    const umbra_shape *x = &plain->graph->values[node->inputs[0]].shape;
    int64_t own[UMBRA_MAX_RANK] = {0}, strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    if (node->op == UMBRA_OP_CONCAT) {
        concat(plain, node);
        return UMBRA_OK;
    }
    if (node->op == UMBRA_OP_PAD) {
        pad(plain, node);
        return UMBRA_OK;
    }
    umbra_shape_strides(x, own);
    for (int i = 0; i < x->rank; i++) {
        if (node->op == UMBRA_OP_TRANSPOSE) {
            strides[i] = own[node->attr.permutation[i]];
        } else {
            strides[i] = own[i] * node->attr.step[i];
            offset += own[i] * node->attr.begin[i];
        }
    }
    umbra_gather_strided(plain->data[node->output], &plain->graph->values[node->output].shape,
                         plain->data[node->inputs[0]], offset, strides, sizeof(float));
    return UMBRA_OK;
}

umbra_status umbra_plain_run_nothing(const umbra_plain *plain, const umbra_node *node,
                                     const umbra_step *step)
{
    (void)plain;
    (void)node;
    (void)step;
    return UMBRA_OK;
}
