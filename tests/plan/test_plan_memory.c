/* Predicted memory, part by part: keys as they are expanded, scratch by threads. What a run really
 * takes is measured by bench/networks.py. */
#include "../exec/small_network.h"

#include "plan/plan_internal.h"

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
    assert_true(worker >= 8 * limb && worker % limb == 0);
    assert_true(umbra_plan_memory_bytes(b, &plan->simulation, 5, UINT64_MAX) == one + 4 * worker);
    /* Ciphertexts and scratch count limb by limb. */
    umbra_simulation more = plan->simulation;
    more.peak_limbs += 100;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) == one + 200 * limb);
    more.scratch_limbs += 1000;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) > one + 1100 * limb);
    more.key_count = 0;
    assert_true(umbra_plan_memory_bytes(b, &more, 1, UINT64_MAX) <
                one + 1300 * limb - keys_of(plan) + (8 << 20));
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
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
