/* Rewrite a foreign ONNX file so that it can be encrypted: activations become quadratics. */
#include "graph/onnx_adapt.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/onnx_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef enum change {
    KEEP,
    QUADRATIC,
    POOL,
    END, /* becomes Identity */
    GATE /* the Sigmoid of x * Sigmoid(x), left out */
} change;

struct umbra_adapter {
    const char *file;
    Onnx__ModelProto *model;
    umbra_importer importer; /* for reading attributes */
    change *changes;         /* of each node */
    umbra_adapt_site *sites;
    int *site_of_node;
    umbra_names readers; /* value -> the only node that reads it, or MANY */
    int site_count, pool_count, end_count;
};

#define MANY INT_MAX

#define MADE_NODES 7               /* that a quadratic becomes at most */
#define NODE_BYTES ((size_t)16384) /* of those, without the texts of names */

typedef struct packer {
    umbra_arena arena;
    Onnx__NodeProto **nodes;
    size_t count;
    int64_t opset;
} packer;

static umbra_status cannot(const umbra_adapter *a, const Onnx__NodeProto *n, const char *why)
{
    const char *name = n->name != NULL && n->name[0] != 0 ? n->name : n->output[0];
    return umbra_fail(UMBRA_E_MODEL, "%s: node \"%s\" (%s): %s", a->file, name, n->op_type, why);
}

static bool is_output(const Onnx__GraphProto *g, const char *value)
{
    for (size_t i = 0; i < g->n_output; i++)
        if (strcmp(g->output[i]->name, value) == 0)
            return true;
    return false;
}

static umbra_status add_site(umbra_adapter *a, size_t node, const char *op_type, const char *input,
                             const umbra_activation *activation)
{
    const Onnx__NodeProto *n = a->model->graph->node[node];
    umbra_adapt_site *s = &a->sites[a->site_count];
    *s = (umbra_adapt_site){.name = n->name != NULL && n->name[0] != 0 ? n->name : n->output[0],
                            .op_type = op_type,
                            .input = input,
                            .activation = *activation,
                            .c = {0, 1, 0}};
    a->changes[node] = QUADRATIC;
    a->site_of_node[node] = a->site_count++;
    return UMBRA_OK;
}

/* x * Sigmoid(x), where the sigmoid has no other reader. */
static bool find_gate(const umbra_adapter *a, const Onnx__NodeProto *sigmoid, size_t *product)
{
    const Onnx__GraphProto *g = a->model->graph;
    int reader = umbra_names_find(&a->readers, sigmoid->output[0]);
    if (strcmp(sigmoid->op_type, "Sigmoid") != 0 || is_output(g, sigmoid->output[0]) ||
        reader < 0 || reader == MANY)
        return false;
    *product = (size_t)reader;
    const Onnx__NodeProto *mul = g->node[*product];
    if (strcmp(mul->op_type, "Mul") != 0 || mul->n_input != 2)
        return false;
    int gate = strcmp(mul->input[0], sigmoid->output[0]) == 0 ? 0 : 1;
    return strcmp(mul->input[1 - gate], sigmoid->input[0]) == 0;
}

/* Clip takes its bounds from attributes or, since operator set 11, from constant inputs. */
static umbra_status clip_bounds(const umbra_adapter *a, const umbra_graph *graph,
                                const umbra_onnx_node *node, umbra_activation *f)
{
    double *bounds[2] = {&f->alpha, &f->beta};
    UMBRA_TRY(umbra_onnx_float(node, "min", f->alpha, &f->alpha));
    UMBRA_TRY(umbra_onnx_float(node, "max", f->beta, &f->beta));
    for (size_t i = 1; i < node->proto->n_input && i < 3; i++) {
        if (node->proto->input[i][0] == 0)
            continue;
        int value = umbra_graph_find_value(graph, node->proto->input[i]);
        if (value < 0 || graph->values[value].f32 == NULL)
            return cannot(a, node->proto, "its bounds are computed; export them as constants");
        *bounds[i - 1] = (double)graph->values[value].f32[0];
    }
    return UMBRA_OK;
}

static umbra_status read_activation(umbra_adapter *a, const umbra_graph *graph, size_t i,
                                    umbra_activation *f)
{
    const Onnx__NodeProto *n = a->model->graph->node[i];
    umbra_onnx_node node = {.importer = &a->importer, .proto = n, .name = n->output[0]};
    bool scaled = strcmp(n->op_type, "Selu") == 0;
    if (n->n_input < 1 || n->input[0][0] == 0)
        return cannot(a, n, "it has no input");
    UMBRA_TRY(umbra_onnx_float(&node, "alpha", f->alpha, &f->alpha));
    UMBRA_TRY(umbra_onnx_float(&node, scaled ? "gamma" : "beta", f->beta, &f->beta));
    return strcmp(n->op_type, "Clip") == 0 ? clip_bounds(a, graph, &node, f) : UMBRA_OK;
}

static umbra_status find_pool(umbra_adapter *a, size_t i)
{
    const Onnx__NodeProto *n = a->model->graph->node[i];
    if (n->n_input < 1)
        return cannot(a, n, "it has no input");
    umbra_onnx_node node = {.importer = &a->importer, .proto = n, .name = n->output[0]};
    int64_t dilations[2] = {1, 1};
    int count;
    if (n->n_output > 1)
        return cannot(a, n, "the indices of the maxima have no counterpart in an average");
    UMBRA_TRY(umbra_onnx_ints(&node, "dilations", dilations, 2, &count));
    if (count > 0 && (dilations[0] != 1 || (count > 1 && dilations[1] != 1)))
        return cannot(a, n,
                      "a dilated window has no average in older operator sets; export without");
    a->changes[i] = POOL;
    a->pool_count++;
    return UMBRA_OK;
}

static umbra_status find_change(umbra_adapter *a, const umbra_graph *graph, size_t i)
{
    const Onnx__GraphProto *g = a->model->graph;
    const Onnx__NodeProto *n = g->node[i];
    umbra_activation f;
    size_t product = 0;
    bool standard = n->domain == NULL || n->domain[0] == 0 || strcmp(n->domain, "ai.onnx") == 0;
    bool ends = strcmp(n->op_type, "Softmax") == 0 || strcmp(n->op_type, "LogSoftmax") == 0 ||
                strcmp(n->op_type, "Sigmoid") == 0;
    if (!standard || a->changes[i] != KEEP)
        return UMBRA_OK;
    if (strcmp(n->op_type, "MaxPool") == 0)
        return find_pool(a, i);
    if (ends && n->n_input > 0 && is_output(g, n->output[0])) {
        a->changes[i] = END;
        a->end_count++;
        return UMBRA_OK;
    }
    if (!umbra_activation_find(n->op_type, &f))
        return UMBRA_OK;
    UMBRA_TRY(read_activation(a, graph, i, &f));
    if (!find_gate(a, n, &product))
        return add_site(a, i, n->op_type, n->input[0], &f);
    a->changes[i] = GATE;
    umbra_activation_find("Silu", &f);
    return add_site(a, product, "Silu", n->input[0], &f);
}

static umbra_status find_readers(umbra_adapter *a)
{
    const Onnx__GraphProto *g = a->model->graph;
    size_t inputs = 0;
    for (size_t i = 0; i < g->n_node; i++)
        inputs += g->node[i]->n_input;
    UMBRA_TRY(umbra_names_init(&a->readers, inputs));
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_input; k++) {
            bool first = umbra_names_find(&a->readers, g->node[i]->input[k]) < 0;
            umbra_names_put(&a->readers, g->node[i]->input[k], first ? (int)i : MANY);
        }
    return UMBRA_OK;
}

static umbra_status find_changes(umbra_adapter *a, const umbra_graph *graph)
{
    size_t nodes = a->model->graph->n_node + 1;
    void *memory;
    UMBRA_TRY(find_readers(a));
    UMBRA_TRY(umbra_memory_alloc_array(&memory, nodes, sizeof(change), "adapting"));
    a->changes = memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, nodes, sizeof(umbra_adapt_site), "adapting"));
    a->sites = memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, nodes, sizeof(int), "adapting"));
    a->site_of_node = memory;
    for (size_t i = 0; i + 1 < nodes; i++)
        UMBRA_TRY(find_change(a, graph, i));
    return UMBRA_OK;
}

static umbra_status check_single_file(const umbra_adapter *a)
{
    const Onnx__GraphProto *g = a->model->graph;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (umbra_onnx_is_external(g->initializer[i]))
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: its weights lie in another file; save the model in one file",
                              a->file);
    return UMBRA_OK;
}

umbra_status umbra_adapter_open(umbra_adapter **out, const void *bytes, size_t size,
                                const char *name)
{
    umbra_graph *graph = NULL;
    void *memory;
    umbra_status status;
    UMBRA_TRY(umbra_onnx_import(bytes, size, name, &graph)); /* what is taken for granted here */
    UMBRA_GOTO(fail_graph, status, umbra_memory_alloc(&memory, sizeof(umbra_adapter), "adapting"));
    umbra_adapter *a = memory;
    a->file = name;
    a->importer = (umbra_importer){.file = name, .folder = -1};
    a->model = onnx__model_proto__unpack(NULL, size, bytes);
    if (a->model == NULL)
        UMBRA_GOTO(fail, status, umbra_fail(UMBRA_E_RESOURCE, "%s: not enough memory", name));
    UMBRA_GOTO(fail, status, check_single_file(a));
    UMBRA_GOTO(fail, status, find_changes(a, graph));
    umbra_graph_free(graph);
    *out = a;
    return UMBRA_OK;
fail:
    umbra_adapter_free(memory);
fail_graph:
    umbra_graph_free(graph);
    return status;
}

void umbra_adapter_free(umbra_adapter *a)
{
    if (a == NULL)
        return;
    if (a->model != NULL)
        onnx__model_proto__free_unpacked(a->model, NULL);
    umbra_names_free(&a->readers);
    umbra_memory_free(a->changes);
    umbra_memory_free(a->sites);
    umbra_memory_free(a->site_of_node);
    umbra_memory_free(a);
}

int umbra_adapter_site_count(const umbra_adapter *a)
{
    return a->site_count;
}

umbra_adapt_site *umbra_adapter_site(umbra_adapter *a, int i)
{
    return &a->sites[i];
}

int umbra_adapter_pool_count(const umbra_adapter *a)
{
    return a->pool_count;
}

int umbra_adapter_end_count(const umbra_adapter *a)
{
    return a->end_count;
}

static void *take(packer *p, size_t bytes)
{
    void *memory = umbra_arena_take(&p->arena, bytes);
    memset(memory, 0, bytes);
    return memory;
}

static char *text(packer *p, const char *base, const char *suffix)
{
    size_t size = strlen(base) + strlen(suffix) + 1;
    char *out = take(p, size);
    snprintf(out, size, "%s%s", base, suffix);
    return out;
}

static Onnx__NodeProto *add_node(packer *p, const char *op_type, const char *output, int inputs,
                                 const char *const *input)
{
    Onnx__NodeProto *n = take(p, sizeof *n);
    onnx__node_proto__init(n);
    n->op_type = text(p, op_type, "");
    n->name = text(p, output, "");
    n->n_output = 1;
    n->output = take(p, sizeof *n->output);
    n->output[0] = text(p, output, "");
    n->n_input = (size_t)inputs;
    n->input = take(p, ((size_t)inputs + 1) * sizeof *n->input);
    for (int i = 0; i < inputs; i++)
        n->input[i] = text(p, input[i], "");
    p->nodes[p->count++] = n;
    return n;
}

static Onnx__AttributeProto *add_attribute(packer *p, Onnx__NodeProto *n, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = take(p, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = text(p, name, "");
    a->has_type = 1;
    a->type = type;
    n->attribute = take(p, sizeof *n->attribute);
    n->attribute[0] = a;
    n->n_attribute = 1;
    return a;
}

/* A number as a Constant node: initialisers would have to be inputs as well in old files. */
static char *add_number(packer *p, const char *output, const char *suffix, double number)
{
    char *name = text(p, output, suffix);
    Onnx__NodeProto *n = add_node(p, "Constant", name, 0, NULL);
    Onnx__AttributeProto *a =
        add_attribute(p, n, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
    a->t = take(p, sizeof *a->t);
    onnx__tensor_proto__init(a->t);
    a->t->has_data_type = 1;
    a->t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    a->t->n_float_data = 1;
    a->t->float_data = take(p, sizeof(float));
    a->t->float_data[0] = (float)number;
    return name;
}

/* Before operator set 7 broadcasting has to be asked for. */
static void add_binary(packer *p, const char *op_type, const char *output, const char *x,
                       const char *y)
{
    Onnx__NodeProto *n = add_node(p, op_type, output, 2, (const char *[2]){x, y});
    if (p->opset >= 7 || strcmp(x, y) == 0)
        return;
    Onnx__AttributeProto *a =
        add_attribute(p, n, "broadcast", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = 1;
}

#define MARK "_adapted" /* in the names of what is made */

/* c[0] + x (c[1] + c[2] x), without the terms that are 0. */
static void add_quadratic(packer *p, const umbra_adapt_site *s, const char *output)
{
    const char *x = s->input, *linear = x, *sum = output;
    if (s->c[0] != 0)
        sum = text(p, output, MARK "_product");
    if (s->c[2] != 0 && (s->c[2] != 1 || s->c[1] != 0)) {
        const char *scaled = x;
        if (s->c[2] != 1) {
            scaled = text(p, output, MARK "_scaled");
            add_binary(p, "Mul", scaled, x, add_number(p, output, MARK "_c2", s->c[2]));
        }
        linear = scaled;
        if (s->c[1] != 0) {
            linear = text(p, output, MARK "_linear");
            add_binary(p, "Add", linear, scaled, add_number(p, output, MARK "_c1", s->c[1]));
        }
    } else if (s->c[2] == 0) {
        linear = add_number(p, output, MARK "_c1", s->c[1]);
    }
    add_binary(p, "Mul", sum, x, linear);
    if (s->c[0] != 0)
        add_binary(p, "Add", output, sum, add_number(p, output, MARK "_c0", s->c[0]));
}

/* The same window; padded elements are not counted, as a maximum does not look at them. */
static void add_pool(packer *p, const Onnx__NodeProto *old)
{
    Onnx__NodeProto *n = take(p, sizeof *n);
    *n = *old;
    n->op_type = text(p, "AveragePool", "");
    n->attribute = take(p, (old->n_attribute + 1) * sizeof *n->attribute);
    n->n_attribute = 0;
    for (size_t i = 0; i < old->n_attribute; i++) {
        const char *name = old->attribute[i]->name;
        if (name != NULL && strcmp(name, "storage_order") != 0 && strcmp(name, "dilations") != 0)
            n->attribute[n->n_attribute++] = old->attribute[i];
    }
    p->nodes[p->count++] = n;
}

static void add_changed(packer *p, const umbra_adapter *a, size_t i)
{
    Onnx__NodeProto *n = a->model->graph->node[i];
    switch (a->changes[i]) {
    case QUADRATIC:
        add_quadratic(p, &a->sites[a->site_of_node[i]], n->output[0]);
        return;
    case POOL:
        add_pool(p, n);
        return;
    case END:
        add_node(p, "Identity", n->output[0], 1, (const char *[1]){n->input[0]});
        return;
    case GATE:
        return;
    default:
        p->nodes[p->count++] = n;
    }
}

static int64_t operator_set(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (model->opset_import[i]->domain == NULL || model->opset_import[i]->domain[0] == 0)
            return model->opset_import[i]->version;
    return 1;
}

static umbra_status pack(packer *p, const umbra_adapter *a, const char *output,
                         unsigned char **bytes, size_t *size)
{
    Onnx__ModelProto model = *a->model;
    Onnx__GraphProto graph = *a->model->graph;
    Onnx__ValueInfoProto info = ONNX__VALUE_INFO_PROTO__INIT, *only = &info;
    void *memory;
    for (size_t i = 0; i < graph.n_node; i++)
        add_changed(p, a, i);
    graph.node = p->nodes;
    graph.n_node = p->count;
    model.graph = &graph;
    if (output != NULL) {
        info.name = text(p, output, "");
        graph.output = &only;
        graph.n_output = 1;
    }
    *size = onnx__model_proto__get_packed_size(&model);
    UMBRA_TRY(umbra_memory_alloc(&memory, *size, "the adapted model"));
    onnx__model_proto__pack(&model, memory);
    *bytes = memory;
    return UMBRA_OK;
}

/* Memory that the changes of node i take in a packer: its texts up to some dozens of times. */
static size_t change_bytes(const umbra_adapter *a, size_t i)
{
    const Onnx__NodeProto *n = a->model->graph->node[i];
    if (a->changes[i] == KEEP || a->changes[i] == GATE)
        return 0;
    const char *x = a->changes[i] == QUADRATIC ? a->sites[a->site_of_node[i]].input : n->input[0];
    return NODE_BYTES + 64 * (strlen(n->output[0]) + strlen(x)) +
           n->n_attribute * sizeof(Onnx__AttributeProto *);
}

umbra_status umbra_adapter_pack(const umbra_adapter *a, const char *output, unsigned char **bytes,
                                size_t *size)
{
    packer p = {.opset = operator_set(a->model)};
    size_t nodes = a->model->graph->n_node, room = 4096, made = nodes;
    for (size_t i = 0; i < nodes; i++) {
        room += change_bytes(a, i);
        made += a->changes[i] == QUADRATIC ? MADE_NODES : 0;
    }
    room += output != NULL ? strlen(output) : 0;
    UMBRA_TRY(umbra_arena_init(&p.arena, room + made * sizeof *p.nodes));
    p.nodes = umbra_arena_take(&p.arena, made * sizeof *p.nodes);
    umbra_status status = pack(&p, a, output, bytes, size);
    umbra_arena_free(&p.arena);
    return status;
}
