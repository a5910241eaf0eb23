/* Constants fold at import: chains that compute shapes leave no node. */
#include "check.h"

#include "same_function.h"

#include <stdio.h>

static void expect_values(const umbra_graph *graph, const char *name, const float *want, int count)
{
    int index = umbra_graph_find_value(graph, name);
    assert_true(index >= 0);
    const umbra_value *v = &graph->values[index];
    assert_int_equal(umbra_shape_elements(&v->shape), count);
    for (int i = 0; i < count; i++)
        assert_true((v->f32 != NULL ? (double)v->f32[i] : (double)v->i64[i]) == (double)want[i]);
}

/* view(x.size(0), -1) as older exporters write it. */
static void test_flatten_by_shape_chain(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(11);
    umbra_graph *graph;
    onnx_writer_input(w, "x", "N,3,4,4");
    onnx_writer_integers(w, "zero", "0");
    onnx_writer_integers(w, "minus", "-1");
    onnx_writer_node(w, "Shape", "x", "s");
    onnx_writer_node(w, "Gather", "s zero", "n1");
    Onnx__NodeProto *squeeze = onnx_writer_node(w, "Squeeze", "n1", "n");
    onnx_writer_ints(w, squeeze, "axes", "0");
    Onnx__NodeProto *u = onnx_writer_node(w, "Unsqueeze", "n", "n2");
    onnx_writer_ints(w, u, "axes", "0");
    Onnx__NodeProto *c = onnx_writer_node(w, "Concat", "n2 minus", "target");
    onnx_writer_int(w, c, "axis", 0);
    onnx_writer_node(w, "Reshape", "x target", "y");
    onnx_writer_output(w, "y");
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->node_count, 1);
    const umbra_shape *shape = &graph->values[graph->outputs[0]].shape;
    assert_int_equal(shape->rank, 2);
    assert_int_equal(shape->dim[0], 1);
    assert_int_equal(shape->dim[1], 48);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_integer_arithmetic(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph;
    onnx_writer_integers(w, "a", "7,-7,9");
    onnx_writer_integers(w, "b", "2,2,0");
    onnx_writer_node(w, "Add", "a b", "sum");
    onnx_writer_node(w, "Sub", "a b", "difference");
    onnx_writer_node(w, "Mul", "a b", "product");
    onnx_writer_node(w, "Div", "a b", "quotient");
    onnx_writer_output(w, "sum");
    onnx_writer_output(w, "difference");
    onnx_writer_output(w, "product");
    onnx_writer_output(w, "quotient");
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->node_count, 0);
    expect_values(graph, "sum", (float[]){9, -5, 9}, 3);
    expect_values(graph, "difference", (float[]){5, -9, 9}, 3);
    expect_values(graph, "product", (float[]){14, -14, 0}, 3);
    expect_values(graph, "quotient", (float[]){3, -3, 0}, 3); /* truncates; by zero gives 0 */
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_moving_constants(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph;
    onnx_writer_constant(w, "k", "2,3", (float[]){1, 2, 3, 4, 5, 6});
    onnx_writer_node(w, "Transpose", "k", "t");
    onnx_writer_integers(w, "start", "1");
    onnx_writer_integers(w, "end", "3");
    onnx_writer_node(w, "Slice", "t start end", "s");
    onnx_writer_integers(w, "pads", "0,1,0,0");
    onnx_writer_node(w, "Pad", "s pads", "p");
    Onnx__NodeProto *c = onnx_writer_node(w, "Concat", "p p", "y");
    onnx_writer_int(w, c, "axis", 1);
    onnx_writer_output(w, "t");
    onnx_writer_output(w, "s");
    onnx_writer_output(w, "p");
    onnx_writer_output(w, "y");
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->node_count, 0);
    expect_values(graph, "t", (float[]){1, 4, 2, 5, 3, 6}, 6);
    expect_values(graph, "s", (float[]){2, 5, 3, 6}, 4);
    expect_values(graph, "p", (float[]){0, 2, 5, 0, 3, 6}, 6);
    expect_values(graph, "y", (float[]){0, 2, 5, 0, 2, 5, 0, 3, 6, 0, 3, 6}, 12);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* A few hundred bytes must not become gigabytes: all constants together are bounded. */
static void test_growth_is_bounded(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph = NULL;
    onnx_writer_integers(w, "shape", "4096,4096");
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        onnx_writer_node(w, "ConstantOfShape", "shape", name);
        onnx_writer_output(w, name);
    }
    check_fails(UMBRA_E_INPUT, "all constants together", onnx_writer_import(w, &graph));
    onnx_writer_free(w);
}

static void test_pass_keeps_the_function(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,3");
    onnx_writer_constant(w, "a", "3", NULL);
    onnx_writer_constant(w, "b", "2,1", NULL);
    onnx_writer_node(w, "Mul", "a b", "k");
    onnx_writer_node(w, "Sqrt", "k", "unused");
    onnx_writer_node(w, "Sub", "x k", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_pass_fold_constants);
    assert_int_equal(graph->node_count, 1);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flatten_by_shape_chain),  cmocka_unit_test(test_integer_arithmetic),
        cmocka_unit_test(test_moving_constants),        cmocka_unit_test(test_growth_is_bounded),
        cmocka_unit_test(test_pass_keeps_the_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
