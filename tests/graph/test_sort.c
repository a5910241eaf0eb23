/* Sorting puts inputs before uses, keeps an order that is right already, and names a cycle. */
#include "check.h"

#include "graph/build.h"

#include <stdio.h>

static const umbra_shape shape = {.rank = 1, .dim = {4}};

static umbra_graph *values(int count)
{
    umbra_graph *graph;
    int index;
    check_ok(umbra_graph_new(&graph));
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        check_ok(umbra_graph_add_value(graph, name, &shape, UMBRA_F32, &index));
    }
    return graph;
}

static void add(umbra_graph *graph, int from, int to)
{
    char name[32];
    snprintf(name, sizeof name, "n%d", to);
    check_ok(umbra_graph_add_node(graph, UMBRA_OP_RELU, name, "Relu", &from, 1, to, NULL, NULL));
}

static void test_reversed_chain(void **state)
{
    (void)state;
    umbra_graph *graph = values(50);
    for (int i = 48; i >= 0; i--)
        add(graph, i, i + 1);
    check_ok(umbra_graph_sort(graph));
    for (int i = 0; i < 49; i++) {
        assert_int_equal(graph->nodes[i].output, i + 1);
        assert_int_equal(graph->values[i + 1].producer, i);
    }
    umbra_graph_free(graph);
}

static void test_right_order_is_kept(void **state)
{
    (void)state;
    umbra_graph *graph = values(5);
    add(graph, 0, 3);
    add(graph, 0, 1);
    add(graph, 3, 2);
    add(graph, 1, 4);
    check_ok(umbra_graph_sort(graph));
    static const int order[] = {3, 1, 2, 4};
    for (int i = 0; i < 4; i++)
        assert_int_equal(graph->nodes[i].output, order[i]);
    umbra_graph_free(graph);
}

static void test_cycle_is_named(void **state)
{
    (void)state;
    umbra_graph *graph = values(3);
    add(graph, 2, 1);
    add(graph, 1, 2);
    check_fails(UMBRA_E_INPUT, "depends on its own output", umbra_graph_sort(graph));
    assert_int_equal(graph->node_count, 2); /* untouched, and still freed whole */
    assert_string_equal(graph->nodes[0].name, "n1");
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reversed_chain),
        cmocka_unit_test(test_right_order_is_kept),
        cmocka_unit_test(test_cycle_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
