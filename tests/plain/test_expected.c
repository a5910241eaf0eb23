/* The shipped model against the tensors that PyTorch computed when it was exported. */
#include "check.h"

#include "base/memory.h"
#include "graph/build.h"
#include "graph/npy.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define FOLDER "models/chest-resnet20-f8/"

static float *read_expected(const char *kind, const char *what, int i, umbra_shape *shape)
{
    char path[256];
    float *data;
    snprintf(path, sizeof path, FOLDER "expected/%s_%s_%d.npy", kind, what, i);
    if (access(path, F_OK) != 0)
        return NULL;
    check_ok(umbra_npy_read_f32(path, shape, &data));
    return data;
}

/* Relative to the largest number expected. */
static void check_close(const float *got, const float *want, int64_t count, double tolerance)
{
    double scale = 0, worst = 0;
    for (int64_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
    }
    assert_true(worst <= tolerance * scale);
}

static int check_all(const char *kind, const umbra_graph *graph)
{
    umbra_plain *plain;
    int i = 0;
    check_ok(umbra_plain_new(&plain, graph, 2));
    for (;; i++) {
        umbra_shape in, out;
        float *x = read_expected(kind, "input", i, &in),
              *want = x == NULL ? NULL : read_expected(kind, "output", i, &out);
        if (want == NULL) {
            umbra_memory_free(x);
            break;
        }
        const float *inputs[1] = {x};
        assert_int_equal(umbra_shape_elements(&in),
                         umbra_shape_elements(&graph->values[graph->inputs[0]].shape));
        check_ok(umbra_plain_run(plain, inputs));
        assert_int_equal(umbra_shape_elements(&out),
                         umbra_shape_elements(&graph->values[graph->outputs[0]].shape));
        check_close(umbra_plain_value(plain, graph->outputs[0]), want, umbra_shape_elements(&out),
                    1e-3);
        umbra_memory_free(x);
        umbra_memory_free(want);
    }
    umbra_plain_free(plain);
    return i;
}

static umbra_graph *import(const char *file)
{
    umbra_graph *graph;
    if (access(file, F_OK) != 0) {
        print_message("skipped: %s is absent\n", file);
        skip();
    }
    check_ok(umbra_onnx_import_file(file, &graph));
    return graph;
}

static void test_encoder(void **state)
{
    (void)state;
    umbra_graph *graph = import(FOLDER "encoder.onnx");
    assert_true(check_all("encoder", graph) > 0);
    umbra_graph_free(graph);
}

static void test_classifier(void **state)
{
    (void)state;
    umbra_graph *graph = import(FOLDER "classifier.onnx");
    assert_true(check_all("classifier", graph) > 0);
    umbra_graph_free(graph);
}

/* As it will be encrypted: simplified, which must change nothing but the nodes. */
static void test_simplified_classifier(void **state)
{
    (void)state;
    umbra_graph *graph = import(FOLDER "classifier.onnx");
    check_ok(umbra_graph_simplify(graph));
    check_ok(umbra_graph_check_encryptable(graph, "classifier.onnx"));
    assert_true(check_all("classifier", graph) > 0);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder),
        cmocka_unit_test(test_classifier),
        cmocka_unit_test(test_simplified_classifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
