/* Tests of levels that are not nested: rescaling adds primes and drops several. */
#include "scheme.h"

static const int64_t steps[] = {3};

/* {0,1,2} -> {1,3} drops two and adds one, -> {2,4} drops two and adds two smaller ones, -> {3}. */
static umbra_params_literal crossing(void)
{
    static const uint64_t sets[] = {0x08, 0x14, 0x0a, 0x07};
    static const double bits[] = {33, 34, 28, 24};
    const double base = 36;
    umbra_params_literal l;
    check_ok(umbra_params_literal_chain(&l, 13, 1, &base, 4, bits, 1, 20));
    l.level_count = 4;
    for (int i = 0; i < 4; i++)
        l.levels[i] = (umbra_level_literal){sets[i], 20};
    return l;
}

static void rescaling_crosses_sets(void **state)
{
    (void)state;
    const umbra_params_literal literal = crossing();
    scheme s;
    scheme_open(&s, &literal, steps, 1, 2);
    double *x = scheme_vector(s.slots, 1);
    umbra_ciphertext *a = scheme_encrypt(&s, 3, 95, x, NULL), *r = scheme_new(&s, 3, 2);
    for (int level = 2; level >= 0; level--) {
        check_ok(umbra_eval_rescale(s.evaluator, r, a));
        assert_int_equal(r->level, level);
        scheme_check(&s, r, x);
        check_ok(umbra_eval_rescale(s.evaluator, a, a)); /* in place: limbs change their places */
        const size_t bytes = (size_t)umbra_params_level_limbs(s.params, level) * 2 * s.slots * 8;
        assert_memory_equal(a->part[0], r->part[0], bytes);
        assert_memory_equal(a->part[1], r->part[1], bytes);
    }
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(r);
    free(x);
    scheme_close(&s);
}

/* A key of the top level serves sets with holes: digits that miss some of their primes. */
static void keys_serve_every_subset(void **state)
{
    (void)state;
    umbra_params_literal l = scheme_chain(13, 2, 37, 37, 2, 30);
    static const uint64_t sets[] = {0x2, 0x5, 0x7};
    for (int i = 0; i < 3; i++)
        l.levels[i] = (umbra_level_literal){sets[i], 30};
    scheme s;
    scheme_open(&s, &l, steps, 1, 2);
    double *x = scheme_vector(s.slots, 2), *want = malloc(s.slots * sizeof *want);
    assert_non_null(want);
    for (int level = 0; level < 3; level++) {
        umbra_ciphertext *a = scheme_encrypt(&s, level, level == 0 ? 16 : 30, x, NULL);
        for (size_t i = 0; i < s.slots; i++)
            want[i] = x[(i + 3) % s.slots];
        umbra_ciphertext *r = scheme_new(&s, level, 2);
        check_ok(umbra_eval_rotate(s.evaluator, r, a, 3));
        scheme_check(&s, r, want);
        for (size_t i = 0; i < s.slots; i++)
            want[i] = x[i] * x[i];
        check_ok(umbra_eval_multiply(s.evaluator, r, a, a));
        scheme_check(&s, r, want);
        umbra_ciphertext_free(a);
        umbra_ciphertext_free(r);
    }
    umbra_ciphertext *a = scheme_encrypt(&s, 2, 30, x, NULL);
    check_ok(umbra_eval_drop_level(s.evaluator, a, a, 1)); /* prime 2 moves to place 1 */
    scheme_check(&s, a, x);
    check_fails(UMBRA_E_MISMATCH, "not among those", umbra_eval_drop_level(s.evaluator, a, a, 0));
    umbra_ciphertext_free(a);
    free(x);
    free(want);
    scheme_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rescaling_crosses_sets),
        cmocka_unit_test(keys_serve_every_subset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
