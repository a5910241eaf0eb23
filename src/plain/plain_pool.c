/* Pooling and means over windows, whole images, or chosen axes. */
#include "graph/broadcast.h"
#include "plain/plain_internal.h"

#include <math.h>
#include <string.h>

typedef struct window {
    int64_t height, width;    /* of the input */
    int64_t first_y, first_x; /* of the window, may be negative */
    const umbra_attributes *attr;
} window;

static bool inside(const window *w, int64_t ky, int64_t kx, int64_t *at)
{
    int64_t y = w->first_y + ky * w->attr->dilations[0];
    int64_t x = w->first_x + kx * w->attr->dilations[1];
    *at = y * w->width + x;
    return y >= 0 && y < w->height && x >= 0 && x < w->width;
}

/* Elements of the window that divide the sum. With count_include_pad that is all of it. */
static float average(const window *w, const float *plane)
{
    double sum = 0;
    int64_t count = 0, at;
    for (int64_t ky = 0; ky < w->attr->kernel[0]; ky++)
        for (int64_t kx = 0; kx < w->attr->kernel[1]; kx++)
            if (inside(w, ky, kx, &at)) {
                sum += (double)plane[at];
                count++;
            }
    if (w->attr->count_include_pad)
        count = w->attr->kernel[0] * w->attr->kernel[1];
    return count > 0 ? (float)(sum / (double)count) : 0.0f;
}

static float maximum(const window *w, const float *plane)
{
    float best = -INFINITY;
    int64_t at;
    for (int64_t ky = 0; ky < w->attr->kernel[0]; ky++)
        for (int64_t kx = 0; kx < w->attr->kernel[1]; kx++)
            if (inside(w, ky, kx, &at) && !(plane[at] <= best))
                best = plane[at];
    return best;
}

umbra_status umbra_plain_run_pool(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step)
{
    (void)step;
    const umbra_shape *xs = &plain->graph->values[node->inputs[0]].shape;
    const umbra_shape *ys = &plain->graph->values[node->output].shape;
    int64_t rows = ys->dim[2], columns = ys->rank > 3 ? ys->dim[3] : 1;
    window w = {.height = xs->dim[2], .width = xs->rank > 3 ? xs->dim[3] : 1, .attr = &node->attr};
    const float *plane = plain->data[node->inputs[0]];
    float *out = plain->data[node->output];
    for (int64_t c = 0; c < xs->dim[0] * xs->dim[1]; c++, plane += w.height * w.width)
        for (int64_t y = 0; y < rows; y++)
            for (int64_t x = 0; x < columns; x++) {
                w.first_y = y * node->attr.strides[0] - node->attr.pads[0];
                w.first_x = x * node->attr.strides[1] - node->attr.pads[1];
                *out++ = node->op == UMBRA_OP_MAX_POOL ? maximum(&w, plane) : average(&w, plane);
            }
    return UMBRA_OK;
}

/* REDUCE_MEAN, and GLOBAL_AVERAGE_POOL as the mean over all dimensions from the third on. */
umbra_status umbra_plain_run_mean(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step)
{
    (void)step;
    const umbra_shape *xs = &plain->graph->values[node->inputs[0]].shape;
    const float *x = plain->data[node->inputs[0]];
    float *y = plain->data[node->output];
    bool reduced[UMBRA_MAX_RANK] = {false};
    for (int i = 0; i < xs->rank; i++)
        reduced[i] = node->op == UMBRA_OP_GLOBAL_AVERAGE_POOL && i >= 2;
    for (int i = 0; node->op == UMBRA_OP_REDUCE_MEAN && i < node->attr.axes_count; i++)
        reduced[node->attr.axes[i]] = true;
    /* for each output: where its first element lies, then all combinations of the reduced indices
     */
    int64_t own[UMBRA_MAX_RANK] = {0}, kept_stride[UMBRA_MAX_RANK], inner_stride[UMBRA_MAX_RANK];
    umbra_shape kept = {.rank = 0}, inner = {.rank = 0};
    umbra_shape_strides(xs, own);
    for (int i = 0; i < xs->rank; i++) {
        if (reduced[i]) {
            inner_stride[inner.rank] = own[i];
            inner.dim[inner.rank++] = xs->dim[i];
        } else {
            kept_stride[kept.rank] = own[i];
            kept.dim[kept.rank++] = xs->dim[i];
        }
    }
    int64_t outputs = umbra_shape_elements(&kept), count = umbra_shape_elements(&inner);
    for (int64_t o = 0; o < outputs; o++) {
        int64_t base = 0, rest = o;
        double sum = 0;
        for (int i = kept.rank - 1; i >= 0; i--) {
            base += rest % kept.dim[i] * kept_stride[i];
            rest /= kept.dim[i];
        }
        for (int64_t k = 0; k < count; k++) {
            int64_t at = base;
            rest = k;
            for (int i = inner.rank - 1; i >= 0; i--) {
                at += rest % inner.dim[i] * inner_stride[i];
                rest /= inner.dim[i];
            }
            sum += (double)x[at];
        }
        y[o] = (float)(sum / (double)count);
    }
    return UMBRA_OK;
}
