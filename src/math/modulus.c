/* A prime modulus below 2^50 with its constants, and scalar arithmetic modulo it. */
#include "math/modulus.h"

#include "math/scalar.h"

#include <assert.h>
#include <inttypes.h>

umbra_status umbra_modulus_init(umbra_modulus *m, uint64_t q)
{
    if (q <= (uint64_t)1 << 13 || q >> UMBRA_MODULUS_MAX_BITS != 0 || !umbra_is_prime(q))
        return umbra_fail(UMBRA_E_INPUT,
                          "modulus %" PRIu64 " is not a prime between 2^13 and 2^%d; take one from "
                          "umbra_find_primes",
                          q, UMBRA_MODULUS_MAX_BITS);
    int bits = 0;
    while (q >> bits != 0)
        bits++;
    *m = (umbra_modulus){.q = q, .bits = bits};
    m->barrett52 = (uint64_t)(((umbra_u128)1 << (bits + 51)) / q);
    m->two52 = ((uint64_t)1 << 52) % q;
    m->two52_shoup = (uint64_t)(((umbra_u128)m->two52 << 52) / q);
    m->two64 = (uint64_t)(((umbra_u128)1 << 64) % q);
    m->two64_shoup = (uint64_t)(((umbra_u128)m->two64 << 64) / q);
    m->barrett64 = (uint64_t)(((umbra_u128)1 << 64) / q);
    m->inverse = 1.0 / (double)q;
    return UMBRA_OK;
}

uint64_t umbra_mod_add(uint64_t a, uint64_t b, const umbra_modulus *m)
{
    assert(a < m->q && b < m->q);
    return umbra_scalar_fold(a + b, m->q);
}

uint64_t umbra_mod_sub(uint64_t a, uint64_t b, const umbra_modulus *m)
{
    assert(a < m->q && b < m->q);
    return umbra_scalar_fold(a + (m->q - b), m->q);
}

uint64_t umbra_mod_mul(uint64_t a, uint64_t b, const umbra_modulus *m)
{
    assert(a < m->q && b < m->q);
    return umbra_scalar_mul(a, b, m);
}

uint64_t umbra_mod_pow(uint64_t a, uint64_t exponent, const umbra_modulus *m)
{
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = umbra_mod_mul(result, a, m);
        a = umbra_mod_mul(a, a, m);
    }
    return result;
}

uint64_t umbra_mod_inverse(uint64_t a, const umbra_modulus *m)
{
    assert(a != 0);
    return umbra_mod_pow(a, m->q - 2, m); /* Fermat: q is prime */
}

uint64_t umbra_mod_reduce(uint64_t a, const umbra_modulus *m)
{
    return umbra_scalar_reduce64(a, m);
}

uint64_t umbra_mod_from_i64(int64_t a, const umbra_modulus *m)
{
    return umbra_scalar_from_i64(a, m);
}

uint64_t umbra_mod_shoup52(uint64_t w, const umbra_modulus *m)
{
    assert(w < m->q);
    return umbra_scalar_shoup52(w, m);
}
