/* A map whose rotations are made of a few: turned inputs before it, turned sums after it. */
#ifndef UMBRA_PLAN_EMIT_FACTOR_H
#define UMBRA_PLAN_EMIT_FACTOR_H

#include "plan/emit.h"
#include "plan/rotations.h"

#define UMBRA_FACTOR_SIDES 256 /* inputs and outputs of a map at most, of which each is cut */

/* How many registers rotations need that are cut and sorted: one for each high and middle digit of
 * a group. */
size_t umbra_emit_factor_sides(const umbra_rotation *rotations, size_t count);

/* Inputs: cut babies into digits and emit the turns by high and middle ones of `regs`, the inputs'
 * registers by group. Then for each rotation, in its order, *inputs holds the register that a
 * diagonal turns by its low digit alone.
 *
 * rotations: distinct in each group; sorted on return. Where they would need more than
 * UMBRA_FACTOR_SIDES registers, *inputs is NULL and nothing is emitted.
 * Owns: the caller frees *inputs (umbra_memory_free) */
umbra_status umbra_emit_factor_babies(umbra_emit *e, umbra_rotation *rotations, size_t count,
                                      const int *regs, int **inputs) UMBRA_MUST_USE;

/* Outputs: the sums of group g by their high and middle digits stand in registers from sums[k] on,
 * where k is the first of `rotations` (as cut and sorted) with these digits; they are turned and
 * added into *out. */
umbra_status umbra_emit_factor_giants(umbra_emit *e, const umbra_rotation *rotations, size_t count,
                                      const int *sums, int group, int *out) UMBRA_MUST_USE;

#endif
