/* What the planner cannot take: one line for each node, all of them at once. */
#include "plan/problems.h"

#include "graph/build.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct problem_list {
    char text[3600];
    size_t used;
    int count, left_out;
} problem_list;

static void note(problem_list *list, const char *fmt, ...) UMBRA_PRINTF(2, 3);

static void note(problem_list *list, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    list->count++;
    if (length < 0 || list->used + (size_t)length + 2 > sizeof list->text ||
        (size_t)length >= sizeof line) {
        list->left_out++;
        return;
    }
    memcpy(list->text + list->used, "\n", 1);
    memcpy(list->text + list->used + 1, line, (size_t)length + 1);
    list->used += (size_t)length + 1;
}

static bool is_constant(const umbra_graph *graph, const umbra_node *n, int k)
{
    return k < n->input_count && n->inputs[k] >= 0 &&
           umbra_value_is_constant(&graph->values[n->inputs[k]]);
}

static void check_polynomial(problem_list *list, const umbra_node *n)
{
    for (int d = 0; d <= n->attr.degree && d <= UMBRA_MAX_DEGREE; d++)
        if (!isfinite(n->attr.coefficient[d])) {
            note(list, "\"%s\": a coefficient is not finite: train again", n->name);
            return;
        }
    if (n->attr.degree == 2 && n->attr.coefficient[2] != 0 &&
        fabs(n->attr.coefficient[1] / n->attr.coefficient[2]) > 1e4)
        note(list,
             "\"%s\": the quadratic coefficient %g is too small beside the linear one %g: "
             "set it to 0",
             n->name, n->attr.coefficient[2], n->attr.coefficient[1]);
}

static void check_window(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    int rank = graph->values[n->inputs[0]].shape.rank;
    if (rank != 3 && rank != 4)
        note(list, "\"%s\" (%s): works on tensors of three or four dimensions only", n->name,
             n->op_type);
}

static void check_arithmetic(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    if (n->input_count != 2 || n->inputs[1] < 0)
        note(list, "\"%s\" (%s): an input is missing", n->name, n->op_type);
    else if (n->op == UMBRA_OP_DIV && !is_constant(graph, n, 1))
        note(list, "\"%s\": dividing by a computed tensor cannot be encrypted", n->name);
}

/* Weights and what may be left out beside them are looked at where they are read; all inputs of
 * other operators must be there. A plan file has fewer than 65 of each. */
static void check_presence(problem_list *list, const umbra_node *n)
{
    bool weighted =
        n->op == UMBRA_OP_CONV || n->op == UMBRA_OP_CONV_TRANSPOSE || n->op == UMBRA_OP_DENSE;
    bool missing = n->inputs[0] < 0;
    for (int k = 1; k < n->input_count; k++)
        missing = missing || (!weighted && n->inputs[k] < 0);
    if (missing)
        note(list, "\"%s\" (%s): an input is missing", n->name, n->op_type);
    if (n->input_count > UMBRA_PLAN_NODE_INPUTS)
        note(list, "\"%s\" (%s): %d inputs, more than %d: concatenate in two steps", n->name,
             n->op_type, n->input_count, UMBRA_PLAN_NODE_INPUTS);
}

static void check_inputs(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    bool computed = false;
    for (int k = 0; k < n->input_count; k++)
        computed = computed || (n->inputs[k] >= 0 && !is_constant(graph, n, k));
    if (!computed)
        note(list, "\"%s\" (%s): its input is a constant: export with constant folding", n->name,
             n->op_type);
}

static void check_node(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    int before = list->count;
    check_presence(list, n);
    if (list->count == before)
        check_inputs(list, graph, n);
    if (list->count > before)
        return;
    switch (n->op) {
    case UMBRA_OP_POLYNOMIAL:
        check_polynomial(list, n);
        return;
    case UMBRA_OP_CONV:
    case UMBRA_OP_AVERAGE_POOL:
    case UMBRA_OP_CONV_TRANSPOSE:
        check_window(list, graph, n);
        return;
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
        check_arithmetic(list, graph, n);
        return;
    case UMBRA_OP_DENSE:
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
    case UMBRA_OP_RESHAPE:
    case UMBRA_OP_BATCH_NORM:
    case UMBRA_OP_REDUCE_MEAN:
    case UMBRA_OP_TRANSPOSE:
    case UMBRA_OP_PAD:
    case UMBRA_OP_CONCAT:
    case UMBRA_OP_SLICE:
    case UMBRA_OP_GATHER:
        return;
    default:
        note(list, "\"%s\" (%s): cannot be evaluated under encryption", n->name,
             n->op_type != NULL ? n->op_type : umbra_op_name(n->op));
    }
}

umbra_status umbra_problems_check(const umbra_graph *graph)
{
    problem_list list = {.used = 0};
    if (graph->input_count != 1 || graph->output_count != 1)
        note(&list, "the model has %d inputs and %d outputs: one of each is needed",
             graph->input_count, graph->output_count);
    for (int i = 0; i < graph->node_count; i++)
        check_node(&list, graph, &graph->nodes[i]);
    if (list.count == 0)
        return UMBRA_OK;
    if (list.left_out > 0)
        return umbra_fail(UMBRA_E_MODEL, "%d problems:%s\nand %d more", list.count, list.text,
                          list.left_out);
    return umbra_fail(UMBRA_E_MODEL, "%d problem%s:%s", list.count, list.count == 1 ? "" : "s",
                      list.text);
}
