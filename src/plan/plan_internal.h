/* The inside of a plan: what it was compiled from, what was decided, and what follows from both. */
#ifndef UMBRA_PLAN_PLAN_INTERNAL_H
#define UMBRA_PLAN_PLAN_INTERNAL_H

#include "plan/plan.h"
#include "plan/program_build.h"

/* How the budget is divided, so that the run takes least time: keys are held whole, those read most
 * often first, and the others by their seeds; weights are kept before keys that are read few times.
 */
typedef struct umbra_memory_share {
    uint64_t needed_bytes;      /* the peak; more than the budget where that is too small */
    uint64_t key_bytes;         /* of all keys as they are held */
    uint64_t kept_weight_bytes; /* of weights; UINT64_MAX: all */
    uint64_t held_bytes;        /* of the peak, what a process with the plan loaded has already */
    size_t seeded_keys;
} umbra_memory_share;

/* What a plan would be with one decision changed. */
typedef struct umbra_flip {
    bool fits_ring, keeps_promise, fits_memory;
    double seconds, bits;
    uint64_t key_bytes, memory_bytes;
} umbra_flip;

struct umbra_plan {
    /* Stored in a plan file. */
    umbra_graph *graph;
    umbra_model_info model;
    umbra_statistics statistics;
    umbra_decisions decisions;
    umbra_params *params;
    double wanted_bits;
    uint64_t memory_budget;
    /* Made from the above, the same way each time. */
    umbra_matrices *matrices;
    umbra_facts_store *facts;
    umbra_build build;
    umbra_simulation simulation;
    umbra_profile profile;
    umbra_plan_summary summary;
    int threads;
    uint32_t *seeded; /* Galois elements of the keys that a run holds by their seeds */
    umbra_memory_share share;
    /* Of a plan that was compiled here: the whole with one candidate decided the other way. Not
     * stored. */
    umbra_flip flips[UMBRA_PLAN_MAX_CANDIDATES];
    int flip_count;
};

/* Build, simulate, summarise: the half that compiling and loading share. Params must be set. */
umbra_status umbra_plan_finish(umbra_plan *plan, umbra_pool *pool) UMBRA_MUST_USE;
/* Choose decisions and parameters. */
umbra_status umbra_plan_choose(umbra_plan *plan, const umbra_plan_options *options,
                               umbra_pool *pool) UMBRA_MUST_USE;

/* The body of a plan file, without the envelope. */
umbra_status umbra_plan_write_body(const umbra_plan *plan, umbra_writer *writer) UMBRA_MUST_USE;
umbra_status umbra_plan_read_body(umbra_reader *reader, umbra_plan **out) UMBRA_MUST_USE;
/* Graphs and model information in bytes. */
void umbra_graph_write(const umbra_graph *graph, umbra_writer *writer);
umbra_status umbra_graph_read(umbra_reader *reader, umbra_graph **out) UMBRA_MUST_USE;
umbra_status umbra_graph_copy(const umbra_graph *graph, umbra_graph **out) UMBRA_MUST_USE;
void umbra_model_info_write(const umbra_model_info *model, umbra_writer *writer);
umbra_status umbra_model_info_read(umbra_reader *reader, umbra_model_info *out) UMBRA_MUST_USE;

/* Refuse a plan that needs more than the budget, saying what takes it. */
umbra_status umbra_plan_check_memory(const umbra_plan *plan) UMBRA_MUST_USE;
/* The server's peak: keys, weights, ciphertexts, scratch and tables of one run on so many threads.
 *
 * seeded: NULL, or filled with 1 for each key of the simulation that is held by its seed */
umbra_memory_share umbra_plan_share_memory(const umbra_build *build,
                                           const umbra_simulation *simulation, int threads,
                                           uint64_t budget_bytes, unsigned char *seeded);
/* The steps pay for weights that a run makes again while it uses them. */
void umbra_plan_charge_weights(const umbra_build *build, const umbra_memory_share *share,
                               umbra_simulation *simulation);
/* needed_bytes of the same. */
uint64_t umbra_plan_memory_bytes(const umbra_build *build, const umbra_simulation *simulation,
                                 int threads, uint64_t budget_bytes);
/* All weights of a run, as the integers that a run keeps of them. */
uint64_t umbra_plan_weight_bytes(const umbra_build *build);
/* How many bytes of weights a run keeps in memory; it makes the others each time. UINT64_MAX: all.
 */
uint64_t umbra_plan_kept_weight_bytes(const umbra_plan *plan);

#endif
