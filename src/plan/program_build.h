/* The deterministic half of the planner: a graph and decisions become a program, always the same
 * one. */
#ifndef UMBRA_PLAN_PROGRAM_BUILD_H
#define UMBRA_PLAN_PROGRAM_BUILD_H

#include "circuit/ops_simulate.h"
#include "plan/facts.h"
#include "plan/network.h"
#include "plan/statistics.h"

#define UMBRA_PLAN_MAX_CANDIDATES 256

/* Everything that the search chooses; a plan file stores it. */
typedef struct umbra_decisions {
    double scale_bits;  /* s: of a tensor */
    double weight_bits; /* w: of weights, nominal */
    double guard_bits;  /* added to s where a map reads no square, so that rotations lose nothing */
    double base_bits;   /* of the lowest prime */
    int degree_log2, special_count;
    int images; /* in each ciphertext, a power of two */
    int compose_count;
    unsigned char compose[UMBRA_PLAN_MAX_CANDIDATES];
} umbra_decisions;

/* Scales by depth: what the decisions mean for a network. */
typedef struct umbra_schedule {
    int depth;                                 /* rescalings */
    double scale[UMBRA_MAX_LEVELS + 1];        /* of tensors at a depth */
    double in_scale[UMBRA_MAX_LEVELS + 1];     /* of what a map at a depth reads */
    double rescale_bits[UMBRA_MAX_LEVELS + 1]; /* wanted, from a depth to the next */
    bool low[UMBRA_MAX_LEVELS + 1];            /* no square among what is read */
} umbra_schedule;

/* Returns: UMBRA_E_SECURITY where the depth passes UMBRA_MAX_LEVELS */
umbra_status umbra_schedule_make(umbra_schedule *out, const umbra_network *network,
                                 const umbra_decisions *decisions) UMBRA_MUST_USE;
umbra_status umbra_schedule_literal(const umbra_schedule *schedule,
                                    const umbra_decisions *decisions,
                                    umbra_params_literal *out) UMBRA_MUST_USE;

/* Where the weights of a map's diagonals come from. */
typedef struct umbra_weight_source {
    int set_count;
    const umbra_diagonal_set **sets; /* one for each linear, NULL where all its terms are direct;
                                        borrowed */
    double **coefficients;           /* by set and input of the set */
    uint32_t *set_of, *index_of;     /* by diagonal of the map */
} umbra_weight_source;

typedef struct umbra_step_info {
    const char *kind;
    int node_tensor; /* for the name */
    int tensors[8];  /* what it makes */
    int tensor_count;
    char why[200];
} umbra_step_info;

typedef struct umbra_build {
    umbra_network network;
    umbra_schedule schedule;
    const umbra_params *params; /* borrowed */
    umbra_layout *layouts;      /* by tensor */
    double *factors;
    int *first_register;       /* of the ciphertexts of a tensor */
    const umbra_facts **facts; /* by linear; borrowed from the store */
    double *error_log2; /* by tensor: log2 of the predicted standard deviation of a slot's error */
    umbra_program program;
    umbra_weight_source *sources; /* by map */
    umbra_step_info *steps;
    double input_scale_log2;
    double predicted_bits;
} umbra_build;

/* mode COUNT: shapes only; FILL: weights too. statistics gives factors; pool may be NULL.
 * Owns: umbra_build_free (the fields). matrices, store, params, graph are borrowed by the result */
umbra_status umbra_build_make(umbra_build *out, const umbra_graph *graph, umbra_matrices *matrices,
                              umbra_facts_store *store, const umbra_statistics *statistics,
                              const umbra_params *params, const umbra_decisions *decisions,
                              umbra_diagonal_mode mode, umbra_pool *pool) UMBRA_MUST_USE;
void umbra_build_free(umbra_build *build);

/* The parts, in order. */
umbra_status umbra_build_geometry(umbra_build *build,
                                  const umbra_statistics *statistics) UMBRA_MUST_USE;
umbra_status umbra_build_program(umbra_build *build) UMBRA_MUST_USE;
/* Errors through the network, from the weights themselves; sets error_log2 and predicted_bits. */
umbra_status umbra_build_precision(umbra_build *build,
                                   const umbra_statistics *statistics) UMBRA_MUST_USE;

void umbra_weight_source_free(umbra_weight_source *source);

#endif
