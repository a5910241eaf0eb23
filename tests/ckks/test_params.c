/* Tests of src/ckks/params*.c: each violated limit is named; the byte form comes back. */
#include "scheme.h"

static umbra_params_literal good(void)
{
    return scheme_chain(12, 1, 30, 24, 1, 20);
}

static void refused(const umbra_params_literal *literal, umbra_code code, const char *text)
{
    umbra_params *params = NULL;
    check_fails(code, text, umbra_params_new(&params, literal));
    assert_null(params);
}

static void each_limit_is_named(void **state)
{
    (void)state;
    umbra_params_literal l = good();
    l.degree_log2 = 11;
    refused(&l, UMBRA_E_INPUT, "ring degree 2^11");
    l = good();
    l.prime_count = 65;
    refused(&l, UMBRA_E_INPUT, "65 data primes");
    l = good();
    l.special_count = 0;
    refused(&l, UMBRA_E_INPUT, "0 special primes");
    l = good();
    l.level_count = 65;
    refused(&l, UMBRA_E_INPUT, "65 levels");
    l = good();
    l.primes[1] += 8192 * 6;
    refused(&l, UMBRA_E_INPUT, "is not a prime");
    l = good();
    l.primes[1] = l.primes[0];
    refused(&l, UMBRA_E_INPUT, "stands twice");
    l = good();
    l.special[0] = l.primes[1];
    refused(&l, UMBRA_E_INPUT, "special prime 0");
    l = good();
    l.primes[0] = ((uint64_t)1 << 50) + 8193;
    refused(&l, UMBRA_E_INPUT, "data prime 0 (1125899906850817) is not between 2^13 and 2^50");
    l = good();
    l.primes[0] = 8209;
    refused(&l, UMBRA_E_INPUT, "is not 1 mod 2N = 2^13");
    l = good();
    l.levels[1].prime_set = 4;
    refused(&l, UMBRA_E_INPUT, "level 1: prime set 0x4 is not among");
    l = good();
    l.levels[0].prime_set = 0;
    refused(&l, UMBRA_E_INPUT, "level 0: prime set 0 is empty");
    l = good();
    l.levels[0].prime_set = 3;
    refused(&l, UMBRA_E_INPUT, "level 1: its modulus");
    l = good();
    l.levels[1].scale_log2 = NAN;
    refused(&l, UMBRA_E_INPUT, "level 1: scale");
    l = good();
    l.levels[1].scale_log2 = 54.5;
    refused(&l, UMBRA_E_INPUT, "level 1: scale");
}

static void security_is_a_limit(void **state)
{
    (void)state;
    static const double limits[] = {106, 214, 430, 868, 1747, 3523};
    for (int d = 12; d <= 17; d++)
        assert_true(umbra_security_limit_log2(d) == limits[d - 12]);
    assert_true(umbra_security_limit_log2(11) == 0 && umbra_security_limit_log2(18) == 0);
    umbra_params_literal l =
        scheme_chain(12, 1, 32, 25, 1, 20); /* 107 bits with the special prime */
    refused(&l, UMBRA_E_SECURITY,
            "log2(QP) = 107.0 passes 106, the limit of ring degree 2^12 at 128");
    l = scheme_chain(12, 1, 31, 24.9, 1, 20); /* 105.9 bits */
    umbra_params *params = NULL;
    check_ok(umbra_params_new(&params, &l));
    assert_true(umbra_params_log2_qp(params) < 106 && umbra_params_log2_qp(params) > 105.8);
    assert_true(fabs(umbra_params_log2_q(params) - 55.9) < 0.02);
    umbra_params_free(params);
}

static void chain_has_the_primes_wanted(void **state)
{
    (void)state;
    const double base[2] = {50, 49}, steps[5] = {50, 50, 40.5, 36, 26};
    umbra_params_literal l;
    check_ok(umbra_params_literal_chain(&l, 15, 2, base, 5, steps, 3, 26));
    assert_int_equal(l.prime_count, 7);
    assert_int_equal(l.level_count, 6);
    for (int i = 0; i < 7; i++) {
        const double want = i < 2 ? base[i] : steps[i - 2];
        assert_true(fabs(log2((double)l.primes[i]) - want) < 0.02);
        assert_true(l.primes[i] % (1 << 16) == 1);
        assert_true(want < 40 || l.primes[i] % (1 << 18) == 1);
    }
    umbra_params *params = NULL;
    check_ok(umbra_params_new(&params, &l));
    int limbs = 0;
    const int *primes = umbra_params_level_primes(params, 3, &limbs);
    assert_int_equal(limbs, 5);
    assert_int_equal(primes[4], 4);
    assert_true(fabs(umbra_params_rescale_log2(params, 3) - 40.5) < 0.02);
    assert_true(umbra_params_level_scale_log2(params, 3) == 26);
    umbra_params_free(params);
    const double large[1] = {51};
    check_fails(UMBRA_E_USAGE, "51.00 bits",
                umbra_params_literal_chain(&l, 15, 1, large, 0, NULL, 1, 26));
    check_fails(UMBRA_E_INPUT, "0 base primes",
                umbra_params_literal_chain(&l, 15, 0, base, 5, steps, 1, 26));
    check_fails(UMBRA_E_INPUT, "17 special primes",
                umbra_params_literal_chain(&l, 15, 1, base, 5, steps, 17, 26));
}

/* As in a plan: squares double the scale, weights bring it back after the division. */
static void scales_return_to_what_they_were(void **state)
{
    (void)state;
    const double base[1] = {50}, steps[3] = {50, 47.3, 38.1};
    umbra_params_literal l;
    umbra_params *params = NULL;
    check_ok(umbra_params_literal_chain(&l, 15, 1, base, 3, steps, 1, 26));
    check_ok(umbra_params_new(&params, &l));
    double other = 27.30078125;
    const double wanted = other;
    for (int i = 0; i < 40; i++) {
        const int level = 1 + i % 3;
        const double weight = wanted + umbra_params_rescale_log2(params, level) - 2 * wanted;
        const double missed = 0x1p-44; /* what sums of doubles below 2^8 may be off by */
        other = umbra_params_rescaled_log2(params, level, 2 * other + weight + missed);
    }
    assert_true(other == wanted);
    const double between = 90 + 0x1p-20 + umbra_params_rescale_log2(params, 1);
    assert_true(fabs(umbra_params_rescaled_log2(params, 1, between) - 90 - 0x1p-20) < 0x1p-40);
    umbra_params_free(params);
}

static void bytes_come_back(void **state)
{
    (void)state;
    const umbra_params_literal l = good();
    umbra_params *params = NULL, *again = NULL;
    umbra_writer writer = {0};
    check_ok(umbra_params_new(&params, &l));
    umbra_params_write(params, &writer);
    check_ok(umbra_writer_check(&writer));
    umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "params");
    check_ok(umbra_params_read(&reader, &again));
    assert_int_equal(umbra_reader_left(&reader), 0);
    assert_memory_equal(umbra_params_hash(params), umbra_params_hash(again), UMBRA_HASH_BYTES);
    umbra_params_free(again);
    again = NULL;
    for (size_t size = 0; size < writer.size; size++) {
        reader = umbra_reader_make(writer.bytes, size, "params");
        check_fails(UMBRA_E_INPUT, "params: truncated", umbra_params_read(&reader, &again));
        assert_null(again);
    }
    writer.bytes[4] ^= 2; /* a bit of the first prime */
    reader = umbra_reader_make(writer.bytes, writer.size, "params");
    check_fails(UMBRA_E_INPUT, "params: data prime 0", umbra_params_read(&reader, &again));
    writer.bytes[1] = 200;
    reader = umbra_reader_make(writer.bytes, writer.size, "params");
    check_fails(UMBRA_E_INPUT, "200 data primes", umbra_params_read(&reader, &again));
    umbra_writer_free(&writer);
    umbra_params_free(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_is_named),
        cmocka_unit_test(security_is_a_limit),
        cmocka_unit_test(chain_has_the_primes_wanted),
        cmocka_unit_test(scales_return_to_what_they_were),
        cmocka_unit_test(bytes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
