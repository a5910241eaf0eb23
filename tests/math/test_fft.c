/* Tests the embedding against naive evaluation in long double, its inverse, and that all sets
 * agree. */
#include "math/fft.h"
#include "oracle.h"

#include <math.h>
#include <stdlib.h>

static double uniform(uint64_t *seed)
{
    return (double)(int64_t)random_word(seed) * 0x1p-63;
}

static double *doubles_new(size_t n)
{
    return (double *)(void *)guarded_new(n);
}

static void doubles_free(double *a, size_t n)
{
    guarded_free((uint64_t *)(void *)a, n);
}

/* m at exp(i pi / N)^(5^j), with the coefficients where the contract puts them; largest difference.
 */
static long double distance(const double *cr, const double *ci, const double *zr, const double *zi,
                            size_t slots, int log2, size_t checks)
{
    const size_t degree = (size_t)1 << log2, gap = degree / (2 * slots);
    const long double unit = acosl(-1.0L) / (long double)degree;
    long double worst = 0;
    size_t power = 1;
    for (size_t j = 0; j < slots && j < checks; j++, power = power * 5 % (2 * degree)) {
        long double sr = 0, si = 0;
        for (size_t k = 0; k < slots; k++) {
            long double angle = unit * (long double)(power * (k * gap) % (2 * degree));
            long double high = unit * (long double)(power * (degree / 2 + k * gap) % (2 * degree));
            sr += cr[k] * cosl(angle) + ci[k] * cosl(high);
            si += cr[k] * sinl(angle) + ci[k] * sinl(high);
        }
        worst = fmaxl(worst, fmaxl(fabsl(sr - zr[j]), fabsl(si - zi[j])));
    }
    return worst;
}

static void test_against_definition(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int log2 = 5; log2 <= 17; log2 += log2 < 11 ? 1 : 3) {
        umbra_fft *fft = NULL;
        assert_int_equal(umbra_fft_new(&fft, log2), UMBRA_OK);
        for (size_t slots = 1; slots <= (size_t)1 << (log2 - 1); slots *= 2) {
            double *zr = doubles_new(slots), *zi = doubles_new(slots), *cr = doubles_new(slots),
                   *ci = doubles_new(slots);
            for (size_t j = 0; j < slots; j++) {
                cr[j] = zr[j] = uniform(&seed);
                ci[j] = zi[j] = uniform(&seed);
            }
            umbra_fft_embed_inverse(fft, cr, ci, slots);
            assert_true(distance(cr, ci, zr, zi, slots, log2, slots > 1024 ? 5 : 64) < 2e-14L);
            umbra_fft_embed(fft, cr, ci, slots);
            for (size_t j = 0; j < slots; j++)
                assert_true(fabs(cr[j] - zr[j]) + fabs(ci[j] - zi[j]) < 1e-14);
            doubles_free(zr, slots);
            doubles_free(zi, slots);
            doubles_free(cr, slots);
            doubles_free(ci, slots);
        }
        umbra_fft_free(fft);
    }
}

/* The same bits from every instruction set, forwards and back. */
static void test_same_bits(void **state)
{
    (void)state;
    enum { LOG2 = 14 };
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    umbra_fft *fft = NULL;
    assert_int_equal(umbra_fft_new(&fft, LOG2), UMBRA_OK);
    for (size_t slots = 1; slots <= (size_t)1 << (LOG2 - 1); slots *= 2) {
        double *first[2] = {doubles_new(slots), doubles_new(slots)};
        for (int s = 0; s < count; s++) {
            uint64_t seed = slots;
            double *a[2] = {doubles_new(slots), doubles_new(slots)};
            for (size_t j = 0; j < slots; j++) {
                a[0][j] = uniform(&seed) * 1e6;
                a[1][j] = uniform(&seed);
            }
            assert_int_equal(setenv("UMBRA_CPU", sets[s]->name, 1), 0);
            assert_int_equal(umbra_kernels_init(), UMBRA_OK);
            for (int step = 0; step < 2; step++) {
                (step ? umbra_fft_embed : umbra_fft_embed_inverse)(fft, a[0], a[1], slots);
                for (int part = 0; part < 2 && s > 0 && step == 1; part++)
                    assert_memory_equal(a[part], first[part], slots * sizeof(double));
            }
            if (s == 0)
                for (int part = 0; part < 2; part++)
                    memcpy(first[part], a[part], slots * sizeof(double));
            doubles_free(a[0], slots);
            doubles_free(a[1], slots);
        }
        doubles_free(first[0], slots);
        doubles_free(first[1], slots);
    }
    assert_int_equal(unsetenv("UMBRA_CPU"), 0);
    umbra_fft_free(fft);
}

/* The Galois element 5^r turns slots to the left by r: multiply exponents and look again. */
static void test_rotation(void **state)
{
    (void)state;
    enum { LOG2 = 8, N = 1 << LOG2, SLOTS = N / 2, BY = 3 };
    uint64_t seed = 13;
    double *zr = doubles_new(SLOTS), *zi = doubles_new(SLOTS), *cr = doubles_new(SLOTS),
           *ci = doubles_new(SLOTS), turned[N];
    umbra_fft *fft = NULL;
    assert_int_equal(umbra_fft_new(&fft, LOG2), UMBRA_OK);
    for (int j = 0; j < SLOTS; j++) {
        cr[j] = zr[j] = uniform(&seed);
        ci[j] = zi[j] = uniform(&seed);
    }
    umbra_fft_embed_inverse(fft, cr, ci, SLOTS);
    const uint32_t galois = umbra_galois_of_rotation(LOG2, BY);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t to = i * galois % (2 * N);
        double value = i < SLOTS ? cr[i] : ci[i - SLOTS];
        turned[to % N] = to < N ? value : -value;
    }
    umbra_fft_embed(fft, turned, turned + SLOTS, SLOTS);
    for (int j = 0; j < SLOTS; j++)
        assert_true(fabs(turned[j] - zr[(j + BY) % SLOTS]) +
                        fabs(turned[SLOTS + j] - zi[(j + BY) % SLOTS]) <
                    1e-13);
    doubles_free(zr, SLOTS);
    doubles_free(zi, SLOTS);
    doubles_free(cr, SLOTS);
    doubles_free(ci, SLOTS);
    umbra_fft_free(fft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_definition),
                                       cmocka_unit_test(test_same_bits),
                                       cmocka_unit_test(test_rotation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
