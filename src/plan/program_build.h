/* The deterministic half of the planner: a graph and decisions become a program, always the same
 * one. */
#ifndef UMBRA_PLAN_PROGRAM_BUILD_H
#define UMBRA_PLAN_PROGRAM_BUILD_H

#include "circuit/ops_simulate.h"
#include "plan/facts.h"
#include "plan/schedule.h"
#include "plan/statistics.h"

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
    char why[240];
} umbra_step_info;

typedef struct umbra_build {
    umbra_network network;
    umbra_schedule schedule;
    int factored_depths;        /* as decided */
    const umbra_params *params; /* borrowed */
    umbra_layout *layouts;      /* by tensor */
    double *factors;
    int *first_register;       /* of the ciphertexts of a tensor */
    const umbra_facts **facts; /* by linear; borrowed from the store */
    double *error_log2; /* by tensor: log2 of the predicted standard deviation of the real part of
                           a slot's error, 2 bits more behind a product of two tensors */
    umbra_program program;
    umbra_weight_source *sources; /* by map */
    size_t source_capacity;
    umbra_step_info *steps;
    double input_scale_log2;
    double predicted_bits;
    double nominal_bits; /* were all primes of exactly the wanted size: smooth in the decisions */
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
/* A plan's promise is passed by the worst output of one answer in so many. */
#define UMBRA_PRECISION_ANSWERS 1000
/* How many standard deviations one of so many normal numbers passes: 3.2 for 728, 4.9 for a
 * million. */
double umbra_precision_worst_sigmas(size_t errors);
/* Errors through the network, from the weights themselves; sets error_log2 and predicted_bits. */
umbra_status umbra_build_precision(umbra_build *build,
                                   const umbra_statistics *statistics) UMBRA_MUST_USE;

void umbra_weight_source_free(umbra_weight_source *source);

#endif
