/* Receipts: an answer meets the images that it was computed from, or nobody sees it. */
#include "profile_by_hand.h"

#include "client/answer.h"
#include "client/query.h"
#include "client/receipt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES 4

static umbra_profile profile;
static char folder[] = "/tmp/umbra-test-receipt-XXXXXX";
static char path[64], names[IMAGES + 1][64];

static int open_all(void **state)
{
    (void)state;
    hand_profile_open(&profile);
    umbra_layout one;
    size_t room = umbra_params_slots(profile.params) / IMAGES;
    check_ok(umbra_layout_multiplexed(&one, 2, 8, 8, 8, 8, 1, room));
    check_ok(umbra_layout_set_images(&one, IMAGES));
    profile.input_layout = profile.output_layout = one;
    memset(profile.plan_hash, 7, sizeof profile.plan_hash);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/q.receipt", folder);
    for (int i = 0; i <= IMAGES; i++) {
        snprintf(names[i], sizeof names[i], "%s/image-%d.png", folder, i);
        FILE *file = fopen(names[i], "w");
        assert_non_null(file);
        fprintf(file, "picture %d", i);
        assert_int_equal(fclose(file), 0);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i <= IMAGES; i++)
        unlink(names[i]);
    unlink(path);
    rmdir(folder);
    hand_profile_close(&profile);
    return 0;
}

static umbra_receipt *receipt_of(int count)
{
    umbra_receipt *receipt = NULL;
    check_ok(umbra_receipt_new(&receipt, 42));
    for (int i = 0; i < count; i++)
        check_ok(umbra_receipt_add(receipt, names[i]));
    return receipt;
}

static void reads_what_was_written(void **state)
{
    struct stat info;
    (void)state;
    for (int count = 1; count <= IMAGES; count++) {
        umbra_receipt *receipt = receipt_of(count), *back = NULL;
        check_ok(umbra_receipt_save(receipt, &profile, path));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600); /* it may name patients */
        check_ok(umbra_receipt_load(path, &profile, &back));
        assert_int_equal(back->count, count);
        for (int i = 0; i < count; i++) {
            unsigned char hash[UMBRA_HASH_BYTES];
            char text[16];
            snprintf(text, sizeof text, "picture %d", i);
            umbra_hash(hash, text, strlen(text));
            assert_string_equal(back->items[i].name, names[i]);
            assert_memory_equal(back->items[i].hash, hash, sizeof hash);
        }
        check_ok(umbra_receipt_check(back, receipt->query_id, 42));
        umbra_receipt_free(receipt);
        umbra_receipt_free(back);
    }
}

static void tells_queries_apart(void **state)
{
    umbra_receipt *a = receipt_of(2), *b = receipt_of(2);
    (void)state;
    assert_memory_not_equal(a->query_id, b->query_id, UMBRA_QUERY_ID_BYTES);
    check_fails(UMBRA_E_MISMATCH, "another query", umbra_receipt_check(a, b->query_id, 42));
    check_fails(UMBRA_E_MISMATCH, "another query", umbra_receipt_check(a, a->query_id, 43));
    memcpy(b->query_id, a->query_id, UMBRA_QUERY_ID_BYTES);
    b->query_id[UMBRA_QUERY_ID_BYTES - 1] ^= 1;
    check_fails(UMBRA_E_MISMATCH, "another query", umbra_receipt_check(a, b->query_id, 42));
    umbra_receipt_free(a);
    umbra_receipt_free(b);
}

static void refuses_what_is_not_its_own(void **state)
{
    umbra_receipt *receipt = receipt_of(IMAGES), *back = NULL;
    (void)state;
    check_ok(umbra_receipt_save(receipt, &profile, path));
    profile.plan_hash[3] ^= 1;
    check_fails(UMBRA_E_MISMATCH, "another plan", umbra_receipt_load(path, &profile, &back));
    profile.plan_hash[3] ^= 1;
    profile.input_layout.images = IMAGES / 2;
    check_fails(UMBRA_E_INPUT, "4 images, where a run takes up to 2",
                umbra_receipt_load(path, &profile, &back));
    profile.input_layout.images = IMAGES;
    umbra_receipt *none = receipt_of(0);
    check_ok(umbra_receipt_save(none, &profile, path));
    check_fails(UMBRA_E_INPUT, "0 images", umbra_receipt_load(path, &profile, &back));
    check_fails(UMBRA_E_INPUT, "control", umbra_receipt_add(none, "/dev/null\001"));
    assert_int_equal(none->count, 0);
    assert_null(back);
    umbra_receipt_free(none);
    umbra_receipt_free(receipt);
}

/* Every body that is shorter, and every one whose count lies, sealed again as a file is. */
static void refuses_damage(void **state)
{
    unsigned char body[4096];
    umbra_receipt *receipt = receipt_of(2), *back = NULL;
    (void)state;
    check_ok(umbra_receipt_save(receipt, &profile, path));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, UMBRA_ENVELOPE_BYTES, SEEK_SET), 0);
    size_t size = fread(body, 1, sizeof body, file);
    fclose(file);
    const unsigned char *hash = umbra_params_hash(profile.params);
    for (size_t cut = 0; cut < size; cut++) {
        check_ok(umbra_envelope_write_file(path, true, UMBRA_KIND_RECEIPT, 1, hash, 42, body, cut));
        check_fails(UMBRA_E_INPUT, "", umbra_receipt_load(path, &profile, &back));
    }
    check_ok(
        umbra_envelope_write_file(path, true, UMBRA_KIND_RECEIPT, 1, hash, 42, body, size + 1));
    check_fails(UMBRA_E_INPUT, "after the end", umbra_receipt_load(path, &profile, &back));
    for (int byte = 0; byte < 4; byte++) { /* the count, after two hashes' room */
        body[UMBRA_HASH_BYTES + UMBRA_QUERY_ID_BYTES + byte] ^= 0xff;
        check_ok(
            umbra_envelope_write_file(path, true, UMBRA_KIND_RECEIPT, 1, hash, 42, body, size));
        check_fails(UMBRA_E_INPUT, "images", umbra_receipt_load(path, &profile, &back));
        body[UMBRA_HASH_BYTES + UMBRA_QUERY_ID_BYTES + byte] ^= 0xff;
    }
    umbra_receipt_free(receipt);
}

/* Three tensors of four: each comes back as it went in, and the place without one is zero. */
static void batches_are_encrypted_together(void **state)
{
    static float tensors[(IMAGES + 1) * HAND_ELEMENTS];
    static double values[IMAGES * HAND_ELEMENTS];
    unsigned char seed[1][UMBRA_SEED_BYTES];
    umbra_secret_key *key = NULL;
    umbra_ciphertext *query = NULL;
    (void)state;
    check_ok(umbra_secret_key_generate(&key, profile.params));
    for (int i = 0; i < (IMAGES + 1) * HAND_ELEMENTS; i++)
        tensors[i] = (float)(2 * sin(i * 0.7));
    memset(tensors + HAND_ELEMENTS, 0, HAND_ELEMENTS * sizeof *tensors);
    check_ok(umbra_query_encrypt(&profile, key, tensors, 3 * HAND_ELEMENTS, &query, seed));
    check_ok(umbra_answer_decrypt_tensor(key, &profile.input_layout, profile.input_factor, IMAGES,
                                         (const umbra_ciphertext *const *)&query, values));
    for (int i = 0; i < IMAGES * HAND_ELEMENTS; i++)
        assert_true(fabs(values[i] - (i < 3 * HAND_ELEMENTS ? (double)tensors[i] : 0)) < 1e-5);
    umbra_ciphertext_free(query);
    query = NULL;
    check_fails(UMBRA_E_INPUT, "5 inputs, and the plan takes 4",
                umbra_query_encrypt(&profile, key, tensors, 5 * HAND_ELEMENTS, &query, seed));
    check_fails(UMBRA_E_INPUT, "the model takes",
                umbra_query_encrypt(&profile, key, tensors, HAND_ELEMENTS + 1, &query, seed));
    check_fails(UMBRA_E_INPUT, "the model takes",
                umbra_query_encrypt(&profile, key, tensors, 0, &query, seed));
    tensors[2 * HAND_ELEMENTS + 5] = NAN;
    check_fails(UMBRA_E_INPUT, "input 2 holds a NaN or an infinity at index 5",
                umbra_query_encrypt(&profile, key, tensors, 3 * HAND_ELEMENTS, &query, seed));
    assert_null(query);
    umbra_secret_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),         cmocka_unit_test(tells_queries_apart),
        cmocka_unit_test(refuses_what_is_not_its_own),    cmocka_unit_test(refuses_damage),
        cmocka_unit_test(batches_are_encrypted_together),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
