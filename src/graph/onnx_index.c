/* ONNX operators that move elements: Transpose, Pad, Concat, Slice, Split. */
#include "graph/onnx_internal.h"

#include <stdio.h>

umbra_status umbra_onnx_transpose(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    int rank = umbra_onnx_input(node, 0)->shape.rank, count;
    UMBRA_TRY(umbra_onnx_ints(node, "perm", attr.permutation, UMBRA_MAX_RANK, &count));
    if (count >= 0 && count != rank)
        return umbra_onnx_bad(node, "\"perm\" has %d numbers for %d dimensions", count, rank);
    for (int i = 0; count < 0 && i < rank; i++)
        attr.permutation[i] = rank - 1 - i;
    return umbra_onnx_emit(node, UMBRA_OP_TRANSPOSE, &attr, node->inputs, 1, NULL, NULL, NULL);
}

/* The value to pad with must be 0. */
static umbra_status zero_value(umbra_onnx_node *node, bool *zero)
{
    double value;
    UMBRA_TRY(umbra_onnx_float(node, "value", 0.0, &value));
    const umbra_value *input = umbra_onnx_input(node, 2);
    *zero = value == 0.0;
    if (input == NULL || umbra_shape_elements(&input->shape) != 1)
        return UMBRA_OK;
    *zero = (input->f32 != NULL && input->f32[0] == 0.0f) ||
            (input->f32 == NULL && input->i64 != NULL && input->i64[0] == 0);
    return UMBRA_OK;
}

static umbra_status pad_list(umbra_onnx_node *node, int rank, int64_t *begins, int64_t *ends)
{
    int64_t list[2 * UMBRA_MAX_RANK], axes[UMBRA_MAX_RANK];
    int count, axes_count = rank;
    for (int i = 0; i < rank; i++)
        axes[i] = i;
    UMBRA_TRY(umbra_onnx_ints(node, "pads", list, 2 * UMBRA_MAX_RANK, &count));
    if (count < 0)
        UMBRA_TRY(umbra_onnx_constant_ints(node, 1, list, 2 * UMBRA_MAX_RANK, &count));
    if (umbra_onnx_input(node, 3) != NULL)
        UMBRA_TRY(umbra_onnx_constant_ints(node, 3, axes, UMBRA_MAX_RANK, &axes_count));
    if (count != 2 * axes_count)
        return umbra_onnx_bad(node, "%d pads for %d dimensions", count, axes_count);
    for (int i = 0; i < axes_count; i++) {
        int64_t at;
        UMBRA_TRY(umbra_onnx_axis(node, axes[i], rank, &at));
        begins[at] = list[i];
        ends[at] = list[axes_count + i];
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_pad(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    int rank = umbra_onnx_input(node, 0)->shape.rank;
    bool zero;
    for (int i = 1; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && !umbra_onnx_is_constant(node, i))
            return umbra_onnx_unsupported(node, "pads that depend on the input's values");
    UMBRA_TRY(pad_list(node, rank, attr.pads_full, attr.pads_full + UMBRA_MAX_RANK));
    UMBRA_TRY(zero_value(node, &zero));
    bool constant =
        umbra_onnx_find(node, "mode") == NULL || umbra_onnx_string_is(node, "mode", "constant");
    for (int i = 0; i < 2 * UMBRA_MAX_RANK; i++) {
        if (attr.pads_full[i] > UMBRA_MAX_ELEMENTS)
            return umbra_onnx_bad(node, "a pad of %lld", (long long)attr.pads_full[i]);
        if (attr.pads_full[i] < 0 || !zero || !constant)
            return umbra_onnx_unsupported(node, "pads other than zeros around the tensor");
    }
    return umbra_onnx_emit(node, UMBRA_OP_PAD, &attr, node->inputs, 1, NULL, NULL, NULL);
}

umbra_status umbra_onnx_concat(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    int64_t axis;
    bool integer = true;
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0)
            return umbra_onnx_bad(node, "input %d is missing", i);
        integer = integer && umbra_onnx_input(node, i)->i64 != NULL;
    }
    for (int i = 0; !integer && i < node->input_count; i++)
        if (umbra_onnx_is_constant(node, i))
            UMBRA_TRY(umbra_constant_as_f32(node->graph, node->inputs[i]));
    if (umbra_onnx_find(node, "axis") == NULL)
        return umbra_onnx_bad(node, "\"axis\" is missing");
    UMBRA_TRY(umbra_onnx_int(node, "axis", 0, &axis));
    UMBRA_TRY(umbra_onnx_axis(node, axis, umbra_onnx_input(node, 0)->shape.rank, &attr.axis));
    return umbra_onnx_emit(node, UMBRA_OP_CONCAT, &attr, node->inputs, node->input_count, NULL,
                           NULL, NULL);
}

typedef struct ranges {
    int64_t starts[UMBRA_MAX_RANK], ends[UMBRA_MAX_RANK], axes[UMBRA_MAX_RANK],
        steps[UMBRA_MAX_RANK];
    int count;
} ranges;

/* Attributes before opset 10, inputs since. */
static umbra_status slice_ranges(umbra_onnx_node *node, ranges *r)
{
    int ends, axes = -1, steps = -1;
    UMBRA_TRY(umbra_onnx_ints(node, "starts", r->starts, UMBRA_MAX_RANK, &r->count));
    if (r->count >= 0) {
        UMBRA_TRY(umbra_onnx_ints(node, "ends", r->ends, UMBRA_MAX_RANK, &ends));
        UMBRA_TRY(umbra_onnx_ints(node, "axes", r->axes, UMBRA_MAX_RANK, &axes));
    } else {
        UMBRA_TRY(umbra_onnx_constant_ints(node, 1, r->starts, UMBRA_MAX_RANK, &r->count));
        UMBRA_TRY(umbra_onnx_constant_ints(node, 2, r->ends, UMBRA_MAX_RANK, &ends));
        if (umbra_onnx_input(node, 3) != NULL)
            UMBRA_TRY(umbra_onnx_constant_ints(node, 3, r->axes, UMBRA_MAX_RANK, &axes));
        if (umbra_onnx_input(node, 4) != NULL)
            UMBRA_TRY(umbra_onnx_constant_ints(node, 4, r->steps, UMBRA_MAX_RANK, &steps));
    }
    for (int i = 0; i < r->count; i++) {
        r->axes[i] = axes < 0 ? i : r->axes[i];
        r->steps[i] = steps < 0 ? 1 : r->steps[i];
    }
    if (ends != r->count || (axes >= 0 && axes != r->count) || (steps >= 0 && steps != r->count))
        return umbra_onnx_bad(node, "starts, ends, axes and steps differ in length");
    return UMBRA_OK;
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* ONNX counts from the end where negative, then clamps into the tensor. */
static umbra_status slice_axis(umbra_onnx_node *node, const ranges *r, int i,
                               umbra_attributes *attr, umbra_shape *shape)
{
    int64_t at, step = clamp(r->steps[i], -UMBRA_MAX_ELEMENTS, UMBRA_MAX_ELEMENTS);
    UMBRA_TRY(umbra_onnx_axis(node, r->axes[i], shape->rank, &at));
    int64_t d = umbra_onnx_input(node, 0)->shape.dim[at];
    if (step == 0)
        return umbra_onnx_bad(node, "a step of 0");
    int64_t start = r->starts[i] < 0 ? r->starts[i] + d : r->starts[i];
    int64_t end = r->ends[i] < 0 ? r->ends[i] + d : r->ends[i];
    int64_t low = step > 0 ? 0 : -1;
    start = clamp(start, 0, step > 0 ? d : d - 1);
    end = clamp(end, low, step > 0 ? d : d - 1);
    int64_t distance = step > 0 ? end - start : start - end;
    int64_t size = step > 0 ? step : -step;
    attr->begin[at] = start;
    attr->step[at] = step;
    shape->dim[at] = distance > 0 ? (distance + size - 1) / size : 0;
    return UMBRA_OK;
}

umbra_status umbra_onnx_slice(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = umbra_onnx_input(node, 0)->shape;
    ranges r;
    for (int i = 1; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && !umbra_onnx_is_constant(node, i))
            return umbra_onnx_unsupported(node, "bounds that depend on the input's values");
    for (int i = 0; i < shape.rank; i++)
        attr.step[i] = 1;
    UMBRA_TRY(slice_ranges(node, &r));
    for (int i = 0; i < r.count; i++)
        UMBRA_TRY(slice_axis(node, &r, i, &attr, &shape));
    return umbra_onnx_emit(node, UMBRA_OP_SLICE, &attr, node->inputs, 1, NULL, &shape, NULL);
}

/* Sizes of the parts: attribute, input, or equal with a smaller last one. */
static umbra_status split_sizes(umbra_onnx_node *node, int64_t extent, int64_t *sizes, int parts)
{
    int count;
    UMBRA_TRY(umbra_onnx_ints(node, "split", sizes, parts, &count));
    if (count < 0 && umbra_onnx_input(node, 1) != NULL)
        UMBRA_TRY(umbra_onnx_constant_ints(node, 1, sizes, parts, &count));
    int64_t chunk = (extent + parts - 1) / parts, sum = 0;
    for (int i = 0; i < parts; i++) {
        if (count < 0)
            sizes[i] = extent - sum < chunk ? extent - sum : chunk;
        if (sizes[i] < 1 || sizes[i] > extent - sum)
            return umbra_onnx_bad(node, "its parts do not fill the %lld of the axis, or are empty",
                                  (long long)extent);
        sum += sizes[i];
    }
    if (sum != extent || (count >= 0 && count != parts))
        return umbra_onnx_bad(node, "its parts do not fill the %lld of the axis",
                              (long long)extent);
    return UMBRA_OK;
}

#define MAX_PARTS 64

umbra_status umbra_onnx_split(umbra_onnx_node *node)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = umbra_onnx_input(node, 0)->shape;
    int64_t axis, sizes[MAX_PARTS] = {0};
    if (node->proto->n_output > MAX_PARTS)
        return umbra_onnx_unsupported(node, "more than %d parts", MAX_PARTS);
    if (umbra_onnx_input(node, 1) != NULL && !umbra_onnx_is_constant(node, 1))
        return umbra_onnx_unsupported(node, "sizes that depend on the input's values");
    UMBRA_TRY(umbra_onnx_int(node, "axis", 0, &axis));
    UMBRA_TRY(umbra_onnx_axis(node, axis, shape.rank, &axis));
    UMBRA_TRY(split_sizes(node, shape.dim[axis], sizes, (int)node->proto->n_output));
    for (int i = 0; i < shape.rank; i++)
        attr.step[i] = 1;
    for (size_t i = 0; i < node->proto->n_output; i++) {
        const char *name = node->proto->output[i];
        if (name[0] == 0)
            return umbra_onnx_unsupported(node, "parts that are left out");
        shape.dim[axis] = sizes[i];
        UMBRA_TRY(
            umbra_onnx_emit(node, UMBRA_OP_SLICE, &attr, node->inputs, 1, name, &shape, NULL));
        attr.begin[axis] += sizes[i];
    }
    return UMBRA_OK;
}
