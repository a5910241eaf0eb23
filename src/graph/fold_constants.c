/* Constant folding: nodes whose inputs are all constants become constants. */
#include "base/memory.h"
#include "graph/broadcast.h"
#include "graph/build.h"
#include "graph/move.h"
#include "graph/passes.h"

#define MAX_GROWN ((int64_t)1 << 24) /* elements that one node may make, unless it had as many */

static bool is_arithmetic(umbra_op op)
{
    return op == UMBRA_OP_ADD || op == UMBRA_OP_SUB || op == UMBRA_OP_MUL || op == UMBRA_OP_DIV ||
           op == UMBRA_OP_POW;
}

static bool is_foldable(umbra_op op)
{
    return is_arithmetic(op) || umbra_op_moves(op) || op == UMBRA_OP_POLYNOMIAL;
}

static void polynomial(float *out, const float *in, int64_t count, const umbra_attributes *attr)
{
    for (int64_t i = 0; i < count; i++) {
        double sum = attr->coefficient[attr->degree];
        for (int k = attr->degree - 1; k >= 0; k--)
            sum = sum * (double)in[i] + attr->coefficient[k];
        out[i] = (float)sum;
    }
}

/* The data of every input, of the kind that the output has. */
static umbra_status move(const umbra_graph *graph, const umbra_node *node, void *out, bool integer)
{
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)node->input_count, sizeof(void *),
                                       "a folded constant"));
    const void **inputs = memory;
    for (int i = 0; i < node->input_count; i++) {
        const umbra_value *x = &graph->values[node->inputs[i]];
        inputs[i] = integer ? (const void *)x->i64 : (const void *)x->f32;
    }
    umbra_move_elements(graph, node, out, inputs, integer ? 8 : 4);
    umbra_memory_free(memory);
    return UMBRA_OK;
}

static umbra_status evaluate(const umbra_graph *graph, const umbra_node *node, void *out,
                             const umbra_shape *shape, bool integer)
{
    const umbra_value *a = &graph->values[node->inputs[0]];
    if (node->op == UMBRA_OP_POLYNOMIAL) {
        polynomial(out, a->f32, umbra_shape_elements(shape), &node->attr);
    } else if (is_arithmetic(node->op)) {
        const umbra_value *b = &graph->values[node->inputs[1]];
        if (integer)
            umbra_broadcast_i64(umbra_arithmetic_of(node->op), out, shape, a->i64, &a->shape,
                                b->i64, &b->shape);
        else
            umbra_broadcast_f32(umbra_arithmetic_of(node->op), out, shape, a->f32, &a->shape,
                                b->f32, &b->shape);
    } else {
        return move(graph, node, out, integer);
    }
    return UMBRA_OK;
}

umbra_status umbra_fold_node(umbra_graph *graph, int index, bool *folded)
{
    const umbra_node *node = &graph->nodes[index];
    umbra_shape shape = graph->values[node->output].shape;
    bool integer = node->op != UMBRA_OP_POW && node->op != UMBRA_OP_POLYNOMIAL;
    int64_t had = 0, elements = umbra_shape_elements(&shape);
    *folded = false;
    if (!is_foldable(node->op) || elements < 0)
        return UMBRA_OK;
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0 || !umbra_value_is_constant(&graph->values[node->inputs[i]]))
            return UMBRA_OK;
        had += umbra_shape_elements(&graph->values[node->inputs[i]].shape);
        if (node->op != UMBRA_OP_GATHER || i == 0)
            integer = integer && graph->values[node->inputs[i]].i64 != NULL;
    }
    if (elements > MAX_GROWN && elements > had)
        return UMBRA_OK;
    for (int i = 0; !integer && i < node->input_count; i++)
        UMBRA_TRY(umbra_constant_as_f32(graph, node->inputs[i]));
    UMBRA_TRY(umbra_graph_charge(graph, &shape, integer ? UMBRA_I64 : UMBRA_F32, node->name));
    void *data;
    UMBRA_TRY(umbra_memory_alloc_array(&data, elements > 0 ? (size_t)elements : 1, integer ? 8 : 4,
                                       "a folded constant"));
    umbra_status status = evaluate(graph, node, data, &shape, integer);
    if (status != UMBRA_OK) {
        umbra_memory_free(data);
        return status;
    }
    umbra_value *out = &graph->values[node->output];
    out->type = integer ? UMBRA_I64 : UMBRA_F32;
    out->f32 = integer ? NULL : data;
    out->i64 = integer ? data : NULL;
    *folded = true;
    return UMBRA_OK;
}

umbra_status umbra_pass_fold_constants(umbra_graph *graph)
{
    void *memory;
    UMBRA_TRY(umbra_memory_alloc(&memory, (size_t)graph->node_count + 1, "folding"));
    bool *dead = memory;
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < graph->node_count && status == UMBRA_OK; i++) {
        bool folded = false;
        if (graph->nodes[i].input_count > 0)
            status = umbra_fold_node(graph, i, &folded);
        dead[i] = folded;
    }
    umbra_graph_remove_nodes(graph, dead);
    umbra_memory_free(memory);
    return status;
}
