/* The sparse matrix of a linear node of the graph. */
#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <math.h>

umbra_status umbra_sparse_constant(const umbra_graph *graph, const umbra_node *node, int k,
                                   size_t count, const float **data)
{
    bool optional = k == 2 && node->op != UMBRA_OP_BATCH_NORM; /* a bias */
    if (optional && (node->input_count <= k || node->inputs[k] < 0)) {
        *data = NULL;
        return UMBRA_OK;
    }
    const umbra_value *value =
        node->input_count > k && node->inputs[k] >= 0 ? &graph->values[node->inputs[k]] : NULL;
    if (value == NULL || value->f32 == NULL ||
        umbra_shape_elements(&value->shape) != (int64_t)count)
        return umbra_fail(UMBRA_E_MODEL,
                          "node \"%s\" (%s): input %d is not a constant of %zu numbers", node->name,
                          umbra_op_name(node->op), k, count);
    *data = value->f32;
    return UMBRA_OK;
}

typedef struct dense {
    size_t in, out;
    const float *weight;
} dense;

/* Leading dimensions are so many independent products. */
static void dense_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const dense *d = context;
    size_t feature = row % d->out, first = row / d->out * d->in;
    for (size_t i = 0; i < d->in; i++)
        umbra_sparse_emit(sink, first + i, (double)d->weight[feature * d->in + i]);
}

/* An offset for each row: that of its channel. */
static umbra_status set_offsets(umbra_sparse **matrix, const float *bias, size_t inner,
                                size_t channels)
{
    if (bias == NULL)
        return UMBRA_OK;
    umbra_status status = umbra_sparse_offsets(*matrix);
    for (size_t r = 0; status == UMBRA_OK && r < (*matrix)->rows; r++)
        (*matrix)->offset[r] = (double)bias[r / inner % channels];
    if (status != UMBRA_OK) {
        umbra_sparse_free(*matrix);
        *matrix = NULL;
    }
    return status;
}

static umbra_status from_dense(umbra_sparse **out, const umbra_graph *graph, const umbra_node *node)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_shape *y = &graph->values[node->output].shape;
    if (x->rank < 1 || y->rank != x->rank)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\": a dense layer of a scalar", node->name);
    size_t elements = (size_t)umbra_shape_elements(x);
    dense d = {.in = (size_t)x->dim[x->rank - 1], .out = (size_t)y->dim[y->rank - 1]};
    const float *bias = NULL;
    if (d.in == 0 || d.out == 0 || d.out > (size_t)UMBRA_MAX_ELEMENTS / d.in)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\": no weights, or more than 2^28", node->name);
    UMBRA_TRY(umbra_sparse_constant(graph, node, 1, d.in * d.out, &d.weight));
    UMBRA_TRY(umbra_sparse_constant(graph, node, 2, d.out, &bias));
    UMBRA_TRY(umbra_sparse_build(out, elements / d.in * d.out, elements, dense_row, &d));
    return set_offsets(out, bias, 1, d.out);
}

/* One diagonal tile, at every point: factors by channel. */
static umbra_status from_factors(umbra_sparse **out, umbra_sparse_side side, const double *factor)
{
    umbra_sparse *matrix = NULL;
    UMBRA_TRY(umbra_sparse_identity(&matrix, side));
    umbra_sparse_scale(matrix, factor, NULL);
    umbra_status status = umbra_sparse_offsets(matrix);
    if (status != UMBRA_OK) {
        umbra_sparse_free(matrix);
        return status;
    }
    *out = matrix;
    return UMBRA_OK;
}

static umbra_status from_batch_norm(umbra_sparse **out, const umbra_graph *graph,
                                    const umbra_node *node)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    if (x->rank < 2)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\": batch norm without channels", node->name);
    size_t size = (size_t)umbra_shape_elements(x), channels = (size_t)x->dim[1], inner = 1;
    for (int i = 2; i < x->rank; i++)
        inner *= (size_t)x->dim[i];
    const float *parameter[5] = {NULL};
    void *made = NULL;
    for (int k = 1; k < 5; k++)
        UMBRA_TRY(umbra_sparse_constant(graph, node, k, channels, &parameter[k]));
    umbra_sparse_side side = {size / inner, inner}; /* images of a batch are so many channels */
    UMBRA_TRY(umbra_memory_alloc_array(&made, side.channels, sizeof(double), "batch norm"));
    double *factor = made;
    for (size_t k = 0; k < side.channels; k++) {
        size_t c = k % channels;
        factor[k] = (double)parameter[1][c] / sqrt((double)parameter[4][c] + node->attr.epsilon);
    }
    umbra_status status = from_factors(out, side, factor);
    for (size_t r = 0; status == UMBRA_OK && r < size; r++) {
        size_t c = r / inner % channels;
        (*out)->offset[r] = (double)parameter[2][c] - factor[r / inner] * (double)parameter[3][c];
    }
    umbra_memory_free(made);
    return status;
}

/* A mean over some dimensions: dimensions of extent 1 stand for those that are not there. */
typedef struct mean {
    int64_t kept[UMBRA_MAX_RANK], reduced[UMBRA_MAX_RANK], stride[UMBRA_MAX_RANK];
    int64_t count; /* elements of one mean */
} mean;

static void mean_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const mean *m = context;
    int64_t first = 0, rest = (int64_t)row;
    for (int i = UMBRA_MAX_RANK - 1; i >= 0; i--) {
        first += rest % m->kept[i] * m->stride[i];
        rest /= m->kept[i];
    }
    for (int64_t k = 0; k < m->count; k++) {
        int64_t at = first;
        rest = k;
        for (int i = UMBRA_MAX_RANK - 1; i >= 0; i--) {
            at += rest % m->reduced[i] * m->stride[i];
            rest /= m->reduced[i];
        }
        umbra_sparse_emit(sink, (size_t)at, 1.0 / (double)m->count);
    }
}

/* Over the plane of each channel: one diagonal tile, at every input point. */
static umbra_status from_plane_mean(umbra_sparse **out, size_t channels, size_t points)
{
    umbra_sparse_builder b;
    uint32_t tile = UMBRA_SPARSE_NONE;
    UMBRA_TRY(umbra_sparse_builder_make(&b, (umbra_sparse_side){channels, 1},
                                        (umbra_sparse_side){channels, points}));
    umbra_status status = UMBRA_OK;
    for (size_t c = 0; status == UMBRA_OK && c < channels; c++)
        status = umbra_sparse_builder_entry(&b, c, c, 1.0 / (double)points);
    if (status == UMBRA_OK)
        status = umbra_sparse_builder_tile(&b, &tile);
    for (size_t q = 0; status == UMBRA_OK && q < points; q++)
        status = umbra_sparse_builder_place(&b, q, tile);
    if (status == UMBRA_OK) {
        umbra_sparse_builder_next(&b);
        *out = umbra_sparse_builder_take(&b);
    }
    umbra_sparse_builder_free(&b);
    return status;
}

/* Exactly the last dimensions are reduced: two or more that are left are channels. */
static bool reduces_planes(const umbra_shape *x, const bool *reduce)
{
    int first = 0;
    while (first < x->rank && !reduce[first])
        first++;
    for (int i = first; i < x->rank; i++)
        if (!reduce[i])
            return false;
    return true;
}

static umbra_status from_mean(umbra_sparse **out, const umbra_graph *graph, const umbra_node *node)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    bool reduce[UMBRA_MAX_RANK] = {false};
    for (int i = 2; node->op == UMBRA_OP_GLOBAL_AVERAGE_POOL && i < x->rank; i++)
        reduce[i] = true;
    for (int i = 0; node->op == UMBRA_OP_REDUCE_MEAN && i < node->attr.axes_count; i++) {
        if (node->attr.axes[i] < 0 || node->attr.axes[i] >= x->rank)
            return umbra_fail(UMBRA_E_MODEL, "node \"%s\": an axis out of range", node->name);
        reduce[node->attr.axes[i]] = true;
    }
    mean m = {.count = 1};
    int64_t stride = 1, rows = 1;
    for (int i = UMBRA_MAX_RANK - 1; i >= 0; i--) {
        int64_t dim = i < x->rank ? x->dim[i] : 1;
        m.stride[i] = stride;
        m.kept[i] = reduce[i] ? 1 : dim;
        m.reduced[i] = reduce[i] ? dim : 1;
        m.count *= m.reduced[i];
        rows *= m.kept[i];
        stride *= dim;
    }
    if (reduces_planes(x, reduce))
        return from_plane_mean(out, (size_t)rows, (size_t)m.count);
    return umbra_sparse_build(out, (size_t)rows, (size_t)stride, mean_row, &m);
}

umbra_status umbra_sparse_from_node(umbra_sparse **out, const umbra_graph *graph, int node_index)
{
    const umbra_node *node = &graph->nodes[node_index];
    if (node->input_count < 1 || node->inputs[0] < 0)
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\" has no input", node->name);
    int64_t in = umbra_shape_elements(&graph->values[node->inputs[0]].shape);
    int64_t out_count = umbra_shape_elements(&graph->values[node->output].shape);
    if (in < 1 || out_count < 1)
        return umbra_fail(UMBRA_E_MODEL,
                          "node \"%s\": its input or output is empty, unknown or too large",
                          node->name);
    umbra_sparse *matrix = NULL;
    switch (node->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_CONV_TRANSPOSE:
    case UMBRA_OP_AVERAGE_POOL:
        UMBRA_TRY(umbra_sparse_from_window(&matrix, graph, node));
        break;
    case UMBRA_OP_DENSE:
        UMBRA_TRY(from_dense(&matrix, graph, node));
        break;
    case UMBRA_OP_BATCH_NORM:
        UMBRA_TRY(from_batch_norm(&matrix, graph, node));
        break;
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
    case UMBRA_OP_REDUCE_MEAN:
        UMBRA_TRY(from_mean(&matrix, graph, node));
        break;
    case UMBRA_OP_RESHAPE:
        UMBRA_TRY(umbra_sparse_identity(&matrix, (umbra_sparse_side){1, (size_t)in}));
        break;
    default:
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\" (%s) is not linear", node->name,
                          umbra_op_name(node->op));
    }
    if (matrix->columns != (size_t)in || matrix->rows != (size_t)out_count) {
        umbra_sparse_free(matrix);
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\" (%s): its shapes do not fit together",
                          node->name, umbra_op_name(node->op));
    }
    *out = matrix;
    return UMBRA_OK;
}
