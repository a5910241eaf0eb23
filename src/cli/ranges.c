/* The ranges of a network's values over some inputs, and the model.json that tells them. */
#include "cli/ranges.h"

#include "base/memory.h"
#include "graph/build.h"
#include "plain/executor.h"

#include <math.h>

#define MARGIN 0.1 /* of the width of a range, at both ends: other inputs go a little beyond */

struct umbra_ranges {
    double *low, *high; /* of each value of the graph; low > high where it is not a computed one */
};

static umbra_status widen(umbra_ranges *r, const umbra_graph *graph, const umbra_plain *plain,
                          int value)
{
    const umbra_value *v = &graph->values[value];
    const float *data = umbra_plain_value(plain, value);
    if (umbra_value_is_constant(v) || data == NULL)
        return UMBRA_OK;
    for (int64_t i = 0; i < umbra_shape_elements(&v->shape); i++) {
        if (!isfinite(data[i]))
            return umbra_fail(UMBRA_E_MODEL,
                              "\"%s\" overflows: the numbers grow too fast from square to square; "
                              "train again, or fit to other inputs",
                              v->name);
        r->low[value] = fmin(r->low[value], (double)data[i]);
        r->high[value] = fmax(r->high[value], (double)data[i]);
    }
    return UMBRA_OK;
}

static umbra_status run_all(umbra_ranges *r, const umbra_graph *graph, const float *inputs,
                            size_t count, umbra_plain *plain)
{
    size_t each = (size_t)umbra_shape_elements(&graph->values[graph->inputs[0]].shape);
    for (size_t i = 0; i < count; i++) {
        const float *input[1] = {inputs + i * each};
        UMBRA_TRY(umbra_plain_run(plain, input));
        for (int v = 0; v < graph->value_count; v++)
            UMBRA_TRY(widen(r, graph, plain, v));
    }
    return UMBRA_OK;
}

umbra_status umbra_ranges_measure(const umbra_graph *graph, const float *inputs, size_t count,
                                  int threads, umbra_ranges **out)
{
    void *memory;
    umbra_plain *plain = NULL;
    umbra_status status;
    size_t values = (size_t)graph->value_count + 1;
    if (graph->input_count != 1)
        return umbra_fail(UMBRA_E_MODEL, "the model has %d inputs; one is needed",
                          graph->input_count);
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_ranges), "ranges"));
    umbra_ranges *r = memory;
    UMBRA_GOTO(fail, status, umbra_memory_alloc_array(&memory, values, sizeof(double), "ranges"));
    r->low = memory;
    UMBRA_GOTO(fail, status, umbra_memory_alloc_array(&memory, values, sizeof(double), "ranges"));
    r->high = memory;
    for (size_t v = 0; v < values; v++) {
        r->low[v] = INFINITY;
        r->high[v] = -INFINITY;
    }
    UMBRA_GOTO(fail, status, umbra_plain_new(&plain, graph, threads));
    UMBRA_GOTO(fail, status, run_all(r, graph, inputs, count, plain));
    umbra_plain_free(plain);
    *out = r;
    return UMBRA_OK;
fail:
    umbra_plain_free(plain);
    umbra_ranges_free(r);
    return status;
}

void umbra_ranges_free(umbra_ranges *r)
{
    if (r == NULL)
        return;
    umbra_memory_free(r->low);
    umbra_memory_free(r->high);
    umbra_memory_free(r);
}

umbra_status umbra_ranges_model_json(const umbra_ranges *r, const umbra_graph *graph,
                                     const char *name, json_t **out)
{
    json_t *ranges = json_object();
    double most = 0;
    for (int v = 0; v < graph->value_count; v++) {
        double margin = MARGIN * (r->high[v] - r->low[v]) + 1e-6;
        if (r->low[v] > r->high[v])
            continue;
        json_object_set_new(ranges, graph->values[v].name,
                            json_pack("[f, f]", r->low[v] - margin, r->high[v] + margin));
        if (v == graph->inputs[0])
            most = fmax(fabs(r->low[v] - margin), fabs(r->high[v] + margin));
    }
    *out = json_pack("{s:s, s:i, s:s, s:s, s:{s:s}, s:{s:f}, s:s, s:o}", "format", "umbra-model",
                     "version", 1, "name", name, "classifier", "classifier.onnx", "input", "kind",
                     "tensor", "latent", "abs_max", most, "output", "logits", "ranges", ranges);
    if (*out == NULL)
        return umbra_fail(UMBRA_E_INPUT, "\"%s\" is no name for a model: it is not UTF-8", name);
    return UMBRA_OK;
}
