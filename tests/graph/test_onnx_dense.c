/* MatMul by a constant matrix or vector on either side is a dense layer. */
#include "check.h"

#include "same_function.h"

static onnx_writer *product(const char *x, const char *k, bool constant_first)
{
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", x);
    onnx_writer_constant(w, "k", k, numbers);
    onnx_writer_node(w, "MatMul", constant_first ? "k x" : "x k", "y");
    onnx_writer_output(w, "y");
    return w;
}

/* x counts 1, 2, 3, .. and so does the constant. */
static void test_constant_on_either_side(void **state)
{
    (void)state;
    check_counted(product("2,2", "2,3", false), "[2, 3]", (float[]){9, 12, 15, 19, 26, 33});
    check_counted(product("2", "2,3", false), "[3]", (float[]){9, 12, 15});
    check_counted(product("2,3", "3", false), "[2]", (float[]){14, 32});
    check_counted(product("3,2", "2,3", true), "[2, 2]", (float[]){22, 28, 49, 64});
    check_counted(product("2,2,1", "2,2", true), "[2, 2, 1]", (float[]){5, 11, 11, 25});
    check_counted(product("3,2", "3", true), "[2]", (float[]){22, 28});
}

static void test_all_are_dense(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        onnx_writer *w = product(first != 0 ? "3,2" : "2,3", first != 0 ? "2,3" : "3,2", first);
        umbra_graph *graph;
        check_ok(onnx_writer_import(w, &graph));
        assert_int_equal(count_nodes(graph, UMBRA_OP_DENSE), 1);
        assert_int_equal(count_nodes(graph, UMBRA_OP_MATMUL), 0);
        umbra_graph_free(graph);
        onnx_writer_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_on_either_side),
        cmocka_unit_test(test_all_are_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
