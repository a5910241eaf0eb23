/* Kernels on each word by itself, in doubles by fused multiply-add: one text, included once for
 * each instruction set, after its header. */
#ifndef UMBRA_MATH_KERNELS_FMA_H
#define UMBRA_MATH_KERNELS_FMA_H

#include "math/kernel_sets.h"
#include "math/scalar.h"
#include "math/x86/fma_residues.h"

static void add_fma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                    const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(load(a + i) + load(b + i) - c.q, &c));
}

static void sub_fma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                    const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(load(a + i) - load(b + i), &c));
}

static void neg_fma(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(broadcast(0) - load(a + i), &c));
}

static void mul_fma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                    const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(multiply(load(a + i), load(b + i), &c), &c));
}

/* t + r mod q. Range in: |t| <= 3q/4, 0 <= r < q. Range out: [0, q): t + r - q lies above -7q/4. */
ALWAYS vec accumulate_lifted(vec t, vec r, const constants *c)
{
    return lift(lift(t + (r - c->q), c), c);
}

static void mul_add_fma(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n,
                        const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, accumulate_lifted(multiply(load(a + i), load(b + i), &c), load(r + i), &c));
}

static void mul_scalar_fma(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                           const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(multiply(load(a + i), factor, &c), &c));
}

static void sub_mul_scalar_fma(uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w,
                               size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES) {
        vec d = load(a + i) - load(b + i); /* |d| < q */
        store(r + i, lift(multiply(d, factor, &c), &c));
    }
}

static void mul_scalar_add_fma(uint64_t *r, const uint64_t *a, uint64_t w, size_t n,
                               const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    assert(w < m->q);
    const constants c = constants_of(m);
    const vec factor = broadcast((double)w);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, accumulate_lifted(multiply(load(a + i), factor, &c), load(r + i), &c));
}

static void reduce_fma(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(centre(load(a + i), &c), &c));
}

static void reduce_centred_fma(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                               const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const vec half = broadcast((double)(p / 2)), whole = broadcast((double)p);
    for (size_t i = 0; i < n; i += LANES) {
        const vec x = subtract_where_above(load(a + i), half, whole);
        store(r + i, lift(centre(x, &c), &c));
    }
}

static void reduce_i32_fma(uint64_t *r, const int32_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    for (size_t i = 0; i < n; i += LANES)
        store(r + i, lift(centre(load_i32(a + i), &c), &c));
}

/* Integers at p, or before and at p in the opposite order and negated. */
ALWAYS vec load_turned(const int32_t *p, int mirrored)
{
    if (!mirrored)
        return load_i32(p);
    return broadcast(0) - reversed(load_i32(p - (LANES - 1)));
}

/* low + w high: below 2^31 + 3q/4 in size. */
ALWAYS void halve_words(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const vec w = broadcast((double)ntt->roots[1]);
    const size_t half = ntt->degree / 2;
    for (size_t k = mirrored ? LANES : 0; k < half; k += LANES) {
        const vec low = load_turned(mirrored ? a + 2 * half - k : a + k, mirrored);
        const vec high = load_turned(mirrored ? a + half - k : a + half + k, mirrored);
        store(p + k, lift(centre(low + multiply(high, w, &c), &c), &c));
    }
}

static void halve_i32_fma(uint64_t *p, const int32_t *a, int mirrored, const umbra_ntt *ntt)
{
    UMBRA_ASSERT_VECTOR(p, ntt->degree / 2);
    if (!mirrored) {
        halve_words(p, a, 0, ntt);
    } else {
        umbra_halve_i32(p, a, 1, 0, LANES, ntt);
        halve_words(p, a, 1, ntt);
    }
}

/* a + 2^62 = high * 2^32 + low is not negative; then high * (2^32 mod q) + low - (2^62 mod q),
 * which is below 2q + 2^32 in size. */
static void reduce_i64_fma(uint64_t *r, const int64_t *a, size_t n, const umbra_modulus *m)
{
    UMBRA_ASSERT_VECTOR(r, n);
    const constants c = constants_of(m);
    const vec two32 = broadcast((double)umbra_scalar_reduce64((uint64_t)1 << 32, m));
    const vec two62 = broadcast((double)umbra_scalar_reduce64((uint64_t)1 << 62, m));
    for (size_t i = 0; i < n; i += LANES) {
        const words u = *(const words *)(const void *)(a + i) + ((uint64_t)1 << 62);
        const vec high = doubles_of(u >> 32), low = doubles_of(u & UINT32_MAX);
        vec x = multiply(high, two32, &c) + (low - two62);
        store(r + i, lift(centre(x, &c), &c));
    }
}

static void round_quotient_fma(uint64_t *v, const uint64_t *const *a, const double *inverse,
                               size_t count, size_t n)
{
    UMBRA_ASSERT_VECTOR(v, n);
    assert(count >= 1 && count <= 64);
    for (size_t i = 0; i < n; i += LANES) {
        vec sum = broadcast(0.5);
        for (size_t j = 0; j < count; j++)
            sum = sum + load(a[j] + i) * broadcast(inverse[j]);
        store(v + i, below(sum));
    }
}

#endif
