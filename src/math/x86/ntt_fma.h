/* Butterflies in doubles by fused multiply-add, and the ends of the NTT: one text, included once
 * for each instruction set, after its header; its file adds the levels between lanes and the
 * passes.
 *
 * Bounds are in units of q < 2^50, for roots w centred: |w| <= q/2. With h = fl(y*w), l = y*w - h
 * (exact) and k the integer next to y*w/q as computed, the product is T = (h - k*q) + l:
 *   - k = fl(h * inverse + M) - M with M = 1.5*2^52, one rounding to an integer: right while |h *
 * inverse| <= 2^51, so for |y| <= 4;
 *   - h and `inverse` are each within 2^-53 of their value relatively, so k is within 1/2 + 2^50
 * |y|/2 * 2^-52 of y*w/q: |T| <= 1/2 + |y|/8;
 *   - |l| <= 2^48 while |h| < 2^102, so h - k*q is an integer below 2^53, which the fused operation
 * gives exactly; T too.
 * SHORT_CHAINS 1: where chains of dependent operations hold a processor up. One instruction more
 * for each root gives v = fl(w * inverse), and k = fl(y*v + M) - M need not wait for h; the bounds
 * are the same. Forward k is the integer next to fl(y*v): two instructions that write new
 * registers, one cycle earlier than the two with M. fl(y*v) is another 2^50 |y|/2 * 2^-53 off: |T|
 * <= 1/2 + 3|y|/16, while |h| < 2^102, so for |y| < 8. SHORT_CHAINS 0: where the number of
 * instructions does; Intel's with AVX-512 round in two. */
#ifndef UMBRA_MATH_NTT_FMA_H
#define UMBRA_MATH_NTT_FMA_H

#include "math/x86/fma_residues.h"

#define FORWARD_PERIOD 4
#define INVERSE_PERIOD 2
#define TAIL_LEVEL 3 /* centred first; four levels later once more */

typedef struct factors {
    const double *w;
} factors;

typedef struct factor {
    vec w, v; /* the root, and, for SHORT_CHAINS, the root over q */
} factor;

ALWAYS factors forward_factors(const umbra_ntt *ntt)
{
    return (factors){ntt->roots_centred};
}

ALWAYS factors inverse_factors(const umbra_ntt *ntt)
{
    return (factors){ntt->inverse_roots_centred};
}

ALWAYS factor factor_of(vec w, const constants *c)
{
    return (factor){w, w * c->inverse};
}

ALWAYS factor factor_at(const factors *f, size_t i, const constants *c)
{
    return factor_of(broadcast(f->w[i]), c);
}

/* Range in: |y| <= 4, |w| <= 1/2. Range out: |r| <= 1/2 + |y|/8. */
ALWAYS vec multiply_root(vec y, factor w, const constants *c)
{
    vec h = y * w.w;
    vec k = (SHORT_CHAINS ? fmadd(y, w.v, c->magic) : fmadd(h, c->inverse, c->magic)) - c->magic;
    vec l = fmsub(y, w.w, h);
    return fnmadd(k, c->q, h) + l;
}

/* By the shorter form. Range in: |y| < 8, |w| <= 1/2. Range out: |r| <= 1/2 + 3|y|/16. */
ALWAYS vec multiply_short(vec y, factor w, const constants *c)
{
    vec h = y * w.w;
    vec k = nearest(y * w.v);
    vec l = fmsub(y, w.w, h);
    return fnmadd(k, c->q, h) + l;
}

/* Range in: |x| < 8. Range out: |r| <= 1/2 (+ 2^-50). */
ALWAYS vec centre_short(vec x, const constants *c)
{
    return fnmadd(nearest(x * c->inverse), c->q, x);
}

/* At least every fourth level centres x. By the shorter form bounds run 1.95 -> 2.82 -> 3.85 ->
 * 5.08 -> 1/2 + 1/2 + 3*5.08/16 < 1.96, by the other 1.48 -> 2.17 -> 2.95 -> 3.82 -> 1/2 + 1/2 +
 * 3.82/8 < 1.48; the input, below 1, is inside the first. */
ALWAYS void forward_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    (void)multiplied;
    const int centred = level % FORWARD_PERIOD == 3;
    vec t = SHORT_CHAINS ? multiply_short(*y, w, c) : multiply_root(*y, w, c);
    vec s = !centred ? *x : SHORT_CHAINS ? centre_short(*x, c) : centre(*x, c);
    *x = s + t;
    *y = s - t;
}

/* Every second level centres the sum: bounds run 1 -> max(2, 1/2 + 2/8) = 2 -> max(1/2, 1/2 + 4/8)
 * = 1. */
ALWAYS void inverse_butterfly(vec *x, vec *y, factor w, int level, int multiplied,
                              const constants *c)
{
    (void)multiplied;
    vec d = *x - *y;
    vec s = *x + *y;
    *x = level % INVERSE_PERIOD == 1 ? centre(s, c) : s;
    *y = multiply_root(d, w, c);
}

/* Range in: |x|, |y| <= 2. Range out: |x|, |y| < 1: 1/2 + 4/8 is not reached, because q <= 2^50
 * - 1. */
ALWAYS void inverse_last_butterfly(vec *x, vec *y, const umbra_ntt *ntt, const constants *c)
{
    vec d = *x - *y;
    *x = multiply_root(*x + *y, factor_of(broadcast(ntt->degree_inverse_centred), c), c);
    *y = multiply_root(d, factor_of(broadcast(ntt->inverse_roots_centred[0]), c), c);
}

#define load_vec(p) load_doubles(p)
#define store_vec(p, x) store_doubles(p, x)
#define load_residues(p) load(p)

typedef struct centring {
    vec half, whole; /* p/2 and p */
} centring;

ALWAYS centring centring_of(uint64_t p, const constants *c)
{
    (void)c;
    return (centring){broadcast((double)(p / 2)), broadcast((double)p)};
}

/* Range out: |x| <= p/2 < 1 */
ALWAYS vec load_centred(const uint64_t *a, const centring *p)
{
    return subtract_where_above(load(a), p->half, p->whole);
}

/* Range in: |x| < 1. */
ALWAYS void store_inverse(uint64_t *p, vec x, const constants *c)
{
    store(p, lift(x, c));
}

/* Range in: |x| < 2.5. The floor k of z = x*inverse + 1/(2q), as computed, is the one of x/q:
 *   - x/q + 1/(2q) is at least 1/(2q) > 2^-51 + 2^-102 from any integer j;
 *   - before its rounding z is within 2^-53 |x|/q + 2^-103 of that, so on the same side of j;
 *   - rounding cannot take it from above j to below, nor, where z < j, up to j: then x < jq, |j| <=
 * 2, and near j z is at least 2^-51 - 2^-52 = 2^-52 and a bit from it, while the doubles next below
 * are at most 2^-51 from it and from each other. */
ALWAYS void store_forward(uint64_t *p, vec x, const constants *c)
{
    vec k = below(fmadd(x, c->inverse, c->inverse * broadcast(0.5)));
    store(p, fnmadd(k, c->q, x));
}

#endif
