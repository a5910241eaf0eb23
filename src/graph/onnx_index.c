/* ONNX operators that move elements: Transpose, Concat, Slice, Split, Gather. */
#include "graph/onnx_internal.h"

#include "base/memory.h"

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

umbra_status umbra_onnx_emit_gather(umbra_onnx_node *node, int input, int64_t axis,
                                    const int64_t *indices, int64_t count, const char *name,
                                    int *output)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = {.rank = 1, .dim = {count}};
    int list;
    attr.axis = axis;
    UMBRA_TRY(umbra_onnx_new_constant(node, "/indices", &shape, UMBRA_I64, &list));
    for (int64_t i = 0; i < count; i++)
        node->graph->values[list].i64[i] = indices[i];
    return umbra_onnx_emit(node, UMBRA_OP_GATHER, &attr, (int[2]){input, list}, 2, name, NULL,
                           output);
}

/* Indices as the IR wants them: from 0 on. Negative ones count from the end. */
static umbra_status gather_indices(umbra_onnx_node *node, int64_t extent, int64_t *out)
{
    const umbra_value *k = umbra_onnx_input(node, 1);
    for (int64_t i = 0; i < umbra_shape_elements(&k->shape); i++) {
        out[i] = k->i64[i] < 0 ? k->i64[i] + extent : k->i64[i];
        if (out[i] < 0 || out[i] >= extent)
            return umbra_onnx_bad(node, "index %lld of %lld", (long long)k->i64[i],
                                  (long long)extent);
    }
    return UMBRA_OK;
}

/* The dimension of the axis gives way to those of the indices. */
static umbra_shape gathered_shape(const umbra_shape *x, const umbra_shape *k, int64_t axis)
{
    umbra_shape shape = {.rank = 0};
    for (int i = 0; i < x->rank; i++) {
        if (i != axis)
            shape.dim[shape.rank++] = x->dim[i];
        for (int j = 0; i == axis && j < k->rank; j++)
            shape.dim[shape.rank++] = k->dim[j];
    }
    return shape;
}

umbra_status umbra_onnx_gather(umbra_onnx_node *node)
{
    const umbra_value *x = umbra_onnx_input(node, 0), *k = umbra_onnx_input(node, 1);
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int64_t axis;
    int rows;
    if (k == NULL || k->i64 == NULL)
        return umbra_onnx_unsupported(node, "indices that are not integer constants");
    UMBRA_TRY(umbra_onnx_int(node, "axis", 0, &axis));
    UMBRA_TRY(umbra_onnx_axis(node, axis, x->shape.rank, &axis));
    if (x->shape.rank - 1 + k->shape.rank > UMBRA_MAX_RANK)
        return umbra_onnx_bad(node, "the result has more than %d dimensions", UMBRA_MAX_RANK);
    umbra_shape shape = gathered_shape(&x->shape, &k->shape, axis);
    int64_t count = umbra_shape_elements(&k->shape);
    if (umbra_shape_elements(&shape) < 0)
        return umbra_onnx_bad(node, "the result is too large");
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)count + 1, sizeof(int64_t), "indices"));
    umbra_status status = gather_indices(node, x->shape.dim[axis], memory);
    bool flat = k->shape.rank == 1;
    if (status == UMBRA_OK && !flat)
        status = umbra_onnx_fresh_name(node, "/rows", name);
    if (status == UMBRA_OK)
        status = umbra_onnx_emit_gather(node, node->inputs[0], axis, memory, count,
                                        flat ? NULL : name, &rows);
    umbra_memory_free(memory);
    UMBRA_TRY(status);
    return flat ? UMBRA_OK
                : umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &rows, 1, NULL, &shape, NULL);
}
