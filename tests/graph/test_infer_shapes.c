/* Shape inference agrees with the formulas of the ONNX specification, over many attributes. */
#include "check.h"

#include "same_function.h"

#include <stdio.h>

static int64_t dim_of(onnx_writer *w, int dim)
{
    umbra_graph *graph;
    onnx_writer_output(w, "y");
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_pass_infer_shapes(graph)); /* the pass and import agree */
    int64_t d = graph->values[graph->outputs[0]].shape.dim[dim];
    umbra_graph_free(graph);
    onnx_writer_free(w);
    return d;
}

static onnx_writer *conv(const char *op, int size, int kernel, const char *extra, const char *value)
{
    char shape[32];
    onnx_writer *w = onnx_writer_new(13);
    snprintf(shape, sizeof shape, "1,1,5,%d", size);
    onnx_writer_input(w, "x", shape);
    snprintf(shape, sizeof shape, "1,1,1,%d", kernel);
    onnx_writer_constant(w, "w", shape, NULL);
    Onnx__NodeProto *n = onnx_writer_node(w, op, "x w", "y");
    if (extra != NULL && value[0] >= 'A')
        onnx_writer_text(w, n, extra, value);
    else if (extra != NULL)
        onnx_writer_ints(w, n, extra, value);
    return w;
}

/* The count of places where a window fits, found by trying them all. */
static int64_t places(int size, int kernel, int stride, int dilation, int begin, int end)
{
    int64_t count = 0;
    for (int at = -begin; at + (kernel - 1) * dilation < size + end; at += stride)
        count++;
    return count;
}

static void test_conv_against_counting(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 3; stride++)
        for (int dilation = 1; dilation <= 3; dilation++)
            for (int begin = 0; begin <= 2; begin++)
                for (int end = 0; end <= 2; end++) {
                    char text[64];
                    onnx_writer *w = conv("Conv", 11, 3, NULL, NULL);
                    snprintf(text, sizeof text, "1,%d", stride);
                    onnx_writer_ints(w, w->nodes[0], "strides", text);
                    snprintf(text, sizeof text, "1,%d", dilation);
                    onnx_writer_ints(w, w->nodes[0], "dilations", text);
                    snprintf(text, sizeof text, "0,%d,0,%d", begin, end);
                    onnx_writer_ints(w, w->nodes[0], "pads", text);
                    assert_int_equal(dim_of(w, 3), places(11, 3, stride, dilation, begin, end));
                }
}

static void test_auto_pad(void **state)
{
    (void)state;
    for (int size = 4; size <= 9; size++)
        for (int stride = 1; stride <= 3; stride++)
            for (int lower = 0; lower < 2; lower++) {
                char text[32];
                onnx_writer *w =
                    conv("Conv", size, 3, "auto_pad", lower ? "SAME_LOWER" : "SAME_UPPER");
                snprintf(text, sizeof text, "1,%d", stride);
                onnx_writer_ints(w, w->nodes[0], "strides", text);
                assert_int_equal(dim_of(w, 3), (size + stride - 1) / stride);
            }
    assert_int_equal(dim_of(conv("Conv", 9, 3, "auto_pad", "VALID"), 3), 7);
}

/* Where the pads cannot be halved, the odd one is at the end for SAME_UPPER, else at the beginning.
 */
static void test_odd_pad(void **state)
{
    (void)state;
    for (int lower = 0; lower < 2; lower++) {
        onnx_writer *w = conv("Conv", 6, 3, "auto_pad", lower ? "SAME_LOWER" : "SAME_UPPER");
        umbra_graph *graph;
        onnx_writer_ints(w, w->nodes[0], "strides", "1,2");
        onnx_writer_output(w, "y");
        check_ok(onnx_writer_import(w, &graph));
        const int64_t *pads = graph->nodes[0].attr.pads;
        assert_int_equal(pads[1], lower ? 1 : 0);
        assert_int_equal(pads[3], lower ? 0 : 1);
        umbra_graph_free(graph);
        onnx_writer_free(w);
    }
}

static void test_transpose(void **state)
{
    (void)state;
    assert_int_equal(dim_of(conv("ConvTranspose", 5, 2, "strides", "1,2"), 3), 10);
    assert_int_equal(dim_of(conv("ConvTranspose", 5, 3, "pads", "0,1,0,1"), 3), 5);
    assert_int_equal(dim_of(conv("ConvTranspose", 5, 3, "output_padding", "0,1"), 3), 8);
    assert_int_equal(dim_of(conv("ConvTranspose", 5, 3, "output_shape", "5,9"), 3), 9);
}

static void test_pool_ceil_mode(void **state)
{
    (void)state;
    for (int ceil = 0; ceil < 2; ceil++) {
        onnx_writer *w = onnx_writer_new(13);
        onnx_writer_input(w, "x", "1,1,5,6");
        Onnx__NodeProto *n = onnx_writer_node(w, "MaxPool", "x", "y");
        onnx_writer_ints(w, n, "kernel_shape", "2,2");
        onnx_writer_ints(w, n, "strides", "2,2");
        onnx_writer_int(w, n, "ceil_mode", ceil);
        assert_int_equal(dim_of(w, 2), ceil ? 3 : 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_against_counting),
        cmocka_unit_test(test_auto_pad),
        cmocka_unit_test(test_odd_pad),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_pool_ceil_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
