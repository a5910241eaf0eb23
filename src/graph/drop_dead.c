/* Nodes and values that no output depends on are removed. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

/* Nodes stand in order, so one walk from the end sees every use before the node itself. */
static void mark(const umbra_graph *graph, bool *value_used, bool *node_dead)
{
    for (int i = 0; i < graph->output_count; i++)
        value_used[graph->outputs[i]] = true;
    for (int i = 0; i < graph->input_count; i++)
        value_used[graph->inputs[i]] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const umbra_node *node = &graph->nodes[i];
        node_dead[i] = !value_used[node->output];
        for (int k = 0; k < node->input_count && !node_dead[i]; k++)
            if (node->inputs[k] >= 0)
                value_used[node->inputs[k]] = true;
    }
}

static void compact_values(umbra_graph *graph, const bool *used, int *place)
{
    int kept = 0;
    for (int i = 0; i < graph->value_count; i++) {
        umbra_value value = graph->values[i];
        if (!used[i]) {
            umbra_memory_free(value.name);
            umbra_memory_free(value.f32);
            umbra_memory_free(value.moments);
            umbra_memory_free(value.i64);
            continue;
        }
        place[i] = kept;
        graph->values[kept++] = value;
    }
    graph->value_count = kept;
    for (int i = 0; i < graph->input_count; i++)
        graph->inputs[i] = place[graph->inputs[i]];
    for (int i = 0; i < graph->output_count; i++)
        graph->outputs[i] = place[graph->outputs[i]];
    for (int i = 0; i < graph->node_count; i++) {
        umbra_node *node = &graph->nodes[i];
        node->output = place[node->output];
        for (int k = 0; k < node->input_count; k++)
            if (node->inputs[k] >= 0)
                node->inputs[k] = place[node->inputs[k]];
    }
}

umbra_status umbra_pass_drop_dead(umbra_graph *graph)
{
    void *used = NULL, *dead = NULL, *place = NULL;
    umbra_status status;
    size_t values = (size_t)graph->value_count + 1;
    UMBRA_GOTO(end, status, umbra_memory_alloc(&used, values, "dead values"));
    UMBRA_GOTO(end, status, umbra_memory_alloc(&dead, (size_t)graph->node_count + 1, "dead nodes"));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&place, values, sizeof(int), "dead values"));
    mark(graph, used, dead);
    umbra_graph_remove_nodes(graph, dead);
    compact_values(graph, used, place);
end:
    umbra_memory_free(used);
    umbra_memory_free(dead);
    umbra_memory_free(place);
    return status;
}
