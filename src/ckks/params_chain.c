/* Parameter literals with fresh primes: for sets of wanted sizes, and for a chain of nested levels.
 */
#include "ckks/internal.h"

#include <math.h>

typedef struct prime_search {
    int degree_log2, taken_count;
    uint64_t taken[UMBRA_MAX_PRIMES + UMBRA_MAX_SPECIAL];
} prime_search;

/* Primes = 1 mod 2^18 serve rings of every degree; small ones are too few, so 2N must do there. */
static umbra_status take_prime(prime_search *search, double bits, uint64_t *out)
{
    const uint64_t preferred = (uint64_t)1 << 18, least = (uint64_t)2 << search->degree_log2;
    bits = bits == UMBRA_MODULUS_MAX_BITS ? bits - 0x1p-40 : bits; /* the largest there are */
    /* Within 1 % of the wanted size, or else the finer step comes closer. */
    umbra_status status =
        umbra_find_primes(out, 1, bits, preferred, search->taken, search->taken_count);
    if (status != UMBRA_OK || fabs(log2((double)*out) - bits) > 0.015)
        UMBRA_TRY(umbra_find_primes(out, 1, bits, least, search->taken, search->taken_count));
    search->taken[search->taken_count++] = *out;
    return UMBRA_OK;
}

umbra_status umbra_params_literal_sets(umbra_params_literal *out, int degree_log2, int prime_count,
                                       const double *prime_bits, int special_count, int level_count,
                                       const uint64_t *sets, double scale_log2)
{
    if (degree_log2 < 12 || degree_log2 > 17)
        return umbra_fail(UMBRA_E_INPUT, "ring degree 2^%d: give 2^12 to 2^17", degree_log2);
    if (prime_count < 1 || prime_count > UMBRA_MAX_PRIMES || level_count < 1 ||
        level_count > UMBRA_MAX_LEVELS)
        return umbra_fail(UMBRA_E_INPUT, "%d primes and %d levels: give 1 or more and at most %d",
                          prime_count, level_count, UMBRA_MAX_PRIMES);
    if (special_count < 1 || special_count > UMBRA_MAX_SPECIAL)
        return umbra_fail(UMBRA_E_INPUT, "%d special primes: give 1 to %d", special_count,
                          UMBRA_MAX_SPECIAL);
    umbra_params_literal l = {.degree_log2 = degree_log2,
                              .prime_count = prime_count,
                              .special_count = special_count,
                              .level_count = level_count};
    prime_search search = {.degree_log2 = degree_log2};
    /* The special primes first, so that none of a digit's primes is larger than they are. */
    for (int i = 0; i < special_count; i++)
        UMBRA_TRY(take_prime(&search, UMBRA_MODULUS_MAX_BITS, &l.special[i]));
    for (int i = 0; i < prime_count; i++)
        UMBRA_TRY(take_prime(&search, prime_bits[i], &l.primes[i]));
    for (int i = 0; i < level_count; i++)
        l.levels[i] = (umbra_level_literal){sets[i], scale_log2};
    *out = l;
    return UMBRA_OK;
}

umbra_status umbra_params_literal_chain(umbra_params_literal *out, int degree_log2, int base_count,
                                        const double *base_bits, int step_count,
                                        const double *step_bits, int special_count,
                                        double scale_log2)
{
    double bits[UMBRA_MAX_PRIMES];
    uint64_t sets[UMBRA_MAX_LEVELS];
    if (base_count < 1 || step_count < 0 || base_count + step_count > UMBRA_MAX_PRIMES ||
        step_count >= UMBRA_MAX_LEVELS)
        return umbra_fail(UMBRA_E_INPUT,
                          "%d base primes and %d steps: give 1 or more and at most %d", base_count,
                          step_count, UMBRA_MAX_PRIMES);
    for (int i = 0; i < base_count + step_count; i++)
        bits[i] = i < base_count ? base_bits[i] : step_bits[i - base_count];
    for (int i = 0; i <= step_count; i++) {
        const int primes = base_count + i;
        sets[i] = primes == 64 ? UINT64_MAX : ((uint64_t)1 << primes) - 1;
    }
    return umbra_params_literal_sets(out, degree_log2, base_count + step_count, bits, special_count,
                                     step_count + 1, sets, scale_log2);
}
