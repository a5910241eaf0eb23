/* Answers: rounded to the digits that mean something, wrong keys refused, sigmoid at both ends. */
#include "profile_by_hand.h"

#include "client/answer.h"
#include "client/query.h"

#include "ckks/noise.h"

#include <math.h>

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        print_error("%.17g is not within %g of %.17g\n", a, tolerance, b);
        fail();
    }
}

static void rounds_to_the_predicted_grid(void **state)
{
    (void)state;
    umbra_profile profile;
    hand_profile_open(&profile);
    profile.output_error = 0.9 / 64; /* the power of two above is 2^-6 */
    double values[] = {3.1, -0.01, 0.4999, -2.0, 0.0};
    umbra_answer_round(&profile, values, 5);
    for (int i = 0; i < 5; i++)
        assert_near(values[i] * 64, nearbyint(values[i] * 64), 0);
    assert_near(values[0], 3.1, 1.0 / 128);
    assert_near(values[1], -0.01, 1.0 / 128);
    assert_near(values[3], -2, 0);
    hand_profile_close(&profile);
}

static void rounding_is_stable(void **state)
{
    (void)state;
    umbra_profile profile;
    double once[64], twice[64];
    hand_profile_open(&profile);
    for (int i = 0; i < 64; i++)
        once[i] = 5 * sin(i * 2.1);
    umbra_answer_round(&profile, once, 64);
    memcpy(twice, once, sizeof once);
    umbra_answer_round(&profile, twice, 64);
    assert_memory_equal(once, twice, sizeof once);
    umbra_answer_round(&profile, NULL, 0);
    hand_profile_close(&profile);
}

/* An answer near zero is zero, however small its numbers are: they are noise. */
static void noise_alone_is_rounded_away(void **state)
{
    (void)state;
    umbra_profile profile;
    hand_profile_open(&profile);
    double noise[3] = {profile.output_error / 3, -profile.output_error / 3, 1e-300};
    umbra_answer_round(&profile, noise, 3);
    for (int i = 0; i < 3; i++)
        assert_near(noise[i], 0, 0);
    hand_profile_close(&profile);
}

/* A profile that promises too much does not make the client show the noise of encryption. */
static void promises_do_not_go_below_fresh_noise(void **state)
{
    (void)state;
    umbra_profile profile;
    hand_profile_open(&profile);
    double fresh = exp2(umbra_noise_fresh_secret(profile.params) - profile.input_scale_log2) /
                   profile.output_factor;
    double noise = fresh / 3;
    profile.output_error = 1e-30;
    umbra_answer_round(&profile, &noise, 1);
    assert_near(noise, 0, 0);
    hand_profile_close(&profile);
}

static void sigmoid_has_no_overflow(void **state)
{
    (void)state;
    assert_near(umbra_answer_sigmoid(0), 0.5, 0);
    assert_near(umbra_answer_sigmoid(2), 0.88079707797788231, 1e-15);
    for (double x = 0; x < 800; x += 3.3)
        assert_near(umbra_answer_sigmoid(x) + umbra_answer_sigmoid(-x), 1, 1e-15);
    assert_near(umbra_answer_sigmoid(1e308), 1, 0);
    assert_near(umbra_answer_sigmoid(-1e308), 0, 0);
}

/* What leaves the key holder stands on the grid, though what was decrypted does not. */
static void an_answer_is_rounded(void **state)
{
    (void)state;
    umbra_profile profile;
    umbra_secret_key *key = NULL, *other = NULL;
    umbra_ciphertext *query = NULL;
    float tensor[HAND_ELEMENTS];
    double exact[HAND_ELEMENTS], shown[HAND_ELEMENTS];
    unsigned char seed[1][UMBRA_SEED_BYTES];
    hand_profile_open(&profile);
    check_ok(umbra_secret_key_generate(&key, profile.params));
    check_ok(umbra_secret_key_generate(&other, profile.params));
    for (int i = 0; i < HAND_ELEMENTS; i++)
        tensor[i] = (float)(1.9 * cos(i));
    check_ok(umbra_query_encrypt(&profile, key, tensor, HAND_ELEMENTS, &query, seed));
    const umbra_ciphertext *const *list = (const umbra_ciphertext *const *)&query;
    check_ok(umbra_answer_decrypt_tensor(key, &profile.output_layout, profile.output_factor, 1,
                                         list, exact));
    check_ok(umbra_answer_decrypt(&profile, key, 1, list, shown));
    const double grid = 0x1p-7; /* the error of the profile */
    for (int i = 0; i < HAND_ELEMENTS; i++) {
        assert_near(shown[i], exact[i], grid / 2);
        assert_near(shown[i] / grid, nearbyint(shown[i] / grid), 0);
    }
    check_fails(UMBRA_E_MISMATCH, "key", umbra_answer_decrypt(&profile, other, 1, list, shown));
    query->scale_log2 -= 8; /* the noise would come eight bits higher out of the rounding */
    check_fails(UMBRA_E_MISMATCH,
                "scale 2^22.0000, and results of this plan have level 0 and scale "
                "2^30.0000",
                umbra_answer_decrypt(&profile, key, 1, list, shown));
    query->scale_log2 += 8;
    check_ok(umbra_answer_decrypt(&profile, key, 1, list, shown));
    profile.output_level = 1;
    check_fails(UMBRA_E_MISMATCH, "has level 0",
                umbra_answer_decrypt(&profile, key, 1, list, shown));
    umbra_ciphertext_free(query);
    umbra_secret_key_free(key);
    umbra_secret_key_free(other);
    hand_profile_close(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_to_the_predicted_grid),
        cmocka_unit_test(rounding_is_stable),
        cmocka_unit_test(noise_alone_is_rounded_away),
        cmocka_unit_test(promises_do_not_go_below_fresh_noise),
        cmocka_unit_test(sigmoid_has_no_overflow),
        cmocka_unit_test(an_answer_is_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
