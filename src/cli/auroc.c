/* Area under the receiver operating characteristic, by class and averaged. */
#include "cli/auroc.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

typedef struct scored {
    double score;
    unsigned char truth;
} scored;

static int by_score(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

/* Sum of the ranks of the positives, ties at their mean rank, gives U. */
static double rank_statistic(scored *items, size_t count)
{
    double positives = 0, rank_sum = 0;
    for (size_t i = 0; i < count; i++)
        if (isnan(items[i].score))
            return (double)NAN; /* it has no rank, and no place in an order */
    qsort(items, count, sizeof *items, by_score);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        double here = 0;
        for (; end < count && items[end].score == items[i].score; end++)
            here += items[end].truth;
        rank_sum += here * ((double)(i + end + 1) / 2);
        positives += here;
        i = end;
    }
    double negatives = (double)count - positives;
    if (positives == 0 || negatives == 0)
        return (double)NAN;
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

umbra_status umbra_auroc(const double *score, const unsigned char *truth, size_t count, double *out)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count, sizeof(scored), "scores"));
    scored *items = memory;
    for (size_t i = 0; i < count; i++)
        items[i] = (scored){score[i], truth[i] != 0};
    *out = rank_statistic(items, count);
    umbra_memory_free(items);
    return UMBRA_OK;
}

static size_t positives_of(const unsigned char *truth, size_t count, size_t classes,
                           size_t class_index)
{
    size_t positives = 0;
    for (size_t i = 0; i < count; i++)
        positives += truth[i * classes + class_index] != 0;
    return positives;
}

umbra_status umbra_auroc_summarise(const double *score, const unsigned char *truth, size_t count,
                                   size_t classes, double *by_class, umbra_auroc_summary *out)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count * classes, sizeof(scored), "scores"));
    scored *items = memory;
    double sum = 0, weighted = 0, weight = 0;
    size_t pooled = 0;
    *out = (umbra_auroc_summary){0};
    for (size_t c = 0; c < classes; c++) {
        size_t positives = positives_of(truth, count, classes, c);
        by_class[c] = (double)NAN;
        if (positives == 0 || positives == count)
            continue;
        for (size_t i = 0; i < count; i++)
            items[i] = (scored){score[i * classes + c], truth[i * classes + c] != 0};
        by_class[c] = rank_statistic(items, count);
        sum += by_class[c];
        weighted += by_class[c] * (double)positives;
        weight += (double)positives;
        out->classes++;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < classes; c++)
            if (!isnan(by_class[c]))
                items[pooled++] = (scored){score[i * classes + c], truth[i * classes + c] != 0};
    out->micro = rank_statistic(items, pooled);
    out->macro = out->classes == 0 ? (double)NAN : sum / out->classes;
    out->weighted = weight == 0 ? (double)NAN : weighted / weight;
    umbra_memory_free(items);
    return UMBRA_OK;
}
