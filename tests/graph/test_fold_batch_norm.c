/* Affine maps fold into every linear node before them, and nowhere else. */
#include "check.h"

#include "same_function.h"

#include <stdio.h>

/* Four random parameters of a batch norm; the variance is positive. */
static void parameters(onnx_writer *w, const char *channels)
{
    onnx_writer_constant(w, "scale", channels, NULL);
    onnx_writer_constant(w, "bias", channels, NULL);
    onnx_writer_constant(w, "mean", channels, NULL);
    Onnx__TensorProto *v = onnx_writer_constant(w, "variance", channels, NULL);
    for (size_t i = 0; i < v->n_float_data; i++)
        v->float_data[i] = v->float_data[i] * v->float_data[i] + 0.1f;
}

static umbra_graph *finish(onnx_writer *w)
{
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_pass_fold_batch_norm);
    onnx_writer_free(w);
    return graph;
}

static void expect_one(umbra_graph *graph, umbra_op op)
{
    assert_int_equal(graph->node_count, 1);
    assert_string_equal(graph->values[only_node(graph, op)->output].name, "y");
    umbra_graph_free(graph);
}

/* The pass leaves the one node of this kind. */
static void expect_kept(umbra_graph *graph, umbra_op op)
{
    assert_int_equal(count_nodes(graph, op), 1);
    umbra_graph_free(graph);
}

/* x, convolved with weights of 1 x 1 to c; and what a batch norm of c needs. */
static onnx_writer *begin_convolved(void)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,4,4");
    onnx_writer_constant(w, "w", "2,2,1,1", NULL);
    parameters(w, "2");
    onnx_writer_node(w, "Conv", "x w", "c");
    return w;
}

static Onnx__NodeProto *normalise(onnx_writer *w, const char *of, const char *output)
{
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s scale bias mean variance", of);
    return onnx_writer_node(w, "BatchNormalization", inputs, output);
}

static void test_conv(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,4,5,5");
    onnx_writer_constant(w, "w", "6,2,3,3", NULL);
    parameters(w, "6");
    Onnx__NodeProto *conv = onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_int(w, conv, "group", 2);
    Onnx__NodeProto *norm = normalise(w, "c", "y");
    onnx_writer_float(w, norm, "epsilon", 0.01f);
    expect_one(finish(w), UMBRA_OP_CONV);
}

static void test_conv_transpose_with_groups(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,4,3,3");
    onnx_writer_constant(w, "w", "4,3,2,2", NULL);
    onnx_writer_constant(w, "b", "6", NULL);
    parameters(w, "6");
    Onnx__NodeProto *conv = onnx_writer_node(w, "ConvTranspose", "x w b", "c");
    onnx_writer_int(w, conv, "group", 2);
    onnx_writer_ints(w, conv, "strides", "2,2");
    normalise(w, "c", "y");
    expect_one(finish(w), UMBRA_OP_CONV_TRANSPOSE);
}

static void test_dense_and_bias(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,5");
    onnx_writer_constant(w, "w", "5,3", NULL);
    onnx_writer_constant(w, "b", "3", NULL);
    parameters(w, "3");
    onnx_writer_node(w, "MatMul", "x w", "m");
    onnx_writer_node(w, "Add", "b m", "a");
    normalise(w, "a", "y");
    expect_one(finish(w), UMBRA_OP_DENSE);
}

static void test_arithmetic_a_channel(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,4,4");
    onnx_writer_constant(w, "w", "3,2,1,1", NULL);
    onnx_writer_constant(w, "k", "3,1,1", NULL);
    onnx_writer_constant(w, "t", "1,3,1,1", NULL);
    onnx_writer_scalar(w, "half", 0.5f);
    onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_node(w, "Mul", "c k", "scaled");
    onnx_writer_node(w, "Sub", "t scaled", "turned");
    onnx_writer_node(w, "Div", "turned half", "y");
    expect_one(finish(w), UMBRA_OP_CONV);
}

/* After an addition there is nothing to fold into. */
static void test_after_add_it_stays(void **state)
{
    (void)state;
    onnx_writer *w = begin_convolved();
    onnx_writer_node(w, "Add", "c x", "s");
    normalise(w, "s", "y");
    expect_kept(finish(w), UMBRA_OP_BATCH_NORM);
}

/* Two readers of the convolution: folding would change what the other one sees. */
static void test_shared_convolution_stays(void **state)
{
    (void)state;
    onnx_writer *w = begin_convolved();
    normalise(w, "c", "n");
    onnx_writer_node(w, "Add", "n c", "y");
    expect_kept(finish(w), UMBRA_OP_BATCH_NORM);
}

/* Weights shared by two convolutions, of which one is followed by batch norm. */
static void test_shared_weights_are_copied(void **state)
{
    (void)state;
    onnx_writer *w = begin_convolved();
    normalise(w, "c", "n");
    onnx_writer_node(w, "Conv", "n w", "y");
    umbra_graph *graph = finish(w);
    assert_int_equal(count_nodes(graph, UMBRA_OP_CONV), 2);
    assert_int_equal(graph->node_count, 2);
    umbra_graph_free(graph);
}

/* A constant along the width is no constant a channel, although its length fits. */
static void test_wrong_axis_stays(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,3,3,3");
    onnx_writer_constant(w, "w", "3,3,1,1", NULL);
    onnx_writer_constant(w, "k", "3", NULL);
    onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_node(w, "Mul", "c k", "y");
    expect_kept(finish(w), UMBRA_OP_MUL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_conv_transpose_with_groups),
        cmocka_unit_test(test_dense_and_bias),
        cmocka_unit_test(test_arithmetic_a_channel),
        cmocka_unit_test(test_after_add_it_stays),
        cmocka_unit_test(test_shared_convolution_stays),
        cmocka_unit_test(test_shared_weights_are_copied),
        cmocka_unit_test(test_wrong_axis_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
