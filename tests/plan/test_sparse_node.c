/* Tests of src/plan/sparse_node.c: dense layers, batch norm, reshapes and means. */
#include "sparse_vectors.h"

static void dense_layers_act_on_the_last_dimension(void **state)
{
    (void)state;
    const umbra_shape in = {.rank = 3, .dim = {2, 3, 5}};
    const umbra_shape constants[] = {shape2(4, 5), shape1(4)};
    umbra_graph *graph = graph_of_node(UMBRA_OP_DENSE, in, constants, 2, 0, NULL, NULL);
    const float *w = graph->values[graph->nodes[0].inputs[1]].f32;
    const float *b = graph->values[graph->nodes[0].inputs[2]].f32;
    umbra_sparse *a = NULL;
    check_ok(umbra_sparse_from_node(&a, graph, 0));
    check_form(a);
    double *x = random_vector(30, 5), *y = apply(a, x), expected[24];
    for (int r = 0; r < 24; r++) {
        expected[r] = (double)b[r % 4];
        for (int k = 0; k < 5; k++)
            expected[r] += (double)w[r % 4 * 5 + k] * x[r / 4 * 5 + k];
    }
    assert_int_equal(a->rows, 24);
    check_close(y, expected, 24);
    free(x);
    free(y);
    umbra_sparse_free(a);
    umbra_graph_free(graph);
}

static void batch_norm_and_reshape_are_diagonal(void **state)
{
    (void)state;
    const umbra_shape in = shape4(2, 3, 2, 2), flat = shape2(2, 12);
    const umbra_shape constants[] = {shape1(3), shape1(3), shape1(3), shape1(3)};
    umbra_attributes attr = umbra_attributes_default();
    attr.epsilon = 0.25;
    umbra_graph *graph = graph_of_node(UMBRA_OP_BATCH_NORM, in, constants, 4, 8, &attr, NULL);
    const float *p[5] = {NULL};
    for (int k = 1; k < 5; k++)
        p[k] = graph->values[graph->nodes[0].inputs[k]].f32;
    umbra_sparse *a = NULL;
    check_ok(umbra_sparse_from_node(&a, graph, 0));
    double *x = random_vector(24, 5), *y = apply(a, x), expected[24];
    for (int r = 0; r < 24; r++) {
        int c = r / 4 % 3;
        expected[r] = (x[r] - (double)p[3][c]) / sqrt((double)p[4][c] + 0.25) * (double)p[1][c] +
                      (double)p[2][c];
    }
    check_close(y, expected, 24);
    umbra_sparse_free(a);
    umbra_graph_free(graph);
    a = matrix_of_graph(graph_of_node(UMBRA_OP_RESHAPE, in, NULL, 0, 0, NULL, &flat));
    free(y);
    y = apply(a, x);
    check_close(y, x, 24);
    free(x);
    free(y);
    umbra_sparse_free(a);
}

static void means_run_over_their_axes(void **state)
{
    (void)state;
    const umbra_shape in = {.rank = 4, .dim = {2, 3, 4, 5}};
    double *x = random_vector(120, 5);
    for (unsigned axes = 0; axes < 17; axes++) { /* 16: the global pool */
        umbra_attributes attr = umbra_attributes_default();
        unsigned mask = axes == 16 ? 12 : axes;
        attr.keep_dims = axes % 2 == 0;
        for (int i = 0; i < 4; i++)
            if (mask >> i & 1)
                attr.axes[attr.axes_count++] = i;
        umbra_op op = axes == 16 ? UMBRA_OP_GLOBAL_AVERAGE_POOL : UMBRA_OP_REDUCE_MEAN;
        umbra_sparse *a = matrix_of_graph(graph_of_node(op, in, NULL, 0, 0, &attr, NULL));
        check_form(a);
        double *y = apply(a, x), expected[120] = {0.0};
        size_t count = 120 / a->rows;
        for (int64_t e = 0; e < 120; e++) {
            int64_t at[4] = {e / 60, e / 20 % 3, e / 5 % 4, e % 5}, to = 0;
            for (int i = 0; i < 4; i++)
                to = (mask >> i & 1) ? to : to * in.dim[i] + at[i];
            expected[to] += x[e] / (double)count;
        }
        check_close(y, expected, a->rows);
        free(y);
        umbra_sparse_free(a);
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_layers_act_on_the_last_dimension),
        cmocka_unit_test(batch_norm_and_reshape_are_diagonal),
        cmocka_unit_test(means_run_over_their_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
