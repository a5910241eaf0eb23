/* x * Sigmoid(x) becomes one SILU node. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

umbra_status umbra_pass_fuse_silu(umbra_graph *graph)
{
    int *uses;
    UMBRA_TRY(umbra_graph_count_uses(graph, &uses));
    for (int i = 0; i < graph->node_count; i++) {
        umbra_node *node = &graph->nodes[i];
        bool known = graph->values[node->output].shape.rank >= 0;
        for (int k = 0; known && node->op == UMBRA_OP_MUL && k < 2; k++) {
            int gate = node->inputs[k], x = node->inputs[1 - k];
            int producer = gate < 0 ? -1 : graph->values[gate].producer;
            if (producer < 0 || graph->nodes[producer].op != UMBRA_OP_SIGMOID || uses[gate] != 1 ||
                graph->nodes[producer].inputs[0] != x)
                continue;
            node->op = UMBRA_OP_SILU;
            node->inputs[0] = x;
            node->input_count = 1;
        }
    }
    umbra_memory_free(uses);
    return umbra_pass_drop_dead(graph);
}
