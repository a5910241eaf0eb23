/* Tests of the files of src/ckks: keys of every kind and ciphertexts, whole and damaged. */
#include "scheme.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t steps[] = {1, 5};

typedef struct files {
    scheme s;
    char folder[64];
    umbra_key_item items[4];
    umbra_key_request request;
} files;

static const char *path_of(const files *f, const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
    return path;
}

static void open_files(files *f)
{
    const umbra_params_literal literal = scheme_chain(12, 1, 30, 24, 1, 22);
    scheme_open(&f->s, &literal, steps, 2, 2);
    strcpy(f->folder, "/tmp/umbra-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->items[0] = (umbra_key_item){umbra_galois_of_rotation(12, 5), 0}; /* trimmed */
    f->items[1] = (umbra_key_item){8191, 1};
    f->items[2] = (umbra_key_item){0, 1};
    f->items[3] = (umbra_key_item){umbra_galois_of_rotation(12, 1), 1};
    f->request = (umbra_key_request){f->s.params, f->items, 4};
}

static void close_files(files *f)
{
    static const char *const names[] = {"secret.key", "public.key", "evaluation.keys", "damaged"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlink(path_of(f, names[i]));
    assert_int_equal(rmdir(f->folder), 0); /* nothing else was left there */
    scheme_close(&f->s);
}

static unsigned char *slurp(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    *size = (size_t)ftell(in);
    rewind(in);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, in), *size);
    fclose(in);
    return bytes;
}

static void spill(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

static void secret_key_comes_back(void **state)
{
    (void)state;
    files f;
    struct stat info;
    umbra_secret_key *again = NULL;
    open_files(&f);
    const char *path = path_of(&f, "secret.key");
    check_ok(umbra_secret_key_save(f.s.secret, path));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, UMBRA_ENVELOPE_BYTES + UMBRA_SEED_BYTES);
    check_ok(umbra_secret_key_load(path, f.s.params, &again));
    assert_true(umbra_secret_key_id(again) == umbra_secret_key_id(f.s.secret));
    assert_memory_equal(again->limbs, f.s.secret->limbs, (size_t)f.s.params->total * 4096 * 8);
    umbra_secret_key_free(again);
    close_files(&f);
}

static void public_key_comes_back(void **state)
{
    (void)state;
    files f;
    umbra_public_key *key = NULL, *again = NULL;
    open_files(&f);
    const char *path = path_of(&f, "public.key");
    check_ok(umbra_public_key_generate(&key, f.s.secret));
    check_ok(umbra_public_key_save(key, path));
    check_ok(umbra_public_key_load(path, f.s.params, &again));
    assert_memory_equal(again->b, key->b, 2 * 4096 * 8);
    assert_memory_equal(again->a, key->a, 2 * 4096 * 8);
    double *x = scheme_vector(f.s.slots, 1);
    umbra_plaintext *pt = scheme_encode(&f.s, 1, 30, x, NULL);
    umbra_ciphertext *ct = scheme_new(&f.s, 1, 2);
    check_ok(umbra_encrypt_public(ct, pt, again));
    scheme_check(&f.s, ct, x);
    umbra_ciphertext_free(ct);
    umbra_plaintext_free(pt);
    free(x);
    umbra_public_key_free(key);
    umbra_public_key_free(again);
    close_files(&f);
}

static int count_keys(void *context, size_t done, size_t total)
{
    int *calls = context;
    assert_int_equal(total, 4);
    assert_int_equal(done, ++*calls);
    return 0;
}

static int stop_at_two(void *context, size_t done, size_t total)
{
    (void)context;
    (void)total;
    return done == 2;
}

static void evaluation_keys_come_back(void **state)
{
    (void)state;
    files f;
    int calls = 0;
    size_t size = 0;
    umbra_evaluation_keys *keys = NULL;
    umbra_evaluator *e = NULL;
    open_files(&f);
    const char *path = path_of(&f, "evaluation.keys");
    check_fails(
        UMBRA_E_CANCELLED, "stopped after 2 of 4",
        umbra_evaluation_keys_save(f.s.secret, &f.request, f.s.pool, path, stop_at_two, NULL));
    assert_int_not_equal(access(path, F_OK), 0);
    check_ok(
        umbra_evaluation_keys_save(f.s.secret, &f.request, f.s.pool, path, count_keys, &calls));
    assert_int_equal(calls, 4);
    free(slurp(path, &size));
    assert_int_equal(size, umbra_key_request_bytes(&f.request));
    check_ok(umbra_evaluation_keys_load(path, f.s.params, NULL, f.s.pool, &keys));
    assert_true(umbra_evaluation_keys_id(keys) == umbra_secret_key_id(f.s.secret));
    assert_true(umbra_evaluation_keys_have(keys, umbra_galois_of_rotation(12, 5), 0));
    assert_false(umbra_evaluation_keys_have(keys, umbra_galois_of_rotation(12, 5), 1));
    assert_false(umbra_evaluation_keys_have(keys, umbra_galois_of_rotation(12, 7), 0));
    check_ok(umbra_evaluator_new(&e, f.s.params, keys, f.s.pool));
    double *x = scheme_vector(f.s.slots, 1), *want = malloc(f.s.slots * sizeof *want);
    umbra_ciphertext *ct = scheme_encrypt(&f.s, 1, 26, x, NULL);
    check_fails(UMBRA_E_MISMATCH, "no Galois key", umbra_eval_rotate(e, ct, ct, 5));
    check_ok(umbra_eval_rotate(e, ct, ct, 1));
    check_ok(umbra_eval_drop_level(e, ct, ct, 0));
    check_ok(umbra_eval_rotate(e, ct, ct, 5));
    for (size_t i = 0; i < f.s.slots; i++)
        want[i] = x[(i + 6) % f.s.slots];
    scheme_check(&f.s, ct, want);
    free(x);
    free(want);
    umbra_ciphertext_free(ct);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(keys);
    close_files(&f);
}

/* A fault anywhere in the file is refused, whether its checksums are mended or not. */
static void damaged_keys_are_refused(void **state)
{
    (void)state;
    files f;
    size_t size = 0;
    umbra_evaluation_keys *keys = NULL;
    open_files(&f);
    const char *path = path_of(&f, "evaluation.keys"), *bad = path_of(&f, "damaged");
    check_ok(umbra_evaluation_keys_save(f.s.secret, &f.request, f.s.pool, path, NULL, NULL));
    unsigned char *bytes = slurp(path, &size);
    for (size_t at = 0; at < size; at += at < 500 ? 1 : 7919) {
        bytes[at] ^= (unsigned char)(1u << at % 8);
        spill(bad, bytes, size);
        assert_int_equal(umbra_evaluation_keys_load(bad, f.s.params, NULL, f.s.pool, &keys),
                         UMBRA_E_INPUT);
        assert_non_null(strstr(umbra_error_message(), "damaged: "));
        bytes[at] ^= (unsigned char)(1u << at % 8);
    }
    for (size_t cut = 0; cut < size; cut += cut < 400 ? 1 : 10007) {
        spill(bad, bytes, cut);
        assert_int_equal(umbra_evaluation_keys_load(bad, f.s.params, NULL, f.s.pool, &keys),
                         UMBRA_E_INPUT);
    }
    const size_t table = UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES;
    const size_t head = UMBRA_KEYS_HEADER_BYTES + 4 * UMBRA_KEYS_ENTRY_BYTES;
    const struct {
        size_t at;
        unsigned char value;
        const char *text;
    } faults[] = {
        {UMBRA_ENVELOPE_BYTES + 2, 200, "truncated table of contents"},
        {UMBRA_ENVELOPE_BYTES + 7, 1, "truncated table of contents"},
        {UMBRA_ENVELOPE_BYTES + 1, 17, "4356 keys announced; this ring has at most 4097"},
        {table + 4, 9, "level 9; there are 2 levels"},
        {table + 8, 1, "wrong place or length"},
        {table + 18, 0x55, "wrong place or length"},
        {table + UMBRA_KEYS_ENTRY_BYTES, 0, "not in order"},
        {table + UMBRA_KEYS_ENTRY_BYTES, 4, "Galois element 4 is not odd"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsigned char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        copy[faults[i].at] = faults[i].value;
        umbra_hash(copy + 64, copy + UMBRA_ENVELOPE_BYTES, head);
        unsigned char hash[UMBRA_HASH_BYTES];
        umbra_hash(hash, copy, 120);
        memcpy(copy + 120, hash, 8);
        spill(bad, copy, size);
        check_fails(UMBRA_E_INPUT, faults[i].text,
                    umbra_evaluation_keys_load(bad, f.s.params, NULL, f.s.pool, &keys));
        free(copy);
    }
    assert_null(keys);
    free(bytes);
    close_files(&f);
}

static void wrong_kinds_and_parameters(void **state)
{
    (void)state;
    files f;
    umbra_params *other = NULL;
    umbra_evaluation_keys *keys = NULL;
    umbra_secret_key *secret = NULL;
    umbra_public_key *public = NULL;
    open_files(&f);
    const umbra_params_literal literal = scheme_chain(12, 1, 30, 24, 1, 23);
    check_ok(umbra_params_new(&other, &literal));
    const char *secret_path = path_of(&f, "secret.key"), *path = path_of(&f, "evaluation.keys");
    check_ok(umbra_secret_key_save(f.s.secret, secret_path));
    check_ok(umbra_evaluation_keys_save(f.s.secret, &f.request, NULL, path, NULL, NULL));
    check_fails(UMBRA_E_MISMATCH, "a secret key never leaves its owner",
                umbra_evaluation_keys_load(secret_path, f.s.params, NULL, NULL, &keys));
    check_fails(UMBRA_E_MISMATCH, "\"evaluation keys\" where \"secret key\"",
                umbra_secret_key_load(path, f.s.params, &secret));
    check_fails(UMBRA_E_MISMATCH, "\"secret key\" where \"public key\"",
                umbra_public_key_load(secret_path, f.s.params, &public));
    check_fails(UMBRA_E_MISMATCH, "evaluation keys made for other parameters",
                umbra_evaluation_keys_load(path, other, NULL, NULL, &keys));
    check_fails(UMBRA_E_MISMATCH, "secret key made for other parameters",
                umbra_secret_key_load(secret_path, other, &secret));
    f.request.params = other;
    check_fails(UMBRA_E_MISMATCH, "different parameters",
                umbra_evaluation_keys_save(f.s.secret, &f.request, NULL, path, NULL, NULL));
    f.request.params = f.s.params;
    f.items[1].galois = f.items[0].galois;
    check_fails(UMBRA_E_INPUT, "listed twice",
                umbra_evaluation_keys_save(f.s.secret, &f.request, NULL, path, NULL, NULL));
    f.items[1].galois = 10;
    check_fails(UMBRA_E_INPUT, "not odd",
                umbra_evaluation_keys_save(f.s.secret, &f.request, NULL, path, NULL, NULL));
    f.items[1] = (umbra_key_item){3, 2};
    check_fails(UMBRA_E_INPUT, "level 2",
                umbra_evaluation_keys_save(f.s.secret, &f.request, NULL, path, NULL, NULL));
    assert_true(keys == NULL && secret == NULL && public == NULL);
    umbra_params_free(other);
    close_files(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_key_comes_back),      cmocka_unit_test(public_key_comes_back),
        cmocka_unit_test(evaluation_keys_come_back),  cmocka_unit_test(damaged_keys_are_refused),
        cmocka_unit_test(wrong_kinds_and_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
