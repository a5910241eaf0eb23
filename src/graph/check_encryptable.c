/* Which nodes cannot be evaluated under encryption, and what to do about each. */
#include "base/memory.h"
#include "graph/activation.h"
#include "graph/build.h"
#include "graph/passes.h"
#include "wire/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUADRATIC "replace the activation by a quadratic a*x**2+b*x+c and train again"
#define AVERAGE "use average pooling and train again"
#define AT_THE_END "remove it from the end of the graph: the client applies it after decryption"

static bool is_output(const umbra_graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

static const char *activation(const umbra_graph *graph, const umbra_node *node)
{
    if (is_output(graph, node->output))
        return AT_THE_END;
    if (node->op == UMBRA_OP_SOFTMAX)
        return "attention cannot be encrypted; run this part on the client";
    return QUADRATIC;
}

/* The remedy for arithmetic that no pass could turn into an encryptable node; NULL where it is
 * fine. */
static const char *arithmetic(const umbra_graph *graph, const umbra_node *node)
{
    if (graph->values[node->output].shape.rank < 0)
        return NULL; /* after an unknown node, which is listed itself */
    switch (node->op) {
    case UMBRA_OP_DIV:
        if (umbra_value_is_constant(&graph->values[node->inputs[1]]))
            return NULL;
        return "multiply by the reciprocal of a constant; dividing by a computed tensor is not "
               "possible";
    case UMBRA_OP_POW:
        return "use a whole exponent from 1 to 16";
    default:
        return NULL;
    }
}

/* Operators that the importer does not know, and some of which `umbra adapt` replaces. */
static const char *unknown(const umbra_graph *graph, const umbra_node *node)
{
    umbra_activation function;
    bool ends = is_output(graph, node->output);
    if (umbra_activation_find(node->op_type, &function))
        return ends ? AT_THE_END : QUADRATIC;
    if (ends && strcmp(node->op_type, "LogSoftmax") == 0)
        return AT_THE_END;
    return "this operator is not known to Umbra; replace it";
}

static const char *remedy(const umbra_graph *graph, const umbra_node *node)
{
    switch (node->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_CONV_TRANSPOSE:
    case UMBRA_OP_DENSE:
    case UMBRA_OP_POLYNOMIAL:
    case UMBRA_OP_AVERAGE_POOL:
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
    case UMBRA_OP_RESHAPE:
    case UMBRA_OP_BATCH_NORM:
    case UMBRA_OP_REDUCE_MEAN:
    case UMBRA_OP_PAD:
    case UMBRA_OP_TRANSPOSE:
    case UMBRA_OP_CONCAT:
    case UMBRA_OP_SLICE:
    case UMBRA_OP_GATHER:
        return NULL;
    case UMBRA_OP_ADD:
    case UMBRA_OP_SUB:
    case UMBRA_OP_MUL:
    case UMBRA_OP_DIV:
    case UMBRA_OP_POW:
        return arithmetic(graph, node);
    case UMBRA_OP_RELU:
    case UMBRA_OP_SIGMOID:
    case UMBRA_OP_SILU:
    case UMBRA_OP_TANH:
    case UMBRA_OP_SOFTMAX:
        return activation(graph, node);
    case UMBRA_OP_MAX_POOL:
        return AVERAGE;
    case UMBRA_OP_INSTANCE_NORM:
        return "use batch normalisation, which has constants in evaluation mode, and train again";
    case UMBRA_OP_MATMUL:
        return "multiply by constant matrices only";
    default:
        return node->note != NULL ? node->note : unknown(graph, node);
    }
}

/* Operators that only look at shapes fail after an unknown node and for that reason alone. */
static bool is_consequence(const umbra_graph *graph, const umbra_node *node)
{
    static const char *const shape_only[] = {"Shape",           "Gather", "Cast",
                                             "ConstantOfShape", "Expand", "Constant"};
    bool known = false, unknown_input = false;
    for (size_t i = 0; i < sizeof shape_only / sizeof shape_only[0]; i++)
        known = known || strcmp(node->op_type, shape_only[i]) == 0;
    for (int i = 0; i < node->input_count; i++)
        unknown_input = unknown_input ||
                        (node->inputs[i] >= 0 && graph->values[node->inputs[i]].shape.rank < 0);
    return known && unknown_input && node->note == NULL;
}

/* A further output of an unknown node, which has been listed. */
static bool is_further_output(const umbra_graph *graph, int i)
{
    const umbra_node *node = &graph->nodes[i];
    int first = node->input_count == 1 ? node->inputs[0] : -1;
    int producer = first >= 0 ? graph->values[first].producer : -1;
    return node->op == UMBRA_OP_UNKNOWN && producer >= 0 && graph->values[first].shape.rank < 0 &&
           strcmp(graph->nodes[producer].name, node->name) == 0;
}

static void write_text(umbra_writer *writer, const char *fmt, ...) UMBRA_PRINTF(2, 3);
static void write_text(umbra_writer *writer, const char *fmt, ...)
{
    char line[4096];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (length > 0)
        umbra_write_bytes(writer, line,
                          (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

/* One line for a node that cannot be encrypted. Returns whether there was one. */
static bool write_offender(umbra_writer *writer, const umbra_graph *graph, int i, const bool *bad)
{
    const umbra_node *node = &graph->nodes[i];
    const char *what = remedy(graph, node);
    const char *type = node->op == UMBRA_OP_SILU ? "SiLU" : node->op_type;
    const char *start = writer->size > 0 ? "\n" : "";
    int constant = umbra_node_bad_input(node, bad);
    if (constant >= 0) {
        write_text(writer, "%s  node \"%s\" (%s): its constant \"%s\" " UMBRA_NOT_FINITE, start,
                   node->name, type, graph->values[constant].name);
        return true;
    }
    if (what == NULL || is_consequence(graph, node) || is_further_output(graph, i))
        return false;
    write_text(writer, "%s  node \"%s\" (%s): %s", start, node->name, type, what);
    return true;
}

umbra_status umbra_graph_list_offenders(const umbra_graph *graph, char **list, int *count)
{
    umbra_writer writer = {.bytes = NULL};
    bool *bad = NULL;
    *list = NULL;
    *count = 0;
    UMBRA_TRY(umbra_graph_find_infinite(graph, &bad));
    for (int i = 0; i < graph->node_count; i++)
        *count += write_offender(&writer, graph, i, bad);
    umbra_memory_free(bad);
    if (*count == 0)
        return UMBRA_OK;
    umbra_write_u8(&writer, 0);
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK)
        status = umbra_text_copy(list, (const char *)writer.bytes);
    umbra_writer_free(&writer);
    return status;
}

static bool may_be_adapted(const char *list)
{
    return strstr(list, QUADRATIC) != NULL || strstr(list, AVERAGE) != NULL ||
           strstr(list, AT_THE_END) != NULL;
}

const char *umbra_graph_cut_offenders(char *list)
{
    size_t room = 3600;
    if (strlen(list) <= room)
        return "";
    while (room > 0 && list[room] != '\n')
        room--;
    list[room] = 0;
    return "\n  ... and more";
}

umbra_status umbra_graph_check_encryptable(const umbra_graph *graph, const char *file)
{
    char *list;
    int count;
    UMBRA_TRY(umbra_graph_list_offenders(graph, &list, &count));
    if (count == 0)
        return UMBRA_OK;
    bool adaptable = may_be_adapted(list);
    const char *more = umbra_graph_cut_offenders(list);
    const char *hint = adaptable
                           ? "\n`umbra adapt` replaces activations, maximum pools and a softmax or "
                             "sigmoid at the end in the file itself; see umbra adapt --help"
                           : "";
    umbra_status status = umbra_fail(UMBRA_E_MODEL, "%s: %d node%s cannot be encrypted:\n%s%s%s",
                                     file, count, count == 1 ? "" : "s", list, more, hint);
    umbra_memory_free(list);
    return status;
}
