/* Read an ONNX file: bounds, names and order of the whole; onnx_nodes.c does single nodes. */
#include "graph/onnx.h"

#include "base/memory.h"
#include "graph/onnx_internal.h"
#include "graph/passes.h"
#include "wire/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LEAST_OPSET 6 /* before it, shapes are attributes, and operators have other names */
#define MOST_OPSET 25
#define MAX_OUTPUTS 1024
#define MAX_NODE_OUTPUTS ((size_t)1 << 16) /* of all nodes together */

static umbra_status check_opset(umbra_importer *importer, const Onnx__ModelProto *model)
{
    importer->opset = 1;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = model->opset_import[i];
        bool standard = o->domain == NULL || o->domain[0] == 0 || strcmp(o->domain, "ai.onnx") == 0;
        if (standard && o->has_version)
            importer->opset = o->version;
    }
    if (importer->opset < LEAST_OPSET || importer->opset > MOST_OPSET)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: operator set %lld; read are %d to %d: export with opset_version=17",
                          importer->file, (long long)importer->opset, LEAST_OPSET, MOST_OPSET);
    return UMBRA_OK;
}

/* Every name that a message may print, and every pointer that later code takes for granted. */
static umbra_status check_nodes(const umbra_importer *importer)
{
    const Onnx__GraphProto *g = importer->proto;
    size_t outputs = 0;
    if (g->n_node > UMBRA_ONNX_MAX_NODES)
        return umbra_fail(UMBRA_E_INPUT, "%s: %zu nodes; at most %d", importer->file, g->n_node,
                          UMBRA_ONNX_MAX_NODES);
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        if (n->op_type == NULL || n->op_type[0] == 0 || n->n_output == 0 || n->output[0][0] == 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: node %zu has no operator or no output",
                              importer->file, i);
        outputs += n->n_output;
        if (outputs > MAX_NODE_OUTPUTS)
            return umbra_fail(UMBRA_E_INPUT, "%s: its nodes have more than %zu outputs",
                              importer->file, MAX_NODE_OUTPUTS);
        UMBRA_TRY(umbra_onnx_check_name(importer, n->op_type, "operator"));
        if (n->name != NULL)
            UMBRA_TRY(umbra_onnx_check_name(importer, n->name, "node"));
        for (size_t k = 0; k < n->n_input; k++)
            UMBRA_TRY(umbra_onnx_check_name(importer, n->input[k], "value"));
        for (size_t k = 0; k < n->n_output; k++)
            UMBRA_TRY(umbra_onnx_check_name(importer, n->output[k], "value"));
    }
    return UMBRA_OK;
}

static umbra_status add_initialisers(umbra_importer *importer)
{
    const Onnx__GraphProto *g = importer->proto;
    if (g->n_sparse_initializer > 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: sparse constants are not read; save dense ones",
                          importer->file);
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        int index;
        if (t->name == NULL || t->name[0] == 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: constant %zu has no name", importer->file, i);
        UMBRA_TRY(umbra_onnx_check_name(importer, t->name, "constant"));
        if (umbra_names_find(&importer->values, t->name) >= 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" is defined twice", importer->file,
                              t->name);
        UMBRA_TRY(umbra_onnx_add_tensor(importer, t, t->name, &index));
        umbra_names_put(&importer->values, t->name, index);
    }
    return UMBRA_OK;
}

static umbra_status input_shape(const umbra_importer *importer, const Onnx__ValueInfoProto *info,
                                umbra_shape *shape, umbra_data_type *type)
{
    const Onnx__TypeProto__Tensor *t =
        info->type != NULL && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? info->type->tensor_type
            : NULL;
    if (t == NULL || t->shape == NULL)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: input \"%s\" is no tensor of known shape; export with a fixed size",
                          importer->file, info->name);
    if (t->shape->n_dim > UMBRA_MAX_RANK)
        return umbra_fail(UMBRA_E_INPUT, "%s: input \"%s\" has %zu dimensions; at most %d",
                          importer->file, info->name, t->shape->n_dim, UMBRA_MAX_RANK);
    int32_t e = t->has_elem_type ? t->elem_type : 0;
    bool is_float = e == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
                    e == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
                    e == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    *type = is_float ? UMBRA_F32 : UMBRA_I64;
    *shape = (umbra_shape){.rank = (int)t->shape->n_dim};
    for (int i = 0; i < shape->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        bool known = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        shape->dim[i] = known ? d->dim_value : 1;
        if (known ? d->dim_value > 0 : i == 0)
            continue;
        if (i == 0 && (d->dim_value == 0 || d->dim_value == -1)) { /* written so by old exporters */
            shape->dim[i] = 1;
            continue;
        }
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: dimension %d of input \"%s\" is free; only the batch may be: export "
                          "with a fixed size",
                          importer->file, i, info->name);
    }
    return UMBRA_OK;
}

static umbra_status add_inputs(umbra_importer *importer)
{
    const Onnx__GraphProto *g = importer->proto;
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__ValueInfoProto *info = g->input[i];
        umbra_shape shape;
        umbra_data_type type = UMBRA_F32;
        int index;
        if (info->name == NULL || info->name[0] == 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: input %zu has no name", importer->file, i);
        UMBRA_TRY(umbra_onnx_check_name(importer, info->name, "input"));
        int before = umbra_names_find(&importer->values, info->name);
        if (before >= 0 && umbra_value_is_constant(&importer->graph->values[before]))
            continue; /* an initialiser listed as an input too, as IR version 3 wants it */
        if (before >= 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: input \"%s\" is defined twice", importer->file,
                              info->name);
        if (importer->graph->input_count == MAX_OUTPUTS)
            return umbra_fail(UMBRA_E_INPUT, "%s: more than %d inputs", importer->file,
                              MAX_OUTPUTS);
        UMBRA_TRY(input_shape(importer, info, &shape, &type));
        if (umbra_shape_elements(&shape) < 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: input \"%s\" has more than %lld elements",
                              importer->file, info->name, (long long)UMBRA_MAX_ELEMENTS);
        UMBRA_TRY(umbra_graph_add_value(importer->graph, info->name, &shape, type, &index));
        UMBRA_TRY(umbra_graph_add_input(importer->graph, index));
        umbra_names_put(&importer->values, info->name, index);
    }
    return UMBRA_OK;
}

/* Nodes in an order in which inputs come first: depth-first on an explicit stack, because the depth
 * of a graph from outside is not bounded. state: 0 unseen, 1 on the stack, 2 done. */
typedef struct order {
    umbra_names producers; /* value name -> node */
    int *stack;
    size_t *cursor;
    unsigned char *state;
} order;

static umbra_status map_producers(const umbra_importer *importer, order *o)
{
    const Onnx__GraphProto *g = importer->proto;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_output; k++) {
            const char *name = g->node[i]->output[k];
            if (name[0] == 0)
                continue;
            if (umbra_names_find(&o->producers, name) >= 0 ||
                umbra_names_find(&importer->values, name) >= 0)
                return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" is defined twice", importer->file,
                                  name);
            umbra_names_put(&o->producers, name, (int)i);
        }
    return UMBRA_OK;
}

static umbra_status visit(umbra_importer *importer, order *o, int root)
{
    int depth = 0;
    o->stack[depth++] = root;
    o->state[root] = 1;
    while (depth > 0) {
        int at = o->stack[depth - 1];
        const Onnx__NodeProto *node = importer->proto->node[at];
        if (o->cursor[at] == node->n_input) {
            o->state[at] = 2;
            depth--;
            UMBRA_TRY(umbra_onnx_translate(importer, node));
            continue;
        }
        int before = umbra_names_find(&o->producers, node->input[o->cursor[at]++]);
        if (before < 0 || o->state[before] == 2)
            continue;
        if (o->state[before] == 1)
            return umbra_fail(UMBRA_E_INPUT, "%s: node \"%s\" (%s) depends on its own output",
                              importer->file, importer->proto->node[before]->output[0],
                              importer->proto->node[before]->op_type);
        o->state[before] = 1;
        o->stack[depth++] = before;
    }
    return UMBRA_OK;
}

static umbra_status add_nodes(umbra_importer *importer)
{
    size_t count = importer->proto->n_node, outputs = 0;
    order o = {.stack = NULL};
    void *memory[3] = {NULL, NULL, NULL};
    umbra_status status;
    for (size_t i = 0; i < count; i++)
        outputs += importer->proto->node[i]->n_output;
    UMBRA_GOTO(end, status, umbra_names_init(&o.producers, outputs));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&memory[0], count + 1, sizeof(int), "nodes"));
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&memory[1], count + 1, sizeof(size_t), "nodes"));
    UMBRA_GOTO(end, status, umbra_memory_alloc_array(&memory[2], count + 1, 1, "nodes"));
    o.stack = memory[0];
    o.cursor = memory[1];
    o.state = memory[2];
    UMBRA_GOTO(end, status, map_producers(importer, &o));
    for (size_t i = 0; i < count; i++)
        if (o.state[i] == 0)
            UMBRA_GOTO(end, status, visit(importer, &o, (int)i));
end:
    for (int i = 0; i < 3; i++)
        umbra_memory_free(memory[i]);
    umbra_names_free(&o.producers);
    return status;
}

static umbra_status add_outputs(umbra_importer *importer)
{
    const Onnx__GraphProto *g = importer->proto;
    if (g->n_output == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: the graph has no output", importer->file);
    for (size_t i = 0; i < g->n_output; i++) {
        int value = umbra_names_find(&importer->values, g->output[i]->name);
        if (value < 0)
            return umbra_fail(UMBRA_E_INPUT, "%s: output \"%s\" is computed by no node",
                              importer->file, g->output[i]->name);
        UMBRA_TRY(umbra_graph_add_output(importer->graph, value));
    }
    return UMBRA_OK;
}

static umbra_status check_outputs(const umbra_importer *importer)
{
    const Onnx__GraphProto *g = importer->proto;
    if (g->n_output > MAX_OUTPUTS)
        return umbra_fail(UMBRA_E_INPUT, "%s: more than %d outputs", importer->file, MAX_OUTPUTS);
    for (size_t i = 0; i < g->n_output; i++) {
        if (g->output[i]->name == NULL)
            return umbra_fail(UMBRA_E_INPUT, "%s: output %zu has no name", importer->file, i);
        UMBRA_TRY(umbra_onnx_check_name(importer, g->output[i]->name, "output"));
    }
    return UMBRA_OK;
}

static umbra_status build(umbra_importer *importer, const Onnx__ModelProto *model)
{
    importer->proto = model->graph;
    if (model->graph == NULL)
        return umbra_fail(UMBRA_E_INPUT, "%s: not an ONNX model: it has no graph", importer->file);
    UMBRA_TRY(check_opset(importer, model));
    UMBRA_TRY(check_outputs(importer));
    UMBRA_TRY(check_nodes(importer));
    UMBRA_TRY(add_initialisers(importer));
    UMBRA_TRY(add_inputs(importer));
    UMBRA_TRY(add_nodes(importer));
    UMBRA_TRY(add_outputs(importer));
    UMBRA_TRY(umbra_pass_fuse_silu(importer->graph));
    return umbra_pass_drop_dead(importer->graph);
}

/* Names that the table will hold: every input, constant, and output, and what nodes add to them. */
static size_t name_room(const Onnx__GraphProto *g)
{
    size_t room = 64;
    if (g == NULL)
        return room;
    room += g->n_initializer + g->n_input;
    for (size_t i = 0; i < g->n_node; i++)
        room += 2 * g->node[i]->n_output + g->node[i]->n_input + 8;
    return room;
}

static umbra_status import(const void *bytes, size_t size, const char *name, int folder,
                           umbra_graph **out)
{
    static const char pointer[] = "version https://git-lfs";
    umbra_importer importer = {.file = name, .folder = folder};
    umbra_status status;
    if (size > sizeof pointer && memcmp(bytes, pointer, sizeof pointer - 1) == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: a Git LFS pointer, not the model; run git lfs pull",
                          name);
    UMBRA_TRY(umbra_onnx_scan(bytes, size, name));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    if (model == NULL)
        return umbra_fail(UMBRA_E_INPUT, "%s: not an ONNX model, or damaged; export it again",
                          name);
    UMBRA_GOTO(end, status, umbra_names_init(&importer.values, name_room(model->graph)));
    UMBRA_GOTO(end, status, umbra_graph_new(&importer.graph));
    UMBRA_GOTO(end, status, build(&importer, model));
    *out = importer.graph;
    importer.graph = NULL;
end:
    umbra_graph_free(importer.graph);
    umbra_names_free(&importer.values);
    onnx__model_proto__free_unpacked(model, NULL);
    return status;
}

umbra_status umbra_onnx_import(const void *bytes, size_t size, const char *name, umbra_graph **out)
{
    return import(bytes, size, name, -1, out);
}

/* A descriptor of the folder that a file lies in, -1 where there is none to be had. */
static int open_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    if (length >= sizeof folder)
        return -1;
    memcpy(folder, path, length);
    folder[length] = 0;
    return open(length > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

umbra_status umbra_onnx_import_file(const char *path, umbra_graph **out)
{
    umbra_file_copy content;
    UMBRA_TRY(umbra_file_load(path, &content));
    int folder = open_folder(path);
    umbra_status status = import(content.bytes, content.size, path, folder, out);
    if (folder >= 0)
        close(folder);
    umbra_file_unload(&content);
    return status;
}

umbra_status umbra_onnx_import_single_file(const char *path, umbra_graph **out)
{
    umbra_file_copy content;
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = import(content.bytes, content.size, path, -1, out);
    umbra_file_unload(&content);
    return status;
}
