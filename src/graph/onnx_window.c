/* ONNX operators with a sliding window: Conv, ConvTranspose, AveragePool, MaxPool. */
#include "graph/onnx_internal.h"

#define MAX_EXTENT                                                                                 \
    65536 /* of a kernel, stride, dilation or pad: keeps shape arithmetic from overflow */

/* One or two numbers, one a spatial dimension; a dimension that is not there keeps its default. */
static umbra_status extents(const umbra_onnx_node *node, const char *attribute, int spatial,
                            int64_t least, int64_t *out)
{
    int64_t v[2];
    int count;
    UMBRA_TRY(umbra_onnx_ints(node, attribute, v, 2, &count));
    if (count < 0)
        return UMBRA_OK;
    if (count != spatial)
        return umbra_onnx_bad(node, "\"%s\" has %d numbers for %d spatial dimensions", attribute,
                              count, spatial);
    for (int i = 0; i < count; i++) {
        if (v[i] < least || v[i] > MAX_EXTENT)
            return umbra_onnx_bad(node, "\"%s\" is %lld; allowed are %lld to %d", attribute,
                                  (long long)v[i], (long long)least, MAX_EXTENT);
        out[i] = v[i];
    }
    return UMBRA_OK;
}

/* ONNX lists begins, then ends. For one dimension the second keeps pads of 0. */
static umbra_status explicit_pads(umbra_onnx_node *node, int spatial, umbra_attributes *attr)
{
    int64_t v[4];
    int count;
    UMBRA_TRY(umbra_onnx_ints(node, "pads", v, 4, &count));
    if (count < 0)
        return UMBRA_OK;
    if (count != 2 * spatial)
        return umbra_onnx_bad(node, "\"pads\" has %d numbers for %d spatial dimensions", count,
                              spatial);
    for (int i = 0; i < count; i++) {
        if (v[i] < -MAX_EXTENT || v[i] > MAX_EXTENT)
            return umbra_onnx_bad(node, "\"pads\" holds %lld", (long long)v[i]);
        if (v[i] < 0)
            return umbra_onnx_unsupported(node, "negative pads; use Slice");
        attr->pads[i < spatial ? i : 2 + i - spatial] = v[i];
    }
    return UMBRA_OK;
}

/* SAME_UPPER and SAME_LOWER: output = ceil(input / stride), the odd pad at the end or the
 * beginning. */
static void same_pads(umbra_attributes *attr, const umbra_shape *x, int spatial, bool lower)
{
    for (int i = 0; i < spatial; i++) {
        int64_t in = x->dim[i + 2], s = attr->strides[i];
        int64_t total =
            ((in + s - 1) / s - 1) * s + (attr->kernel[i] - 1) * attr->dilations[i] + 1 - in;
        total = total > 0 ? total : 0;
        attr->pads[lower ? i + 2 : i] = total / 2;
        attr->pads[lower ? i : i + 2] = total - total / 2;
    }
}

/* Everything that windows share. *spatial is 0 where the node is unsupported. */
static umbra_status window(umbra_onnx_node *node, umbra_attributes *attr, int *spatial)
{
    const umbra_value *x = umbra_onnx_input(node, 0);
    *attr = umbra_attributes_default();
    *spatial = 0;
    if (x == NULL || x->shape.rank < 3)
        return umbra_onnx_bad(node, "its input needs a batch, channels and a width");
    if (x->shape.rank > 4)
        return umbra_onnx_unsupported(node, "%d-dimensional windows; only 1 and 2 are done",
                                      x->shape.rank - 2);
    int n = x->shape.rank - 2;
    UMBRA_TRY(extents(node, "kernel_shape", n, 1, attr->kernel));
    UMBRA_TRY(extents(node, "strides", n, 1, attr->strides));
    UMBRA_TRY(extents(node, "dilations", n, 1, attr->dilations));
    UMBRA_TRY(extents(node, "output_padding", n, 0, attr->output_padding));
    const Onnx__AttributeProto *pad = umbra_onnx_find(node, "auto_pad");
    if (pad == NULL || umbra_onnx_string_is(node, "auto_pad", "NOTSET"))
        UMBRA_TRY(explicit_pads(node, n, attr));
    else if (!umbra_onnx_string_is(node, "auto_pad", "VALID") &&
             !umbra_onnx_string_is(node, "auto_pad", "SAME_UPPER") &&
             !umbra_onnx_string_is(node, "auto_pad", "SAME_LOWER"))
        return umbra_onnx_bad(node,
                              "\"auto_pad\" is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
    if (node->unsupported[0] == 0)
        *spatial = n;
    return UMBRA_OK;
}

static bool auto_same(const umbra_onnx_node *node, bool *lower)
{
    *lower = umbra_onnx_string_is(node, "auto_pad", "SAME_LOWER");
    return *lower || umbra_onnx_string_is(node, "auto_pad", "SAME_UPPER");
}

/* Weights of a convolution are constants; the kernel is theirs. */
static umbra_status weights(umbra_onnx_node *node, umbra_attributes *attr, int *spatial)
{
    UMBRA_TRY(window(node, attr, spatial));
    if (*spatial == 0)
        return UMBRA_OK;
    const umbra_value *w = umbra_onnx_input(node, 1);
    const umbra_value *bias = umbra_onnx_input(node, 2);
    bool constant =
        umbra_onnx_is_constant(node, 1) && (bias == NULL || umbra_onnx_is_constant(node, 2));
    if (!constant) {
        *spatial = 0;
        return umbra_onnx_unsupported(node, "its weights are computed; they must be constants");
    }
    if (w->shape.rank != *spatial + 2 || w->f32 == NULL || umbra_shape_elements(&w->shape) == 0)
        return umbra_onnx_bad(node, "its weights need %d dimensions of floats", *spatial + 2);
    bool given = umbra_onnx_find(node, "kernel_shape") != NULL;
    for (int i = 0; i < *spatial; i++) {
        if (w->shape.dim[i + 2] > MAX_EXTENT || (given && attr->kernel[i] != w->shape.dim[i + 2]))
            return umbra_onnx_bad(node, "\"kernel_shape\" differs from the weights");
        attr->kernel[i] = w->shape.dim[i + 2];
    }
    return umbra_onnx_int(node, "group", 1, &attr->groups);
}

static umbra_status check_bias(umbra_onnx_node *node, int64_t channels)
{
    const umbra_value *bias = umbra_onnx_input(node, 2);
    if (bias != NULL &&
        (bias->f32 == NULL || bias->shape.rank != 1 || bias->shape.dim[0] != channels))
        return umbra_onnx_bad(node, "its bias needs %lld floats", (long long)channels);
    return UMBRA_OK;
}

static int input_count(const umbra_onnx_node *node)
{
    return umbra_onnx_input(node, 2) != NULL ? 3 : 2;
}

umbra_status umbra_onnx_conv(umbra_onnx_node *node)
{
    umbra_attributes attr;
    int spatial;
    bool lower;
    UMBRA_TRY(weights(node, &attr, &spatial));
    if (spatial == 0)
        return UMBRA_OK;
    if (auto_same(node, &lower))
        same_pads(&attr, &node->graph->values[node->inputs[0]].shape, spatial, lower);
    UMBRA_TRY(check_bias(node, umbra_onnx_input(node, 1)->shape.dim[0]));
    return umbra_onnx_emit(node, UMBRA_OP_CONV, &attr, node->inputs, input_count(node), NULL, NULL,
                           NULL);
}

/* output_shape, or auto_pad SAME (output = input * stride), decide the pads. */
static umbra_status transpose_pads(umbra_onnx_node *node, umbra_attributes *attr, int spatial)
{
    const umbra_shape *x = &umbra_onnx_input(node, 0)->shape;
    int64_t target[2] = {0, 0};
    bool lower, same = auto_same(node, &lower);
    UMBRA_TRY(extents(node, "output_shape", spatial, 1, target));
    for (int i = 0; i < spatial; i++) {
        int64_t want = target[i] > 0 ? target[i] : same ? x->dim[i + 2] * attr->strides[i] : 0;
        if (want == 0)
            continue;
        int64_t total = (x->dim[i + 2] - 1) * attr->strides[i] + attr->output_padding[i] +
                        (attr->kernel[i] - 1) * attr->dilations[i] + 1 - want;
        if (total < 0) { /* the missing rows are output padding */
            attr->output_padding[i] -= total;
            total = 0;
        }
        attr->pads[i] = lower ? total - total / 2 : total / 2;
        attr->pads[i + 2] = total - attr->pads[i];
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_conv_transpose(umbra_onnx_node *node)
{
    umbra_attributes attr;
    int spatial;
    UMBRA_TRY(weights(node, &attr, &spatial));
    if (spatial == 0)
        return UMBRA_OK;
    UMBRA_TRY(transpose_pads(node, &attr, spatial));
    const umbra_shape *w = &umbra_onnx_input(node, 1)->shape;
    if (attr.groups < 1 || attr.groups > w->dim[0])
        return umbra_onnx_bad(node, "%lld groups of %lld channels", (long long)attr.groups,
                              (long long)w->dim[0]);
    UMBRA_TRY(check_bias(node, w->dim[1] * attr.groups));
    return umbra_onnx_emit(node, UMBRA_OP_CONV_TRANSPOSE, &attr, node->inputs, input_count(node),
                           NULL, NULL, NULL);
}

/* ceil_mode: the last window may hang over the padded end, unless it starts beyond it. The IR has
 * only the floor formula, so the end is padded further. */
static umbra_status ceil_mode(umbra_onnx_node *node, umbra_attributes *attr, int spatial)
{
    const umbra_shape *x = &umbra_onnx_input(node, 0)->shape;
    int64_t on;
    UMBRA_TRY(umbra_onnx_int(node, "ceil_mode", 0, &on));
    for (int i = 0; on != 0 && i < spatial; i++) {
        int64_t in = x->dim[i + 2], s = attr->strides[i];
        int64_t extent = (attr->kernel[i] - 1) * attr->dilations[i] + 1;
        int64_t room = in + attr->pads[i] + attr->pads[i + 2] - extent;
        if (room < 0 || room % s == 0)
            continue;
        int64_t windows = (room + s - 1) / s + 1;
        if ((windows - 1) * s >= in + attr->pads[i])
            continue;
        if (attr->count_include_pad)
            return umbra_onnx_unsupported(node, "ceil_mode together with count_include_pad");
        attr->pads[i + 2] += (windows - 1) * s + extent - (in + attr->pads[i] + attr->pads[i + 2]);
    }
    return UMBRA_OK;
}

static umbra_status pool(umbra_onnx_node *node, umbra_op op)
{
    umbra_attributes attr;
    int spatial;
    bool lower;
    int64_t include;
    UMBRA_TRY(window(node, &attr, &spatial));
    if (spatial == 0)
        return UMBRA_OK;
    if (umbra_onnx_find(node, "kernel_shape") == NULL)
        return umbra_onnx_bad(node, "\"kernel_shape\" is missing");
    if (node->proto->n_output > 1 && node->proto->output[1][0] != 0)
        return umbra_onnx_unsupported(node, "the indices of the maxima");
    UMBRA_TRY(umbra_onnx_int(node, "count_include_pad", 0, &include));
    attr.count_include_pad = include != 0;
    if (auto_same(node, &lower))
        same_pads(&attr, &umbra_onnx_input(node, 0)->shape, spatial, lower);
    UMBRA_TRY(ceil_mode(node, &attr, spatial));
    for (int i = 0; i < spatial; i++)
        if (attr.pads[i] >= (attr.kernel[i] - 1) * attr.dilations[i] + 1)
            return umbra_onnx_bad(node, "pads as large as the window");
    if (node->unsupported[0] != 0)
        return UMBRA_OK;
    return umbra_onnx_emit(node, op, &attr, node->inputs, 1, NULL, NULL, NULL);
}

umbra_status umbra_onnx_average_pool(umbra_onnx_node *node)
{
    return pool(node, UMBRA_OP_AVERAGE_POOL);
}

umbra_status umbra_onnx_max_pool(umbra_onnx_node *node)
{
    return pool(node, UMBRA_OP_MAX_POOL);
}
