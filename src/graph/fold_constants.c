/* Constant folding: nodes whose inputs are all constants become constants. */
#include "base/memory.h"
#include "graph/broadcast.h"
#include "graph/build.h"
#include "graph/passes.h"

#define MAX_GROWN ((int64_t)1 << 24) /* elements that one node may make, unless it had as many */

static bool is_arithmetic(umbra_op op)
{
    return op == UMBRA_OP_ADD || op == UMBRA_OP_SUB || op == UMBRA_OP_MUL || op == UMBRA_OP_DIV ||
           op == UMBRA_OP_POW;
}

static bool is_foldable(umbra_op op)
{
    return is_arithmetic(op) || op == UMBRA_OP_RESHAPE || op == UMBRA_OP_TRANSPOSE ||
           op == UMBRA_OP_PAD || op == UMBRA_OP_CONCAT || op == UMBRA_OP_SLICE ||
           op == UMBRA_OP_POLYNOMIAL;
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

/* Strides, in the input, of the output's dimensions; for a slice also the first element. */
static int64_t source_strides(const umbra_node *node, const umbra_shape *x, int64_t *strides)
{
    int64_t own[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(x, own);
    for (int i = 0; i < x->rank; i++) {
        if (node->op == UMBRA_OP_TRANSPOSE) {
            strides[i] = own[node->attr.permutation[i]];
        } else {
            strides[i] = own[i] * node->attr.step[i];
            offset += own[i] * node->attr.begin[i];
        }
    }
    return offset;
}

static void concat(const umbra_graph *graph, const umbra_node *node, void *out,
                   const umbra_shape *shape, bool integer)
{
    int64_t own[UMBRA_MAX_RANK] = {0}, offset = 0;
    umbra_shape_strides(shape, own);
    for (int i = 0; i < node->input_count; i++) {
        const umbra_value *x = &graph->values[node->inputs[i]];
        umbra_scatter_strided(out, offset, own, integer ? (void *)x->i64 : (void *)x->f32,
                              &x->shape, integer ? 8 : 4);
        offset += own[node->attr.axis] * x->shape.dim[node->attr.axis];
    }
}

static void move(const umbra_graph *graph, const umbra_node *node, void *out,
                 const umbra_shape *shape, bool integer)
{
    const umbra_value *x = &graph->values[node->inputs[0]];
    const void *in = integer ? (const void *)x->i64 : (const void *)x->f32;
    size_t bytes = integer ? 8 : 4;
    int64_t strides[UMBRA_MAX_RANK] = {0}, offset = 0;
    if (node->op == UMBRA_OP_CONCAT) {
        concat(graph, node, out, shape, integer);
    } else if (node->op == UMBRA_OP_PAD) {
        umbra_shape_strides(shape, strides);
        for (int i = 0; i < shape->rank; i++)
            offset += node->attr.pads_full[i] * strides[i];
        umbra_scatter_strided(out, offset, strides, in, &x->shape, bytes);
    } else if (node->op == UMBRA_OP_RESHAPE) {
        umbra_shape flat = {.rank = 1, .dim = {umbra_shape_elements(shape)}};
        int64_t one = 1;
        umbra_gather_strided(out, &flat, in, 0, &one, bytes);
    } else {
        offset = source_strides(node, &x->shape, strides);
        umbra_gather_strided(out, shape, in, offset, strides, bytes);
    }
}

static void evaluate(const umbra_graph *graph, const umbra_node *node, void *out,
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
        move(graph, node, out, shape, integer);
    }
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
    evaluate(graph, node, data, &shape, integer);
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
