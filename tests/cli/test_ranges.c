/* Ranges over some inputs: the least and greatest of each value, and the model.json of them. */
#include "check.h"

#include "cli/ranges.h"
#include "onnx_writer.h"

#include <math.h>

/* y = (2 x)^2 */
static umbra_graph *network(void)
{
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph;
    onnx_writer_input(w, "x", "1,2");
    onnx_writer_scalar(w, "two", 2.0f);
    onnx_writer_node(w, "Mul", "x two", "twice");
    onnx_writer_node(w, "Mul", "twice twice", "y");
    onnx_writer_output(w, "y");
    check_ok(onnx_writer_import(w, &graph));
    onnx_writer_free(w);
    return graph;
}

static void expect(const json_t *ranges, const char *name, double low, double high)
{
    const json_t *pair = json_object_get(ranges, name);
    double margin = 0.1 * (high - low);
    assert_int_equal(json_array_size(pair), 2);
    assert_true(fabs(json_real_value(json_array_get(pair, 0)) - (low - margin)) < 1e-5);
    assert_true(fabs(json_real_value(json_array_get(pair, 1)) - (high + margin)) < 1e-5);
}

static double number(const json_t *moments, const char *name, const char *what, size_t channel)
{
    const json_t *list = json_object_get(json_object_get(moments, name), what);
    assert_int_equal(json_array_size(list), 2);
    return json_real_value(json_array_get(list, channel));
}

/* x: mean and mean square of both channels. */
static void expect_moments(const json_t *moments, const char *name, double factor)
{
    static const double mean[2] = {4.0 / 3, -0.5 / 3}, square[2] = {10.0 / 3, 5.25 / 3};
    for (size_t c = 0; c < 2; c++) {
        assert_true(fabs(number(moments, name, "mean", c) - factor * mean[c]) < 1e-6);
        assert_true(fabs(number(moments, name, "square", c) - factor * factor * square[c]) < 1e-5);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    static const float inputs[6] = {1, -2, 0, 0.5f, 3, 1};
    umbra_graph *graph = network();
    umbra_ranges *ranges;
    json_t *object;
    check_ok(umbra_ranges_measure(graph, inputs, 3, 1, &ranges));
    check_ok(umbra_ranges_model_json(ranges, graph, "net", &object));
    const json_t *found = json_object_get(object, "ranges");
    assert_int_equal(json_object_size(found), 3);
    expect(found, "x", -2, 3);
    expect(found, "twice", -4, 6);
    expect(found, "y", 0, 36);
    const json_t *moments = json_object_get(object, "moments");
    assert_int_equal(json_object_size(moments), 3);
    expect_moments(moments, "x", 1); /* 1 0 3, and -2 0.5 1 */
    expect_moments(moments, "twice", 2);
    const json_t *most = json_object_get(json_object_get(moments, "y"), "usual_most");
    assert_true(fabs(json_real_value(most) - 1) < 1e-6); /* of 16, 1 and 36: the least */
    assert_null(json_object_get(json_object_get(moments, "x"), "usual_most"));
    assert_string_equal(json_string_value(json_object_get(object, "name")), "net");
    double reach = json_real_value(json_object_get(json_object_get(object, "latent"), "abs_max"));
    assert_true(fabs(reach - 3.5) < 1e-5);
    json_decref(object);
    check_fails(UMBRA_E_INPUT, "UTF-8", umbra_ranges_model_json(ranges, graph, "net\xff", &object));
    umbra_ranges_free(ranges);
    umbra_graph_free(graph);
}

static void test_overflow(void **state)
{
    (void)state;
    static const float inputs[2] = {1, 1e20f};
    umbra_graph *graph = network();
    umbra_ranges *ranges = NULL;
    check_fails(UMBRA_E_MODEL, "\"y\" overflows",
                umbra_ranges_measure(graph, inputs, 1, 1, &ranges));
    assert_null(ranges);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
