/* Area under the receiver operating characteristic, by class and averaged. */
#ifndef UMBRA_CLI_AUROC_H
#define UMBRA_CLI_AUROC_H

#include "umbra/status.h"

#include <stddef.h>

/* The probability that a positive scores above a negative, ties count half (Mann-Whitney U).
 * truth: 0 or 1. NaN where only one outcome occurs, or where a score is NaN. Allocates scratch. */
umbra_status umbra_auroc(const double *score, const unsigned char *truth, size_t count,
                         double *out) UMBRA_MUST_USE;

typedef struct umbra_auroc_summary {
    double micro;    /* over all (image, class) pairs of the classes counted */
    double macro;    /* mean over the classes counted */
    double weighted; /* mean weighted by positives */
    int classes;     /* those with both outcomes */
} umbra_auroc_summary;

/* score and truth: [count][classes], row-major; by_class: classes numbers, NaN where not counted.
 */
umbra_status umbra_auroc_summarise(const double *score, const unsigned char *truth, size_t count,
                                   size_t classes, double *by_class,
                                   umbra_auroc_summary *out) UMBRA_MUST_USE;

#endif
