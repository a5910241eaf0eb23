/* Compiling: decisions change what a plan costs and never what it computes; refusals say why. */
#include "../exec/calibrate.h"
#include "../exec/small_network.h"

#include "exec/exec.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"
#include "plan/plan_internal.h"

#include <stdlib.h>

#define OUTPUTS 5
#define IMAGES 3

static umbra_plan *compile(const umbra_graph *graph, double precision_bits, int threads)
{
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = precision_bits, .threads = threads};
    check_ok(umbra_plan_compile(&plan, graph, &model, &options));
    return plan;
}

/* Three sums that several nodes read, one of them behind a stride. */
static umbra_graph *three_sums(void)
{
    int x;
    umbra_graph *g = small_begin(2, 8, &x);
    int r = small_conv(g, "stem", x, 2, 3, 1);
    int u = small_polynomial(g, "act1", r);
    r = small_add(g, "sum1", small_conv(g, "a", u, 2, 3, 1), r);
    u = small_polynomial(g, "act2", r);
    r = small_add(g, "sum2", small_conv(g, "b1", u, 4, 3, 2), small_conv(g, "b2", r, 4, 1, 2));
    u = small_polynomial(g, "act3", r);
    r = small_add(g, "sum3", small_conv(g, "c", u, 4, 3, 1), r);
    check_ok(umbra_graph_add_output(g, small_head(g, r, OUTPUTS)));
    return g;
}

/* Throw away what followed from the decisions, and let it follow from others. Returns the depth. */
static int decide_again(umbra_plan *plan, unsigned compose, int degree_log2)
{
    umbra_decisions *d = &plan->decisions;
    umbra_network network;
    umbra_schedule schedule;
    umbra_params_literal literal;
    umbra_build_free(&plan->build);
    umbra_simulation_free(&plan->simulation);
    umbra_params_free(plan->params);
    plan->params = NULL;
    for (int i = 0; i < d->compose_count; i++)
        d->compose[i] = compose >> i & 1;
    d->degree_log2 = degree_log2;
    d->special_count = 1;
    check_ok(umbra_network_lower(&network, plan->graph, plan->matrices, d->compose,
                                 d->compose_count, UMBRA_LOWER_SHAPES));
    check_ok(umbra_schedule_make(&schedule, &network, d));
    umbra_network_free(&network);
    check_ok(umbra_schedule_literal(&schedule, d, &literal));
    check_ok(umbra_params_new(&plan->params, &literal));
    check_ok(umbra_plan_finish(plan, NULL));
    return schedule.depth;
}

/* The program on slots against the network in floats, relative to the largest output. */
static double worst_error(const umbra_plan *plan, umbra_plain *plain, float images[IMAGES][128])
{
    umbra_exec *exec = NULL;
    double worst = 0;
    check_ok(umbra_exec_new(&exec, plan, NULL, NULL));
    for (int n = 0; n < IMAGES; n++) {
        const float *inputs[1] = {images[n]};
        double slots[OUTPUTS], largest = 0, error = 0;
        check_ok(umbra_plain_run(plain, inputs));
        const float *expected = umbra_plain_value(plain, umbra_plan_graph(plan)->outputs[0]);
        check_ok(umbra_exec_run_plain(exec, images[n], slots, NULL, NULL));
        for (int i = 0; i < OUTPUTS; i++) {
            error = fmax(error, fabs(slots[i] - (double)expected[i]));
            largest = fmax(largest, fabs((double)expected[i]));
        }
        worst = fmax(worst, error / largest);
    }
    umbra_exec_free(exec);
    return worst;
}

static size_t diagonals_of(const umbra_plan *plan)
{
    size_t sum = 0;
    for (int m = 0; m < plan->build.program.map_count; m++)
        sum += plan->build.program.maps[m].diagonal_count;
    return sum;
}

/* Every set of decisions, on two rings, with rotations made of a few or not: one function.
 * Composing saves levels, which is its point.
 */
static void test_decisions_keep_the_function(void **state)
{
    umbra_graph *graph = three_sums();
    umbra_plan *plan = compile(graph, 2, 1);
    umbra_plain *plain = NULL;
    float images[IMAGES][128];
    int count = plan->decisions.compose_count;
    (void)state;
    small_image(images[0], sizeof images / sizeof images[0][0]);
    check_ok(umbra_plain_new(&plain, umbra_plan_graph(plan), 1));
    assert_in_range(count, 3, 5);
    int all = decide_again(plan, ~0u, 15);
    size_t all_diagonals = diagonals_of(plan);
    for (unsigned compose = 0; compose < 1u << count; compose++) {
        int degree_log2 = compose % 2 == 0 ? 15 : 16;
        plan->decisions.factored_depths = compose % 3 == 0 ? 0 : compose % 3 == 1 ? 2 : 64;
        int depth = decide_again(plan, compose, degree_log2);
        double error = worst_error(plan, plain, images);
        assert_in_range(depth, all, all + count);
        if (!(error < 1e-5))
            fail_msg("decisions 0x%x at degree 2^%d: relative error %g", compose, degree_log2,
                     error);
    }
    plan->decisions.factored_depths = 0;
    assert_true(decide_again(plan, 0, 15) > all);
    size_t keys = plan->simulation.key_count;
    plan->decisions.factored_depths = 64;
    (void)decide_again(plan, 0, 15);
    assert_true(plan->simulation.key_count < keys);
    assert_true(diagonals_of(plan) != all_diagonals); /* another program indeed */
    umbra_plain_free(plain);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* Compiled twice, by any number of workers at once: the same bytes. */
static void test_same_plan_again(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *a = compile(graph, 4, 2), *b = compile(graph, 4, 2);
    umbra_writer wa = {0}, wb = {0};
    (void)state;
    check_ok(umbra_plan_write_body(a, &wa));
    check_ok(umbra_plan_write_body(b, &wb));
    assert_int_equal(wa.size, wb.size);
    assert_memory_equal(wa.bytes, wb.bytes, wa.size);
    umbra_writer_free(&wa);
    umbra_writer_free(&wb);
    umbra_plan_free(a);
    umbra_plan_free(b);
    umbra_graph_free(graph);
}

/* What is shown adds up to what is promised. */
static void test_nodes_add_up(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = small_compile(graph);
    umbra_plan_summary s;
    double seconds = 0;
    size_t diagonals = 0;
    int level = umbra_plan_profile(plan)->input_level;
    (void)state;
    umbra_plan_summarise(plan, &s);
    for (int i = 0; i < umbra_plan_node_count(plan); i++) {
        umbra_plan_node n;
        umbra_plan_node_get(plan, i, &n);
        assert_true(n.name[0] != 0 && n.kind[0] != 0 && n.why[0] != 0);
        assert_in_range(n.level, 0, level);
        assert_true(n.predicted_seconds >= 0);
        assert_true(n.predicted_bits > 0 && n.predicted_bits < 60);
        level = n.level;
        seconds += n.predicted_seconds;
        diagonals += n.diagonals;
    }
    assert_true(fabs(seconds - s.predicted_seconds) <= 1e-9 * s.predicted_seconds);
    assert_int_equal(diagonals, diagonals_of(plan));
    assert_int_equal(level, 0);
    assert_int_equal(s.levels, umbra_plan_profile(plan)->input_level + 1);
    assert_true(s.log2_q < s.log2_qp);
    assert_true(s.log2_qp <= umbra_security_limit_log2(s.degree_log2));
    assert_true(s.security_bits >= 128);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* An explanation names every step, tells what each sum's other decision costs, and sums up. */
static void test_explanation(void **state)
{
    umbra_graph *graph = three_sums();
    umbra_plan *plan = compile(graph, 6, 1);
    char *text = NULL, seconds[32];
    size_t size = 0;
    int told = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    check_ok(umbra_plan_explain(plan, out));
    fclose(out);
    for (int i = 0; i < umbra_plan_node_count(plan); i++) {
        umbra_plan_node node;
        umbra_plan_node_get(plan, i, &node);
        assert_non_null(strstr(text, node.name));
        assert_non_null(strstr(text, node.why));
        assert_int_equal(node.words, umbra_params_level_limbs(plan->params, node.level));
    }
    assert_int_equal(plan->flip_count, plan->decisions.compose_count);
    for (int i = 0; i < plan->flip_count; i++) {
        assert_true(plan->flips[i].seconds > 0);
        snprintf(seconds, sizeof seconds, "would take %.2f s", plan->flips[i].seconds);
        told += strstr(text, seconds) != NULL;
    }
    assert_true(told > 0);
    assert_non_null(strstr(text, "IN SHORT"));
    assert_non_null(strstr(text, "channels of 8x8"));
    assert_non_null(strstr(text, "      as step ")); /* nothing is told twice at length */
    for (const char *at = strstr(text, "linear nodes in a row"), *next = at; next != NULL;
         at = next) {
        next = strstr(at + 1, "linear nodes in a row");
        assert_true(next == NULL || strcspn(at, "\n") != strcspn(next, "\n") ||
                    strncmp(at, next, strcspn(at, "\n")) != 0);
    }
    free(text);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* Any precision is planned for, more costs more words, and what cannot be had is refused with
 * figures. */
static void test_precision_on_demand(void **state)
{
    static const double wanted[] = {4, 10, 16, 24, 30};
    umbra_graph *graph = small_residual();
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 33, .threads = 1};
    double log2_q = 0;
    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        umbra_plan_summary s;
        plan = compile(graph, wanted[i], 1);
        umbra_plan_summarise(plan, &s);
        if (!(s.predicted_bits >= wanted[i] - 0.1 && s.predicted_bits < wanted[i] + 6))
            fail_msg("%.0f bits are wanted, and %.1f promised", wanted[i], s.predicted_bits);
        assert_true(s.log2_q > log2_q);
        log2_q = s.log2_q;
        umbra_plan_free(plan);
    }
    plan = NULL;
    check_fails(UMBRA_E_USAGE, "33.0 bits", umbra_plan_compile(&plan, graph, &model, &options));
    assert_non_null(strstr(umbra_error_message(), "--precision-bits"));
    umbra_graph_free(graph);
}

/* One activation after another, all read from the one before. */
static umbra_graph *chain(int length)
{
    int x;
    char name[32];
    umbra_graph *graph = small_begin(1, 4, &x);
    for (int i = 0; i < length; i++) {
        snprintf(name, sizeof name, "act%d", i);
        x = small_polynomial(graph, name, x);
    }
    check_ok(umbra_graph_add_output(graph, x));
    return graph;
}

/* Levels as deep as the largest ring can be, and a bit: how much is missing, and where. */
static void test_too_many_bits(void **state)
{
    umbra_graph *graph = chain(45);
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 30, .threads = 1};
    (void)state;
    check_fails(UMBRA_E_SECURITY, "bits short", umbra_plan_compile(&plan, graph, &model, &options));
    assert_non_null(strstr(umbra_error_message(), "used up at \"act"));
    umbra_graph_free(graph);
}

/* Near the most that a ring can hold: a plan that keeps what is wanted, or a refusal that adds up;
 * and what is refused is refused of any longer one. */
static void test_limit_of_bits(void **state)
{
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 24, .threads = 1};
    int planned = 0, refused = 0;
    (void)state;
    for (int length = 29; length <= 36; length++) {
        umbra_graph *graph = chain(length);
        umbra_plan *plan = NULL;
        umbra_plan_summary sum;
        umbra_status status = umbra_plan_compile(&plan, graph, &model, &options);
        if (status == UMBRA_OK) {
            umbra_plan_summarise(plan, &sum);
            assert_true(sum.predicted_bits >= 24 - 0.1);
            assert_int_equal(refused, 0);
            planned++;
        } else {
            assert_true(status == UMBRA_E_SECURITY);
            if (strstr(umbra_error_message(), " 0 bits") != NULL ||
                strstr(umbra_error_message(), "--precision-bits") == NULL)
                fail_msg("%s", umbra_error_message());
            refused++;
        }
        umbra_plan_free(plan);
        umbra_graph_free(graph);
    }
    assert_true(planned >= 4 && refused > 0);
}

/* So deep that levels of the wanted precision have no primes: the refusal counts what they need,
 * and says which node lacks how much of it. At 8 bits the values of this chain take more than
 * usual. */
static void check_too_deep(int length, double wanted, double most_bits)
{
    umbra_model_info model = {.input_abs_max = 0.5};
    umbra_plan_options options = {.precision_bits = wanted, .threads = 1};
    umbra_graph *graph = chain(length);
    umbra_plan *plan = NULL;
    int levels = 0;
    double bits = 0;
    check_fails(UMBRA_E_SECURITY, "bits short", umbra_plan_compile(&plan, graph, &model, &options));
    const char *text = umbra_error_message();
    const char *each = strstr(text, "precision take about ");
    if (each == NULL || sscanf(text, "the network is %d levels deep", &levels) != 1 ||
        sscanf(each, "precision take about %lf bits", &bits) != 1 || levels != length + 1 ||
        bits > most_bits || levels * bits < 3000 - 60 || strstr(text, "used up at \"act") == NULL ||
        strstr(text, " activation") == NULL)
        fail_msg("%s", text);
    umbra_graph_free(graph);
}

static void test_more_levels_than_primes(void **state)
{
    (void)state;
    check_too_deep(56, 8, 75);
    check_too_deep(56, 11, 56);
    check_too_deep(56, 14, 64);
    check_too_deep(62, 14, 64);
}

/* A square after another without ranges: no figure is a promise. */
static void test_no_precision_at_all(void **state)
{
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1e30};
    umbra_graph *graph = chain(12);
    (void)state;
    check_fails(UMBRA_E_SECURITY, "no precision can be promised",
                umbra_plan_compile(&plan, graph, &model, NULL));
    assert_non_null(strstr(umbra_error_message(), "ranges"));
    umbra_graph_free(graph);
}

/* Every node that cannot be taken, not the first one only. */
static void test_every_bad_node_named(void **state)
{
    umbra_graph *graph = NULL;
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    int named = 0;
    (void)state;
    check_ok(umbra_onnx_import_file("tests/cli/refused.onnx", &graph));
    check_ok(umbra_graph_simplify(graph));
    check_fails(UMBRA_E_MODEL, "problems", umbra_plan_compile(&plan, graph, &model, NULL));
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *n = &graph->nodes[i];
        if (n->op != UMBRA_OP_RELU && n->op != UMBRA_OP_SIGMOID && n->op != UMBRA_OP_MAX_POOL)
            continue;
        named++;
        if (strstr(umbra_error_message(), n->name) == NULL)
            fail_msg("\"%s\" is not named in: %s", n->name, umbra_error_message());
    }
    assert_int_equal(named, 3);
    umbra_graph_free(graph);
}

/* Files of plans and the API may have what no ONNX file has. */
static void test_missing_inputs(void **state)
{
    const umbra_op operators[] = {UMBRA_OP_RESHAPE, UMBRA_OP_ADD, UMBRA_OP_CONCAT};
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan *plan = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        int x, unused = -1;
        umbra_graph *graph = small_begin(2, 8, &x);
        x = small_polynomial(graph, "act", small_conv(graph, "conv", x, 4, 3, 1));
        int y = small_value(graph, "odd.out", graph->values[x].shape);
        check_ok(umbra_graph_add_node(graph, operators[i], "odd", "Odd", (int[2]){x, -1}, 2, y,
                                      NULL, &unused));
        check_ok(umbra_graph_add_output(graph, small_head(graph, y, 5)));
        check_fails(UMBRA_E_MODEL, "\"odd\" (Odd): an input is missing",
                    umbra_plan_compile(&plan, graph, &model, NULL));
        umbra_graph_free(graph);
    }
}

/* Eight tensors in one sum are possible: two of these sums cannot become one. */
static void test_sums_of_many_tensors(void **state)
{
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 4, .threads = 2};
    umbra_plan *plan = NULL;
    (void)state;
    int x, sums[2];
    char name[16];
    umbra_graph *graph = small_begin(1, 8, &x);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 5; i++) {
            snprintf(name, sizeof name, "act%d%d", k, i);
            int y = small_polynomial(graph, name, small_conv(graph, name + 1, x, 1, 3, 1));
            snprintf(name, sizeof name, "sum%d%d", k, i);
            sums[k] = i == 0 ? y : small_add(graph, name, sums[k], y);
        }
    int both = small_polynomial(graph, "act2", small_add(graph, "both", sums[0], sums[1]));
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "act3%d", k);
        sums[k] = small_polynomial(graph, name, sums[k]);
    }
    x = small_add(graph, "all", both, small_add(graph, "rest", sums[0], sums[1]));
    check_ok(umbra_graph_add_output(graph, small_head(graph, x, 5)));
    calibrate(graph);
    check_ok(umbra_plan_compile(&plan, graph, &model, &options));
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* M(i+1) = M(i) + a * M(i), which makes 2^40 matrices of forty pairs of nodes. */
static void test_sums_that_double(void **state)
{
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan *plan = NULL;
    (void)state;
    int x, again;
    char name[16];
    umbra_shape shape = {.rank = 6, .dim = {1, 1, 1, 1, 8, 8}};
    umbra_graph *graph = small_begin(1, 8, &x);
    int y = small_value(graph, "six.out", shape), unused = -1;
    check_ok(
        umbra_graph_add_node(graph, UMBRA_OP_RESHAPE, "six", "Reshape", &x, 1, y, NULL, &unused));
    x = y;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "scale%d", i);
        int scale = small_constant(graph, name, shape, 1);
        snprintf(name, sizeof name, "mul%d", i);
        again = small_node(graph, UMBRA_OP_MUL, name, (int[2]){x, scale}, 2, NULL);
        snprintf(name, sizeof name, "add%d", i);
        x = small_add(graph, name, x, again);
    }
    check_ok(umbra_graph_add_output(graph, small_dense(graph, "fc", small_flatten(graph, x), 2)));
    check_fails(UMBRA_E_MODEL, "fold them when you export",
                umbra_plan_compile(&plan, graph, &model, NULL));
    umbra_graph_free(graph);
}

/* What the graph itself cannot show: labels, memory, numbers that are none. */
static void test_other_refusals(void **state)
{
    umbra_graph *graph = small_plain();
    umbra_plan *plan = NULL;
    char *labels[2] = {(char *)"one", (char *)"two"};
    umbra_model_info model = {.input_abs_max = 1, .labels = labels, .label_count = 2};
    umbra_plan_options options = {.precision_bits = 4, .memory_bytes = 1 << 20, .threads = 1};
    (void)state;
    check_fails(UMBRA_E_MODEL, "3 outputs and 2 labels",
                umbra_plan_compile(&plan, graph, &model, &options));
    model = (umbra_model_info){.input_abs_max = 1};
    check_fails(UMBRA_E_RESOURCE, "GB", umbra_plan_compile(&plan, graph, &model, &options));
    options.memory_bytes = 0;
    model.input_abs_max = NAN;
    assert_true(umbra_plan_compile(&plan, graph, &model, &options) != UMBRA_OK);
    model.input_abs_max = 1;
    for (int v = 0; v < graph->value_count; v++)
        if (strcmp(graph->values[v].name, "conv.weight") == 0)
            graph->values[v].f32[4] = NAN;
    check_fails(UMBRA_E_INPUT, "not finite", umbra_plan_compile(&plan, graph, &model, &options));
    assert_null(plan);
    umbra_graph_free(graph);
}

/* Two inputs, and a quadratic whose square is lost beside the rest. */
static void test_bad_shapes_of_networks(void **state)
{
    int x;
    umbra_graph *graph = small_begin(1, 8, &x);
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    (void)state;
    int y = small_polynomial(graph, "weak", x);
    graph->nodes[0].attr.coefficient[1] = 1;
    graph->nodes[0].attr.coefficient[2] = 1e-6;
    check_ok(umbra_graph_add_input(graph, small_value(graph, "more", graph->values[x].shape)));
    check_ok(umbra_graph_add_output(graph, y));
    check_fails(UMBRA_E_MODEL, "2 inputs", umbra_plan_compile(&plan, graph, &model, NULL));
    assert_non_null(strstr(umbra_error_message(), "\"weak\""));
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions_keep_the_function),
        cmocka_unit_test(test_same_plan_again),
        cmocka_unit_test(test_nodes_add_up),
        cmocka_unit_test(test_explanation),
        cmocka_unit_test(test_precision_on_demand),
        cmocka_unit_test(test_too_many_bits),
        cmocka_unit_test(test_limit_of_bits),
        cmocka_unit_test(test_more_levels_than_primes),
        cmocka_unit_test(test_no_precision_at_all),
        cmocka_unit_test(test_every_bad_node_named),
        cmocka_unit_test(test_missing_inputs),
        cmocka_unit_test(test_sums_of_many_tensors),
        cmocka_unit_test(test_sums_that_double),
        cmocka_unit_test(test_other_refusals),
        cmocka_unit_test(test_bad_shapes_of_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
