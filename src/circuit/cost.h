/* What operations on ciphertexts cost, from constants measured on one core of each instruction set.
 */
#ifndef UMBRA_CIRCUIT_COST_H
#define UMBRA_CIRCUIT_COST_H

#include "circuit/program.h"
#include "ckks/params.h"

/* ns on one thread, for a limb of 2^15 words; other degrees scale with N^(1 + spill), the NTT with
 * log N times that. */
typedef struct umbra_cost_model {
    double ntt_ns;     /* one transform */
    double dot_ns;     /* one term of dot2: two products */
    double key_ns;     /* the same where two words are a key's, from memory, and one a digit's */
    double block_ns;   /* the same where weights repeat and many sums are made at once */
    double word_ns;    /* one pass over a limb: add, scale, halve */
    double permute_ns; /* an automorphism of a limb, added to another or not */
    double convert_ns; /* one term of base conversion */
    double seed_ns;    /* one row of a key held by its seed: b unpacked, a made again */
    double weight_ns;  /* one byte of integer weights made: filled, transformed and rounded */
    double spill;      /* what a larger ring costs beyond its words, where they leave the caches */
    double parallel;   /* seconds = ns * 1e-9 * (serial + (1 - serial) / threads) */
    double serial;     /* the share that does not spread over threads */
} umbra_cost_model;

/* The constants of a kernel set ("portable", "avx2", "avx512f", "avx512ifma"), for a number of
 * threads. */
umbra_cost_model umbra_cost_model_for(const char *kernels, int threads);

/* The shape of a key switch: known before there are parameters. */
typedef struct umbra_cost_shape {
    int degree_log2, limbs, special, digits;
} umbra_cost_shape;
umbra_cost_shape umbra_cost_shape_at(const umbra_params *params, int level);

/* Single-thread ns. */
double umbra_cost_ntt(const umbra_cost_model *m, umbra_cost_shape s); /* of one limb */
double umbra_cost_decompose(const umbra_cost_model *m, umbra_cost_shape s);
double umbra_cost_inner(const umbra_cost_model *m, umbra_cost_shape s); /* one rotation, hoisted */
double umbra_cost_mod_down(const umbra_cost_model *m, umbra_cost_shape s); /* both parts */
double umbra_cost_key_switch(const umbra_cost_model *m, umbra_cost_shape s);
double umbra_cost_product(const umbra_cost_model *m, umbra_cost_shape s,
                          size_t fold); /* one diagonal */
double umbra_cost_seeded_rows(const umbra_cost_model *m, int degree_log2, double rows);
double umbra_cost_rescale(const umbra_cost_model *m, umbra_cost_shape s);
double umbra_cost_words(const umbra_cost_model *m, umbra_cost_shape s, double passes);

typedef struct umbra_map_counts {
    size_t decompositions, babies, giants, diagonals, outputs; /* babies and giants: those not 0 */
    size_t groups; /* distinct (output, giant), giant 0 included */
    size_t fold;   /* weights are polynomials in X^fold */
} umbra_map_counts;
void umbra_map_count(const umbra_program_map *map, size_t slots, umbra_map_counts *out);
/* Calls `turn` for each rotation that a map does: a baby for each input, a giant for each output.
 */
void umbra_map_rotations(const umbra_program_map *map, void (*turn)(void *context, int64_t slots),
                         void *context);
double umbra_cost_map(const umbra_cost_model *m, umbra_cost_shape s, const umbra_map_counts *c);
double umbra_cost_seconds(const umbra_cost_model *m, double ns);

#endif
