/* Linear transforms by generalised diagonals: baby step giant step, hoisted. */
#ifndef UMBRA_CKKS_LINEAR_H
#define UMBRA_CKKS_LINEAR_H

#include "ckks/evaluator.h"

/* One diagonal: out[o] += rotate_left(in[i], baby + giant) * w, where the weights stored are
 * already turned to the RIGHT by `giant` slots, so that out[o] = sum_giant rotate_left( sum_baby
 * rotate_left(in[i], baby) * stored(o,i,giant,baby), giant ). */
typedef struct umbra_diagonal {
    int output, input;
    int64_t giant_slots, baby_slots; /* 0 <= each < N/2 */
    /* Integers in coefficient order (umbra_encode_coefficients_*, umbra_encode_weights_i32):
     * exactly one of the two is set, or limbs: limb-major NTT words made ahead for the level
     * (umbra_linear_prepare). Borrowed, 64-byte aligned. Of weights that repeat 2^fold_log2 times
     * over the slots only the N >> fold_log2 coefficients of X^(k << fold_log2) are given, all
     * others being zero. */
    int fold_log2;
    const int32_t *coefficients_i32;
    const int64_t *coefficients_i64;
    const uint64_t *limbs;
} umbra_diagonal;

/* Log2 of how often weights repeat at least that are transformed many at a time. */
#define UMBRA_LINEAR_BLOCK_FOLD_LOG2 1

/* Pairs (output, giant) whose weights are asked for at once. */
#define UMBRA_LINEAR_STREAM_GROUPS 4

typedef struct umbra_linear_map {
    int input_count, output_count;
    double weight_scale_log2;
    double gain_log2; /* log2 of a bound on max_o sum |w|: message_log2 of outputs = of inputs +
                         this */
    double weight_noise_gain_log2; /* log2 of sqrt(sum over diagonals of mean |w|^2): noise gain */
    const umbra_diagonal *diagonals; /* sorted by (output, giant, input, baby) */
    size_t diagonal_count;
    /* Weights that are made while the map runs: called before diagonals first .. first + count - 1
     * are read, which have coefficients from then until the next call. NULL: all have theirs. */
    umbra_status (*stream)(void *context, size_t first, size_t count);
    void *stream_context;
} umbra_linear_map;

/* The evaluator's scratch that a map of such a shape takes, at most: what umbra_evaluator_prepare
 * is to be asked for. */
typedef struct umbra_linear_shape {
    size_t rotations; /* distinct (input, baby), those by nothing included */
    size_t switched;  /* those that are not by nothing */
    size_t groups;    /* distinct (output, giant) */
    size_t fold;      /* all weights repeat so many times */
} umbra_linear_shape;
umbra_scratch umbra_linear_scratch(const umbra_params *params, int level,
                                   const umbra_linear_shape *shape);

/* All inputs share level and scale. Outputs have the inputs' level and scale + weight_scale (no
 * rescale).
 *
 * Keys:    every baby and every giant that is not 0, at the inputs' level
 * Cost:    each distinct (input, baby) one hoisted rotation; each distinct (output, giant != 0) one
 *          decomposition and one inner product, with a single modulus-down per output (hoisted
 *          giants); weights given as coefficients are reduced and transformed while they are used
 *
 * Threads: parallel over rotations, then over (output, giant) sums or limbs */
umbra_status umbra_eval_linear_map(umbra_evaluator *e, umbra_ciphertext *const *out,
                                   const umbra_ciphertext *const *in,
                                   const umbra_linear_map *map) UMBRA_MUST_USE;

/* NTT words of a diagonal's coefficients for `level`: limbs(level) * N words. */
umbra_status umbra_linear_prepare(const umbra_params *params, int level,
                                  const umbra_diagonal *diagonal, uint64_t *limbs) UMBRA_MUST_USE;

#endif
