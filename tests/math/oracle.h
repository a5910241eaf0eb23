/* What the tests of math share: crowded random numbers, guarded arrays, and arithmetic through GMP.
 */
#ifndef UMBRA_TESTS_MATH_ORACLE_H
#define UMBRA_TESTS_MATH_ORACLE_H

#include "base/memory.h"
#include "math/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gmp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GUARD_WORDS 16
#define GUARD UINT64_C(0xdeadbeefcafef00d)

/* xorshift64*: fixed seeds, so that a failure comes again. */
static inline uint64_t random_word(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Below `bound`, every other time next to 0, to the middle or to the bound. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
    uint64_t near = random_word(state) % 3, x = random_word(state);
    switch (x >> 61) {
    case 0:
        return near < bound ? near : 0;
    case 1:
        return bound - 1 - (near < bound ? near : 0);
    case 2:
        return bound / 2 + near < bound ? bound / 2 + near : bound / 2;
    case 3:
        return bound - 1;
    default:
        return random_word(state) % bound;
    }
}

/* n words and a guard behind them. */
static inline uint64_t *guarded_new(size_t n)
{
    void *p = NULL;
    assert_int_equal(umbra_memory_alloc_array(&p, n + GUARD_WORDS, 8, "test"), UMBRA_OK);
    uint64_t *words = p;
    for (size_t i = 0; i < GUARD_WORDS; i++)
        words[n + i] = GUARD;
    return words;
}

static inline void guarded_free(uint64_t *words, size_t n)
{
    for (size_t i = 0; i < GUARD_WORDS; i++)
        if (words[n + i] != GUARD)
            fail_msg("guard word %zu past the end of %zu was written", i, n);
    umbra_memory_free(words);
}

static inline void fill_below(uint64_t *a, size_t n, uint64_t bound, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        a[i] = random_below(state, bound);
}

/* z = x, for any 64-bit x. */
static inline void mpz_set_word(mpz_t z, uint64_t x)
{
    mpz_import(z, 1, 1, sizeof x, 0, 0, &x);
}

static inline uint64_t mpz_get_word(const mpz_t z)
{
    uint64_t x = 0;
    mpz_export(&x, NULL, 1, sizeof x, 0, 0, z);
    return x;
}

/* z mod q in [0, q), also for negative z. */
static inline uint64_t mpz_residue(const mpz_t z, uint64_t q)
{
    mpz_t r, m;
    mpz_inits(r, m, NULL);
    mpz_set_word(m, q);
    mpz_mod(r, z, m);
    uint64_t x = mpz_get_word(r);
    mpz_clears(r, m, NULL);
    return x;
}

static inline void assert_words_equal(const uint64_t *got, const uint64_t *expected, size_t n,
                                      const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != expected[i])
            fail_msg("%s: word %zu of %zu is %" PRIu64 ", expected %" PRIu64, what, i, n, got[i],
                     expected[i]);
}

/* Primes = 1 mod `step` of several sizes: the largest there are, the smallest above the step, and
 * between. */
static inline int sample_primes(uint64_t *primes, uint64_t step)
{
    const double sizes[] = {49.99999, 49.01, 40.0, 31.9, 26.0, 20.5};
    int count = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (umbra_find_primes(&primes[count], 1, sizes[i], step, NULL, 0) == UMBRA_OK)
            count++;
    return count;
}

#endif
