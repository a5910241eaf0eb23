/* Predicted memory, part by part: keys as they are expanded, scratch by threads. What a run really
 * takes is measured by bench/networks.py. */
#include "../exec/small_network.h"

#include "plan/plan_internal.h"

#include <stdlib.h>

static uint64_t keys_of(const umbra_plan *plan)
{
    const umbra_profile *p = umbra_plan_profile(plan);
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->key_count; i++) {
        int level = p->keys[i].level;
        uint64_t limbs = (uint64_t)(umbra_params_level_limbs(p->params, level) +
                                    umbra_params_special_count(p->params));
        bytes += limbs * (uint64_t)umbra_params_level_digits(p->params, level) * 16 *
                 umbra_params_degree(p->params);
    }
    return bytes;
}

static void test_parts(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = small_compile(graph);
    const umbra_build *b = &plan->build;
    uint64_t one = umbra_plan_memory_bytes(b, &plan->simulation, 1, UINT64_MAX);
    uint64_t limb = umbra_params_degree(plan->params) * 8;
    (void)state;
    assert_true(one > keys_of(plan) && one < 2 * keys_of(plan) + ((uint64_t)200 << 20));
    /* Each worker has scratch of its own. */
    uint64_t worker = umbra_plan_memory_bytes(b, &plan->simulation, 2, UINT64_MAX) - one;
    assert_true(plan->simulation.scratch.worker >= 8);
    assert_int_equal(worker, plan->simulation.scratch.worker * limb);
    assert_true(umbra_plan_memory_bytes(b, &plan->simulation, 5, UINT64_MAX) == one + 4 * worker);
    /* Ciphertexts and scratch count limb by limb. */
    umbra_simulation more = plan->simulation;
    more.peak_limbs += 100;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) == one + 200 * limb);
    more.scratch.shared += 1000;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) > one + 1100 * limb);
    more.scratch.worker += 10;
    assert_int_equal(umbra_plan_memory_bytes(b, &more, 3, UINT64_MAX) -
                         umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX),
                     2 * (worker + 10 * limb));
    more.key_count = 0;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) <
                one + 1300 * limb - keys_of(plan) + (8 << 20));
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* From the least memory to that of all keys whole: never beyond the budget, and the keys that are
 * read most often come first. */
static void test_seeded_keys(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = small_compile(graph);
    const umbra_build *b = &plan->build;
    const umbra_simulation *s = &plan->simulation;
    unsigned char *seeded = malloc(s->key_count);
    (void)state;
    assert_non_null(seeded);
    umbra_memory_share all = umbra_plan_share_memory(b, s, 1, UINT64_MAX, seeded);
    umbra_memory_share least = umbra_plan_share_memory(b, s, 1, 1, NULL), before = least;
    assert_true(all.seeded_keys == 0 && all.kept_weight_bytes == UINT64_MAX);
    assert_true(least.seeded_keys == s->key_count && least.kept_weight_bytes == 0);
    assert_true(least.key_bytes < all.key_bytes * 6 / 10);
    for (uint64_t k = 0; k <= 64; k++) {
        uint64_t budget = least.needed_bytes + (all.needed_bytes - least.needed_bytes) / 64 * k;
        umbra_memory_share share = umbra_plan_share_memory(b, s, 1, budget, seeded);
        assert_true(share.needed_bytes <= budget && share.needed_bytes >= least.needed_bytes);
        assert_true(share.key_bytes >= before.key_bytes || share.kept_weight_bytes != 0);
        size_t count = 0;
        for (size_t i = 0; i < s->key_count; i++) {
            count += seeded[i];
            for (size_t j = 0; j < s->key_count; j++) /* of keys of one size */
                if (s->keys[i].level == s->keys[j].level && seeded[i] && !seeded[j])
                    assert_true(s->times_read[j] >= s->times_read[i]);
        }
        assert_int_equal(count, share.seeded_keys);
        before = share;
    }
    umbra_memory_share most = umbra_plan_share_memory(b, s, 1, all.needed_bytes, seeded);
    assert_true(most.seeded_keys == 0 && most.needed_bytes == all.needed_bytes);
    free(seeded);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

static double seconds_of(const umbra_plan *plan)
{
    double ns = 0;
    for (int i = 0; i < plan->build.program.step_count; i++)
        ns += plan->simulation.steps[i].ns;
    return ns * 1e-9;
}

/* Weights that are made again while they are used cost time by the byte, the last maps' first. */
static void test_streamed_weights(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = small_compile(graph);
    const umbra_program *program = &plan->build.program;
    const double byte = plan->simulation.cost.weight_ns * 1e-9, kept = seconds_of(plan);
    double all = 0;
    (void)state;
    for (int m = 0; m < program->map_count; m++) {
        const umbra_program_map *map = &program->maps[m];
        uint64_t period = map->period_slots < 256 ? 256 : map->period_slots;
        all +=
            (double)(map->diagonal_count * 2 * period * umbra_program_map_coefficient_bytes(map));
    }
    umbra_memory_share share = {.kept_weight_bytes = UINT64_MAX};
    umbra_plan_charge_weights(&plan->build, &share, &plan->simulation);
    assert_true(seconds_of(plan) == kept);
    share.kept_weight_bytes = 0;
    umbra_plan_charge_weights(&plan->build, &share, &plan->simulation);
    assert_true(byte > 0 && fabs(seconds_of(plan) - kept - all * byte) < 1e-9 * all);
    const int last = program->step_count - 1;
    const double before = seconds_of(plan), first = plan->simulation.steps[1].ns;
    assert_true(last > 1);
    share.kept_weight_bytes = (uint64_t)all - 1; /* room for all but the last map */
    umbra_plan_charge_weights(&plan->build, &share, &plan->simulation);
    assert_true(seconds_of(plan) > before && plan->simulation.steps[1].ns == first);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* A tighter budget gives a plan with less memory, or a refusal with both figures. */
static void test_budget(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 8, .threads = 1};
    umbra_plan *plan = NULL, *tight = NULL;
    (void)state;
    check_ok(umbra_plan_compile(&plan, graph, &model, &options));
    options.memory_bytes = plan->summary.predicted_memory_bytes - 1;
    if (umbra_plan_compile(&tight, graph, &model, &options) == UMBRA_OK) {
        assert_true(tight->summary.predicted_memory_bytes <= options.memory_bytes);
        assert_true(tight->summary.predicted_seconds >= plan->summary.predicted_seconds);
    }
    umbra_plan_free(tight);
    tight = NULL;
    options.memory_bytes = 1 << 20;
    check_fails(UMBRA_E_RESOURCE, "keys", umbra_plan_compile(&tight, graph, &model, &options));
    assert_non_null(strstr(umbra_error_message(), "weights"));
    /* What it says to allow is enough. */
    const char *remedy = strstr(umbra_error_message(), "(--memory ");
    unsigned long long gib = 0;
    assert_true(remedy != NULL && sscanf(remedy, "(--memory %lluG)", &gib) == 1);
    options.memory_bytes = (uint64_t)gib << 30;
    check_ok(umbra_plan_compile(&tight, graph, &model, &options));
    umbra_plan_free(tight);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_seeded_keys),
        cmocka_unit_test(test_streamed_weights),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
