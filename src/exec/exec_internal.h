/* The inside of an executor: weights made ahead, and what a run keeps. */
#ifndef UMBRA_EXEC_EXEC_INTERNAL_H
#define UMBRA_EXEC_EXEC_INTERNAL_H

#include "circuit/ops.h"
#include "ckks/linear.h"
#include "exec/exec.h"
#include "plan/plan_internal.h"

/* The weights of one map: one block of coefficients, and the diagonals that point into it; or no
 * block, and weights made each time that they are read. */
typedef struct umbra_exec_map {
    umbra_diagonal *diagonals;
    void *coefficients;
    bool streamed;
    bool wide; /* coefficients of 64 bits: 32 do not hold the scale that the precision asks for */
} umbra_exec_map;

struct umbra_exec {
    const umbra_plan *plan;
    const umbra_evaluation_keys *keys;
    umbra_pool *pool;
    umbra_evaluator *evaluator;
    umbra_exec_map *maps;
    double *scratch; /* of all workers, to encode weights */
    umbra_exec_preparation weights_made;
    void *block; /* the weights that a streamed map reads now */
    size_t block_bytes;
    umbra_ciphertext **rooms; /* that registers take turns in, as the simulation has them: fresh
                                 pages cost more than many operations, so they are made once */
    size_t room_count;
    umbra_plaintext *bias; /* with room for every level */
};

/* Context of umbra_exec_stream, as umbra_linear_map's stream. */
typedef struct umbra_exec_stream_map {
    umbra_exec *exec;
    int map;
} umbra_exec_stream_map;

umbra_status umbra_exec_stream(void *context, size_t first, size_t count) UMBRA_MUST_USE;

/* The first `slots` numbers of the slot vector of diagonal i of a map, its coefficient applied. */
void umbra_exec_weights(const umbra_plan *plan, int map, size_t i, size_t slots, double *re,
                        double *im);
umbra_status umbra_exec_prepare_maps(umbra_exec *exec) UMBRA_MUST_USE;
/* Make the weights of a map that keeps them, unless they are there. */
umbra_status umbra_exec_need_map(umbra_exec *exec, int index) UMBRA_MUST_USE;
void umbra_exec_free_maps(umbra_exec *exec);
umbra_status umbra_exec_make_rooms(umbra_exec *exec) UMBRA_MUST_USE;
void umbra_exec_free_rooms(umbra_exec *exec);

extern const umbra_ops umbra_cipher_ops;

/* A run on ciphertexts. */
typedef struct umbra_cipher_run {
    umbra_exec *exec;
    const umbra_ciphertext *const *query;
    umbra_ciphertext **registers;
    umbra_ciphertext **spare; /* rooms that wait to be written again */
    size_t spare_count, room_next;
    umbra_ciphertext **result;
    umbra_exec_progress progress;
    void *context;
    uint64_t step_started_ns; /* time of preparation before it is taken off */
} umbra_cipher_run;

/* The last room freed that is large enough, or the next one, as the simulator has taken them.
 * Returns: UMBRA_E_INTERNAL where the plan has no such room */
umbra_status umbra_exec_take_room(umbra_cipher_run *r, size_t limbs,
                                  umbra_ciphertext **out) UMBRA_MUST_USE;

/* Fill an event for tensor k of a step. */
void umbra_exec_describe(const umbra_plan *plan, int step, int k, umbra_exec_event *event);

#endif
