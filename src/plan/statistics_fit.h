/* What calibration says about a tensor, and values that are like it. */
#ifndef UMBRA_PLAN_STATISTICS_FIT_H
#define UMBRA_PLAN_STATISTICS_FIT_H

#include "plan/statistics.h"

/* One tensor of a network, what random inputs show in it, and what is noted of it. */
typedef struct umbra_fit {
    const umbra_network *network;
    int tensor;
    double *contents; /* by element and run, UMBRA_SPARSE_LANES runs */
    umbra_statistic *statistic;
} umbra_fit;

/* The largest absolute value of a tensor's contents; 0: calibration says nothing.
 *
 * input_abs_max: of the network's input, 0 where unknown */
double umbra_fit_declared_reach(const umbra_network *n, const umbra_tensor *t,
                                double input_abs_max);
/* Returns: UMBRA_E_MODEL where a range cannot be of this network */
umbra_status umbra_fit_check_range(const umbra_fit *fit) UMBRA_MUST_USE;
/* Change contents and moments to those of calibration, where there is one. */
void umbra_fit_values(const umbra_fit *fit);

#endif
