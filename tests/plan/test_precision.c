/* Predicted errors: how far out the largest of many lies, and what rotations add. */
#include "../exec/small_network.h"

#include "ckks/noise.h"
#include "plan/plan_internal.h"

#include <math.h>

static void test_worst_sigmas(void **state)
{
    (void)state;
    static const size_t outputs[] = {14, 15, 1000, 64 * 64, 128 * 128, 1000 * 256 * 256};
    double last = 0;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        double sigmas = umbra_precision_worst_sigmas(outputs[i]);
        assert_true(sigmas > last);
        assert_true(fabs(erfc(sigmas / sqrt(2)) * (double)outputs[i] - 1) < 1e-6);
        last = sigmas;
    }
    assert_true(fabs(umbra_precision_worst_sigmas(14 * 52) - 3.2) < 0.01);
    assert_true(fabs(umbra_precision_worst_sigmas(52 * 128 * 128) - 4.86) < 0.05);
}

/* A map that reads a low scale has the errors that the noise model gives to its rotations, times
 * its squared weights, and next to nothing else. */
static void test_rotations(void **state)
{
    umbra_graph *g = small_filter();
    umbra_plan *plan = small_compile(g);
    (void)state;
    small_let_rotations_rule(plan);
    const umbra_build *b = &plan->build;
    int first = -1;
    for (int k = 0; k < b->network.linear_count; k++)
        if (b->network.linears[k].depth == 0)
            first = k;
    assert_true(first >= 0);
    const umbra_linear *l = &b->network.linears[first];
    assert_int_equal(l->term_count, 1);
    const double factor =
        l->terms[0].coefficient * b->factors[l->tensor] / b->factors[l->terms[0].tensor];
    /* Three taps a way, of which two leave the plane at one of its ends. */
    const double taps = 1 + 2 * (SMALL_FILTER_SIDE - 1.0) / SMALL_FILTER_SIDE;
    const double rotations = umbra_noise_key_switch(b->params, b->schedule.depth) -
                             b->schedule.in_scale[0] +
                             log2(factor * (double)SMALL_FILTER_WEIGHT * taps);
    const double all = b->error_log2[l->tensor];
    if (!(all >= rotations && all <= rotations + 0.05))
        fail_msg("errors of 2^%.3f, of which rotations make 2^%.3f", all, rotations);
    umbra_plan_free(plan);
    umbra_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worst_sigmas),
                                       cmocka_unit_test(test_rotations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
