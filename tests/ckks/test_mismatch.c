/* Tests that operands which do not belong together are refused, and outputs left as they were. */
#include "scheme.h"

static const int64_t steps[] = {1, 2};

typedef struct fixture {
    scheme s, other;
    umbra_ciphertext *a, *b, *low, *scaled, *foreign, *out, *narrow, *three;
    umbra_plaintext *plain, *plain_low, *plain_foreign;
} fixture;

static int open_fixture(void **state)
{
    static fixture f;
    const umbra_params_literal literal = scheme_chain(13, 2, 50, 50, 1, 30);
    const umbra_params_literal different = scheme_chain(13, 2, 50, 50, 1, 31);
    scheme_open(&f.s, &literal, steps, 2, 1);
    scheme_open(&f.other, &different, steps, 2, 1);
    double *x = scheme_vector(f.s.slots, 1);
    f.a = scheme_encrypt(&f.s, 2, 30, x, NULL);
    f.b = scheme_encrypt(&f.s, 2, 30, x, NULL);
    f.low = scheme_encrypt(&f.s, 1, 30, x, NULL);
    f.scaled = scheme_encrypt(&f.s, 2, 30.001, x, NULL);
    f.foreign = scheme_encrypt(&f.other, 2, 30, x, NULL);
    f.plain = scheme_encode(&f.s, 2, 30, x, NULL);
    f.plain_low = scheme_encode(&f.s, 1, 30, x, NULL);
    f.plain_foreign = scheme_encode(&f.other, 2, 30, x, NULL);
    f.out = scheme_new(&f.s, 2, 2);
    f.narrow = scheme_new(&f.s, 0, 2);
    f.three = scheme_new(&f.s, 2, 3);
    free(x);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    umbra_ciphertext *all[] = {f->a,       f->b,   f->low,    f->scaled,
                               f->foreign, f->out, f->narrow, f->three};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        umbra_ciphertext_free(all[i]);
    umbra_plaintext_free(f->plain);
    umbra_plaintext_free(f->plain_low);
    umbra_plaintext_free(f->plain_foreign);
    scheme_close(&f->s);
    scheme_close(&f->other);
    return 0;
}

static unsigned char before[UMBRA_HASH_BYTES];

static void hash_of(unsigned char out[UMBRA_HASH_BYTES], const umbra_ciphertext *ct)
{
    unsigned char hashes[3][UMBRA_HASH_BYTES];
    umbra_hash(hashes[0], ct, sizeof *ct);
    umbra_hash(hashes[1], ct->part[0], ct->room_limbs * 8192 * 8);
    umbra_hash(hashes[2], ct->part[1], ct->room_limbs * 8192 * 8);
    umbra_hash(out, hashes, sizeof hashes);
}

static void untouched(const umbra_ciphertext *out)
{
    unsigned char after[UMBRA_HASH_BYTES];
    hash_of(after, out);
    assert_memory_equal(before, after, sizeof after);
}

#define refused(text, call)                                                                        \
    do {                                                                                           \
        hash_of(before, f->out);                                                                   \
        check_fails(UMBRA_E_MISMATCH, (text), (call));                                             \
        untouched(f->out);                                                                         \
    } while (0)

static void sums_are_refused(void **state)
{
    fixture *f = *state;
    umbra_evaluator *e = f->s.evaluator;
    refused("levels 2 and 1", umbra_eval_add(e, f->out, f->a, f->low));
    refused("scales 2^30.000000 and 2^30.001000", umbra_eval_sub(e, f->out, f->a, f->scaled));
    refused("other parameters", umbra_eval_add(e, f->out, f->a, f->foreign));
    refused("other parameters", umbra_eval_add_plain(e, f->out, f->a, f->plain_foreign));
    refused("levels 2 and 1", umbra_eval_add_plain(e, f->out, f->a, f->plain_low));
    refused("other parameters", umbra_eval_negate(e, f->out, f->foreign));
    check_fails(UMBRA_E_MISMATCH, "room for 1 limbs", umbra_eval_negate(e, f->narrow, f->a));
    check_fails(UMBRA_E_MISMATCH, "other parameters", umbra_eval_negate(e, f->foreign, f->a));
    f->b->key_id ^= 1;
    refused("different keys", umbra_eval_add(e, f->out, f->a, f->b));
    refused("different keys", umbra_eval_multiply(e, f->out, f->a, f->b));
    f->b->key_id ^= 1;
    hash_of(before, f->out);
    check_fails(UMBRA_E_INPUT, "does not fit", umbra_eval_add_scalar(e, f->out, f->a, NAN));
    check_fails(UMBRA_E_INPUT, "does not fit", umbra_eval_add_scalar(e, f->out, f->a, 1e60));
    check_fails(UMBRA_E_INPUT, "does not fit",
                umbra_eval_multiply_scalar(e, f->out, f->a, 1e60, 5));
    untouched(f->out);
}

static void products_are_refused(void **state)
{
    fixture *f = *state;
    umbra_evaluator *e = f->s.evaluator, *keyless = NULL;
    check_ok(umbra_evaluator_new(&keyless, f->s.params, NULL, NULL));
    refused("levels 2 and 1", umbra_eval_multiply(e, f->out, f->a, f->low));
    refused("levels 2 and 1", umbra_eval_multiply_plain(e, f->out, f->a, f->plain_low));
    refused("other parameters", umbra_eval_multiply_plain(e, f->out, f->a, f->plain_foreign));
    refused("no relinearisation key", umbra_eval_multiply(keyless, f->out, f->a, f->b));
    refused("no Galois key", umbra_eval_rotate(keyless, f->out, f->a, 1));
    refused("no Galois key", umbra_eval_rotate(e, f->out, f->a, 3));
    refused("2 parts needs no", umbra_eval_relinearise(e, f->out, f->a));
    refused("3 limbs and 2 parts", umbra_eval_multiply_lazy(e, f->out, f->a, f->b));
    check_ok(umbra_eval_multiply_lazy(e, f->three, f->a, f->b));
    refused("3 parts where 2", umbra_eval_rotate(e, f->out, f->three, 1));
    refused("3 parts where 2", umbra_eval_multiply(e, f->out, f->three, f->a));
    f->a->scale_log2 = 120;
    refused("passes the modulus", umbra_eval_multiply(e, f->out, f->a, f->b));
    refused("passes the modulus", umbra_eval_multiply_plain(e, f->out, f->a, f->plain));
    refused("passes the modulus", umbra_eval_multiply_scalar(e, f->out, f->a, 1, 30));
    refused("passes the modulus", umbra_eval_drop_level(e, f->out, f->a, 1));
    f->a->scale_log2 = 30;
    refused("the scale is only 2^30", umbra_eval_rescale(e, f->out, f->a));
    refused("cannot drop to level 2", umbra_eval_drop_level(e, f->out, f->low, 2));
    refused("cannot drop to level -1", umbra_eval_drop_level(e, f->out, f->low, -1));
    umbra_evaluator_free(keyless);
    f->a->key_id ^= 1;
    refused("evaluation keys are for", umbra_eval_rotate(e, f->out, f->a, 1));
    umbra_ciphertext *const outs[1] = {f->out};
    const int64_t step = 1;
    refused("evaluation keys are for", umbra_eval_rotate_hoisted(e, outs, f->a, &step, 1));
    f->a->key_id ^= 1;
}

static void keys_are_refused(void **state)
{
    fixture *f = *state;
    umbra_evaluator *e = NULL;
    umbra_plaintext *pt = f->plain;
    unsigned char seed[UMBRA_SEED_BYTES];
    check_fails(UMBRA_E_MISMATCH, "made for other parameters",
                umbra_evaluator_new(&e, f->s.params, f->other.keys, NULL));
    assert_null(e);
    check_fails(UMBRA_E_MISMATCH, "different parameters",
                umbra_decrypt(pt, f->foreign, f->s.secret));
    check_fails(UMBRA_E_MISMATCH, "room for level 2",
                umbra_decrypt(f->plain_low, f->a, f->s.secret));
    f->a->key_id ^= 1;
    check_fails(UMBRA_E_MISMATCH, "decrypt with the key", umbra_decrypt(pt, f->a, f->s.secret));
    f->a->key_id ^= 1;
    check_fails(UMBRA_E_MISMATCH, "different parameters",
                umbra_encrypt_secret(f->out, seed, f->plain_foreign, f->s.secret));
    check_fails(UMBRA_E_MISMATCH, "no room",
                umbra_encrypt_secret(f->narrow, seed, pt, f->s.secret));
}

static void maps_are_refused(void **state)
{
    fixture *f = *state;
    umbra_evaluator *e = f->s.evaluator;
    static _Alignas(64) int32_t weights[8192];
    static uint64_t limbs[1];
    umbra_diagonal d[2] = {{.coefficients_i32 = weights},
                           {.baby_slots = 1, .coefficients_i32 = weights}};
    umbra_linear_map map = {1, 1, 20, 0, 0, d, 2, NULL, NULL};
    umbra_ciphertext *out[1] = {f->out};
    const umbra_ciphertext *in[2] = {f->a, f->low};
    d[1].baby_slots = 3;
    refused("rotation by 3: no Galois key", umbra_eval_linear_map(e, out, in, &map));
    map.input_count = 2;
    refused("levels 2 and 1", umbra_eval_linear_map(e, out, in, &map));
    map.input_count = 1;
    map.weight_scale_log2 = 130;
    refused("passes the modulus", umbra_eval_linear_map(e, out, in, &map));
    map.weight_scale_log2 = 20;
    d[1].baby_slots = 0;
    check_fails(UMBRA_E_USAGE, "not in order", umbra_eval_linear_map(e, out, in, &map));
    d[1].baby_slots = 4096;
    check_fails(UMBRA_E_USAGE, "diagonal 1", umbra_eval_linear_map(e, out, in, &map));
    d[1].baby_slots = 1;
    d[1].limbs = limbs;
    check_fails(UMBRA_E_USAGE, "2 kinds", umbra_eval_linear_map(e, out, in, &map));
    d[1].limbs = NULL;
    d[1].coefficients_i32 = weights + 1;
    check_fails(UMBRA_E_USAGE, "diagonal 1: weights are not aligned",
                umbra_eval_linear_map(e, out, in, &map));
    d[1].coefficients_i32 = weights;
    map.output_count = 2;
    check_fails(UMBRA_E_USAGE, "output 1 of a linear map has no diagonal",
                umbra_eval_linear_map(e, out, in, &map));
    map.output_count = 1;
    map.diagonal_count = 0;
    check_fails(UMBRA_E_USAGE, "0 diagonals", umbra_eval_linear_map(e, out, in, &map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_refused),
        cmocka_unit_test(products_are_refused),
        cmocka_unit_test(keys_are_refused),
        cmocka_unit_test(maps_are_refused),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
