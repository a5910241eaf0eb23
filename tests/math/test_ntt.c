/* Tests the transforms of every instruction set against GMP, and the automorphisms by their
 * identities. */
#include "oracle.h"

#include <math.h>

static uint32_t reverse(uint32_t x, int bits)
{
    uint32_t r = 0;
    for (int i = 0; i < bits; i++)
        r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}

/* a(psi^(2*bitrev(j)+1)) by Horner's rule in GMP. */
static uint64_t evaluate(const uint64_t *a, uint32_t j, const umbra_ntt *ntt)
{
    mpz_t q, x, y, t;
    mpz_inits(q, x, y, t, NULL);
    mpz_set_word(q, ntt->modulus.q);
    mpz_set_word(x, ntt->psi);
    mpz_powm_ui(x, x, 2 * reverse(j, ntt->degree_log2) + 1, q);
    for (size_t i = ntt->degree; i-- > 0;) {
        mpz_mul(y, y, x);
        mpz_set_word(t, a[i]);
        mpz_add(y, y, t);
        mpz_mod(y, y, q);
    }
    uint64_t result = mpz_get_word(y);
    mpz_clears(q, x, y, t, NULL);
    return result;
}

/* psi is the smallest root of X^N + 1: of order 2N, and no odd power of it is below. */
static void check_psi(const umbra_ntt *ntt)
{
    mpz_t q, x, square, power;
    mpz_inits(q, x, square, power, NULL);
    mpz_set_word(q, ntt->modulus.q);
    mpz_set_word(x, ntt->psi);
    mpz_powm_ui(power, x, ntt->degree, q);
    mpz_add_ui(power, power, 1);
    assert_true(mpz_cmp(power, q) == 0);
    mpz_mul(square, x, x);
    mpz_set(power, x);
    for (size_t i = 1; i < ntt->degree && i < 5000; i++) {
        mpz_mul(power, power, square);
        mpz_mod(power, power, q);
        assert_true(mpz_cmp(power, x) > 0);
    }
    mpz_clears(q, x, square, power, NULL);
}

/* Every set: forward, in place too, and back; all words against `expected`. */
static void check_sets(const uint64_t *a, const uint64_t *expected, const umbra_ntt *ntt)
{
    const size_t n = ntt->degree;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    for (int s = 0; s < count; s++) {
        uint64_t *r = guarded_new(n), *back = guarded_new(n);
        sets[s]->ntt_forward(r, a, ntt);
        assert_words_equal(r, expected, n, sets[s]->name);
        sets[s]->ntt_inverse(back, r, ntt);
        assert_words_equal(back, a, n, sets[s]->name);
        sets[s]->ntt_forward(back, back, ntt);
        assert_words_equal(back, expected, n, sets[s]->name);
        sets[s]->ntt_inverse(back, back, ntt);
        assert_words_equal(back, a, n, sets[s]->name);
        guarded_free(r, n);
        guarded_free(back, n);
    }
}

/* y * root / q as the transforms in doubles have it, less the whole number that it is truly above:
 * 0 where the product that they take is y * root mod q, 1 where it is that less q. */
static long quotient_excess(double y, double root, const umbra_modulus *m)
{
    mpz_t x, w, q;
    mpz_inits(x, w, q, NULL);
    mpz_set_d(x, y);
    mpz_set_d(w, root);
    mpz_set_word(q, m->q);
    mpz_mul(x, x, w);
    mpz_fdiv_q(x, x, q);
    mpz_set_d(w, rint(y * (root * m->inverse)));
    mpz_sub(w, w, x);
    const long excess = mpz_get_si(w);
    mpz_clears(x, w, q, NULL);
    return excess;
}

/* The input whose word 0 grows most in lazy transforms: at each level a product is added to it that
 * is half of q or, where the quotient of doubles is off, up to 11/16 of it. Partners are zero, so
 * that word N >> (l + 1) arrives at level l as it is, or centred by level 3. */
static void fill_growing(uint64_t *a, const umbra_ntt *ntt, uint64_t *seed)
{
    const umbra_modulus *m = &ntt->modulus;
    const uint64_t q = m->q;
    memset(a, 0, ntt->degree * sizeof *a);
    a[0] = q - 1;
    for (int l = 0; l < ntt->degree_log2; l++) {
        const size_t root = (size_t)1 << l, at = ntt->degree >> (l + 1);
        const uint64_t inverse = umbra_mod_inverse(ntt->roots[root], m);
        uint64_t most = (q - 1) / 2;
        a[at] = umbra_mod_mul(most, inverse, m);
        for (int k = 0; k < 64; k++) {
            const uint64_t product = most + random_below(seed, (11 * (q / 16) + 1) - most);
            const uint64_t y = umbra_mod_mul(product, inverse, m);
            const double arrives = l > 3 && y > q / 2 ? -(double)(q - y) : (double)y;
            if (quotient_excess(arrives, ntt->roots_centred[root], m) != 0)
                continue;
            most = product;
            a[at] = y;
        }
    }
}

/* 0 to 4 are the ends of what transforms are given; above: random. */
static void fill_pattern(uint64_t *a, const umbra_ntt *ntt, int pattern, uint64_t *seed)
{
    const size_t n = ntt->degree;
    const uint64_t q = ntt->modulus.q;
    const umbra_kernels *sets[4];
    fill_below(a, n, q, seed);
    for (size_t i = 0; i < n && pattern < 3; i++)
        a[i] = pattern == 0 ? 0 : pattern == 1 ? q - 1 : i % 2 ? q - 1 : 0;
    if (pattern == 3)
        fill_growing(a, ntt, seed);
    if (pattern != 4)
        return;
    /* All words but two of the transform are zero modulo q: sums that are a multiple of q. */
    (void)umbra_kernels_all(sets);
    memset(a, 0, n * sizeof *a);
    a[1] = q - 1;
    a[n / 2 + 3] = random_below(seed, q);
    sets[0]->ntt_inverse(a, a, ntt);
}

/* Small degrees: every word of the transform against naive evaluation. */
static void test_against_evaluation(void **state)
{
    (void)state;
    uint64_t seed = 3, primes[8];
    for (int log2 = 5; log2 <= 10; log2++) {
        const size_t n = (size_t)1 << log2;
        const int count = sample_primes(primes, 2 * n);
        assert_true(count >= 5);
        for (int p = 0; p < count; p++) {
            umbra_ntt ntt;
            assert_int_equal(umbra_ntt_init(&ntt, primes[p], log2), UMBRA_OK);
            check_psi(&ntt);
            uint64_t *a = guarded_new(n), *expected = guarded_new(n);
            for (int pattern = 0; pattern < (log2 < 8 ? 10 : 6); pattern++) {
                fill_pattern(a, &ntt, pattern, &seed);
                for (uint32_t j = 0; j < n; j++)
                    expected[j] = evaluate(a, j, &ntt);
                check_sets(a, expected, &ntt);
            }
            guarded_free(a, n);
            guarded_free(expected, n);
            umbra_ntt_free(&ntt);
        }
    }
}

/* Large degrees: some words against evaluation, all of them between the sets, and X^i * X^k =
 * +-X^(i+k). */
static void test_large(void **state)
{
    (void)state;
    uint64_t seed = 4, primes[8];
    const umbra_kernels *sets[4];
    (void)umbra_kernels_all(sets);
    for (int log2 = 11; log2 <= 17; log2++) {
        const size_t n = (size_t)1 << log2;
        const int count = sample_primes(primes, 2 * n);
        assert_true(count >= 5);
        for (int p = 0; p < (log2 > 14 ? 2 : 4); p++) {
            umbra_ntt ntt;
            assert_int_equal(umbra_ntt_init(&ntt, primes[p], log2), UMBRA_OK);
            check_psi(&ntt);
            uint64_t *a = guarded_new(n), *b = guarded_new(n), *expected = guarded_new(n);
            for (int pattern = 1; pattern < 7; pattern++) {
                fill_pattern(a, &ntt, pattern, &seed);
                sets[0]->ntt_forward(expected, a, &ntt);
                for (int k = 0; k < 3; k++) {
                    uint32_t j = (uint32_t)(random_word(&seed) % n);
                    assert_true(expected[j] == evaluate(a, j, &ntt));
                }
                check_sets(a, expected, &ntt);
            }
            const size_t i = n - 3, k = 7; /* X^i * X^k = -X^(i+k-N) */
            memset(a, 0, n * sizeof *a);
            memset(b, 0, n * sizeof *b);
            a[i] = b[k] = 1;
            sets[0]->ntt_forward(a, a, &ntt);
            sets[0]->ntt_forward(b, b, &ntt);
            sets[0]->mul(a, a, b, n, &ntt.modulus);
            sets[0]->ntt_inverse(a, a, &ntt);
            memset(b, 0, n * sizeof *b);
            b[i + k - n] = primes[p] - 1;
            assert_words_equal(a, b, n, "product of monomials");
            guarded_free(a, n);
            guarded_free(b, n);
            guarded_free(expected, n);
            umbra_ntt_free(&ntt);
        }
    }
}

/* From integers to either half of the places, against the whole transform of their residues. */
static void check_halves(const umbra_kernels *k, const int32_t *a, const umbra_ntt *ntt)
{
    const size_t n = ntt->degree, half = n / 2;
    uint64_t *whole = guarded_new(n), *expected = guarded_new(half), *r = guarded_new(half);
    for (size_t i = 0; i < n; i++) /* by C's own remainder */
        whole[i] = (uint64_t)(((int64_t)a[i] % (int64_t)ntt->modulus.q + (int64_t)ntt->modulus.q) %
                              (int64_t)ntt->modulus.q);
    k->ntt_forward(whole, whole, ntt);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        for (size_t j = 0; j < half; j++)
            expected[j] = whole[mirrored ? n - 1 - j : j];
        k->halve_i32(r, a, mirrored, ntt);
        for (size_t j = 0; j < half; j++)
            assert_true(r[j] < ntt->modulus.q);
        k->ntt_forward_half(whole, r, ntt);
        assert_words_equal(whole, expected, half, k->name);
        k->ntt_forward_half(r, r, ntt);
        assert_words_equal(r, expected, half, k->name);
        if (!mirrored) { /* the other half was not written */
            k->halve_i32(r, a, 1, ntt);
            k->ntt_forward_half(r, r, ntt);
            for (size_t j = 0; j < half; j++)
                assert_true(r[j] == whole[n - 1 - j]);
        }
    }
    guarded_free(whole, n);
    guarded_free(expected, half);
    guarded_free(r, half);
}

typedef void (*ring_check)(const umbra_ntt *ntt, const uint64_t *primes, int count, uint64_t *seed);

/* Rings of 2^5 to 2^13 points, over each of the sample primes. */
static void each_ring(ring_check check, uint64_t seed)
{
    uint64_t primes[8];
    for (int log2 = 5; log2 <= 13; log2++) {
        const int count = sample_primes(primes, (size_t)2 << log2);
        for (int p = 0; p < count; p++) {
            umbra_ntt ntt;
            assert_int_equal(umbra_ntt_init(&ntt, primes[p], log2), UMBRA_OK);
            check(&ntt, primes, count, &seed);
            umbra_ntt_free(&ntt);
        }
    }
}

static void check_ring_halves(const umbra_ntt *ntt, const uint64_t *primes, int count,
                              uint64_t *seed)
{
    const umbra_kernels *sets[4];
    const int set_count = umbra_kernels_all(sets);
    const size_t n = ntt->degree;
    uint64_t *words = guarded_new(n / 2);
    int32_t *a = (int32_t *)(void *)words;
    (void)primes;
    (void)count;
    for (int pattern = 0; pattern < 4; pattern++) {
        for (size_t i = 0; i < n; i++) {
            const int sign = random_word(seed) & 1 ? 1 : -1;
            a[i] = pattern == 0   ? -INT32_MAX
                   : pattern == 1 ? sign * INT32_MAX
                                  : sign * (int32_t)random_below(seed, INT32_MAX);
        }
        for (int s = 0; s < set_count; s++)
            check_halves(sets[s], a, ntt);
    }
    guarded_free(words, n / 2);
}

static void test_halves(void **state)
{
    (void)state;
    each_ring(check_ring_halves, 8);
}

/* Residues modulo p, crowded at the ends and at the middle: every set against two kernels of the
 * first. */
static void check_centred(const umbra_ntt *ntt, uint64_t p, uint64_t *seed)
{
    const umbra_kernels *sets[4];
    const int set_count = umbra_kernels_all(sets);
    const size_t n = ntt->degree;
    uint64_t *a = guarded_new(n), *expected = guarded_new(n), *r = guarded_new(n);
    fill_below(a, n, p, seed);
    for (size_t k = 0; k < n; k += 5)
        a[k] = p / 2 + (k / 5) % 2;
    sets[0]->reduce_centred(expected, a, p, n, &ntt->modulus);
    sets[0]->ntt_forward(expected, expected, ntt);
    for (int s = 0; s < set_count; s++) {
        sets[s]->ntt_forward_centred(r, a, p, ntt);
        assert_words_equal(r, expected, n, sets[s]->name);
        memcpy(r, a, n * sizeof *r);
        sets[s]->ntt_forward_centred(r, r, p, ntt);
        assert_words_equal(r, expected, n, sets[s]->name);
    }
    guarded_free(a, n);
    guarded_free(expected, n);
    guarded_free(r, n);
}

/* From each other modulus, and from one just below twice this one. */
static void check_ring_centred(const umbra_ntt *ntt, const uint64_t *primes, int count,
                               uint64_t *seed)
{
    const uint64_t q = ntt->modulus.q, most = (uint64_t)1 << 50;
    if (2 * q - 1 < most)
        check_centred(ntt, 2 * q - 1, seed);
    for (int i = 0; i < count; i++)
        if (primes[i] != q && primes[i] < most)
            check_centred(ntt, primes[i], seed);
}

static void test_centred(void **state)
{
    (void)state;
    each_ring(check_ring_centred, 11);
}

/* The product of random polynomials against a naive negacyclic convolution in GMP. */
static void test_convolution(void **state)
{
    (void)state;
    enum { LOG2 = 8, N = 1 << LOG2 };
    uint64_t seed = 5, q;
    umbra_ntt ntt;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    assert_int_equal(umbra_find_primes(&q, 1, 49.9999, 2 * N, NULL, 0), UMBRA_OK);
    assert_int_equal(umbra_ntt_init(&ntt, q, LOG2), UMBRA_OK);
    uint64_t *a = guarded_new(N), *b = guarded_new(N), *expected = guarded_new(N);
    fill_below(a, N, q, &seed);
    fill_below(b, N, q, &seed);
    mpz_t sum, x, y;
    mpz_inits(sum, x, y, NULL);
    for (size_t k = 0; k < N; k++) {
        mpz_set_ui(sum, 0);
        for (size_t i = 0; i < N; i++) {
            mpz_set_word(x, a[i]);
            mpz_set_word(y, b[(k + N - i) % N]);
            if (i <= k)
                mpz_addmul(sum, x, y);
            else
                mpz_submul(sum, x, y);
        }
        expected[k] = mpz_residue(sum, q);
    }
    mpz_clears(sum, x, y, NULL);
    for (int s = 0; s < count; s++) {
        uint64_t *fa = guarded_new(N), *fb = guarded_new(N);
        sets[s]->ntt_forward(fa, a, &ntt);
        sets[s]->ntt_forward(fb, b, &ntt);
        sets[s]->mul(fa, fa, fb, N, &ntt.modulus);
        sets[s]->ntt_inverse(fa, fa, &ntt);
        assert_words_equal(fa, expected, N, sets[s]->name);
        guarded_free(fa, N);
        guarded_free(fb, N);
    }
    guarded_free(a, N);
    guarded_free(b, N);
    guarded_free(expected, N);
    umbra_ntt_free(&ntt);
}

/* In NTT order by the index table and in coefficient order by signs: the same map; and a
 * homomorphism. */
static void test_automorphisms(void **state)
{
    (void)state;
    enum { LOG2 = 9, N = 1 << LOG2 };
    uint64_t seed = 6, q;
    umbra_ntt ntt;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    static uint32_t index[N];
    assert_int_equal(umbra_find_primes(&q, 1, 44.0, 2 * N, NULL, 0), UMBRA_OK);
    assert_int_equal(umbra_ntt_init(&ntt, q, LOG2), UMBRA_OK);
    const uint32_t elements[] = {1, 3, 5, 25, 2 * N - 1, N + 1, umbra_galois_of_rotation(LOG2, -3)};
    for (size_t e = 0; e < sizeof elements / sizeof elements[0]; e++) {
        uint64_t *a = guarded_new(N), *b = guarded_new(N), *r = guarded_new(N);
        fill_below(a, N, q, &seed);
        umbra_automorphism_coefficients(b, a, LOG2, elements[e], &ntt.modulus);
        sets[0]->ntt_forward(b, b, &ntt);
        sets[0]->ntt_forward(a, a, &ntt);
        umbra_automorphism_index(index, LOG2, elements[e]);
        for (int s = 0; s < count; s++) {
            sets[s]->permute(r, a, index, N);
            assert_words_equal(r, b, N, sets[s]->name);
        }
        guarded_free(a, N);
        guarded_free(b, N);
        guarded_free(r, N);
    }
    for (int64_t r = -600; r <= 600; r += 37) {
        uint64_t product = (uint64_t)umbra_galois_of_rotation(LOG2, r) *
                           umbra_galois_of_rotation(LOG2, -r) % (2 * N);
        assert_int_equal(product, 1);
        assert_int_equal(umbra_galois_of_rotation(LOG2, r),
                         umbra_galois_of_rotation(LOG2, r + N / 2));
    }
    assert_int_equal(umbra_galois_of_rotation(LOG2, 2), 25);
    umbra_ntt_free(&ntt);
}

static void test_rejected(void **state)
{
    (void)state;
    umbra_ntt ntt = {0};
    assert_int_equal(umbra_ntt_init(&ntt, 65537, 16), UMBRA_E_INPUT); /* not 1 mod 2^17 */
    assert_int_equal(umbra_ntt_init(&ntt, 65537, 4), UMBRA_E_INPUT);
    assert_int_equal(umbra_ntt_init(&ntt, 65537, 18), UMBRA_E_INPUT);
    assert_int_equal(umbra_ntt_init(&ntt, 65535, 10), UMBRA_E_INPUT);
    umbra_ntt_free(&ntt);
    umbra_ntt_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_evaluation),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_centred),
        cmocka_unit_test(test_convolution),
        cmocka_unit_test(test_automorphisms),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
