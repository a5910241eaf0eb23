/* A tiny writer of ONNX files for tests. */
#include "onnx_writer.h"

#include "graph/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *take(onnx_writer *w, size_t bytes)
{
    void *memory = umbra_arena_take(&w->arena, bytes > 0 ? bytes : 1);
    if (memory == NULL)
        abort();
    memset(memory, 0, bytes);
    return memory;
}

static char *copy_text(onnx_writer *w, const char *text, size_t length)
{
    char *copy = take(w, length + 1);
    memcpy(copy, text, length);
    return copy;
}

static char *text_of(onnx_writer *w, const char *text)
{
    return copy_text(w, text, strlen(text));
}

onnx_writer *onnx_writer_new(int opset)
{
    onnx_writer *w = calloc(1, sizeof *w);
    if (w == NULL || umbra_arena_init(&w->arena, (size_t)16 << 20) != UMBRA_OK)
        abort();
    onnx__model_proto__init(&w->model);
    onnx__graph_proto__init(&w->graph);
    onnx__operator_set_id_proto__init(&w->opset);
    w->opset.has_version = 1;
    w->opset.version = opset;
    w->opsets[0] = &w->opset;
    w->model.has_ir_version = 1;
    w->model.ir_version = 8;
    w->model.n_opset_import = 1;
    w->model.opset_import = w->opsets;
    w->model.graph = &w->graph;
    w->graph.node = w->nodes;
    w->graph.initializer = w->constants;
    w->graph.input = w->inputs;
    w->graph.output = w->outputs;
    return w;
}

void onnx_writer_free(onnx_writer *w)
{
    umbra_arena_free(&w->arena);
    free(w->bytes);
    free(w);
}

/* "1,3,N" into numbers; -1 for what is no number. */
static size_t split_numbers(const char *text, int64_t *out)
{
    size_t count = 0;
    while (*text != 0) {
        char *end;
        out[count] = strtoll(text, &end, 10);
        if (end == text) {
            out[count] = -1;
            end = (char *)text + 1;
        }
        count++;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

static Onnx__ValueInfoProto *value_info(onnx_writer *w, const char *name, const char *shape)
{
    Onnx__ValueInfoProto *info = take(w, sizeof *info);
    Onnx__TypeProto *type = take(w, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = take(w, sizeof *tensor);
    Onnx__TensorShapeProto *dims = take(w, sizeof *dims);
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(dims);
    info->name = text_of(w, name);
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (shape == NULL)
        return info;
    int64_t numbers[64];
    tensor->shape = dims;
    dims->n_dim = split_numbers(shape, numbers);
    dims->dim = take(w, dims->n_dim * sizeof *dims->dim);
    for (size_t i = 0; i < dims->n_dim; i++) {
        dims->dim[i] = take(w, sizeof **dims->dim);
        onnx__tensor_shape_proto__dimension__init(dims->dim[i]);
        if (numbers[i] < 0) {
            dims->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dims->dim[i]->dim_param = text_of(w, "N");
        } else {
            dims->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dims->dim[i]->dim_value = numbers[i];
        }
    }
    return info;
}

void onnx_writer_input(onnx_writer *w, const char *name, const char *shape)
{
    w->inputs[w->graph.n_input++] = value_info(w, name, shape);
}

void onnx_writer_output(onnx_writer *w, const char *name)
{
    w->outputs[w->graph.n_output++] = value_info(w, name, NULL);
}

static Onnx__TensorProto *tensor(onnx_writer *w, const char *name, const int64_t *dims, size_t rank)
{
    Onnx__TensorProto *t = take(w, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = text_of(w, name);
    t->n_dims = rank;
    t->dims = take(w, rank * sizeof *t->dims);
    for (size_t i = 0; i < rank; i++)
        t->dims[i] = dims[i];
    t->has_data_type = 1;
    w->constants[w->graph.n_initializer++] = t;
    return t;
}

Onnx__TensorProto *onnx_writer_constant(onnx_writer *w, const char *name, const char *shape,
                                        const float *data)
{
    int64_t dims[64];
    size_t rank = split_numbers(shape, dims), count = 1;
    uint32_t state = 2463534242u;
    for (const char *c = name; *c != 0; c++)
        state = state * 31 + (unsigned char)*c;
    for (size_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    Onnx__TensorProto *t = tensor(w, name, dims, rank);
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_float_data = count;
    t->float_data = take(w, count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        t->float_data[i] = data != NULL ? data[i] : (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    return t;
}

Onnx__TensorProto *onnx_writer_scalar(onnx_writer *w, const char *name, float value)
{
    return onnx_writer_constant(w, name, "1", &value);
}

Onnx__TensorProto *onnx_writer_integers(onnx_writer *w, const char *name, const char *numbers)
{
    int64_t list[64], count = (int64_t)split_numbers(numbers, list);
    Onnx__TensorProto *t = tensor(w, name, &count, 1);
    t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    t->n_int64_data = (size_t)count;
    t->int64_data = take(w, (size_t)count * sizeof(int64_t));
    memcpy(t->int64_data, list, (size_t)count * sizeof(int64_t));
    return t;
}

Onnx__NodeProto *onnx_writer_node(onnx_writer *w, const char *op, const char *inputs,
                                  const char *output)
{
    Onnx__NodeProto *n = take(w, sizeof *n);
    onnx__node_proto__init(n);
    n->op_type = text_of(w, op);
    n->name = text_of(w, output);
    n->input = take(w, 64 * sizeof *n->input);
    while (*inputs != 0) {
        size_t length = strcspn(inputs, " ");
        n->input[n->n_input++] = copy_text(w, inputs, inputs[0] == '-' ? 0 : length);
        inputs += length + (inputs[length] == ' ');
    }
    n->n_output = 1;
    n->output = take(w, 8 * sizeof *n->output);
    n->output[0] = text_of(w, output);
    n->attribute = take(w, 16 * sizeof *n->attribute);
    w->nodes[w->graph.n_node++] = n;
    return n;
}

static Onnx__AttributeProto *attribute(onnx_writer *w, Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = take(w, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = text_of(w, name);
    a->has_type = 1;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

void onnx_writer_int(onnx_writer *w, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = value;
}

void onnx_writer_float(onnx_writer *w, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *a =
        attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = value;
}

void onnx_writer_ints(onnx_writer *w, Onnx__NodeProto *node, const char *name, const char *numbers)
{
    Onnx__AttributeProto *a = attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->ints = take(w, 64 * sizeof *a->ints);
    a->n_ints = split_numbers(numbers, a->ints);
}

void onnx_writer_text(onnx_writer *w, Onnx__NodeProto *node, const char *name, const char *value)
{
    Onnx__AttributeProto *a =
        attribute(w, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a->has_s = 1;
    a->s.len = strlen(value);
    a->s.data = (unsigned char *)text_of(w, value);
}

void onnx_writer_pack(onnx_writer *w)
{
    free(w->bytes);
    w->size = onnx__model_proto__get_packed_size(&w->model);
    w->bytes = malloc(w->size);
    if (w->bytes == NULL)
        abort();
    onnx__model_proto__pack(&w->model, w->bytes);
}

umbra_status onnx_writer_import(onnx_writer *w, umbra_graph **out)
{
    onnx_writer_pack(w);
    return umbra_onnx_import(w->bytes, w->size, "test.onnx", out);
}
