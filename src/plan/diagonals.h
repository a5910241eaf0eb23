/* From a sparse matrix between two layouts to generalised diagonals in baby and giant steps. */
#ifndef UMBRA_PLAN_DIAGONALS_H
#define UMBRA_PLAN_DIAGONALS_H

#include "plan/layout.h"
#include "plan/sparse.h"

/* One linear map of several inputs to one output tensor: y = sum_t matrix_t x_t. No two terms read
 * the same ciphertext: add their matrices instead. */
typedef struct umbra_map_term {
    const umbra_sparse *matrix;
    const umbra_layout *layout; /* of the input */
    int input;                  /* index of the input's first ciphertext among the map's inputs */
} umbra_map_term;

typedef struct umbra_diagonal_shape {
    int output, input;               /* ciphertexts */
    int64_t giant_slots, baby_slots; /* as ckks/linear.h */
} umbra_diagonal_shape;

/* How the map is evaluated:
 * - halved: each input ciphertext z is first replaced by z + i * rotate(z, half_slots) (free of
 * levels: multiplication by i is exact), weights are complex, so that one product serves two
 * diagonals; the result's imaginary part is removed by adding the conjugate. half_slots = 0: not
 * halved.
 * - sum_steps: after the map out += rotate(out, sum_slots[i]) for each i: partial sums of a dense
 * layer into a MODULAR layout. */
typedef struct umbra_diagonal_set {
    size_t slots;
    int input_count, output_count;
    int64_t half_slots;
    int sum_count;
    int64_t sum_slots[32];
    umbra_diagonal_shape *shapes; /* sorted by output, giant, input, baby */
    size_t count;
    size_t baby_rotations,
        giant_rotations;    /* distinct (input, baby != 0) and (output, giant != 0) */
    double gain_log2;       /* log2 of max over rows of sum |w| */
    double noise_gain_log2; /* log2 of the root of sum over diagonals of mean |w|^2 (times 2 when
                               halved) */
    void *entries;          /* weights by diagonal; opaque, NULL in a count-only set */
} umbra_diagonal_set;

typedef enum umbra_diagonal_mode { UMBRA_DIAGONAL_COUNT, UMBRA_DIAGONAL_FILL } umbra_diagonal_mode;

/* The cost of the choice between splits: a baby rotation, a giant rotation, one diagonal product
 * (ns). */
typedef struct umbra_diagonal_cost {
    double baby_ns, giant_ns, product_ns;
} umbra_diagonal_cost;

/* Choose rotations (using the copies of input layouts: positions are cyclic in the period),
 * halving, and the split into babies and giants with the least cost; COUNT mode makes the shapes
 * only, FILL the weights too. Owns: umbra_diagonal_set_free */
umbra_status umbra_diagonals_make(umbra_diagonal_set **out, const umbra_map_term *terms,
                                  int term_count, const umbra_layout *to,
                                  const umbra_diagonal_cost *cost,
                                  umbra_diagonal_mode mode) UMBRA_MUST_USE;
void umbra_diagonal_set_free(umbra_diagonal_set *set);
/* The slot vector of diagonal i, already turned to the right by its giant; re, im: `slots` doubles.
 */
void umbra_diagonal_fill(const umbra_diagonal_set *set, size_t i, double *re, double *im);

#endif
