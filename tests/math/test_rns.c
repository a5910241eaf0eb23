/* Tests base conversion against the Chinese remainder theorem in GMP. */
#include "math/rns.h"
#include "oracle.h"

#include <stdlib.h>

#define N 1040 /* two blocks and a part */
#define LIMBS_MAX 63
#define TARGETS 5

typedef struct world {
    int count;
    umbra_modulus from[LIMBS_MAX], to[TARGETS];
    const umbra_modulus *from_pointers[LIMBS_MAX], *to_pointers[TARGETS];
    uint64_t *a[LIMBS_MAX], *r[TARGETS];
    mpz_t product, x[N]; /* the numbers, in [0, product) */
} world;

/* Numbers at 0, at the ends, around half the product, and random. margin: of product / 2^margin. */
static void choose(world *w, gmp_randstate_t random, int margin)
{
    mpz_t half, gap;
    mpz_inits(half, gap, NULL);
    mpz_fdiv_q_2exp(half, w->product, 1);
    mpz_fdiv_q_2exp(gap, w->product, (mp_bitcnt_t)margin);
    for (int i = 0; i < N; i++) {
        mpz_urandomm(w->x[i], random, w->product);
        if (i % 6 == 0)
            mpz_set_ui(w->x[i], (unsigned long)(i / 6 % 5));
        if (i % 6 == 1)
            mpz_sub_ui(w->x[i], w->product, (unsigned long)(i / 6 % 5 + 1));
        if (i % 6 == 2)
            mpz_sub(w->x[i], half, gap);
        if (i % 6 == 3)
            mpz_add(w->x[i], half, gap);
        if (i % 6 == 2 || i % 6 == 3)
            mpz_add_ui(w->x[i], w->x[i], (unsigned long)(i / 6 % 3));
        for (int k = 0; k < w->count; k++)
            w->a[k][i] = mpz_residue(w->x[i], w->from[k].q);
    }
    mpz_clears(half, gap, NULL);
}

static void world_start(world *w, int count)
{
    uint64_t primes[LIMBS_MAX], targets[TARGETS];
    w->count = count;
    assert_int_equal(umbra_find_primes(primes, count, count % 2 ? 49.9999 : 36.5, 1 << 12, NULL, 0),
                     UMBRA_OK);
    assert_int_equal(umbra_find_primes(targets, TARGETS - 1, 45.0, 1 << 12, primes, count),
                     UMBRA_OK);
    targets[TARGETS - 1] = 65537;
    mpz_init_set_ui(w->product, 1);
    for (int k = 0; k < count; k++) {
        assert_int_equal(umbra_modulus_init(&w->from[k], primes[k]), UMBRA_OK);
        w->from_pointers[k] = &w->from[k];
        w->a[k] = guarded_new(N);
        mpz_mul_ui(w->product, w->product, primes[k]);
    }
    for (int k = 0; k < TARGETS; k++) {
        assert_int_equal(umbra_modulus_init(&w->to[k], targets[k]), UMBRA_OK);
        w->to_pointers[k] = &w->to[k];
        w->r[k] = guarded_new(N);
    }
    for (int i = 0; i < N; i++)
        mpz_init(w->x[i]);
}

static void world_end(world *w)
{
    for (int k = 0; k < w->count; k++)
        guarded_free(w->a[k], N);
    for (int k = 0; k < TARGETS; k++)
        guarded_free(w->r[k], N);
    for (int i = 0; i < N; i++)
        mpz_clear(w->x[i]);
    mpz_clear(w->product);
}

/* The error of the approximate form is e*A with one e in [0, count) for all targets. */
static void check_approximate(world *w)
{
    mpz_t candidate;
    mpz_init(candidate);
    for (int i = 0; i < N; i++) {
        int e = 0, fits = 0;
        mpz_set(candidate, w->x[i]);
        for (; e < w->count && !fits; e++) {
            fits = 1;
            for (int k = 0; k < TARGETS; k++)
                fits &= w->r[k][i] == mpz_residue(candidate, w->to[k].q);
            mpz_add(candidate, candidate, w->product);
        }
        assert_true(fits);
    }
    mpz_clear(candidate);
}

static void check_exact(world *w)
{
    mpz_t x;
    mpz_init(x);
    for (int i = 0; i < N; i++) {
        mpz_mul_2exp(x, w->x[i], 1);
        int upper = mpz_cmp(x, w->product) > 0;
        mpz_set(x, w->x[i]);
        if (upper)
            mpz_sub(x, x, w->product);
        for (int k = 0; k < TARGETS; k++)
            assert_true(w->r[k][i] == mpz_residue(x, w->to[k].q));
    }
    mpz_clear(x);
}

static void test_conversions(void **state)
{
    (void)state;
    const int counts[] = {1, 2, 3, 8, 15, 16, 62, LIMBS_MAX};
    const umbra_kernels *sets[4];
    const int set_count = umbra_kernels_all(sets);
    gmp_randstate_t random;
    gmp_randinit_default(random);
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        world_start(w, counts[c]);
        umbra_base_conversion *conversion = NULL;
        assert_int_equal(umbra_base_conversion_new(&conversion, w->from_pointers, w->count,
                                                   w->to_pointers, TARGETS),
                         UMBRA_OK);
        const size_t words = umbra_base_conversion_scratch_bytes(conversion, N) / 8;
        for (int s = 0; s < set_count; s++) {
            uint64_t *scratch = guarded_new(words);
            assert_int_equal(setenv("UMBRA_CPU", sets[s]->name, 1), 0);
            assert_int_equal(umbra_kernels_init(), UMBRA_OK);
            const uint64_t *const *from = (const uint64_t *const *)w->a;
            choose(w, random, 39);
            umbra_base_convert_approximate(conversion, w->r, from, N, scratch);
            check_approximate(w);
            umbra_base_convert_exact(conversion, w->r, from, N, scratch);
            check_exact(w);
            guarded_free(scratch, words);
        }
        umbra_base_conversion_free(conversion);
        world_end(w);
    }
    assert_int_equal(unsetenv("UMBRA_CPU"), 0);
    free(w);
    gmp_randclear(random);
}

static void test_rejected(void **state)
{
    (void)state;
    umbra_modulus m;
    assert_int_equal(umbra_modulus_init(&m, 65537), UMBRA_OK);
    const umbra_modulus *from[64];
    for (int k = 0; k < 64; k++)
        from[k] = &m;
    umbra_base_conversion *conversion = NULL;
    assert_int_equal(umbra_base_conversion_new(&conversion, from, 0, from, 1), UMBRA_E_USAGE);
    assert_int_equal(umbra_base_conversion_new(&conversion, from, 64, from, 1), UMBRA_E_USAGE);
    assert_int_equal(umbra_base_conversion_new(&conversion, from, 2, from, 1), UMBRA_E_USAGE);
    assert_null(conversion);
    umbra_base_conversion_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conversions),
                                       cmocka_unit_test(test_rejected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
