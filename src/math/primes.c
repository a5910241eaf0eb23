/* Primality, and the search for primes of a wanted size. */
#include "math/modulus.h"

#include "math/scalar.h"

#include <math.h>

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t n)
{
    return (uint64_t)((umbra_u128)a * b % n);
}

static uint64_t pow_mod(uint64_t a, uint64_t exponent, uint64_t n)
{
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = mul_mod(result, a, n);
        a = mul_mod(a, a, n);
    }
    return result;
}

/* Is n, odd and above 37, a strong probable prime to this base? */
static int passes_round(uint64_t n, uint64_t base)
{
    int twos = __builtin_ctzll(n - 1);
    uint64_t x = pow_mod(base, (n - 1) >> twos, n);
    if (x == 1 || x == n - 1)
        return 1;
    for (int i = 1; i < twos; i++) {
        x = mul_mod(x, x, n);
        if (x == n - 1)
            return 1;
    }
    return 0;
}

/* Source: the first twelve primes as bases decide every n below 3.3e24, [SorensonWebster17]. */
int umbra_is_prime(uint64_t n)
{
    static const uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    const size_t count = sizeof bases / sizeof bases[0];
    if (n < 2)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (n % bases[i] == 0)
            return n == bases[i];
    for (size_t i = 0; i < count; i++)
        if (!passes_round(n, bases[i]))
            return 0;
    return 1;
}

static int is_taken(uint64_t q, const uint64_t *taken, int taken_count)
{
    for (int i = 0; i < taken_count; i++)
        if (taken[i] == q)
            return 1;
    return 0;
}

umbra_status umbra_find_primes(uint64_t *primes, int count, double bits_log2, uint64_t step,
                               const uint64_t *taken, int taken_count)
{
    const uint64_t limit = (uint64_t)1 << UMBRA_MODULUS_MAX_BITS;
    if (count < 0 || step < 2 || (step & (step - 1)) != 0 || !(bits_log2 > 13) || !(bits_log2 < 50))
        return umbra_fail(
            UMBRA_E_USAGE,
            "cannot look for %d primes of %.2f bits = 1 mod %llu; give a size between "
            "13 and 50 bits and a power of two",
            count, bits_log2, (unsigned long long)step);
    uint64_t target = (uint64_t)exp2(bits_log2);
    uint64_t above = target / step * step + 1; /* at most the target, then upwards */
    uint64_t below = above;
    int found = 0;
    /* Not further than a factor of two: such a prime would not serve for the wanted scale. */
    while (found < count) {
        above += step;
        uint64_t candidates[2] = {above, below};
        int in_range[2] = {above < limit && above <= 2 * target,
                           below > (uint64_t)1 << 13 && below >= target / 2};
        if (!in_range[0] && !in_range[1])
            return umbra_fail(
                UMBRA_E_SECURITY,
                "only %d of %d primes near 2^%.2f are = 1 mod %llu and below 2^%d; take "
                "fewer or larger primes, or a smaller ring",
                found, count, bits_log2, (unsigned long long)step, UMBRA_MODULUS_MAX_BITS);
        for (int i = 0; i < 2 && found < count; i++)
            if (in_range[i] && !is_taken(candidates[i], taken, taken_count) &&
                umbra_is_prime(candidates[i]))
                primes[found++] = candidates[i];
        below = below > step ? below - step : 1;
    }
    return UMBRA_OK;
}
