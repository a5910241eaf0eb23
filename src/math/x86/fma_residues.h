/* Residues as exact integers in doubles, by fused multiply-add: one text, included after the header
 * of its instruction set, which defines
 *   - vec: a register of LANES = 2^LANES_LOG2 doubles; + - * on it are those of the compiler;
 *   - words: a register of as many integers; doubles_of, words_of: from and to integers in [0,
 * 2^52);
 *   - load_doubles, store_doubles: an aligned register; load_i32: integers, unaligned;
 *   - load_float: one float in all lanes; store_floats: LANES of them, aligned;
 *   - load_spread: LANES aligned floats, of which lane j takes number first + (j >> fold_log2)
 * where the spread is spread_of(first, fold_log2);
 *   - broadcast: a number in all lanes; reversed: the lanes in the opposite order;
 *   - fmadd, fmsub, fnmadd: ab + c, ab - c and c - ab, rounded once;
 *   - nearest, below: the integers next to a number and next below it;
 *   - add_where_negative(x, y): x + y where x < 0, which a zero of either sign is not;
 * subtract_where_above(x, bound, y): x - y where x > bound; else x. */
#ifndef UMBRA_MATH_FMA_RESIDUES_H
#define UMBRA_MATH_FMA_RESIDUES_H

#include "math/kernels.h"

ALWAYS vec load(const uint64_t *p)
{
    return doubles_of((words)load_doubles(p));
}

ALWAYS void store(uint64_t *p, vec x)
{
    store_doubles(p, (vec)words_of(x));
}

typedef struct constants {
    vec q, inverse, magic;
} constants;

ALWAYS constants constants_of(const umbra_modulus *m)
{
    return (constants){broadcast((double)m->q), broadcast(m->inverse), broadcast(0x1.8p52)};
}

/* Range in: -q < x < q. Range out: [0, q) */
ALWAYS vec lift(vec x, const constants *c)
{
    return add_where_negative(x, c->q);
}

/* Range in: |x| < 2^53. Range out: |r| < 3q/4: x/q is known within 2^-52 of its size, at most 2^40,
 * and the rounding to an integer adds 1/2. Where |x| <= 4q: |r| <= q (1/2 + 2^-50). */
ALWAYS vec centre(vec x, const constants *c)
{
    vec k = fmadd(x, c->inverse, c->magic) - c->magic;
    return fnmadd(k, c->q, x);
}

/* a*b mod q. Range in: |a*b| < 2^50 q. Range out: |r| <= 3q/4: h/q, below 2^50, is known within
 * 2^-52 of its size by fl(h*inverse), so within 1/4; h - k*q and h's rounding error, below 2^48,
 * are exact. */
ALWAYS vec multiply(vec a, vec b, const constants *c)
{
    vec h = a * b;
    vec l = fmsub(a, b, h);
    vec k = fmadd(h, c->inverse, c->magic) - c->magic;
    return fnmadd(k, c->q, h) + l;
}

#endif
