/* The network as the planner sees it: tensors that become ciphertexts, and linear maps between
 * them. */
#ifndef UMBRA_PLAN_NETWORK_H
#define UMBRA_PLAN_NETWORK_H

#include "plan/layout.h"
#include "plan/matrices.h"

/* A slot of a tensor holds factor * contents: the value + shift; of a SQUARE the square of the
 * contents of `source`, less that of their shift; of a PRODUCT the contents of `source` times those
 * of `other`. */
typedef enum umbra_tensor_kind {
    UMBRA_TENSOR_INPUT,
    UMBRA_TENSOR_LINEAR,
    UMBRA_TENSOR_SQUARE,
    UMBRA_TENSOR_PRODUCT
} umbra_tensor_kind;

typedef struct umbra_tensor {
    umbra_tensor_kind kind;
    int value;    /* of the graph: of a SQUARE that of its source, of a PRODUCT its own */
    int source;   /* SQUARE: the tensor squared; PRODUCT: a factor, of the same layout and depth */
    int other;    /* PRODUCT: the other factor */
    int part;     /* 0: holds the value; from 1: a step on the way to it */
    double reach; /* a bound on the contents that is known beforehand; 0: none is */
    int node;     /* of the graph, for names: what made the value, or the polynomial */
    int gap;      /* of its layout; -p: its planes are cut into p x p phases */
    int channels, height, width;
    int depth; /* rescalings before it */
    bool used;
    double shift; /* of a SQUARE its source's */
} umbra_tensor;

/* coefficient * matrix * tensor */
typedef struct umbra_term {
    int tensor, matrix;
    double coefficient;
} umbra_term;

/* A linear map that is evaluated: tensor = sum of terms + offset (in values, before shift and
 * factor). */
typedef struct umbra_linear {
    int tensor;
    int candidate; /* whose value this is, or -1 */
    int term_count;
    umbra_term *terms;
    double *offset; /* one for each element; NULL in a network without offsets */
    int depth;      /* of its terms; the tensor's is one more */
    int composed;   /* how many candidates were multiplied into it */
} umbra_linear;

/* A linear value that several nodes read: it may be kept and read (one more level), or multiplied
 * into its readers' maps (more diagonals). */
typedef struct umbra_candidate {
    int value, tensor, linear;
    bool compose;
} umbra_candidate;

typedef struct umbra_network {
    const umbra_graph *graph;
    umbra_matrices *matrices; /* borrowed */
    umbra_tensor *tensors;
    int tensor_count;
    size_t tensor_capacity;
    umbra_linear *linears;
    int linear_count;
    size_t linear_capacity;
    umbra_candidate *candidates;
    int candidate_count;
    size_t candidate_capacity;
    int input, output; /* tensors */
    int depth;         /* of the output: rescalings in all */
    int grid_height, grid_width;
    int images;      /* in each ciphertext */
    bool no_offsets; /* constants are left out */
} umbra_network;

/* Trials of the search do without the constants, which cost more to move than all the rest. */
typedef enum umbra_lower_mode { UMBRA_LOWER_SHAPES, UMBRA_LOWER_ALL } umbra_lower_mode;

/* Rewrite a graph as squares and linear maps. compose[i] decides the i-th candidate in the order of
 * the graph (beyond compose_count: composed).
 *
 * Owns:    umbra_network_free (the fields)
 * Returns: UMBRA_E_MODEL listing every node that the planner cannot take */
umbra_status umbra_network_lower(umbra_network *out, const umbra_graph *graph,
                                 umbra_matrices *matrices, const unsigned char *compose,
                                 int compose_count, umbra_lower_mode mode) UMBRA_MUST_USE;
/* The same for `images` in each ciphertext of `slots`: where there are several, no grid is larger
 * than one image's room, and planes that are fall into phases. */
umbra_status umbra_network_lower_images(umbra_network *out, const umbra_graph *graph,
                                        umbra_matrices *matrices, const unsigned char *compose,
                                        int compose_count, umbra_lower_mode mode, int images,
                                        size_t slots) UMBRA_MUST_USE;
void umbra_network_free(umbra_network *network);
/* Whether the scale is that of a product: a SQUARE or a PRODUCT. */
bool umbra_tensor_is_product(const umbra_tensor *tensor);
/* The constant in a tensor's contents, beside what is computed. */
double umbra_tensor_constant(const umbra_tensor *tensor);
/* Whether a used linear of this depth reads a product, or a later one reads a product of this
 * depth. */
bool umbra_network_has_product(const umbra_network *network, int depth);
const char *umbra_network_name(const umbra_network *network, int tensor);

/* The layout of a tensor. Returns: UMBRA_E_MODEL where it does not fit */
umbra_status umbra_network_layout(const umbra_network *network, int tensor, size_t slots,
                                  umbra_layout *out) UMBRA_MUST_USE;

#endif
