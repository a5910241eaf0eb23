/* Branch-free scalar arithmetic modulo a prime, inlined into the portable kernels. */
#ifndef UMBRA_MATH_SCALAR_H
#define UMBRA_MATH_SCALAR_H

#include "math/ntt.h"

__extension__ typedef unsigned __int128 umbra_u128;

/* All of these: CT: data is secret, the modulus is public. No division, no branch on data. */

/* Range in: a < 2q, q < 2^63. Range out: a mod q. */
static inline uint64_t umbra_scalar_fold(uint64_t a, uint64_t q)
{
    uint64_t d = a - q;
    return d + (q & (0 - (d >> 63)));
}

static inline uint64_t umbra_scalar_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((umbra_u128)a * b) >> 64);
}

/* Range in: any a. Range out: < 2q: a/q - floor(a*floor(2^64/q)/2^64) < a/2^64 + 1 < 2. */
static inline uint64_t umbra_scalar_reduce64_lazy(uint64_t a, const umbra_modulus *m)
{
    return a - umbra_scalar_high(a, m->barrett64) * m->q;
}

static inline uint64_t umbra_scalar_reduce64(uint64_t a, const umbra_modulus *m)
{
    return umbra_scalar_fold(umbra_scalar_reduce64_lazy(a, m), m->q);
}

/* Range in: any x. Range out: x mod q. The high word times 2^64 mod q by Shoup's method leaves less
 * than 2q, the low word another 2q. */
static inline uint64_t umbra_scalar_reduce128(umbra_u128 x, const umbra_modulus *m)
{
    uint64_t high = (uint64_t)(x >> 64);
    uint64_t r = high * m->two64 - umbra_scalar_high(high, m->two64_shoup) * m->q;
    r += umbra_scalar_reduce64_lazy((uint64_t)x, m);
    return umbra_scalar_fold(umbra_scalar_fold(r, 2 * m->q), m->q);
}

/* Range in: a, b < q. Range out: a*b mod q. With x = a*b < 2^(2 bits) and t = x >> (bits-1) <
 * 2^(bits+1): x/q - t*barrett52/2^52 < (x mod 2^(bits-1))/q + t/2^52 < 1 + 1/2, and the floor adds
 * less than 1, so that the remainder is below 2.5q. */
static inline uint64_t umbra_scalar_mul(uint64_t a, uint64_t b, const umbra_modulus *m)
{
    umbra_u128 x = (umbra_u128)a * b;
    uint64_t t = (uint64_t)(x >> (m->bits - 1));
    uint64_t quotient = umbra_scalar_high(t << 12, m->barrett52); /* t < 2^51, so 2^63 at most */
    uint64_t r = (uint64_t)x - quotient * m->q;
    return umbra_scalar_fold(umbra_scalar_fold(r, 2 * m->q), m->q);
}

/* Shoup's product by a constant w with companion floor(w * 2^52 / q), [Harvey14] section 3.
 * Range in: a < 2^52, w < q. Range out: < 2q. */
static inline uint64_t umbra_scalar_mul_shoup(uint64_t a, uint64_t w, uint64_t w_shoup, uint64_t q)
{
    return a * w - umbra_scalar_high(a << 12, w_shoup) * q;
}

static inline uint64_t umbra_scalar_from_i64(int64_t a, const umbra_modulus *m)
{
    uint64_t negative = 0 - ((uint64_t)a >> 63); /* two's complement reads a + 2^64 */
    uint64_t r = umbra_scalar_reduce64((uint64_t)a, m);
    return umbra_scalar_fold(r + m->q - (m->two64 & negative), m->q);
}

/* floor(w * 2^52 / q) for w < q, without the 128-bit division, which costs as much as a short
 * vector. w*inverse has relative error below 2^-52, and w*inverse*2^52 < 2^52, so the estimate is
 * off by less than 3; the remainder, small and exact modulo 2^64, puts it right. */
static inline uint64_t umbra_scalar_shoup52(uint64_t w, const umbra_modulus *m)
{
    uint64_t estimate = (uint64_t)((double)w * m->inverse * 0x1p52);
    uint64_t low = estimate < 3 ? 0 : estimate - 3;
    uint64_t remainder = (w << 52) - low * m->q; /* < 8q < 2^53 */
    for (int i = 4; i >= 1; i /= 2) {
        uint64_t keep = 0 - ((remainder - (uint64_t)i * m->q) >> 63); /* all ones: too small */
        low += (uint64_t)i & ~keep;
        remainder -= ((uint64_t)i * m->q) & ~keep;
    }
    return low;
}

/* Words start .. end-1 of the kernel halve_i32, which vectors leave over: a(X^-1) has the
 * coefficients a[0], -a[N-1], -a[N-2], ... */
static inline void umbra_halve_i32(uint64_t *p, const int32_t *a, int mirrored, size_t start,
                                   size_t end, const umbra_ntt *ntt)
{
    const umbra_modulus *m = &ntt->modulus;
    const size_t half = ntt->degree / 2;
    for (size_t k = start; k < end; k++) {
        const int64_t low = !mirrored ? a[k] : k == 0 ? a[0] : -(int64_t)a[2 * half - k];
        const int64_t high = !mirrored ? a[half + k] : -(int64_t)a[half - k];
        const uint64_t product = umbra_scalar_mul_shoup(
            umbra_scalar_from_i64(high, m), ntt->roots[1], ntt->roots_shoup[1], m->q); /* < 2q */
        const uint64_t sum = product + umbra_scalar_from_i64(low, m);
        p[k] = umbra_scalar_fold(umbra_scalar_fold(sum, 2 * m->q), m->q);
    }
}

#endif
