/* The plaintext executor against direct formulas, its refusals, and its promises about threads. */
#include "check.h"

#include "base/memory.h"
#include "onnx_writer.h"
#include "plain/executor.h"

#include <math.h>
#include <stdio.h>

extern int omp_get_max_threads(void);

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

typedef struct conv_case {
    int groups, stride, dilation, top, left, bottom, right;
} conv_case;

#define C 4
#define O 6
#define H 9
#define W 8
#define K 3

/* y[o][r][c] by the definition, in double precision. */
static double direct(const float *x, const float *w, const conv_case *k, int o, int r, int c)
{
    int per_group = C / k->groups, group = o / (O / k->groups);
    double sum = 0;
    for (int i = 0; i < per_group; i++)
        for (int dy = 0; dy < K; dy++)
            for (int dx = 0; dx < K; dx++) {
                int yy = r * k->stride - k->top + dy * k->dilation;
                int xx = c * k->stride - k->left + dx * k->dilation;
                if (yy < 0 || yy >= H || xx < 0 || xx >= W)
                    continue;
                sum += (double)x[((group * per_group + i) * H + yy) * W + xx] *
                       (double)w[((o * per_group + i) * K + dy) * K + dx];
            }
    return sum;
}

static void check_conv(const conv_case *k)
{
    char text[64];
    uint32_t state = 5;
    float x[C * H * W];
    const float *inputs[1] = {x};
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,4,9,8");
    snprintf(text, sizeof text, "6,%d,3,3", C / k->groups);
    const float *weights = onnx_writer_constant(w, "w", text, NULL)->float_data;
    Onnx__NodeProto *node = onnx_writer_node(w, "Conv", "x w", "y");
    snprintf(text, sizeof text, "%d,%d,%d,%d", k->top, k->left, k->bottom, k->right);
    onnx_writer_ints(w, node, "pads", text);
    snprintf(text, sizeof text, "%d,%d", k->stride, k->stride);
    onnx_writer_ints(w, node, "strides", text);
    snprintf(text, sizeof text, "%d,%d", k->dilation, k->dilation);
    onnx_writer_ints(w, node, "dilations", text);
    onnx_writer_int(w, node, "group", k->groups);
    onnx_writer_output(w, "y");
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_plain_new(&plain, graph, 2));
    for (int i = 0; i < C * H * W; i++)
        x[i] = noise(&state);
    check_ok(umbra_plain_run(plain, inputs));
    const umbra_shape *shape = &graph->values[graph->outputs[0]].shape;
    const float *y = umbra_plain_value(plain, graph->outputs[0]);
    for (int o = 0; o < O; o++)
        for (int r = 0; r < shape->dim[2]; r++)
            for (int c = 0; c < shape->dim[3]; c++)
                assert_true(fabs((double)*y++ - direct(x, weights, k, o, r, c)) < 1e-5);
    umbra_plain_free(plain);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_convolutions(void **state)
{
    (void)state;
    static const conv_case cases[] = {
        {1, 1, 1, 1, 1, 1, 1}, {1, 2, 1, 0, 0, 1, 1}, {2, 1, 2, 2, 2, 2, 2},
        {1, 2, 1, 0, 3, 2, 1}, {2, 2, 1, 1, 0, 0, 1}, {1, 3, 2, 4, 4, 4, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_conv(&cases[i]);
}

/* Every node's value is there after a run, under its ONNX name, and a second run replaces it. */
static void test_values_of_all_nodes(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,2");
    onnx_writer_scalar(w, "k", 3.0f);
    onnx_writer_node(w, "Mul", "x k", "tripled");
    onnx_writer_node(w, "Flatten", "tripled", "flat");
    onnx_writer_node(w, "Relu", "flat", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_plain_new(&plain, graph, 1));
    for (int round = 0; round < 2; round++) {
        float x[4] = {1, -2, 3, (float)round};
        const float *inputs[1] = {x};
        check_ok(umbra_plain_run(plain, inputs));
        const float *tripled = umbra_plain_value(plain, umbra_graph_find_value(graph, "tripled"));
        const float *y = umbra_plain_value(plain, umbra_graph_find_value(graph, "y"));
        assert_true(tripled[1] == -6.0f && tripled[3] == 3.0f * (float)round);
        assert_true(y[0] == 3.0f && y[1] == 0.0f && y[3] == 3.0f * (float)round);
    }
    assert_null(umbra_plain_value(plain, -1));
    assert_null(umbra_plain_value(plain, graph->value_count));
    umbra_plain_free(plain);
    umbra_plain_free(NULL);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_unknown_nodes_are_all_named(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,2");
    onnx_writer_node(w, "Frobnicate", "x", "/first");
    onnx_writer_node(w, "Erf", "/first", "/second");
    onnx_writer_output(w, "/second");
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    check_fails(UMBRA_E_MODEL, "\"/first\" (Frobnicate)", umbra_plain_new(&plain, graph, 1));
    check_fails(UMBRA_E_MODEL, "\"/second\" (Erf)", umbra_plain_new(&plain, graph, 1));
    check_fails(UMBRA_E_USAGE, "threads", umbra_plain_new(&plain, graph, -1));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_weights_that_are_not_finite(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,2,4,4");
    onnx_writer_constant(w, "w", "2,2,3,3", NULL)->float_data[7] = NAN;
    onnx_writer_node(w, "Conv", "x w", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    check_fails(UMBRA_E_MODEL, "\"y\" (Conv): one of its weights holds NaN",
                umbra_plain_new(&plain, graph, 1));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* Tensors that the machine cannot hold are refused before any of them is allocated. */
static void test_too_little_memory(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    char from[16] = "x", to[16];
    onnx_writer_input(w, "x", "16384,16384");
    for (int i = 0; i < 4000; i++) {
        snprintf(to, sizeof to, "v%d", i);
        onnx_writer_node(w, "Relu", from, to);
        memcpy(from, to, sizeof to);
    }
    onnx_writer_output(w, to);
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    if (umbra_memory_available_bytes() > 0)
        check_fails(UMBRA_E_RESOURCE, "MB are free", umbra_plain_new(&plain, graph, 1));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* The number of threads of the caller's own OpenMP loops is left as it was. */
static void test_threads_are_restored(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    float x[4] = {1, 2, 3, 4};
    const float *inputs[1] = {x};
    int before = omp_get_max_threads();
    onnx_writer_input(w, "x", "2,2");
    onnx_writer_node(w, "Tanh", "x", "y");
    onnx_writer_output(w, "y");
    umbra_graph *graph;
    umbra_plain *plain;
    check_ok(onnx_writer_import(w, &graph));
    check_ok(umbra_plain_new(&plain, graph, before + 1));
    check_ok(umbra_plain_run(plain, inputs));
    assert_int_equal(omp_get_max_threads(), before);
    umbra_plain_free(plain);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_values_of_all_nodes),
        cmocka_unit_test(test_unknown_nodes_are_all_named),
        cmocka_unit_test(test_weights_that_are_not_finite),
        cmocka_unit_test(test_too_little_memory),
        cmocka_unit_test(test_threads_are_restored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
