/* Tests of keys that come in when they are first needed: the same results, and a damaged one is
 * refused by the operation that needs it, by its name and place. */
#include "scheme.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEGREE_LOG2 = 12, STEPS = 3, KEYS = STEPS + 1 };
static const int64_t steps[STEPS] = {1, 2, 8};

typedef struct fixture {
    scheme s;
    umbra_ciphertext *in, *want[KEYS], *out;
    char folder[32], path[64];
} fixture;

static int open_fixture(void **state)
{
    static fixture f;
    const umbra_params_literal literal = scheme_chain(DEGREE_LOG2, 1, 30, 24, 1, 22);
    umbra_key_item items[KEYS] = {{0, 1}};
    scheme_open(&f.s, &literal, steps, STEPS, 2);
    strcpy(f.folder, "/tmp/umbra-test-XXXXXX");
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/evaluation.keys", f.folder);
    for (int i = 0; i < STEPS; i++)
        items[1 + i] = (umbra_key_item){umbra_galois_of_rotation(DEGREE_LOG2, steps[i]), 1};
    const umbra_key_request request = {f.s.params, items, KEYS};
    check_ok(umbra_evaluation_keys_save(f.s.secret, &request, f.s.pool, f.path, NULL, NULL));
    double *x = scheme_vector(f.s.slots, 1);
    f.in = scheme_encrypt(&f.s, 1, 26, x, NULL);
    f.out = scheme_new(&f.s, 1, 2);
    free(x);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    umbra_ciphertext_free(f->in);
    umbra_ciphertext_free(f->out);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    scheme_close(&f->s);
    return 0;
}

static size_t in_memory(const umbra_evaluation_keys *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++)
        count += keys->keys[i].words != NULL || keys->keys[i].packed != NULL;
    return count;
}

/* Rotations and a product, in an order of their own; each as loaded keys give it. */
static void the_same_results_one_by_one(void **state)
{
    fixture *f = *state;
    umbra_evaluation_keys *all = NULL, *lazy = NULL;
    umbra_evaluator *before = NULL, *e = NULL;
    umbra_ciphertext *want = scheme_new(&f->s, 1, 2);
    uint64_t wall_ns = 0, cpu_ns = 0;
    const size_t bytes = 2 * f->s.slots * sizeof(uint64_t) * 2;
    check_ok(umbra_evaluation_keys_load(f->path, f->s.params, NULL, f->s.pool, &all));
    check_ok(umbra_evaluation_keys_open(f->path, f->s.params, NULL, &lazy));
    assert_int_equal(in_memory(all), KEYS);
    assert_int_equal(in_memory(lazy), 0);
    assert_true(umbra_evaluation_keys_awaited_bytes(all) == 0);
    assert_true(umbra_evaluation_keys_awaited_bytes(lazy) ==
                KEYS * umbra_key_whole_bytes(f->s.params, 1));
    check_ok(umbra_evaluator_new(&before, f->s.params, all, f->s.pool));
    check_ok(umbra_evaluator_new(&e, f->s.params, lazy, NULL));
    for (int i = STEPS - 1; i >= -1; i--) {
        if (i >= 0) {
            check_ok(umbra_eval_rotate(before, want, f->in, steps[i]));
            check_ok(umbra_eval_rotate(e, f->out, f->in, steps[i]));
        } else {
            check_ok(umbra_eval_multiply(before, want, f->in, f->in));
            check_ok(umbra_eval_multiply(e, f->out, f->in, f->in));
        }
        assert_int_equal(in_memory(lazy), STEPS - i); /* this one and no other */
        assert_memory_equal(f->out->part[0], want->part[0], bytes);
        assert_memory_equal(f->out->part[1], want->part[1], bytes);
    }
    assert_true(umbra_evaluation_keys_awaited_bytes(lazy) == 0);
    umbra_evaluation_keys_reading_ns(lazy, &wall_ns, &cpu_ns);
    assert_true(wall_ns > 0 && cpu_ns > 0);
    umbra_ciphertext_free(want);
    umbra_evaluator_free(before);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(all);
    umbra_evaluation_keys_free(lazy);
}

/* A map asks for all its keys at once; threads that would be idle take others. */
static void a_map_brings_its_keys(void **state)
{
    fixture *f = *state;
    static _Alignas(64) int32_t weights[1 << DEGREE_LOG2];
    umbra_evaluation_keys *lazy = NULL;
    umbra_evaluator *e = NULL;
    double w[16];
    check_ok(umbra_evaluation_keys_open(f->path, f->s.params, NULL, &lazy));
    check_ok(umbra_evaluator_new(&e, f->s.params, lazy, f->s.pool));
    scheme_fill(w, 16, 1);
    check_ok(umbra_encode_coefficients_i32(f->s.params, weights, 12, w, 16));
    const umbra_diagonal d[] = {{.baby_slots = 1, .coefficients_i32 = weights},
                                {.giant_slots = 8, .coefficients_i32 = weights}};
    const umbra_linear_map map = {1, 1, 12, 2, 1, d, 2, NULL, NULL};
    const umbra_ciphertext *in = f->in;
    check_ok(umbra_eval_linear_map(e, &f->out, &in, &map));
    assert_int_equal(in_memory(lazy), 2);
    check_ok(umbra_eval_rotate(e, f->out, f->in, 2));
    assert_int_equal(in_memory(lazy), KEYS); /* two threads: the last one came too */
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(lazy);
}

/* Every time that it is needed, and no operation that does not need it. */
static void a_damaged_key_is_refused_when_needed(void **state)
{
    fixture *f = *state;
    umbra_evaluation_keys *lazy = NULL;
    umbra_evaluator *e = NULL;
    char element[32];
    check_ok(umbra_evaluation_keys_open(f->path, f->s.params, NULL, &lazy));
    FILE *file = fopen(f->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -100, SEEK_END), 0); /* in the key of the largest element */
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, -100, SEEK_END), 0);
    assert_true(fputc(byte ^ 4, file) >= 0);
    fclose(file);
    const uint32_t largest = lazy->keys[KEYS - 1].galois;
    snprintf(element, sizeof element, "damaged key for element %u", largest);
    check_ok(umbra_evaluator_new(&e, f->s.params, lazy, NULL));
    for (int i = 0; i < 2 * STEPS; i++) {
        const int64_t step = steps[i % STEPS];
        if (umbra_galois_of_rotation(DEGREE_LOG2, step) == largest)
            check_fails(UMBRA_E_INPUT, element, umbra_eval_rotate(e, f->out, f->in, step));
        else
            check_ok(umbra_eval_rotate(e, f->out, f->in, step));
    }
    assert_true(umbra_evaluation_keys_awaited_bytes(lazy) > 0);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(lazy);
    /* Two threads: what one of them brings along unasked is no reason to refuse. */
    check_ok(umbra_evaluation_keys_open(f->path, f->s.params, NULL, &lazy));
    check_ok(umbra_evaluator_new(&e, f->s.params, lazy, f->s.pool));
    for (int i = 0; i < 2 * STEPS; i++) {
        const int64_t step = steps[i % STEPS];
        const bool damaged = umbra_galois_of_rotation(DEGREE_LOG2, step) == largest;
        const umbra_status status = umbra_eval_rotate(e, f->out, f->in, step);
        assert_int_equal(status, damaged ? UMBRA_E_INPUT : UMBRA_OK);
    }
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(lazy);
    assert_int_equal(truncate(f->path, 2000), 0);
    check_fails(UMBRA_E_INPUT, "truncated",
                umbra_evaluation_keys_open(f->path, f->s.params, NULL, &lazy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_results_one_by_one),
        cmocka_unit_test(a_map_brings_its_keys),
        cmocka_unit_test(a_damaged_key_is_refused_when_needed),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
