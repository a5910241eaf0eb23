/* Adapting a file: what becomes a quadratic, what an average, what is left, and what is refused. */
#include "check.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/onnx_adapt.h"
#include "same_function.h"

#include <math.h>

/* conv -> Relu -> MaxPool -> x * Sigmoid(x) -> Conv -> Clip -> Flatten -> Softmax */
static onnx_writer *network(int opset)
{
    onnx_writer *w = onnx_writer_new(opset);
    onnx_writer_input(w, "x", "1,1,6,6");
    onnx_writer_constant(w, "k", "2,1,3,3", NULL);
    onnx_writer_scalar(w, "low", 0.0f);
    onnx_writer_scalar(w, "high", 6.0f);
    onnx_writer_node(w, "Conv", "x k", "conv");
    onnx_writer_node(w, "Relu", "conv", "relu");
    Onnx__NodeProto *pool = onnx_writer_node(w, "MaxPool", "relu", "pool");
    onnx_writer_ints(w, pool, "kernel_shape", "2,2");
    onnx_writer_ints(w, pool, "strides", "2,2");
    onnx_writer_int(w, pool, "storage_order", 0);
    onnx_writer_node(w, "Sigmoid", "pool", "gate");
    onnx_writer_node(w, "Mul", "gate pool", "silu");
    onnx_writer_constant(w, "k2", "2,2,1,1", NULL);
    onnx_writer_node(w, "Conv", "silu k2", "conv2");
    Onnx__NodeProto *clip =
        onnx_writer_node(w, "Clip", opset < 11 ? "conv2" : "conv2 low high", "clip");
    if (opset < 11) {
        onnx_writer_float(w, clip, "min", 0.0f);
        onnx_writer_float(w, clip, "max", 6.0f);
    }
    onnx_writer_node(w, "Flatten", "clip", "flat");
    onnx_writer_node(w, "Softmax", "flat", "y");
    onnx_writer_output(w, "y");
    onnx_writer_pack(w);
    return w;
}

static umbra_graph *packed(umbra_adapter *a, const char *output)
{
    unsigned char *bytes;
    size_t size;
    umbra_graph *graph;
    check_ok(umbra_adapter_pack(a, output, &bytes, &size));
    check_ok(umbra_onnx_import(bytes, size, "adapted.onnx", &graph));
    umbra_memory_free(bytes);
    return graph;
}

/* The window is that of the maximum, and nothing is left that an average does not know. */
static void check_pool(umbra_adapter *a)
{
    unsigned char *bytes;
    size_t size;
    check_ok(umbra_adapter_pack(a, NULL, &bytes, &size));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    assert_non_null(model);
    int pools = 0;
    for (size_t i = 0; i < model->graph->n_node; i++) {
        const Onnx__NodeProto *n = model->graph->node[i];
        if (strcmp(n->op_type, "AveragePool") != 0)
            continue;
        pools++;
        assert_int_equal(n->n_attribute, 2);
        assert_string_equal(n->attribute[0]->name, "kernel_shape");
        assert_string_equal(n->attribute[1]->name, "strides");
    }
    assert_int_equal(pools, 1);
    onnx__model_proto__free_unpacked(model, NULL);
    umbra_memory_free(bytes);
}

static void check_adapted(int opset, const double c[3][3])
{
    onnx_writer *w = network(opset);
    umbra_adapter *a;
    check_ok(umbra_adapter_open(&a, w->bytes, w->size, "net.onnx"));
    assert_int_equal(umbra_adapter_site_count(a), 3);
    assert_int_equal(umbra_adapter_pool_count(a), 1);
    assert_int_equal(umbra_adapter_end_count(a), 1);
    const umbra_adapt_site *clip = umbra_adapter_site(a, 2);
    assert_string_equal(umbra_adapter_site(a, 0)->name, "relu");
    assert_string_equal(umbra_adapter_site(a, 1)->op_type, "Silu");
    assert_string_equal(umbra_adapter_site(a, 1)->input, "pool");
    assert_true(clip->activation.alpha == 0.0 && clip->activation.beta == 6.0);
    for (int i = 0; i < 3; i++)
        memcpy(umbra_adapter_site(a, i)->c, c[i], sizeof c[i]);
    check_pool(a);
    umbra_graph *graph = packed(a, NULL);
    check_ok(umbra_graph_simplify(graph));
    check_ok(umbra_graph_check_encryptable(graph, "adapted.onnx"));
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 3);
    assert_int_equal(count_nodes(graph, UMBRA_OP_AVERAGE_POOL), 1);
    assert_string_equal(graph->values[graph->outputs[0]].name, "y");
    for (int i = 0, found = 0; i < graph->node_count; i++) {
        const umbra_node *n = &graph->nodes[i];
        if (n->op != UMBRA_OP_POLYNOMIAL)
            continue;
        for (int k = 0; k < 3; k++)
            assert_true(n->attr.coefficient[k] == c[found][k]);
        found++;
    }
    umbra_graph_free(graph);
    umbra_adapter_free(a);
    onnx_writer_free(w);
}

static void test_all_changes(void **state)
{
    (void)state;
    static const double c[2][3][3] = {{{0.25, 0.5, 2}, {0, 0, 1}, {-1, 0, 0.5}},
                                      {{0, 3, 1}, {1, 0, 1}, {0, 0.5, -2}}};
    static const int opset[] = {6, 9, 13, 18};
    for (int i = 0; i < 8; i++)
        check_adapted(opset[i / 2], c[i % 2]);
}

/* Until it is set an activation passes x through; any value can be made the output. */
static void test_other_outputs(void **state)
{
    (void)state;
    onnx_writer *w = network(13);
    umbra_adapter *a;
    check_ok(umbra_adapter_open(&a, w->bytes, w->size, "net.onnx"));
    umbra_graph *graph = packed(a, "pool");
    assert_int_equal(graph->output_count, 1);
    assert_string_equal(graph->values[graph->outputs[0]].name, "pool");
    assert_int_equal(count_nodes(graph, UMBRA_OP_CONV), 1);
    assert_int_equal(count_nodes(graph, UMBRA_OP_SILU), 0);
    check_ok(umbra_graph_simplify(graph));
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 0);
    umbra_graph_free(graph);
    umbra_adapter_free(a);
    onnx_writer_free(w);
}

/* A sigmoid with other readers, or one in the middle, is an activation; at the end it is left out.
 */
static void test_sigmoids(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    umbra_adapter *a;
    onnx_writer_input(w, "x", "1,4");
    onnx_writer_node(w, "Sigmoid", "x", "gate");
    onnx_writer_node(w, "Mul", "x gate", "product");
    onnx_writer_node(w, "Add", "product gate", "sum");
    onnx_writer_node(w, "Sigmoid", "sum", "y");
    onnx_writer_output(w, "y");
    onnx_writer_pack(w);
    check_ok(umbra_adapter_open(&a, w->bytes, w->size, "net.onnx"));
    assert_int_equal(umbra_adapter_site_count(a), 1);
    assert_string_equal(umbra_adapter_site(a, 0)->op_type, "Sigmoid");
    assert_int_equal(umbra_adapter_end_count(a), 1);
    umbra_adapter_free(a);
    onnx_writer_free(w);
}

static void refuse(onnx_writer *w, umbra_code code, const char *message)
{
    umbra_adapter *a = NULL;
    onnx_writer_pack(w);
    check_fails(code, message, umbra_adapter_open(&a, w->bytes, w->size, "net.onnx"));
    assert_null(a);
    onnx_writer_free(w);
}

static void test_refusals(void **state)
{
    (void)state;
    onnx_writer *w = network(13);
    w->nodes[2]->output[1] = (char *)"indices";
    w->nodes[2]->n_output = 2;
    refuse(w, UMBRA_E_MODEL, "\"pool\" (MaxPool): the indices");
    w = network(13);
    onnx_writer_ints(w, w->nodes[2], "dilations", "2,1");
    refuse(w, UMBRA_E_MODEL, "\"pool\" (MaxPool): a dilated window");
    w = network(13);
    w->nodes[6]->input[1] = (char *)"relu";
    refuse(w, UMBRA_E_MODEL, "\"clip\" (Clip): its bounds are computed");
    w = network(13);
    w->graph.n_output = 0;
    refuse(w, UMBRA_E_INPUT, "no output");
}

/* Names as long as they may be, many times: the memory of a pack is reckoned from them. */
static void test_long_names(void **state)
{
    (void)state;
    static char name[3][900];
    onnx_writer *w = onnx_writer_new(6);
    umbra_adapter *a;
    unsigned char *bytes;
    size_t size;
    onnx_writer_input(w, "x", "1,4");
    for (int i = 0; i < 3; i++) {
        memset(name[i], 'a' + i, sizeof name[i] - 1);
        onnx_writer_node(w, "Tanh", i == 0 ? "x" : name[i - 1], name[i]);
    }
    onnx_writer_output(w, name[2]);
    onnx_writer_pack(w);
    check_ok(umbra_adapter_open(&a, w->bytes, w->size, "net.onnx"));
    for (int i = 0; i < umbra_adapter_site_count(a); i++)
        memcpy(umbra_adapter_site(a, i)->c, (double[3]){1, 2, 3}, 3 * sizeof(double));
    check_ok(umbra_adapter_pack(a, name[2], &bytes, &size));
    umbra_memory_free(bytes);
    umbra_adapter_free(a);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_changes), cmocka_unit_test(test_other_outputs),
        cmocka_unit_test(test_sigmoids),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
