/* What an error does to the outputs: derivatives against differences, and how far out errors lie.
 */
#include "../exec/small_network.h"

#include "base/memory.h"
#include "plan/gains.h"
#include "plan/program_build.h"

#include <stdlib.h>

#define LANES UMBRA_SPARSE_LANES

typedef struct sample {
    umbra_graph *graph;
    umbra_matrices *matrices;
    umbra_network network;
    umbra_statistics statistics;
    umbra_pool *pool;
    double **contents; /* by tensor: element, lane */
} sample;

static size_t tensor_size(const umbra_tensor *t)
{
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* Fill all tensors after `from` from those before it. */
static void run_after(const sample *s, int from)
{
    const umbra_network *n = &s->network;
    for (int i = from + 1; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        double *y = s->contents[i];
        for (size_t k = 0; umbra_tensor_is_product(t) && k < tensor_size(t) * LANES; k++)
            y[k] = s->contents[t->source][k] *
                       s->contents[t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other][k] -
                   (t->kind == UMBRA_TENSOR_SQUARE ? t->shift * t->shift : 0);
        for (int k = 0; k < n->linear_count; k++) {
            const umbra_linear *l = &n->linears[k];
            if (l->tensor != i)
                continue;
            for (size_t e = 0; e < tensor_size(t) * LANES; e++)
                y[e] = l->offset[e / LANES] + t->shift;
            for (int j = 0; j < l->term_count; j++) {
                const umbra_sparse *m = NULL;
                check_ok(umbra_matrices_get(s->matrices, l->terms[j].matrix, &m));
                check_ok(umbra_sparse_apply_lanes(m, l->terms[j].coefficient,
                                                  s->contents[l->terms[j].tensor], y, s->pool));
            }
        }
    }
}

static void open_sample(sample *s, umbra_graph *graph, int threads)
{
    unsigned char none[64] = {0};
    *s = (sample){.graph = graph};
    check_ok(umbra_pool_new(&s->pool, threads));
    check_ok(umbra_matrices_new(&s->matrices, graph));
    check_ok(umbra_network_lower(&s->network, graph, s->matrices, none, 64, UMBRA_LOWER_ALL));
    check_ok(umbra_statistics_measure(&s->statistics, &s->network, 1, s->pool));
    s->contents = calloc((size_t)s->network.tensor_count, sizeof *s->contents);
    for (int i = 0; i < s->network.tensor_count; i++)
        s->contents[i] = calloc(tensor_size(&s->network.tensors[i]) * LANES, sizeof(double));
    int input = s->network.input;
    for (size_t k = 0; k < tensor_size(&s->network.tensors[input]) * LANES; k++)
        s->contents[input][k] = small_random();
    run_after(s, input);
    check_ok(umbra_gains_measure(&s->statistics, &s->network, s->contents, s->pool));
}

static void close_sample(sample *s)
{
    for (int i = 0; i < s->network.tensor_count; i++)
        free(s->contents[i]);
    free(s->contents);
    umbra_statistics_free(&s->statistics);
    umbra_network_free(&s->network);
    umbra_matrices_free(s->matrices);
    umbra_pool_free(s->pool);
    umbra_graph_free(s->graph);
}

/* Mean over lanes of the sum over a channel of squared differences of the one output. */
static double differences(sample *s, int tensor, int channel)
{
    const umbra_tensor *t = &s->network.tensors[tensor];
    size_t plane = (size_t)t->height * (size_t)t->width;
    const double *output = s->contents[s->network.output], step = 1e-4;
    double sum = 0;
    for (size_t e = (size_t)channel * plane; e < ((size_t)channel + 1) * plane; e++) {
        double *x = s->contents[tensor] + e * LANES, keep[LANES], ends[2][LANES];
        memcpy(keep, x, sizeof keep);
        for (int end = 0; end < 2; end++) {
            for (int i = 0; i < LANES; i++)
                x[i] = keep[i] + (end == 0 ? -step : step);
            run_after(s, tensor);
            memcpy(ends[end], output, sizeof ends[end]);
        }
        for (int i = 0; i < LANES; i++)
            sum += pow((ends[1][i] - ends[0][i]) / (2 * step), 2) / LANES;
        memcpy(x, keep, sizeof keep);
        run_after(s, tensor);
    }
    return sum;
}

/* Sums, squares, and two residual blocks; one output. */
static umbra_graph *residual(void)
{
    int x;
    umbra_graph *g = small_begin(2, 4, &x);
    x = small_conv(g, "stem", x, 2, 3, 1);
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "act%d", i);
        int u = small_polynomial(g, name, x);
        snprintf(name, sizeof name, "conv%d", i);
        u = small_conv(g, name, u, 2, 3, 1);
        snprintf(name, sizeof name, "sum%d", i);
        x = small_add(g, name, u, x);
    }
    check_ok(umbra_graph_add_output(g, small_head(g, small_polynomial(g, "last", x), 1)));
    return g;
}

/* Two tensors multiplied, element by element, and a mean over the product. */
static umbra_graph *product(void)
{
    int x;
    umbra_graph *g = small_begin(2, 4, &x);
    int a = small_polynomial(g, "act", small_conv(g, "a", x, 2, 3, 1));
    int factors[2] = {small_conv(g, "b", a, 2, 3, 1), small_conv(g, "c", a, 2, 1, 1)};
    x = small_node(g, UMBRA_OP_MUL, "gate", factors, 2, NULL);
    check_ok(umbra_graph_add_output(g, small_head(g, x, 1)));
    return g;
}

static void test_derivatives(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        sample s;
        open_sample(&s, which == 0 ? residual() : product(), 2);
        for (int i = 0; i < s.network.tensor_count; i++) {
            if (!s.network.tensors[i].used)
                continue;
            for (int c = 0; c < s.network.tensors[i].channels; c++) {
                double wanted = differences(&s, i, c), gain = s.statistics.items[i].gain[c];
                if (!(fabs(gain - wanted) <= 1e-5 * wanted + 1e-12))
                    fail_msg("tensor %d, channel %d: %g, and %g by differences", i, c, gain,
                             wanted);
            }
        }
        close_sample(&s);
    }
}

/* Not by one bit does the number of threads change them. */
static void test_threads(void **state)
{
    sample one, two;
    (void)state;
    uint64_t state_before = small_state;
    open_sample(&one, residual(), 1);
    small_state = state_before;
    open_sample(&two, residual(), 3);
    assert_true(one.statistics.tail == two.statistics.tail);
    for (int i = 0; i < one.network.tensor_count; i++)
        assert_memory_equal(one.statistics.items[i].gain, two.statistics.items[i].gain,
                            (size_t)one.network.tensors[i].channels * sizeof(double));
    close_sample(&one);
    close_sample(&two);
}

/* Where one lane has values far above the others, so has it errors: the largest lies further out
 * than a normal number does. */
static void test_tail(void **state)
{
    sample s;
    (void)state;
    open_sample(&s, residual(), 1);
    double usual = s.statistics.tail;
    int input = s.network.input;
    for (size_t e = 0; e < tensor_size(&s.network.tensors[input]); e++)
        s.contents[input][e * LANES] *= 20;
    run_after(&s, input);
    check_ok(umbra_gains_measure(&s.statistics, &s.network, s.contents, s.pool));
    assert_true(usual >= 1 && usual < 2);
    assert_true(s.statistics.tail > usual && s.statistics.tail > 1.3);
    close_sample(&s);
}

/* One map of one weight: two roundings, that of the input and its own, which are Laplace's. The
 * worst of a thousand answers lies as far out as its logarithm says, less what adding up two takes
 * off. */
static void test_roundings_are_laplace(void **state)
{
    sample s;
    int x;
    (void)state;
    umbra_graph *g = small_begin(1, 16, &x);
    check_ok(umbra_graph_add_output(g, small_conv(g, "one", x, 1, 1, 1)));
    open_sample(&s, g, 1);
    double sigmas = s.statistics.tail * umbra_precision_worst_sigmas(256 * UMBRA_PRECISION_ANSWERS);
    double laplace = log(256.0 * UMBRA_PRECISION_ANSWERS) / sqrt(2);
    print_message("%.2f standard deviations, %.2f where there is one rounding\n", sigmas, laplace);
    assert_true(sigmas > 0.75 * laplace && sigmas < 1.1 * laplace);
    close_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_roundings_are_laplace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
