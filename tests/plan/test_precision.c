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

typedef struct chain {
    int64_t channels, side, kernel;
    bool sums; /* each activation's convolution is added to what came before */
    enum { SINGLE, PAIRED, JOINED } maps;
} chain;

/* Convolutions and activations in a row, then one last convolution. */
static umbra_graph *make(const chain *c)
{
    char name[16];
    int x;
    umbra_graph *g = small_begin(c->channels, c->side, &x);
    x = small_conv(g, "first", x, c->channels, c->kernel, 1);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "act%d", i);
        int y = small_polynomial(g, name, x);
        snprintf(name, sizeof name, "conv%d", i);
        y = small_conv(g, name, y, c->channels, c->kernel, 1);
        snprintf(name, sizeof name, "sum%d", i);
        x = c->sums ? small_add(g, name, y, x) : y;
    }
    check_ok(umbra_graph_add_output(g, x));
    return g;
}

/* log2 of the outputs' standard deviation: as the promise has it, by gains, and as it is carried
 * from tensor to tensor. */
static double promise_over_carried(const umbra_plan *plan)
{
    const umbra_build *b = &plan->build;
    const int output = b->network.output;
    const size_t outputs = umbra_layout_elements(&b->layouts[output]);
    const double worst = umbra_precision_worst_sigmas(UMBRA_PRECISION_ANSWERS * outputs);
    const double promised = -b->predicted_bits +
                            log2(plan->statistics.output_typical / (plan->statistics.tail * worst));
    return promised - (b->error_log2[output] - log2(b->factors[output]));
}

static void check_maps(const umbra_plan *plan, const chain *c)
{
    for (int k = 0; k < plan->build.network.linear_count; k++) {
        const umbra_facts *f = plan->build.facts[k];
        if (f == NULL || f->set == NULL)
            continue;
        assert_int_equal(f->set->half_slots != 0, c->maps == PAIRED);
        assert_int_equal(f->set->joined, c->maps == JOINED);
    }
}

/* Two ways to one figure, where weights of either sign make errors independent: what every new
 * error does to the outputs, and errors carried from map to map. Only the second is held to
 * measured errors (tests/exec). */
static void test_promise(void **state)
{
    (void)state;
    static const chain chains[] = {{4, 32, 3, false, PAIRED},
                                   {4, 32, 1, false, SINGLE},
                                   {4, 32, 3, true, PAIRED},
                                   {3, 64, 3, false, JOINED},
                                   {7, 64, 3, true, JOINED}};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        umbra_graph *g = make(&chains[i]);
        umbra_plan *plan = small_compile(g);
        const double apart = promise_over_carried(plan);
        check_maps(plan, &chains[i]);
        if (!(fabs(apart) < 0.1))
            fail_msg("chain %zu: the promise is %.3f bits over the carried errors", i, apart);
        umbra_plan_free(plan);
        umbra_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worst_sigmas),
                                       cmocka_unit_test(test_rotations),
                                       cmocka_unit_test(test_promise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
