/* What the planner cannot take: one line for each node, all of them at once. */
#include "plan/problems.h"

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

static bool is_image(const umbra_graph *graph, int value)
{
    return graph->values[value].shape.rank == 4;
}

static void check_polynomial(problem_list *list, const umbra_node *n)
{
    for (int d = 0; d <= n->attr.degree && d <= UMBRA_MAX_DEGREE; d++)
        if (!isfinite(n->attr.coefficient[d])) {
            note(list, "\"%s\": a coefficient is not finite: train again", n->name);
            return;
        }
    for (int d = 3; d <= n->attr.degree && d <= UMBRA_MAX_DEGREE; d++)
        if (n->attr.coefficient[d] != 0) {
            note(list,
                 "\"%s\": a polynomial of degree %d: only quadratics are evaluated; train "
                 "with a*x**2+b*x+c",
                 n->name, n->attr.degree);
            return;
        }
    if (n->attr.degree >= 2 && n->attr.coefficient[2] != 0 &&
        fabs(n->attr.coefficient[1] / n->attr.coefficient[2]) > 1e4)
        note(list,
             "\"%s\": the quadratic coefficient %g is too small beside the linear one %g: "
             "set it to 0",
             n->name, n->attr.coefficient[2], n->attr.coefficient[1]);
}

static void check_window(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    if (!is_image(graph, n->inputs[0]) || !is_image(graph, n->output)) {
        note(list, "\"%s\" (%s): works on tensors of four dimensions only", n->name, n->op_type);
        return;
    }
    if (n->attr.strides[0] != n->attr.strides[1])
        note(list, "\"%s\" (%s): strides %lld and %lld differ: use the same for both directions",
             n->name, n->op_type, (long long)n->attr.strides[0], (long long)n->attr.strides[1]);
}

static void check_node(problem_list *list, const umbra_graph *graph, const umbra_node *n)
{
    if (n->input_count < 1 || n->inputs[0] < 0 || graph->values[n->inputs[0]].f32 != NULL) {
        note(list, "\"%s\" (%s): its input is a constant: export with constant folding", n->name,
             n->op_type);
        return;
    }
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
        if (n->input_count < 2 || n->inputs[1] < 0 || graph->values[n->inputs[1]].f32 != NULL ||
            umbra_shape_elements(&graph->values[n->inputs[0]].shape) !=
                umbra_shape_elements(&graph->values[n->inputs[1]].shape))
            note(list, "\"%s\": add two computed tensors of the same shape", n->name);
        return;
    case UMBRA_OP_DENSE:
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
    case UMBRA_OP_RESHAPE:
    case UMBRA_OP_BATCH_NORM:
    case UMBRA_OP_REDUCE_MEAN:
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
