/* Shape inference: the output shape of every operator of the IR. */
#include "graph/build.h"
#include "graph/passes.h"

static umbra_status bad(const umbra_graph *graph, const umbra_node *node, const char *why)
{
    char a[UMBRA_SHAPE_TEXT], b[UMBRA_SHAPE_TEXT];
    const umbra_shape none = {.rank = 0};
    const umbra_shape *sa = node->input_count > 0 && node->inputs[0] >= 0
                                ? &graph->values[node->inputs[0]].shape
                                : &none;
    const umbra_shape *sb = node->input_count > 1 && node->inputs[1] >= 0
                                ? &graph->values[node->inputs[1]].shape
                                : &none;
    return umbra_fail(UMBRA_E_INPUT, "node \"%s\" (%s): %s; its inputs have shapes %s and %s",
                      node->name, node->op_type, why, umbra_shape_text(sa, a),
                      umbra_shape_text(sb, b));
}

/* A window of 1 or 2 spatial dimensions: floor formula of the ONNX specification. */
static umbra_status windows(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_attributes *a = &node->attr;
    for (int i = 0; i + 2 < out->rank; i++) {
        int64_t extent = (a->kernel[i] - 1) * a->dilations[i] + 1;
        int64_t room = out->dim[i + 2] + a->pads[i] + a->pads[i + 2] - extent;
        if (room < 0)
            return bad(graph, node, "the window is larger than the padded input");
        out->dim[i + 2] = room / a->strides[i] + 1;
    }
    return UMBRA_OK;
}

static umbra_status conv(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_shape *w = &graph->values[node->inputs[1]].shape;
    if ((x->rank != 3 && x->rank != 4) || w->rank != x->rank)
        return bad(graph, node, "a convolution needs an input and weights of 3 or 4 dimensions");
    bool transpose = node->op == UMBRA_OP_CONV_TRANSPOSE;
    int64_t g = node->attr.groups;
    bool possible = g >= 1 && g <= x->dim[1]; /* so that the product does not overflow */
    if (!possible || x->dim[1] != (transpose ? w->dim[0] : w->dim[1] * g) || w->dim[0] % g != 0)
        return bad(graph, node, "channels, groups and weights do not fit together");
    *out = *x;
    out->dim[1] = transpose ? w->dim[1] * g : w->dim[0];
    if (!transpose)
        return windows(graph, node, out);
    for (int i = 0; i + 2 < x->rank; i++) {
        const umbra_attributes *a = &node->attr;
        int64_t d = (x->dim[i + 2] - 1) * a->strides[i] - a->pads[i] - a->pads[i + 2] +
                    (a->kernel[i] - 1) * a->dilations[i] + 1 + a->output_padding[i];
        if (d < 1)
            return bad(graph, node, "the output would be empty");
        out->dim[i + 2] = d;
    }
    return UMBRA_OK;
}

static umbra_status dense(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_shape *w = &graph->values[node->inputs[1]].shape;
    if (x->rank < 1 || w->rank != 2 || x->dim[x->rank - 1] != w->dim[1])
        return bad(graph, node, "features and weights do not fit together");
    *out = *x;
    out->dim[x->rank - 1] = w->dim[0];
    return UMBRA_OK;
}

static umbra_status matmul(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    umbra_shape a = graph->values[node->inputs[0]].shape, b = graph->values[node->inputs[1]].shape;
    if (a.rank < 2 || b.rank < 2 || a.dim[a.rank - 1] != b.dim[b.rank - 2])
        return bad(graph, node, "the matrices do not fit together");
    int64_t rows = a.dim[a.rank - 2], columns = b.dim[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    if (!umbra_shape_broadcast(&a, &b, out))
        return bad(graph, node, "the leading dimensions do not fit together");
    out->dim[out->rank] = rows;
    out->dim[out->rank + 1] = columns;
    out->rank += 2;
    return UMBRA_OK;
}

static umbra_status per_channel(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    for (int k = 1; k < node->input_count; k++) {
        const umbra_shape *p = &graph->values[node->inputs[k]].shape;
        if (x->rank < 2 || p->rank != 1 || p->dim[0] != x->dim[1])
            return bad(graph, node, "one parameter a channel is needed");
    }
    *out = *x;
    return UMBRA_OK;
}

static umbra_status pool(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    *out = graph->values[node->inputs[0]].shape;
    if (out->rank != 3 && out->rank != 4)
        return bad(graph, node, "pooling needs an input of 3 or 4 dimensions");
    return windows(graph, node, out);
}

static umbra_status global_pool(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    *out = graph->values[node->inputs[0]].shape;
    if (out->rank < 3)
        return bad(graph, node, "pooling needs an input of 3 or more dimensions");
    for (int i = 2; i < out->rank; i++)
        out->dim[i] = 1;
    return UMBRA_OK;
}

static umbra_status reduce(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    bool reduced[UMBRA_MAX_RANK] = {false};
    for (int i = 0; i < node->attr.axes_count; i++) {
        if (node->attr.axes[i] < 0 || node->attr.axes[i] >= x->rank)
            return bad(graph, node, "an axis is out of range");
        reduced[node->attr.axes[i]] = true;
    }
    *out = (umbra_shape){.rank = 0};
    for (int i = 0; i < x->rank; i++) {
        if (!reduced[i])
            out->dim[out->rank++] = x->dim[i];
        else if (node->attr.keep_dims)
            out->dim[out->rank++] = 1;
    }
    return UMBRA_OK;
}

static umbra_status kept(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    *out = graph->values[node->output].shape;
    if (node->op == UMBRA_OP_RESHAPE) {
        if (umbra_shape_elements(x) != umbra_shape_elements(out))
            return bad(graph, node, "the number of elements would change");
        return UMBRA_OK;
    }
    if (x->rank != out->rank)
        return bad(graph, node, "a slice keeps the number of dimensions");
    for (int i = 0; i < x->rank; i++) {
        int64_t last = node->attr.begin[i] + (out->dim[i] - 1) * node->attr.step[i];
        if (out->dim[i] < 1 || node->attr.begin[i] < 0 || node->attr.begin[i] >= x->dim[i] ||
            last < 0 || last >= x->dim[i])
            return bad(graph, node, "the slice leaves the tensor, or is empty");
    }
    return UMBRA_OK;
}

static umbra_status moved(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    bool seen[UMBRA_MAX_RANK] = {false};
    *out = *x;
    for (int i = 0; i < x->rank; i++) {
        if (node->op == UMBRA_OP_PAD) {
            out->dim[i] += node->attr.pads_full[i] + node->attr.pads_full[UMBRA_MAX_RANK + i];
            continue;
        }
        int64_t from = node->attr.permutation[i];
        if (from < 0 || from >= x->rank || seen[from])
            return bad(graph, node, "the permutation names a dimension twice or not at all");
        seen[from] = true;
        out->dim[i] = x->dim[from];
    }
    return UMBRA_OK;
}

static umbra_status concat(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    *out = graph->values[node->inputs[0]].shape;
    int64_t axis = node->attr.axis;
    if (axis < 0 || axis >= out->rank)
        return bad(graph, node, "the axis is out of range");
    for (int k = 1; k < node->input_count; k++) {
        umbra_shape x = graph->values[node->inputs[k]].shape;
        if (x.rank != out->rank)
            return bad(graph, node, "the inputs differ in their number of dimensions");
        out->dim[axis] += x.dim[axis];
        x.dim[axis] = out->dim[axis];
        if (!umbra_shape_equal(&x, out) || umbra_shape_elements(out) < 0)
            return bad(graph, node, "the inputs differ outside of the axis");
    }
    return UMBRA_OK;
}

static umbra_status gather(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    const umbra_value *k = &graph->values[node->inputs[1]];
    *out = graph->values[node->inputs[0]].shape;
    int64_t axis = node->attr.axis;
    if (axis < 0 || axis >= out->rank || k->i64 == NULL || k->shape.rank != 1)
        return bad(graph, node, "it needs an axis of its input and a list of constant indices");
    for (int64_t i = 0; i < k->shape.dim[0]; i++)
        if (k->i64[i] < 0 || k->i64[i] >= out->dim[axis])
            return bad(graph, node, "an index lies outside of the axis");
    out->dim[axis] = k->shape.dim[0];
    return UMBRA_OK;
}

static umbra_status infer(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    switch (node->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_CONV_TRANSPOSE:
        return conv(graph, node, out);
    case UMBRA_OP_DENSE:
        return dense(graph, node, out);
    case UMBRA_OP_MATMUL:
        return matmul(graph, node, out);
    case UMBRA_OP_BATCH_NORM:
    case UMBRA_OP_INSTANCE_NORM:
        return per_channel(graph, node, out);
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
    case UMBRA_OP_POW:
        if (!umbra_shape_broadcast(&graph->values[node->inputs[0]].shape,
                                   &graph->values[node->inputs[1]].shape, out))
            return bad(graph, node, "the shapes cannot be broadcast together");
        return UMBRA_OK;
    case UMBRA_OP_AVERAGE_POOL:
    case UMBRA_OP_MAX_POOL:
        return pool(graph, node, out);
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
        return global_pool(graph, node, out);
    case UMBRA_OP_REDUCE_MEAN:
        return reduce(graph, node, out);
    case UMBRA_OP_RESHAPE:
    case UMBRA_OP_SLICE:
        return kept(graph, node, out);
    case UMBRA_OP_TRANSPOSE:
    case UMBRA_OP_PAD:
        return moved(graph, node, out);
    case UMBRA_OP_CONCAT:
        return concat(graph, node, out);
    case UMBRA_OP_GATHER:
        return gather(graph, node, out);
    case UMBRA_OP_UNKNOWN:
        *out = (umbra_shape){.rank = -1};
        return UMBRA_OK;
    default:
        *out = graph->values[node->inputs[0]].shape;
        return UMBRA_OK;
    }
}

/* Inputs that the shape of the output depends on. */
static int needed_inputs(umbra_op op)
{
    switch (op) {
    case UMBRA_OP_UNKNOWN:
        return 0;
    case UMBRA_OP_BATCH_NORM:
        return 5;
    case UMBRA_OP_INSTANCE_NORM:
        return 3;
    case UMBRA_OP_CONV:
    case UMBRA_OP_CONV_TRANSPOSE:
    case UMBRA_OP_DENSE:
    case UMBRA_OP_MATMUL:
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
    case UMBRA_OP_POW:
    case UMBRA_OP_GATHER:
        return 2;
    default:
        return 1;
    }
}

static bool has_inputs(const umbra_node *node)
{
    int needed = node->op == UMBRA_OP_CONCAT ? node->input_count : needed_inputs(node->op);
    for (int i = 0; i < needed; i++)
        if (i >= node->input_count || node->inputs[i] < 0)
            return false;
    return true;
}

umbra_status umbra_infer_node(const umbra_graph *graph, const umbra_node *node, umbra_shape *out)
{
    umbra_shape shape = {.rank = -1};
    bool constant = true;
    for (int i = 0; i < node->input_count; i++) {
        if (node->inputs[i] < 0)
            continue;
        const umbra_value *value = &graph->values[node->inputs[i]];
        constant = constant && umbra_value_is_constant(value);
        if (value->shape.rank < 0) {
            *out = shape;
            return UMBRA_OK;
        }
    }
    if (!has_inputs(node))
        return bad(graph, node, "an input is missing");
    UMBRA_TRY(infer(graph, node, &shape));
    if (node->op != UMBRA_OP_UNKNOWN && umbra_shape_elements(&shape) < 0)
        return bad(graph, node, "its output would have more than 2^28 elements");
    if (!constant && umbra_shape_elements(&shape) == 0)
        return bad(graph, node, "its output would be empty");
    *out = shape;
    return UMBRA_OK;
}

umbra_status umbra_pass_infer_shapes(umbra_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        umbra_shape shape;
        UMBRA_TRY(umbra_infer_node(graph, &graph->nodes[i], &shape));
        graph->values[graph->nodes[i].output].shape = shape;
    }
    return UMBRA_OK;
}
