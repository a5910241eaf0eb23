/* Reading the attributes and inputs of an ONNX node, with errors that name it. */
#include "graph/onnx_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

umbra_status umbra_onnx_bad(const umbra_onnx_node *node, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return umbra_fail(UMBRA_E_INPUT, "%s: node \"%s\" (%s): %s", node->importer->file, node->name,
                      node->proto->op_type, text);
}

umbra_status umbra_onnx_unsupported(umbra_onnx_node *node, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(node->unsupported, sizeof node->unsupported, fmt, args);
    va_end(args);
    return UMBRA_OK;
}

const Onnx__AttributeProto *umbra_onnx_find(const umbra_onnx_node *node, const char *attribute)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++) {
        const Onnx__AttributeProto *a = node->proto->attribute[i];
        if (a->name != NULL && strcmp(a->name, attribute) == 0)
            return a;
    }
    return NULL;
}

umbra_status umbra_onnx_int(const umbra_onnx_node *node, const char *attribute, int64_t fallback,
                            int64_t *out)
{
    const Onnx__AttributeProto *a = umbra_onnx_find(node, attribute);
    if (a != NULL && !a->has_i)
        return umbra_onnx_bad(node, "attribute \"%s\" is not an integer", attribute);
    *out = a != NULL ? a->i : fallback;
    return UMBRA_OK;
}

umbra_status umbra_onnx_float(const umbra_onnx_node *node, const char *attribute, double fallback,
                              double *out)
{
    const Onnx__AttributeProto *a = umbra_onnx_find(node, attribute);
    if (a != NULL && !a->has_f)
        return umbra_onnx_bad(node, "attribute \"%s\" is not a number", attribute);
    *out = a != NULL ? (double)a->f : fallback;
    return UMBRA_OK;
}

umbra_status umbra_onnx_ints(const umbra_onnx_node *node, const char *attribute, int64_t *out,
                             int max, int *count)
{
    const Onnx__AttributeProto *a = umbra_onnx_find(node, attribute);
    *count = -1;
    if (a == NULL)
        return UMBRA_OK;
    if (a->n_ints > (size_t)max)
        return umbra_onnx_bad(node, "attribute \"%s\" has %zu numbers; at most %d", attribute,
                              a->n_ints, max);
    for (size_t i = 0; i < a->n_ints; i++)
        out[i] = a->ints[i];
    *count = (int)a->n_ints;
    return UMBRA_OK;
}

bool umbra_onnx_string_is(const umbra_onnx_node *node, const char *attribute, const char *text)
{
    const Onnx__AttributeProto *a = umbra_onnx_find(node, attribute);
    return a != NULL && a->has_s && a->s.len == strlen(text) &&
           memcmp(a->s.data, text, a->s.len) == 0;
}

const umbra_value *umbra_onnx_input(const umbra_onnx_node *node, int i)
{
    if (i >= node->input_count || node->inputs[i] < 0)
        return NULL;
    return &node->graph->values[node->inputs[i]];
}

bool umbra_onnx_is_constant(const umbra_onnx_node *node, int i)
{
    const umbra_value *value = umbra_onnx_input(node, i);
    return value != NULL && umbra_value_is_constant(value);
}

umbra_status umbra_onnx_constant_ints(umbra_onnx_node *node, int i, int64_t *out, int max,
                                      int *count)
{
    const umbra_value *value = umbra_onnx_input(node, i);
    if (value == NULL || value->i64 == NULL || value->shape.rank > 1)
        return umbra_onnx_bad(node, "input %d must be a list of integers", i);
    int64_t elements = umbra_shape_elements(&value->shape);
    if (elements > max)
        return umbra_onnx_bad(node, "input %d has %lld numbers; at most %d", i, (long long)elements,
                              max);
    for (int k = 0; k < (int)elements; k++)
        out[k] = value->i64[k];
    *count = (int)elements;
    return UMBRA_OK;
}

umbra_status umbra_onnx_axis(const umbra_onnx_node *node, int64_t axis, int rank, int64_t *out)
{
    if (axis < -rank || axis >= rank)
        return umbra_onnx_bad(node, "axis %lld of a tensor with %d dimensions", (long long)axis,
                              rank);
    *out = axis < 0 ? axis + rank : axis;
    return UMBRA_OK;
}
