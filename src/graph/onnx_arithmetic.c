/* ONNX operators element by element, a channel at a time, or along an axis. */
#include "graph/onnx_internal.h"

#include <math.h>
#include <string.h>

/* Integer constants join float tensors as floats; two integer constants stay integers. */
static umbra_status unify(umbra_onnx_node *node)
{
    const umbra_value *a = umbra_onnx_input(node, 0), *b = umbra_onnx_input(node, 1);
    if (a == NULL || b == NULL)
        return umbra_onnx_bad(node, "it needs two inputs");
    if (a->i64 != NULL && b->i64 != NULL)
        return UMBRA_OK;
    for (int i = 0; i < 2; i++)
        if (umbra_onnx_is_constant(node, i))
            UMBRA_TRY(umbra_constant_as_f32(node->graph, node->inputs[i]));
    return UMBRA_OK;
}

/* Operator set 6 may align the first dimension of the second operand with an axis of the first: it
 * is reshaped to have ones behind it. */
static umbra_status align_to_axis(umbra_onnx_node *node)
{
    umbra_shape a = umbra_onnx_input(node, 0)->shape, b = umbra_onnx_input(node, 1)->shape;
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int64_t axis;
    UMBRA_TRY(umbra_onnx_int(node, "axis", 0, &axis));
    UMBRA_TRY(umbra_onnx_axis(node, axis, a.rank, &axis));
    if (axis + b.rank > a.rank)
        return umbra_onnx_bad(node, "\"axis\" leaves no room for the second operand");
    while (axis + b.rank < a.rank)
        b.dim[b.rank++] = 1;
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/aligned", name));
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &node->inputs[1], 1, name, &b,
                           &node->inputs[1]);
}

static umbra_status binary(umbra_onnx_node *node, umbra_op op)
{
    UMBRA_TRY(unify(node));
    if (node->importer->opset < 7 && umbra_onnx_find(node, "axis") != NULL)
        UMBRA_TRY(align_to_axis(node));
    return umbra_onnx_emit(node, op, NULL, node->inputs, 2, NULL, NULL, NULL);
}

umbra_status umbra_onnx_add(umbra_onnx_node *node)
{
    return binary(node, UMBRA_OP_ADD);
}

umbra_status umbra_onnx_sub(umbra_onnx_node *node)
{
    return binary(node, UMBRA_OP_SUB);
}

umbra_status umbra_onnx_mul(umbra_onnx_node *node)
{
    return binary(node, UMBRA_OP_MUL);
}

umbra_status umbra_onnx_div(umbra_onnx_node *node)
{
    return binary(node, UMBRA_OP_DIV);
}

umbra_status umbra_onnx_pow(umbra_onnx_node *node)
{
    UMBRA_TRY(unify(node));
    if (!umbra_onnx_is_constant(node, 1))
        return umbra_onnx_unsupported(node, "the exponent is computed; it must be a constant");
    for (int i = 0; i < 2; i++) /* Pow of two integer constants is rare and done in floats */
        if (umbra_onnx_is_constant(node, i))
            UMBRA_TRY(umbra_constant_as_f32(node->graph, node->inputs[i]));
    return umbra_onnx_emit(node, UMBRA_OP_POW, NULL, node->inputs, 2, NULL, NULL, NULL);
}

umbra_status umbra_onnx_neg(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    attr.degree = 1;
    attr.coefficient[1] = -1.0;
    return umbra_onnx_emit(node, UMBRA_OP_POLYNOMIAL, &attr, node->inputs, 1, NULL, NULL, NULL);
}

umbra_status umbra_onnx_sqrt(umbra_onnx_node *node)
{
    umbra_shape scalar = {.rank = 0};
    int half;
    UMBRA_TRY(umbra_onnx_new_constant(node, "/exponent", &scalar, UMBRA_F32, &half));
    node->graph->values[half].f32[0] = 0.5f;
    return umbra_onnx_emit(node, UMBRA_OP_POW, NULL, (int[2]){node->inputs[0], half}, 2, NULL, NULL,
                           NULL);
}

umbra_status umbra_onnx_sum(umbra_onnx_node *node)
{
    if (node->input_count == 1)
        return umbra_onnx_pass_through(node, 0);
    int sum = node->inputs[0];
    for (int i = 1; i < node->input_count; i++) {
        char name[UMBRA_ONNX_MAX_NAME + 64];
        int pair[2] = {sum, node->inputs[i]};
        if (pair[1] < 0)
            return umbra_onnx_bad(node, "an input is missing");
        UMBRA_TRY(umbra_onnx_fresh_name(node, "/partial", name));
        UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_ADD, NULL, pair, 2,
                                  i + 1 < node->input_count ? name : NULL, NULL, &sum));
    }
    return UMBRA_OK;
}

/* Inputs 1 .. count-1 must be float constants. */
static bool parameters_constant(const umbra_onnx_node *node, int count)
{
    for (int i = 1; i < count; i++) {
        const umbra_value *value = umbra_onnx_input(node, i);
        if (value == NULL || value->f32 == NULL)
            return false;
    }
    return true;
}

static umbra_status read_epsilon(const umbra_onnx_node *node, umbra_attributes *attr)
{
    UMBRA_TRY(umbra_onnx_float(node, "epsilon", 1e-5, &attr->epsilon));
    if (!(attr->epsilon >= 0.0) || !isfinite(attr->epsilon))
        return umbra_onnx_bad(node, "\"epsilon\" must be a finite number, not negative");
    return UMBRA_OK;
}

umbra_status umbra_onnx_batch_norm(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    int64_t training, spatial;
    UMBRA_TRY(umbra_onnx_int(node, "training_mode", 0, &training));
    if (node->importer->opset < 7) {
        UMBRA_TRY(umbra_onnx_int(node, "is_test", 0, &training));
        training = training == 0;
    }
    UMBRA_TRY(umbra_onnx_int(node, "spatial", 1, &spatial));
    UMBRA_TRY(read_epsilon(node, &attr));
    if (training != 0 || spatial == 0 || node->proto->n_output > 1)
        return umbra_onnx_unsupported(node, "training mode; export the model in evaluation mode");
    if (!parameters_constant(node, 5))
        return umbra_onnx_unsupported(node, "scale, bias, mean and variance must be constants");
    return umbra_onnx_emit(node, UMBRA_OP_BATCH_NORM, &attr, node->inputs, 5, NULL, NULL, NULL);
}

umbra_status umbra_onnx_instance_norm(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    UMBRA_TRY(read_epsilon(node, &attr));
    if (!parameters_constant(node, 3))
        return umbra_onnx_unsupported(node, "scale and bias must be constants");
    return umbra_onnx_emit(node, UMBRA_OP_INSTANCE_NORM, &attr, node->inputs, 3, NULL, NULL, NULL);
}

static umbra_status unary(umbra_onnx_node *node, umbra_op op)
{
    return umbra_onnx_emit(node, op, NULL, node->inputs, 1, NULL, NULL, NULL);
}

umbra_status umbra_onnx_relu(umbra_onnx_node *node)
{
    return unary(node, UMBRA_OP_RELU);
}

umbra_status umbra_onnx_sigmoid(umbra_onnx_node *node)
{
    return unary(node, UMBRA_OP_SIGMOID);
}

umbra_status umbra_onnx_tanh(umbra_onnx_node *node)
{
    return unary(node, UMBRA_OP_TANH);
}

umbra_status umbra_onnx_global_average_pool(umbra_onnx_node *node)
{
    return unary(node, UMBRA_OP_GLOBAL_AVERAGE_POOL);
}

/* Before opset 13 softmax runs over all dimensions from the axis on, as one. */
umbra_status umbra_onnx_softmax(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = umbra_onnx_input(node, 0)->shape;
    bool old = node->importer->opset < 13;
    int64_t axis;
    UMBRA_TRY(umbra_onnx_int(node, "axis", old ? 1 : -1, &axis));
    UMBRA_TRY(umbra_onnx_axis(node, axis, shape.rank, &attr.axis));
    if (!old || attr.axis == shape.rank - 1)
        return umbra_onnx_emit(node, UMBRA_OP_SOFTMAX, &attr, node->inputs, 1, NULL, NULL, NULL);
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int flat;
    umbra_shape rows = {.rank = 2, .dim = {1, 1}};
    for (int i = 0; i < shape.rank; i++)
        rows.dim[i < attr.axis ? 0 : 1] *= shape.dim[i];
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/flat", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, node->inputs, 1, name, &rows, &flat));
    attr.axis = 1;
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/rows", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_SOFTMAX, &attr, &flat, 1, name, NULL, &flat));
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &flat, 1, NULL, &shape, NULL);
}

static umbra_status mean_axes(umbra_onnx_node *node, umbra_attributes *attr, int rank)
{
    int64_t noop;
    int count;
    UMBRA_TRY(umbra_onnx_int(node, "noop_with_empty_axes", 0, &noop));
    UMBRA_TRY(umbra_onnx_ints(node, "axes", attr->axes, UMBRA_MAX_RANK, &count));
    if (count < 0 && umbra_onnx_input(node, 1) != NULL)
        UMBRA_TRY(umbra_onnx_constant_ints(node, 1, attr->axes, UMBRA_MAX_RANK, &count));
    attr->axes_count = count > 0 ? count : 0;
    if (count <= 0 && noop == 0)
        for (attr->axes_count = 0; attr->axes_count < rank; attr->axes_count++)
            attr->axes[attr->axes_count] = attr->axes_count;
    for (int i = 0; i < attr->axes_count; i++)
        UMBRA_TRY(umbra_onnx_axis(node, attr->axes[i], rank, &attr->axes[i]));
    return UMBRA_OK;
}

/* The mean over both spatial dimensions of an image is global average pooling. */
umbra_status umbra_onnx_reduce_mean(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = umbra_onnx_input(node, 0)->shape;
    int64_t keep;
    UMBRA_TRY(umbra_onnx_int(node, "keepdims", 1, &keep));
    attr.keep_dims = keep != 0;
    UMBRA_TRY(mean_axes(node, &attr, shape.rank));
    bool spatial = shape.rank == 4 && attr.axes_count == 2 && attr.axes[0] + attr.axes[1] == 5 &&
                   attr.axes[0] >= 2 && attr.axes[0] <= 3;
    if (!spatial)
        return umbra_onnx_emit(node, UMBRA_OP_REDUCE_MEAN, &attr, node->inputs, 1, NULL, NULL,
                               NULL);
    if (attr.keep_dims)
        return unary(node, UMBRA_OP_GLOBAL_AVERAGE_POOL);
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int pooled;
    umbra_shape flat = {.rank = 2, .dim = {shape.dim[0], shape.dim[1]}};
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/pooled", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_GLOBAL_AVERAGE_POOL, NULL, node->inputs, 1, name, NULL,
                              &pooled));
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &pooled, 1, NULL, &flat, NULL);
}
