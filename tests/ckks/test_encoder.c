/* Tests of src/ckks/encoder.c and decoder.c. */
#include "ckks/weights.h"
#include "scheme.h"

typedef struct codec {
    umbra_params *params;
    umbra_plaintext *pt;
    double *re, *im, *back_re, *back_im;
} codec;

static void codec_open(codec *c, const umbra_params_literal *literal, int level)
{
    check_ok(umbra_params_new(&c->params, literal));
    check_ok(umbra_plaintext_new(&c->pt, c->params, level));
    const size_t slots = umbra_params_slots(c->params);
    c->re = scheme_vector(slots, 1);
    c->im = scheme_vector(slots, 2);
    c->back_re = malloc(slots * sizeof(double));
    c->back_im = malloc(slots * sizeof(double));
    assert_true(c->back_re != NULL && c->back_im != NULL);
}

static void codec_close(codec *c)
{
    umbra_plaintext_free(c->pt);
    umbra_params_free(c->params);
    free(c->re);
    free(c->im);
    free(c->back_re);
    free(c->back_im);
}

static double deviation_log2(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return 0.5 * log2(sum / (double)count + 1e-300);
}

/* Every sparsity, real and complex; the rounding error is the predicted one, down to the 53 bits of
 * a double. */
static void check_scale(double scale_log2)
{
    const umbra_params_literal literal = scheme_chain(13, 2, 50, 50, 1, 30);
    codec c;
    codec_open(&c, &literal, 2);
    double *zeros = calloc(umbra_params_slots(c.params), sizeof *zeros);
    assert_non_null(zeros);
    for (size_t count = 1; count <= umbra_params_slots(c.params); count *= 2)
        for (int complex = 0; complex < 2; complex++) {
            check_ok(umbra_encode(c.pt, scale_log2, c.re, complex ? c.im : NULL, count));
            assert_true(c.pt->scale_log2 == scale_log2);
            check_ok(umbra_decode(c.pt, c.back_re, c.back_im, count));
            const double real = deviation_log2(c.re, c.back_re, count) + scale_log2;
            const double floor_log2 = scale_log2 - 48; /* of the FFT in double precision */
            assert_true(real < fmax(c.pt->noise_log2 + (count < 64 ? 3 : 0.5), floor_log2));
            assert_true(count < 64 || floor_log2 > 0 || real > c.pt->noise_log2 - 1.5);
            const double imaginary = deviation_log2(complex ? c.im : zeros, c.back_im, count);
            assert_true(imaginary <
                        fmax(c.pt->noise_log2 - scale_log2 + (count < 64 ? 3 : 0.5), -48));
        }
    free(zeros);
    codec_close(&c);
}

static void every_sparsity(void **state)
{
    (void)state;
    check_scale(30);
    check_scale(30.37);
    check_scale(52);
    check_scale(76);
    check_scale(100);
}

/* A sparse vector repeats over all slots. */
static void sparse_repeats(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(12, 0, 50, 0, 1, 30);
    codec c;
    codec_open(&c, &literal, 0);
    check_ok(umbra_encode(c.pt, 30, c.re, NULL, 8));
    check_ok(umbra_decode(c.pt, c.back_re, NULL, 2048));
    for (size_t i = 0; i < 2048; i++)
        assert_true(fabs(c.back_re[i] - c.re[i % 8]) < 0x1p-25);
    codec_close(&c);
}

static void large_values_and_levels(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(13, 2, 50, 50, 1, 30);
    codec c;
    codec_open(&c, &literal, 2);
    for (size_t i = 0; i < 4096; i++)
        c.re[i] *= 1000;
    check_ok(umbra_encode(c.pt, 90, c.re, NULL, 4096));
    assert_true(c.pt->message_log2 == 10);
    check_ok(umbra_decode(c.pt, c.back_re, NULL, 4096));
    assert_true(deviation_log2(c.re, c.back_re, 4096) < -36);
    /* Beyond 110 bits a power of two stays outside of the words that are rounded. */
    check_ok(umbra_encode(c.pt, 116.5, c.re, NULL, 4096));
    check_ok(umbra_decode(c.pt, c.back_re, NULL, 4096));
    assert_true(deviation_log2(c.re, c.back_re, 4096) < -36);
    check_fails(UMBRA_E_INPUT, "do not fit", umbra_encode(c.pt, 140.5, c.re, NULL, 4096));
    umbra_plaintext *low = NULL;
    check_ok(umbra_plaintext_new(&low, c.params, 0));
    check_ok(umbra_encode(low, 38, c.re, NULL, 4096));
    check_fails(UMBRA_E_INPUT, "level 0 (2^49.0)", umbra_encode(low, 39, c.re, NULL, 4096));
    low->level = 2; /* of more limbs than it was made for */
    check_fails(UMBRA_E_MISMATCH, "room of 1 limbs", umbra_encode(low, 38, c.re, NULL, 4096));
    low->level = 0;
    umbra_plaintext_free(low);
    codec_close(&c);
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(12, 0, 50, 0, 1, 30);
    codec c;
    int32_t small[4096] = {77};
    codec_open(&c, &literal, 0);
    memset(c.pt->limbs, 7, 64);
    const uint64_t before = c.pt->limbs[0];
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        const double kept = c.re[100];
        c.re[100] = bad[i];
        check_fails(UMBRA_E_INPUT, "not finite", umbra_encode(c.pt, 30, c.re, NULL, 2048));
        check_fails(UMBRA_E_INPUT, "not finite", umbra_encode(c.pt, 30, c.im, c.re, 2048));
        check_fails(UMBRA_E_INPUT, "not finite",
                    umbra_encode_coefficients_i32(c.params, small, 20, c.re, 2048));
        c.re[100] = kept;
    }
    check_fails(UMBRA_E_INPUT, "4096 values", umbra_encode(c.pt, 30, c.re, NULL, 4096));
    check_fails(UMBRA_E_INPUT, "3 values", umbra_encode(c.pt, 30, c.re, NULL, 3));
    check_fails(UMBRA_E_INPUT, "0 values", umbra_decode(c.pt, c.re, NULL, 0));
    c.re[0] = 3.0;
    check_fails(UMBRA_E_INPUT, "32 bits",
                umbra_encode_coefficients_i32(c.params, small, 30, c.re, 1));
    assert_true(c.pt->limbs[0] == before && small[0] == 77);
    codec_close(&c);
}

static void coefficients_are_those_of_encode(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(12, 0, 50, 0, 1, 30);
    codec c;
    int32_t small[4096];
    _Alignas(64) int64_t wide[4096];
    codec_open(&c, &literal, 0);
    uint64_t *limb = NULL;
    void *memory = NULL;
    check_ok(umbra_memory_alloc(&memory, sizeof wide, "test"));
    limb = memory;
    const umbra_ntt *ntt = umbra_params_ntt(c.params, 0);
    for (int i = 0; i < 2; i++) {
        const double scale = i == 0 ? 24 : 45;
        check_ok(umbra_encode(c.pt, scale, c.re, NULL, 2048));
        check_ok(umbra_encode_coefficients_i64(c.params, wide, scale, c.re, 2048));
        umbra_params_kernels(c.params)->reduce_i64(limb, wide, 4096, &ntt->modulus);
        umbra_params_kernels(c.params)->ntt_forward(limb, limb, ntt);
        assert_memory_equal(limb, c.pt->limbs, sizeof wide);
        if (i == 0)
            check_ok(umbra_encode_coefficients_i32(c.params, small, scale, c.re, 2048));
        for (int k = 0; i == 0 && k < 4096; k++)
            assert_true(small[k] == wide[k]);
        assert_true(wide[2048] == 0);
        for (int k = 1; k < 2048; k++)
            assert_true(wide[k] == -wide[4096 - k]);
    }
    umbra_memory_free(memory);
    codec_close(&c);
}

/* Rounded once, to the nearest: the same in 32 bits as in 64, where C's own function rounds. */
static void weights_are_rounded(void **state)
{
    (void)state;
    const umbra_params_literal literal = scheme_chain(12, 0, 50, 0, 1, 30);
    int32_t small[4096];
    int64_t wide[4096];
    double scratch[4096];
    codec c;
    codec_open(&c, &literal, 0);
    for (size_t count = 1; count <= 2048; count *= 2)
        for (int complex = 0; complex < 2; complex++) {
            const double *im = complex ? c.im : NULL;
            check_ok(umbra_encode_weights_i64(c.params, wide, 20.3, c.re, im, count, scratch));
            check_ok(umbra_encode_weights_i32(c.params, small, 20.3, c.re, im, count, scratch));
            for (size_t k = 0; k < 2 * count; k++)
                assert_true(small[k] == wide[k]);
        }
    codec_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_rounded),
        cmocka_unit_test(every_sparsity),
        cmocka_unit_test(sparse_repeats),
        cmocka_unit_test(large_values_and_levels),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(coefficients_are_those_of_encode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
