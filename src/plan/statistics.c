/* Magnitudes by running random inputs through the linear maps and squares. */
#include "plan/statistics.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

#define RUNS UMBRA_SPARSE_LANES /* random inputs, run side by side */
#define MARGIN 1.5              /* on what random inputs show, where no range is known */
#define INPUT_SIGMAS 4          /* an input's bound in standard deviations */
#define SMOOTH_SIDE 4 /* half of an input's variance is smooth: blocks of this many pixels */

typedef struct measure {
    const umbra_network *network;
    umbra_pool *pool;
    double **contents; /* by tensor: element, run */
    umbra_statistics *out;
    double *largest; /* by tensor */
    double output_mean_largest;
    uint64_t state;
} measure;

/* splitmix64: the same numbers everywhere; nothing here is secret. */
static double uniform(measure *m)
{
    uint64_t z = m->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
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

static void note_contents(measure *m, int tensor)
{
    const umbra_tensor *t = &m->network->tensors[tensor];
    umbra_statistic *s = &m->out->items[tensor];
    size_t plane = (size_t)t->height * (size_t)t->width, size = tensor_size(t);
    const double *x = m->contents[tensor];
    double largest[RUNS] = {0};
    for (size_t i = 0; i < size; i++)
        for (size_t run = 0; run < RUNS; run++) {
            double v = x[i * RUNS + run];
            largest[run] = fmax(largest[run], fabs(v));
            s->moment[i / plane] += v * v / (double)plane / RUNS;
        }
    for (size_t run = 0; run < RUNS; run++) {
        m->largest[tensor] = fmax(m->largest[tensor], largest[run]);
        if (tensor == m->network->output)
            m->output_mean_largest += largest[run] / RUNS;
    }
}

static umbra_status run_all(measure *m, double input_abs_max)
{
    const umbra_network *n = m->network;
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        size_t size = tensor_size(t) * RUNS;
        int other = t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other;
        for (size_t run = 0; t->kind == UMBRA_TENSOR_INPUT && run < RUNS; run++)
            random_input(m, t, input_abs_max / INPUT_SIGMAS, m->contents[i] + run);
        for (size_t k = 0; umbra_tensor_is_product(t) && k < size; k++)
            m->contents[i][k] = m->contents[t->source][k] * m->contents[other][k];
        for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < n->linear_count; k++)
            if (n->linears[k].tensor == i)
                UMBRA_TRY(run_linear(m, &n->linears[k]));
        note_contents(m, i);
    }
    return UMBRA_OK;
}

static umbra_status make_room(measure *m)
{
    const umbra_network *n = m->network;
    size_t count = (size_t)n->tensor_count;
    void *items = NULL, *contents = NULL, *largest = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&items, count, sizeof(umbra_statistic), "statistics"));
    m->out->items = items;
    m->out->count = n->tensor_count;
    UMBRA_TRY(umbra_memory_alloc_array(&contents, count, sizeof(double *), "statistics"));
    m->contents = contents;
    UMBRA_TRY(umbra_memory_alloc_array(&largest, count, sizeof(double), "statistics"));
    m->largest = largest;
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        void *x = NULL, *moment = NULL;
        UMBRA_TRY(
            umbra_memory_alloc_array(&x, tensor_size(t), RUNS * sizeof(double), "statistics"));
        m->contents[i] = x;
        UMBRA_TRY(
            umbra_memory_alloc_array(&moment, (size_t)t->channels, sizeof(double), "statistics"));
        m->out->items[i] = (umbra_statistic){.kind = (int)t->kind,
                                             .value = t->value,
                                             .part = t->part,
                                             .shift = t->shift,
                                             .channels = t->channels,
                                             .moment = moment};
    }
    return UMBRA_OK;
}

/* What calibration says about a tensor's contents; 0: nothing. */
static double declared_reach(const umbra_network *n, const umbra_tensor *t, double input_abs_max)
{
    const umbra_value *v = &n->graph->values[t->value];
    if (t->kind == UMBRA_TENSOR_INPUT && input_abs_max > 0)
        return input_abs_max;
    if (t->part != 0)
        return t->reach;
    if (!(v->range_min <= v->range_max) || !isfinite(v->range_min) || !isfinite(v->range_max))
        return 0;
    double reach = fmax(fabs(v->range_min + t->shift), fabs(v->range_max + t->shift));
    return t->kind == UMBRA_TENSOR_SQUARE ? reach * reach : reach;
}

/* What a range says about the mean square: a normal value spans eight deviations, around the shift.
 */
static double declared_moment(const umbra_network *n, const umbra_tensor *t)
{
    const umbra_value *v = &n->graph->values[t->value];
    double deviation = (v->range_max - v->range_min) / 8;
    double moment = t->shift * t->shift + deviation * deviation;
    return t->kind == UMBRA_TENSOR_SQUARE ? moment * moment : moment;
}

/* Where the range is known, random magnitudes are stretched to fit it, but not below what it says.
 */
static void settle(measure *m, double input_abs_max)
{
    const umbra_network *n = m->network;
    for (int i = 0; i < n->tensor_count; i++) {
        umbra_statistic *s = &m->out->items[i];
        double declared = declared_reach(n, &n->tensors[i], input_abs_max);
        double seen = m->largest[i] > 0 ? m->largest[i] : 1;
        s->reach = declared > 0 ? declared : MARGIN * seen;
        double stretch = declared > 0 ? declared / seen : 1;
        for (int c = 0; c < s->channels; c++)
            s->moment[c] *= stretch * stretch;
        bool ranged = declared > 0 && n->tensors[i].kind != UMBRA_TENSOR_INPUT;
        for (int c = 0; ranged && n->tensors[i].part == 0 && c < s->channels; c++)
            s->moment[c] = fmax(s->moment[c], declared_moment(n, &n->tensors[i]));
        if (i == n->output)
            m->out->output_typical = (declared > 0 ? declared / 4 : m->output_mean_largest / 2);
    }
}

umbra_status umbra_statistics_measure(umbra_statistics *out, const umbra_network *network,
                                      double input_abs_max, umbra_pool *pool)
{
    umbra_statistics made = {0};
    measure m = {.network = network, .pool = pool, .out = &made, .state = 1};
    umbra_status status = make_room(&m);
    double bound = input_abs_max > 0 ? input_abs_max : 4;
    if (status == UMBRA_OK)
        status = run_all(&m, bound);
    if (status == UMBRA_OK)
        settle(&m, bound);
    for (int i = 0; m.contents != NULL && i < network->tensor_count; i++)
        umbra_memory_free(m.contents[i]);
    umbra_memory_free(m.contents);
    umbra_memory_free(m.largest);
    if (status != UMBRA_OK) {
        umbra_statistics_free(&made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}

void umbra_statistics_free(umbra_statistics *statistics)
{
    for (int i = 0; statistics->items != NULL && i < statistics->count; i++)
        umbra_memory_free(statistics->items[i].moment);
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
