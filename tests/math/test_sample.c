/* Tests the samplers: the Gaussian table against GMP, distributions by chi-square, streams by known
 * answers. */
#include "math/gaussian_table.h"
#include "math/sample.h"
#include "oracle.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

static const unsigned char seed[UMBRA_SEED_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

/* exp(-25/512) * 2^300, as -k^2 / (2 * 3.2^2) = -25 k^2 / 512, by Taylor's series in fixed point.
 */
static void exponential(mpz_t base)
{
    mpz_t term;
    mpz_init_set_ui(term, 1);
    mpz_mul_2exp(term, term, 300);
    mpz_set(base, term);
    for (unsigned long k = 1; k < 100; k++) {
        mpz_mul_si(term, term, -25);
        mpz_tdiv_q_ui(term, term, 512 * k);
        mpz_add(base, base, term);
    }
    mpz_clear(term);
}

static void test_gaussian_table(void **state)
{
    (void)state;
    enum { TERMS = 75 };
    mpz_t base, rho[TERMS], total, mass, entry, expected;
    mpz_inits(base, total, mass, entry, expected, NULL);
    exponential(base);
    for (int k = 0; k < TERMS; k++) { /* rho[k] = base^(k^2) = rho[k-1] * base^(2k-1) */
        mpz_init_set_ui(rho[k], 1);
        mpz_mul_2exp(rho[k], rho[k], 300);
        if (k > 0)
            mpz_set(rho[k], rho[k - 1]);
        for (int i = 0; i < 2 * k - 1; i++) {
            mpz_mul(rho[k], rho[k], base);
            mpz_fdiv_q_2exp(rho[k], rho[k], 300);
        }
        mpz_addmul_ui(total, rho[k], k == 0 ? 1 : 2);
    }
    for (int k = 0; k < UMBRA_GAUSSIAN_CUT; k++) {
        mpz_addmul_ui(mass, rho[k], k == 0 ? 1 : 2);
        mpz_mul_2exp(expected, mass, 128); /* twice the value, to round to nearest */
        mpz_fdiv_q(expected, expected, total);
        mpz_add_ui(expected, expected, 1);
        mpz_fdiv_q_2exp(expected, expected, 1);
        mpz_set_word(entry, umbra_gaussian_table[k][0]);
        mpz_mul_2exp(entry, entry, 64);
        mpz_set_word(base, umbra_gaussian_table[k][1]);
        mpz_add(entry, entry, base);
        assert_int_equal(mpz_cmp(entry, expected), 0);
    }
    for (int k = 0; k < TERMS; k++)
        mpz_clear(rho[k]);
    mpz_clears(base, total, mass, entry, expected, NULL);
}

/* The Gaussian from the stream itself: the same bytes, compared as whole numbers in GMP. */
static void test_gaussian_definition(void **state)
{
    (void)state;
    enum { N = 2000 };
    static int32_t r[N];
    static unsigned char bytes[16 * N];
    const unsigned char nonce[8] = {'8', '2', '1', 's', 's', 'u', 'a', 'g'};
    crypto_stream_chacha20(bytes, sizeof bytes, nonce, seed);
    umbra_sample_gaussian(r, N, seed);
    mpz_t u, entry, low;
    mpz_inits(u, entry, low, NULL);
    for (int i = 0; i < N; i++) {
        int negative = bytes[16 * i + 15] >> 7, magnitude = 0;
        mpz_import(u, 16, -1, 1, 0, 0, bytes + 16 * i);
        mpz_clrbit(u, 127);
        for (int k = 0; k < UMBRA_GAUSSIAN_CUT; k++) {
            mpz_set_word(entry, umbra_gaussian_table[k][0]);
            mpz_mul_2exp(entry, entry, 64);
            mpz_set_word(low, umbra_gaussian_table[k][1]);
            mpz_add(entry, entry, low);
            magnitude += mpz_cmp(u, entry) >= 0;
        }
        assert_int_equal(r[i], negative ? -magnitude : magnitude);
    }
    mpz_clears(u, entry, low, NULL);
}

/* Every set on numbers at, just below and just above each entry, and across its middle carry. */
static void test_gaussian_edges(void **state)
{
    (void)state;
    enum { EACH = 8, N = (EACH * UMBRA_GAUSSIAN_CUT + 15) / 16 * 16 };
    static uint64_t words[2 * N];
    static int32_t r[N], expected[N];
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    uint64_t state_word = 11;
    for (int i = 0; i < N; i++) {
        const int k = i / EACH % UMBRA_GAUSSIAN_CUT, edge = i % EACH;
        uint64_t high = umbra_gaussian_table[k][0], low = umbra_gaussian_table[k][1];
        const uint64_t lows[EACH] = {low,
                                     low - 1,
                                     low + 1,
                                     0,
                                     UINT64_MAX,
                                     UINT64_C(1) << 63,
                                     ~(UINT64_C(1) << 63),
                                     random_word(&state_word)};
        int magnitude = 0;
        for (int j = 0; j < UMBRA_GAUSSIAN_CUT; j++)
            magnitude +=
                umbra_gaussian_table[j][0] < high ||
                (umbra_gaussian_table[j][0] == high && umbra_gaussian_table[j][1] <= lows[edge]);
        const int negative = i / 3 % 2;
        words[2 * i] = lows[edge];
        words[2 * i + 1] = high | (uint64_t)negative << 63;
        expected[i] = negative ? -magnitude : magnitude;
    }
    for (int s = 0; s < count; s++) {
        memset(r, 0x55, sizeof r);
        sets[s]->gaussian(r, (const unsigned char *)words, N);
        for (int i = 0; i < N; i++)
            assert_int_equal(r[i], expected[i]);
    }
}

static void test_gaussian_distribution(void **state)
{
    (void)state;
    enum { N = 1 << 20, SPAN = 12 };
    int32_t *r = malloc(N * sizeof *r);
    assert_non_null(r);
    umbra_sample_gaussian(r, N, seed);
    double counts[2 * SPAN + 1] = {0}, sum = 0, squares = 0, total = 0, chi = 0;
    for (int i = 0; i < N; i++) {
        assert_true(r[i] >= -UMBRA_GAUSSIAN_CUT && r[i] <= UMBRA_GAUSSIAN_CUT);
        int bin = r[i] < -SPAN ? -SPAN : r[i] > SPAN ? SPAN : r[i];
        counts[bin + SPAN]++;
        sum += r[i];
        squares += (double)r[i] * r[i];
    }
    double expected[2 * SPAN + 1] = {0};
    for (int k = -60; k <= 60; k++) {
        int bin = k < -SPAN ? -SPAN : k > SPAN ? SPAN : k;
        double rho = exp(-k * k / (2 * 3.2 * 3.2));
        expected[bin + SPAN] += rho;
        total += rho;
    }
    for (int k = 0; k <= 2 * SPAN; k++) {
        double e = expected[k] / total * N;
        chi += (counts[k] - e) * (counts[k] - e) / e;
    }
    assert_true(chi < 55 && chi > 7); /* 24 degrees of freedom: 0.03 % above, 0.02 % below */
    assert_true(fabs(sum / N) < 4 * 3.2 / 1024);
    assert_true(fabs(sqrt(squares / N) - 3.2) < 4 * 3.2 / sqrt(2.0 * N));
    free(r);
}

static void test_ternary(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    int32_t *r = malloc(N * sizeof *r);
    assert_non_null(r);
    umbra_sample_ternary(r, N, seed);
    double counts[3] = {0}, pairs[9] = {0}, chi = 0;
    for (int i = 0; i < N; i++) {
        assert_true(r[i] >= -1 && r[i] <= 1);
        counts[r[i] + 1]++;
        if (i % 2)
            pairs[3 * (r[i - 1] + 1) + r[i] + 1]++;
    }
    for (int k = 0; k < 3; k++)
        chi += (counts[k] - N / 3.0) * (counts[k] - N / 3.0) / (N / 3.0);
    assert_true(chi < 16); /* 2 degrees of freedom: 0.03 % */
    chi = 0;
    for (int k = 0; k < 9; k++)
        chi += (pairs[k] - N / 18.0) * (pairs[k] - N / 18.0) / (N / 18.0);
    assert_true(chi < 29); /* 8 degrees of freedom */
    free(r);
}

static void test_uniform(void **state)
{
    (void)state;
    enum { N = 1 << 16, BINS = 64 };
    uint64_t primes[8], *r = guarded_new(N), *other = guarded_new(N);
    const int count = sample_primes(primes, 64);
    for (int p = 0; p < count; p++) {
        umbra_modulus m;
        assert_int_equal(umbra_modulus_init(&m, primes[p]), UMBRA_OK);
        umbra_sample_uniform(r, N, &m, seed, 7);
        double counts[BINS] = {0}, chi = 0;
        for (int i = 0; i < N; i++) {
            assert_true(r[i] < m.q);
            counts[(int)((double)r[i] / (double)m.q * BINS)]++;
        }
        for (int k = 0; k < BINS; k++)
            chi += (counts[k] - N / BINS) * (counts[k] - N / BINS) / (N / BINS);
        assert_true(chi < 110 && chi > 30); /* 63 degrees of freedom */
        /* a shorter request is a beginning of a longer one; another stream is another */
        umbra_sample_uniform(other, 1000, &m, seed, 7);
        assert_words_equal(other, r, 1000, "beginning of the stream");
        umbra_sample_uniform(other, N, &m, seed, 8);
        assert_memory_not_equal(other, r, N * sizeof *r);
    }
    guarded_free(r, N);
    guarded_free(other, N);
}

/* Candidates by the written format: chunks of 4096 bytes, a candidate at each ceil(bits/8)-th byte.
 */
static void test_uniform_definition(void **state)
{
    (void)state;
    enum { N = 3000 };
    static unsigned char bytes[1 << 16];
    const unsigned char nonce[8] = {0x34, 0x12};
    umbra_modulus m;
    uint64_t q;
    const double sizes[] = {49.99, 48.02, 40.01, 20.5};
    uint64_t *r = guarded_new(N);
    crypto_stream_chacha20(bytes, sizeof bytes, nonce, seed);
    for (int s = 0; s < 4; s++) {
        assert_int_equal(umbra_find_primes(&q, 1, sizes[s], 64, NULL, 0), UMBRA_OK);
        assert_int_equal(umbra_modulus_init(&m, q), UMBRA_OK);
        umbra_sample_uniform(r, N, &m, seed, 0x1234);
        size_t made = 0, width = (size_t)(m.bits + 7) / 8;
        for (size_t chunk = 0; made < N; chunk += 4096)
            for (size_t at = 0; at + 8 <= 4096 && made < N; at += width) {
                uint64_t x = 0;
                for (size_t k = 0; k < width; k++)
                    x |= (uint64_t)bytes[chunk + at + k] << (8 * k);
                x %= (uint64_t)1 << m.bits;
                if (x < q)
                    assert_true(r[made++] == x);
            }
    }
    guarded_free(r, N);
}

static void test_seeds(void **state)
{
    (void)state;
    unsigned char a[UMBRA_SEED_BYTES], b[UMBRA_SEED_BYTES], expected[UMBRA_SEED_BYTES];
    const unsigned char message[] = {'k', 'e', 'y', 0, 5, 1, 0, 0, 0, 0, 0, 0};
    assert_int_equal(umbra_seed_random(a), UMBRA_OK);
    assert_int_equal(umbra_seed_random(b), UMBRA_OK);
    assert_memory_not_equal(a, b, sizeof a);
    umbra_seed_derive(a, seed, "key", 0x105);
    assert_int_equal(
        crypto_generichash(expected, sizeof expected, message, sizeof message, seed, sizeof seed),
        0);
    assert_memory_equal(a, expected, sizeof a);
    umbra_seed_derive(b, seed, "key", 0x106);
    assert_memory_not_equal(a, b, sizeof a);
    umbra_seed_derive(b, seed, "kez", 0x105);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaussian_table),
        cmocka_unit_test(test_gaussian_definition),
        cmocka_unit_test(test_gaussian_edges),
        cmocka_unit_test(test_gaussian_distribution),
        cmocka_unit_test(test_ternary),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_uniform_definition),
        cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
