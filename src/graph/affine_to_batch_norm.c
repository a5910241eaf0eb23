/* What is left of adding or multiplying by a constant a channel becomes a BATCH_NORM. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

/* [C,1,1] or [1,C,1,1] against N C H W: the constant has its extent in the channels alone. */
static bool is_channelwise(const umbra_shape *k, const umbra_shape *x)
{
    int dim = 1 - (x->rank - k->rank);
    return k->rank <= x->rank && x->rank >= 2 && dim >= 0 && k->dim[dim] == x->dim[1] &&
           umbra_shape_elements(k) == x->dim[1];
}

static umbra_status parameter(umbra_graph *graph, int like, const char *suffix, int64_t channels,
                              int *index)
{
    umbra_shape shape = {.rank = 1, .dim = {channels}};
    return umbra_graph_add_constant_like(graph, like, suffix, &shape, index);
}

static umbra_status convert(umbra_graph *graph, int i, int x, int k)
{
    int output = graph->nodes[i].output, p[4];
    umbra_op op = graph->nodes[i].op;
    bool constant_first = graph->nodes[i].inputs[0] == k;
    int64_t channels = graph->values[x].shape.dim[1];
    static const char *const suffix[4] = {"scale", "shift", "mean", "variance"};
    for (int n = 0; n < 4; n++)
        UMBRA_TRY(parameter(graph, output, suffix[n], channels, &p[n]));
    for (int64_t c = 0; c < channels; c++) {
        float v = graph->values[k].f32[c];
        float scale = op == UMBRA_OP_MUL                     ? v
                      : op == UMBRA_OP_DIV                   ? 1.0f / v
                      : op == UMBRA_OP_SUB && constant_first ? -1.0f
                                                             : 1.0f;
        bool adds = op == UMBRA_OP_ADD || op == UMBRA_OP_SUB;
        graph->values[p[0]].f32[c] = scale;
        graph->values[p[1]].f32[c] = !adds ? 0.0f : op == UMBRA_OP_SUB && !constant_first ? -v : v;
        graph->values[p[3]].f32[c] = 1.0f;
    }
    void *inputs;
    UMBRA_TRY(umbra_memory_alloc_array(&inputs, 6, sizeof(int), "a node"));
    umbra_node *node = &graph->nodes[i];
    umbra_memory_free(node->inputs);
    node->inputs = inputs;
    node->input_count = 5;
    node->inputs[0] = x;
    for (int n = 0; n < 4; n++)
        node->inputs[n + 1] = p[n];
    node->op = UMBRA_OP_BATCH_NORM;
    node->attr.epsilon = 0.0;
    return UMBRA_OK;
}

umbra_status umbra_pass_affine_to_batch_norm(umbra_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *node = &graph->nodes[i];
        bool affine = node->op == UMBRA_OP_ADD || node->op == UMBRA_OP_SUB ||
                      node->op == UMBRA_OP_MUL || node->op == UMBRA_OP_DIV;
        affine = affine && graph->values[node->output].shape.rank >= 0;
        for (int k = 0; affine && k < 2; k++) {
            int constant = node->inputs[k], x = node->inputs[1 - k];
            if (graph->values[constant].f32 == NULL || umbra_value_is_constant(&graph->values[x]) ||
                (node->op == UMBRA_OP_DIV && k == 0) || graph->values[x].shape.rank < 2 ||
                !is_channelwise(&graph->values[constant].shape, &graph->values[x].shape))
                continue;
            UMBRA_TRY(convert(graph, i, x, constant));
            break;
        }
    }
    return UMBRA_OK;
}
