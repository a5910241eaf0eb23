/* What writing a program keeps: registers, steps, and the map at hand. */
#ifndef UMBRA_PLAN_EMIT_H
#define UMBRA_PLAN_EMIT_H

#include "plan/program_build.h"

/* One ciphertext as a map reads it: a tensor's, raised, and paired with its half turn, joined to
 * the tensor's next one, or neither. */
typedef struct umbra_emit_input {
    int tensor, ciphertext;
    int64_t half_slots;
    bool joined;
    int reg;
} umbra_emit_input;

typedef struct umbra_emit {
    umbra_build *build;
    umbra_program *program;
    int step;
    size_t step_capacity;
} umbra_emit;

umbra_status umbra_emit_step(umbra_emit *e, const char *kind, int tensor) UMBRA_MUST_USE;
/* Append with the next free register as the result. */
umbra_status umbra_emit_to_new(umbra_emit *e, umbra_instruction i, int *out) UMBRA_MUST_USE;
/* One map for several linears that read the same tensors, and what follows it, as one step. */
umbra_status umbra_emit_linears(umbra_emit *e, const int *linears, int count) UMBRA_MUST_USE;
/* The map's instruction and weights; map_outputs: registers by output ciphertext over all linears.
 */
umbra_status umbra_emit_map(umbra_emit *e, const int *linears, int count, int depth,
                            int *map_outputs) UMBRA_MUST_USE;
/* value * (ciphertext `index` of a tensor) at the level of a depth and at scale 2^scale_log2, which
 * is at least the tensor's. Where the lower level has primes of its own it is reached by rescaling:
 * the scale is raised before, so that what that rounds is as small as the scale is large. */
umbra_status umbra_emit_at_depth(umbra_emit *e, int tensor, int index, int depth, double value,
                                 double scale_log2, int *reg) UMBRA_MUST_USE;
/* *reg += factor * (offset + constant) of the tensor, in the slots of its ciphertext `index` that
 * hold an element; no instruction where the constant and all offsets are 0. offset: by element, or
 * NULL. In a network without offsets only the size of the constant is told, and no values. */
umbra_status umbra_emit_add_constants(umbra_emit *e, int tensor, int index, const double *offset,
                                      int *reg) UMBRA_MUST_USE;
int umbra_emit_level(const umbra_emit *e, int depth);
double umbra_emit_weight_scale(const umbra_emit *e, int depth);
/* log2 of the scale that a tensor's registers have. */
double umbra_emit_tensor_scale(const umbra_emit *e, int tensor);
/* coefficient of a term between slots */
double umbra_emit_slot_coefficient(const umbra_build *build, int linear, int term);

#endif
