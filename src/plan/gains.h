/* What an error in a tensor does to the outputs, at sampled values of a network. */
#ifndef UMBRA_PLAN_GAINS_H
#define UMBRA_PLAN_GAINS_H

#include "plan/statistics.h"

/* Fill `gain` of the statistics' items, one for each tensor in the network's order, and
 * `tail`.
 *
 * contents: by tensor: element, lane; what its slots hold, in values */
umbra_status umbra_gains_measure(umbra_statistics *statistics, const umbra_network *network,
                                 double *const *contents, umbra_pool *pool) UMBRA_MUST_USE;

#endif
