/* Put nodes in an order in which every input is computed before it is used. */
#include "graph/build.h"

#include "base/memory.h"

/* Depth-first from each node in its present order, on an explicit stack: graphs from outside may be
 * deep. state: 0 unseen, 1 on the stack, 2 placed. cursor[i]: the next input of node i to look at.
 */
typedef struct sorter {
    umbra_graph *graph;
    umbra_node *placed;
    int *stack, *cursor;
    unsigned char *state;
    int placed_count;
} sorter;

static umbra_status visit(sorter *s, int root)
{
    int depth = 0;
    s->stack[depth++] = root;
    s->state[root] = 1;
    while (depth > 0) {
        int at = s->stack[depth - 1];
        const umbra_node *node = &s->graph->nodes[at];
        if (s->cursor[at] == node->input_count) {
            s->state[at] = 2;
            s->placed[s->placed_count++] = *node;
            depth--;
            continue;
        }
        int input = node->inputs[s->cursor[at]++];
        int before = input < 0 ? -1 : s->graph->values[input].producer;
        if (before < 0 || s->state[before] == 2)
            continue;
        if (s->state[before] == 1)
            return umbra_fail(UMBRA_E_INPUT, "node \"%s\" (%s) depends on its own output",
                              s->graph->nodes[before].name, s->graph->nodes[before].op_type);
        s->state[before] = 1;
        s->stack[depth++] = before;
    }
    return UMBRA_OK;
}

umbra_status umbra_graph_sort(umbra_graph *graph)
{
    sorter s = {.graph = graph};
    size_t count = (size_t)graph->node_count + 1;
    void *memory[4] = {NULL, NULL, NULL, NULL};
    umbra_status status;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&memory[0], graph->node_capacity + 1, sizeof(umbra_node),
                                        "sorting"));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&memory[1], count, sizeof(int), "sorting"));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&memory[2], count, sizeof(int), "sorting"));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&memory[3], count, 1, "sorting"));
    s.placed = memory[0];
    s.stack = memory[1];
    s.cursor = memory[2];
    s.state = memory[3];
    for (int i = 0; i < graph->node_count; i++)
        if (s.state[i] == 0)
            UMBRA_GOTO(end, status, visit(&s, i));
    memory[0] = graph->nodes;
    graph->nodes = s.placed;
    for (int i = 0; i < graph->node_count; i++)
        graph->values[graph->nodes[i].output].producer = i;
end:
    for (int i = 0; i < 4; i++)
        umbra_memory_free(memory[i]);
    return status;
}
