/* From a sparse matrix between two layouts to generalised diagonals in baby and giant steps. */
#ifndef UMBRA_PLAN_DIAGONALS_H
#define UMBRA_PLAN_DIAGONALS_H

#include "circuit/program.h"
#include "plan/layout.h"
#include "plan/sparse.h"

#include <stdbool.h>

/* One linear map of several inputs to one output tensor: y = sum_t matrix_t x_t. No two terms read
 * the same ciphertext: add their matrices instead. The sides of a matrix are those of the layouts:
 * channels, and height * width points. */
typedef struct umbra_map_term {
    const umbra_sparse *matrix;
    const umbra_layout *layout; /* of the input */
    int input;                  /* index of the input's first ciphertext among the map's inputs */
} umbra_map_term;

/* How the map is evaluated.
 *
 * Halved (half_slots != 0): each input ciphertext x is first replaced by
 * x + i * rotate(x, half_slots), which costs no level since multiplying by i is exact. Weights are
 * complex, so that one product serves two diagonals, and hold half of the map's; the imaginary part
 * of the result goes when its conjugate is added.
 *
 * Joined: the ciphertexts x_0, x_1, ... of each term are first replaced by x_0 + i * x_1,
 * x_2 + i * x_3, ..., which costs no rotation; shapes name the first of two (a last one without a
 * partner stays as it is). Weights and conjugate are as when halved. Never both.
 *
 * Sum steps: after the map, out += rotate(out, sum_slots[k]) for each k in turn. */
typedef struct umbra_diagonal_set {
    size_t slots;
    int input_count, output_count;
    int64_t half_slots;
    bool joined;
    int sum_count;
    int64_t sum_slots[32];
    umbra_map_diagonal *shapes; /* sorted by output, giant, input, baby */
    size_t count;
    size_t baby_rotations;  /* distinct (input, baby != 0) */
    size_t giant_rotations; /* distinct (output, giant != 0) */
    double gain_log2;       /* log2 of max over rows of sum |w|, sum steps included */
    /* log2 of the root of sum over diagonals of mean |w|^2 (times 2 when halved or joined), before
     * the sum steps: each of them adds 1/2 to the part of the noise that is independent between
     * slots. */
    double noise_gain_log2;
    uint64_t memory_bytes; /* about what a FILL set takes, in both modes */
    void *weights;         /* opaque, NULL in a count-only set */
} umbra_diagonal_set;

/* Halved or joined: inputs are read with both parts, and a conjugate is added to the result. */
static inline bool umbra_diagonal_set_is_complex(const umbra_diagonal_set *set)
{
    return set->half_slots != 0 || set->joined;
}

typedef enum umbra_diagonal_mode { UMBRA_DIAGONAL_COUNT, UMBRA_DIAGONAL_FILL } umbra_diagonal_mode;

/* The cost of the choice between splits (ns): a baby rotation, a giant rotation, one diagonal
 * product. A rotation by half, a conjugation or a sum step counts as a baby and a giant. */
typedef struct umbra_diagonal_cost {
    double baby_ns, giant_ns, product_ns;
} umbra_diagonal_cost;

/* Choose rotations (using the copies of input layouts: positions are cyclic in the period),
 * halving, and the split into babies and giants with the least cost; COUNT mode makes the shapes
 * only, FILL the weights too. Shapes are the same in both modes. An output ciphertext that no entry
 * reaches has one shape, whose weights are zero.
 *
 * Layouts of several images (umbra_layout_set_images) differ in one thing: positions are not
 * cyclic. All residues and shifts are then modulo the slots, and weights repeat with one image's
 * room, so that entries never cross images (`rooms` in diagonals_internal.h).
 *
 * A FILL set keeps copies of the matrices: weights are read from their tiles when they are asked
 * for.
 *
 * Owns:    umbra_diagonal_set_free
 * Returns: UMBRA_E_MISMATCH where matrices, layouts and inputs do not belong together */
umbra_status umbra_diagonals_make(umbra_diagonal_set **out, const umbra_map_term *terms,
                                  int term_count, const umbra_layout *to,
                                  const umbra_diagonal_cost *cost,
                                  umbra_diagonal_mode mode) UMBRA_MUST_USE;
void umbra_diagonal_set_free(umbra_diagonal_set *set);
/* The first `slots` (1 .. set->slots) numbers of the slot vector of diagonal i, in time by slots:
 * already turned to the right by its giant; `slots` doubles each. Threads: any number at once */
void umbra_diagonal_fill(const umbra_diagonal_set *set, size_t i, size_t slots, double *re,
                         double *im);

#endif
