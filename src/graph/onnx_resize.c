/* ONNX Resize and Upsample to the nearest element: a gather along every axis that changes. */
#include "graph/onnx_internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* How an output coordinate is brought into the input: ONNX's names, and its formulas below. */
typedef enum coordinates {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    ASYMMETRIC,
    ALIGN_CORNERS,
    HALF_PIXEL_FOR_NN,
    COORDINATES
} coordinates;

typedef enum rounding { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, ROUNDINGS } rounding;

typedef struct resize {
    coordinates coordinates;
    rounding rounding;
    double scale[UMBRA_MAX_RANK];
    int64_t size[UMBRA_MAX_RANK]; /* of the output */
} resize;

static const char *const coordinate_names[COORDINATES] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
    "asymmetric", "align_corners",        "tf_half_pixel_for_nn"};
static const char *const rounding_names[ROUNDINGS] = {"round_prefer_floor", "round_prefer_ceil",
                                                      "floor", "ceil"};

/* The place of a text attribute in a list of names, -1 where it is none of them. */
static int choice(const umbra_onnx_node *node, const char *attribute, const char *const *names,
                  int count, int fallback)
{
    if (umbra_onnx_find(node, attribute) == NULL)
        return fallback;
    for (int i = 0; i < count; i++)
        if (umbra_onnx_string_is(node, attribute, names[i]))
            return i;
    return -1;
}

/* Upsample, and Resize before operator set 11, are asymmetric and take the element below. */
static umbra_status find_modes(umbra_onnx_node *node, resize *r)
{
    bool old = node->importer->opset < 11;
    int64_t antialias;
    UMBRA_TRY(umbra_onnx_int(node, "antialias", 0, &antialias));
    if ((umbra_onnx_find(node, "mode") != NULL && !umbra_onnx_string_is(node, "mode", "nearest")) ||
        antialias != 0)
        return umbra_onnx_unsupported(node, "interpolation; use mode=\"nearest\"");
    int how = choice(node, "coordinate_transformation_mode", coordinate_names, COORDINATES,
                     old ? ASYMMETRIC : HALF_PIXEL);
    int round = choice(node, "nearest_mode", rounding_names, ROUNDINGS, old ? FLOOR : PREFER_FLOOR);
    if (how < 0)
        return umbra_onnx_unsupported(node, "this coordinate_transformation_mode; use half_pixel");
    if (round < 0)
        return umbra_onnx_bad(node, "\"nearest_mode\" is unknown");
    r->coordinates = (coordinates)how;
    r->rounding = (rounding)round;
    return UMBRA_OK;
}

/* The constant that holds the sizes (*is_size) or scales; -1 where it is an attribute or absent. */
static int find_target(const umbra_onnx_node *node, bool *is_size)
{
    bool old = node->importer->opset < 11;
    *is_size = !old && umbra_onnx_input(node, 3) != NULL &&
               umbra_shape_elements(&umbra_onnx_input(node, 3)->shape) > 0;
    int place = *is_size ? 3 : old ? 1 : 2;
    return umbra_onnx_input(node, place) != NULL ? place : -1;
}

/* The axes that scales and sizes speak of: all, or those of the attribute. */
static umbra_status find_axes(umbra_onnx_node *node, int rank, int64_t *axes, int *count)
{
    UMBRA_TRY(umbra_onnx_ints(node, "axes", axes, UMBRA_MAX_RANK, count));
    for (int i = 0; i < *count; i++)
        UMBRA_TRY(umbra_onnx_axis(node, axes[i], rank, &axes[i]));
    if (*count >= 0)
        return UMBRA_OK;
    for (int i = 0; i < rank; i++)
        axes[i] = i;
    *count = rank;
    return UMBRA_OK;
}

static umbra_status set_axis(umbra_onnx_node *node, resize *r, int64_t axis, int64_t extent,
                             bool is_size, double target)
{
    r->scale[axis] = is_size ? target / (double)extent : target;
    double size = is_size ? target : floor((double)extent * target);
    if (!(target > 0.0) || !(size >= 1.0) || size > (double)UMBRA_ONNX_MAX_FOLD)
        return umbra_onnx_bad(node, "dimension %lld would have %g elements", (long long)axis, size);
    r->size[axis] = (int64_t)size;
    return UMBRA_OK;
}

/* Operator set 7 keeps the scales of Upsample in an attribute. */
static umbra_status attribute_scales(umbra_onnx_node *node, const umbra_shape *x, resize *r)
{
    const Onnx__AttributeProto *a = umbra_onnx_find(node, "scales");
    if (a == NULL || a->n_floats != (size_t)x->rank)
        return umbra_onnx_bad(node, "it needs one scale a dimension");
    for (int i = 0; i < x->rank; i++)
        UMBRA_TRY(set_axis(node, r, i, x->dim[i], false, (double)a->floats[i]));
    return UMBRA_OK;
}

/* The sizes only bound the output: one scale for all axes, the smallest or the largest. */
static umbra_status keep_aspect(umbra_onnx_node *node, const umbra_shape *x, const int64_t *axes,
                                int count, resize *r)
{
    bool smaller = umbra_onnx_string_is(node, "keep_aspect_ratio_policy", "not_larger");
    if (umbra_onnx_find(node, "keep_aspect_ratio_policy") == NULL || count < 1 ||
        umbra_onnx_string_is(node, "keep_aspect_ratio_policy", "stretch"))
        return UMBRA_OK;
    if (!smaller && !umbra_onnx_string_is(node, "keep_aspect_ratio_policy", "not_smaller"))
        return umbra_onnx_bad(node, "\"keep_aspect_ratio_policy\" is unknown");
    double scale = r->scale[axes[0]];
    for (int i = 1; i < count; i++)
        scale = smaller ? fmin(scale, r->scale[axes[i]]) : fmax(scale, r->scale[axes[i]]);
    for (int i = 0; i < count; i++) {
        double size = floor(scale * (double)x->dim[axes[i]] + 0.5);
        UMBRA_TRY(set_axis(node, r, axes[i], x->dim[axes[i]], true, size));
        r->scale[axes[i]] = scale;
    }
    return UMBRA_OK;
}

static umbra_status find_sizes(umbra_onnx_node *node, const umbra_shape *x, resize *r)
{
    bool is_size;
    int place = find_target(node, &is_size), count;
    int64_t axes[UMBRA_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        r->scale[i] = 1.0;
        r->size[i] = x->dim[i];
    }
    if (place < 0)
        return attribute_scales(node, x, r);
    if (!umbra_onnx_is_constant(node, place))
        return umbra_onnx_unsupported(node, "a size that depends on the input's values");
    UMBRA_TRY(find_axes(node, x->rank, axes, &count));
    const umbra_value *t = umbra_onnx_input(node, place);
    if (umbra_shape_elements(&t->shape) != count || (is_size ? t->i64 == NULL : t->f32 == NULL))
        return umbra_onnx_bad(node, "it needs %d scales or sizes", count);
    for (int i = 0; i < count; i++)
        UMBRA_TRY(set_axis(node, r, axes[i], x->dim[axes[i]], is_size,
                           is_size ? (double)t->i64[i] : (double)t->f32[i]));
    return is_size ? keep_aspect(node, x, axes, count, r) : UMBRA_OK;
}

/* ONNX's formulas. A scale of 1 gives i itself in all of them but those that look at sizes. */
static double coordinate(const resize *r, int axis, int64_t i, int64_t extent)
{
    double x = (double)i, scale = r->scale[axis], in = (double)extent;
    double out = (double)r->size[axis];
    switch (r->coordinates) {
    case ASYMMETRIC:
        return x / scale;
    case ALIGN_CORNERS:
        return out > 1.0 ? x * (in - 1.0) / (out - 1.0) : 0.0;
    case HALF_PIXEL_FOR_NN:
        return (x + 0.5) / scale;
    case PYTORCH_HALF_PIXEL:
        return out > 1.0 ? (x + 0.5) / scale - 0.5 : 0.0;
    case HALF_PIXEL_SYMMETRIC:
        return in / 2.0 * (1.0 - out / (scale * in)) + (x + 0.5) / scale - 0.5;
    default:
        return (x + 0.5) / scale - 0.5;
    }
}

static int64_t nearest(rounding how, double x, int64_t extent)
{
    double at = how == FLOOR          ? floor(x)
                : how == CEIL         ? ceil(x)
                : how == PREFER_FLOOR ? ceil(x - 0.5)
                                      : floor(x + 0.5);
    return at < 0.0 ? 0 : at >= (double)extent ? extent - 1 : (int64_t)at;
}

static umbra_status gather_axis(umbra_onnx_node *node, const resize *r, int axis, int64_t extent,
                                int *value)
{
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int64_t count = r->size[axis];
    bool same = count == extent;
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)count, sizeof(int64_t), "indices"));
    int64_t *indices = memory;
    for (int64_t i = 0; i < count; i++) {
        indices[i] = nearest(r->rounding, coordinate(r, axis, i, extent), extent);
        same = same && indices[i] == i;
    }
    umbra_status status = same ? UMBRA_OK : umbra_onnx_fresh_name(node, "/axis", name);
    if (status == UMBRA_OK && !same)
        status = umbra_onnx_emit_gather(node, *value, axis, indices, count, name, value);
    umbra_memory_free(memory);
    return status;
}

umbra_status umbra_onnx_resize(umbra_onnx_node *node)
{
    umbra_shape x = umbra_onnx_input(node, 0)->shape;
    int value = node->inputs[0];
    resize r = {.coordinates = HALF_PIXEL};
    UMBRA_TRY(find_modes(node, &r));
    if (node->unsupported[0] == 0)
        UMBRA_TRY(find_sizes(node, &x, &r));
    if (node->unsupported[0] != 0)
        return UMBRA_OK;
    for (int i = 0; i < x.rank; i++)
        UMBRA_TRY(gather_axis(node, &r, i, x.dim[i], &value));
    return umbra_onnx_pass_value(node, value);
}
