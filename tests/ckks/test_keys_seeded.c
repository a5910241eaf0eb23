/* Tests of keys that are held by their seeds: every operation gives the bytes that whole keys give.
 */
#include "scheme.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEGREE_LOG2 = 14, STEPS = 4, DIAGONALS = 6, PARTS = 2 };
static const int64_t steps[STEPS] = {1, 2, 16, 32};

static uint32_t galois(size_t step)
{
    return umbra_galois_of_rotation(DEGREE_LOG2, steps[step]);
}

/* Digits of one prime, more than two batches of them; and of two primes, the last one shorter. */
static umbra_params_literal chain(int special)
{
    return special == 1 ? scheme_chain(DEGREE_LOG2, 9, 30, 24, 1, 22)
                        : scheme_chain(DEGREE_LOG2, 4, 30, 24, 2, 22);
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void run_map(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *in)
{
    static _Alignas(64) int32_t weights[DIAGONALS][1 << DEGREE_LOG2];
    umbra_diagonal d[DIAGONALS];
    double w[64];
    for (int i = 0; i < DIAGONALS; i++) {
        scheme_fill(w, 64, (uint64_t)i);
        check_ok(umbra_encode_coefficients_i32(in->params, weights[i], 12, w, 64));
        d[i] = (umbra_diagonal){
            .giant_slots = i / 3 * 16, .baby_slots = i % 3, .coefficients_i32 = weights[i]};
    }
    const umbra_linear_map map = {1, 1, 12, 2, 1, d, DIAGONALS, NULL, NULL};
    check_ok(umbra_eval_linear_map(e, &out, &in, &map));
}

enum { STAGES = 8 };

static void record(unsigned char hashes[STAGES][UMBRA_HASH_BYTES], int stage,
                   const umbra_ciphertext *ct)
{
    unsigned char parts[PARTS][UMBRA_HASH_BYTES];
    const size_t words = (size_t)umbra_params_level_limbs(ct->params, ct->level) << DEGREE_LOG2;
    for (int p = 0; p < PARTS; p++)
        umbra_hash(parts[p], ct->part[p], words * sizeof(uint64_t));
    umbra_hash(hashes[stage], parts, sizeof parts);
}

/* One of each operation that reads a key, at the top and at a lower level. */
static void run_all(const scheme *s, const umbra_evaluation_keys *keys, const umbra_ciphertext *in,
                    unsigned char hashes[STAGES][UMBRA_HASH_BYTES])
{
    umbra_evaluator *e = NULL;
    umbra_ciphertext *out[STEPS];
    check_ok(umbra_evaluator_new(&e, s->params, keys, s->pool));
    for (int i = 0; i < STEPS; i++)
        out[i] = scheme_new(s, s->top, PARTS);
    check_ok(umbra_eval_rotate(e, out[0], in, 1));
    record(hashes, 0, out[0]);
    check_ok(umbra_eval_conjugate(e, out[0], out[0]));
    record(hashes, 1, out[0]);
    check_ok(umbra_eval_rotate_hoisted(e, out, in, steps, STEPS));
    for (int i = 0; i < 2; i++)
        record(hashes, 2 + i, out[2 * i]);
    run_map(e, out[1], in);
    record(hashes, 4, out[1]);
    check_ok(umbra_eval_multiply(e, out[0], in, in));
    record(hashes, 5, out[0]);
    check_ok(umbra_eval_drop_level(e, out[0], in, 1));
    check_ok(umbra_eval_rotate(e, out[0], out[0], 32));
    record(hashes, 6, out[0]);
    check_ok(umbra_eval_multiply(e, out[0], out[0], out[0]));
    record(hashes, 7, out[0]);
    for (int i = 0; i < STEPS; i++)
        umbra_ciphertext_free(out[i]);
    umbra_evaluator_free(e);
}

static size_t seeded_among(const umbra_evaluation_keys *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        assert_true((keys->keys[i].words == NULL) != (keys->keys[i].packed == NULL));
        count += keys->keys[i].packed != NULL;
    }
    return count;
}

static void check_same(int special)
{
    const umbra_params_literal literal = chain(special);
    char folder[] = "/tmp/umbra-test-XXXXXX", path[64];
    scheme s;
    unsigned char whole[STAGES][UMBRA_HASH_BYTES], other[STAGES][UMBRA_HASH_BYTES];
    uint32_t all[] = {0, 2 * (1 << DEGREE_LOG2) - 1, galois(0), galois(1), galois(2), galois(3)};
    enum { ALL = sizeof all / sizeof *all };
    umbra_key_item items[ALL];
    scheme_open(&s, &literal, steps, STEPS, 2);
    assert_int_equal(umbra_params_level_digits(s.params, s.top), special == 1 ? 10 : 3);
    for (size_t i = 0; i < ALL; i++)
        items[i] = (umbra_key_item){all[i], s.top};
    qsort(all, ALL, sizeof *all, compare);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/evaluation.keys", folder);
    const umbra_key_request request = {s.params, items, ALL};
    check_ok(umbra_evaluation_keys_save(s.secret, &request, s.pool, path, NULL, NULL));
    double *x = scheme_vector(s.slots, 1);
    umbra_ciphertext *in = scheme_encrypt(&s, s.top, 26, x, NULL);
    for (size_t seeded = 0; seeded <= ALL; seeded += ALL / 2) {
        const umbra_key_holding holding = {all, seeded};
        umbra_evaluation_keys *keys = NULL;
        check_ok(umbra_evaluation_keys_load(path, s.params, &holding, s.pool, &keys));
        assert_int_equal(seeded_among(keys), seeded);
        run_all(&s, keys, in, seeded == 0 ? whole : other);
        for (int i = 0; i < STAGES && seeded > 0; i++)
            assert_memory_equal(other[i], whole[i], UMBRA_HASH_BYTES);
        umbra_evaluation_keys_free(keys);
    }
    for (int i = 1; i < STAGES; i++) /* the stages differ: there is something to compare */
        assert_memory_not_equal(whole[i], whole[i - 1], UMBRA_HASH_BYTES);
    free(x);
    umbra_ciphertext_free(in);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    scheme_close(&s);
}

static void same_bytes_with_digits_of_one_prime(void **state)
{
    (void)state;
    check_same(1);
}

static void same_bytes_with_digits_of_two_primes(void **state)
{
    (void)state;
    check_same(2);
}

/* Keys made in this process: a rotation under a seeded one decrypts to what it should. */
static void generated_seeded_keys_work(void **state)
{
    (void)state;
    const umbra_params_literal literal = chain(1);
    scheme s;
    scheme_open(&s, &literal, steps, 1, 2);
    const uint32_t seeded[] = {0, galois(1)};
    const umbra_key_holding holding = {seeded, 2};
    const umbra_key_item items[] = {{galois(1), s.top}, {0, s.top}, {galois(0), s.top}};
    const umbra_key_request request = {s.params, items, 3};
    umbra_evaluation_keys *keys = NULL;
    umbra_evaluator *e = NULL;
    check_ok(umbra_evaluation_keys_generate(&keys, s.secret, &request, &holding, s.pool));
    assert_int_equal(seeded_among(keys), 2);
    check_ok(umbra_evaluator_new(&e, s.params, keys, s.pool));
    double *x = scheme_vector(s.slots, 1), *want = malloc(s.slots * sizeof *want);
    assert_non_null(want);
    umbra_ciphertext *ct = scheme_encrypt(&s, s.top, 26, x, NULL);
    check_ok(umbra_eval_rotate(e, ct, ct, steps[1]));
    check_ok(umbra_eval_rotate(e, ct, ct, steps[0]));
    for (size_t i = 0; i < s.slots; i++)
        want[i] = x[(i + 3) % s.slots];
    scheme_check(&s, ct, want);
    free(x);
    free(want);
    umbra_ciphertext_free(ct);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(keys);
    scheme_close(&s);
}

static void sizes_and_look_up(void **state)
{
    (void)state;
    const umbra_params_literal literal = chain(1);
    scheme s;
    scheme_open(&s, &literal, steps, 1, 1);
    const umbra_key_item item = {galois(0), s.top};
    const umbra_key_request one = {s.params, &item, 1};
    /* 10 digits, 11 limbs, two halves of 64-bit words. */
    assert_true(umbra_key_whole_bytes(s.params, s.top) == 10 * 11 * 2 * 8 * (1 << DEGREE_LOG2));
    assert_true(umbra_key_seeded_bytes(s.params, s.top) ==
                umbra_key_request_bytes(&one) - UMBRA_ENVELOPE_BYTES - UMBRA_KEYS_HEADER_BYTES -
                    UMBRA_KEYS_ENTRY_BYTES);
    const uint32_t few[] = {0, 5, 9, 13};
    const umbra_key_holding holding = {few, 4};
    for (uint32_t g = 0; g < 20; g++)
        assert_int_equal(umbra_key_holding_seeds(&holding, g),
                         g == 0 || g == 5 || g == 9 || g == 13);
    assert_false(umbra_key_holding_seeds(NULL, 5));
    scheme_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_with_digits_of_one_prime),
        cmocka_unit_test(same_bytes_with_digits_of_two_primes),
        cmocka_unit_test(generated_seeded_keys_work),
        cmocka_unit_test(sizes_and_look_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
