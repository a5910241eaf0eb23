/* Zero pads fold into the window that follows, where that keeps the function. */
#include "check.h"

#include "same_function.h"

static onnx_writer *start(const char *pads)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,5,5");
    onnx_writer_constant(w, "w", "3,2,3,3", NULL);
    onnx_writer_integers(w, "pads", pads);
    onnx_writer_node(w, "Pad", "x pads", "p");
    return w;
}

static void finish(onnx_writer *w, int pads_left)
{
    onnx_writer_output(w, "y");
    umbra_graph *graph = check_same_function(w, umbra_pass_fold_pads);
    assert_int_equal(count_nodes(graph, UMBRA_OP_PAD), pads_left);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* As the encoder's downsampling writes it: right and bottom only, then stride 2. */
static void test_asymmetric_into_conv(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,0,0,0,0,1,1");
    Onnx__NodeProto *conv = onnx_writer_node(w, "Conv", "p w", "y");
    onnx_writer_ints(w, conv, "strides", "2,2");
    finish(w, 0);
}

static void test_adds_to_own_pads(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,2,0,0,0,1,3");
    Onnx__NodeProto *conv = onnx_writer_node(w, "Conv", "p w", "y");
    onnx_writer_ints(w, conv, "pads", "1,1,1,1");
    finish(w, 0);
}

static void test_into_two_readers(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,1,1,0,0,1,1");
    onnx_writer_node(w, "Conv", "p w", "a");
    onnx_writer_node(w, "Conv", "p w", "b");
    onnx_writer_node(w, "Add", "a b", "y");
    finish(w, 0);
}

static void test_into_average_pool(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,1,1,0,0,1,1");
    Onnx__NodeProto *pool = onnx_writer_node(w, "AveragePool", "p", "y");
    onnx_writer_ints(w, pool, "kernel_shape", "3,3");
    finish(w, 0);
}

/* The pool does not count its own pads, but would have to count those taken over. */
static void test_average_pool_with_own_pads_stays(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,1,1,0,0,1,1");
    Onnx__NodeProto *pool = onnx_writer_node(w, "AveragePool", "p", "y");
    onnx_writer_ints(w, pool, "kernel_shape", "3,3");
    onnx_writer_ints(w, pool, "pads", "1,1,1,1");
    finish(w, 1);
}

static void test_other_reader_keeps_it(void **state)
{
    (void)state;
    onnx_writer *w = start("0,0,1,1,0,0,1,1");
    onnx_writer_node(w, "Conv", "p w", "y");
    onnx_writer_node(w, "Relu", "p", "z");
    onnx_writer_output(w, "z");
    finish(w, 1);
}

static void test_padded_channels_stay(void **state)
{
    (void)state;
    onnx_writer *w = start("0,1,0,0,0,0,0,0");
    onnx_writer_constant(w, "w3", "2,3,1,1", NULL);
    onnx_writer_node(w, "Conv", "p w3", "y");
    finish(w, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asymmetric_into_conv),
        cmocka_unit_test(test_adds_to_own_pads),
        cmocka_unit_test(test_into_two_readers),
        cmocka_unit_test(test_into_average_pool),
        cmocka_unit_test(test_average_pool_with_own_pads_stays),
        cmocka_unit_test(test_other_reader_keeps_it),
        cmocka_unit_test(test_padded_channels_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
