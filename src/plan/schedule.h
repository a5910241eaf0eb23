/* Scales by depth, and for each level the set of primes that comes to the wanted modulus. */
#ifndef UMBRA_PLAN_SCHEDULE_H
#define UMBRA_PLAN_SCHEDULE_H

#include "ckks/params.h"
#include "plan/network.h"

#define UMBRA_PLAN_MAX_CANDIDATES 256

/* Everything that the search chooses; a plan file stores it. */
typedef struct umbra_decisions {
    double scale_bits;  /* s: of a tensor */
    double weight_bits; /* w: of weights, at least; the primes at hand may give some more */
    double guard_bits;  /* added to s where a map reads no square, so that rotations lose nothing */
    double base_bits;   /* of the lowest level's modulus, at least */
    int degree_log2, special_count;
    int images;          /* in each ciphertext, a power of two */
    int factored_depths; /* maps of so many depths, from the first, make their rotations of a few */
    int compose_count;
    unsigned char compose[UMBRA_PLAN_MAX_CANDIDATES];
} umbra_decisions;

/* Scales by depth: what the decisions mean for a network. */
typedef struct umbra_schedule {
    int depth;                                 /* rescalings */
    double scale[UMBRA_MAX_LEVELS + 1];        /* of tensors at a depth */
    double in_scale[UMBRA_MAX_LEVELS + 1];     /* of what a map at a depth reads */
    double raise[UMBRA_MAX_LEVELS + 1];        /* whole bits of it that only use up a wide level */
    double rescale_bits[UMBRA_MAX_LEVELS + 1]; /* wanted at least, from a depth to the next */
    bool low[UMBRA_MAX_LEVELS + 1];            /* no square among what is read */
} umbra_schedule;

/* Returns: UMBRA_E_SECURITY where the depth passes UMBRA_MAX_LEVELS */
umbra_status umbra_schedule_make(umbra_schedule *out, const umbra_network *network,
                                 const umbra_decisions *decisions) UMBRA_MUST_USE;

/* Where the primes of a level divide by far more than is wanted, what maps read is raised by whole
 * bits, so that weights need not hold the rest: 64 bits would not. */
void umbra_schedule_fit(umbra_schedule *schedule, const umbra_params *params);

/* Sets of primes for the levels of a schedule: words of nearly 50 bits and a pool of up to four
 * shorter primes, of which each level takes those that bring its modulus just above the wanted one
 * in the fewest words and digits. The highest level has all primes, so that no prime counts against
 * the security limit without being of use. */
typedef struct umbra_prime_sets {
    int prime_count, pool_count; /* the pool comes first */
    double prime_bits[UMBRA_MAX_PRIMES];
    int level_count;
    uint64_t sets[UMBRA_MAX_LEVELS];
    double log2_q;
} umbra_prime_sets;

/* log2 of the largest Q that sets of UMBRA_MAX_PRIMES primes surely have. */
double umbra_schedule_widest_log2(void);
/* False where no sets of at most UMBRA_MAX_PRIMES primes have log2(Q) <= limit_log2. */
bool umbra_schedule_sets(umbra_prime_sets *out, const umbra_schedule *schedule,
                         const umbra_decisions *decisions, double limit_log2);
/* The sets within the security limit, as parameters that are not made yet.
 * Returns: UMBRA_E_SECURITY where they do not fit */
umbra_status umbra_schedule_literal(const umbra_schedule *schedule,
                                    const umbra_decisions *decisions,
                                    umbra_params_literal *out) UMBRA_MUST_USE;

#endif
