/* From a graph and a precision to a program over ciphertexts, its parameters and its costs. */
#ifndef UMBRA_PLAN_PLAN_H
#define UMBRA_PLAN_PLAN_H

#include "graph/ir.h"
#include "plan/profile.h"

#include <stdio.h>

/* Latency: the least seconds a run, for no more images than were asked for. Throughput: the least
 * seconds an image, for at least as many. */
typedef enum umbra_plan_mode { UMBRA_PLAN_LATENCY, UMBRA_PLAN_THROUGHPUT } umbra_plan_mode;

#define UMBRA_PLAN_MOST_BITS 32         /* of precision that are promised */
#define UMBRA_PLAN_MAX_IMAGES (1 << 16) /* of one run: slots of the largest ring */

typedef struct umbra_plan_options {
    double precision_bits; /* wanted: -log2(max |error| / max |output|); 0: the default of 8 */
    uint64_t memory_bytes; /* the server's budget; 0: 8 GiB */
    int threads;           /* for the prediction; 0: those of this machine */
    int images;            /* of one run, at least; 0: 1. The plan takes the next power of two */
    umbra_plan_mode mode;
} umbra_plan_options;

typedef struct umbra_plan umbra_plan;

/* Compile. The graph (after umbra_graph_simplify) and the model info are copied. Value ranges of
 * the graph come from model.json's calibration where known, else from running random inputs
 * through its matrices.
 *
 * Returns: UMBRA_E_MODEL listing every node that cannot be compiled, with the remedy;
 * UMBRA_E_SECURITY where no parameters of 128 bits reach the precision, naming the node that runs
 * out of what; UMBRA_E_RESOURCE where the memory does not suffice, with the figure */
umbra_status umbra_plan_compile(umbra_plan **out, const umbra_graph *graph,
                                const umbra_model_info *model,
                                const umbra_plan_options *options) UMBRA_MUST_USE;
void umbra_plan_free(umbra_plan *plan);
/* Holds graph, weights and decisions; reading lowers and simulates again and refuses a plan that
 * does not reproduce its own predictions. */
umbra_status umbra_plan_save(const umbra_plan *plan, const char *path) UMBRA_MUST_USE;
umbra_status umbra_plan_load(const char *path, umbra_plan **out) UMBRA_MUST_USE;

const umbra_params *umbra_plan_params(const umbra_plan *plan);
const umbra_graph *umbra_plan_graph(const umbra_plan *plan);
/* A view for saving or for the client side; valid as long as the plan. */
const umbra_profile *umbra_plan_profile(const umbra_plan *plan);

/* How a run holds its keys, so that it stays within the budget; valid as long as the plan. */
umbra_key_holding umbra_plan_key_holding(const umbra_plan *plan);

typedef struct umbra_plan_summary {
    int degree_log2, levels, rotations; /* rotations: distinct Galois keys */
    int images;                         /* that one run takes at most; seconds are of a run */
    double log2_q, log2_qp, security_bits;
    uint64_t key_bytes, query_bytes, result_bytes, predicted_memory_bytes;
    size_t seeded_keys; /* of which a run holds one half in memory, and makes the other again */
    double predicted_seconds, predicted_bits;
    /* False: the model gives no range of any computed value, and predicted_bits rests on random
     * inputs, which may be unlike real ones. */
    bool ranges_known;
} umbra_plan_summary;
void umbra_plan_summarise(const umbra_plan *plan, umbra_plan_summary *out);

/* What one run has to do at least, by this plan, whatever the machine. */
typedef struct umbra_plan_work {
    double butterflies; /* of all transforms, one pair of residues each */
    double products;    /* of two residues, in sums of products and in conversions of bases */
    double bytes;       /* of keys at every use and of weights once, in memory */
} umbra_plan_work;
umbra_status umbra_plan_count_work(const umbra_plan *plan, umbra_plan_work *out) UMBRA_MUST_USE;

/* One line for each step of the program, for --explain and --json. */
typedef struct umbra_plan_node {
    const char *name; /* ONNX node(s) that this step evaluates */
    const char *kind; /* "linear", "square", "output", ... */
    const char *why;  /* a sentence: composed or not, and why */
    int level, words; /* words: limbs of the level */
    double scale_log2, predicted_bits, predicted_seconds;
    size_t diagonals, rotations;
} umbra_plan_node;
int umbra_plan_node_count(const umbra_plan *plan);
void umbra_plan_node_get(const umbra_plan *plan, int index, umbra_plan_node *out);
umbra_status umbra_plan_explain(const umbra_plan *plan, FILE *out) UMBRA_MUST_USE;

#endif
