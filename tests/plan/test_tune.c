/* Tuning ends where no change of one decision, and none of two that go together, is better. */
#include "../exec/small_network.h"

#include "plan/tune.h"

#include <math.h>
#include <stdlib.h>

#define BLOCKS 6
#define GAIN_MOST 0.01 /* that is left behind: bits taken at the end move the scores a little */

static umbra_graph *residual(void)
{
    int x;
    umbra_graph *g = small_begin(2, 16, &x);
    int r = small_conv(g, "stem", x, 4, 3, 1);
    for (int i = 0; i < BLOCKS; i++) {
        char act[8] = "act0", conv[8] = "conv0", sum[8] = "sum0";
        act[3] = conv[4] = sum[3] = (char)('0' + i);
        r = small_add(g, sum, small_conv(g, conv, small_polynomial(g, act, r), 4, 3, 1), r);
    }
    check_ok(umbra_graph_add_output(g, small_head(g, r, 3)));
    return g;
}

static void not_better(umbra_search *s, umbra_decisions d, const umbra_trial *than)
{
    umbra_trial t = {.decisions = d};
    if (d.special_count < 1 || d.special_count > UMBRA_MAX_SPECIAL)
        return;
    check_ok(umbra_trial_judge(s, &t));
    if (umbra_trial_better(s, &t, than))
        assert_true(umbra_trial_gain(s, &t, than) < GAIN_MOST);
}

static umbra_decisions flipped(umbra_decisions d, int candidate)
{
    d.compose[candidate] = !d.compose[candidate];
    return d;
}

/* From everything kept with too many special primes, and from everything composed with too few. */
static void test_nothing_near_is_better(void **state)
{
    umbra_graph *g = residual();
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    (void)state;
    check_ok(umbra_plan_compile(&plan, g, &model, &(umbra_plan_options){.threads = 2}));
    umbra_search s = {.plan = plan, .wanted_bits = 8, .cost = umbra_cost_model_for("avx2", 2)};
    double ends[2];
    for (int start = 0; start < 2; start++) {
        umbra_trial t = {.decisions = plan->decisions}, from;
        memset(t.decisions.compose, start, (size_t)t.decisions.compose_count);
        t.decisions.degree_log2 = 15;
        t.decisions.special_count = start == 0 ? 7 : 1;
        check_ok(umbra_trial_judge(&s, &t));
        assert_true(t.feasible && t.decisions.compose_count >= BLOCKS - 1);
        from = t;
        check_ok(umbra_tune(&s, &t));
        assert_true(umbra_trial_better(&s, &t, &from) && umbra_trial_keeps_promise(&s, &t));
        ends[start] = umbra_trial_score(&s, &t);
        for (int move = -2; move <= 2; move++) {
            umbra_decisions d = t.decisions;
            d.special_count += move;
            not_better(&s, d, &t);
            for (int i = 0; i < d.compose_count; i++)
                not_better(&s, flipped(d, i), &t);
        }
        for (int i = 0; i < t.decisions.compose_count; i++)
            for (int k = i + 1; k < t.decisions.compose_count; k++)
                if (t.decisions.compose[i] != t.decisions.compose[k] || k == i + 1)
                    not_better(&s, flipped(flipped(t.decisions, i), k), &t);
    }
    assert_true(fabs(ends[0] / ends[1] - 1) < 0.05);
    umbra_plan_free(plan);
    umbra_graph_free(g);
}

/* A network of many sums is planned in bounded time: tuning ends early, with a plan that is no
 * worse than where it began. What follows the rounds makes few trials. */
static void test_few_trials(void **state)
{
    umbra_graph *g = residual();
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    int made[2];
    (void)state;
    check_ok(umbra_plan_compile(&plan, g, &model, &(umbra_plan_options){.threads = 2}));
    for (int few = 0; few < 2; few++) {
        umbra_search s = {.plan = plan,
                          .wanted_bits = 8,
                          .cost = umbra_cost_model_for("avx2", 2),
                          .tune_trials = few ? 4 : 0};
        umbra_trial t = {.decisions = plan->decisions}, from;
        memset(t.decisions.compose, 0, (size_t)t.decisions.compose_count);
        t.decisions.degree_log2 = 15;
        t.decisions.special_count = 7;
        check_ok(umbra_trial_judge(&s, &t));
        from = t;
        check_ok(umbra_tune(&s, &t));
        assert_false(umbra_trial_better(&s, &from, &t));
        made[few] = s.trials;
    }
    assert_true(made[1] < 30 && made[0] > 2 * made[1]);
    umbra_plan_free(plan);
    umbra_graph_free(g);
}

/* Bytes that are free weigh nothing, and each doubling beyond weighs the same. */
static void test_keys_weigh_by_their_logarithm(void **state)
{
    umbra_plan plan = {.memory_budget = UINT64_MAX};
    umbra_search s = {.plan = &plan, .wanted_bits = 8};
    double score[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        umbra_trial t = {.seconds = 10, .bits = 8};
        t.key_bytes = (uint64_t)(UMBRA_KEY_BYTES_FREE / 2 * exp2(i));
        score[i] = umbra_trial_score(&s, &t);
    }
    assert_true(score[0] == 10 && fabs(score[1] - 10) < 1e-6);
    const double doubled = 10 * UMBRA_KEY_BYTES_WEIGHT * log(2);
    assert_true(fabs(score[2] - 10 * (1 + UMBRA_KEY_BYTES_STEP) - doubled) < 1e-6);
    assert_true(fabs(score[3] - score[2] - doubled) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_near_is_better),
                                       cmocka_unit_test(test_few_trials),
                                       cmocka_unit_test(test_keys_weigh_by_their_logarithm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
