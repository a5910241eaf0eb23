/* The steps from sparse matrices to diagonals: positions, residues, cover, split, entries.
 *
 * Words used here, all in slots and powers of two unless said otherwise:
 * - A shift d takes the input of slot s + d to the output of slot s.
 * - The periods of an input (P) and of the output (Q) make many shifts equal: an entry whose output
 *   stands at p and whose input at q may use any d = q - p mod min(P, Q), its residue.
 * - The window W, Q <= W <= max(P, Q): the map is computed as if the output had period W, and the
 * sum steps W, 2W, ... up to half of the largest P add the parts. W = Q takes the fewest diagonals,
 * the largest W no sum steps. Shifts are chosen modulo min(P, W).
 * - A cover with half h: shifts D such that D and D + h together hold every residue. */
#ifndef UMBRA_PLAN_DIAGONALS_INTERNAL_H
#define UMBRA_PLAN_DIAGONALS_INTERNAL_H

#include "plan/diagonals.h"

#include <stdbool.h>

/* Where the elements of a layout stand: position (ciphertext * slots + slot of the first copy) of
 * element (channel, point) is channel[c] + point[p], in ciphertext and slot alike. */
typedef struct umbra_diagonal_side {
    size_t channels, points;
    uint32_t *channel, *point;
} umbra_diagonal_side;

/* One map, its positions and residues. Pair k = output * inputs + input. */
typedef struct umbra_diagonal_problem {
    const umbra_map_term *terms;
    int term_count;
    const umbra_layout *to;
    size_t slots;
    int inputs, outputs; /* ciphertexts */
    /* Two ciphertexts of a term are one complex input, under the number of the first: a residue of
     * either is one of the pair. */
    bool joined;
    /* Several images in a ciphertext: shifts are not cyclic in a room. P is the room; Q and the
     * largest P are what elements reach up to in it; W = Q, and every base and modulus the slots.
     */
    bool rooms;
    size_t out_period, largest_period; /* Q; the largest P, at least Q */
    size_t *period;                    /* P by input ciphertext; 0: no term uses it */
    umbra_diagonal_side out;
    umbra_diagonal_side *in; /* by term; ciphertexts count among the map's inputs */
    size_t *pair_start;      /* outputs * inputs + 1 */
    uint32_t *residues;      /* ascending in each pair */
    size_t residue_count;
} umbra_diagonal_problem;

umbra_status umbra_diagonal_problem_make(umbra_diagonal_problem *out, const umbra_map_term *terms,
                                         int term_count, const umbra_layout *to) UMBRA_MUST_USE;
void umbra_diagonal_problem_free(umbra_diagonal_problem *problem);
/* Fill pair_start and residues: a walk over the points and tiles, and over the entries of a tile
 * once for each distance between points. */
umbra_status umbra_diagonal_find_residues(umbra_diagonal_problem *problem) UMBRA_MUST_USE;

static inline size_t umbra_diagonal_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t umbra_diagonal_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* min(P, Q), what residues of an input are known modulo; and min(P, W), what its shifts are. */
static inline size_t umbra_diagonal_base(const umbra_diagonal_problem *problem, size_t period)
{
    return problem->rooms ? problem->slots : umbra_diagonal_min(period, problem->out_period);
}

static inline size_t umbra_diagonal_modulus(const umbra_diagonal_problem *problem, size_t period,
                                            size_t window)
{
    return problem->rooms ? problem->slots : umbra_diagonal_min(period, window);
}

/* How many of its shifts an entry takes: one for each part of the window that its input tells
 * apart.
 */
static inline size_t umbra_diagonal_lifts(const umbra_diagonal_problem *problem, size_t period,
                                          size_t window)
{
    size_t modulus = umbra_diagonal_min(period, window);
    return problem->rooms || modulus <= problem->out_period ? 1 : modulus / problem->out_period;
}

/* What weights are multiplied by, because the sum steps add equal copies. */
static inline double umbra_diagonal_factor(const umbra_diagonal_problem *problem, size_t period,
                                           size_t window)
{
    return problem->rooms
               ? 1.0
               : (double)umbra_diagonal_max(period, window) / (double)problem->largest_period;
}

/* The residue of an entry. In rooms its result stands at the one slot that is p mod Q and not more
 * than Q - 1 away from q on either side, so that it never leaves the room. */
static inline size_t umbra_diagonal_residue(const umbra_diagonal_problem *problem, size_t base,
                                            size_t p, size_t q)
{
    return ((problem->rooms ? q & (problem->out_period - 1) : q) - p) & (base - 1);
}

/* Baby and giant of a residue. Its digits in the bases radix[0], radix[1]/radix[0], ... are centred
 * around 0, so that small negative offsets stay small; the first and third digit make the baby, the
 * second and fourth the giant. radix[0] <= radix[1] <= radix[2]; all 1: everything is giant. */
typedef struct umbra_diagonal_split {
    size_t window, half; /* half 0: not halved */
    size_t radix[3];
    double cost_ns;
} umbra_diagonal_split;

/* modulus: min(P, W). The shift is baby + giant, both in [0, slots). */
void umbra_diagonal_split_residue(const umbra_diagonal_split *split, size_t modulus, size_t slots,
                                  size_t residue, size_t *baby, size_t *giant);

/* The shifts modulo `modulus` that serve a pair's residues (known modulo `base`), written to
 * `cover`.
 *
 * cover: room for count * modulus / base
 * marks: modulus bytes, zero before and after
 * Returns: their number; each residue is met by exactly one of D and D + half */
size_t umbra_diagonal_cover(size_t half, const uint32_t *residues, size_t count, size_t base,
                            size_t modulus, uint32_t *cover, unsigned char *marks);

/* The split that costs least. */
umbra_status umbra_diagonal_choose(const umbra_diagonal_problem *problem,
                                   const umbra_diagonal_cost *cost,
                                   umbra_diagonal_split *out) UMBRA_MUST_USE;

/* What a set keeps to fill the slots of its diagonals (diagonals_weights.c). */
typedef struct umbra_diagonal_weights umbra_diagonal_weights;

umbra_status umbra_diagonal_weights_make(umbra_diagonal_weights **out,
                                         const umbra_diagonal_problem *problem,
                                         const umbra_diagonal_split *split) UMBRA_MUST_USE;
void umbra_diagonal_weights_free(umbra_diagonal_weights *weights);

#endif
