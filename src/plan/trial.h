/* One point of the search: decisions, and what a program made with them would cost. */
#ifndef UMBRA_PLAN_TRIAL_H
#define UMBRA_PLAN_TRIAL_H

#include "plan/plan_internal.h"

#define UMBRA_HEADROOM_BITS 8 /* of the lowest level above the scale */
/* What an upload may have without question; beyond, the question weighs as much as so much of the
 * time again, and e times as many bytes as much as a sixth: twice the bytes for a ninth. */
#define UMBRA_KEY_BYTES_FREE 800e6
#define UMBRA_KEY_BYTES_STEP 0.04
#define UMBRA_KEY_BYTES_WEIGHT (1.0 / 6)

#define UMBRA_PRECISION_NEAR 0.2 /* bits that a promise may miss of what is wanted */
/* A bit of precision that is missing weighs as much as half the time again. */
#define UMBRA_MISSING_BITS_WEIGHT 0.5

typedef struct umbra_trial {
    umbra_decisions decisions;
    bool feasible; /* secure, and values fit their moduli */
    double seconds, log2_qp;
    double bits, nominal_bits; /* as the primes leave them; as decided, smooth */
    uint64_t key_bytes, memory_bytes;
    int depth; /* of the network as composed */
} umbra_trial;

typedef struct umbra_search {
    umbra_plan *plan;
    umbra_pool *pool;
    umbra_cost_model cost;
    double wanted_bits;
    int trials;
    int builds;         /* trials that could be built */
    char no_build[512]; /* why the last one could not: a sum of too many tensors, say */
    int tune_trials;    /* that one tuning may make, about; 0: UMBRA_TUNE_TRIALS */
    int most_trials;    /* at which the tuning at hand ends */
    umbra_trial
        nearest; /* with everything composed in the largest ring that was tried, for a refusal */
} umbra_search;

/* Fill everything but the decisions, with parameters that are sketched. */
umbra_status umbra_trial_judge(umbra_search *s, umbra_trial *t) UMBRA_MUST_USE;
/* Seconds, with what the bytes of keys beyond the free ones and missing bits weigh. */
double umbra_trial_score(const umbra_search *s, const umbra_trial *t);
/* The share of b's score that a saves. */
double umbra_trial_gain(const umbra_search *s, const umbra_trial *a, const umbra_trial *b);
/* Whether as many bits are promised as are wanted, but for UMBRA_PRECISION_NEAR. */
bool umbra_trial_keeps_promise(const umbra_search *s, const umbra_trial *t);
/* Feasible before infeasible, as precise as wanted before less, within the memory before beyond,
 * then by score. */
bool umbra_trial_better(const umbra_search *s, const umbra_trial *a, const umbra_trial *b);
/* log2(QP) of decisions, from their levels alone; infinite where there are too many. */
umbra_status umbra_trial_modulus(umbra_search *s, const umbra_decisions *d,
                                 double *log2_qp) UMBRA_MUST_USE;
/* The parameters of decisions, in full. */
umbra_status umbra_trial_params(umbra_search *s, const umbra_decisions *d,
                                umbra_params **out) UMBRA_MUST_USE;

#endif
