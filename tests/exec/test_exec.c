/* One program, three interpreters: plaintext network, slot vectors, ciphertexts, and the simulator.
 */
#include "ckks/evaluator_internal.h"
#include "exec/exec_internal.h"
#include "exec_session.h"

static void test_residual(void **state)
{
    (void)state;
    check_network(small_residual());
}

static void test_plain(void **state)
{
    (void)state;
    check_network(small_plain());
}

/* Pools composed into convolutions, vectors, and dense layers by partial sums. */
static void test_lenet_small(void **state)
{
    (void)state;
    check_network(small_lenet(8, 3, 12));
}

/* Rotations made of a few: fewer keys, the same answer, and every step as it was simulated. With
 * the cost model of one set of kernels, since how many keys the plans have depends on it. */
static void test_factored(void **state)
{
    session s;
    double output[16];
    size_t keys[2];
    (void)state;
    setenv("UMBRA_CPU", "portable", 1);
    check_ok(umbra_kernels_init());
    for (int factored = 0; factored < 2; factored++) {
        open_session_decided(&s, small_residual(), 8, 0, 64 * factored);
        encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
        run_encrypted(&s, output);
        check_promise(&s);
        keys[factored] = umbra_plan_profile(s.plan)->key_count;
        close_session(&s);
    }
    unsetenv("UMBRA_CPU");
    check_ok(umbra_kernels_init());
    print_message("%zu keys, %zu with rotations made of a few\n", keys[0], keys[1]);
    assert_true(5 * keys[1] < 4 * keys[0]);
}

/* Many bits: levels of several words, weights of 64 bits, sets of primes that are not nested. */
static void test_precise(void **state)
{
    session s;
    double output[16];
    (void)state;
    open_session_at(&s, small_residual(), 17);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    double bits = run_encrypted(&s, output), predicted = umbra_plan_profile(s.plan)->predicted_bits;
    print_message("%.2f bits, %.2f predicted\n", bits, predicted);
    assert_true(predicted >= 17);
    check_promise(&s);
    int nested = 0, wide = 0;
    for (int i = 1; i < umbra_params_level_count(s.plan->params); i++)
        nested += (umbra_params_level_set(s.plan->params, i - 1) &
                   ~umbra_params_level_set(s.plan->params, i)) == 0;
    for (int m = 0; m < s.plan->build.program.map_count; m++)
        wide += umbra_program_map_coefficient_bytes(&s.plan->build.program.maps[m]) == 8;
    assert_true(nested < umbra_params_level_count(s.plan->params) - 1 && wide > 0);
    close_session(&s);
}

/* Products of tensors, powers, a gate. Their errors may be shared, for which the model has 2 bits.
 */
static void test_gated(void **state)
{
    (void)state;
    check_network_within(small_gated(), -2.5, 0.5);
}

/* Concatenated skips, an image as the answer. */
static void test_unet(void **state)
{
    (void)state;
    check_network(small_unet());
}

/* The evaluator's scratch is taken before the run, and none of it again: it costs fresh pages. */
static void test_scratch_is_foreseen(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        session s;
        double output[64];
        open_session(&s, which == 0   ? small_residual()
                         : which == 1 ? small_lenet(8, 3, 12)
                                      : small_plain());
        const umbra_evaluator *e = s.exec->evaluator;
        const size_t shared = e->shared_limbs, workers = e->worker_limbs;
        assert_int_equal(shared, s.plan->simulation.scratch.shared);
        assert_int_equal(workers, s.plan->simulation.scratch.worker);
        encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
        (void)run_encrypted(&s, output);
        assert_int_equal(e->shared_limbs, shared);
        assert_int_equal(e->worker_limbs, workers);
        close_session(&s);
    }
}

/* Without memory for weights they are made while they are read: the same bytes come out. */
static void test_streamed_weights(void **state)
{
    session s;
    umbra_exec *streaming = NULL;
    umbra_ciphertext *kept = NULL, *made = NULL;
    (void)state;
    open_session(&s, small_residual());
    const umbra_profile *p = umbra_plan_profile(s.plan);
    encrypt(&s, p->input_scale_log2);
    const umbra_ciphertext *query[1] = {s.query[0]};
    uint64_t all = umbra_plan_memory_bytes(&s.plan->build, &s.plan->simulation, 1, UINT64_MAX);
    uint64_t least = umbra_plan_memory_bytes(&s.plan->build, &s.plan->simulation, 1, 1);
    assert_true(least <= all);
    assert_true(umbra_plan_kept_weight_bytes(s.plan) == UINT64_MAX);
    assert_false(s.exec->maps[0].streamed);
    s.plan->memory_budget = 1;
    assert_true(umbra_plan_kept_weight_bytes(s.plan) == 0);
    check_ok(umbra_exec_new(&streaming, s.plan, s.keys, s.pool));
    assert_true(streaming->maps[0].streamed);
    check_ok(umbra_exec_run(s.exec, query, 1, &kept, 1, NULL, NULL));
    check_ok(umbra_exec_run(streaming, query, 1, &made, 1, NULL, NULL));
    /* Those that are kept were made by the run, or are made when asked for. */
    assert_non_null(s.exec->maps[0].coefficients);
    assert_null(streaming->maps[0].coefficients);
    assert_true(umbra_exec_prepared(s.exec).wall_ns > 0);
    assert_true(umbra_exec_prepared(streaming).wall_ns == 0);
    umbra_exec_free(streaming);
    s.plan->memory_budget = UINT64_MAX;
    check_ok(umbra_exec_new(&streaming, s.plan, s.keys, s.pool));
    assert_null(streaming->maps[0].coefficients);
    check_ok(umbra_exec_prepare(streaming));
    assert_non_null(streaming->maps[0].coefficients);
    size_t bytes = (size_t)umbra_params_level_limbs(p->params, kept->level) *
                   umbra_params_degree(p->params) * sizeof(uint64_t);
    assert_int_equal(kept->level, made->level);
    assert_memory_equal(kept->part[0], made->part[0], bytes);
    assert_memory_equal(kept->part[1], made->part[1], bytes);
    umbra_ciphertext_free(kept);
    umbra_ciphertext_free(made);
    umbra_exec_free(streaming);
    close_session(&s);
}

/* With the least memory that a plan can do with, every key is held by its seed, and the answer is
 * as precise as it was predicted to be. */
static void test_seeded_keys(void **state)
{
    session s;
    double output[512];
    const uint64_t weights = small_state;
    (void)state;
    open_session(&s, small_residual());
    uint64_t whole = s.plan->summary.predicted_memory_bytes;
    uint64_t least = umbra_plan_memory_bytes(&s.plan->build, &s.plan->simulation, 2, 1);
    assert_int_equal(umbra_plan_key_holding(s.plan).seeded_count, 0);
    close_session(&s);
    assert_true(least < whole);
    small_state = weights; /* the same network, and the same plan of it */
    s = (session){.graph = small_residual(), .stop_at = -1, .worst_excess = -100};
    calibrate(s.graph);
    s.plan = small_compile(s.graph);
    s.plan->memory_budget = least;
    finish_again(s.plan);
    check_ok(umbra_plan_check_memory(s.plan));
    start_session(&s);
    const umbra_profile *p = umbra_plan_profile(s.plan);
    assert_int_equal(umbra_plan_key_holding(s.plan).seeded_count, p->key_count);
    encrypt(&s, p->input_scale_log2);
    run_encrypted(&s, output);
    check_promise(&s);
    close_session(&s);
}

/* An answer of several ciphertexts: 8192 outputs right behind a square, whose errors have a long
 * tail. */
static void test_planes(void **state)
{
    (void)state;
    check_network(small_planes());
}

/* The share of a map's diagonals whose input was rotated before it was multiplied; those of the
 * others have a key switch only afterwards, at a scale where it is not seen. */
static double turned_share(const umbra_program_map *map)
{
    double turned = 0;
    for (size_t i = 0; i < map->diagonal_count; i++)
        turned += map->diagonals[i].baby_slots != 0;
    return turned / (double)map->diagonal_count;
}

/* The first map reads a scale so low that the errors of rotations rule all others, from there to
 * the answer. No search decides so: elsewhere they hide below roundings, where no measurement would
 * tell whether they are predicted at all. */
static void test_rotations_rule(void **state)
{
    session s = {.graph = small_filter(), .stop_at = -1, .worst_excess = -100, .least_excess = 100};
    static double output[SMALL_FILTER_SIDE * SMALL_FILTER_SIDE];
    (void)state;
    calibrate(s.graph);
    s.plan = small_compile(s.graph);
    small_let_rotations_rule(s.plan);
    assert_true(s.plan->build.schedule.in_scale[0] < s.plan->build.schedule.scale[1] - 5.9);
    start_session(&s);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    run_encrypted(&s, output);
    /* The model takes every tap as turned. */
    const double spared = 0.5 * log2(turned_share(&s.plan->build.program.maps[0]));
    print_message("over the model beyond chance: %.2f to %.2f bits; %.2f for inputs not turned\n",
                  s.least_excess, s.worst_excess, spared);
    assert_true(spared > -0.5);
    assert_true(s.least_excess > spared - 0.15);
    assert_true(s.worst_excess < 0.15);
    close_session(&s);
}

/* Maps that take two diagonals, or two ciphertexts, in one complex product read the imaginary parts
 * of what roundings left in their inputs: half a bit, which only planes of many points tell from
 * chance. */
static void check_both_parts(int64_t in, int64_t channels, int64_t side, int64_t kernel,
                             bool joined)
{
    session s;
    static double output[16];
    char name[16];
    int x, both = 0;
    umbra_graph *g = small_begin(in, side, &x);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "conv%d", i);
        x = small_conv(g, name, x, channels, kernel, 1);
        snprintf(name, sizeof name, "act%d", i);
        x = small_polynomial(g, name, x);
    }
    check_ok(umbra_graph_add_output(g, small_head(g, x, 5)));
    open_session(&s, g);
    for (int i = 0; i < s.plan->build.network.linear_count; i++) {
        const umbra_facts *f = s.plan->build.facts[i];
        both += f != NULL && f->set != NULL && (joined ? f->set->joined : f->set->half_slots != 0);
    }
    assert_true(both >= 3);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    run_encrypted(&s, output);
    print_message("over the model beyond chance: %.2f to %.2f bits\n", s.least_excess,
                  s.worst_excess);
    check_promise(&s);
    assert_true(s.worst_excess < 0.15 && s.least_excess > -0.15);
    close_session(&s);
}

static void test_both_parts(void **state)
{
    (void)state;
    check_both_parts(4, 8, 32, 3, false);
    check_both_parts(3, 3, 64, 3, true);
}

/* The same with maps that read pairs, whose own turn errs too, and where rotations are made of a
 * few each turn errs once more. */
static void test_rotations_of_pairs_rule(void **state)
{
    (void)state;
    for (int factored = 0; factored < 2; factored++) {
        session s = {.stop_at = -1, .worst_excess = -100, .least_excess = 100};
        static double output[16];
        int x;
        s.graph = small_begin(4, 32, &x);
        x = small_polynomial(s.graph, "act", small_conv(s.graph, "conv", x, 8, 3, 1));
        check_ok(umbra_graph_add_output(s.graph, small_head(s.graph, x, 5)));
        calibrate(s.graph);
        s.plan = small_compile(s.graph);
        s.plan->decisions.factored_depths = factored;
        small_let_rotations_rule(s.plan);
        assert_true(s.plan->build.facts[0]->set->half_slots != 0);
        start_session(&s);
        encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
        run_encrypted(&s, output);
        print_message("factored %d: over the model beyond chance: %.2f to %.2f bits\n", factored,
                      s.least_excess, s.worst_excess);
        /* Not every slot is turned as often as the model has it. */
        assert_true(s.worst_excess < 0.15 && s.least_excess > -0.2 - 0.3 * factored);
        close_session(&s);
    }
}

/* A layer of zeros, whose outputs nothing reaches: what is left of it is its bias. */
static void test_zero_weights(void **state)
{
    session s;
    double output[16];
    int x;
    (void)state;
    umbra_graph *g = small_begin(2, 8, &x);
    x = small_polynomial(g, "act", small_conv(g, "nothing", x, 4, 3, 1));
    for (int v = 0; v < g->value_count; v++)
        if (strcmp(g->values[v].name, "nothing.weight") == 0)
            memset(g->values[v].f32, 0, sizeof(float) * 4 * 2 * 9);
    check_ok(umbra_graph_add_output(g, small_head(g, x, 5)));
    open_session(&s, g);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    assert_true(run_encrypted(&s, output) >= 4);
    close_session(&s);
}

static void test_refusals(void **state)
{
    session s;
    umbra_ciphertext *result = NULL;
    umbra_secret_key *other = NULL;
    umbra_evaluation_keys *few = NULL;
    umbra_exec *exec = NULL;
    (void)state;
    open_session(&s, small_plain());
    const umbra_profile *p = umbra_plan_profile(s.plan);
    encrypt(&s, p->input_scale_log2 + 1);
    const umbra_ciphertext *query[1] = {s.query[0]};
    check_fails(UMBRA_E_MISMATCH, "profile of this plan",
                umbra_exec_run(s.exec, query, 1, &result, 1, NULL, NULL));
    check_fails(UMBRA_E_MISMATCH, "ciphertexts",
                umbra_exec_run(s.exec, query, 0, &result, 1, NULL, NULL));
    encrypt(&s, p->input_scale_log2);
    query[0] = s.query[0];
    s.query[0]->key_id ^= 1;
    check_fails(UMBRA_E_MISMATCH, "another key",
                umbra_exec_run(s.exec, query, 1, &result, 1, NULL, NULL));
    s.query[0]->key_id ^= 1;
    s.stop_at = 2;
    check_fails(UMBRA_E_CANCELLED, "stopped",
                umbra_exec_run(s.exec, query, 1, &result, 1, on_step, &s));
    assert_null(result);
    session wider;
    open_session_at(&wider, small_lenet(8, 3, 12), 8);
    const umbra_params *own = s.query[0]->params;
    s.query[0]->params = umbra_plan_profile(wider.plan)->params;
    check_fails(UMBRA_E_MISMATCH, "other parameters",
                umbra_exec_run(s.exec, query, 1, &result, 1, NULL, NULL));
    s.query[0]->params = own;
    close_session(&wider);
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = 1};
    check_ok(umbra_secret_key_generate(&other, p->params));
    check_ok(umbra_evaluation_keys_generate(&few, other, &request, NULL, NULL));
    check_fails(UMBRA_E_MISMATCH, "the keys lack", umbra_exec_new(&exec, s.plan, few, NULL));
    umbra_evaluation_keys_free(few);
    umbra_secret_key_free(other);
    close_session(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_lenet_small),
        cmocka_unit_test(test_factored),
        cmocka_unit_test(test_precise),
        cmocka_unit_test(test_gated),
        cmocka_unit_test(test_unet),
        cmocka_unit_test(test_scratch_is_foreseen),
        cmocka_unit_test(test_streamed_weights),
        cmocka_unit_test(test_seeded_keys),
        cmocka_unit_test(test_planes),
        cmocka_unit_test(test_rotations_rule),
        cmocka_unit_test(test_both_parts),
        cmocka_unit_test(test_rotations_of_pairs_rule),
        cmocka_unit_test(test_zero_weights),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
