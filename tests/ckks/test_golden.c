/* Tests that the byte forms do not change: golden files, read, used, and written again.
 *
 * UMBRA_WRITE_GOLDEN=1 writes them anew, after a change of version. */
#include "fixed.h"

#include <stdio.h>
#include <unistd.h>

#define FOLDER "tests/ckks/golden/"

static int writing(void)
{
    return getenv("UMBRA_WRITE_GOLDEN") != NULL;
}

static umbra_params *golden_params(void)
{
    umbra_params *params = NULL;
    if (writing()) {
        const umbra_params_literal literal = scheme_chain(12, 0, 26, 0, 1, 20);
        check_ok(umbra_params_new(&params, &literal));
        return params;
    }
    umbra_file_copy content = {0};
    check_ok(umbra_file_load(FOLDER "params.bin", &content));
    umbra_reader reader = umbra_reader_make(content.bytes, content.size, "params.bin");
    check_ok(umbra_params_read(&reader, &params));
    assert_int_equal(umbra_reader_left(&reader), 0);
    umbra_file_unload(&content);
    return params;
}

/* Compare with the golden file, or write it. */
static void check_file(const char *name, const void *bytes, size_t size)
{
    char path[200];
    snprintf(path, sizeof path, FOLDER "%s", name);
    if (writing()) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        fclose(out);
        return;
    }
    umbra_file_copy content = {0};
    check_ok(umbra_file_load(path, &content));
    assert_int_equal(content.size, size);
    assert_memory_equal(content.bytes, bytes, size);
    umbra_file_unload(&content);
}

static void check_written(const char *name, const char *path)
{
    umbra_file_copy content = {0};
    check_ok(umbra_file_load(path, &content));
    check_file(name, content.bytes, content.size);
    umbra_file_unload(&content);
    assert_int_equal(unlink(path), 0);
}

static void parameters(void **state)
{
    (void)state;
    umbra_params *params = golden_params();
    umbra_writer writer = {0};
    umbra_params_write(params, &writer);
    check_ok(umbra_writer_check(&writer));
    check_file("params.bin", writer.bytes, writer.size);
    umbra_writer_free(&writer);
    umbra_params_free(params);
}

static void keys(void **state)
{
    (void)state;
    char path[] = "/tmp/umbra-golden-XXXXXX";
    const int handle = mkstemp(path);
    assert_true(handle >= 0);
    close(handle);
    umbra_params *params = golden_params();
    umbra_secret_key *secret = fixed_secret(params);
    umbra_public_key *public = NULL;
    umbra_keygen keygen;
    unsigned char seed[UMBRA_SEED_BYTES], error_seed[UMBRA_SEED_BYTES];
    check_ok(umbra_secret_key_save(secret, path));
    check_written("secret.key", path);
    fixed_seed(seed, 6);
    fixed_seed(error_seed, 7);
    check_ok(umbra_keygen_public_seeded(&public, secret, seed, error_seed));
    check_ok(umbra_public_key_save(public, path));
    check_written("public.key", path);
    const umbra_key_item items[2] = {{5, 0}, {0, 0}};
    const umbra_key_request request = {params, items, 2};
    fixed_keygen(&keygen, secret);
    umbra_file_writer *file = NULL;
    check_ok(umbra_file_create(&file, path, false));
    check_ok(umbra_keygen_write(&keygen, &request, file, NULL, NULL));
    check_ok(umbra_file_commit(file));
    umbra_keygen_end(&keygen);
    check_written("evaluation.keys", path);
    umbra_public_key_free(public);
    umbra_secret_key_free(secret);
    umbra_params_free(params);
}

static void ciphertexts(void **state)
{
    (void)state;
    umbra_params *params = golden_params();
    umbra_secret_key *secret = fixed_secret(params);
    unsigned char seed[UMBRA_SEED_BYTES];
    umbra_ciphertext *ct = fixed_encrypt(params, secret, 0, 20, seed);
    for (int full = 0; full < 2; full++) {
        umbra_writer writer = {0};
        check_ok(umbra_ciphertext_write(&writer, ct, full ? NULL : seed));
        check_file(full ? "full.ct" : "seeded.ct", writer.bytes, writer.size);
        umbra_writer_free(&writer);
    }
    umbra_ciphertext_free(ct);
    umbra_secret_key_free(secret);
    umbra_params_free(params);
}

/* Everything read from the files: a rotation by one slot decrypts to the values turned. */
static void files_work_together(void **state)
{
    (void)state;
    umbra_params *params = golden_params();
    umbra_secret_key *secret = NULL;
    umbra_evaluation_keys *evaluation = NULL;
    umbra_evaluator *e = NULL;
    umbra_ciphertext *ct = NULL;
    umbra_plaintext *pt = NULL;
    umbra_file_copy content = {0};
    double back[8];
    check_ok(umbra_secret_key_load(FOLDER "secret.key", params, &secret));
    check_ok(umbra_evaluation_keys_load(FOLDER "evaluation.keys", params, NULL, NULL, &evaluation));
    check_ok(umbra_evaluator_new(&e, params, evaluation, NULL));
    check_ok(umbra_file_load(FOLDER "seeded.ct", &content));
    umbra_reader reader = umbra_reader_make(content.bytes, content.size, "seeded.ct");
    check_ok(umbra_ciphertext_read(&reader, params, &ct));
    check_ok(umbra_eval_rotate(e, ct, ct, 1));
    check_ok(umbra_plaintext_new(&pt, params, 0));
    check_ok(umbra_decrypt(pt, ct, secret));
    check_ok(umbra_decode(pt, back, NULL, 8));
    for (int i = 0; i < 8; i++)
        assert_true(fabs(back[i] - ((i + 1) % 8 - 4) / 8.0) < 0x1p-10);
    umbra_plaintext_free(pt);
    umbra_ciphertext_free(ct);
    umbra_file_unload(&content);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(evaluation);
    umbra_secret_key_free(secret);
    umbra_params_free(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters),
        cmocka_unit_test(keys),
        cmocka_unit_test(ciphertexts),
        cmocka_unit_test(files_work_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
