/* Tests scalar arithmetic, primality and the search for primes against GMP. */
#include "oracle.h"

#include <math.h>

static void test_scalars(void **state)
{
    (void)state;
    uint64_t seed = 1, primes[8];
    int count = sample_primes(primes, 64);
    assert_int_equal(count, 6);
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    for (int p = 0; p < count; p++) {
        const uint64_t q = primes[p];
        umbra_modulus m;
        assert_int_equal(umbra_modulus_init(&m, q), UMBRA_OK);
        for (int k = 0; k < 5000; k++) {
            uint64_t a = random_below(&seed, q), b = random_below(&seed, q);
            mpz_set_word(x, a);
            mpz_set_word(y, b);
            mpz_mul(y, x, y);
            assert_true(umbra_mod_mul(a, b, &m) == mpz_residue(y, q));
            assert_true(umbra_mod_add(a, b, &m) == (a + b) % q);
            assert_true(umbra_mod_sub(a, b, &m) == (a + q - b) % q);
            mpz_mul_2exp(x, x, 52);
            mpz_set_word(y, q);
            mpz_fdiv_q(x, x, y);
            assert_true(umbra_mod_shoup52(a, &m) == mpz_get_word(x));
            uint64_t any = random_word(&seed);
            any = k % 3 == 0 ? UINT64_MAX - any % 3 : k % 3 == 1 ? any / q * q : any;
            assert_true(umbra_mod_reduce(any, &m) == any % q);
            int64_t s = (int64_t)any;
            mpz_set_si(x, s);
            assert_true(umbra_mod_from_i64(s, &m) == mpz_residue(x, q));
            if (a != 0)
                assert_true(umbra_mod_mul(a, umbra_mod_inverse(a, &m), &m) == 1);
        }
        assert_true(umbra_mod_from_i64(INT64_MIN, &m) == (q - ((uint64_t)1 << 63) % q) % q);
    }
    mpz_clears(x, y, NULL);
}

static void test_primality(void **state)
{
    (void)state;
    uint64_t seed = 2;
    mpz_t x;
    mpz_init(x);
    for (uint64_t n = 0; n < 3000; n++) {
        mpz_set_word(x, n);
        assert_int_equal(umbra_is_prime(n), mpz_probab_prime_p(x, 30) != 0);
    }
    for (int k = 0; k < 5000; k++) {
        uint64_t n = random_word(&seed) >> (k % 50);
        mpz_set_word(x, n);
        assert_int_equal(umbra_is_prime(n), mpz_probab_prime_p(x, 30) != 0);
    }
    /* strong pseudoprimes to many small bases; Carmichael numbers; the largest 64-bit prime */
    assert_false(umbra_is_prime(UINT64_C(3825123056546413051)));
    assert_false(umbra_is_prime(UINT64_C(341550071728321)));
    assert_false(umbra_is_prime(561));
    assert_true(umbra_is_prime(UINT64_C(18446744073709551557)));
    mpz_clear(x);
}

static void test_find_primes(void **state)
{
    (void)state;
    uint64_t primes[40];
    const uint64_t step = (uint64_t)1 << 18;
    assert_int_equal(umbra_find_primes(primes, 20, 45.3, step, NULL, 0), UMBRA_OK);
    assert_int_equal(umbra_find_primes(primes + 20, 20, 45.3, step, primes, 20), UMBRA_OK);
    double sum = 0;
    for (int i = 0; i < 40; i++) {
        assert_true(umbra_is_prime(primes[i]) && primes[i] % step == 1);
        for (int k = 0; k < i; k++)
            assert_true(primes[i] != primes[k]);
        if (i < 20)
            sum += log2((double)primes[i]) - 45.3;
    }
    assert_true(fabs(sum) < 1e-5); /* above and below in balance */
    assert_int_equal(umbra_find_primes(primes, 40, 20.0, step, NULL, 0), UMBRA_E_SECURITY);
    int within = 0; /* all within a factor of two, and not one from further off */
    for (uint64_t x = (1 << 19) + 1; x <= 1 << 21; x += 1 << 14)
        within += umbra_is_prime(x);
    assert_true(within > 3 && within < 40);
    assert_int_equal(umbra_find_primes(primes, within, 20.0, 1 << 14, NULL, 0), UMBRA_OK);
    assert_int_equal(umbra_find_primes(primes, within + 1, 20.0, 1 << 14, NULL, 0),
                     UMBRA_E_SECURITY);
    assert_int_equal(umbra_find_primes(primes, 1, 50.0, step, NULL, 0), UMBRA_E_USAGE);
    assert_int_equal(umbra_find_primes(primes, 1, NAN, step, NULL, 0), UMBRA_E_USAGE);
    assert_int_equal(umbra_find_primes(primes, 1, 40.0, 3, NULL, 0), UMBRA_E_USAGE);
}

static void test_rejected(void **state)
{
    (void)state;
    umbra_modulus m;
    const uint64_t bad[] = {0,
                            1,
                            2,
                            8191,
                            8192,
                            65536,
                            561,
                            (uint64_t)1 << 50,
                            UINT64_C(1125899906842679), /* prime above 2^50 */
                            UINT64_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(umbra_modulus_init(&m, bad[i]), UMBRA_E_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_primality),
        cmocka_unit_test(test_find_primes),
        cmocka_unit_test(test_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
