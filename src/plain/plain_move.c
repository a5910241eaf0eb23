/* Arithmetic with broadcasting, and moving elements: transpose, pad, concatenate, slice, gather. */
#include "base/memory.h"
#include "graph/broadcast.h"
#include "graph/move.h"
#include "plain/plain_internal.h"

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

umbra_status umbra_plain_run_move(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step)
{
    (void)step;
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)node->input_count, sizeof(void *),
                                       "moving elements"));
    const void **inputs = memory;
    for (int i = 0; i < node->input_count; i++)
        inputs[i] = plain->data[node->inputs[i]];
    umbra_move_elements(plain->graph, node, plain->data[node->output], inputs, sizeof(float));
    umbra_memory_free(memory);
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
