/* The passes together, on the structure of the classifiers that are encrypted. */
#include "check.h"

#include "same_function.h"

#include <stdio.h>

static void norm(onnx_writer *w, const char *input, const char *output, const char *channels)
{
    char name[4][32], inputs[200];
    static const char *const part[4] = {"scale", "bias", "mean", "variance"};
    for (int i = 0; i < 4; i++) {
        snprintf(name[i], sizeof name[i], "%s_%s", output, part[i]);
        Onnx__TensorProto *t = onnx_writer_constant(w, name[i], channels, NULL);
        for (size_t k = 0; i == 3 && k < t->n_float_data; k++)
            t->float_data[k] = t->float_data[k] * t->float_data[k] + 0.2f;
    }
    snprintf(inputs, sizeof inputs, "%s %s %s %s %s", input, name[0], name[1], name[2], name[3]);
    onnx_writer_node(w, "BatchNormalization", inputs, output);
}

static void conv(onnx_writer *w, const char *input, const char *output, const char *shape,
                 const char *pads, const char *strides)
{
    char name[32], inputs[64];
    snprintf(name, sizeof name, "%s_w", output);
    snprintf(inputs, sizeof inputs, "%s %s", input, name);
    onnx_writer_constant(w, name, shape, NULL);
    Onnx__NodeProto *node = onnx_writer_node(w, "Conv", inputs, output);
    onnx_writer_ints(w, node, "pads", pads);
    onnx_writer_ints(w, node, "strides", strides);
}

/* a*x**2 + b*x + c with [1]-shaped constants, as PyTorch writes it. */
static void quadratic(onnx_writer *w, const char *x, const char *output)
{
    char line[128], square[32], scaled[32], linear[32], sum[32];
    snprintf(square, sizeof square, "%s_sq", output);
    snprintf(scaled, sizeof scaled, "%s_ax", output);
    snprintf(linear, sizeof linear, "%s_bx", output);
    snprintf(sum, sizeof sum, "%s_s", output);
    snprintf(line, sizeof line, "%s two", x);
    onnx_writer_node(w, "Pow", line, square);
    snprintf(line, sizeof line, "qa %s", square);
    onnx_writer_node(w, "Mul", line, scaled);
    snprintf(line, sizeof line, "qb %s", x);
    onnx_writer_node(w, "Mul", line, linear);
    snprintf(line, sizeof line, "%s %s", scaled, linear);
    onnx_writer_node(w, "Add", line, sum);
    snprintf(line, sizeof line, "%s qc", sum);
    onnx_writer_node(w, "Add", line, output);
}

static void test_residual_network(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "N,4,8,8");
    onnx_writer_scalar(w, "two", 2.0f);
    onnx_writer_scalar(w, "qa", 0.1f);
    onnx_writer_scalar(w, "qb", 0.5f);
    onnx_writer_scalar(w, "qc", 0.2f);
    conv(w, "x", "c0", "6,4,3,3", "1,1,1,1", "1,1");
    norm(w, "c0", "n0", "6");
    quadratic(w, "n0", "a0");
    conv(w, "a0", "c1", "8,6,3,3", "1,1,1,1", "2,2");
    norm(w, "c1", "n1", "8");
    quadratic(w, "n1", "a1");
    conv(w, "a1", "c2", "8,8,3,3", "1,1,1,1", "1,1");
    norm(w, "c2", "n2", "8");
    conv(w, "a0", "cs", "8,6,1,1", "0,0,0,0", "2,2");
    norm(w, "cs", "ns", "8");
    onnx_writer_node(w, "Add", "ns n2", "block");
    onnx_writer_node(w, "GlobalAveragePool", "block", "pooled");
    onnx_writer_node(w, "Flatten", "pooled", "flat");
    onnx_writer_constant(w, "fw", "3,8", NULL);
    onnx_writer_constant(w, "fb", "3", NULL);
    onnx_writer_int(w, onnx_writer_node(w, "Gemm", "flat fw fb", "y"), "transB", 1);
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_graph_simplify);
    assert_int_equal(count_nodes(graph, UMBRA_OP_CONV), 4);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 2);
    assert_int_equal(count_nodes(graph, UMBRA_OP_ADD), 1);
    assert_int_equal(graph->node_count, 10);
    check_ok(umbra_graph_check_encryptable(graph, "net"));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_silu_is_fused_at_import(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph;
    onnx_writer_input(w, "x", "2,3");
    onnx_writer_node(w, "Sigmoid", "x", "g");
    onnx_writer_node(w, "Mul", "g x", "y");
    onnx_writer_output(w, "y");
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->node_count, 1);
    assert_int_equal(graph->nodes[0].op, UMBRA_OP_SILU);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* What is left of a scale or shift a channel becomes batch norm, in all its forms. */
static void test_affine_becomes_batch_norm(void **state)
{
    (void)state;
    static const char *const op[] = {"Add", "Sub", "Mul", "Div"};
    for (int i = 0; i < 4; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            onnx_writer *w = onnx_writer_new(13);
            onnx_writer_input(w, "x", "1,3,2,2");
            onnx_writer_constant(w, "k", "3,1,1", NULL);
            onnx_writer_node(w, op[i], swapped ? "k x" : "x k", "y");
            onnx_writer_output(w, "y");
            umbra_graph *graph = check_same_function(w, umbra_pass_affine_to_batch_norm);
            int expected = i == 3 && swapped ? 0 : 1; /* k / x is not affine */
            assert_int_equal(count_nodes(graph, UMBRA_OP_BATCH_NORM), expected);
            umbra_graph_free(graph);
            onnx_writer_free(w);
        }
}

static void test_dead_nodes_and_values_go(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,3");
    onnx_writer_input(w, "unused", "2,3");
    onnx_writer_constant(w, "k", "2,3", NULL);
    onnx_writer_node(w, "Add", "x k", "dead");
    onnx_writer_node(w, "Frobnicate", "dead", "deader");
    onnx_writer_node(w, "Relu", "x", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_pass_drop_dead);
    assert_int_equal(graph->node_count, 1);
    assert_int_equal(graph->value_count, 3);
    assert_int_equal(graph->input_count, 2); /* inputs are the interface and stay */
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residual_network),
        cmocka_unit_test(test_silu_is_fused_at_import),
        cmocka_unit_test(test_affine_becomes_batch_norm),
        cmocka_unit_test(test_dead_nodes_and_values_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
