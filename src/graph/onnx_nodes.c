/* From the name of an ONNX operator to its translation. */
#include "graph/onnx_internal.h"

#include "base/memory.h"

#include <string.h>

typedef struct translation {
    const char *op_type;
    umbra_op
        op; /* what stands for it where shapes are unknown: for messages only, passes skip it */
    umbra_onnx_handler handler;
    int least_inputs;
} translation;

static const translation table[] = {
    {"Add", UMBRA_OP_ADD, umbra_onnx_add, 2},
    {"AveragePool", UMBRA_OP_AVERAGE_POOL, umbra_onnx_average_pool, 1},
    {"BatchNormalization", UMBRA_OP_BATCH_NORM, umbra_onnx_batch_norm, 5},
    {"Cast", UMBRA_OP_UNKNOWN, umbra_onnx_cast, 1},
    {"Concat", UMBRA_OP_CONCAT, umbra_onnx_concat, 1},
    {"Constant", UMBRA_OP_UNKNOWN, umbra_onnx_constant, 0},
    {"ConstantOfShape", UMBRA_OP_UNKNOWN, umbra_onnx_constant_of_shape, 1},
    {"Conv", UMBRA_OP_CONV, umbra_onnx_conv, 2},
    {"ConvTranspose", UMBRA_OP_CONV_TRANSPOSE, umbra_onnx_conv_transpose, 2},
    {"Div", UMBRA_OP_DIV, umbra_onnx_div, 2},
    {"Dropout", UMBRA_OP_RESHAPE, umbra_onnx_dropout, 1},
    {"Expand", UMBRA_OP_UNKNOWN, umbra_onnx_expand, 2},
    {"Flatten", UMBRA_OP_RESHAPE, umbra_onnx_flatten, 1},
    {"Gather", UMBRA_OP_GATHER, umbra_onnx_gather, 2},
    {"Gemm", UMBRA_OP_DENSE, umbra_onnx_gemm, 2},
    {"GlobalAveragePool", UMBRA_OP_GLOBAL_AVERAGE_POOL, umbra_onnx_global_average_pool, 1},
    {"Identity", UMBRA_OP_RESHAPE, umbra_onnx_identity, 1},
    {"InstanceNormalization", UMBRA_OP_INSTANCE_NORM, umbra_onnx_instance_norm, 3},
    {"MatMul", UMBRA_OP_DENSE, umbra_onnx_matmul, 2},
    {"MaxPool", UMBRA_OP_MAX_POOL, umbra_onnx_max_pool, 1},
    {"Mul", UMBRA_OP_MUL, umbra_onnx_mul, 2},
    {"Neg", UMBRA_OP_MUL, umbra_onnx_neg, 1},
    {"Pad", UMBRA_OP_PAD, umbra_onnx_pad, 1},
    {"Pow", UMBRA_OP_POW, umbra_onnx_pow, 2},
    {"ReduceMean", UMBRA_OP_REDUCE_MEAN, umbra_onnx_reduce_mean, 1},
    {"Relu", UMBRA_OP_RELU, umbra_onnx_relu, 1},
    {"Resize", UMBRA_OP_GATHER, umbra_onnx_resize, 1},
    {"Reshape", UMBRA_OP_RESHAPE, umbra_onnx_reshape, 2},
    {"Shape", UMBRA_OP_UNKNOWN, umbra_onnx_shape, 1},
    {"Sigmoid", UMBRA_OP_SIGMOID, umbra_onnx_sigmoid, 1},
    {"Slice", UMBRA_OP_SLICE, umbra_onnx_slice, 1},
    {"Softmax", UMBRA_OP_SOFTMAX, umbra_onnx_softmax, 1},
    {"Split", UMBRA_OP_SLICE, umbra_onnx_split, 1},
    {"Sqrt", UMBRA_OP_POW, umbra_onnx_sqrt, 1},
    {"Squeeze", UMBRA_OP_RESHAPE, umbra_onnx_squeeze, 1},
    {"Sub", UMBRA_OP_SUB, umbra_onnx_sub, 2},
    {"Sum", UMBRA_OP_ADD, umbra_onnx_sum, 1},
    {"Tanh", UMBRA_OP_TANH, umbra_onnx_tanh, 1},
    {"Transpose", UMBRA_OP_TRANSPOSE, umbra_onnx_transpose, 1},
    {"Unsqueeze", UMBRA_OP_RESHAPE, umbra_onnx_unsqueeze, 1},
    {"Upsample", UMBRA_OP_GATHER, umbra_onnx_resize, 1},
};

static const translation *find(const Onnx__NodeProto *proto)
{
    bool standard =
        proto->domain == NULL || proto->domain[0] == 0 || strcmp(proto->domain, "ai.onnx") == 0;
    for (size_t i = 0; standard && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].op_type, proto->op_type) == 0)
            return &table[i];
    return NULL;
}

/* Kept by name, so that everything that cannot be done is listed at once. The first output is a
 * node of unknown shape over all the inputs; further ones are nodes of the same name over the
 * first. */
static umbra_status keep(umbra_onnx_node *node, umbra_op op)
{
    umbra_shape unknown = {.rank = -1};
    const int *inputs = node->inputs;
    int input_count = node->input_count, first = -1;
    for (size_t i = 0; i < node->proto->n_output; i++) {
        const char *name = node->proto->output[i];
        int value, index;
        if (name[0] == 0)
            continue;
        UMBRA_TRY(umbra_graph_add_value(node->graph, name, &unknown, UMBRA_F32, &value));
        UMBRA_TRY(umbra_graph_add_node(node->graph, op, node->name, node->proto->op_type, inputs,
                                       input_count, value, NULL, &index));
        UMBRA_TRY(umbra_onnx_set_output(node, i, value));
        if (node->unsupported[0] != 0)
            UMBRA_TRY(umbra_text_copy(&node->graph->nodes[index].note, node->unsupported));
        if (first < 0)
            first = value;
        op = UMBRA_OP_UNKNOWN;
        inputs = &first;
        input_count = 1;
    }
    return UMBRA_OK;
}

static bool any_unknown_shape(const umbra_onnx_node *node)
{
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && node->graph->values[node->inputs[i]].shape.rank < 0)
            return true;
    return false;
}

/* Integer tensors are computed on only while they are constants; their shape may always be asked
 * for. */
static bool integer_input(const umbra_onnx_node *node)
{
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && node->graph->values[node->inputs[i]].type == UMBRA_I64 &&
            !umbra_onnx_is_constant(node, i))
            return strcmp(node->proto->op_type, "Shape") != 0;
    return false;
}

static umbra_status dispatch(umbra_onnx_node *node)
{
    const translation *t = find(node->proto);
    if (t == NULL)
        return keep(node, UMBRA_OP_UNKNOWN);
    for (int i = 0; i < t->least_inputs; i++)
        if (i >= node->input_count || node->inputs[i] < 0)
            return umbra_onnx_bad(node, "it needs at least %d inputs", t->least_inputs);
    if (any_unknown_shape(node))
        return keep(node, t->op);
    if (integer_input(node)) {
        UMBRA_TRY(umbra_onnx_unsupported(node, "integer tensors are not computed on"));
        return keep(node, UMBRA_OP_UNKNOWN);
    }
    UMBRA_TRY(t->handler(node));
    return node->unsupported[0] != 0 ? keep(node, UMBRA_OP_UNKNOWN) : UMBRA_OK;
}

static umbra_status resolve_inputs(umbra_onnx_node *node)
{
    for (int i = 0; i < node->input_count; i++) {
        const char *name = node->proto->input[i];
        node->inputs[i] = name[0] == 0 ? -1 : umbra_names_find(&node->importer->values, name);
        if (name[0] != 0 && node->inputs[i] < 0)
            return umbra_onnx_bad(node, "input \"%s\" is computed by no node", name);
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_translate(umbra_importer *importer, const Onnx__NodeProto *proto)
{
    umbra_onnx_node node = {.importer = importer, .graph = importer->graph, .proto = proto};
    node.name = proto->name != NULL && proto->name[0] != 0 ? proto->name : proto->output[0];
    node.input_count = (int)proto->n_input;
    void *inputs;
    UMBRA_TRY(umbra_memory_alloc_array(&inputs, proto->n_input + 1, sizeof(int), "a node"));
    node.inputs = inputs;
    umbra_status status = resolve_inputs(&node);
    if (status == UMBRA_OK)
        status = dispatch(&node);
    umbra_memory_free(inputs);
    return status;
}
