/* The keys of a simulated program: which it needs, at which level, and how often each is read. */
#include "simulate_program.h"

#include "math/ntt.h"

static const umbra_key_item *key_of(const umbra_simulation *s, uint32_t galois)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i].galois == galois)
            return &s->keys[i];
    return NULL;
}

/* A key that is read at two levels is one, of the higher one. */
static void test_levels_of_keys(void **state)
{
    umbra_program p = {.register_count = 7, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append_walk(&p);
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .a = 6});
    check_ok(simulate(&p, &s));
    assert_int_equal(s.key_count, 3);
    assert_int_equal(key_of(&s, umbra_galois_of_rotation(13, 3))->level, 2);
    assert_int_equal(key_of(&s, 0)->level, 1);
    assert_int_equal(key_of(&s, (2u << 13) - 1)->level, 1);
    for (size_t i = 1; i < s.key_count; i++)
        assert_true(s.keys[i - 1].galois < s.keys[i].galois);
    umbra_simulation_free(&s);
    umbra_program_free(&p);
}

/* More keys and uses than the lists have room for at first; those that come later stand before. */
static void test_many_keys(void **state)
{
    enum { KEYS = 100 };
    umbra_program p = {.register_count = 2 * KEYS + 1, .step_count = 1};
    umbra_simulation s;
    (void)state;
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    for (int i = 0; i < 2 * KEYS; i++)
        append(&p, (umbra_instruction){
                       .op = UMBRA_DO_ROTATE, .out = i + 1, .a = i, .slots = 1 + i % KEYS});
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .a = 2 * KEYS});
    check_ok(simulate(&p, &s));
    assert_int_equal(s.key_count, KEYS);
    assert_int_equal(s.use_count, 2 * KEYS);
    for (int i = 0; i < 2 * KEYS; i++)
        assert_int_equal(s.uses[i].galois, umbra_galois_of_rotation(13, 1 + i % KEYS));
    for (size_t i = 0; i < KEYS; i++) {
        assert_true(i == 0 || s.keys[i - 1].galois < s.keys[i].galois);
        assert_int_equal(s.keys[i].level, 2);
        assert_true(fabs(s.times_read[i] - 2) < 1e-12);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_of_keys),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_key_uses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
