/* Moving elements: where each element of the output comes from, in elements of 4 and 8 bytes. */
#include "check.h"

#include "graph/build.h"
#include "graph/move.h"

#define MOST 64

typedef struct move_case {
    umbra_op op;
    umbra_shape x, y;
    umbra_attributes attr;
    int64_t indices[4];
    int inputs;         /* tensors, all of shape x */
    int64_t want[MOST]; /* elements counted from 1 over all inputs; 0 is a pad */
} move_case;

static const move_case cases[] = {
    {.op = UMBRA_OP_RESHAPE,
     .x = {2, {2, 3}},
     .y = {1, {6}},
     .inputs = 1,
     .want = {1, 2, 3, 4, 5, 6}},
    {.op = UMBRA_OP_TRANSPOSE,
     .x = {2, {2, 3}},
     .y = {2, {3, 2}},
     .attr = {.permutation = {1, 0}},
     .inputs = 1,
     .want = {1, 4, 2, 5, 3, 6}},
    {.op = UMBRA_OP_PAD,
     .x = {2, {1, 2}},
     .y = {2, {2, 4}},
     .attr = {.pads_full = {0, 1, 0, 0, 0, 0, 1, 1}},
     .inputs = 1,
     .want = {0, 1, 2, 0, 0, 0, 0, 0}},
    {.op = UMBRA_OP_SLICE,
     .x = {2, {2, 3}},
     .y = {2, {2, 2}},
     .attr = {.begin = {0, 2}, .step = {1, -2}},
     .inputs = 1,
     .want = {3, 1, 6, 4}},
    {.op = UMBRA_OP_CONCAT,
     .x = {2, {2, 1}},
     .y = {2, {2, 2}},
     .attr = {.axis = 1},
     .inputs = 2,
     .want = {1, 3, 2, 4}},
    {.op = UMBRA_OP_GATHER,
     .x = {3, {2, 2, 2}},
     .y = {3, {2, 3, 2}},
     .attr = {.axis = 1},
     .indices = {1, 0, 1},
     .inputs = 1,
     .want = {3, 4, 1, 2, 3, 4, 7, 8, 5, 6, 7, 8}},
    {.op = UMBRA_OP_GATHER,
     .x = {1, {3}},
     .y = {1, {2}},
     .attr = {.axis = 0},
     .indices = {2, 2},
     .inputs = 1,
     .want = {3, 3}},
};

static umbra_graph *graph_of(const move_case *c)
{
    umbra_graph *graph;
    int inputs[3], out, node, count = c->inputs;
    umbra_shape list = {.rank = 1, .dim = {c->y.dim[c->attr.axis]}};
    check_ok(umbra_graph_new(&graph));
    for (int i = 0; i < c->inputs; i++)
        check_ok(umbra_graph_add_value(graph, i == 0 ? "a" : "b", &c->x, UMBRA_F32, &inputs[i]));
    if (c->op == UMBRA_OP_GATHER) {
        check_ok(umbra_graph_add_constant(graph, "indices", &list, UMBRA_I64, &inputs[count]));
        memcpy(graph->values[inputs[count++]].i64, c->indices, (size_t)list.dim[0] * 8);
    }
    check_ok(umbra_graph_add_value(graph, "y", &c->y, UMBRA_F32, &out));
    check_ok(umbra_graph_add_node(graph, c->op, "y", "y", inputs, count, out, &c->attr, &node));
    return graph;
}

static void test_all_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const move_case *c = &cases[i];
        umbra_graph *graph = graph_of(c);
        umbra_shape inferred;
        int64_t wide[2 * MOST], got[MOST], count = umbra_shape_elements(&c->y);
        float narrow[2 * MOST], got_narrow[MOST];
        for (int k = 0; k < 2 * MOST; k++) {
            wide[k] = k + 1;
            narrow[k] = (float)(k + 1);
        }
        int64_t each = umbra_shape_elements(&c->x);
        assert_true(umbra_op_moves(c->op));
        check_ok(umbra_infer_node(graph, &graph->nodes[0], &inferred));
        assert_true(umbra_shape_equal(&inferred, &c->y));
        umbra_move_elements(graph, &graph->nodes[0], got, (const void *[]){wide, wide + each}, 8);
        umbra_move_elements(graph, &graph->nodes[0], got_narrow,
                            (const void *[]){narrow, narrow + each}, 4);
        for (int64_t k = 0; k < count; k++) {
            assert_int_equal(got[k], c->want[k]);
            assert_true(got_narrow[k] == (float)c->want[k]);
        }
        umbra_graph_free(graph);
    }
    assert_false(umbra_op_moves(UMBRA_OP_CONV));
}

/* What a plan file may hold: indices and inputs that do not fit. */
static void test_bad_gathers(void **state)
{
    (void)state;
    umbra_shape out;
    umbra_graph *graph = graph_of(&cases[5]);
    graph->values[1].i64[2] = 2;
    check_fails(UMBRA_E_INPUT, "outside of the axis",
                umbra_infer_node(graph, &graph->nodes[0], &out));
    graph->values[1].i64[2] = -1;
    check_fails(UMBRA_E_INPUT, "outside of the axis",
                umbra_infer_node(graph, &graph->nodes[0], &out));
    graph->nodes[0].attr.axis = 3;
    check_fails(UMBRA_E_INPUT, "an axis of its input",
                umbra_infer_node(graph, &graph->nodes[0], &out));
    graph->nodes[0].inputs[1] = -1;
    check_fails(UMBRA_E_INPUT, "an input is missing",
                umbra_infer_node(graph, &graph->nodes[0], &out));
    graph->nodes[0].input_count = 1;
    check_fails(UMBRA_E_INPUT, "an input is missing",
                umbra_infer_node(graph, &graph->nodes[0], &out));
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_operators),
        cmocka_unit_test(test_bad_gathers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
