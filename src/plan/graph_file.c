/* Graphs in bytes: how a plan file holds the network and its weights. */
#include "base/memory.h"
#include "graph/build.h"
#include "plan/plan_internal.h"
#include "plan/problems.h"

#include <math.h>
#include <string.h>

#define MAX_VALUES 100000
#define MAX_NODES 20000
#define MAX_NAME 2048 /* those that the importer makes of two are longer than one of a file */

static void write_value(const umbra_value *v, umbra_writer *w)
{
    umbra_write_string(w, v->name);
    umbra_write_u8(w, (uint8_t)v->type);
    umbra_write_u8(w, v->f32 != NULL ? 1 : v->i64 != NULL ? 2 : 0);
    umbra_write_u8(w, (uint8_t)v->shape.rank);
    for (int d = 0; d < v->shape.rank; d++)
        umbra_write_u64(w, (uint64_t)v->shape.dim[d]);
    umbra_write_f64(w, v->range_min);
    umbra_write_f64(w, v->range_max);
    umbra_write_f64(w, v->usual_most);
    umbra_write_u32(w, (uint32_t)v->moment_channels);
    for (int c = 0; c < 2 * v->moment_channels; c++)
        umbra_write_f64(w, v->moments[c]);
    int64_t count = umbra_shape_elements(&v->shape);
    for (int64_t i = 0; v->f32 != NULL && i < count; i++)
        umbra_write_f32(w, v->f32[i]);
    for (int64_t i = 0; v->f32 == NULL && v->i64 != NULL && i < count; i++)
        umbra_write_u64(w, (uint64_t)v->i64[i]);
}

static void write_i64s(umbra_writer *w, const int64_t *values, int count)
{
    for (int i = 0; i < count; i++)
        umbra_write_u64(w, (uint64_t)values[i]);
}

static void write_attributes(const umbra_attributes *a, umbra_writer *w)
{
    write_i64s(w, a->kernel, 2);
    write_i64s(w, a->strides, 2);
    write_i64s(w, a->dilations, 2);
    write_i64s(w, a->pads, 4);
    write_i64s(w, a->output_padding, 2);
    umbra_write_u64(w, (uint64_t)a->groups);
    umbra_write_u8(w, a->count_include_pad);
    umbra_write_u8(w, a->keep_dims);
    umbra_write_f64(w, a->epsilon);
    umbra_write_u8(w, (uint8_t)a->axes_count);
    write_i64s(w, a->axes, a->axes_count);
    umbra_write_u64(w, (uint64_t)a->axis);
    write_i64s(w, a->permutation, UMBRA_MAX_RANK);
    write_i64s(w, a->pads_full, 2 * UMBRA_MAX_RANK);
    write_i64s(w, a->begin, UMBRA_MAX_RANK);
    write_i64s(w, a->step, UMBRA_MAX_RANK);
    umbra_write_u8(w, (uint8_t)a->degree);
    for (int i = 0; i <= a->degree; i++)
        umbra_write_f64(w, a->coefficient[i]);
}

static void write_node(const umbra_node *n, umbra_writer *w)
{
    umbra_write_u8(w, (uint8_t)n->op);
    umbra_write_string(w, n->name);
    umbra_write_string(w, n->op_type != NULL ? n->op_type : "");
    umbra_write_u8(w, (uint8_t)n->input_count);
    for (int k = 0; k < n->input_count; k++)
        umbra_write_u32(w, (uint32_t)n->inputs[k]);
    umbra_write_u32(w, (uint32_t)n->output);
    write_attributes(&n->attr, w);
}

void umbra_graph_write(const umbra_graph *graph, umbra_writer *writer)
{
    umbra_write_u32(writer, (uint32_t)graph->value_count);
    for (int i = 0; i < graph->value_count; i++)
        write_value(&graph->values[i], writer);
    umbra_write_u32(writer, (uint32_t)graph->node_count);
    for (int i = 0; i < graph->node_count; i++)
        write_node(&graph->nodes[i], writer);
    umbra_write_u32(writer, (uint32_t)graph->inputs[0]);
    umbra_write_u32(writer, (uint32_t)graph->outputs[0]);
}

static umbra_status read_shape(umbra_reader *r, umbra_shape *shape)
{
    shape->rank = umbra_read_u8(r);
    if (shape->rank > UMBRA_MAX_RANK)
        return umbra_reader_fail(r, "a tensor of too many dimensions");
    for (int d = 0; d < shape->rank; d++) {
        uint64_t dim = umbra_read_u64(r);
        if (dim > (uint64_t)UMBRA_MAX_ELEMENTS)
            return umbra_reader_fail(r, "a dimension out of range");
        shape->dim[d] = (int64_t)dim;
    }
    if (umbra_shape_elements(shape) < 0)
        return umbra_reader_fail(r, "a tensor of too many elements");
    return umbra_reader_check(r, "shape");
}

static umbra_status read_data(umbra_reader *r, umbra_graph *g, int value, int data)
{
    const umbra_value *v = &g->values[value];
    int64_t count = umbra_shape_elements(&v->shape);
    for (int64_t i = 0; i < count; i++) {
        if (data == 2) {
            v->i64[i] = (int64_t)umbra_read_u64(r);
            continue;
        }
        v->f32[i] = umbra_read_f32(r);
        if (!isfinite(v->f32[i]))
            return umbra_reader_fail(r, "a weight that is not finite");
    }
    return umbra_reader_check(r, "weights");
}

static umbra_status read_moments(umbra_reader *r, umbra_graph *g, int value, uint32_t channels)
{
    if ((uint64_t)channels * 16 > umbra_reader_left(r))
        return umbra_reader_fail(r, "truncated moments");
    UMBRA_TRY(umbra_graph_add_moments(g, value, (int64_t)channels));
    for (uint32_t c = 0; c < 2 * channels; c++)
        g->values[value].moments[c] = umbra_read_f64(r);
    UMBRA_TRY(umbra_reader_check(r, "moments"));
    return umbra_value_moments_fit(&g->values[value])
               ? UMBRA_OK
               : umbra_reader_fail(r, "moments that make no sense");
}

static umbra_status read_value(umbra_reader *r, umbra_graph *g)
{
    char *name = NULL;
    umbra_shape shape = {0};
    int index = -1;
    UMBRA_TRY(umbra_read_string(r, MAX_NAME, &name));
    int type = umbra_read_u8(r), data = umbra_read_u8(r);
    umbra_status status = read_shape(r, &shape);
    double low = umbra_read_f64(r), high = umbra_read_f64(r);
    double usual_most = umbra_read_f64(r);
    uint32_t channels = umbra_read_u32(r);
    uint64_t bytes =
        (uint64_t)(status == UMBRA_OK ? umbra_shape_elements(&shape) : 0) * (data == 2 ? 8 : 4);
    if (status == UMBRA_OK && (type > UMBRA_I64 || data > 2 || isnan(low) || isnan(high) ||
                               !(usual_most >= 0 && usual_most < 1e15)))
        status = umbra_reader_fail(r, "a tensor of an unknown type");
    /* Before memory is taken for it. */
    if (status == UMBRA_OK && data != 0 && bytes > umbra_reader_left(r))
        status = umbra_reader_fail(r, "truncated weights");
    if (status == UMBRA_OK)
        status = data == 0 ? umbra_graph_add_value(g, name, &shape, (umbra_data_type)type, &index)
                           : umbra_graph_add_constant(g, name, &shape,
                                                      data == 2 ? UMBRA_I64 : UMBRA_F32, &index);
    umbra_memory_free(name);
    if (status != UMBRA_OK)
        return status;
    g->values[index].range_min = low;
    g->values[index].range_max = high;
    g->values[index].usual_most = usual_most;
    if (channels > 0)
        UMBRA_TRY(read_moments(r, g, index, channels));
    return data == 0 ? UMBRA_OK : read_data(r, g, index, data);
}

static bool read_i64s(umbra_reader *r, int64_t *out, int count, int64_t low, int64_t high)
{
    bool fine = true;
    for (int i = 0; i < count; i++) {
        out[i] = (int64_t)umbra_read_u64(r);
        fine = fine && out[i] >= low && out[i] <= high;
    }
    return fine;
}

static umbra_status read_attributes(umbra_reader *r, umbra_attributes *a)
{
    const int64_t most = 1 << 24;
    *a = umbra_attributes_default();
    bool fine = read_i64s(r, a->kernel, 2, 0, most);
    fine &= read_i64s(r, a->strides, 2, 1, most);
    fine &= read_i64s(r, a->dilations, 2, 1, most);
    fine &= read_i64s(r, a->pads, 4, 0, most);
    fine &= read_i64s(r, a->output_padding, 2, 0, most);
    fine &= read_i64s(r, &a->groups, 1, 1, most);
    a->count_include_pad = umbra_read_u8(r) != 0;
    a->keep_dims = umbra_read_u8(r) != 0;
    a->epsilon = umbra_read_f64(r);
    a->axes_count = umbra_read_u8(r);
    if (!fine || a->axes_count > UMBRA_MAX_RANK || !isfinite(a->epsilon))
        return umbra_reader_fail(r, "an attribute out of range");
    fine = read_i64s(r, a->axes, a->axes_count, -UMBRA_MAX_RANK, UMBRA_MAX_RANK);
    fine &= read_i64s(r, &a->axis, 1, -UMBRA_MAX_RANK, UMBRA_MAX_RANK);
    fine &= read_i64s(r, a->permutation, UMBRA_MAX_RANK, 0, UMBRA_MAX_RANK - 1);
    fine &= read_i64s(r, a->pads_full, 2 * UMBRA_MAX_RANK, 0, most);
    fine &= read_i64s(r, a->begin, UMBRA_MAX_RANK, 0, UMBRA_MAX_ELEMENTS);
    fine &= read_i64s(r, a->step, UMBRA_MAX_RANK, -UMBRA_MAX_ELEMENTS, UMBRA_MAX_ELEMENTS);
    if (!fine)
        return umbra_reader_fail(r, "an attribute out of range");
    a->degree = umbra_read_u8(r);
    if (a->degree > UMBRA_MAX_DEGREE)
        return umbra_reader_fail(r, "a polynomial of too high a degree");
    for (int i = 0; i <= a->degree; i++) {
        a->coefficient[i] = umbra_read_f64(r);
        if (!isfinite(a->coefficient[i]))
            return umbra_reader_fail(r, "a coefficient that is not finite");
    }
    return umbra_reader_check(r, "attributes");
}

/* A value that exists where the node stands: a constant, the input, or an earlier node's output. */
static bool is_ready(const umbra_graph *g, int value, int input)
{
    return value >= 0 && value < g->value_count &&
           (value == input || umbra_value_is_constant(&g->values[value]) ||
            g->values[value].producer >= 0);
}

static umbra_status read_node(umbra_reader *r, umbra_graph *g)
{
    char *name = NULL, *type = NULL;
    int inputs[UMBRA_PLAN_NODE_INPUTS], unused = -1;
    umbra_attributes attributes;
    int op = umbra_read_u8(r);
    UMBRA_TRY(umbra_read_string(r, MAX_NAME, &name));
    umbra_status status = umbra_read_string(r, MAX_NAME, &type);
    int count = umbra_read_u8(r);
    if (status == UMBRA_OK && (op >= UMBRA_OP_COUNT || count < 1 || count > UMBRA_PLAN_NODE_INPUTS))
        status = umbra_reader_fail(r, "an unknown node");
    for (int k = 0; status == UMBRA_OK && k < count; k++) {
        inputs[k] = (int)(int32_t)umbra_read_u32(r);
        if (inputs[k] < -1 || inputs[k] >= g->value_count || (k == 0 && inputs[k] < 0))
            status = umbra_reader_fail(r, "a node reads a value that does not exist");
    }
    int output = (int)(int32_t)umbra_read_u32(r);
    if (status == UMBRA_OK)
        status = read_attributes(r, &attributes);
    if (status == UMBRA_OK &&
        (output < 0 || output >= g->value_count || g->values[output].producer >= 0 ||
         umbra_value_is_constant(&g->values[output])))
        status = umbra_reader_fail(r, "a node writes a value that it may not");
    if (status == UMBRA_OK)
        status = umbra_graph_add_node(g, (umbra_op)op, name, type, inputs, count, output,
                                      &attributes, &unused);
    umbra_memory_free(name);
    umbra_memory_free(type);
    return status;
}

/* Inputs before use, and shapes as the operators make them: what every later step relies on. */
static umbra_status check_graph(const umbra_reader *r, umbra_graph *g, int input, int output)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)g->value_count + 1, sizeof(bool), "a graph"));
    bool *ready = made;
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < g->value_count; i++)
        ready[i] = i == input || umbra_value_is_constant(&g->values[i]);
    for (int i = 0; status == UMBRA_OK && i < g->node_count; i++) {
        const umbra_node *n = &g->nodes[i];
        umbra_shape shape;
        for (int k = 0; k < n->input_count; k++)
            if (n->inputs[k] >= 0 && !ready[n->inputs[k]])
                status = umbra_reader_fail(r, "a node reads what is computed after it");
        if (status == UMBRA_OK)
            status = umbra_infer_node(g, n, &shape);
        if (status == UMBRA_OK && !umbra_shape_equal(&shape, &g->values[n->output].shape))
            status = umbra_reader_fail(r, "a node's output has another shape than it computes");
        ready[n->output] = true;
    }
    if (status == UMBRA_OK &&
        (!is_ready(g, output, input) || umbra_value_is_constant(&g->values[output])))
        status = umbra_reader_fail(r, "the output is not computed");
    umbra_memory_free(made);
    return status;
}

static umbra_status read_all(umbra_reader *r, umbra_graph *g)
{
    uint32_t values = umbra_read_u32(r);
    if (values > MAX_VALUES)
        return umbra_reader_fail(r, "too many tensors");
    for (uint32_t i = 0; i < values; i++)
        UMBRA_TRY(read_value(r, g));
    uint32_t nodes = umbra_read_u32(r);
    if (nodes > MAX_NODES)
        return umbra_reader_fail(r, "too many nodes");
    for (uint32_t i = 0; i < nodes; i++)
        UMBRA_TRY(read_node(r, g));
    uint32_t input = umbra_read_u32(r), output = umbra_read_u32(r);
    UMBRA_TRY(umbra_reader_check(r, "graph"));
    if (input >= values || output >= values || umbra_value_is_constant(&g->values[input]) ||
        g->values[input].producer >= 0)
        return umbra_reader_fail(r, "no such input or output");
    UMBRA_TRY(umbra_graph_add_input(g, (int)input));
    UMBRA_TRY(umbra_graph_add_output(g, (int)output));
    return check_graph(r, g, (int)input, (int)output);
}

umbra_status umbra_graph_read(umbra_reader *reader, umbra_graph **out)
{
    umbra_graph *graph = NULL;
    UMBRA_TRY(umbra_graph_new(&graph));
    umbra_status status = read_all(reader, graph);
    if (status != UMBRA_OK) {
        umbra_graph_free(graph);
        return status;
    }
    *out = graph;
    return UMBRA_OK;
}

umbra_status umbra_graph_copy(const umbra_graph *graph, umbra_graph **out)
{
    umbra_writer writer = {0};
    umbra_graph_write(graph, &writer);
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK) {
        umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "the model's graph");
        status = umbra_graph_read(&reader, out);
    }
    umbra_writer_free(&writer);
    return status;
}
