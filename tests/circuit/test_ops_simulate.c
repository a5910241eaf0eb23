/* The simulator's bookkeeping: levels, scales and refusals, operation by operation. */
#include "simulate_program.h"

static void test_levels_scales(void **state)
{
    umbra_program p = {.register_count = 8, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append_walk(&p);
    append(&p, (umbra_instruction){.op = UMBRA_DO_DROP, .out = 7, .a = 6, .index = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .a = 7});
    check_ok(simulate(&p, &s));
    double low = 25 + 7 - umbra_params_rescale_log2(params, 2);
    assert_int_equal(s.registers[2].level, 2);
    assert_true(fabs(s.registers[2].scale_log2 - 32) < 1e-9);
    assert_int_equal(s.registers[3].level, 1);
    assert_true(fabs(s.registers[3].scale_log2 - low) < 1e-9);
    assert_true(fabs(s.registers[4].scale_log2 - 2 * low) < 1e-9);
    assert_int_equal(s.registers[7].level, 0);
    assert_true(s.steps[0].ns > 0 && s.peak_limbs > 0);
    umbra_simulation_free(&s);
    umbra_program_free(&p);
}

static void test_refusals(void **state)
{
    umbra_program p = {.register_count = 5, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_RAISE, .out = 1, .a = 0, .value = 1, .bits = 1});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD, .out = 2, .a = 0, .b = 1});
    check_fails(UMBRA_E_INTERNAL, "terms differ", simulate(&p, &s));
    p.code[2] = (umbra_instruction){.op = UMBRA_DO_DROP, .out = 2, .a = 0, .index = 3};
    check_fails(UMBRA_E_INTERNAL, "cannot be dropped", simulate(&p, &s));
    p.code[2] = (umbra_instruction){.op = UMBRA_DO_DROP, .out = 2, .a = 0, .index = 0};
    append(&p, (umbra_instruction){.op = UMBRA_DO_RESCALE, .out = 3, .a = 2});
    check_fails(UMBRA_E_INTERNAL, "no level is left", simulate(&p, &s));
    umbra_program_free(&p);
}

/* The memory of registers: one that is not read again is written again. */
static void test_rooms(void **state)
{
    umbra_program p = {.register_count = 5, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD, .out = 1, .a = 0, .b = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD, .out = 2, .a = 1, .b = 1});
    append(&p, (umbra_instruction){.op = UMBRA_DO_DROP, .out = 3, .a = 2, .index = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD, .out = 4, .a = 3, .b = 3});
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .a = 4});
    check_ok(simulate(&p, &s));
    assert_int_equal(s.peak_limbs, 2 * umbra_params_level_limbs(params, 2));
    umbra_simulation_free(&s);
    umbra_program_free(&p);
}

/* What the counts of a map rest on: each baby of an input once, each giant of an output once. */
static void test_map_counts(void **state)
{
    umbra_map_diagonal diagonals[] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 1, 0, 1},
                                      {0, 0, 8, 1}, {0, 1, 8, 0}, {1, 0, 8, 1}};
    umbra_program_map map = {.input_count = 2,
                             .output_count = 2,
                             .diagonals = diagonals,
                             .diagonal_count = 6,
                             .period_slots = 1024};
    umbra_map_counts c;
    (void)state;
    umbra_map_count(&map, 4096, &c);
    assert_int_equal(c.babies, 2);
    assert_int_equal(c.giants, 2);
    assert_int_equal(c.groups, 3);
    assert_int_equal(c.decompositions, 2);
    assert_int_equal(c.diagonals, 6);
    assert_int_equal(c.fold, 4);
}

/* An input that several babies turn is decomposed once, however many inputs there are. */
static void test_many_inputs(void **state)
{
    enum { INPUTS = 200, BABIES = 3 };
    static umbra_map_diagonal diagonals[INPUTS * BABIES];
    umbra_program_map map = {.input_count = INPUTS,
                             .output_count = 1,
                             .diagonals = diagonals,
                             .diagonal_count = INPUTS * BABIES};
    umbra_map_counts c;
    (void)state;
    for (int i = 0; i < INPUTS * BABIES; i++)
        diagonals[i] = (umbra_map_diagonal){0, i / BABIES, 0, 1 + i % BABIES};
    umbra_map_count(&map, 4096, &c);
    assert_int_equal(c.babies, INPUTS * BABIES);
    assert_int_equal(c.decompositions, INPUTS);
}

/* A vector that is added is transformed in each limb, on a ring of any degree. */
static void test_added_vector(void **state)
{
    const umbra_cost_model cost = umbra_cost_model_for("avx512ifma", 1);
    umbra_program p = {.register_count = 2, .step_count = 1};
    umbra_program_vector v = {.count = 1};
    umbra_simulation s;
    int index = -1;
    (void)state;
    check_ok(umbra_program_add_vector(&p, &v, &index));
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD_PLAIN, .out = 1, .a = 0, .index = index});
    check_ok(simulate(&p, &s));
    const umbra_cost_shape shape = umbra_cost_shape_at(params, 2);
    const double wanted = umbra_params_level_limbs(params, 2) * umbra_cost_ntt(&cost, shape);
    assert_true(fabs(s.steps[0].ns / wanted - 1) < 1e-9);
    assert_true(umbra_cost_ntt(&cost, shape) < cost.ntt_ns / 4);
    umbra_simulation_free(&s);
    umbra_program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_scales), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_map_counts),    cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_added_vector),  cmocka_unit_test(test_rooms),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
