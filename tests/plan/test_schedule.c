/* Sets of primes for levels: enough bits at each, in few words, within the limit, and within keys.
 */
#include "check.h"

#include "plan/schedule.h"

#include <math.h>

static double bits_of(const umbra_prime_sets *p, uint64_t set)
{
    double bits = 0;
    for (int i = 0; i < p->prime_count; i++)
        bits += (set >> i & 1) != 0 ? p->prime_bits[i] : 0;
    return bits;
}

static umbra_schedule even(int depth, double step)
{
    umbra_schedule s = {.depth = depth};
    for (int i = 0; i < depth; i++)
        s.rescale_bits[i] = i % 4 == 3 ? step - 17 : step;
    return s;
}

static void check_sets(const umbra_schedule *s, const umbra_decisions *d, double limit)
{
    umbra_prime_sets p;
    int words = 0, least = 0;
    double wanted = d->base_bits;
    assert_true(umbra_schedule_sets(&p, s, d, limit));
    assert_int_equal(p.level_count, s->depth + 1);
    assert_true(p.log2_q <= limit && fabs(p.log2_q - bits_of(&p, p.sets[s->depth])) < 0.1);
    assert_true(p.sets[s->depth] == ((uint64_t)1 << p.prime_count) - 1);
    assert_true(bits_of(&p, p.sets[0]) >= d->base_bits - 0.3);
    for (int i = 0; i <= s->depth; i++) {
        double bits = bits_of(&p, p.sets[i]);
        if (i > 0) {
            double step = s->rescale_bits[s->depth - i];
            double got = bits - bits_of(&p, p.sets[i - 1]);
            if (!(got >= step - 0.3))
                fail_msg("level %d: %.2f bits where %.2f are wanted", i, got, step);
            wanted += step;
        }
        words += __builtin_popcountll(p.sets[i]);
        least += (int)ceil(wanted / 50);
    }
    /* Full words: hardly more than if primes were of any size. */
    if (d->special_count == 1 && words > least + least / 10)
        fail_msg("%d words where %d hold the bits", words, least);
}

static void test_sets(void **state)
{
    (void)state;
    for (double step = 34; step < 100; step += 3.7)
        for (int special = 1; special <= 5; special += 2) {
            umbra_schedule s = even(13, step);
            umbra_decisions d = {.base_bits = step * 0.8, .special_count = special};
            check_sets(&s, &d, 1700);
        }
}

static void test_limit(void **state)
{
    umbra_schedule s = even(12, 50);
    umbra_decisions d = {.base_bits = 36, .special_count = 2};
    umbra_prime_sets p;
    (void)state;
    double wanted = 36 + 9 * 50 + 3 * 33;
    assert_true(umbra_schedule_sets(&p, &s, &d, wanted + 25));
    assert_true(p.log2_q <= wanted + 25);
    assert_false(umbra_schedule_sets(&p, &s, &d, wanted - 10));
    s = even(60, 90);
    assert_false(umbra_schedule_sets(&p, &s, &d, INFINITY)); /* more than 64 words */
}

/* A deep network in a tight ring: hardly more bits than the levels need. */
static void test_tight(void **state)
{
    umbra_schedule s = {.depth = 29};
    umbra_decisions d = {.base_bits = 37.2, .special_count = 3};
    umbra_prime_sets p;
    double wanted = d.base_bits;
    (void)state;
    for (int i = 0; i < s.depth; i++)
        wanted += s.rescale_bits[i] = i == 0 ? 32.6 : 53.8;
    assert_true(umbra_schedule_sets(&p, &s, &d, wanted + 20));
    assert_true(p.pool_count == 4 && p.log2_q <= wanted + 20);
    for (int i = 1; i < p.level_count; i++) {
        double got = bits_of(&p, p.sets[i]) - bits_of(&p, p.sets[i - 1]);
        assert_true(got >= s.rescale_bits[s.depth - i] - 1.01); /* a little of it given */
    }
}

/* A level that divides by far too much: maps read a higher scale, in whole bits, and the weights
 * keep nearly theirs. Fitting twice changes nothing. */
static void test_wide_level(void **state)
{
    umbra_params_literal literal;
    umbra_params *params = NULL;
    double base = 40, steps[2] = {49, 30};
    umbra_schedule s = {.depth = 2, .in_scale = {26, 26, 26}, .rescale_bits = {24, 24, 0}};
    (void)state;
    check_ok(umbra_params_literal_chain(&literal, 13, 1, &base, 2, steps, 1, 26));
    check_ok(umbra_params_new_sketch(&params, &literal));
    for (int again = 0; again < 2; again++) {
        umbra_schedule_fit(&s, params);
        assert_true(s.raise[0] == 0 && s.in_scale[0] == 26);
        assert_true(s.raise[1] == floor(umbra_params_rescale_log2(params, 1) - 24 - 6));
        assert_true(s.raise[1] >= 18 && s.in_scale[1] == 26 + s.raise[1]);
    }
    umbra_params_free(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_tight),
        cmocka_unit_test(test_wide_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
