/* How large the values of a network are: from calibration where known, else from random inputs. */
#ifndef UMBRA_PLAN_STATISTICS_H
#define UMBRA_PLAN_STATISTICS_H

#include "plan/network.h"

/* Of the contents of one tensor. */
typedef struct umbra_statistic {
    int kind, value, part;
    double shift;
    double reach; /* bound on the absolute value */
    int channels;
    double *moment; /* by channel: mean of the square */
    double *gain;   /* by channel: of independent errors of variance 1 in its elements, the variance
                       of an output, on average over the outputs */
} umbra_statistic;

typedef struct umbra_statistics {
    umbra_statistic *items;
    int count;
    double output_typical; /* a low guess at the largest |output| of an image */
    double tail; /* from 1: how much further the largest of sampled errors of the outputs lies out
                    than if all were normal and of one size */
} umbra_statistics;

/* Run random inputs of the given bound through the network (one with nothing composed), and let the
 * ranges of the graph's values overrule what they show. Owns: umbra_statistics_free (the fields) */
umbra_status umbra_statistics_measure(umbra_statistics *out, const umbra_network *network,
                                      double input_abs_max, umbra_pool *pool) UMBRA_MUST_USE;
void umbra_statistics_free(umbra_statistics *statistics);
const umbra_statistic *umbra_statistics_find(const umbra_statistics *statistics,
                                             const umbra_tensor *tensor);

#endif
