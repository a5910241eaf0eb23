/* A program over ciphertexts: what the planner writes and every interpreter runs. */
#ifndef UMBRA_CIRCUIT_PROGRAM_H
#define UMBRA_CIRCUIT_PROGRAM_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UMBRA_MAP_CIPHERTEXTS 2048 /* that a map may read, and that it may make */

/* Registers hold one ciphertext each and are written once. */
typedef enum umbra_opcode {
    UMBRA_DO_INPUT, /* out = ciphertext `index` of the query */
    UMBRA_DO_MAP, /* registers of map `index` from others; the scale grows by that of its weights */
    UMBRA_DO_SQUARE,     /* out = a * a, relinearised, not rescaled */
    UMBRA_DO_MULTIPLY,   /* out = a * b, relinearised, not rescaled */
    UMBRA_DO_RAISE,      /* out = a * value, the scale grows by `bits` */
    UMBRA_DO_RESCALE,    /* out = a one level down, divided by the primes dropped; its message
                          * is from now on taken to be below 2^value: calibration knows better
                          * than the worst case */
    UMBRA_DO_DROP,       /* out = a at level `index`, same scale */
    UMBRA_DO_ADD,        /* out = a + b */
    UMBRA_DO_ADD_PLAIN,  /* out = a + vector `index` */
    UMBRA_DO_ROTATE,     /* out = rotate(a, slots); neighbours that turn the same register share its
                          * decomposition */
    UMBRA_DO_ADD_TURNED, /* out = a + rotate(a, slots) */
    UMBRA_DO_PAIR,       /* out = a + i * rotate(a, slots): two diagonals at the price of one */
    UMBRA_DO_JOIN,       /* out = a + i * b: the same for two ciphertexts, without a rotation */
    UMBRA_DO_REAL,       /* out = a + conjugate(a) */
    UMBRA_DO_OUTPUT,     /* ciphertext `index` of the result = a */
    UMBRA_OPCODE_COUNT
} umbra_opcode;

static inline bool umbra_opcode_reads_two(umbra_opcode op)
{
    return op == UMBRA_DO_ADD || op == UMBRA_DO_MULTIPLY || op == UMBRA_DO_JOIN;
}

typedef struct umbra_instruction {
    umbra_opcode op;
    int step; /* of the program's steps, ascending */
    int out, a, b;
    int index;
    int64_t slots;
    double value, bits;
} umbra_instruction;

/* One diagonal of a map: out[output] += rotate(in[input], giant + baby) * weights. */
typedef struct umbra_map_diagonal {
    int output, input; /* among the map's registers */
    int64_t giant_slots, baby_slots;
} umbra_map_diagonal;

/* For qsort, also of structs that begin with a diagonal: by output, giant, input, baby. */
int umbra_map_diagonal_order(const void *a, const void *b);

/* The shape of a linear map. Its weights are not here: interpreters that need them find them by the
 * map's number. */
typedef struct umbra_program_map {
    int input_count, output_count;
    int *inputs, *outputs; /* registers */
    size_t diagonal_count;
    umbra_map_diagonal *diagonals; /* sorted by output, giant, input, baby */
    double weight_scale_log2;
    double gain_log2, noise_gain_log2; /* as umbra_linear_map */
    double entry_log2;                 /* of the largest weight, about and not below */
    size_t period_slots;               /* weights repeat with this period */
} umbra_program_map;

/* A vector to add: the same for every copy of a layout. */
typedef struct umbra_program_vector {
    size_t count;   /* a power of two that divides the slots */
    double *values; /* NULL in a program that is only simulated */
    double message_log2;
} umbra_program_vector;

typedef struct umbra_program {
    umbra_instruction *code;
    size_t count, capacity;
    umbra_program_map *maps;
    int map_count;
    size_t map_capacity;
    umbra_program_vector *vectors;
    int vector_count;
    size_t vector_capacity;
    int register_count;
    int step_count;
    size_t *last_use; /* by register: the instruction after which it is released */
} umbra_program;

void umbra_program_free(umbra_program *program); /* the fields, not the struct */
umbra_status umbra_program_append(umbra_program *program,
                                  const umbra_instruction *i) UMBRA_MUST_USE;
/* Owns: the program takes the arrays of the map and the vector, also on failure. */
umbra_status umbra_program_add_map(umbra_program *program, umbra_program_map *map,
                                   int *index) UMBRA_MUST_USE;
umbra_status umbra_program_add_vector(umbra_program *program, umbra_program_vector *vector,
                                      int *index) UMBRA_MUST_USE;
void umbra_program_map_free(umbra_program_map *map);
/* Bytes of a coefficient of the map's weights: 4, or 8 where 4 are too few for the scale. */
size_t umbra_program_map_coefficient_bytes(const umbra_program_map *map);
/* Check that each register is written once and before it is read, and find the last use of each.
 * Returns: UMBRA_E_INTERNAL naming the instruction */
umbra_status umbra_program_finish(umbra_program *program) UMBRA_MUST_USE;

#endif
