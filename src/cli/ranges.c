/* The ranges of a network's values over some inputs, and the model.json that tells them. */
#include "cli/ranges.h"

#include "base/memory.h"
#include "graph/build.h"
#include "plain/executor.h"

#include <math.h>

#define MARGIN 0.1 /* of the width of a range, at both ends: other inputs go a little beyond */

#define RARE 50            /* one input of so many may have smaller outputs than the usual ones */
#define MOST_CHANNELS 8192 /* with moments of their own, of all values together */

struct umbra_ranges {
    double *low, *high; /* of each value of the graph; low > high where it is not a computed one */
    double **moments;   /* of each value: sums and sums of squares of its channels over the inputs;
                           NULL where it is not a computed one */
    int *channels;      /* 1: the whole value as one */
    double *most;       /* by input: the largest absolute output, in ascending order */
    size_t count, values;
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

static umbra_status make_moments(umbra_ranges *r, const umbra_graph *graph)
{
    int64_t left = MOST_CHANNELS;
    for (int v = 0; v < graph->value_count; v++) {
        void *made = NULL;
        int64_t channels = umbra_value_channels(&graph->values[v]);
        if (umbra_value_is_constant(&graph->values[v]))
            continue;
        channels = channels >= 1 && channels <= left ? channels : 1;
        left -= channels > 1 ? channels : 0;
        UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * (size_t)channels, sizeof(double), "moments"));
        r->moments[v] = made;
        r->channels[v] = (int)channels;
    }
    return UMBRA_OK;
}

/* Elements of a channel stand together, as the batch is one. */
static void add_moments(umbra_ranges *r, const umbra_graph *graph, const umbra_plain *plain,
                        int value)
{
    const float *data = umbra_plain_value(plain, value);
    double *sums = r->moments[value];
    size_t channels = (size_t)r->channels[value];
    size_t size = (size_t)umbra_shape_elements(&graph->values[value].shape),
           plane = size / channels;
    if (sums == NULL || data == NULL)
        return;
    for (size_t i = 0; i < plane * channels; i++) {
        sums[i / plane] += (double)data[i] / (double)plane;
        sums[channels + i / plane] += (double)data[i] * (double)data[i] / (double)plane;
    }
}

/* Insert the largest absolute output of one more input. */
static void note_most(umbra_ranges *r, const umbra_graph *graph, const umbra_plain *plain)
{
    const float *data = umbra_plain_value(plain, graph->outputs[0]);
    int64_t size = umbra_shape_elements(&graph->values[graph->outputs[0]].shape);
    double most = 0;
    for (int64_t i = 0; data != NULL && i < size; i++)
        most = fmax(most, fabs((double)data[i]));
    size_t at = r->count++;
    for (; at > 0 && r->most[at - 1] > most; at--)
        r->most[at] = r->most[at - 1];
    r->most[at] = most;
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
        for (int v = 0; v < graph->value_count; v++)
            add_moments(r, graph, plain, v);
        note_most(r, graph, plain);
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
    r->values = values;
    UMBRA_GOTO(fail, status, umbra_memory_alloc_array(&memory, values, sizeof(double *), "ranges"));
    r->moments = memory;
    UMBRA_GOTO(fail, status, umbra_memory_alloc_array(&memory, values, sizeof(int), "ranges"));
    r->channels = memory;
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&memory, count + 1, sizeof(double), "ranges"));
    r->most = memory;
    UMBRA_GOTO(fail, status, make_moments(r, graph));
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
    for (size_t v = 0; r->moments != NULL && v < r->values; v++)
        umbra_memory_free(r->moments[v]);
    umbra_memory_free(r->moments);
    umbra_memory_free(r->channels);
    umbra_memory_free(r->most);
    umbra_memory_free(r);
}

static json_t *moments_of(const umbra_ranges *r, const umbra_graph *graph, int value)
{
    json_t *mean = json_array(), *square = json_array();
    for (int c = 0; c < r->channels[value]; c++) {
        json_array_append_new(mean, json_real(r->moments[value][c] / (double)r->count));
        json_array_append_new(
            square, json_real(r->moments[value][r->channels[value] + c] / (double)r->count));
    }
    json_t *object = json_pack("{s:o, s:o}", "mean", mean, "square", square);
    if (value == graph->outputs[0])
        json_object_set_new(object, "usual_most", json_real(r->most[r->count / RARE]));
    return object;
}

umbra_status umbra_ranges_model_json(const umbra_ranges *r, const umbra_graph *graph,
                                     const char *name, json_t **out)
{
    json_t *ranges = json_object(), *moments = json_object();
    double most = 0;
    for (int v = 0; v < graph->value_count; v++) {
        double margin = MARGIN * (r->high[v] - r->low[v]) + 1e-6;
        if (r->low[v] > r->high[v])
            continue;
        json_object_set_new(ranges, graph->values[v].name,
                            json_pack("[f, f]", r->low[v] - margin, r->high[v] + margin));
        if (r->moments[v] != NULL)
            json_object_set_new(moments, graph->values[v].name, moments_of(r, graph, v));
        if (v == graph->inputs[0])
            most = fmax(fabs(r->low[v] - margin), fabs(r->high[v] + margin));
    }
    *out = json_pack("{s:s, s:i, s:s, s:s, s:{s:s}, s:{s:f}, s:s, s:o, s:o}", "format",
                     "umbra-model", "version", 1, "name", name, "classifier", "classifier.onnx",
                     "input", "kind", "tensor", "latent", "abs_max", most, "output", "logits",
                     "ranges", ranges, "moments", moments);
    if (*out == NULL)
        return umbra_fail(UMBRA_E_INPUT, "\"%s\" is no name for a model: it is not UTF-8", name);
    return UMBRA_OK;
}
