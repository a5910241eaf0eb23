/* Sparse matrices of sliding windows: convolution, transposed convolution, average pooling. */
#include "plan/sparse_internal.h"

typedef struct window {
    size_t channels_in, channels_out, group_in, group_out; /* group_*: channels of one group */
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    bool include_pad;
    const float *weight; /* [O, I/g, kh, kw]; transposed: [I, O/g, kh, kw] */
} window;

/* An output element, and the input channels and weights that reach it. */
typedef struct place {
    size_t channel, group;
    int64_t at[2];
} place;

static place place_of(const window *w, size_t row)
{
    place p = {.channel = row / (size_t)(w->out[0] * w->out[1])};
    p.group = p.channel / w->group_out;
    p.at[0] = (int64_t)row / w->out[1] % w->out[0];
    p.at[1] = (int64_t)row % w->out[1];
    return p;
}

static size_t element(const window *w, size_t channel, int64_t y, int64_t x)
{
    return (channel * (size_t)w->in[0] + (size_t)y) * (size_t)w->in[1] + (size_t)x;
}

static bool inside(int64_t a, int64_t end)
{
    return a >= 0 && a < end;
}

static void conv_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const window *w = context;
    place p = place_of(w, row);
    size_t taps = (size_t)(w->kernel[0] * w->kernel[1]);
    for (size_t i = 0; i < w->group_in; i++) {
        const float *weight = w->weight + (p.channel * w->group_in + i) * taps;
        for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
            int64_t y = p.at[0] * w->stride[0] - w->pad[0] + ky * w->dilation[0];
            for (int64_t kx = 0; inside(y, w->in[0]) && kx < w->kernel[1]; kx++) {
                int64_t x = p.at[1] * w->stride[1] - w->pad[1] + kx * w->dilation[1];
                if (inside(x, w->in[1]))
                    umbra_sparse_emit(sink, element(w, p.group * w->group_in + i, y, x),
                                      (double)weight[ky * w->kernel[1] + kx]);
            }
        }
    }
}

/* The input coordinate that kernel position k sends to output coordinate `at`, or -1. */
static int64_t source(const window *w, int axis, int64_t at, int64_t k)
{
    int64_t a = at + w->pad[axis] - k * w->dilation[axis];
    if (a < 0 || a % w->stride[axis] != 0 || a / w->stride[axis] >= w->in[axis])
        return -1;
    return a / w->stride[axis];
}

/* Kernel positions descend so that columns ascend. */
static void conv_transpose_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const window *w = context;
    place p = place_of(w, row);
    size_t taps = (size_t)(w->kernel[0] * w->kernel[1]), within = p.channel % w->group_out;
    for (size_t i = 0; i < w->group_in; i++) {
        size_t channel = p.group * w->group_in + i;
        const float *weight = w->weight + (channel * w->group_out + within) * taps;
        for (int64_t ky = w->kernel[0] - 1; ky >= 0; ky--) {
            int64_t y = source(w, 0, p.at[0], ky);
            for (int64_t kx = w->kernel[1] - 1; y >= 0 && kx >= 0; kx--) {
                int64_t x = source(w, 1, p.at[1], kx);
                if (x >= 0)
                    umbra_sparse_emit(sink, element(w, channel, y, x),
                                      (double)weight[ky * w->kernel[1] + kx]);
            }
        }
    }
}

/* Positions of a window along an axis that are inside of the input. */
static int64_t covered(const window *w, int axis, int64_t at)
{
    int64_t count = 0;
    for (int64_t k = 0; k < w->kernel[axis]; k++)
        count += inside(at * w->stride[axis] - w->pad[axis] + k * w->dilation[axis], w->in[axis]);
    return count;
}

static void pool_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const window *w = context;
    place p = place_of(w, row);
    int64_t divisor = w->include_pad ? w->kernel[0] * w->kernel[1]
                                     : covered(w, 0, p.at[0]) * covered(w, 1, p.at[1]);
    for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
        int64_t y = p.at[0] * w->stride[0] - w->pad[0] + ky * w->dilation[0];
        for (int64_t kx = 0; inside(y, w->in[0]) && kx < w->kernel[1]; kx++) {
            int64_t x = p.at[1] * w->stride[1] - w->pad[1] + kx * w->dilation[1];
            if (inside(x, w->in[1]))
                umbra_sparse_emit(sink, element(w, p.channel, y, x), 1.0 / (double)divisor);
        }
    }
}

/* Shapes [1, C, H, W], or [1, C, L] as planes of L x 1. */
static umbra_status read_shapes(const umbra_graph *graph, const umbra_node *node, window *w)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_shape *y = &graph->values[node->output].shape;
    if ((x->rank != 3 && x->rank != 4) || y->rank != x->rank || x->dim[0] != 1)
        return umbra_fail(UMBRA_E_MODEL,
                          "node \"%s\": %s of one image of 1 or 2 dimensions is needed", node->name,
                          umbra_op_name(node->op));
    bool planar = x->rank == 4;
    w->channels_in = (size_t)x->dim[1];
    w->channels_out = (size_t)y->dim[1];
    for (int i = 0; i < 2; i++) {
        bool real = i == 0 || planar;
        w->in[i] = real ? x->dim[2 + i] : 1;
        w->out[i] = real ? y->dim[2 + i] : 1;
        w->kernel[i] = real ? node->attr.kernel[i] : 1;
        w->stride[i] = real ? node->attr.strides[i] : 1;
        w->dilation[i] = real ? node->attr.dilations[i] : 1;
        w->pad[i] = real ? node->attr.pads[i] : 0;
        if (w->kernel[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1)
            return umbra_fail(UMBRA_E_MODEL, "node \"%s\": kernel, stride or dilation below 1",
                              node->name);
    }
    return UMBRA_OK;
}

/* Channels by groups, and the weights; the number of weights is checked against the shapes. */
static umbra_status read_weights(const umbra_graph *graph, const umbra_node *node, window *w)
{
    size_t groups = (size_t)(node->attr.groups < 1 ? 0 : node->attr.groups);
    if (groups == 0 || w->channels_in % groups != 0 || w->channels_out % groups != 0)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\": %zu and %zu channels in %zu groups",
                          node->name, w->channels_in, w->channels_out, groups);
    w->group_in = w->channels_in / groups;
    w->group_out = w->channels_out / groups;
    /* Both factors are bounded by the elements of a tensor, so that the product fits 64 bits. */
    uint64_t taps = (uint64_t)w->kernel[0] * (uint64_t)w->kernel[1];
    uint64_t count = (uint64_t)w->group_in * (uint64_t)w->channels_out * taps;
    if (taps > (uint64_t)UMBRA_MAX_ELEMENTS || count > (uint64_t)UMBRA_MAX_ELEMENTS)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\": more than 2^28 weights", node->name);
    return umbra_sparse_constant(graph, node, 1, (size_t)count, &w->weight);
}

umbra_status umbra_sparse_from_window(umbra_sparse **out, const umbra_graph *graph,
                                      const umbra_node *node)
{
    window w = {.include_pad = node->attr.count_include_pad};
    const float *bias = NULL;
    UMBRA_TRY(read_shapes(graph, node, &w));
    umbra_sparse_row row = pool_row;
    if (node->op == UMBRA_OP_AVERAGE_POOL) {
        w.group_in = w.group_out = 1;
    } else {
        row = node->op == UMBRA_OP_CONV ? conv_row : conv_transpose_row;
        UMBRA_TRY(read_weights(graph, node, &w));
        UMBRA_TRY(umbra_sparse_constant(graph, node, 2, w.channels_out, &bias));
    }
    size_t plane = (size_t)(w.out[0] * w.out[1]);
    umbra_sparse *matrix = NULL;
    UMBRA_TRY(umbra_sparse_build(&matrix, w.channels_out * plane,
                                 w.channels_in * (size_t)(w.in[0] * w.in[1]), row, &w));
    for (size_t r = 0; bias != NULL && r < matrix->rows; r++)
        matrix->offset[r] = (double)bias[r / plane];
    *out = matrix;
    return UMBRA_OK;
}
