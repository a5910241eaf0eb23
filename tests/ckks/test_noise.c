/* Tests of src/ckks/noise.c: measured errors against the model's, from both sides. */
#include "scheme.h"

/* A ring and a chain. Digits as large as the special primes leave an error that rules, of
 * digits that are smaller nobody sees more than the rounding after them. */
typedef struct noise_case {
    int degree_log2, steps;
    double base_bits, step_bits;
    int special;
} noise_case;

static const noise_case cases[] = {
    {14, 5, 49, 49, 1}, /* up to six digits, each as large as P: 5 times the rounding */
    {14, 5, 49, 49, 2}, /* up to three digits of two primes */
    {14, 5, 40, 40, 3}, /* digits far below P: rounding alone */
    {13, 3, 40, 30, 1},
};

#define SCALE_BITS 30.0
#define STEP_SLOTS 5
#define TURNS 16
/* A rounding times the secret: both spread slots of different size, so that the variance over n
 * slots is off by sqrt(5 / n) of itself, 0.025 bits of the error where n = 4096. Six times that. */
#define TOLERANCE_BITS 0.15

static void check_error(const scheme *s, const umbra_ciphertext *ct, const double *want,
                        double predicted)
{
    const double measured = scheme_error_log2(s, ct, want);
    if (!(fabs(measured - predicted) < TOLERANCE_BITS))
        fail_msg("level %d: error 2^%.3f, predicted 2^%.3f", ct->level, measured, predicted);
}

/* want[j] = x[j + turned] */
static void turn(double *want, const double *x, size_t slots, size_t turned)
{
    for (size_t j = 0; j < slots; j++)
        want[j] = x[(j + turned) % slots];
}

/* One level: fresh, rotated once, rotated many times. */
static void check_level(const scheme *s, int level, const double *x, double *want)
{
    umbra_ciphertext *fresh = scheme_encrypt(s, level, SCALE_BITS, x, NULL);
    umbra_ciphertext *ct = scheme_new(s, level, 2);
    const double before =
        umbra_noise_add(umbra_noise_fresh_secret(s->params), umbra_noise_encode(s->params));
    const double switched = umbra_noise_key_switch(s->params, level);
    check_error(s, fresh, x, before);
    assert_true(fabs(fresh->noise_log2 - before) < 1e-9);
    assert_true(switched > before + 2); /* what is measured is the rotation's */
    check_ok(umbra_eval_rotate(s->evaluator, ct, fresh, STEP_SLOTS));
    turn(want, x, s->slots, STEP_SLOTS);
    check_error(s, ct, want, umbra_noise_add(before, switched));
    assert_true(fabs(ct->noise_log2 - umbra_noise_add(before, switched)) < 1e-9);
    for (int k = 1; k < TURNS; k++)
        check_ok(umbra_eval_rotate(s->evaluator, ct, ct, STEP_SLOTS));
    turn(want, x, s->slots, TURNS * STEP_SLOTS);
    check_error(s, ct, want, umbra_noise_add(before, switched + 0.5 * log2(TURNS)));
    umbra_ciphertext_free(fresh);
    umbra_ciphertext_free(ct);
}

static void rotations_at_every_level(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const noise_case *c = &cases[i];
        const int64_t step = STEP_SLOTS;
        umbra_params_literal literal = scheme_chain(c->degree_log2, c->steps, c->base_bits,
                                                    c->step_bits, c->special, SCALE_BITS);
        scheme s;
        scheme_open(&s, &literal, &step, 1, 2);
        double *x = scheme_vector(s.slots, 3 + i), *want = malloc(s.slots * sizeof *want);
        assert_non_null(want);
        for (int level = 0; level <= s.top; level++)
            check_level(&s, level, x, want);
        free(x);
        free(want);
        scheme_close(&s);
    }
}

/* The cases hold both regimes: digits that rule, and digits that nobody sees. */
static void digits_rule_or_vanish(void **state)
{
    double over[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const noise_case *c = &cases[2 * i];
        umbra_params_literal literal = scheme_chain(c->degree_log2, c->steps, c->base_bits,
                                                    c->step_bits, c->special, SCALE_BITS);
        umbra_params *params = NULL;
        check_ok(umbra_params_new(&params, &literal));
        /* A rescaling of nothing is rounded as the division by P is. */
        over[i] = umbra_noise_key_switch(params, c->steps) -
                  umbra_noise_rescale(params, c->steps, -INFINITY);
        umbra_params_free(params);
    }
    assert_true(over[0] > 2);
    assert_true(over[1] >= 0 && over[1] < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations_at_every_level),
        cmocka_unit_test(digits_rule_or_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
