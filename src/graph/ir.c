/* The life of a graph: what ir.h declares. */
#include "graph/ir.h"

#include "base/memory.h"

#include <string.h>

static const char *const op_names[UMBRA_OP_COUNT] = {
    [UMBRA_OP_CONV] = "Conv",
    [UMBRA_OP_CONV_TRANSPOSE] = "ConvTranspose",
    [UMBRA_OP_DENSE] = "Dense",
    [UMBRA_OP_MATMUL] = "MatMul",
    [UMBRA_OP_BATCH_NORM] = "BatchNormalization",
    [UMBRA_OP_INSTANCE_NORM] = "InstanceNormalization",
    [UMBRA_OP_ADD] = "Add",
    [UMBRA_OP_SUB] = "Sub",
    [UMBRA_OP_MUL] = "Mul",
    [UMBRA_OP_DIV] = "Div",
    [UMBRA_OP_POW] = "Pow",
    [UMBRA_OP_POLYNOMIAL] = "Polynomial",
    [UMBRA_OP_AVERAGE_POOL] = "AveragePool",
    [UMBRA_OP_MAX_POOL] = "MaxPool",
    [UMBRA_OP_GLOBAL_AVERAGE_POOL] = "GlobalAveragePool",
    [UMBRA_OP_REDUCE_MEAN] = "ReduceMean",
    [UMBRA_OP_RELU] = "Relu",
    [UMBRA_OP_SIGMOID] = "Sigmoid",
    [UMBRA_OP_SILU] = "SiLU",
    [UMBRA_OP_TANH] = "Tanh",
    [UMBRA_OP_SOFTMAX] = "Softmax",
    [UMBRA_OP_RESHAPE] = "Reshape",
    [UMBRA_OP_TRANSPOSE] = "Transpose",
    [UMBRA_OP_PAD] = "Pad",
    [UMBRA_OP_CONCAT] = "Concat",
    [UMBRA_OP_SLICE] = "Slice",
    [UMBRA_OP_GATHER] = "Gather",
    [UMBRA_OP_UNKNOWN] = "Unknown",
};

const char *umbra_op_name(umbra_op op)
{
    return (unsigned)op < UMBRA_OP_COUNT ? op_names[op] : "Unknown";
}

int64_t umbra_value_channels(const umbra_value *value)
{
    const umbra_shape *s = &value->shape;
    return s->rank < 1 ? 1 : s->rank < 3 ? s->dim[s->rank - 1] : s->dim[1];
}

void umbra_graph_free(umbra_graph *graph)
{
    if (graph == NULL)
        return;
    for (int i = 0; i < graph->value_count; i++) {
        umbra_memory_free(graph->values[i].name);
        umbra_memory_free(graph->values[i].f32);
        umbra_memory_free(graph->values[i].moments);
        umbra_memory_free(graph->values[i].i64);
    }
    for (int i = 0; i < graph->node_count; i++) {
        umbra_memory_free(graph->nodes[i].name);
        umbra_memory_free(graph->nodes[i].op_type);
        umbra_memory_free(graph->nodes[i].note);
        umbra_memory_free(graph->nodes[i].inputs);
    }
    umbra_memory_free(graph->values);
    umbra_memory_free(graph->nodes);
    umbra_memory_free(graph->inputs);
    umbra_memory_free(graph->outputs);
    umbra_memory_free(graph);
}

int64_t umbra_shape_elements(const umbra_shape *shape)
{
    if (shape->rank < 0 || shape->rank > UMBRA_MAX_RANK)
        return -1;
    int64_t product = 1;
    bool zero = false;
    for (int i = 0; i < shape->rank; i++) {
        int64_t d = shape->dim[i];
        if (d < 0)
            return -1;
        zero = zero || d == 0;
        if (d > 0 && product > UMBRA_MAX_ELEMENTS / d)
            return -1;
        product *= d > 0 ? d : 1;
    }
    return zero ? 0 : product;
}

int umbra_graph_find_value(const umbra_graph *graph, const char *name)
{
    for (int i = 0; i < graph->value_count; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return i;
    return -1;
}
