/* Matrices of nodes that move, repeat or scale elements. */
#include "plan/selection.h"

#include "base/memory.h"
#include "graph/broadcast.h"
#include "graph/build.h"
#include "graph/move.h"
#include "plan/sparse_internal.h"

#include <math.h>

#define MOST_ELEMENTS ((int64_t)1 << 24) /* as umbra_value_geometry */

bool umbra_op_selects(umbra_op op)
{
    return umbra_op_moves(op) || op == UMBRA_OP_ADD || op == UMBRA_OP_SUB || op == UMBRA_OP_MUL ||
           op == UMBRA_OP_DIV;
}

void umbra_selection_free(umbra_selection *selection)
{
    umbra_memory_free(selection->column);
    umbra_memory_free(selection->weight);
    *selection = (umbra_selection){0};
}

static const umbra_shape *shape_of(const umbra_graph *graph, int value)
{
    return &graph->values[value].shape;
}

/* Repeat an input as broadcasting does: elements of 4 or 8 bytes. */
static void repeat(const umbra_graph *graph, const umbra_node *node, int input, void *out,
                   const void *in, size_t element_bytes)
{
    const umbra_shape *x = shape_of(graph, node->inputs[input]);
    const umbra_shape *y = shape_of(graph, node->output);
    int64_t own[UMBRA_MAX_RANK] = {0}, strides[UMBRA_MAX_RANK] = {0};
    int lead = y->rank - x->rank;
    umbra_shape_strides(x, own);
    for (int i = lead; i < y->rank; i++)
        strides[i] = x->dim[i - lead] == 1 ? 0 : own[i - lead];
    umbra_gather_strided(out, y, in, 0, strides, element_bytes);
}

/* Elements of input `input` in the places of the output; zeros elsewhere. */
static umbra_status place(const umbra_graph *graph, const umbra_node *node, int input, void *out,
                          const void *in, size_t element_bytes)
{
    void *pointers = NULL, *zeros = NULL;
    int64_t most = 1;
    if (!umbra_op_moves(node->op)) {
        repeat(graph, node, input, out, in, element_bytes);
        return UMBRA_OK;
    }
    for (int k = 0; k < node->input_count; k++) {
        int64_t count = umbra_shape_elements(shape_of(graph, node->inputs[k]));
        most = count > most ? count : most;
    }
    UMBRA_TRY(umbra_memory_alloc_array(&pointers, (size_t)node->input_count, sizeof(void *),
                                       "a selection"));
    umbra_status status =
        umbra_memory_alloc_array(&zeros, (size_t)most, element_bytes, "a selection");
    const void **inputs = pointers;
    for (int k = 0; k < node->input_count; k++)
        inputs[k] = k == input ? in : zeros;
    if (status == UMBRA_OK)
        umbra_move_elements(graph, node, out, inputs, element_bytes);
    umbra_memory_free(zeros);
    umbra_memory_free(pointers);
    return status;
}

static umbra_status check_sizes(const umbra_graph *graph, const umbra_node *node, int input)
{
    int64_t rows = umbra_shape_elements(shape_of(graph, node->output));
    int64_t columns = umbra_shape_elements(shape_of(graph, node->inputs[input]));
    if (rows < 1 || columns < 1 || rows > MOST_ELEMENTS || columns > MOST_ELEMENTS)
        return umbra_fail(UMBRA_E_MODEL,
                          "node \"%s\" (%s): a tensor is empty or has more than 2^24 "
                          "elements",
                          node->name, umbra_op_name(node->op));
    return UMBRA_OK;
}

static umbra_status find_columns(umbra_selection *s, const umbra_graph *graph,
                                 const umbra_node *node, int input)
{
    void *numbers = NULL, *placed = NULL, *column = NULL;
    umbra_status status;
    UMBRA_GOTO(done, status,
               umbra_memory_alloc_array(&numbers, s->columns, sizeof(uint32_t), "a selection"));
    UMBRA_GOTO(done, status,
               umbra_memory_alloc_array(&placed, s->rows, sizeof(uint32_t), "a selection"));
    UMBRA_GOTO(done, status,
               umbra_memory_alloc_array(&column, s->rows, sizeof(uint32_t), "a selection"));
    for (size_t i = 0; i < s->columns; i++)
        ((uint32_t *)numbers)[i] = (uint32_t)i + 1;
    UMBRA_GOTO(done, status, place(graph, node, input, placed, numbers, sizeof(uint32_t)));
    s->column = column;
    column = NULL;
    for (size_t r = 0; r < s->rows; r++)
        s->column[r] = ((const uint32_t *)placed)[r] - 1; /* 0 becomes UINT32_MAX */
done:
    umbra_memory_free(numbers);
    umbra_memory_free(placed);
    umbra_memory_free(column);
    return status;
}

/* SUB turns the sign of its second input; MUL and DIV scale by the constant one. */
static umbra_status find_weights(umbra_selection *s, const umbra_graph *graph,
                                 const umbra_node *node, int input)
{
    void *weight = NULL, *constant = NULL;
    bool product = node->op == UMBRA_OP_MUL || node->op == UMBRA_OP_DIV;
    bool computed = product && !umbra_value_is_constant(&graph->values[node->inputs[1 - input]]);
    bool scaled = product && !(computed && node->op == UMBRA_OP_MUL);
    bool negative = node->op == UMBRA_OP_SUB && input == 1;
    if (!scaled && !negative)
        return UMBRA_OK;
    const umbra_value *by = &graph->values[node->inputs[1 - input]];
    if (scaled && (by->f32 == NULL || (node->op == UMBRA_OP_DIV && input == 1)))
        return umbra_fail(UMBRA_E_MODEL, "node \"%s\" (%s): its other input is not a constant",
                          node->name, umbra_op_name(node->op));
    UMBRA_TRY(umbra_memory_alloc_array(&weight, s->rows, sizeof(double), "a selection"));
    s->weight = weight;
    for (size_t r = 0; negative && r < s->rows; r++)
        s->weight[r] = -1;
    if (negative)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&constant, s->rows, sizeof(float), "a selection"));
    repeat(graph, node, 1 - input, constant, by->f32, sizeof(float));
    umbra_status status = UMBRA_OK;
    for (size_t r = 0; r < s->rows; r++) {
        double k = (double)((const float *)constant)[r];
        s->weight[r] = node->op == UMBRA_OP_MUL ? k : 1 / k;
        if (!isfinite(s->weight[r]))
            status = umbra_fail(UMBRA_E_MODEL, "node \"%s\" (%s): a constant is zero or not finite",
                                node->name, umbra_op_name(node->op));
    }
    umbra_memory_free(constant);
    return status;
}

umbra_status umbra_selection_of_node(umbra_selection *out, const umbra_graph *graph, int node_index,
                                     int input)
{
    const umbra_node *node = &graph->nodes[node_index];
    umbra_selection s = {0};
    UMBRA_TRY(check_sizes(graph, node, input));
    s.rows = (size_t)umbra_shape_elements(shape_of(graph, node->output));
    s.columns = (size_t)umbra_shape_elements(shape_of(graph, node->inputs[input]));
    umbra_status status = find_columns(&s, graph, node, input);
    if (status == UMBRA_OK)
        status = find_weights(&s, graph, node, input);
    if (status != UMBRA_OK) {
        umbra_selection_free(&s);
        return status;
    }
    *out = s;
    return UMBRA_OK;
}

static void selection_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const umbra_selection *s = context;
    if (s->column[row] != UINT32_MAX)
        umbra_sparse_emit(sink, s->column[row], s->weight == NULL ? 1 : s->weight[row]);
}

umbra_status umbra_selection_matrix(umbra_sparse **out, const umbra_graph *graph, int node,
                                    int input)
{
    umbra_selection s = {0};
    UMBRA_TRY(umbra_selection_of_node(&s, graph, node, input));
    umbra_status status = umbra_sparse_build(out, s.rows, s.columns, selection_row, &s);
    umbra_selection_free(&s);
    return status;
}

umbra_status umbra_selection_offset(double **out, const umbra_graph *graph, int node_index)
{
    const umbra_node *node = &graph->nodes[node_index];
    void *made = NULL, *placed = NULL;
    size_t rows = (size_t)umbra_shape_elements(shape_of(graph, node->output));
    *out = NULL;
    if (node->op != UMBRA_OP_CONCAT && node->op != UMBRA_OP_ADD && node->op != UMBRA_OP_SUB)
        return UMBRA_OK;
    umbra_status status = UMBRA_OK;
    for (int k = 0; status == UMBRA_OK && k < node->input_count; k++) {
        const float *constant = graph->values[node->inputs[k]].f32;
        double sign = node->op == UMBRA_OP_SUB && k == 1 ? -1 : 1;
        if (constant == NULL)
            continue;
        UMBRA_GOTO(done, status, check_sizes(graph, node, k));
        if (made == NULL)
            UMBRA_GOTO(done, status,
                       umbra_memory_alloc_array(&made, rows, sizeof(double), "offsets"));
        if (placed == NULL)
            UMBRA_GOTO(done, status,
                       umbra_memory_alloc_array(&placed, rows, sizeof(float), "offsets"));
        UMBRA_GOTO(done, status, place(graph, node, k, placed, constant, sizeof(float)));
        for (size_t r = 0; r < rows; r++)
            ((double *)made)[r] += sign * (double)((const float *)placed)[r];
    }
done:
    umbra_memory_free(placed);
    if (status != UMBRA_OK) {
        umbra_memory_free(made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}
