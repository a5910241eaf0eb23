/* ONNX operators that only compute shapes and constants: they leave no node behind. */
#include "graph/onnx_internal.h"

#include "graph/broadcast.h"

#include <math.h>
#include <string.h>

static umbra_status new_output(umbra_onnx_node *node, const umbra_shape *shape,
                               umbra_data_type type, int *index)
{
    const char *name = node->proto->output[0];
    umbra_status status = umbra_graph_add_constant(node->graph, name, shape, type, index);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s: node \"%s\"", node->importer->file, node->name);
    return umbra_onnx_set_output(node, 0, *index);
}

static umbra_status constant_list(umbra_onnx_node *node, const Onnx__AttributeProto *a)
{
    umbra_shape shape = {.rank = 1};
    bool integer = a->n_ints > 0 || strcmp(a->name, "value_ints") == 0;
    size_t count = integer ? a->n_ints : a->n_floats;
    int index;
    shape.dim[0] = count > (size_t)UMBRA_MAX_ELEMENTS ? UMBRA_MAX_ELEMENTS + 1 : (int64_t)count;
    UMBRA_TRY(new_output(node, &shape, integer ? UMBRA_I64 : UMBRA_F32, &index));
    for (size_t i = 0; i < count; i++) {
        if (integer)
            node->graph->values[index].i64[i] = a->ints[i];
        else
            node->graph->values[index].f32[i] = a->floats[i];
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_constant(umbra_onnx_node *node)
{
    const Onnx__AttributeProto *a = node->proto->n_attribute > 0 ? node->proto->attribute[0] : NULL;
    umbra_shape scalar = {.rank = 0};
    int index;
    if (a == NULL || a->name == NULL)
        return umbra_onnx_bad(node, "it has no value");
    if (strcmp(a->name, "value") == 0 && a->t != NULL) {
        UMBRA_TRY(umbra_onnx_add_tensor(node->importer, a->t, node->proto->output[0], &index));
        return umbra_onnx_set_output(node, 0, index);
    }
    if (strcmp(a->name, "value_int") == 0 && a->has_i) {
        UMBRA_TRY(new_output(node, &scalar, UMBRA_I64, &index));
        node->graph->values[index].i64[0] = a->i;
        return UMBRA_OK;
    }
    if (strcmp(a->name, "value_float") == 0 && a->has_f) {
        UMBRA_TRY(new_output(node, &scalar, UMBRA_F32, &index));
        node->graph->values[index].f32[0] = a->f;
        return UMBRA_OK;
    }
    if (strcmp(a->name, "value_ints") == 0 || strcmp(a->name, "value_floats") == 0)
        return constant_list(node, a);
    return umbra_onnx_unsupported(node, "a value that is no tensor of numbers");
}

umbra_status umbra_onnx_constant_of_shape(umbra_onnx_node *node)
{
    umbra_shape shape = {.rank = 0}, scalar = {.rank = 0};
    const Onnx__AttributeProto *a = umbra_onnx_find(node, "value");
    int fill = -1, index;
    if (!umbra_onnx_is_constant(node, 0))
        return umbra_onnx_unsupported(node, "the shape depends on the input's values");
    UMBRA_TRY(umbra_onnx_constant_ints(node, 0, shape.dim, UMBRA_MAX_RANK, &shape.rank));
    int64_t elements = umbra_shape_elements(&shape);
    if (elements < 0 || elements > UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_bad(node,
                              "a constant with a negative dimension or more than 2^24 elements");
    if (a != NULL && a->t != NULL) {
        char name[UMBRA_ONNX_MAX_NAME + 64];
        UMBRA_TRY(umbra_onnx_fresh_name(node, "/fill", name));
        UMBRA_TRY(umbra_onnx_add_tensor(node->importer, a->t, name, &fill));
        if (umbra_shape_elements(&node->graph->values[fill].shape) != 1)
            return umbra_onnx_bad(node, "\"value\" must be one number");
    } else {
        UMBRA_TRY(umbra_onnx_new_constant(node, "/fill", &scalar, UMBRA_F32, &fill));
    }
    UMBRA_TRY(new_output(node, &shape, node->graph->values[fill].type, &index));
    umbra_value *out = &node->graph->values[index];
    for (int64_t i = 0; i < elements; i++) {
        if (out->f32 != NULL)
            out->f32[i] = node->graph->values[fill].f32[0];
        else
            out->i64[i] = node->graph->values[fill].i64[0];
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_shape(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape;
    int64_t start, end;
    UMBRA_TRY(umbra_onnx_int(node, "start", 0, &start));
    UMBRA_TRY(umbra_onnx_int(node, "end", x.rank, &end));
    start = start < 0 ? start + x.rank : start;
    end = end < 0 ? end + x.rank : end;
    start = start < 0 ? 0 : start > x.rank ? x.rank : start;
    end = end > x.rank ? x.rank : end < start ? start : end;
    umbra_shape shape = {.rank = 1, .dim = {end - start}};
    int index;
    UMBRA_TRY(new_output(node, &shape, UMBRA_I64, &index));
    for (int64_t i = start; i < end; i++)
        node->graph->values[index].i64[i - start] = x.dim[i];
    return UMBRA_OK;
}

static bool is_float_type(int64_t type)
{
    return type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
           type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
           type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
}

/* Constants change type; a computed tensor passes through where it stays a float. */
umbra_status umbra_onnx_cast(umbra_onnx_node *node)
{
    const umbra_value *x = umbra_onnx_input(node, 0);
    int64_t to;
    int index;
    UMBRA_TRY(umbra_onnx_int(node, "to", 0, &to));
    if (is_float_type(to) && !umbra_value_is_constant(x))
        return umbra_onnx_pass_through(node, 0);
    if (!umbra_value_is_constant(x))
        return umbra_onnx_unsupported(node, "rounding a computed tensor to integers");
    umbra_shape shape = x->shape;
    UMBRA_TRY(new_output(node, &shape, is_float_type(to) ? UMBRA_F32 : UMBRA_I64, &index));
    x = umbra_onnx_input(node, 0);
    umbra_value *out = &node->graph->values[index];
    for (int64_t i = 0; i < umbra_shape_elements(&shape); i++) {
        if (out->f32 != NULL)
            out->f32[i] = x->i64 != NULL ? (float)x->i64[i] : x->f32[i];
        else if (x->i64 != NULL)
            out->i64[i] = x->i64[i];
        else if (fabsf(x->f32[i]) < 9e18f)
            out->i64[i] = (int64_t)x->f32[i];
        if (to == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL)
            out->i64[i] = x->i64 != NULL ? x->i64[i] != 0 : x->f32[i] != 0.0f;
    }
    return UMBRA_OK;
}
