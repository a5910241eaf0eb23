/* Matrices of nodes that move or scale elements, against the plaintext executor on random data. */
#include "../exec/small_network.h"

#include "base/memory.h"
#include "plain/executor.h"
#include "plan/selection.h"

#include <stdlib.h>

/* The last node of the graph on random inputs: matrices times inputs, plus the offset. */
static void check_last_node(umbra_graph *g)
{
    int node = g->node_count - 1;
    const umbra_node *n = &g->nodes[node];
    const float *inputs[4];
    float *data[4];
    umbra_plain *plain = NULL;
    size_t rows = (size_t)umbra_shape_elements(&g->values[n->output].shape);
    check_ok(umbra_graph_add_output(g, n->output));
    for (int i = 0; i < g->input_count; i++) {
        size_t count = (size_t)umbra_shape_elements(&g->values[g->inputs[i]].shape);
        inputs[i] = data[i] = calloc(count, sizeof(float));
        small_image(data[i], count);
    }
    check_ok(umbra_plain_new(&plain, g, 1));
    check_ok(umbra_plain_run(plain, inputs));
    double *y = NULL;
    check_ok(umbra_selection_offset(&y, g, node));
    if (y == NULL)
        y = calloc(rows, sizeof(double));
    assert_true(umbra_op_selects(n->op));
    for (int k = 0; k < n->input_count; k++) {
        umbra_sparse *m = NULL;
        if (umbra_value_is_constant(&g->values[n->inputs[k]]))
            continue;
        const float *x = umbra_plain_value(plain, n->inputs[k]);
        check_ok(umbra_selection_matrix(&m, g, node, k));
        assert_int_equal(m->rows, rows);
        double *wide = malloc((m->columns + 1) * sizeof *wide);
        assert_non_null(wide);
        for (size_t i = 0; i < m->columns; i++)
            wide[i] = (double)x[i];
        check_ok(umbra_sparse_apply(m, wide, y));
        free(wide);
        umbra_sparse_free(m);
    }
    const float *expected = umbra_plain_value(plain, n->output);
    for (size_t r = 0; r < rows; r++)
        if (!(fabs(y[r] - (double)expected[r]) < 1e-5))
            fail_msg("%s, element %zu: %g, expected %g", n->name, r, y[r], (double)expected[r]);
    umbra_plain_free(plain);
    umbra_memory_free(y);
    for (int i = 0; i < g->input_count; i++)
        free(data[i]);
    umbra_graph_free(g);
}

static umbra_graph *two_inputs(umbra_shape a, umbra_shape b, int *inputs)
{
    umbra_graph *g = NULL;
    check_ok(umbra_graph_new(&g));
    inputs[0] = small_value(g, "a", a);
    inputs[1] = small_value(g, "b", b);
    check_ok(umbra_graph_add_input(g, inputs[0]));
    check_ok(umbra_graph_add_input(g, inputs[1]));
    return g;
}

static umbra_graph *one_input(umbra_shape a, int *input)
{
    umbra_graph *g = NULL;
    check_ok(umbra_graph_new(&g));
    *input = small_value(g, "a", a);
    check_ok(umbra_graph_add_input(g, *input));
    return g;
}

static void test_moves(void **state)
{
    (void)state;
    int in[3];
    umbra_attributes attr = umbra_attributes_default();
    umbra_graph *g = two_inputs(small_shape(4, 1, 3, 4, 5), small_shape(4, 1, 2, 4, 5), in);
    in[2] = small_constant(g, "k", small_shape(4, 1, 4, 4, 5), 1);
    attr.axis = 1;
    small_node(g, UMBRA_OP_CONCAT, "concat", in, 3, &attr);
    check_last_node(g);

    g = two_inputs(small_shape(4, 1, 3, 4, 5), small_shape(4, 1, 3, 4, 2), in);
    attr.axis = 3;
    small_node(g, UMBRA_OP_CONCAT, "columns", in, 2, &attr);
    check_last_node(g);

    g = one_input(small_shape(4, 1, 3, 4, 5), in);
    for (int i = 0; i < 4; i++)
        attr.permutation[i] = i == 0 ? 0 : 4 - i;
    small_node(g, UMBRA_OP_TRANSPOSE, "transpose", in, 1, &attr);
    check_last_node(g);

    g = one_input(small_shape(4, 1, 3, 4, 5), in);
    attr.pads_full[2] = 1;
    attr.pads_full[UMBRA_MAX_RANK + 1] = 2;
    attr.pads_full[UMBRA_MAX_RANK + 3] = 3;
    small_node(g, UMBRA_OP_PAD, "pad", in, 1, &attr);
    check_last_node(g);

    g = one_input(small_shape(4, 1, 3, 4, 5), in);
    in[1] = -1;
    check_ok(umbra_graph_add_constant(g, "indices", &(umbra_shape){.rank = 1, .dim = {8}},
                                      UMBRA_I64, &in[1]));
    for (int i = 0; i < 8; i++)
        g->values[in[1]].i64[i] = i / 2;
    attr.axis = 2;
    small_node(g, UMBRA_OP_GATHER, "gather", in, 2, &attr);
    check_last_node(g);
}

static void test_slice(void **state)
{
    (void)state;
    int in[1], node = -1;
    umbra_attributes attr = umbra_attributes_default();
    umbra_graph *g = one_input(small_shape(4, 1, 5, 6, 6), in);
    int y = small_value(g, "y", small_shape(4, 1, 3, 3, 2));
    for (int i = 0; i < 4; i++)
        attr.step[i] = 1;
    attr.begin[1] = 1;
    attr.step[2] = 2;
    attr.begin[3] = 5;
    attr.step[3] = -3;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_SLICE, "slice", "Slice", in, 1, y, &attr, &node));
    check_last_node(g);
}

/* Every way to broadcast, on either side, computed or constant. */
static void test_arithmetic(void **state)
{
    (void)state;
    static const umbra_op ops[] = {UMBRA_OP_ADD, UMBRA_OP_SUB, UMBRA_OP_MUL, UMBRA_OP_DIV};
    const umbra_shape full = small_shape(4, 1, 3, 4, 5);
    const umbra_shape parts[] = {full, small_shape(4, 1, 3, 1, 1), small_shape(2, 4, 5, 0, 0),
                                 small_shape(1, 1, 0, 0, 0), small_shape(4, 1, 1, 4, 1)};
    for (int op = 0; op < 4; op++)
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
            for (int kind = 0; kind < 4; kind++) { /* both computed; constant; either order */
                int in[2], order[2];
                bool constant = kind & 1, turned = kind >> 1;
                if ((!constant && op >= 2) || (op == 3 && turned))
                    continue;
                umbra_graph *g = constant ? one_input(full, in) : two_inputs(full, parts[p], in);
                if (constant)
                    in[1] = small_constant(g, "k", parts[p], 1);
                order[0] = in[turned];
                order[1] = in[!turned];
                small_node(g, ops[op], "arithmetic", order, 2, NULL);
                check_last_node(g);
            }
}

static void test_refusals(void **state)
{
    (void)state;
    int in[2];
    umbra_selection s;
    umbra_graph *g = two_inputs(small_shape(1, 4, 0, 0, 0), small_shape(1, 4, 0, 0, 0), in);
    small_node(g, UMBRA_OP_MUL, "product", in, 2, NULL);
    check_ok(umbra_selection_of_node(&s, g, 0, 0)); /* the factor itself */
    assert_null(s.weight);
    umbra_selection_free(&s);
    g->nodes[0].op = UMBRA_OP_DIV;
    check_fails(UMBRA_E_MODEL, "\"product\" (Div): its other input is not a constant",
                umbra_selection_of_node(&s, g, 0, 0));
    in[1] = small_constant(g, "zeros", small_shape(1, 4, 0, 0, 0), 0);
    small_node(g, UMBRA_OP_DIV, "quotient", in, 2, NULL);
    check_fails(UMBRA_E_MODEL, "\"quotient\" (Div): a constant is zero",
                umbra_selection_of_node(&s, g, 1, 0));
    int wide = small_value(g, "wide", small_shape(2, 1, (1 << 24) + 1, 0, 0)), unused = -1;
    int large = small_value(g, "large", small_shape(1, (1 << 24) + 1, 0, 0, 0));
    check_ok(umbra_graph_add_node(g, UMBRA_OP_RESHAPE, "large", "Reshape", &wide, 1, large, NULL,
                                  &unused));
    check_fails(UMBRA_E_MODEL, "more than 2^24", umbra_selection_of_node(&s, g, 2, 0));
    umbra_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
