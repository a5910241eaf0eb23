/* ONNX operators that only rename dimensions, or do nothing at inference. */
#include "graph/onnx_internal.h"

static umbra_status reshape_to(umbra_onnx_node *node, const umbra_shape *shape)
{
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, node->inputs, 1, NULL, shape, NULL);
}

/* The one dimension given as -1 takes what the others leave. */
static umbra_status complete(umbra_onnx_node *node, umbra_shape *shape)
{
    int64_t total = umbra_shape_elements(&umbra_onnx_input(node, 0)->shape);
    int open = -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] != -1)
            continue;
        if (open >= 0)
            return umbra_onnx_bad(node, "two dimensions of the target are -1");
        open = i;
        shape->dim[i] = 1;
    }
    int64_t rest = umbra_shape_elements(shape);
    if (open >= 0 && rest > 0 && total % rest == 0)
        shape->dim[open] = total / rest;
    if (rest < 0 || umbra_shape_elements(shape) != total)
        return umbra_onnx_bad(node, "the target shape holds another number of elements (%lld)",
                              (long long)total);
    return UMBRA_OK;
}

umbra_status umbra_onnx_reshape(umbra_onnx_node *node)
{
    const umbra_shape *x = &umbra_onnx_input(node, 0)->shape;
    umbra_shape shape = {.rank = 0};
    int64_t allow_zero;
    if (umbra_onnx_input(node, 1) != NULL && !umbra_onnx_is_constant(node, 1))
        return umbra_onnx_unsupported(node, "the target shape depends on the input's values");
    UMBRA_TRY(umbra_onnx_int(node, "allowzero", 0, &allow_zero));
    UMBRA_TRY(umbra_onnx_constant_ints(node, 1, shape.dim, UMBRA_MAX_RANK, &shape.rank));
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dim[i] < -1)
            return umbra_onnx_bad(node, "a dimension of the target is %lld",
                                  (long long)shape.dim[i]);
        if (shape.dim[i] == 0 && allow_zero == 0) {
            if (i >= x->rank)
                return umbra_onnx_bad(node, "0 copies a dimension that the input does not have");
            shape.dim[i] = x->dim[i];
        }
    }
    UMBRA_TRY(complete(node, &shape));
    return reshape_to(node, &shape);
}

umbra_status umbra_onnx_flatten(umbra_onnx_node *node)
{
    const umbra_shape *x = &umbra_onnx_input(node, 0)->shape;
    umbra_shape shape = {.rank = 2, .dim = {1, 1}};
    int64_t axis;
    UMBRA_TRY(umbra_onnx_int(node, "axis", 1, &axis));
    if (axis < -x->rank || axis > x->rank)
        return umbra_onnx_bad(node, "axis %lld of a tensor with %d dimensions", (long long)axis,
                              x->rank);
    axis += axis < 0 ? x->rank : 0;
    for (int i = 0; i < x->rank; i++)
        shape.dim[i < axis ? 0 : 1] *= x->dim[i];
    return reshape_to(node, &shape);
}

/* Axes stand in an attribute before opset 13 and in an input since. */
static umbra_status axes(umbra_onnx_node *node, int64_t *out, int *count)
{
    UMBRA_TRY(umbra_onnx_ints(node, "axes", out, UMBRA_MAX_RANK, count));
    if (*count < 0 && umbra_onnx_input(node, 1) != NULL)
        UMBRA_TRY(umbra_onnx_constant_ints(node, 1, out, UMBRA_MAX_RANK, count));
    return UMBRA_OK;
}

umbra_status umbra_onnx_squeeze(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape, shape = {.rank = 0};
    int64_t list[UMBRA_MAX_RANK], at;
    bool gone[UMBRA_MAX_RANK] = {false};
    int count;
    UMBRA_TRY(axes(node, list, &count));
    for (int i = 0; i < count; i++) {
        UMBRA_TRY(umbra_onnx_axis(node, list[i], x.rank, &at));
        if (x.dim[at] != 1)
            return umbra_onnx_bad(node, "dimension %lld is not 1", (long long)at);
        gone[at] = true;
    }
    for (int i = 0; i < x.rank; i++)
        if (count >= 0 ? !gone[i] : x.dim[i] != 1)
            shape.dim[shape.rank++] = x.dim[i];
    return reshape_to(node, &shape);
}

umbra_status umbra_onnx_unsqueeze(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape, shape;
    int64_t list[UMBRA_MAX_RANK], at;
    bool fresh[UMBRA_MAX_RANK] = {false};
    int count, next = 0;
    UMBRA_TRY(axes(node, list, &count));
    if (count < 0)
        return umbra_onnx_bad(node, "\"axes\" is missing");
    if (x.rank + count > UMBRA_MAX_RANK)
        return umbra_onnx_bad(node, "the result has more than %d dimensions", UMBRA_MAX_RANK);
    shape = (umbra_shape){.rank = x.rank + count};
    for (int i = 0; i < count; i++) {
        UMBRA_TRY(umbra_onnx_axis(node, list[i], shape.rank, &at));
        if (fresh[at])
            return umbra_onnx_bad(node, "axis %lld is given twice", (long long)at);
        fresh[at] = true;
    }
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = fresh[i] ? 1 : x.dim[next++];
    return reshape_to(node, &shape);
}

umbra_status umbra_onnx_identity(umbra_onnx_node *node)
{
    return umbra_onnx_pass_through(node, 0);
}

/* In evaluation mode nothing is dropped. */
static umbra_status dropout_mask(umbra_onnx_node *node)
{
    umbra_shape shape = umbra_onnx_input(node, 0)->shape;
    int64_t count = umbra_shape_elements(&shape);
    int index;
    if (count > UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_unsupported(node, "a mask of more than 2^24 elements");
    UMBRA_TRY(umbra_onnx_new_constant(node, "/mask", &shape, UMBRA_I64, &index));
    for (int64_t i = 0; i < count; i++)
        node->graph->values[index].i64[i] = 1;
    return umbra_onnx_set_output(node, 1, index);
}

umbra_status umbra_onnx_dropout(umbra_onnx_node *node)
{
    const umbra_value *training = umbra_onnx_input(node, 2);
    bool off = training == NULL || (training->i64 != NULL && training->i64[0] == 0);
    if (!off)
        return umbra_onnx_unsupported(node, "training mode; export the model in evaluation mode");
    if (node->proto->n_output > 1 && node->proto->output[1][0] != 0)
        UMBRA_TRY(dropout_mask(node));
    return node->unsupported[0] == 0 ? umbra_onnx_pass_through(node, 0) : UMBRA_OK;
}

/* Repeating a constant is folded; a computed tensor may only be expanded to the shape that it has.
 */
umbra_status umbra_onnx_expand(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape, target = {.rank = 0}, shape;
    if (!umbra_onnx_is_constant(node, 1))
        return umbra_onnx_unsupported(node, "the target shape depends on the input's values");
    UMBRA_TRY(umbra_onnx_constant_ints(node, 1, target.dim, UMBRA_MAX_RANK, &target.rank));
    if (umbra_shape_elements(&target) < 0 || !umbra_shape_broadcast(&x, &target, &shape) ||
        umbra_shape_elements(&shape) < 0)
        return umbra_onnx_bad(node, "the target shape does not fit, or is too large");
    if (umbra_shape_equal(&x, &shape))
        return umbra_onnx_pass_through(node, 0);
    if (!umbra_onnx_is_constant(node, 0) || umbra_shape_elements(&shape) > UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_unsupported(node, "repeating a computed tensor");
    int zeros;
    bool integer = umbra_onnx_input(node, 0)->i64 != NULL;
    UMBRA_TRY(
        umbra_onnx_new_constant(node, "/zeros", &shape, integer ? UMBRA_I64 : UMBRA_F32, &zeros));
    return umbra_onnx_emit(node, UMBRA_OP_ADD, NULL, (int[2]){node->inputs[0], zeros}, 2, NULL,
                           NULL, NULL);
}
