/* The simulator's bookkeeping: levels, scales, keys and refusals, operation by operation. */
#include "check.h"

#include "base/memory.h"
#include "circuit/ops_simulate.h"
#include "math/ntt.h"

#include <math.h>

static umbra_params *params;

static int setup(void **state)
{
    umbra_params_literal literal;
    double base = 40, steps[2] = {49.9, 30};
    (void)state;
    check_ok(umbra_params_literal_chain(&literal, 13, 1, &base, 2, steps, 1, 25));
    check_ok(umbra_params_new(&params, &literal));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    umbra_params_free(params);
    return 0;
}

static void append(umbra_program *p, umbra_instruction i)
{
    check_ok(umbra_program_append(p, &i));
}

static umbra_status simulate(umbra_program *p, umbra_simulation *out)
{
    umbra_cost_model cost = umbra_cost_model_for("avx512ifma", 1);
    check_ok(umbra_program_finish(p));
    return umbra_simulate(out, p, params, &cost, 25, 2);
}

static const umbra_key_item *key_of(const umbra_simulation *s, uint32_t galois)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i].galois == galois)
            return &s->keys[i];
    return NULL;
}

static void test_levels_scales_keys(void **state)
{
    umbra_program p = {.register_count = 8, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .out = 1, .a = 0, .slots = 3});
    append(&p, (umbra_instruction){.op = UMBRA_DO_RAISE, .out = 2, .a = 1, .value = 1, .bits = 7});
    append(&p, (umbra_instruction){.op = UMBRA_DO_RESCALE, .out = 3, .a = 2});
    append(&p, (umbra_instruction){.op = UMBRA_DO_SQUARE, .out = 4, .a = 3});
    append(&p, (umbra_instruction){.op = UMBRA_DO_PAIR, .out = 5, .a = 4, .slots = 3});
    append(&p, (umbra_instruction){.op = UMBRA_DO_REAL, .out = 6, .a = 5});
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
    /* Rotation by 3 at both levels: one key, of the higher one. */
    assert_int_equal(s.key_count, 3);
    assert_int_equal(key_of(&s, umbra_galois_of_rotation(13, 3))->level, 2);
    assert_int_equal(key_of(&s, 0)->level, 1);
    assert_int_equal(key_of(&s, (2u << 13) - 1)->level, 1);
    assert_true(s.steps[0].ns > 0 && s.peak_limbs > 0);
    umbra_simulation_free(&s);
    umbra_program_free(&p);
}

static double rows_at(int level)
{
    return (umbra_params_level_limbs(params, level) + umbra_params_special_count(params)) *
           umbra_params_level_digits(params, level);
}

/* How often keys are read, and what it costs to make their rows again. */
static void test_key_uses(void **state)
{
    static const umbra_map_diagonal diagonals[] = {
        {0, 0, 0, 3}, {0, 0, 0, 5}, {0, 0, 8, 0}, {0, 0, 8, 3}, {1, 0, 8, 3}};
    static int inputs[1] = {0}, outputs[2] = {1, 2};
    umbra_program p = {.register_count = 6, .step_count = 2};
    umbra_program_map map = {.input_count = 1,
                             .output_count = 2,
                             .inputs = inputs,
                             .outputs = outputs,
                             .weight_scale_log2 = 7,
                             .diagonals = (umbra_map_diagonal *)(uintptr_t)diagonals,
                             .diagonal_count = 5,
                             .period_slots = 4096};
    umbra_simulation s;
    (void)state;
    p.maps = &map;
    p.map_count = 1;
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_MAP, .index = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_RESCALE, .out = 3, .a = 1, .step = 1});
    append(&p,
           (umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .out = 4, .a = 3, .slots = 8, .step = 1});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ROTATE, .out = 5, .a = 4, .slots = 8, .step = 1});
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .a = 5, .step = 1});
    check_ok(simulate(&p, &s));
    assert_int_equal(s.use_count, 6); /* babies 3 and 5, giant 8 twice; 8 twice, a level lower */
    assert_int_equal(s.key_count, 3);
    const uint32_t eight = umbra_galois_of_rotation(13, 8);
    assert_int_equal(s.keys[s.by_use[0]].galois, eight);
    assert_true(fabs(s.times_read[s.by_use[0]] - 2 - 2 * rows_at(1) / rows_at(2)) < 1e-12);
    assert_true(s.times_read[s.by_use[1]] == 1 && s.times_read[s.by_use[2]] == 1);
    assert_true(fabs(umbra_simulation_key_rows(&s, s.by_use[0]) - 2 * rows_at(2) - 2 * rows_at(1)) <
                1e-9);
    const double before[2] = {s.steps[0].ns, s.steps[1].ns};
    umbra_simulation_charge_seeds(&s);
    assert_true(s.steps[0].ns == before[0] && s.steps[1].ns == before[1]);
    s.seeded[s.by_use[0]] = 1;
    umbra_simulation_charge_seeds(&s);
    const double row = s.cost.seed_ns / 4; /* a quarter of the ring that constants are for */
    assert_true(fabs(s.steps[0].ns - before[0] - 2 * rows_at(2) * row) < 1);
    assert_true(fabs(s.steps[1].ns - before[1] - 2 * rows_at(1) * row) < 1);
    umbra_simulation_free(&s);
    umbra_memory_free(p.code);
    umbra_memory_free(p.last_use);
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
    assert_int_equal(c.decompositions, 2);
    assert_int_equal(c.diagonals, 6);
    assert_int_equal(c.fold, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_scales_keys),
        cmocka_unit_test(test_key_uses),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_map_counts),
        cmocka_unit_test(test_rooms),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
