/* AUROC against its definition: the share of pairs in which the positive scores higher. */
#include "check.h"

#include "cli/auroc.h"

#include <math.h>

#define MOST 60
#define CLASSES 5

static uint64_t seed = 20261121;

static uint32_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

/* Every pair, ties half. */
static double by_pairs(const double *score, const unsigned char *truth, size_t count)
{
    double won = 0, pairs = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            if (truth[i] && !truth[j]) {
                pairs += 1;
                won += score[i] > score[j] ? 1 : score[i] < score[j] ? 0 : 0.5;
            }
    return pairs > 0 ? won / pairs : (double)NAN;
}

static void assert_same(double a, double b)
{
    if (isnan(b))
        assert_true(isnan(a));
    else
        assert_true(fabs(a - b) < 1e-12);
}

static void fill(double *score, unsigned char *truth, size_t count, uint32_t steps)
{
    for (size_t i = 0; i < count; i++) {
        score[i] = (double)(next_random() % steps) / steps - 0.5;
        truth[i] = next_random() % 3 == 0;
    }
}

static void agrees_with_every_pair(void **state)
{
    (void)state;
    double score[MOST], area = 0;
    unsigned char truth[MOST];
    for (size_t round = 0; round < 400; round++) {
        size_t count = 1 + round % MOST;
        fill(score, truth, count, round % 2 == 0 ? 4 : 1u << 20); /* many ties, and none */
        check_ok(umbra_auroc(score, truth, count, &area));
        assert_same(area, by_pairs(score, truth, count));
    }
}

static void knows_the_corners(void **state)
{
    (void)state;
    double area = 0;
    const double up[] = {1, 2, 3, 4}, flat[] = {1, 1, 1, 1};
    const unsigned char last[] = {0, 0, 1, 1}, first[] = {1, 1, 0, 0}, all[] = {1, 1, 1, 1};
    check_ok(umbra_auroc(up, last, 4, &area));
    assert_same(area, 1);
    check_ok(umbra_auroc(up, first, 4, &area));
    assert_same(area, 0);
    check_ok(umbra_auroc(flat, last, 4, &area));
    assert_same(area, 0.5);
    check_ok(umbra_auroc(up, all, 4, &area));
    assert_true(isnan(area));
    const double with_nan[] = {1, (double)NAN, 3, 4}, infinite[] = {-INFINITY, 0, 1, INFINITY};
    check_ok(umbra_auroc(with_nan, last, 4, &area));
    assert_true(isnan(area));
    check_ok(umbra_auroc(infinite, last, 4, &area));
    assert_same(area, 1);
}

/* The means of the issue, by their definitions, over the classes with both outcomes. */
static void check_summary(const double *score, const unsigned char *truth, size_t count)
{
    double by_class[CLASSES], macro = 0, weighted = 0, weight = 0, pooled[MOST * CLASSES];
    unsigned char pooled_truth[MOST * CLASSES];
    umbra_auroc_summary summary;
    size_t kept = 0;
    int classes = 0;
    check_ok(umbra_auroc_summarise(score, truth, count, CLASSES, by_class, &summary));
    for (size_t c = 0; c < CLASSES; c++) {
        double column[MOST], positives = 0;
        unsigned char column_truth[MOST];
        for (size_t i = 0; i < count; i++) {
            column[i] = score[i * CLASSES + c];
            column_truth[i] = truth[i * CLASSES + c];
            positives += column_truth[i];
        }
        double area = by_pairs(column, column_truth, count);
        assert_same(by_class[c], area);
        if (isnan(area))
            continue;
        classes++;
        macro += area;
        weighted += area * positives;
        weight += positives;
        memcpy(pooled + kept, column, count * sizeof *column);
        memcpy(pooled_truth + kept, column_truth, count);
        kept += count;
    }
    assert_int_equal(summary.classes, classes);
    assert_same(summary.macro, classes == 0 ? (double)NAN : macro / classes);
    assert_same(summary.weighted, classes == 0 ? (double)NAN : weighted / weight);
    assert_same(summary.micro, by_pairs(pooled, pooled_truth, kept));
}

static void means_follow_their_definitions(void **state)
{
    (void)state;
    double score[MOST * CLASSES];
    unsigned char truth[MOST * CLASSES];
    for (size_t round = 0; round < 60; round++) {
        size_t count = 1 + round % 12; /* small, so that classes of one outcome occur */
        fill(score, truth, count * CLASSES, 6);
        if (round % 3 == 0)
            for (size_t i = 0; i < count; i++)
                truth[i * CLASSES + 2] = 0;
        check_summary(score, truth, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_every_pair),
        cmocka_unit_test(knows_the_corners),
        cmocka_unit_test(means_follow_their_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
