/* Tests of src/ckks/evaluator*.c: every operation decrypts to the right value within the predicted
 * bits. */
#include "scheme.h"

static const int64_t steps[] = {1, 5, -3, 100};

typedef struct setting {
    int degree_log2, steps;
    double base_bits, step_bits;
    int special;
    double scale;
} setting;

static const setting settings[] = {
    {12, 1, 30, 24, 1, 22}, {13, 2, 50, 50, 1, 36}, {13, 2, 40, 30, 2, 30}};

static void run(void (*body)(scheme *s, double scale))
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const setting *t = &settings[i];
        umbra_params_literal literal = scheme_chain(t->degree_log2, t->steps, t->base_bits,
                                                    t->step_bits, t->special, t->scale);
        scheme s;
        scheme_open(&s, &literal, steps, 4, i == 1 ? 1 : 2);
        body(&s, t->scale);
        scheme_close(&s);
    }
}

static void sums(scheme *s, double scale)
{
    double *x = scheme_vector(s->slots, 1), *y = scheme_vector(s->slots, 2);
    double *want = malloc(s->slots * sizeof *want);
    umbra_ciphertext *a = scheme_encrypt(s, s->top, scale, x, NULL);
    umbra_ciphertext *b = scheme_encrypt(s, s->top, scale, y, NULL), *r = scheme_new(s, s->top, 2);
    umbra_plaintext *p = scheme_encode(s, s->top, scale, y, NULL);
    scheme_check(s, a, x);
    for (size_t i = 0; i < s->slots; i++)
        want[i] = x[i] + y[i];
    check_ok(umbra_eval_add(s->evaluator, r, a, b));
    scheme_check(s, r, want);
    check_ok(umbra_eval_add_plain(s->evaluator, r, a, p));
    scheme_check(s, r, want);
    check_ok(umbra_eval_sub(s->evaluator, r, r, b));
    scheme_check(s, r, x);
    check_ok(umbra_eval_negate(s->evaluator, r, r));
    check_ok(umbra_eval_add_scalar(s->evaluator, r, r, -0.75));
    for (size_t i = 0; i < s->slots; i++)
        want[i] = -x[i] - 0.75;
    scheme_check(s, r, want);
    check_ok(umbra_eval_multiply_scalar(s->evaluator, r, a, -2.71, 10));
    for (size_t i = 0; i < s->slots; i++)
        want[i] = -2.71 * x[i];
    scheme_check(s, r, want);
    check_ok(umbra_eval_drop_level(s->evaluator, a, a, 0));
    scheme_check(s, a, x);
    umbra_plaintext_free(p);
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(b);
    umbra_ciphertext_free(r);
    free(x);
    free(y);
    free(want);
}

static void sums_are_right(void **state)
{
    (void)state;
    run(sums);
}

static void products(scheme *s, double scale)
{
    double *x = scheme_vector(s->slots, 3), *y = scheme_vector(s->slots, 4);
    double *want = malloc(s->slots * sizeof *want);
    umbra_ciphertext *a = scheme_encrypt(s, s->top, scale, x, NULL);
    umbra_ciphertext *b = scheme_encrypt(s, s->top, scale, y, NULL), *r = scheme_new(s, s->top, 3);
    umbra_plaintext *p = scheme_encode(s, s->top, scale, y, NULL);
    for (size_t i = 0; i < s->slots; i++)
        want[i] = x[i] * y[i];
    check_ok(umbra_eval_multiply_plain(s->evaluator, r, a, p));
    scheme_check(s, r, want);
    check_ok(umbra_eval_rescale(s->evaluator, r, r));
    scheme_check(s, r, want);
    check_ok(umbra_eval_multiply(s->evaluator, r, a, b));
    scheme_check(s, r, want);
    check_ok(umbra_eval_multiply_lazy(s->evaluator, r, a, b));
    assert_int_equal(r->parts, 3);
    scheme_check(s, r, want);
    check_ok(umbra_eval_relinearise(s->evaluator, r, r));
    scheme_check(s, r, want);
    check_ok(umbra_eval_rescale(s->evaluator, r, r));
    scheme_check(s, r, want);
    for (size_t i = 0; i < s->slots; i++)
        want[i] = x[i] * x[i];
    check_ok(umbra_eval_multiply(s->evaluator, a, a, a));
    scheme_check(s, a, want);
    umbra_plaintext_free(p);
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(b);
    umbra_ciphertext_free(r);
    free(x);
    free(y);
    free(want);
}

static void products_are_right(void **state)
{
    (void)state;
    run(products);
}

static void rotated(double *r, const double *x, size_t slots, int64_t step)
{
    for (size_t i = 0; i < slots; i++)
        r[i] = x[(i + (size_t)(step + (int64_t)slots)) % slots];
}

static void rotations(scheme *s, double scale)
{
    double *x = scheme_vector(s->slots, 5), *y = scheme_vector(s->slots, 6);
    double *want = malloc(s->slots * sizeof *want);
    umbra_ciphertext *a = scheme_encrypt(s, s->top, scale, x, y), *hoisted[5];
    umbra_ciphertext *r = scheme_new(s, s->top, 2);
    const int64_t some[5] = {5, 0, 1, 100, -3};
    const size_t bytes = (size_t)umbra_params_level_limbs(s->params, s->top) * 2 * s->slots * 8;
    for (int i = 0; i < 5; i++)
        hoisted[i] = scheme_new(s, s->top, 2);
    check_ok(umbra_eval_rotate_hoisted(s->evaluator, hoisted, a, some, 5));
    for (int i = 0; i < 5; i++) {
        rotated(want, x, s->slots, some[i]);
        scheme_check(s, hoisted[i], want);
        check_ok(umbra_eval_rotate(s->evaluator, r, a, some[i]));
        assert_memory_equal(r->part[0], hoisted[i]->part[0], bytes);
        assert_memory_equal(r->part[1], hoisted[i]->part[1], bytes);
    }
    check_ok(umbra_eval_rotate(s->evaluator, a, a, 0)); /* over itself, by nothing */
    assert_memory_equal(a->part[0], hoisted[1]->part[0], bytes);
    assert_memory_equal(a->part[1], hoisted[1]->part[1], bytes);
    rotated(want, x, s->slots, 1);
    check_ok(
        umbra_eval_drop_level(s->evaluator, r, a, 0)); /* a key of the top level serves below */
    check_ok(umbra_eval_rotate(s->evaluator, r, r, 1));
    scheme_check(s, r, want);
    umbra_ciphertext *const over[2] = {a, hoisted[1]}; /* an output over the input */
    check_ok(umbra_eval_rotate_hoisted(s->evaluator, over, a, some + 2, 2));
    assert_memory_equal(a->part[1], hoisted[2]->part[1], bytes);
    assert_memory_equal(hoisted[1]->part[0], hoisted[3]->part[0], bytes);
    check_ok(umbra_eval_conjugate(s->evaluator, a, a));
    scheme_check(s, a, want);
    umbra_plaintext *pt = NULL;
    check_ok(umbra_plaintext_new(&pt, s->params, s->top));
    check_ok(umbra_decrypt(pt, a, s->secret));
    check_ok(umbra_decode(pt, x, want, s->slots));
    assert_true(fabs(want[0] + y[1]) < 0x1p-4); /* the imaginary part changes its sign */
    umbra_plaintext_free(pt);
    for (int i = 0; i < 5; i++)
        umbra_ciphertext_free(hoisted[i]);
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(r);
    free(x);
    free(y);
    free(want);
}

static void rotations_are_right(void **state)
{
    (void)state;
    run(rotations);
}

/* A rotation and a product on a number of threads: the bytes of one. */
static void check_threads(const scheme *s, int threads, const umbra_ciphertext *a,
                          const umbra_ciphertext *turned, const umbra_ciphertext *squared)
{
    umbra_pool *pool = NULL;
    umbra_evaluator *e = NULL;
    umbra_ciphertext *r = scheme_new(s, s->top, 2);
    const size_t bytes = (size_t)umbra_params_level_limbs(s->params, s->top) * 2 * s->slots * 8;
    check_ok(umbra_pool_new(&pool, threads));
    check_ok(umbra_evaluator_new(&e, s->params, s->keys, pool));
    for (int hoisted = 0; hoisted < 2; hoisted++) {
        if (hoisted)
            check_ok(umbra_eval_rotate_hoisted(e, &r, a, &steps[0], 1));
        else
            check_ok(umbra_eval_rotate(e, r, a, steps[0]));
        assert_memory_equal(r->part[0], turned->part[0], bytes);
        assert_memory_equal(r->part[1], turned->part[1], bytes);
    }
    check_ok(umbra_eval_multiply(e, r, a, a));
    assert_memory_equal(r->part[0], squared->part[0], bytes);
    assert_memory_equal(r->part[1], squared->part[1], bytes);
    umbra_ciphertext_free(r);
    umbra_evaluator_free(e);
    umbra_pool_free(pool);
}

/* Limbs are converted to one, two, three or four at a time, by how many threads there are. */
static void threads_change_no_byte(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(15, 12, 50, 50, 3, 40);
    scheme s;
    scheme_open(&s, &literal, steps, 1, 1);
    double *x = scheme_vector(s.slots, 9), *want = malloc(s.slots * sizeof *want);
    umbra_ciphertext *a = scheme_encrypt(&s, s.top, 40, x, NULL);
    umbra_ciphertext *turned = scheme_new(&s, s.top, 2), *squared = scheme_new(&s, s.top, 2);
    check_ok(umbra_eval_rotate(s.evaluator, turned, a, steps[0]));
    rotated(want, x, s.slots, steps[0]);
    scheme_check(&s, turned, want);
    check_ok(umbra_eval_multiply(s.evaluator, squared, a, a));
    for (size_t i = 0; i < s.slots; i++)
        want[i] = x[i] * x[i];
    scheme_check(&s, squared, want);
    for (int threads = 2; threads <= 8; threads++)
        check_threads(&s, threads, a, turned, squared);
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(turned);
    umbra_ciphertext_free(squared);
    free(x);
    free(want);
    scheme_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_right),
        cmocka_unit_test(products_are_right),
        cmocka_unit_test(rotations_are_right),
        cmocka_unit_test(threads_change_no_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
