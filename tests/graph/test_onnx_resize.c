/* Resize and Upsample to the nearest element, against lists written by hand. */
#include "check.h"

#include "same_function.h"

#include <stdlib.h>

/* Scales as an input; the mode of coordinates, or NULL for what the operator set has. */
static onnx_writer *resize_of(int opset, const char *shape, const float *scales,
                              const char *coordinates, const char *rounding)
{
    onnx_writer *w = onnx_writer_new(opset);
    onnx_writer_input(w, "x", shape);
    onnx_writer_constant(w, "s", "4", scales);
    bool resize = opset >= 10;
    Onnx__NodeProto *n =
        onnx_writer_node(w, resize ? "Resize" : "Upsample", opset >= 11 ? "x - s" : "x s", "y");
    onnx_writer_text(w, n, "mode", "nearest");
    if (coordinates != NULL)
        onnx_writer_text(w, n, "coordinate_transformation_mode", coordinates);
    if (rounding != NULL)
        onnx_writer_text(w, n, "nearest_mode", rounding);
    onnx_writer_output(w, "y");
    return w;
}

static const float twice[4] = {1, 1, 2, 2}, wide[4] = {1, 1, 1, 3}, half[4] = {1, 1, 1, 0.5f};

/* Whole factors repeat each element, however the coordinates are counted. */
static void test_whole_factors(void **state)
{
    (void)state;
    static const float want[16] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
    static const char *const coordinates[] = {NULL, "half_pixel", "pytorch_half_pixel",
                                              "half_pixel_symmetric"};
    for (size_t i = 0; i < sizeof coordinates / sizeof coordinates[0]; i++)
        check_counted(resize_of(13, "1,1,2,2", twice, coordinates[i], NULL), "[1, 1, 4, 4]", want);
    check_counted(resize_of(13, "1,1,2,2", twice, "asymmetric", "floor"), "[1, 1, 4, 4]", want);
    check_counted(resize_of(10, "1,1,2,2", twice, NULL, NULL), "[1, 1, 4, 4]", want);
    check_counted(resize_of(9, "1,1,2,2", twice, NULL, NULL), "[1, 1, 4, 4]", want);
    check_counted(resize_of(13, "1,1,1,2", wide, NULL, NULL), "[1, 1, 1, 6]",
                  (float[]){1, 1, 1, 2, 2, 2});
}

static void test_other_coordinates(void **state)
{
    (void)state;
    check_counted(resize_of(13, "1,1,1,2", wide, "asymmetric", "ceil"), "[1, 1, 1, 6]",
                  (float[]){1, 2, 2, 2, 2, 2});
    check_counted(resize_of(13, "1,1,1,2", wide, "asymmetric", "round_prefer_ceil"), "[1, 1, 1, 6]",
                  (float[]){1, 1, 2, 2, 2, 2});
    check_counted(resize_of(13, "1,1,1,4", half, "asymmetric", "floor"), "[1, 1, 1, 2]",
                  (float[]){1, 3});
    check_counted(resize_of(13, "1,1,1,4", half, NULL, NULL), "[1, 1, 1, 2]", (float[]){1, 3});
    check_counted(resize_of(13, "1,1,1,4", half, "half_pixel", "round_prefer_ceil"), "[1, 1, 1, 2]",
                  (float[]){2, 4});
    check_counted(resize_of(13, "1,1,1,4", half, "align_corners", "floor"), "[1, 1, 1, 2]",
                  (float[]){1, 4});
}

static void test_sizes_of_some_axes(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(18);
    onnx_writer_input(w, "x", "1,1,2,2");
    onnx_writer_integers(w, "size", "4,6");
    Onnx__NodeProto *n = onnx_writer_node(w, "Resize", "x - - size", "y");
    onnx_writer_ints(w, n, "axes", "3,2");
    onnx_writer_text(w, n, "keep_aspect_ratio_policy", "not_larger");
    onnx_writer_output(w, "y");
    check_counted(w, "[1, 1, 4, 4]", (float[]){1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4});
}

static void refuse(onnx_writer *w, const char *text)
{
    umbra_graph *graph;
    check_fails(UMBRA_E_INPUT, text, onnx_writer_import(w, &graph));
    onnx_writer_free(w);
}

static void test_refusals(void **state)
{
    (void)state;
    static const float none[4] = {1, 1, 0, 2}, huge[4] = {1, 1, 1e30f, 2};
    umbra_graph *graph;
    char *list;
    int count;
    refuse(resize_of(13, "1,1,2,2", none, NULL, NULL), "would have 0 elements");
    refuse(resize_of(13, "1,1,2,2", huge, NULL, NULL), "elements");
    refuse(resize_of(13, "1,1,2,2", twice, NULL, "up"), "\"nearest_mode\" is unknown");
    onnx_writer *w = resize_of(13, "1,1,2,2", twice, "tf_crop_and_resize", NULL);
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_graph_list_offenders(graph, &list, &count));
    assert_int_equal(count, 1);
    assert_non_null(strstr(list, "use half_pixel"));
    umbra_memory_free(list);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_factors),
        cmocka_unit_test(test_other_coordinates),
        cmocka_unit_test(test_sizes_of_some_axes),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
