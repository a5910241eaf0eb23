/* ONNX Pad: zeros become a PAD, other numbers are added, edges and reflections are gathered. */
#include "graph/onnx_internal.h"

#include "base/memory.h"

#include <math.h>

typedef enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP, PAD_MODES } pad_mode;

/* Pads of every dimension; negative ones cut. */
typedef struct pads {
    int64_t begin[UMBRA_MAX_RANK], end[UMBRA_MAX_RANK];
    pad_mode mode;
    float value;
} pads;

/* The number to pad with, from the attribute or from input 2. */
static umbra_status pad_value(umbra_onnx_node *node, float *out)
{
    double value;
    UMBRA_TRY(umbra_onnx_float(node, "value", 0.0, &value));
    const umbra_value *input = umbra_onnx_input(node, 2);
    *out = (float)value;
    if (input == NULL || umbra_shape_elements(&input->shape) != 1)
        return UMBRA_OK;
    *out = input->f32 != NULL ? input->f32[0] : (float)input->i64[0];
    return UMBRA_OK;
}

static umbra_status pad_list(umbra_onnx_node *node, int rank, pads *p)
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
    for (int i = 0; i < count; i++)
        if (list[i] > UMBRA_MAX_ELEMENTS || list[i] < -UMBRA_MAX_ELEMENTS)
            return umbra_onnx_bad(node, "a pad of %lld", (long long)list[i]);
    for (int i = 0; i < axes_count; i++) {
        int64_t at;
        UMBRA_TRY(umbra_onnx_axis(node, axes[i], rank, &at));
        p->begin[at] = list[i];
        p->end[at] = list[axes_count + i];
    }
    return UMBRA_OK;
}

static umbra_status find_mode(umbra_onnx_node *node, pad_mode *out)
{
    static const char *const names[PAD_MODES] = {"constant", "edge", "reflect", "wrap"};
    *out = PAD_CONSTANT;
    if (umbra_onnx_find(node, "mode") == NULL)
        return UMBRA_OK;
    for (int i = 0; i < PAD_MODES; i++)
        if (umbra_onnx_string_is(node, "mode", names[i])) {
            *out = (pad_mode)i;
            return UMBRA_OK;
        }
    return umbra_onnx_bad(node, "\"mode\" is none of constant, edge, reflect, wrap");
}

/* Where element i of the padded axis comes from; i may lie on either side of the axis. */
static int64_t source(pad_mode mode, int64_t i, int64_t extent)
{
    if (mode == PAD_EDGE)
        return i < 0 ? 0 : i >= extent ? extent - 1 : i;
    int64_t period = mode == PAD_WRAP ? extent : extent > 1 ? 2 * (extent - 1) : 1;
    int64_t at = (i % period + period) % period;
    return at < extent ? at : period - at;
}

/* One axis by indices: edges, reflections, repeats, and whatever is cut. */
static umbra_status gather_axis(umbra_onnx_node *node, const pads *p, int axis, int64_t extent,
                                int *value)
{
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int64_t count = extent + p->begin[axis] + p->end[axis];
    void *memory;
    if (count < 1 || count > UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_bad(node, "dimension %d would have %lld elements", axis,
                              (long long)count);
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)count, sizeof(int64_t), "pads"));
    int64_t *indices = memory;
    for (int64_t i = 0; i < count; i++)
        indices[i] = source(p->mode, i - p->begin[axis], extent);
    umbra_status status = umbra_onnx_fresh_name(node, "/axis", name);
    if (status == UMBRA_OK)
        status = umbra_onnx_emit_gather(node, *value, axis, indices, count, name, value);
    umbra_memory_free(memory);
    return status;
}

/* The padded tensor plus this constant: the number where pads are, 0 elsewhere. */
static umbra_status add_value(umbra_onnx_node *node, const pads *p, int *value)
{
    umbra_shape shape = node->graph->values[*value].shape;
    int border, rank = shape.rank;
    int64_t elements = umbra_shape_elements(&shape);
    if (elements < 0 || elements > UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_unsupported(node, "more than 2^24 elements around other pads than 0");
    UMBRA_TRY(umbra_onnx_new_constant(node, "/border", &shape, UMBRA_F32, &border));
    float *out = node->graph->values[border].f32;
    for (int64_t i = 0; i < elements; i++) {
        int64_t rest = i;
        bool inside = true;
        for (int d = rank - 1; d >= 0; d--) {
            int64_t at = rest % shape.dim[d];
            inside = inside && at >= p->begin[d] && at < shape.dim[d] - p->end[d];
            rest /= shape.dim[d];
        }
        out[i] = inside ? 0.0f : p->value;
    }
    *value = border;
    return UMBRA_OK;
}

/* Zeros, then the number. What is cut has been cut. */
static umbra_status pad_constant(umbra_onnx_node *node, const pads *p, int rank, int value)
{
    umbra_attributes attr = umbra_attributes_default();
    char name[UMBRA_ONNX_MAX_NAME + 64];
    for (int i = 0; i < rank; i++) {
        attr.pads_full[i] = p->begin[i];
        attr.pads_full[UMBRA_MAX_RANK + i] = p->end[i];
    }
    if (p->value == 0.0f)
        return umbra_onnx_emit(node, UMBRA_OP_PAD, &attr, &value, 1, NULL, NULL, NULL);
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/zeros", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_PAD, &attr, &value, 1, name, NULL, &value));
    int border = value;
    UMBRA_TRY(add_value(node, p, &border));
    if (node->unsupported[0] != 0)
        return UMBRA_OK;
    return umbra_onnx_emit(node, UMBRA_OP_ADD, NULL, (int[2]){value, border}, 2, NULL, NULL, NULL);
}

umbra_status umbra_onnx_pad(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape;
    int value = node->inputs[0];
    pads p = {.mode = PAD_CONSTANT};
    for (int i = 1; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && !umbra_onnx_is_constant(node, i))
            return umbra_onnx_unsupported(node, "pads that depend on the input's values");
    UMBRA_TRY(pad_list(node, x.rank, &p));
    UMBRA_TRY(pad_value(node, &p.value));
    UMBRA_TRY(find_mode(node, &p.mode));
    for (int i = 0; i < x.rank; i++) {
        pads cut = p;
        if (p.mode == PAD_CONSTANT) {
            cut.begin[i] = p.begin[i] < 0 ? p.begin[i] : 0;
            cut.end[i] = p.end[i] < 0 ? p.end[i] : 0;
            p.begin[i] -= cut.begin[i];
            p.end[i] -= cut.end[i];
        }
        if (cut.begin[i] != 0 || cut.end[i] != 0)
            UMBRA_TRY(gather_axis(node, &cut, i, x.dim[i], &value));
    }
    return p.mode == PAD_CONSTANT ? pad_constant(node, &p, x.rank, value)
                                  : umbra_onnx_pass_value(node, value);
}
