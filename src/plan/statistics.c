/* Magnitudes by running random inputs through the linear maps and squares. */
#include "plan/statistics.h"

#include "base/memory.h"
#include "base/splitmix.h"
#include "plan/gains.h"
#include "plan/statistics_fit.h"

#include <math.h>
#include <string.h>

#define RUNS UMBRA_SPARSE_LANES /* random inputs, run side by side */
#define MARGIN 1.5              /* on what random inputs show, where no range is known */
#define INPUT_SIGMAS 4          /* an input's bound in standard deviations */
/* Of the output's range: the smallest answers of the zoo have a third to a seventh. */
#define LOW_SHARE 8
#define SMOOTH_SIDE 4 /* half of an input's variance is smooth: blocks of this many pixels */

typedef struct measure {
    const umbra_network *network;
    umbra_pool *pool;
    double **contents; /* by tensor: element, run */
    umbra_statistics *out;
    double input_abs_max;
    uint64_t state;
} measure;

static double uniform(measure *m)
{
    return (double)(umbra_splitmix_next(&m->state) >> 11) * 0x1p-53;
}

static double normal(measure *m)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(m);
    return sum;
}

static size_t tensor_size(const umbra_tensor *t)
{
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* x: of one run, whose elements are RUNS apart */
static void random_input(measure *m, const umbra_tensor *t, double deviation, double *x)
{
    int w = t->width, h = t->height;
    for (int c = 0; c < t->channels; c++)
        for (int y = 0; y < h; y++)
            for (int i = 0; i < w; i++) {
                size_t at = ((size_t)c * (size_t)h + (size_t)y) * (size_t)w + (size_t)i;
                size_t from =
                    at - (size_t)(y % SMOOTH_SIDE) * (size_t)w - (size_t)(i % SMOOTH_SIDE);
                double own = deviation * normal(m);
                x[at * RUNS] = at == from ? own : x[from * RUNS] * 0.7 + 0.7 * own;
            }
}

static umbra_status run_linear(measure *m, const umbra_linear *linear)
{
    const umbra_network *n = m->network;
    const umbra_tensor *t = &n->tensors[linear->tensor];
    double *y = m->contents[linear->tensor];
    size_t size = tensor_size(t);
    for (size_t i = 0; i < size; i++)
        for (size_t run = 0; run < RUNS; run++)
            y[i * RUNS + run] = linear->offset[i] + t->shift;
    for (int k = 0; k < linear->term_count; k++) {
        const umbra_sparse *matrix = NULL;
        const umbra_term *term = &linear->terms[k];
        UMBRA_TRY(umbra_matrices_get(n->matrices, term->matrix, &matrix));
        UMBRA_TRY(umbra_sparse_apply_lanes(matrix, term->coefficient, m->contents[term->tensor], y,
                                           m->pool));
    }
    return UMBRA_OK;
}

/* What the random inputs show; largest: by run. */
static void note_contents(const measure *m, int tensor, double *largest)
{
    const umbra_tensor *t = &m->network->tensors[tensor];
    umbra_statistic *s = &m->out->items[tensor];
    size_t plane = (size_t)t->height * (size_t)t->width, size = tensor_size(t);
    const double *x = m->contents[tensor];
    for (size_t i = 0; i < size; i++)
        for (size_t run = 0; run < RUNS; run++) {
            double v = x[i * RUNS + run];
            largest[run] = fmax(largest[run], fabs(v));
            s->moment[i / plane] += v * v / (double)plane / RUNS;
        }
}

/* Where a channel's moment is known to be larger than random inputs show, so is that of its square:
 * with y = m + d and d normal of variance v, y^2 - s^2 has the mean m^2 + v - s^2, and around it
 * the variance 4 m^2 v + 2 v^2. */
static void widen_square(const measure *m, int tensor)
{
    const umbra_tensor *t = &m->network->tensors[tensor];
    const size_t size = (size_t)t->height * (size_t)t->width * RUNS;
    for (int c = 0; c < t->channels; c++) {
        const double *y = m->contents[t->source] + (size_t)c * size;
        const double square = m->out->items[t->source].moment[c];
        double *moment = &m->out->items[tensor].moment[c], mean = 0;
        for (size_t k = 0; k < size; k++)
            mean += y[k] / (double)size;
        const double variance = fmax(square - mean * mean, 0);
        const double centre = square + umbra_tensor_constant(t);
        *moment =
            fmax(*moment, centre * centre + 4 * mean * mean * variance + 2 * variance * variance);
    }
}

/* Reach, mean squares, and for the output how large it is. */
static void settle(const measure *m, int tensor)
{
    const umbra_tensor *t = &m->network->tensors[tensor];
    const umbra_value *v = &m->network->graph->values[t->value];
    umbra_statistic *s = &m->out->items[tensor];
    double declared = umbra_fit_declared_reach(m->network, t, m->input_abs_max);
    double largest[RUNS] = {0}, seen = 0, mean = 0;
    note_contents(m, tensor, largest);
    for (size_t run = 0; run < RUNS; run++) {
        seen = fmax(seen, largest[run]);
        mean += largest[run] / RUNS;
    }
    s->reach = declared > 0 ? declared : MARGIN * (seen > 0 ? seen : 1);
    if (tensor == m->network->output)
        m->out->output_typical = v->usual_most > 0 ? v->usual_most
                                 : declared > 0    ? declared / LOW_SHARE
                                                   : mean / 2;
    if (t->kind == UMBRA_TENSOR_SQUARE)
        widen_square(m, tensor);
    if (t->part == 0 && !umbra_tensor_is_product(t))
        umbra_fit_values(&(umbra_fit){m->network, tensor, m->contents[tensor], s});
}

static umbra_status run_all(measure *m)
{
    const umbra_network *n = m->network;
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        size_t size = tensor_size(t) * RUNS;
        int other = t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other;
        for (size_t run = 0; t->kind == UMBRA_TENSOR_INPUT && run < RUNS; run++)
            random_input(m, t, m->input_abs_max / INPUT_SIGMAS, m->contents[i] + run);
        for (size_t k = 0; umbra_tensor_is_product(t) && k < size; k++)
            m->contents[i][k] =
                m->contents[t->source][k] * m->contents[other][k] + umbra_tensor_constant(t);
        for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < n->linear_count; k++)
            if (n->linears[k].tensor == i)
                UMBRA_TRY(run_linear(m, &n->linears[k]));
        UMBRA_TRY(umbra_fit_check_range(&(umbra_fit){n, i, m->contents[i], &m->out->items[i]}));
        settle(m, i);
    }
    return UMBRA_OK;
}

static umbra_status make_room(measure *m)
{
    const umbra_network *n = m->network;
    size_t count = (size_t)n->tensor_count;
    void *items = NULL, *contents = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&items, count, sizeof(umbra_statistic), "statistics"));
    m->out->items = items;
    m->out->count = n->tensor_count;
    UMBRA_TRY(umbra_memory_alloc_array(&contents, count, sizeof(double *), "statistics"));
    m->contents = contents;
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        void *x = NULL, *moment = NULL, *gain = NULL;
        UMBRA_TRY(
            umbra_memory_alloc_array(&x, tensor_size(t), RUNS * sizeof(double), "statistics"));
        m->contents[i] = x;
        UMBRA_TRY(
            umbra_memory_alloc_array(&moment, (size_t)t->channels, sizeof(double), "statistics"));
        m->out->items[i].moment = moment;
        UMBRA_TRY(
            umbra_memory_alloc_array(&gain, (size_t)t->channels, sizeof(double), "statistics"));
        m->out->items[i] = (umbra_statistic){.kind = (int)t->kind,
                                             .value = t->value,
                                             .part = t->part,
                                             .shift = t->shift,
                                             .channels = t->channels,
                                             .moment = moment,
                                             .gain = gain};
    }
    return UMBRA_OK;
}

umbra_status umbra_statistics_measure(umbra_statistics *out, const umbra_network *network,
                                      double input_abs_max, umbra_pool *pool)
{
    umbra_statistics made = {0};
    measure m = {.network = network,
                 .pool = pool,
                 .out = &made,
                 .input_abs_max = input_abs_max > 0 ? input_abs_max : 4,
                 .state = 1};
    umbra_status status = make_room(&m);
    if (status == UMBRA_OK)
        status = run_all(&m);
    if (status == UMBRA_OK)
        status = umbra_gains_measure(&made, network, m.contents, pool);
    for (int i = 0; m.contents != NULL && i < network->tensor_count; i++)
        umbra_memory_free(m.contents[i]);
    umbra_memory_free(m.contents);
    if (status != UMBRA_OK) {
        umbra_statistics_free(&made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}

void umbra_statistics_free(umbra_statistics *statistics)
{
    for (int i = 0; statistics->items != NULL && i < statistics->count; i++) {
        umbra_memory_free(statistics->items[i].moment);
        umbra_memory_free(statistics->items[i].gain);
    }
    umbra_memory_free(statistics->items);
    *statistics = (umbra_statistics){0};
}

const umbra_statistic *umbra_statistics_find(const umbra_statistics *statistics,
                                             const umbra_tensor *tensor)
{
    for (int i = 0; i < statistics->count; i++) {
        const umbra_statistic *s = &statistics->items[i];
        if (s->kind == (int)tensor->kind && s->value == tensor->value && s->part == tensor->part &&
            s->shift == tensor->shift)
            return s;
    }
    return NULL;
}
