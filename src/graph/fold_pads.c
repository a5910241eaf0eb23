/* Zero pads go into the convolution or average pooling that follows them. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

/* A pad folds where it pads only the spatial dimensions, and each reader can take it over. Average
 * pooling must count the pads, and must not already pad without counting. */
static bool can_take(const umbra_graph *graph, const umbra_node *reader, const umbra_node *pad)
{
    const umbra_shape *x = &graph->values[pad->inputs[0]].shape;
    const int64_t *begins = pad->attr.pads_full, *ends = pad->attr.pads_full + UMBRA_MAX_RANK;
    if (graph->values[reader->output].shape.rank < 0)
        return false;
    bool conv = reader->op == UMBRA_OP_CONV;
    bool pool = reader->op == UMBRA_OP_AVERAGE_POOL;
    const int64_t *own = reader->attr.pads;
    bool unpadded = own[0] == 0 && own[1] == 0 && own[2] == 0 && own[3] == 0;
    if ((!conv && !pool) || reader->inputs[0] != pad->output || (x->rank != 3 && x->rank != 4))
        return false;
    if (pool && !unpadded && !reader->attr.count_include_pad)
        return false;
    for (int i = 0; i < x->rank; i++) {
        if (i < 2 && (begins[i] != 0 || ends[i] != 0))
            return false;
        int64_t extent =
            i < 2 ? 0 : (reader->attr.kernel[i - 2] - 1) * reader->attr.dilations[i - 2] + 1;
        if (i >= 2 && pool && (begins[i] + own[i - 2] >= extent || ends[i] + own[i] >= extent))
            return false; /* a window of pads alone has no elements in some runtimes */
    }
    return true;
}

static bool readers_can_take(const umbra_graph *graph, const umbra_node *pad)
{
    int readers = 0;
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == pad->output)
            return false;
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++) {
            if (graph->nodes[i].inputs[k] != pad->output)
                continue;
            readers++;
            if (k != 0 || !can_take(graph, &graph->nodes[i], pad))
                return false;
        }
    return readers > 0;
}

static void take(umbra_node *reader, const umbra_node *pad, int rank)
{
    reader->inputs[0] = pad->inputs[0];
    for (int i = 2; i < rank; i++) {
        reader->attr.pads[i - 2] += pad->attr.pads_full[i];
        reader->attr.pads[i] += pad->attr.pads_full[UMBRA_MAX_RANK + i];
    }
    reader->attr.count_include_pad = true;
}

umbra_status umbra_pass_fold_pads(umbra_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *pad = &graph->nodes[i];
        if (pad->op != UMBRA_OP_PAD || graph->values[pad->output].shape.rank < 0 ||
            !readers_can_take(graph, pad))
            continue;
        int rank = graph->values[pad->inputs[0]].shape.rank;
        for (int k = 0; k < graph->node_count; k++)
            if (graph->nodes[k].input_count > 0 && graph->nodes[k].inputs[0] == pad->output)
                take(&graph->nodes[k], pad, rank);
    }
    return umbra_pass_drop_dead(graph);
}
