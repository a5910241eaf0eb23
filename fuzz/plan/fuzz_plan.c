/* Fuzz target: the plan reader and the profile's parts on arbitrary bodies. */
#include "fuzz_target.h"
#include "plan/plan_internal.h"

/* The reader compiles what it reads: a small model keeps one run short, so large bodies are left
 * out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_graph *graph = NULL;
    umbra_model_info model;
    umbra_plan *plan = NULL;
    if (size > 1 << 16)
        return 0;
    umbra_reader reader = umbra_reader_make(data, size, "input");
    if (umbra_model_info_read(&reader, &model) == UMBRA_OK) {
        if (umbra_graph_read(&reader, &graph) == UMBRA_OK)
            umbra_graph_free(graph);
        umbra_model_info_free(&model);
    }
    reader = umbra_reader_make(data, size, "input");
    if (umbra_plan_read_body(&reader, &plan) == UMBRA_OK)
        umbra_plan_free(plan);
    return 0;
}
