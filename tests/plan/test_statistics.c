/* How large values are taken to be, where calibration told ranges and no more. */
#include "../exec/small_network.h"

#include "plan/statistics.h"

#include <math.h>

#define LOW 2.0
#define HIGH 4.0

static umbra_status measure(umbra_statistics *out, umbra_network *network, umbra_graph *graph)
{
    unsigned char none[64] = {0};
    umbra_pool *pool = NULL;
    umbra_matrices *matrices = NULL;
    check_ok(umbra_pool_new(&pool, 2));
    check_ok(umbra_matrices_new(&matrices, graph));
    check_ok(umbra_network_lower(network, graph, matrices, none, 64, UMBRA_LOWER_ALL));
    umbra_status status = umbra_statistics_measure(out, network, 1, pool);
    umbra_matrices_free(matrices);
    umbra_pool_free(pool);
    return status;
}

/* Three convolutions, each followed by a square, all with the range [low, high]. */
static umbra_graph *chain(double low, double high)
{
    int x;
    umbra_graph *g = small_begin(2, 8, &x);
    for (int i = 0; i < 3; i++) {
        char conv[8] = "conv0", act[8] = "act0";
        conv[4] = act[3] = (char)('0' + i);
        x = small_conv(g, conv, x, 4, 3, 1);
        g->values[x].range_min = low;
        g->values[x].range_max = high;
        x = small_polynomial(g, act, x);
    }
    check_ok(umbra_graph_add_output(g, small_head(g, x, 3)));
    return g;
}

/* Random inputs have another mean, which squares in a row would carry far beyond all ranges. */
static void test_values_stay_in_their_range(void **state)
{
    umbra_graph *g = chain(LOW, HIGH);
    umbra_network network;
    umbra_statistics statistics;
    int ranged = 0;
    (void)state;
    check_ok(measure(&statistics, &network, g));
    for (int i = 0; i < network.tensor_count; i++) {
        const umbra_tensor *t = &network.tensors[i];
        const umbra_value *v = &g->values[t->value];
        if (t->kind != UMBRA_TENSOR_LINEAR || t->part != 0 || v->range_min != LOW)
            continue;
        double a = LOW + t->shift, b = HIGH + t->shift, reach = fmax(fabs(a), fabs(b));
        double least = a < 0 && b > 0 ? 0 : fmin(fabs(a), fabs(b));
        const umbra_statistic *s = umbra_statistics_find(&statistics, t);
        assert_true(fabs(s->reach - reach) < 1e-12);
        for (int c = 0; c < s->channels; c++) {
            assert_true(s->moment[c] >= least * least);
            assert_true(s->moment[c] <= reach * reach);
        }
        ranged++;
    }
    assert_int_equal(ranged, 3);
    umbra_statistics_free(&statistics);
    umbra_network_free(&network);
    umbra_graph_free(g);
}

/* (x + s)^2 less s^2 is x (x + 2s): its reach by trying, its mean square from the moments of a
 * normal number of mean m and variance v, E x^4 = m^4 + 6 m^2 v + 3 v^2 and E x^3 = m^3 + 3 m v. */
static void check_squares(double low, double high, double mean, double deviation)
{
    umbra_graph *g = chain(low, high);
    umbra_network network;
    umbra_statistics statistics;
    int squares = 0;
    for (int i = 0; deviation > 0 && i < g->value_count; i++) {
        if (g->values[i].range_min != low)
            continue;
        check_ok(umbra_graph_add_moments(g, i, 4));
        for (int c = 0; c < 4; c++) {
            g->values[i].moments[c] = mean;
            g->values[i].moments[4 + c] = mean * mean + deviation * deviation;
        }
    }
    const double v = deviation > 0 ? deviation * deviation : (high - low) * (high - low) / 64;
    check_ok(measure(&statistics, &network, g));
    for (int i = 0; i < network.tensor_count; i++) {
        const umbra_tensor *t = &network.tensors[i];
        if (t->kind != UMBRA_TENSOR_SQUARE)
            continue;
        const umbra_statistic *found = umbra_statistics_find(&statistics, t);
        const double s = t->shift, m = mean;
        const double normal = pow(m, 4) + 6 * m * m * v + 3 * v * v +
                              4 * s * (m * m * m + 3 * m * v) + 4 * s * s * (m * m + v);
        double reach = 0;
        assert_true(s != 0 && s == network.tensors[t->source].shift);
        for (int k = 0; k <= 1000; k++) {
            const double x = low + (high - low) * k / 1000;
            reach = fmax(reach, fabs(x * (x + 2 * s)));
        }
        assert_true(fabs(found->reach - reach) < 0.01 * reach);
        for (int c = 0; deviation > 0 && c < found->channels; c++)
            assert_true(found->moment[c] > 0.99 * normal && found->moment[c] < 2.5 * normal);
        for (int c = 0; deviation == 0 && c < found->channels; c++)
            assert_true(found->moment[c] > 4 * s * s * v * 0.99);
        squares++;
    }
    assert_int_equal(squares, 3);
    umbra_statistics_free(&statistics);
    umbra_network_free(&network);
    umbra_graph_free(g);
}

static void test_squares_stand_around_zero(void **state)
{
    (void)state;
    check_squares(-0.8, 0.8, 0, 0.2);
    check_squares(-0.8, 0.8, 0.1, 0.1);
    check_squares(-4, 4, -0.5, 1); /* around the vertex */
    check_squares(LOW, HIGH, 0, 0);
}

static void test_ranges_of_another_network(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        umbra_graph *g = wide ? chain(-1e4, 1e4) : chain(-1e-4, 1e-4);
        umbra_network network;
        umbra_statistics statistics;
        check_fails(UMBRA_E_MODEL, "its range in model.json", measure(&statistics, &network, g));
        umbra_network_free(&network);
        umbra_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values_stay_in_their_range),
                                       cmocka_unit_test(test_squares_stand_around_zero),
                                       cmocka_unit_test(test_ranges_of_another_network)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
