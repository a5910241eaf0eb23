/* Polynomials are found in the forms that exporters write, and only there. */
#include "check.h"

#include "same_function.h"

static onnx_writer *start(void)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,3,3");
    onnx_writer_scalar(w, "a", 0.25f);
    onnx_writer_scalar(w, "b", -1.5f);
    onnx_writer_scalar(w, "c", 0.75f);
    onnx_writer_scalar(w, "two", 2.0f);
    return w;
}

static umbra_graph *finish(onnx_writer *w)
{
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_pass_find_polynomials);
    onnx_writer_free(w);
    return graph;
}

static void expect(umbra_graph *graph, int degree, const double *coefficients)
{
    assert_int_equal(graph->node_count, 1);
    const umbra_node *node = only_node(graph, UMBRA_OP_POLYNOMIAL);
    assert_int_equal(node->attr.degree, degree);
    for (int i = 0; i <= degree; i++)
        assert_true(node->attr.coefficient[i] == coefficients[i]);
    assert_string_equal(graph->values[node->inputs[0]].name, "x");
    umbra_graph_free(graph);
}

/* a*x**2 + b*x + c as PyTorch 1.13 writes it. */
static void test_quadratic_by_pow(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Pow", "x two", "x2");
    onnx_writer_node(w, "Mul", "a x2", "ax2");
    onnx_writer_node(w, "Mul", "b x", "bx");
    onnx_writer_node(w, "Add", "ax2 bx", "sum");
    onnx_writer_node(w, "Add", "sum c", "y");
    expect(finish(w), 2, (double[]){0.75, -1.5, 0.25});
}

static void test_square_by_mul(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x x", "y");
    expect(finish(w), 2, (double[]){0, 0, 1});
}

static void test_horner(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x a", "ax");
    onnx_writer_node(w, "Add", "b ax", "axb");
    onnx_writer_node(w, "Mul", "axb x", "axbx");
    onnx_writer_node(w, "Sub", "axbx c", "y");
    expect(finish(w), 2, (double[]){-0.75, -1.5, 0.25});
}

/* x**2 goes into two terms of the same cubic: it is no base of its own. */
static void test_cubic_with_shared_square(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x x", "x2");
    onnx_writer_node(w, "Mul", "x2 x", "x3");
    onnx_writer_node(w, "Mul", "x3 a", "ax3");
    onnx_writer_node(w, "Mul", "x2 b", "bx2");
    onnx_writer_node(w, "Add", "ax3 bx2", "s");
    onnx_writer_node(w, "Div", "x two", "half");
    onnx_writer_node(w, "Sub", "s half", "t");
    onnx_writer_node(w, "Sub", "c t", "y");
    expect(finish(w), 3, (double[]){0.75, 0.5, 1.5, -0.25});
}

static void test_neg_and_pow_of_a_sum(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_scalar(w, "three", 3.0f);
    onnx_writer_scalar(w, "one", 1.0f);
    onnx_writer_node(w, "Neg", "x", "minus");
    onnx_writer_node(w, "Add", "minus one", "m1");
    onnx_writer_node(w, "Pow", "m1 three", "y");
    expect(finish(w), 3, (double[]){1, -3, 3, -1});
}

/* The activation is read by a residual addition and by a pooling: it must be computed once. */
static void test_shared_activation_is_a_base(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x x", "act");
    onnx_writer_node(w, "GlobalAveragePool", "act", "pooled");
    onnx_writer_node(w, "Add", "act pooled", "sum");
    onnx_writer_node(w, "Add", "sum x", "y");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 1);
    assert_int_equal(count_nodes(graph, UMBRA_OP_ADD), 2);
    umbra_graph_free(graph);
}

/* x + act(x) with another reader of act(x): the addition stays one. */
static void test_residual_around_an_activation(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x x", "act");
    onnx_writer_node(w, "Relu", "act", "y");
    onnx_writer_node(w, "Add", "x act", "z");
    onnx_writer_output(w, "z");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 1);
    assert_int_equal(count_nodes(graph, UMBRA_OP_ADD), 1);
    umbra_graph_free(graph);
}

/* x*1 and x+0 are x; an output keeps its name all the same. */
static void test_identity_goes(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_scalar(w, "one", 1.0f);
    onnx_writer_node(w, "Mul", "x one", "same");
    onnx_writer_node(w, "Relu", "same", "r");
    onnx_writer_node(w, "Div", "r one", "y");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 1);
    assert_int_equal(graph->node_count, 2);
    umbra_graph_free(graph);
}

static void test_intermediate_output_is_kept(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_node(w, "Mul", "x x", "x2");
    onnx_writer_node(w, "Mul", "x2 a", "y");
    onnx_writer_output(w, "x2");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 2);
    umbra_graph_free(graph);
}

/* Not scalars: a constant for each channel, and one that raises the rank. */
static void test_other_constants_stay(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_constant(w, "k", "2,1,1", NULL);
    onnx_writer_constant(w, "wide", "1,1,1,1,1", NULL);
    onnx_writer_node(w, "Mul", "x k", "scaled");
    onnx_writer_node(w, "Add", "scaled wide", "y");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_POLYNOMIAL), 0);
    umbra_graph_free(graph);
}

static void test_degree_is_bounded(void **state)
{
    (void)state;
    onnx_writer *w = start();
    onnx_writer_scalar(w, "tenth", 0.1f);
    onnx_writer_node(w, "Mul", "x tenth", "x1");
    onnx_writer_node(w, "Mul", "x1 x1", "x2");
    onnx_writer_node(w, "Mul", "x2 x2", "x4");
    onnx_writer_node(w, "Mul", "x4 x4", "x8");
    onnx_writer_node(w, "Mul", "x8 x8", "x16");
    onnx_writer_node(w, "Mul", "x16 x16", "y");
    umbra_graph *graph = finish(w);
    for (int i = 0; i < graph->node_count; i++)
        assert_true(graph->nodes[i].attr.degree <= UMBRA_MAX_DEGREE);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quadratic_by_pow),
        cmocka_unit_test(test_square_by_mul),
        cmocka_unit_test(test_horner),
        cmocka_unit_test(test_cubic_with_shared_square),
        cmocka_unit_test(test_neg_and_pow_of_a_sum),
        cmocka_unit_test(test_shared_activation_is_a_base),
        cmocka_unit_test(test_residual_around_an_activation),
        cmocka_unit_test(test_identity_goes),
        cmocka_unit_test(test_intermediate_output_is_kept),
        cmocka_unit_test(test_other_constants_stay),
        cmocka_unit_test(test_degree_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
