/* Growing and editing a graph. */
#include "graph/build.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_ELEMENTS (1 << 28) /* of each list; their numbers are ints */

umbra_status umbra_graph_new(umbra_graph **out)
{
    void *memory;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_graph), "a graph"));
    *out = memory;
    return UMBRA_OK;
}

umbra_status umbra_text_copy(char **out, const char *text)
{
    void *copy;
    size_t length = strlen(text);
    UMBRA_TRY(umbra_memory_alloc(&copy, length + 1, "a name"));
    memcpy(copy, text, length + 1);
    *out = copy;
    return UMBRA_OK;
}

/* Room for one more element of any type, within the limit. */
static umbra_status reserve(void *array, int count, size_t *capacity, size_t element_bytes)
{
    if (count >= MOST_ELEMENTS)
        return umbra_fail(UMBRA_E_INPUT, "the graph has more than 2^28 values; split the model");
    return umbra_memory_grow(array, (size_t)count, (size_t)count + 1, capacity, element_bytes,
                             "a graph");
}

umbra_status umbra_graph_add_value(umbra_graph *graph, const char *name, const umbra_shape *shape,
                                   umbra_data_type type, int *index)
{
    UMBRA_TRY(
        reserve(&graph->values, graph->value_count, &graph->value_capacity, sizeof(umbra_value)));
    umbra_value value = {.shape = *shape, .type = type, .producer = -1, .range_min = 1.0};
    UMBRA_TRY(umbra_text_copy(&value.name, name));
    *index = graph->value_count;
    graph->values[graph->value_count++] = value;
    return UMBRA_OK;
}

umbra_status umbra_graph_add_moments(umbra_graph *graph, int value, int64_t channels)
{
    void *made = NULL;
    umbra_value *v = &graph->values[value];
    if (channels < 1 || channels > UMBRA_MAX_MOMENTS ||
        (channels != 1 && channels != umbra_value_channels(v)))
        return umbra_fail(UMBRA_E_INPUT, "\"%s\" has %lld channels, and moments of %lld", v->name,
                          (long long)umbra_value_channels(v), (long long)channels);
    UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * (size_t)channels, sizeof(double), "moments"));
    umbra_memory_free(v->moments);
    v->moments = made;
    v->moment_channels = (int)channels;
    return UMBRA_OK;
}

bool umbra_value_moments_fit(const umbra_value *value)
{
    for (int c = 0; c < value->moment_channels; c++) {
        double mean = value->moments[c], square = value->moments[value->moment_channels + c];
        if (!(fabs(mean) < 1e15) || !(square >= mean * mean * (1 - 1e-3)) || !(square < 1e30))
            return false;
    }
    return value->usual_most >= 0 && value->usual_most < 1e15;
}

umbra_status umbra_graph_charge(umbra_graph *graph, const umbra_shape *shape, umbra_data_type type,
                                const char *name)
{
    char text[UMBRA_SHAPE_TEXT];
    int64_t words = umbra_shape_elements(shape);
    if (type == UMBRA_I64 && words > 0)
        words *= 2;
    if (words < 0 || words > UMBRA_MAX_ELEMENTS - graph->constant_words)
        return umbra_fail(UMBRA_E_INPUT,
                          "constant \"%s\" of shape %s: all constants together may take at most "
                          "%lld MiB; use a smaller model",
                          name, umbra_shape_text(shape, text),
                          (long long)(UMBRA_MAX_ELEMENTS >> 18));
    graph->constant_words += words;
    return UMBRA_OK;
}

umbra_status umbra_graph_add_constant(umbra_graph *graph, const char *name,
                                      const umbra_shape *shape, umbra_data_type type, int *index)
{
    UMBRA_TRY(umbra_graph_charge(graph, shape, type, name));
    int64_t elements = umbra_shape_elements(shape);
    size_t count = elements > 0 ? (size_t)elements : 1;
    void *data;
    UMBRA_TRY(umbra_memory_alloc_array(&data, count, type == UMBRA_F32 ? 4 : 8, "a constant"));
    umbra_status status = umbra_graph_add_value(graph, name, shape, type, index);
    if (status != UMBRA_OK) {
        umbra_memory_free(data);
        return status;
    }
    if (type == UMBRA_F32)
        graph->values[*index].f32 = data;
    else
        graph->values[*index].i64 = data;
    return UMBRA_OK;
}

umbra_status umbra_graph_add_constant_like(umbra_graph *graph, int like, const char *role,
                                           const umbra_shape *shape, int *index)
{
    char name[2048];
    const char *base = graph->values[like].name;
    const char *mark = strstr(base, UMBRA_GENERATED_MARK); /* the name of a name stays short */
    int length = mark != NULL ? (int)(mark - base) : (int)strlen(base);
    snprintf(name, sizeof name, "%.*s" UMBRA_GENERATED_MARK "%s%d", length > 1900 ? 1900 : length,
             base, role, graph->generated_names++);
    return umbra_graph_add_constant(graph, name, shape, UMBRA_F32, index);
}

static void release_node(umbra_node *node)
{
    umbra_memory_free(node->name);
    umbra_memory_free(node->op_type);
    umbra_memory_free(node->note);
    umbra_memory_free(node->inputs);
    *node = (umbra_node){.output = -1};
}

umbra_status umbra_graph_add_node(umbra_graph *graph, umbra_op op, const char *name,
                                  const char *op_type, const int *inputs, int input_count,
                                  int output, const umbra_attributes *attr, int *index)
{
    UMBRA_TRY(reserve(&graph->nodes, graph->node_count, &graph->node_capacity, sizeof(umbra_node)));
    umbra_node node = {.op = op, .input_count = input_count, .output = output};
    node.attr = attr != NULL ? *attr : umbra_attributes_default();
    umbra_status status;
    void *copy;
    UMBRA_GOTO(fail, status, umbra_text_copy(&node.name, name));
    UMBRA_GOTO(fail, status, umbra_text_copy(&node.op_type, op_type));
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&copy, (size_t)input_count + 1, sizeof(int), "a node"));
    node.inputs = copy;
    if (input_count > 0)
        memcpy(node.inputs, inputs, (size_t)input_count * sizeof(int));
    if (index != NULL)
        *index = graph->node_count;
    graph->values[output].producer = graph->node_count;
    graph->nodes[graph->node_count++] = node;
    return UMBRA_OK;
fail:
    release_node(&node);
    return status;
}

umbra_status umbra_graph_add_input(umbra_graph *graph, int value)
{
    UMBRA_TRY(reserve(&graph->inputs, graph->input_count, &graph->input_capacity, sizeof(int)));
    graph->inputs[graph->input_count++] = value;
    return UMBRA_OK;
}

umbra_status umbra_graph_add_output(umbra_graph *graph, int value)
{
    UMBRA_TRY(reserve(&graph->outputs, graph->output_count, &graph->output_capacity, sizeof(int)));
    graph->outputs[graph->output_count++] = value;
    return UMBRA_OK;
}

umbra_attributes umbra_attributes_default(void)
{
    return (umbra_attributes){
        .kernel = {1, 1}, .strides = {1, 1}, .dilations = {1, 1}, .groups = 1, .epsilon = 1e-5};
}

umbra_status umbra_constant_as_f32(umbra_graph *graph, int index)
{
    umbra_value *value = &graph->values[index];
    if (value->f32 != NULL)
        return UMBRA_OK;
    if (value->i64 == NULL)
        return umbra_fail(UMBRA_E_INTERNAL, "\"%s\" is not a constant", value->name);
    UMBRA_TRY(umbra_graph_charge(graph, &value->shape, UMBRA_F32, value->name));
    size_t count = (size_t)umbra_shape_elements(&value->shape);
    void *data;
    UMBRA_TRY(umbra_memory_alloc_array(&data, count > 0 ? count : 1, 4, "a constant"));
    value->f32 = data;
    for (size_t i = 0; i < count; i++)
        value->f32[i] = (float)value->i64[i];
    return UMBRA_OK;
}

umbra_status umbra_graph_count_uses(const umbra_graph *graph, int **uses)
{
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)graph->value_count + 1, sizeof(int),
                                       "use counts"));
    int *count = memory;
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] >= 0)
                count[graph->nodes[i].inputs[k]]++;
    for (int i = 0; i < graph->output_count; i++)
        count[graph->outputs[i]]++;
    *uses = count;
    return UMBRA_OK;
}

void umbra_graph_replace_uses(umbra_graph *graph, int from, int to)
{
    for (int i = 0; i < graph->node_count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] == from)
                graph->nodes[i].inputs[k] = to;
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == from)
            graph->outputs[i] = to;
}

void umbra_graph_remove_nodes(umbra_graph *graph, const bool *dead)
{
    int kept = 0;
    for (int i = 0; i < graph->node_count; i++) {
        umbra_node node = graph->nodes[i];
        if (dead[i]) {
            if (graph->values[node.output].producer == i)
                graph->values[node.output].producer = -1;
            release_node(&node);
            continue;
        }
        if (graph->values[node.output].producer == i)
            graph->values[node.output].producer = kept;
        graph->nodes[kept++] = node;
    }
    graph->node_count = kept;
}

void umbra_graph_remove_last_node(umbra_graph *graph)
{
    umbra_node *node = &graph->nodes[graph->node_count - 1];
    graph->values[node->output].producer = -1;
    release_node(node);
    graph->node_count--;
}

void umbra_node_set_input(umbra_node *node, int position, int value)
{
    node->inputs[position] = value; /* one spare place is always allocated */
    if (position >= node->input_count)
        node->input_count = position + 1;
}

static bool all_finite(const umbra_value *value)
{
    int64_t count = value->f32 != NULL ? umbra_shape_elements(&value->shape) : 0;
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(value->f32[i]))
            return false;
    return true;
}

umbra_status umbra_graph_find_infinite(const umbra_graph *graph, bool **bad)
{
    void *memory;
    UMBRA_TRY(umbra_memory_alloc(&memory, (size_t)graph->value_count + 1, "constants"));
    *bad = memory;
    for (int i = 0; i < graph->value_count; i++)
        (*bad)[i] = !all_finite(&graph->values[i]);
    return UMBRA_OK;
}

int umbra_node_bad_input(const umbra_node *node, const bool *bad)
{
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && bad[node->inputs[i]])
            return node->inputs[i];
    return -1;
}
