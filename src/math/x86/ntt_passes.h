/* The passes of a negacyclic NTT over memory: one text, included once for each instruction set.
 *
 * The including file defines the arithmetic:
 *   - vec, LANES, LANES_LOG2: a register of residues in the form that the set likes;
 *   - constants, constants_of: what a butterfly needs of the modulus, in registers;
 *   - factors, factor: the roots of one direction; one root in registers; factor_at: in all lanes;
 *   - forward_butterfly, inverse_butterfly (of two registers; `multiplied` tells that the next to
 *     happen to both results, or to the inverse's second, is a multiplication),
 *     inverse_last_butterfly;
 *   - forward_lanes, inverse_lanes: the levels between the lanes of pairs of registers;
 *   - centring, centring_of, load_centred: residues modulo p < 2q, centred, in the range of any
 * level but the first;
 *   - load_residues, load_vec, store_vec, store_forward, store_inverse;
 *   - GROUPS: 1 or 2, how many eights of registers a pass works on, to fill the pipelines;
 *   - LANES_APART: 1 where the levels between the lanes have a loop of their own. Five levels of
 * dependent butterflies are more than a processor looks ahead, so that with few registers it pays
 * to go through the first cache once more;
 *   - FORWARD_PERIOD, INVERSE_PERIOD: a butterfly depends on its level modulo this;
 *   - TAIL_LEVEL: what the first of the last levels of all counts as, so that its butterflies find
 * and leave the same bounds whatever the degree.
 *
 * Roots form a heap: the root at place i splits a block, those at 2i and 2i + 1 its halves. Passes
 * take three levels at a time, depth first, so that a block that fits a cache is finished before
 * the next is touched; the last levels are done on eight registers. */
#include "math/kernel_sets.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define FIRST (-1) /* the first level of all: its input is residues */
/* What the first pass reads: what a pass before left, residues, or residues modulo another prime,
 * to be centred. */
enum { LEFT, RESIDUES, CENTRED };
#define TAIL_LOG2 (3 + LANES_LOG2)
#define TAIL ((size_t)1 << TAIL_LOG2)

/* `levels` (1 .. 3) levels on `groups` groups of 2^levels registers, level by level, so that the
 * instructions next to each other are independent. Group g starts at the root i + g*step. */
INLINE void forward_vertical(vec *x, int levels, int groups, size_t step, const factors *f,
                             size_t i, int level, int source, const constants *c)
{
    UNROLL
    for (int l = 0; l < levels; l++) {
        const int half = (1 << levels) >> (l + 1), blocks = groups << l;
        UNROLL
        for (int b = 0; b < blocks; b++) {
            const size_t root = ((i + (size_t)(b >> l) * step) << l) + (size_t)(b & ((1 << l) - 1));
            const factor w = factor_at(f, root, c);
            vec *block = x + 2 * half * b;
            UNROLL
            for (int k = 0; k < half; k++)
                forward_butterfly(&block[k], &block[half + k], w,
                                  source == RESIDUES && l == 0 ? FIRST : level + l,
                                  l < levels - 1 && k >= half / 2, c);
        }
    }
}

/* last: the block is the whole transform, and its last level is done by inverse_last. */
INLINE void inverse_vertical(vec *x, int levels, int groups, size_t step, const factors *f,
                             size_t i, int level, int last, const constants *c)
{
    UNROLL
    for (int l = levels - 1; l >= last; l--) {
        const int half = (1 << levels) >> (l + 1), blocks = groups << l;
        UNROLL
        for (int b = 0; b < blocks; b++) {
            const size_t root = ((i + (size_t)(b >> l) * step) << l) + (size_t)(b & ((1 << l) - 1));
            const factor w = factor_at(f, root, c);
            vec *block = x + 2 * half * b;
            UNROLL
            for (int k = 0; k < half; k++)
                inverse_butterfly(&block[k], &block[half + k], w, level + levels - 1 - l, 0, c);
        }
    }
}

/* The last level of the inverse, with 1/N, fully reduced. */
INLINE void inverse_last(vec *x, int levels, int groups, const umbra_ntt *ntt, const constants *c)
{
    const int half = 1 << (levels - 1);
    UNROLL
    for (int g = 0; g < groups; g++) {
        vec *block = x + 2 * half * g;
        UNROLL
        for (int k = 0; k < half; k++)
            inverse_last_butterfly(&block[k], &block[half + k], ntt, c);
    }
}

INLINE vec load_source(const uint64_t *p, int source, const centring *centre)
{
    return source == LEFT       ? load_vec(p)
           : source == RESIDUES ? load_residues(p)
                                : load_centred(p, centre);
}

/* One pass over a block of 2^levels rows of `stride` words, GROUPS columns of registers at a time.
 * other: the prime of a source to be centred. */
INLINE void forward_rows(uint64_t *r, const uint64_t *a, int levels, size_t stride, size_t i,
                         int level, int source, uint64_t other, const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const factors f = forward_factors(ntt);
    const centring centre = centring_of(other, &c);
    const size_t rows = (size_t)1 << levels;
    for (size_t v = 0; v < stride; v += GROUPS * LANES) {
        vec x[GROUPS * 8];
        UNROLL
        for (size_t k = 0; k < GROUPS * rows; k++)
            x[k] = load_source(a + k % rows * stride + v + k / rows * LANES, source, &centre);
        forward_vertical(x, levels, GROUPS, 0, &f, i, level, source, &c);
        UNROLL
        for (size_t k = 0; k < GROUPS * rows; k++)
            store_vec(r + k % rows * stride + v + k / rows * LANES, x[k]);
    }
}

INLINE void inverse_rows(uint64_t *r, int levels, size_t stride, size_t i, int level, int last,
                         const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const factors f = inverse_factors(ntt);
    const size_t rows = (size_t)1 << levels;
    for (size_t v = 0; v < stride; v += GROUPS * LANES) {
        vec x[GROUPS * 8];
        UNROLL
        for (size_t k = 0; k < GROUPS * rows; k++)
            x[k] = load_vec(r + k % rows * stride + v + k / rows * LANES);
        inverse_vertical(x, levels, GROUPS, 0, &f, i, level, last, &c);
        if (last)
            inverse_last(x, levels, GROUPS, ntt, &c);
        UNROLL
        for (size_t k = 0; k < GROUPS * rows; k++) {
            uint64_t *out = r + k % rows * stride + v + k / rows * LANES;
            last ? store_inverse(out, x[k], &c) : store_vec(out, x[k]);
        }
    }
}

/* The last levels of `groups` consecutive blocks, without those between the lanes if LANES_APART.
 */
INLINE void forward_tail_blocks(uint64_t *r, const uint64_t *a, int groups, size_t i, int source,
                                uint64_t other, const factors *f, const constants *c)
{
    vec x[GROUPS * 8];
    const centring centre = centring_of(other, c);
    UNROLL
    for (size_t k = 0; k < (size_t)groups * 8; k++)
        x[k] = load_source(a + k * LANES, source, &centre);
    forward_vertical(x, 3, groups, 1, f, i, TAIL_LEVEL, source, c);
    if (!LANES_APART)
        forward_lanes(x, groups * 8, f, 8 * i, TAIL_LEVEL + 3, c);
    UNROLL
    for (size_t k = 0; k < (size_t)groups * 8; k++)
        LANES_APART ? store_vec(r + k * LANES, x[k]) : store_forward(r + k * LANES, x[k], c);
}

/* The levels between the lanes of registers whose first root is at i. */
INLINE void forward_lane_blocks(uint64_t *r, int registers, size_t i, const factors *f,
                                const constants *c)
{
    vec x[GROUPS * 8];
    UNROLL
    for (size_t k = 0; k < (size_t)registers; k++)
        x[k] = load_vec(r + k * LANES);
    forward_lanes(x, registers, f, i, TAIL_LEVEL + 3, c);
    UNROLL
    for (size_t k = 0; k < (size_t)registers; k++)
        store_forward(r + k * LANES, x[k], c);
}

/* count: 1, or a multiple of GROUPS */
INLINE void forward_tail(uint64_t *r, const uint64_t *a, size_t count, size_t i, int source,
                         uint64_t other, const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const factors f = forward_factors(ntt);
    if (count == 1) {
        forward_tail_blocks(r, a, 1, i, source, other, &f, &c);
        if (LANES_APART)
            forward_lane_blocks(r, 8, 8 * i, &f, &c);
        return;
    }
    for (size_t b = 0; b < count; b += GROUPS)
        forward_tail_blocks(r + b * TAIL, a + b * TAIL, GROUPS, i + b, source, other, &f, &c);
    for (size_t b = 0; LANES_APART && b < count; b += GROUPS)
        forward_lane_blocks(r + b * TAIL, GROUPS * 8, 8 * (i + b), &f, &c);
}

/* Likewise, the other way: the input is residues. */
INLINE void inverse_lane_blocks(uint64_t *r, const uint64_t *a, int registers, size_t i,
                                const factors *f, const constants *c)
{
    vec x[GROUPS * 8];
    UNROLL
    for (size_t k = 0; k < (size_t)registers; k++)
        x[k] = load_residues(a + k * LANES);
    inverse_lanes(x, registers, f, i, 0, c);
    UNROLL
    for (size_t k = 0; k < (size_t)registers; k++)
        store_vec(r + k * LANES, x[k]);
}

/* a is read where the levels between the lanes are not apart, else r. */
INLINE void inverse_tail_blocks(uint64_t *r, const uint64_t *a, int groups, size_t i, int last,
                                const umbra_ntt *ntt, const factors *f, const constants *c)
{
    vec x[GROUPS * 8];
    UNROLL
    for (size_t k = 0; k < (size_t)groups * 8; k++)
        x[k] = LANES_APART ? load_vec(r + k * LANES) : load_residues(a + k * LANES);
    if (!LANES_APART)
        inverse_lanes(x, groups * 8, f, 8 * i, 0, c);
    inverse_vertical(x, 3, groups, 1, f, i, LANES_LOG2, last, c);
    if (last)
        inverse_last(x, 3, groups, ntt, c);
    UNROLL
    for (size_t k = 0; k < (size_t)groups * 8; k++)
        last ? store_inverse(r + k * LANES, x[k], c) : store_vec(r + k * LANES, x[k]);
}

/* count: 1, or a multiple of GROUPS */
INLINE void inverse_tail(uint64_t *r, const uint64_t *a, size_t count, size_t i, int last,
                         const umbra_ntt *ntt)
{
    const constants c = constants_of(&ntt->modulus);
    const factors f = inverse_factors(ntt);
    if (count == 1) {
        if (LANES_APART)
            inverse_lane_blocks(r, a, 8, 8 * i, &f, &c);
        inverse_tail_blocks(r, a, 1, i, last, ntt, &f, &c);
        return;
    }
    for (size_t b = 0; LANES_APART && b < count; b += GROUPS)
        inverse_lane_blocks(r + b * TAIL, a + b * TAIL, GROUPS * 8, 8 * (i + b), &f, &c);
    for (size_t b = 0; b < count; b += GROUPS)
        inverse_tail_blocks(r + b * TAIL, a + b * TAIL, GROUPS, i + b, last, ntt, &f, &c);
}

/* Levels of the next pass over a block with `above` levels before the tail: threes, the rest in
 * twos. */
static int pass_levels(int above)
{
    return above % 3 == 0 ? 3 : above == 1 ? 1 : 2;
}

/* Give a pass its levels as a constant, so that its loops unroll and each level has its own code.
 */
#define LEVELS_CASES(call) (levels == 1 ? call(1) : levels == 2 ? call(2) : call(3))

static void forward_pass(uint64_t *r, int levels, size_t stride, size_t i, int level,
                         const umbra_ntt *ntt)
{
#define PASS(n)                                                                                    \
    (level == 0   ? forward_rows(r, r, n, stride, i, 0 % FORWARD_PERIOD, LEFT, 0, ntt)             \
     : level == 1 ? forward_rows(r, r, n, stride, i, 1 % FORWARD_PERIOD, LEFT, 0, ntt)             \
     : level == 2 ? forward_rows(r, r, n, stride, i, 2 % FORWARD_PERIOD, LEFT, 0, ntt)             \
                  : forward_rows(r, r, n, stride, i, 3 % FORWARD_PERIOD, LEFT, 0, ntt))
    level %= FORWARD_PERIOD;
    LEVELS_CASES(PASS);
#undef PASS
}

/* A block of a transform of 2^top_log2 points, the whole of which is read from a: as residues, or,
 * where other is not 0, as residues modulo that to be centred. */
static void forward_block(uint64_t *r, const uint64_t *a, int size_log2, size_t i, int top_log2,
                          uint64_t other, const umbra_ntt *ntt)
{
    const int level = top_log2 - size_log2;
    const int levels = pass_levels(size_log2 - TAIL_LOG2);
    const int child_log2 = size_log2 - levels;
    const size_t stride = (size_t)1 << child_log2, children = (size_t)1 << levels;
#define PASS(n) forward_rows(r, a, n, stride, i, 0, RESIDUES, 0, ntt)
#define CENTRED_PASS(n) forward_rows(r, a, n, stride, i, 0, CENTRED, other, ntt)
    if (level != 0)
        forward_pass(r, levels, stride, i, level, ntt);
    else if (other == 0)
        LEVELS_CASES(PASS);
    else
        LEVELS_CASES(CENTRED_PASS);
#undef PASS
#undef CENTRED_PASS
    if (child_log2 > TAIL_LOG2) {
        for (size_t b = 0; b < children; b++)
            forward_block(r + b * stride, r + b * stride, child_log2, (i << levels) + b, top_log2,
                          0, ntt);
        return;
    }
    forward_tail(r, r, children, i << levels, LEFT, 0, ntt);
}

static void inverse_block(uint64_t *r, const uint64_t *a, int size_log2, size_t i,
                          const umbra_ntt *ntt)
{
    const int levels = pass_levels(size_log2 - TAIL_LOG2);
    const int child_log2 = size_log2 - levels;
    const size_t stride = (size_t)1 << child_log2, children = (size_t)1 << levels;
    if (child_log2 > TAIL_LOG2)
        for (size_t b = 0; b < children; b++)
            inverse_block(r + b * stride, a + b * stride, child_log2, (i << levels) + b, ntt);
    else
        inverse_tail(r, a, children, i << levels, 0, ntt);
    const int last = i == 1, odd = child_log2 % INVERSE_PERIOD;
#define PASS(n)                                                                                    \
    (last && odd ? inverse_rows(r, n, stride, i, 1, 1, ntt)                                        \
     : last      ? inverse_rows(r, n, stride, i, 0, 1, ntt)                                        \
     : odd       ? inverse_rows(r, n, stride, i, 1, 0, ntt)                                        \
                 : inverse_rows(r, n, stride, i, 0, 0, ntt))
    LEVELS_CASES(PASS);
#undef PASS
}

INLINE void forward_transform(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    UMBRA_ASSERT_VECTOR(r, ntt->degree);
    UMBRA_ASSERT_VECTOR(a, ntt->degree);
    if (ntt->degree_log2 < TAIL_LOG2)
        umbra_ntt_forward_portable(r, a, ntt);
    else if (ntt->degree_log2 == TAIL_LOG2)
        forward_tail(r, a, 1, 1, RESIDUES, 0, ntt);
    else
        forward_block(r, a, ntt->degree_log2, 1, ntt->degree_log2, 0, ntt);
}

/* set: the one that this belongs to */
INLINE void forward_centred_transform(uint64_t *r, const uint64_t *a, uint64_t p,
                                      const umbra_ntt *ntt, const umbra_kernels *set)
{
    UMBRA_ASSERT_VECTOR(r, ntt->degree);
    UMBRA_ASSERT_VECTOR(a, ntt->degree);
    if (p >= 2 * ntt->modulus.q) {
        set->reduce_centred(r, a, p, ntt->degree, &ntt->modulus);
        set->ntt_forward(r, r, ntt);
    } else if (ntt->degree_log2 < TAIL_LOG2)
        umbra_ntt_forward_centred_portable(r, a, p, ntt);
    else if (ntt->degree_log2 == TAIL_LOG2)
        forward_tail(r, a, 1, 1, CENTRED, p, ntt);
    else
        forward_block(r, a, ntt->degree_log2, 1, ntt->degree_log2, p, ntt);
}

/* The half below the root at 2. */
INLINE void forward_half_transform(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    const int size_log2 = ntt->degree_log2 - 1;
    UMBRA_ASSERT_VECTOR(r, ntt->degree / 2);
    UMBRA_ASSERT_VECTOR(p, ntt->degree / 2);
    if (size_log2 < TAIL_LOG2)
        umbra_ntt_forward_half_portable(r, p, ntt);
    else if (size_log2 == TAIL_LOG2)
        forward_tail(r, p, 1, 2, RESIDUES, 0, ntt);
    else
        forward_block(r, p, size_log2, 2, size_log2, 0, ntt);
}

INLINE void inverse_transform(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    UMBRA_ASSERT_VECTOR(r, ntt->degree);
    UMBRA_ASSERT_VECTOR(a, ntt->degree);
    if (ntt->degree_log2 < TAIL_LOG2)
        umbra_ntt_inverse_portable(r, a, ntt);
    else if (ntt->degree_log2 == TAIL_LOG2)
        inverse_tail(r, a, 1, 1, 1, ntt);
    else
        inverse_block(r, a, ntt->degree_log2, 1, ntt);
}
