/* The plaintext executor: buffers for every value, one prepared step a node, run in order. */
#include "plain/executor.h"

#include "base/checked.h"
#include "base/memory.h"
#include "plain/plain_internal.h"

#include <stdio.h>
#include <string.h>

/* OpenMP's own functions, without its header: clang would bring another runtime beside oneDNN's. */
extern void omp_set_num_threads(int threads);
extern int omp_get_max_threads(void);
extern int omp_get_num_procs(void);

/* A message holds 4095 bytes; what does not fit is counted. */
typedef struct offenders {
    char text[3600];
    size_t used;
    int count;
} offenders;

static void list_node(offenders *list, const char *name, const char *op_type, const char *why)
{
    char line[2600];
    int length =
        snprintf(line, sizeof line, "\n  node \"%.1024s\" (%.1024s): %.400s", name, op_type, why);
    list->count++;
    if (length < 0 || (size_t)length >= sizeof list->text - list->used)
        return;
    memcpy(list->text + list->used, line, (size_t)length + 1);
    list->used += (size_t)length;
}

/* Weights, where a NaN is a mistake; an infinity added before a softmax is a mask. */
static bool has_weights(umbra_op op)
{
    return op == UMBRA_OP_CONV || op == UMBRA_OP_CONV_TRANSPOSE || op == UMBRA_OP_DENSE ||
           op == UMBRA_OP_BATCH_NORM || op == UMBRA_OP_INSTANCE_NORM;
}

/* Everything that cannot be run, in one message. */
static umbra_status check_graph(const umbra_graph *graph)
{
    offenders list = {.used = 0};
    bool *bad;
    UMBRA_TRY(umbra_graph_find_infinite(graph, &bad));
    for (int i = 0; i < graph->input_count; i++)
        if (graph->values[graph->inputs[i]].type != UMBRA_F32)
            list_node(&list, graph->values[graph->inputs[i]].name, "input",
                      "integer tensors are not computed on");
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *node = &graph->nodes[i];
        const umbra_shape *shape = &graph->values[node->output].shape;
        if (node->op == UMBRA_OP_UNKNOWN)
            list_node(&list, node->name, node->op_type,
                      node->note != NULL ? node->note : "this operator is not known to Umbra");
        else if (shape->rank >= 0 && umbra_shape_elements(shape) < 1)
            list_node(&list, node->name, node->op_type, "its shape is impossible");
        else if (has_weights(node->op) && umbra_node_bad_input(node, bad) >= 0)
            list_node(&list, node->name, node->op_type, "one of its weights " UMBRA_NOT_FINITE);
    }
    umbra_memory_free(bad);
    if (list.count == 0)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MODEL, "%d nodes cannot be run:%s", list.count, list.text);
}

static bool needs_buffer(const umbra_graph *graph, int value)
{
    const umbra_value *v = &graph->values[value];
    bool alias = v->producer >= 0 && graph->nodes[v->producer].op == UMBRA_OP_RESHAPE;
    return !umbra_value_is_constant(v) && !alias;
}

static umbra_status check_memory(const umbra_graph *graph)
{
    uint64_t needed = 0, available = umbra_memory_available_bytes();
    for (int i = 0; i < graph->value_count; i++)
        if (needs_buffer(graph, i) && graph->values[i].shape.rank >= 0)
            needed += (uint64_t)umbra_shape_elements(&graph->values[i].shape) * sizeof(float);
    if (available > 0 && needed > available)
        return umbra_fail(UMBRA_E_RESOURCE,
                          "the network needs %llu MB for its values in plaintext, %llu MB are free",
                          (unsigned long long)(needed >> 20),
                          (unsigned long long)(available >> 20));
    return UMBRA_OK;
}

/* Buffers of inputs and nodes; constants are used where they are; a reshape is its input. */
static umbra_status make_buffers(umbra_plain *plain)
{
    const umbra_graph *graph = plain->graph;
    for (int i = 0; i < graph->value_count; i++) {
        plain->data[i] = graph->values[i].f32;
        if (!needs_buffer(graph, i))
            continue;
        void *memory;
        size_t count = (size_t)umbra_shape_elements(&graph->values[i].shape);
        UMBRA_TRY(umbra_memory_alloc_array(&memory, count, sizeof(float), "a tensor"));
        plain->data[i] = memory;
        plain->owned[i] = true;
    }
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == UMBRA_OP_RESHAPE)
            plain->data[graph->nodes[i].output] = plain->data[graph->nodes[i].inputs[0]];
    return UMBRA_OK;
}

static umbra_status prepare(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    int tensors = node->op == UMBRA_OP_GATHER ? 1 : node->input_count; /* then come indices */
    for (int i = 0; i < tensors; i++)
        if (node->inputs[i] < 0 || plain->data[node->inputs[i]] == NULL)
            return umbra_fail(UMBRA_E_MODEL, "node \"%s\" (%s): input %d is missing or an integer",
                              node->name, node->op_type, i);
    switch (node->op) {
    case UMBRA_OP_CONV:
    case UMBRA_OP_CONV_TRANSPOSE:
        return umbra_plain_conv(plain, node, step);
    case UMBRA_OP_DENSE:
        return umbra_plain_dense(plain, node, step);
    case UMBRA_OP_MATMUL:
        return umbra_plain_matmul(plain, node, step);
    case UMBRA_OP_RELU:
    case UMBRA_OP_SIGMOID:
    case UMBRA_OP_SILU:
    case UMBRA_OP_TANH:
        return umbra_plain_eltwise(plain, node, step);
    case UMBRA_OP_SOFTMAX:
        return umbra_plain_softmax(plain, node, step);
    case UMBRA_OP_BATCH_NORM:
        return umbra_plain_batch_norm(plain, node, step);
    case UMBRA_OP_INSTANCE_NORM:
        step->run = umbra_plain_run_instance_norm;
        return UMBRA_OK;
    case UMBRA_OP_POLYNOMIAL:
        step->run = umbra_plain_run_polynomial;
        return UMBRA_OK;
    case UMBRA_OP_AVERAGE_POOL:
    case UMBRA_OP_MAX_POOL:
        step->run = umbra_plain_run_pool;
        return UMBRA_OK;
    case UMBRA_OP_GLOBAL_AVERAGE_POOL:
    case UMBRA_OP_REDUCE_MEAN:
        step->run = umbra_plain_run_mean;
        return UMBRA_OK;
    case UMBRA_OP_RESHAPE:
        step->run = umbra_plain_run_nothing;
        return UMBRA_OK;
    case UMBRA_OP_TRANSPOSE:
    case UMBRA_OP_PAD:
    case UMBRA_OP_CONCAT:
    case UMBRA_OP_SLICE:
    case UMBRA_OP_GATHER:
        step->run = umbra_plain_run_move;
        return UMBRA_OK;
    default:
        step->run = umbra_plain_run_arithmetic;
        return UMBRA_OK;
    }
}

static umbra_status allocate(umbra_plain *plain)
{
    const umbra_graph *graph = plain->graph;
    void *data, *owned, *steps;
    UMBRA_TRY(umbra_memory_alloc_array(&data, (size_t)graph->value_count + 1, sizeof(float *),
                                       "an executor"));
    plain->data = data;
    UMBRA_TRY(umbra_memory_alloc_array(&owned, (size_t)graph->value_count + 1, sizeof(bool),
                                       "an executor"));
    plain->owned = owned;
    UMBRA_TRY(umbra_memory_alloc_array(&steps, (size_t)graph->node_count + 1, sizeof(umbra_step),
                                       "an executor"));
    plain->steps = steps;
    UMBRA_TRY(umbra_plain_check(dnnl_engine_create(&plain->engine, dnnl_cpu, 0), NULL, "start"));
    return umbra_plain_check(
        dnnl_stream_create(&plain->stream, plain->engine, dnnl_stream_default_flags), NULL,
        "start");
}

/* Multiplications below which a node runs on one thread. That is about 5 ms; OpenMP's barrier costs
 * nothing on an idle machine, but a time slice (4 to 16 ms) for every primitive where other work
 * keeps the cores busy: the encoder takes 75 ms on one thread and up to 850 ms on two beside a full
 * load. */
#define LEAST_SHARED_WORK 2.5e8

/* Multiplications of a node, roughly. */
static double work(const umbra_graph *graph, const umbra_node *node)
{
    double outputs = (double)umbra_shape_elements(&graph->values[node->output].shape);
    const umbra_shape *b = node->input_count > 1 ? &graph->values[node->inputs[1]].shape : NULL;
    switch (node->op) {
    case UMBRA_OP_CONV:
        return outputs * (double)umbra_shape_elements(b) / (double)b->dim[0];
    case UMBRA_OP_CONV_TRANSPOSE:
        return outputs * (double)umbra_shape_elements(b) / (double)b->dim[1];
    case UMBRA_OP_DENSE:
        return outputs * (double)b->dim[1];
    case UMBRA_OP_MATMUL:
        return outputs * (double)b->dim[b->rank - 2];
    default:
        return outputs * 8.0;
    }
}

/* oneDNN divides the work when a primitive is made, so making and running need the same number. */
static umbra_status prepare_all(umbra_plain *plain)
{
    int before = omp_get_max_threads();
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < plain->graph->node_count && status == UMBRA_OK; i++) {
        const umbra_node *node = &plain->graph->nodes[i];
        bool shared = work(plain->graph, node) >= LEAST_SHARED_WORK;
        plain->steps[i].threads = shared ? plain->threads : 1;
        omp_set_num_threads(plain->steps[i].threads);
        status = prepare(plain, node, &plain->steps[i]);
    }
    omp_set_num_threads(before);
    return status;
}

umbra_status umbra_plain_new(umbra_plain **out, const umbra_graph *graph, int threads)
{
    void *memory;
    umbra_status status;
    if (threads < 0 || threads > 1024)
        return umbra_fail(UMBRA_E_USAGE, "%d threads; use 0 to 1024", threads);
    UMBRA_TRY(check_graph(graph));
    UMBRA_TRY(check_memory(graph));
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_plain), "an executor"));
    umbra_plain *plain = memory;
    plain->graph = graph;
    plain->threads = threads > 0 ? threads : omp_get_num_procs();
    UMBRA_GOTO(fail, status, allocate(plain));
    UMBRA_GOTO(fail, status, make_buffers(plain));
    UMBRA_GOTO(fail, status, prepare_all(plain));
    *out = plain;
    return UMBRA_OK;
fail:
    umbra_plain_free(plain);
    return status;
}

/* They hold what an image was made into. */
static void wipe_values(const umbra_plain *plain)
{
    for (int i = 0; plain->owned != NULL && i < plain->graph->value_count; i++)
        if (plain->owned[i]) {
            size_t count = (size_t)umbra_shape_elements(&plain->graph->values[i].shape);
            umbra_secret_wipe(plain->data[i], count * sizeof(float));
        }
}

void umbra_plain_free(umbra_plain *plain)
{
    if (plain == NULL)
        return;
    wipe_values(plain);
    for (int i = 0; plain->steps != NULL && i < plain->graph->node_count; i++)
        umbra_step_free(&plain->steps[i]);
    for (int i = 0; plain->owned != NULL && i < plain->graph->value_count; i++)
        if (plain->owned[i])
            umbra_memory_free(plain->data[i]);
    umbra_memory_free(plain->data);
    umbra_memory_free(plain->owned);
    umbra_memory_free(plain->steps);
    if (plain->stream != NULL)
        dnnl_stream_destroy(plain->stream);
    if (plain->engine != NULL)
        dnnl_engine_destroy(plain->engine);
    umbra_memory_free(plain);
}

umbra_status umbra_plain_run(umbra_plain *plain, const float *const *inputs)
{
    const umbra_graph *graph = plain->graph;
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < graph->input_count; i++) {
        int v = graph->inputs[i];
        memcpy(plain->data[v], inputs[i],
               (size_t)umbra_shape_elements(&graph->values[v].shape) * sizeof(float));
    }
    int before = omp_get_max_threads();
    for (int i = 0; i < graph->node_count && status == UMBRA_OK; i++) {
        omp_set_num_threads(plain->steps[i].threads);
        status = plain->steps[i].run(plain, &graph->nodes[i], &plain->steps[i]);
    }
    omp_set_num_threads(before);
    return status;
}

const float *umbra_plain_value(const umbra_plain *plain, int value)
{
    return value < 0 || value >= plain->graph->value_count ? NULL : plain->data[value];
}
