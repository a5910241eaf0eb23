/* Affine maps a channel at a time (batch norm, bias, scale) go into the linear node before them. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

#include <math.h>

/* y = scale[c] * x + shift[c] over `channels` channels. */
typedef struct affine {
    int64_t channels;
    double *scale, *shift;
} affine;

/* Channel of a constant that a node adds or multiplies: a scalar, [C,1,1], [1,C,1,1]; for features
 * at the end [F], [1,F]. *stride is 0 or 1. */
static bool per_channel(const umbra_shape *constant, const umbra_shape *x, int channel_dim,
                        int *stride)
{
    int64_t elements = umbra_shape_elements(constant);
    if (constant->rank > x->rank || elements < 1)
        return false;
    *stride = elements == 1 ? 0 : 1;
    int dim = channel_dim - (x->rank - constant->rank);
    return elements == 1 ||
           (dim >= 0 && constant->dim[dim] == elements && elements == x->dim[channel_dim]);
}

static bool read_batch_norm(const umbra_graph *graph, const umbra_node *node, affine *out)
{
    const float *p[4];
    for (int i = 0; i < 4; i++) {
        p[i] = graph->values[node->inputs[i + 1]].f32;
        if (p[i] == NULL)
            return false;
    }
    for (int64_t c = 0; c < out->channels; c++) {
        double s = (double)p[0][c] / sqrt((double)p[3][c] + node->attr.epsilon);
        if (!isfinite(s))
            return false;
        out->scale[c] = s;
        out->shift[c] = (double)p[1][c] - s * (double)p[2][c];
    }
    return true;
}

static bool read_arithmetic(const umbra_graph *graph, const umbra_node *node, int x,
                            int channel_dim, affine *out)
{
    int other = node->inputs[0] == x ? 1 : 0;
    const umbra_value *k = &graph->values[node->inputs[other]];
    int stride;
    if (k->f32 == NULL || node->inputs[1 - other] != x ||
        !per_channel(&k->shape, &graph->values[x].shape, channel_dim, &stride))
        return false;
    for (int64_t c = 0; c < out->channels; c++) {
        double v = (double)k->f32[c * stride];
        out->scale[c] = 1.0;
        out->shift[c] = 0.0;
        if (node->op == UMBRA_OP_ADD)
            out->shift[c] = v;
        else if (node->op == UMBRA_OP_MUL)
            out->scale[c] = v;
        else if (node->op == UMBRA_OP_DIV && other == 1 && v != 0.0)
            out->scale[c] = 1.0 / v;
        else if (node->op == UMBRA_OP_SUB) {
            out->scale[c] = other == 1 ? 1.0 : -1.0;
            out->shift[c] = other == 1 ? -v : v;
        } else
            return false;
    }
    return true;
}

/* Whether the node is an affine map of x, a channel at a time. */
static bool read_affine(const umbra_graph *graph, const umbra_node *node, int x, int channel_dim,
                        affine *out)
{
    switch (node->op) {
    case UMBRA_OP_BATCH_NORM:
        return node->inputs[0] == x && channel_dim == 1 && read_batch_norm(graph, node, out);
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
        return read_arithmetic(graph, node, x, channel_dim, out);
    case UMBRA_OP_POLYNOMIAL:
        for (int64_t c = 0; c < out->channels; c++) {
            out->scale[c] = node->attr.coefficient[1];
            out->shift[c] = node->attr.coefficient[0];
        }
        return node->attr.degree == 1;
    default:
        return false;
    }
}

/* New weights and bias for a linear node followed by the affine map. Other readers of the old
 * constants keep them. */
static umbra_status absorb(umbra_graph *graph, int linear, const affine *a)
{
    umbra_shape ws = graph->values[graph->nodes[linear].inputs[1]].shape;
    umbra_shape bs = {.rank = 1, .dim = {a->channels}};
    int old_w = graph->nodes[linear].inputs[1], w, b;
    int old_b = graph->nodes[linear].input_count > 2 ? graph->nodes[linear].inputs[2] : -1;
    bool transposed = graph->nodes[linear].op == UMBRA_OP_CONV_TRANSPOSE;
    UMBRA_TRY(umbra_graph_add_constant_like(graph, old_w, "weight", &ws, &w));
    UMBRA_TRY(umbra_graph_add_constant_like(graph, graph->nodes[linear].output, "bias", &bs, &b));
    const float *in = graph->values[old_w].f32;
    float *out = graph->values[w].f32;
    int64_t inner = 1, per_group = ws.dim[1];
    for (int i = transposed ? 2 : 1; i < ws.rank; i++)
        inner *= ws.dim[i];
    int64_t rows = umbra_shape_elements(&ws) / inner;
    int64_t groups = graph->nodes[linear].attr.groups;
    for (int64_t r = 0; r < rows; r++) {
        int64_t c = r;
        if (transposed) /* [I, O/g]: the group of the input row says which outputs */
            c = r / per_group / (ws.dim[0] / groups) * per_group + r % per_group;
        for (int64_t i = 0; i < inner; i++)
            out[r * inner + i] = (float)(a->scale[c] * (double)in[r * inner + i]);
    }
    for (int64_t c = 0; c < a->channels; c++) {
        double bias = old_b >= 0 ? (double)graph->values[old_b].f32[c] : 0.0;
        graph->values[b].f32[c] = (float)(a->scale[c] * bias + a->shift[c]);
    }
    graph->nodes[linear].inputs[1] = w;
    umbra_node_set_input(&graph->nodes[linear], 2, b);
    return UMBRA_OK;
}

static bool is_linear(const umbra_graph *graph, int index)
{
    const umbra_node *node = &graph->nodes[index];
    bool kind = node->op == UMBRA_OP_CONV || node->op == UMBRA_OP_CONV_TRANSPOSE ||
                node->op == UMBRA_OP_DENSE;
    return kind && graph->values[node->inputs[1]].f32 != NULL &&
           graph->values[node->output].shape.rank >= 2;
}

/* Fold node i into the linear node that makes its input, if it can be. The affine node's value
 * keeps its name: the linear node produces it now. */
static umbra_status fold_one(umbra_graph *graph, int i, const int *uses, bool *done)
{
    const umbra_node *node = &graph->nodes[i];
    umbra_status status = UMBRA_OK;
    if (graph->values[node->output].shape.rank < 0)
        return UMBRA_OK;
    for (int k = 0; k < node->input_count && k < 2 && !*done; k++) {
        int x = node->inputs[k];
        int linear = x < 0 ? -1 : graph->values[x].producer;
        if (linear < 0 || uses[x] != 1 || !is_linear(graph, linear) ||
            !umbra_shape_equal(&graph->values[x].shape, &graph->values[node->output].shape))
            continue;
        int channel_dim =
            graph->nodes[linear].op == UMBRA_OP_DENSE ? graph->values[x].shape.rank - 1 : 1;
        affine a = {.channels = graph->values[x].shape.dim[channel_dim]};
        void *memory;
        UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * (size_t)a.channels, sizeof(double),
                                           "folding batch norm"));
        a.scale = memory;
        a.shift = a.scale + a.channels;
        if (read_affine(graph, node, x, channel_dim, &a)) {
            status = absorb(graph, linear, &a);
            node = &graph->nodes[i];
            *done = status == UMBRA_OK;
        }
        umbra_memory_free(memory);
        if (*done) {
            graph->nodes[linear].output = node->output;
            graph->values[node->output].producer = linear;
        }
        UMBRA_TRY(status);
    }
    return UMBRA_OK;
}

umbra_status umbra_pass_fold_batch_norm(umbra_graph *graph)
{
    int *uses = NULL;
    void *dead = NULL;
    umbra_status status;
    UMBRA_GOTO(end, status, umbra_graph_count_uses(graph, &uses));
    UMBRA_GOTO(end, status, umbra_memory_alloc(&dead, (size_t)graph->node_count + 1, "folding"));
    for (int i = 0; i < graph->node_count; i++)
        UMBRA_GOTO(end, status, fold_one(graph, i, uses, &((bool *)dead)[i]));
    umbra_graph_remove_nodes(graph, dead);
    status = umbra_graph_sort(graph);
end:
    umbra_memory_free(uses);
    umbra_memory_free(dead);
    UMBRA_TRY(status);
    return umbra_pass_drop_dead(graph);
}
