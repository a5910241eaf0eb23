/* All offenders are listed by name, each with what to do; what can be encrypted passes. */
#include "check.h"

#include "base/memory.h"
#include "same_function.h"

#include <math.h>
#include <stdio.h>

static umbra_graph *import(onnx_writer *w)
{
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_graph_simplify(graph));
    onnx_writer_free(w);
    return graph;
}

static onnx_writer *start(void)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,8,8");
    onnx_writer_constant(w, "w", "2,2,3,3", NULL);
    onnx_writer_node(w, "Conv", "x w", "conv");
    return w;
}

static void pool(onnx_writer *w, const char *op, const char *input, const char *output)
{
    onnx_writer_ints(w, onnx_writer_node(w, op, input, output), "kernel_shape", "2,2");
}

static void test_all_offenders_in_one_message(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Relu", "conv", "/layer1/Relu");
    pool(w, "MaxPool", "/layer1/Relu", "/pool/MaxPool");
    onnx_writer_node(w, "Frobnicate", "/pool/MaxPool", "/odd");
    onnx_writer_node(w, "Tanh", "/odd", "/later/Tanh");
    onnx_writer_node(w, "Sigmoid", "/later/Tanh", "/Sigmoid");
    onnx_writer_output(w, "/Sigmoid");
    umbra_graph *graph = import(w);
    char *list;
    int count;
    check_ok(umbra_graph_list_offenders(graph, &list, &count));
    assert_int_equal(count, 5);
    assert_non_null(strstr(list, "\"/layer1/Relu\" (Relu): replace the activation by a quadratic"));
    assert_non_null(strstr(list, "\"/pool/MaxPool\" (MaxPool): use average pooling"));
    assert_non_null(strstr(list, "\"/odd\" (Frobnicate): this operator is not known"));
    assert_non_null(strstr(list, "\"/later/Tanh\" (Tanh): replace"));
    assert_non_null(strstr(list, "\"/Sigmoid\" (Sigmoid): remove it from the end of the graph"));
    umbra_memory_free(list);
    check_fails(UMBRA_E_MODEL, "net.onnx: 5 nodes cannot be encrypted",
                umbra_graph_check_encryptable(graph, "net.onnx"));
    umbra_graph_free(graph);
}

/* The importer knows neither Elu nor LogSoftmax; `umbra adapt` does, and is named where it helps.
 */
static void test_what_adapt_replaces(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Elu", "conv", "/elu");
    onnx_writer_node(w, "LogSoftmax", "/elu", "/end");
    onnx_writer_output(w, "/end");
    umbra_graph *graph = import(w);
    check_fails(UMBRA_E_MODEL, "\"/elu\" (Elu): replace the activation by a quadratic",
                umbra_graph_check_encryptable(graph, "f"));
    assert_non_null(strstr(umbra_error_message(), "\"/end\" (LogSoftmax): remove it from the end"));
    assert_non_null(strstr(umbra_error_message(), "\n`umbra adapt` replaces"));
    umbra_graph_free(graph);
    w = start();
    onnx_writer_node(w, "Frobnicate", "conv", "/odd");
    onnx_writer_output(w, "/odd");
    graph = import(w);
    check_fails(UMBRA_E_MODEL, "f: 1 node cannot", umbra_graph_check_encryptable(graph, "f"));
    assert_null(strstr(umbra_error_message(), "adapt"));
    umbra_graph_free(graph);
}

static void test_silu_and_unsupported_variants(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Sigmoid", "conv", "gate");
    onnx_writer_node(w, "Mul", "conv gate", "silu");
    onnx_writer_constant(w, "k", "2,1,1", NULL);
    onnx_writer_node(w, "GlobalAveragePool", "silu", "mean");
    onnx_writer_node(w, "Mul", "silu mean", "product");
    onnx_writer_constant(w, "plane", "6,6", NULL);
    onnx_writer_node(w, "Mul", "product plane", "scaled");
    onnx_writer_node(w, "Div", "plane scaled", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph = import(w);
    check_fails(UMBRA_E_MODEL, "\"silu\" (SiLU)", umbra_graph_check_encryptable(graph, "f"));
    check_fails(UMBRA_E_MODEL, "\"y\" (Div): multiply by the reciprocal",
                umbra_graph_check_encryptable(graph, "f"));
    check_fails(UMBRA_E_MODEL, "2 nodes", umbra_graph_check_encryptable(graph, "f"));
    umbra_graph_free(graph);
}

/* After an unknown node nothing has a shape; operators with missing or surplus inputs must not
 * confuse a pass (the fuzzer found one that it did). */
static void test_all_operators_after_an_unknown(void **state)
{
    (void)state;
    static const char *const op[] = {"Sum",     "Neg",  "Sqrt",  "Add",
                                     "Mul",     "Pow",  "Split", "MaxPool",
                                     "Dropout", "Relu", "Conv",  "BatchNormalization"};
    static const char *const second[] = {"", "a", "", "b", "", "c", "", "d", "", "e", "", "g"};
    onnx_writer *w = start();
    onnx_writer_node(w, "Frobnicate", "conv", "f");
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        Onnx__NodeProto *n = onnx_writer_node(w, op[i], i < 3 ? "f" : "f w w w w", name);
        n->output[1] = (char *)second[i];
        n->n_output = i % 2 == 0 ? 1 : 2;
        onnx_writer_output(w, name);
    }
    umbra_graph *graph = import(w);
    char *list;
    int count;
    check_ok(umbra_graph_list_offenders(graph, &list, &count));
    assert_non_null(strstr(list, "Frobnicate"));
    assert_non_null(strstr(list, "Relu"));
    umbra_memory_free(list);
    umbra_graph_free(graph);
}

static void expect_one_offender(onnx_writer *w)
{
    umbra_graph *graph = import(w);
    char *list;
    int count;
    check_ok(umbra_graph_list_offenders(graph, &list, &count));
    assert_int_equal(count, 1);
    umbra_memory_free(list);
    umbra_graph_free(graph);
}

/* An unknown node with several outputs is one offender. */
static void test_several_outputs_are_one_offender(void **state)
{
    (void)state;
    onnx_writer *w = start();
    Onnx__NodeProto *n = onnx_writer_node(w, "Frobnicate", "conv", "a");
    n->output[1] = (char *)"b";
    n->n_output = 2;
    onnx_writer_output(w, "a");
    onnx_writer_output(w, "b");
    expect_one_offender(w);
}

/* Shape arithmetic behind an unknown node fails because of it, and is not listed beside it. */
static void test_consequences_are_not_listed(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_integers(w, "zero", "0");
    onnx_writer_node(w, "Frobnicate", "conv", "f");
    onnx_writer_node(w, "Shape", "f", "s");
    onnx_writer_node(w, "Gather", "s zero", "g");
    onnx_writer_node(w, "Reshape", "f g", "y");
    onnx_writer_output(w, "y");
    expect_one_offender(w);
}

static void test_encryptable_net_passes(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_constant(w, "f", "18,5", NULL);
    onnx_writer_constant(w, "b", "5", NULL);
    onnx_writer_node(w, "Mul", "conv conv", "square");
    pool(w, "AveragePool", "square", "small");
    onnx_writer_constant(w, "k", "1,2,1,1", NULL);
    onnx_writer_node(w, "Mul", "small k", "scaled"); /* becomes BATCH_NORM */
    onnx_writer_ints(w, w->nodes[w->graph.n_node - 3 + 1], "strides", "2,2");
    onnx_writer_node(w, "Flatten", "scaled", "flat");
    onnx_writer_node(w, "MatMul", "flat f", "m");
    onnx_writer_node(w, "Add", "m b", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph = import(w);
    check_ok(umbra_graph_check_encryptable(graph, "f"));
    assert_int_equal(count_nodes(graph, UMBRA_OP_BATCH_NORM), 1);
    assert_int_equal(graph->node_count, 6);
    umbra_graph_free(graph);
}

/* The node is named; also where a constant becomes infinite by folding. */
static void test_weights_that_are_not_finite(void **state)
{
    (void)state;
    static const float bad[2] = {1.0f, NAN}, zero[2] = {2.0f, 0.0f};
    onnx_writer *w = start();
    w->constants[0]->float_data[3] = INFINITY;
    onnx_writer_constant(w, "k", "2,1,1", bad);
    onnx_writer_node(w, "Mul", "conv k", "m");
    onnx_writer_constant(w, "one", "2,1,1", zero);
    onnx_writer_constant(w, "z", "2,1,1", zero);
    onnx_writer_node(w, "Div", "one z", "quotient");
    onnx_writer_node(w, "GlobalAveragePool", "m", "p");
    onnx_writer_node(w, "Add", "p quotient", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    check_fails(UMBRA_E_MODEL, "\"conv\" (Conv): its constant \"w\" holds NaN",
                umbra_graph_check_encryptable(graph, "f"));
    check_fails(UMBRA_E_MODEL, "\"m\" (Mul): its constant \"k\" holds NaN",
                umbra_graph_check_encryptable(graph, "f"));
    check_fails(UMBRA_E_MODEL, "\"y\" (Add): its constant \"quotient\" holds NaN",
                umbra_graph_check_encryptable(graph, "f"));
    check_ok(umbra_graph_simplify(graph));
    check_fails(UMBRA_E_MODEL, "holds NaN", umbra_graph_check_encryptable(graph, "f"));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* More offenders than a message holds: whole lines, and the list has all of them. */
static void test_many_offenders(void **state)
{
    (void)state;
    onnx_writer *w = start();
    char from[32] = "conv", to[32];
    for (int i = 0; i < 200; i++) {
        snprintf(to, sizeof to, "/block%d/Relu", i);
        onnx_writer_node(w, "Relu", from, to);
        memcpy(from, to, sizeof to);
    }
    onnx_writer_output(w, to);
    umbra_graph *graph = import(w);
    char *list;
    int count;
    check_fails(UMBRA_E_MODEL, "200 nodes cannot be encrypted",
                umbra_graph_check_encryptable(graph, "f"));
    check_fails(UMBRA_E_MODEL, "... and more", umbra_graph_check_encryptable(graph, "f"));
    assert_non_null(strstr(umbra_error_message(), "see umbra adapt --help"));
    check_ok(umbra_graph_list_offenders(graph, &list, &count));
    assert_non_null(strstr(list, "/block199/Relu"));
    umbra_memory_free(list);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_offenders_in_one_message),
        cmocka_unit_test(test_what_adapt_replaces),
        cmocka_unit_test(test_silu_and_unsupported_variants),
        cmocka_unit_test(test_all_operators_after_an_unknown),
        cmocka_unit_test(test_several_outputs_are_one_offender),
        cmocka_unit_test(test_consequences_are_not_listed),
        cmocka_unit_test(test_encryptable_net_passes),
        cmocka_unit_test(test_many_offenders),
        cmocka_unit_test(test_weights_that_are_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
