/* Automorphisms X -> X^g as permutations, in NTT order and in coefficient order. */
#include "math/ntt.h"

#include "math/bits.h"

#include <assert.h>

void umbra_automorphism_index(uint32_t *index, int degree_log2, uint32_t galois)
{
    const uint32_t degree = (uint32_t)1 << degree_log2;
    const uint32_t mask = 2 * degree - 1;
    assert((galois & 1) == 1 && galois <= mask);
    /* r[j] = a(X^g) at psi^e is a at psi^(g*e), with e = 2*bitrev(j)+1. */
    for (uint32_t j = 0; j < degree; j++) {
        uint32_t exponent = 2 * umbra_bit_reverse(j, degree_log2) + 1;
        index[j] = umbra_bit_reverse(((exponent * galois) & mask) >> 1, degree_log2);
    }
}

void umbra_automorphism_coefficients(uint64_t *r, const uint64_t *a, int degree_log2,
                                     uint32_t galois, const umbra_modulus *m)
{
    const uint32_t degree = (uint32_t)1 << degree_log2;
    const uint32_t mask = 2 * degree - 1;
    assert(r != a && (galois & 1) == 1 && galois <= mask);
    /* X^i -> X^(i*g), and X^N = -1 turns exponents from N to 2N-1 into negated lower ones. */
    for (uint32_t i = 0; i < degree; i++) {
        uint32_t exponent = (i * galois) & mask;
        uint64_t nonzero = 0 - ((a[i] | (0 - a[i])) >> 63);
        uint64_t negated = (m->q - a[i]) & nonzero;
        r[exponent & (degree - 1)] = exponent < degree ? a[i] : negated;
    }
}

uint32_t umbra_galois_of_rotation(int degree_log2, int64_t step_slots)
{
    const uint32_t mask = ((uint32_t)2 << degree_log2) - 1;
    /* 5 has order N/2 modulo 2N, and two's complement reduces negative steps too. */
    uint32_t exponent = (uint32_t)((uint64_t)step_slots & (((uint64_t)1 << (degree_log2 - 1)) - 1));
    uint32_t result = 1, power = 5;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = (result * power) & mask;
        power = (power * power) & mask;
    }
    return result;
}
