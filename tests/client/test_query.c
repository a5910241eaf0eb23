/* Queries: what goes in comes out again, and what a model was not made for is refused. */
#include "profile_by_hand.h"

#include "base/log.h"
#include "ckks/ciphertext_file.h"
#include "client/answer.h"
#include "client/query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static umbra_profile profile;
static umbra_secret_key *key, *other_key;
static float tensor[HAND_ELEMENTS];

static int open_all(void **state)
{
    (void)state;
    umbra_log_set(UMBRA_LOG_QUIET);
    hand_profile_open(&profile);
    check_ok(umbra_secret_key_generate(&key, profile.params));
    check_ok(umbra_secret_key_generate(&other_key, profile.params));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    umbra_secret_key_free(key);
    umbra_secret_key_free(other_key);
    hand_profile_close(&profile);
    return 0;
}

static void fill(float bound)
{
    for (int i = 0; i < HAND_ELEMENTS; i++)
        tensor[i] = bound * (float)sin(i * 1.7 + 0.3);
}

static umbra_status encrypt(umbra_ciphertext **out, size_t count)
{
    unsigned char seed[1][UMBRA_SEED_BYTES];
    return umbra_query_encrypt(&profile, key, tensor, count, out, seed);
}

static void decrypts_to_the_tensor(void **state)
{
    (void)state;
    umbra_ciphertext *query = NULL;
    double values[HAND_ELEMENTS];
    fill(2);
    check_ok(encrypt(&query, HAND_ELEMENTS));
    check_ok(umbra_answer_decrypt_tensor(key, &profile.input_layout, profile.input_factor, 1,
                                         (const umbra_ciphertext *const *)&query, values));
    for (int i = 0; i < HAND_ELEMENTS; i++)
        assert_true(fabs(values[i] - (double)tensor[i]) < 1e-5);
    values[0] = 123;
    check_fails(UMBRA_E_MISMATCH, "key",
                umbra_answer_decrypt_tensor(other_key, &profile.input_layout, 1, 1,
                                            (const umbra_ciphertext *const *)&query, values));
    assert_true(values[0] > 122.9 && values[0] < 123.1); /* untouched */
    umbra_ciphertext_free(query);
}

static void never_encrypts_twice_the_same(void **state)
{
    (void)state;
    umbra_ciphertext *a = NULL, *b = NULL;
    fill(1);
    check_ok(encrypt(&a, HAND_ELEMENTS));
    check_ok(encrypt(&b, HAND_ELEMENTS));
    assert_memory_not_equal(a->part[0], b->part[0], 4096);
    assert_memory_not_equal(a->part[1], b->part[1], 4096);
    umbra_ciphertext_free(a);
    umbra_ciphertext_free(b);
}

static void refuses_what_the_model_cannot_take(void **state)
{
    (void)state;
    umbra_ciphertext *query = NULL;
    fill(1);
    check_fails(UMBRA_E_INPUT, "127 numbers, the model takes 128 (2 x 8 x 8)",
                encrypt(&query, HAND_ELEMENTS - 1));
    tensor[7] = NAN;
    check_fails(UMBRA_E_INPUT, "index 7", encrypt(&query, HAND_ELEMENTS));
    tensor[7] = -INFINITY;
    check_fails(UMBRA_E_INPUT, "infinity", encrypt(&query, HAND_ELEMENTS));
    tensor[7] = 8.1F; /* the bound is 2 */
    check_fails(UMBRA_E_INPUT, "calibrated", encrypt(&query, HAND_ELEMENTS));
    tensor[7] = -3e38F;
    check_fails(UMBRA_E_INPUT, "calibrated", encrypt(&query, HAND_ELEMENTS));
    assert_null(query);
    tensor[7] = -7.9F; /* beyond the bound, less than 4 times: a warning */
    check_ok(encrypt(&query, HAND_ELEMENTS));
    umbra_ciphertext_free(query);
}

static void saves_what_loads(void **state)
{
    (void)state;
    char folder[] = "/tmp/umbra-test-query-XXXXXX", path[64];
    umbra_ciphertext *query = NULL;
    double values[HAND_ELEMENTS];
    uint64_t bytes = 0, loaded = 0;
    unsigned char id[UMBRA_QUERY_ID_BYTES] = "fifteen letters", found[UMBRA_QUERY_ID_BYTES] = {0};
    struct stat info;
    const umbra_ciphertexts_use use = {UMBRA_ROLE_QUERY, profile.plan_hash, found};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/query.ct", folder);
    fill(2);
    check_ok(umbra_query_save(&profile, key, tensor, HAND_ELEMENTS, id, path, &bytes));
    assert_int_equal(stat(path, &info), 0);
    assert_true((uint64_t)info.st_size == bytes);
    check_ok(umbra_ciphertexts_load(path, &use, profile.params, 1, &query, &loaded));
    assert_true(loaded == bytes);
    assert_memory_equal(found, id, sizeof id);
    check_ok(umbra_answer_decrypt_tensor(key, &profile.input_layout, profile.input_factor, 1,
                                         (const umbra_ciphertext *const *)&query, values));
    for (int i = 0; i < HAND_ELEMENTS; i++)
        assert_true(fabs(values[i] - (double)tensor[i]) < 1e-5);
    umbra_ciphertext_free(query);
    tensor[0] = NAN; /* a failure leaves the file of before */
    check_fails(UMBRA_E_INPUT, "index 0",
                umbra_query_save(&profile, key, tensor, HAND_ELEMENTS, id, path, NULL));
    check_ok(umbra_ciphertexts_load(path, &use, profile.params, 1, &query, NULL));
    umbra_ciphertext_free(query);
    const umbra_ciphertexts_use result = {UMBRA_ROLE_RESULT, profile.plan_hash, found};
    check_fails(UMBRA_E_MISMATCH, "is a query where a result is expected",
                umbra_ciphertexts_load(path, &result, profile.params, 1, &query, NULL));
    const unsigned char other_plan[UMBRA_HASH_BYTES] = {1};
    const umbra_ciphertexts_use other = {UMBRA_ROLE_QUERY, other_plan, NULL};
    check_fails(UMBRA_E_MISMATCH, "belongs to another plan",
                umbra_ciphertexts_load(path, &other, profile.params, 1, &query, NULL));
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decrypts_to_the_tensor),
        cmocka_unit_test(never_encrypts_twice_the_same),
        cmocka_unit_test(refuses_what_the_model_cannot_take),
        cmocka_unit_test(saves_what_loads),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
