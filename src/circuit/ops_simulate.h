/* The simulator: level, scale, noise, cost and keys of a program, without a ciphertext. */
#ifndef UMBRA_CIRCUIT_OPS_SIMULATE_H
#define UMBRA_CIRCUIT_OPS_SIMULATE_H

#include "circuit/cost.h"
#include "circuit/ops.h"
#include "ckks/evaluator.h"

typedef struct umbra_simulated {
    bool live;
    int level, room_limbs; /* room: of the memory that the executor gives it */
    double scale_log2, noise_log2, message_log2;
} umbra_simulated;

/* One step's figures. */
typedef struct umbra_simulated_step {
    double ns; /* on one thread */
    size_t diagonals, rotations;
    int level;         /* at which it starts */
    double scale_log2; /* of its last result */
} umbra_simulated_step;

/* A key switch: which rows of a key (limb by digit, both halves) a step reads. */
typedef struct umbra_key_use {
    uint32_t galois;
    int step;
    double rows;
} umbra_key_use;

typedef struct umbra_simulation {
    const umbra_params *params;
    umbra_cost_model cost;
    double input_scale_log2;
    int input_level;
    umbra_simulated *registers; /* final state of each, kept for tests and reports */
    umbra_simulated_step *steps;
    umbra_key_item *keys; /* ascending Galois elements */
    size_t key_count, key_capacity;
    umbra_key_use *uses; /* in the order of the program */
    size_t use_count, use_capacity;
    size_t *by_use;        /* numbers of keys, from those that are read most often */
    double *times_read;    /* of each key: rows read in a run, by the rows that it has */
    unsigned char *seeded; /* of each key: 1 where it is held by its seed; all 0 at first */
    int *rooms; /* limbs of the memory that registers take turns in, in the order of first use */
    size_t room_count;
    size_t peak_limbs;     /* of all rooms */
    umbra_scratch scratch; /* of the evaluator, in the maps that need most */
    double headroom_log2;  /* the least log2(Q) - log2(scale * message) met */
    int headroom_step;
} umbra_simulation;

/* Owns: umbra_simulation_free (the fields). params borrowed.
 * Returns: UMBRA_E_INTERNAL where the program breaks a rule that the evaluator would enforce */
umbra_status umbra_simulate(umbra_simulation *out, const umbra_program *program,
                            const umbra_params *params, const umbra_cost_model *cost,
                            double input_scale_log2, int input_level) UMBRA_MUST_USE;
/* Rows of key number k that a run reads. */
double umbra_simulation_key_rows(const umbra_simulation *simulation, size_t k);
/* Charge the steps for making the rows of seeded keys again; once, after `seeded` is set. */
void umbra_simulation_charge_seeds(umbra_simulation *simulation);
void umbra_simulation_free(umbra_simulation *simulation);

#endif
