/* The limits of a parameter literal: each violation is named. */
#include "ckks/internal.h"

#include <math.h>

double umbra_security_limit_log2(int degree_log2)
{
    static const double limits[] = {106, 214, 430, 868, 1747, 3523};
    return degree_log2 < 12 || degree_log2 > 17 ? 0 : limits[degree_log2 - 12];
}

static umbra_status check_counts(const umbra_params_literal *l)
{
    if (l->degree_log2 < 12 || l->degree_log2 > 17)
        return umbra_fail(UMBRA_E_INPUT, "ring degree 2^%d: give 2^12 to 2^17", l->degree_log2);
    if (l->prime_count < 1 || l->prime_count > UMBRA_MAX_PRIMES)
        return umbra_fail(UMBRA_E_INPUT, "%d data primes: give 1 to %d", l->prime_count,
                          UMBRA_MAX_PRIMES);
    if (l->special_count < 1 || l->special_count > UMBRA_MAX_SPECIAL)
        return umbra_fail(UMBRA_E_INPUT, "%d special primes: give 1 to %d", l->special_count,
                          UMBRA_MAX_SPECIAL);
    if (l->level_count < 1 || l->level_count > UMBRA_MAX_LEVELS)
        return umbra_fail(UMBRA_E_INPUT, "%d levels: give 1 to %d", l->level_count,
                          UMBRA_MAX_LEVELS);
    return UMBRA_OK;
}

static uint64_t prime_at(const umbra_params_literal *l, int i)
{
    return i < l->prime_count ? l->primes[i] : l->special[i - l->prime_count];
}

static umbra_status check_primes(const umbra_params_literal *l)
{
    const int total = l->prime_count + l->special_count;
    for (int i = 0; i < total; i++) {
        const uint64_t q = prime_at(l, i);
        const char *kind = i < l->prime_count ? "data" : "special";
        const int number = i < l->prime_count ? i : i - l->prime_count;
        if (q >> UMBRA_MODULUS_MAX_BITS != 0 || q <= (uint64_t)1 << 13)
            return umbra_fail(UMBRA_E_INPUT, "%s prime %d (%llu) is not between 2^13 and 2^%d",
                              kind, number, (unsigned long long)q, UMBRA_MODULUS_MAX_BITS);
        if (((q - 1) & (((uint64_t)2 << l->degree_log2) - 1)) != 0)
            return umbra_fail(UMBRA_E_INPUT, "%s prime %d (%llu) is not 1 mod 2N = 2^%d", kind,
                              number, (unsigned long long)q, l->degree_log2 + 1);
        if (!umbra_is_prime(q))
            return umbra_fail(UMBRA_E_INPUT, "%s prime %d (%llu) is not a prime", kind, number,
                              (unsigned long long)q);
        for (int k = 0; k < i; k++)
            if (prime_at(l, k) == q)
                return umbra_fail(UMBRA_E_INPUT, "%s prime %d (%llu) stands twice", kind, number,
                                  (unsigned long long)q);
    }
    return UMBRA_OK;
}

static umbra_status check_security(const umbra_params_literal *l)
{
    double log2_qp = 0;
    for (int i = 0; i < l->prime_count + l->special_count; i++)
        log2_qp += log2((double)prime_at(l, i));
    const double limit = umbra_security_limit_log2(l->degree_log2);
    if (log2_qp > limit)
        return umbra_fail(
            UMBRA_E_SECURITY,
            "log2(QP) = %.1f passes %.0f, the limit of ring degree 2^%d at %d bits of "
            "security; take a larger ring, or fewer or smaller primes",
            log2_qp, limit, l->degree_log2, UMBRA_SECURITY_BITS);
    return UMBRA_OK;
}

static double set_log2(const umbra_params_literal *l, uint64_t set)
{
    double sum = 0;
    for (int i = 0; i < l->prime_count; i++)
        if ((set >> i & 1) != 0)
            sum += log2((double)l->primes[i]);
    return sum;
}

static umbra_status check_levels(const umbra_params_literal *l)
{
    const uint64_t all = l->prime_count == 64 ? UINT64_MAX : ((uint64_t)1 << l->prime_count) - 1;
    for (int i = 0; i < l->level_count; i++) {
        const uint64_t set = l->levels[i].prime_set;
        const double scale = l->levels[i].scale_log2;
        if (set == 0 || (set & ~all) != 0)
            return umbra_fail(UMBRA_E_INPUT, "level %d: prime set %#llx is %s", i,
                              (unsigned long long)set,
                              set == 0 ? "empty" : "not among the data primes");
        if (!(scale > 0) || !(scale < set_log2(l, set)))
            return umbra_fail(UMBRA_E_INPUT,
                              "level %d: scale 2^%.2f is not between 1 and its modulus 2^%.2f", i,
                              scale, set_log2(l, set));
        if (i == 0)
            continue;
        const uint64_t lower = l->levels[i - 1].prime_set;
        if (set_log2(l, lower) >= set_log2(l, set))
            return umbra_fail(UMBRA_E_INPUT,
                              "level %d: its modulus 2^%.2f is not above that of level %d, 2^%.2f",
                              i, set_log2(l, set), i - 1, set_log2(l, lower));
    }
    return UMBRA_OK;
}

umbra_status umbra_params_check_shape(const umbra_params_literal *literal)
{
    UMBRA_TRY(check_counts(literal));
    UMBRA_TRY(check_primes(literal));
    return check_levels(literal);
}

umbra_status umbra_params_check(const umbra_params_literal *literal)
{
    UMBRA_TRY(umbra_params_check_shape(literal));
    return check_security(literal);
}
