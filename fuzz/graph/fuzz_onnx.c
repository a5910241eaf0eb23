/* Fuzz target: import, simplify and judge a model; run it where it is small. */
#include "fuzz_target.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/onnx_adapt.h"
#include "graph/passes.h"
#include "plain/executor.h"

#include <assert.h>
#include <string.h>

#define SMALL 20000 /* elements of all values together: what runs in milliseconds */

static int is_small(const umbra_graph *graph)
{
    int64_t total = 0;
    for (int i = 0; i < graph->value_count; i++) {
        int64_t n = umbra_shape_elements(&graph->values[i].shape);
        if (n < 0 || n > SMALL)
            return 0;
        total += n;
    }
    return total < SMALL && graph->input_count <= 4 && graph->node_count < 40;
}

static void run(const umbra_graph *graph)
{
    static const float zeros[SMALL];
    const float *inputs[4] = {zeros, zeros, zeros, zeros};
    umbra_plain *plain = NULL;
    if (!is_small(graph) || umbra_plain_new(&plain, graph, 1) != UMBRA_OK)
        return;
    umbra_status status = umbra_plain_run(plain, inputs);
    assert(status == UMBRA_OK);
    (void)status;
    umbra_plain_free(plain);
}

/* What every graph promises. */
static void check(const umbra_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *node = &graph->nodes[i];
        assert(node->output >= 0 && node->output < graph->value_count);
        assert(graph->values[node->output].producer == i);
        for (int k = 0; k < node->input_count; k++) {
            assert(node->inputs[k] < graph->value_count);
            assert(node->inputs[k] < 0 || graph->values[node->inputs[k]].producer < i);
        }
    }
    assert(graph->output_count > 0);
}

/* What was read is adapted, or refused in words; what was adapted can be read where names leave
 * room for longer ones. */
static void adapt(const uint8_t *data, size_t size)
{
    umbra_adapter *adapter = NULL;
    umbra_graph *graph = NULL;
    unsigned char *bytes = NULL;
    size_t packed = 0;
    if (umbra_adapter_open(&adapter, data, size, "input") != UMBRA_OK)
        return;
    for (int i = 0; i < umbra_adapter_site_count(adapter); i++)
        for (int k = 0; k < 3; k++)
            umbra_adapter_site(adapter, i)->c[k] = 0.5 * (i + 1);
    if (umbra_adapter_pack(adapter, NULL, &bytes, &packed) == UMBRA_OK &&
        umbra_onnx_import(bytes, packed, "adapted", &graph) == UMBRA_OK)
        check(graph);
    umbra_graph_free(graph);
    umbra_memory_free(bytes);
    umbra_adapter_free(adapter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_graph *graph = NULL;
    char *list = NULL;
    int count;
    if (umbra_onnx_import(data, size, "input", &graph) != UMBRA_OK) {
        assert(strlen(umbra_error_message()) > 10);
        return 0;
    }
    check(graph);
    run(graph);
    adapt(data, size);
    if (umbra_graph_simplify(graph) == UMBRA_OK) {
        check(graph);
        run(graph);
        if (umbra_graph_list_offenders(graph, &list, &count) == UMBRA_OK)
            assert((count == 0) == (list == NULL));
    }
    umbra_memory_free(list);
    umbra_graph_free(graph);
    return 0;
}
