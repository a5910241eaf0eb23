/* Tests that every instruction set gives the same bytes: keys, ciphertexts and results. */
#include "fixed.h"

enum { DEGREE_LOG2 = 13, STEPS = 3, STAGES = 8 };
static const int64_t steps[STEPS] = {1, 2, 16};

typedef struct trace {
    unsigned char hash[STAGES][UMBRA_HASH_BYTES];
    int stages;
} trace;

static void record(trace *t, const umbra_ciphertext *ct)
{
    const size_t words = (size_t)umbra_params_level_limbs(ct->params, ct->level) << DEGREE_LOG2;
    unsigned char hashes[2][UMBRA_HASH_BYTES];
    for (int p = 0; p < 2; p++)
        umbra_hash(hashes[p], ct->part[p], words * 8);
    umbra_hash(t->hash[t->stages++], hashes, sizeof hashes);
}

static umbra_evaluation_keys *fixed_keys(const umbra_params *params, const umbra_secret_key *secret)
{
    umbra_key_item items[1 + STEPS] = {{0, 2}};
    umbra_evaluation_keys *keys = NULL;
    umbra_keygen keygen;
    for (int i = 0; i < STEPS; i++)
        items[1 + i] = (umbra_key_item){umbra_galois_of_rotation(DEGREE_LOG2, steps[i]), 2};
    const umbra_key_request request = {params, items, 1 + STEPS};
    check_ok(umbra_evaluation_keys_new(&keys, &request, umbra_secret_key_id(secret)));
    fixed_keygen(&keygen, secret);
    for (size_t i = 0; i < keys->count; i++) {
        check_ok(umbra_switch_key_allocate(&keys->keys[i], params, false));
        check_ok(umbra_keygen_switch(&keygen, &keys->keys[i]));
    }
    umbra_keygen_end(&keygen);
    return keys;
}

static void run_map(umbra_evaluator *e, umbra_ciphertext *ct)
{
    static _Alignas(64) int32_t weights[6][1 << DEGREE_LOG2];
    umbra_diagonal d[6];
    double w[64];
    for (int i = 0; i < 6; i++) {
        scheme_fill(w, 64, (uint64_t)i);
        check_ok(umbra_encode_coefficients_i32(ct->params, weights[i], 20, w, 64));
        weights[i][1] += i == 3;
        d[i] = (umbra_diagonal){
            .giant_slots = i / 3 * 16, .baby_slots = i % 3, .coefficients_i32 = weights[i]};
    }
    const umbra_linear_map map = {1, 1, 20, 2, 1, d, 6, NULL, NULL};
    const umbra_ciphertext *in = ct;
    check_ok(umbra_eval_linear_map(e, &ct, &in, &map));
}

static void run_all(const umbra_kernels *kernels, trace *t)
{
    const umbra_params_literal literal = scheme_chain(DEGREE_LOG2, 2, 37, 37, 2, 30);
    unsigned char seed[UMBRA_SEED_BYTES], other[UMBRA_SEED_BYTES];
    umbra_params *params = NULL;
    umbra_evaluator *e = NULL;
    umbra_public_key *public = NULL;
    check_ok(umbra_params_new(&params, &literal));
    params->kernels = kernels;
    umbra_secret_key *secret = fixed_secret(params);
    umbra_evaluation_keys *keys = fixed_keys(params, secret);
    check_ok(umbra_evaluator_new(&e, params, keys, NULL));
    umbra_ciphertext *ct = fixed_encrypt(params, secret, 2, 30, seed);
    record(t, ct);
    check_ok(umbra_eval_rotate(e, ct, ct, 1));
    record(t, ct);
    check_ok(umbra_eval_multiply(e, ct, ct, ct));
    record(t, ct);
    check_ok(umbra_eval_rescale(e, ct, ct));
    record(t, ct);
    run_map(e, ct);
    record(t, ct);
    umbra_plaintext *pt = NULL;
    double values[8] = {0.5, 0.25};
    check_ok(umbra_plaintext_new(&pt, params, 2));
    check_ok(umbra_encode(pt, 75, values, values, 8));
    fixed_seed(seed, 6);
    fixed_seed(other, 7);
    check_ok(umbra_keygen_public_seeded(&public, secret, seed, other));
    umbra_ciphertext_free(ct);
    check_ok(umbra_ciphertext_new(&ct, params, 2, 2));
    check_ok(umbra_encrypt_public_seeded(ct, pt, public, other));
    record(t, ct);
    umbra_hash(t->hash[t->stages++], keys->keys[1].words, 2 * 2 * 5 * 8192 * 8);
    check_ok(umbra_decrypt(pt, ct, secret));
    double back[4096];
    check_ok(umbra_decode(pt, back, NULL, 4096));
    umbra_hash(t->hash[t->stages++], back, sizeof back);
    umbra_plaintext_free(pt);
    umbra_ciphertext_free(ct);
    umbra_public_key_free(public);
    umbra_evaluator_free(e);
    umbra_evaluation_keys_free(keys);
    umbra_secret_key_free(secret);
    umbra_params_free(params);
}

static void same_bytes(void **state)
{
    (void)state;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    trace reference = {.stages = 0};
    run_all(sets[0], &reference);
    assert_int_equal(reference.stages, STAGES);
    for (int i = 1; i < count; i++) {
        trace t = {.stages = 0};
        run_all(sets[i], &t);
        for (int k = 0; k < STAGES; k++)
            if (memcmp(t.hash[k], reference.hash[k], UMBRA_HASH_BYTES) != 0)
                fail_msg("%s differs at stage %d", sets[i]->name, k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
