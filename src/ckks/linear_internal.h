/* What the files of the linear map share: the lists of a map, and its weights in transformed form.
 */
#ifndef UMBRA_CKKS_LINEAR_INTERNAL_H
#define UMBRA_CKKS_LINEAR_INTERNAL_H

#include "ckks/evaluator_internal.h"
#include "ckks/linear.h"

/* One rotated input that some diagonal multiplies. key NULL: not rotated. */
typedef struct umbra_linear_rotation {
    int input;
    int64_t baby_slots;
    const umbra_switch_key *key;
} umbra_linear_rotation;

/* Consecutive diagonals of one output and one giant step. key NULL: giant step 0. */
typedef struct umbra_linear_group {
    int output;
    const umbra_switch_key *key;
    size_t first, count;
} umbra_linear_group;

/* Lives in the tables of the evaluator. */
typedef struct umbra_linear_plan {
    umbra_linear_rotation *rotations;
    umbra_linear_group *groups;
    size_t rotation_count, group_count;
    const uint64_t **words[4]; /* room for four lists with a pointer for each diagonal */
    uint32_t *rotation_of;     /* for each diagonal */
    uint32_t *rows[2];         /* room for two lists with a number for each diagonal */
    unsigned char *symmetric;  /* for each diagonal, filled by umbra_linear_is_symmetric */
} umbra_linear_plan;

/* Groups whose inner sums wait for their giant step together: of so many groups, even shares of at
 * most UMBRA_LINEAR_CHUNK, or half of it where weights do not repeat. */
#define UMBRA_LINEAR_CHUNK 32
size_t umbra_linear_chunk(size_t groups, size_t fold);

/* Scratch for weights that are transformed many at a time: 32 MiB. All rotated inputs are read
 * again for each such part of the weights, so that few parts are better than a part that fits a
 * cache. */
#define UMBRA_LINEAR_WEIGHT_LIMBS(degree) (((size_t)1 << 22) / (degree))

/* Sums of consecutive groups whose weights repeat 2^fold_log2 times, UMBRA_LINEAR_BLOCK_FOLD_LOG2
 * or more: all weights of a limb are transformed, without repeating them, and then the points are
 * taken a few at a time, where every rotated input is read once for all groups. */
typedef struct umbra_linear_block {
    umbra_evaluator *e;
    int level;
    const umbra_linear_map *map;
    const umbra_linear_plan *plan;
    int fold_log2;                    /* the least of the map's diagonals */
    const umbra_linear_group *groups; /* count of them, at most UMBRA_LINEAR_CHUNK */
    size_t count;
    uint64_t *sums[UMBRA_LINEAR_CHUNK][2]; /* limbs of each part, in NTT order */
    const uint64_t *babies;                /* part p of rotation r: at (2 r + p) * baby_words */
    size_t baby_words;
    uint64_t *weights; /* UMBRA_LINEAR_WEIGHT_LIMBS(N) limbs */
} umbra_linear_block;

/* How the scratch of a map is divided, in limbs: babies, wide and inner sums, one after the other,
 * then room for decompositions, for a division by P or for weights. Decompositions that rotated
 * inputs are made from stand where the inner sums will. */
typedef struct umbra_linear_room {
    size_t babies, wide, sums, rest;
    umbra_scratch all;
} umbra_linear_room;
umbra_linear_room umbra_linear_divide(const umbra_params *params, int level,
                                      const umbra_linear_shape *shape);

/* Words that lie between rotated inputs: points of many of them would share their place in caches.
 */
#define UMBRA_LINEAR_GAP_WORDS 16
/* Diagonals of a sum that are multiplied at once, where their weights do not repeat: at N = 2^15
 * two halves of 128 KiB, so that the sums of 512 KiB stay in a cache of 1 MiB beside them. */
#define UMBRA_LINEAR_WEIGHT_BATCH 4
/* Of a worker, for weights that repeat, besides UMBRA_DOT_SCRATCH_WORDS for each rotated input. */
#define UMBRA_LINEAR_BLOCK_LIMBS 3

umbra_status umbra_linear_block_run(umbra_linear_block *block) UMBRA_MUST_USE;

/* Giant steps. Groups are decomposed and turned together, so that their limbs are enough for all
 * threads and the sums stay in a cache; each lane has a sum of its own, and takes every so many
 * groups of each limb. Fewer limbs have more lanes. */
#define UMBRA_LINEAR_TURN_LIMBS 32
#define UMBRA_LINEAR_LANES 4
#define UMBRA_LINEAR_TURNS (2 * UMBRA_LINEAR_LANES)
typedef struct umbra_linear_turn {
    umbra_evaluator *e;
    int level;
    size_t lanes;                   /* umbra_linear_lanes */
    uint64_t *wide;                 /* lane, part, limb: level and special ones */
    uint64_t *memory;               /* of two decompositions a lane; or of a division by P */
    bool begun[UMBRA_LINEAR_LANES]; /* all false before an output */
    uint64_t *const *plain;
    /* the groups at hand */
    const umbra_linear_group *groups;
    uint64_t *const (*sums)[2]; /* limbs of each part */
    size_t count, ranges;       /* of limbs, each a task */
    umbra_decomposition digits[UMBRA_LINEAR_TURNS];
} umbra_linear_turn;

/* Lanes for so many limbs, special ones included: 1 .. UMBRA_LINEAR_LANES */
size_t umbra_linear_lanes(size_t all_limbs);
/* Add to the output: the group without a giant step, before all others; up to 2 * lanes groups that
 * have one. */
umbra_status umbra_linear_turn_nothing(umbra_linear_turn *turn,
                                       uint64_t *const sum[2]) UMBRA_MUST_USE;
umbra_status umbra_linear_turn_groups(umbra_linear_turn *turn, const umbra_linear_group *groups,
                                      uint64_t *const (*sums)[2], size_t count) UMBRA_MUST_USE;
/* Polynomials of the output, of which some group had a giant step. */
umbra_status umbra_linear_turn_end(umbra_linear_turn *turn, umbra_ciphertext *out) UMBRA_MUST_USE;

/* Check the map against the inputs and list its parts. */
umbra_status umbra_linear_plan_make(umbra_evaluator *e, umbra_linear_plan *plan,
                                    const umbra_ciphertext *const *in,
                                    const umbra_linear_map *map) UMBRA_MUST_USE;

/* Folded order: F[j] = x[j] and F[N/2+j] = x[N-1-j], j < N/2. Places j and N-1-j of the NTT order
 * hold the values at zeta and at its conjugate, which are equal for the polynomial of a real
 * vector: in folded order such a polynomial is one half, twice. Folding is its own inverse. */
void umbra_fold(uint64_t *r, const uint64_t *a, size_t n);
void umbra_fold_index(uint32_t *r, const uint32_t *index, size_t n);

/* c[N/2] = 0 and c[N-k] = -c[k]: the polynomial of a real vector. */
int umbra_linear_is_symmetric(const umbra_diagonal *diagonal, size_t n);
/* The weights of one diagonal in limb `limb` of a level, folded: n words into r, or n/2 where
 * symmetric, of which each 2^fold_log2 are one (fold_log2 at most the diagonal's). scratch: n/2
 * words. Returns the words: r, or the prepared limbs. */
const uint64_t *umbra_linear_weights(const umbra_params *params, int level, int limb,
                                     const umbra_diagonal *diagonal, int symmetric, int fold_log2,
                                     uint64_t *r, uint64_t *scratch);

#endif
