/* What an ONNX node means is added to the graph: named values, nodes, folded constants. */
#include "graph/onnx_internal.h"

#include <stdio.h>
#include <string.h>

umbra_status umbra_onnx_set_output(umbra_onnx_node *node, size_t position, int value)
{
    if (position >= node->proto->n_output)
        return umbra_onnx_bad(node, "output %zu is missing", position);
    const char *name = node->proto->output[position];
    if (name[0] != 0)
        umbra_names_put(&node->importer->values, name, value);
    return UMBRA_OK;
}

umbra_status umbra_onnx_fresh_name(const umbra_onnx_node *node, const char *suffix,
                                   char out[UMBRA_ONNX_MAX_NAME + 64])
{
    for (int i = 0; i < 1000; i++) {
        if (i == 0)
            snprintf(out, UMBRA_ONNX_MAX_NAME + 64, "%s%s", node->name, suffix);
        else
            snprintf(out, UMBRA_ONNX_MAX_NAME + 64, "%s%s_%d", node->name, suffix, i);
        if (umbra_names_find(&node->importer->values, out) < 0)
            return UMBRA_OK;
    }
    return umbra_onnx_bad(node, "no free name for an intermediate value; rename the node");
}

/* The table of names borrows the string, so it must be the one that the graph owns. */
static void register_name(umbra_onnx_node *node, int value)
{
    umbra_names_put(&node->importer->values, node->graph->values[value].name, value);
}

umbra_status umbra_onnx_new_constant(umbra_onnx_node *node, const char *suffix,
                                     const umbra_shape *shape, umbra_data_type type, int *index)
{
    char name[UMBRA_ONNX_MAX_NAME + 64];
    UMBRA_TRY(umbra_onnx_fresh_name(node, suffix, name));
    umbra_status status = umbra_graph_add_constant(node->graph, name, shape, type, index);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s: node \"%s\"", node->importer->file, node->name);
    register_name(node, *index);
    return UMBRA_OK;
}

static bool all_constant(const umbra_graph *graph, const int *inputs, int count)
{
    for (int i = 0; i < count; i++)
        if (inputs[i] >= 0 && !umbra_value_is_constant(&graph->values[inputs[i]]))
            return false;
    return count > 0;
}

umbra_status umbra_onnx_emit(umbra_onnx_node *node, umbra_op op, const umbra_attributes *attr,
                             const int *inputs, int count, const char *name,
                             const umbra_shape *shape, int *output)
{
    umbra_graph *graph = node->graph;
    umbra_shape unknown = {.rank = -1};
    const char *value_name = name != NULL ? name : node->proto->output[0];
    int value, index;
    UMBRA_TRY(umbra_graph_add_value(graph, value_name, shape != NULL ? shape : &unknown, UMBRA_F32,
                                    &value));
    UMBRA_TRY(umbra_graph_add_node(graph, op, name != NULL ? name : node->name,
                                   node->proto->op_type, inputs, count, value, attr, &index));
    umbra_shape inferred;
    umbra_status status = umbra_infer_node(graph, &graph->nodes[index], &inferred);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s", node->importer->file);
    graph->values[value].shape = inferred;
    bool folded = false;
    if (op != UMBRA_OP_UNKNOWN && all_constant(graph, inputs, count))
        UMBRA_TRY(umbra_fold_node(graph, index, &folded));
    if (folded)
        umbra_graph_remove_last_node(graph);
    register_name(node, value);
    if (output != NULL)
        *output = value;
    return UMBRA_OK;
}

static bool is_graph_output(const umbra_importer *importer, const char *name)
{
    for (size_t i = 0; i < importer->proto->n_output; i++)
        if (strcmp(importer->proto->output[i]->name, name) == 0)
            return true;
    return false;
}

umbra_status umbra_onnx_pass_value(umbra_onnx_node *node, int value)
{
    if (node->proto->n_output == 0)
        return umbra_onnx_bad(node, "it needs an output");
    if (!is_graph_output(node->importer, node->proto->output[0]))
        return umbra_onnx_set_output(node, 0, value);
    umbra_shape shape = node->graph->values[value].shape;
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &value, 1, NULL, &shape, NULL);
}

umbra_status umbra_onnx_pass_through(umbra_onnx_node *node, int i)
{
    if (umbra_onnx_input(node, i) == NULL)
        return umbra_onnx_bad(node, "it needs an input");
    return umbra_onnx_pass_value(node, node->inputs[i]);
}
