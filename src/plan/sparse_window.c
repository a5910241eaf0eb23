/* Sparse matrices of sliding windows: convolution, transposed convolution, average pooling. */
#include "base/memory.h"
#include "plan/sparse_internal.h"

typedef struct window {
    size_t channels_in, channels_out, group_in, group_out; /* group_*: channels of one group */
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    bool include_pad;
    const float *weight; /* [O, I/g, kh, kw]; transposed: [I, O/g, kh, kw] */
} window;

/* A matrix under way: which tile a tap has (by kernel position), or an average of so many. */
typedef struct windows {
    const window *w;
    umbra_sparse_builder builder;
    uint32_t *tap;
    int64_t divisor;
} windows;

static bool inside(int64_t a, int64_t end)
{
    return a >= 0 && a < end;
}

/* Tile of a kernel position: every output channel reads the input channels of its group. */
static umbra_status make_tap(windows *s, bool transposed, size_t k)
{
    const window *w = s->w;
    size_t taps = (size_t)(w->kernel[0] * w->kernel[1]);
    for (size_t o = 0; o < w->channels_out; o++)
        for (size_t i = 0; i < w->group_in; i++) {
            size_t in = o / w->group_out * w->group_in + i;
            size_t filter = transposed ? in * w->group_out + o % w->group_out : o * w->group_in + i;
            UMBRA_TRY(umbra_sparse_builder_entry(&s->builder, o, in,
                                                 (double)w->weight[filter * taps + k]));
        }
    return umbra_sparse_builder_tile(&s->builder, &s->tap[k]);
}

static umbra_status make_taps(windows *s, bool transposed)
{
    size_t taps = (size_t)(s->w->kernel[0] * s->w->kernel[1]);
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, taps, sizeof(uint32_t), "a convolution"));
    s->tap = p;
    for (size_t k = 0; k < taps; k++)
        UMBRA_TRY(make_tap(s, transposed, k));
    return UMBRA_OK;
}

/* Kernel positions of an axis that meet the input: where the first and the last stand. */
static void range_of(const window *w, int axis, int64_t at, int64_t *first, int64_t *end)
{
    int64_t start = at * w->stride[axis] - w->pad[axis], step = w->dilation[axis];
    *first = start < 0 ? (-start + step - 1) / step : 0;
    *end = start >= w->in[axis] ? 0 : (w->in[axis] - start + step - 1) / step;
    *end = *end < w->kernel[axis] ? *end : w->kernel[axis];
    *end = *end < *first ? *first : *end;
}

/* The places of one output point, for a convolution or a pool; the pool's one tile is that of its
 * divisor. */
static umbra_status place_window(windows *s, int64_t oy, int64_t ox)
{
    const window *w = s->w;
    int64_t first[2], end[2];
    range_of(w, 0, oy, &first[0], &end[0]);
    range_of(w, 1, ox, &first[1], &end[1]);
    int64_t covered = (end[0] - first[0]) * (end[1] - first[1]);
    int64_t divisor = w->include_pad ? w->kernel[0] * w->kernel[1] : covered;
    uint32_t tile = s->tap[0];
    if (w->weight == NULL && divisor != s->divisor && covered > 0) {
        for (size_t c = 0; c < w->channels_out; c++)
            UMBRA_TRY(umbra_sparse_builder_entry(&s->builder, c, c, 1.0 / (double)divisor));
        UMBRA_TRY(umbra_sparse_builder_tile(&s->builder, &s->tap[0]));
        s->divisor = divisor;
        tile = s->tap[0];
    }
    for (int64_t ky = first[0]; ky < end[0]; ky++) {
        int64_t y = oy * w->stride[0] - w->pad[0] + ky * w->dilation[0];
        for (int64_t kx = first[1]; kx < end[1]; kx++) {
            int64_t x = ox * w->stride[1] - w->pad[1] + kx * w->dilation[1];
            if (w->weight != NULL)
                tile = s->tap[ky * w->kernel[1] + kx];
            UMBRA_TRY(umbra_sparse_builder_place(&s->builder, (size_t)(y * w->in[1] + x), tile));
        }
    }
    return UMBRA_OK;
}

/* The input coordinate that kernel position k sends to output coordinate `at`, or -1. */
static int64_t source(const window *w, int axis, int64_t at, int64_t k)
{
    int64_t a = at + w->pad[axis] - k * w->dilation[axis];
    if (a % w->stride[axis] != 0 || !inside(a / w->stride[axis], w->in[axis]) || a < 0)
        return -1;
    return a / w->stride[axis];
}

/* Kernel positions descend so that input points ascend. */
static umbra_status place_transposed(windows *s, int64_t oy, int64_t ox)
{
    const window *w = s->w;
    for (int64_t ky = w->kernel[0] - 1; ky >= 0; ky--) {
        int64_t y = source(w, 0, oy, ky);
        for (int64_t kx = w->kernel[1] - 1; y >= 0 && kx >= 0; kx--) {
            int64_t x = source(w, 1, ox, kx);
            if (x >= 0)
                UMBRA_TRY(umbra_sparse_builder_place(&s->builder, (size_t)(y * w->in[1] + x),
                                                     s->tap[ky * w->kernel[1] + kx]));
        }
    }
    return UMBRA_OK;
}

static umbra_status place_all(windows *s, bool transposed)
{
    void *p = NULL;
    if (s->w->weight != NULL) {
        UMBRA_TRY(make_taps(s, transposed));
    } else {
        UMBRA_TRY(umbra_memory_alloc(&p, sizeof(uint32_t), "a pool"));
        s->tap = p;
        s->tap[0] = UMBRA_SPARSE_NONE;
    }
    for (int64_t y = 0; y < s->w->out[0]; y++)
        for (int64_t x = 0; x < s->w->out[1]; x++) {
            UMBRA_TRY(transposed ? place_transposed(s, y, x) : place_window(s, y, x));
            umbra_sparse_builder_next(&s->builder);
        }
    return UMBRA_OK;
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
    if (node->op == UMBRA_OP_AVERAGE_POOL) {
        w.group_in = w.group_out = 1;
        if (w.channels_in != w.channels_out)
            return umbra_fail(UMBRA_E_MODEL, "node \"%s\": a pool of %zu channels into %zu",
                              node->name, w.channels_in, w.channels_out);
    } else {
        UMBRA_TRY(read_weights(graph, node, &w));
        UMBRA_TRY(umbra_sparse_constant(graph, node, 2, w.channels_out, &bias));
    }
    size_t plane = (size_t)(w.out[0] * w.out[1]);
    windows s = {.w = &w};
    UMBRA_TRY(
        umbra_sparse_builder_make(&s.builder, (umbra_sparse_side){w.channels_out, plane},
                                  (umbra_sparse_side){w.channels_in, (size_t)(w.in[0] * w.in[1])}));
    umbra_status status = place_all(&s, node->op == UMBRA_OP_CONV_TRANSPOSE);
    if (status == UMBRA_OK && bias != NULL)
        status = umbra_sparse_offsets(s.builder.matrix);
    for (size_t r = 0; status == UMBRA_OK && bias != NULL && r < s.builder.matrix->rows; r++)
        s.builder.matrix->offset[r] = (double)bias[r / plane];
    if (status == UMBRA_OK)
        *out = umbra_sparse_builder_take(&s.builder);
    umbra_sparse_builder_free(&s.builder);
    umbra_memory_free(s.tap);
    return status;
}
