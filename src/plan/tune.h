/* From one point of the search to the best near it. */
#ifndef UMBRA_PLAN_TUNE_H
#define UMBRA_PLAN_TUNE_H

#include "plan/trial.h"

#define UMBRA_DEGREE_MOST_LOG2 17 /* of the rings that are tried */
#define UMBRA_TUNE_TRIALS 1500    /* that one tuning makes, about; sixty candidates need fewer */

/* Scale and weight bits, within what words and weights can hold, and the lowest level's. The guard
 * stays. */
void umbra_tune_set_bits(umbra_decisions *decisions, double scale_bits, double weight_bits);
/* Scale and weights of the wanted precision, as small as they may be; the rest stays. */
umbra_status umbra_tune_reach(umbra_search *s, umbra_trial *t) UMBRA_MUST_USE;
/* One judged trial with other decisions; replaces *best where it is better. */
umbra_status umbra_tune_consider(umbra_search *s, const umbra_decisions *decisions,
                                 umbra_trial *best) UMBRA_MUST_USE;
/* Special primes, composed candidates, rotations made of a few, scales: from a feasible trial to
 * one that no single change makes better, no change of special primes beside one, and none of two
 * candidates that are near each other and change places, or are neighbours. */
umbra_status umbra_tune(umbra_search *s, umbra_trial *t) UMBRA_MUST_USE;

/* Why nothing fits: a layout that no ring holds, or a network that is too deep. Always an error. */
umbra_status umbra_refuse(const umbra_search *s, const umbra_network *network) UMBRA_MUST_USE;

#endif
