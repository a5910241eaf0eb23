/* What the simulator notes about keys. */
#ifndef UMBRA_CIRCUIT_SIMULATED_KEYS_H
#define UMBRA_CIRCUIT_SIMULATED_KEYS_H

#include "circuit/ops_simulate.h"

/* A step reads a key at the level of its operand: the list of keys has it from now on, trimmed to
 * what serves all its uses, and the list of uses has one more. */
umbra_status umbra_simulation_use_key(umbra_simulation *simulation, int step, uint32_t galois,
                                      int level) UMBRA_MUST_USE;
/* The same for all rotations of a map. */
umbra_status umbra_simulation_use_map_keys(umbra_simulation *simulation, int step,
                                           const umbra_program_map *map, int level) UMBRA_MUST_USE;
/* After the last use: how often each key is read, and their order by that. */
umbra_status umbra_simulation_count_uses(umbra_simulation *simulation) UMBRA_MUST_USE;

#endif
