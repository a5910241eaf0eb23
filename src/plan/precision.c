/* Predicted precision: errors element by element through the network, from its own weights. */
#include "base/memory.h"
#include "ckks/noise.h"
#include "plan/emit.h"

#include <math.h>

/* How many standard deviations the largest error of an answer reaches: 3.2 for some hundreds of
 * normal numbers, which a set of images with a dozen outputs each has. */
#define WORST_SIGMAS 3.2

typedef struct precision {
    umbra_build *build;
    const umbra_statistics *statistics;
    double **variance; /* by tensor: of the errors of its slots, element by element */
} precision;

static size_t tensor_size(const umbra_tensor *t)
{
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* Mean square of slots: over a whole tensor, or of one channel. */
static double moment(const precision *p, int tensor, int channel)
{
    const umbra_tensor *t = &p->build->network.tensors[tensor];
    const umbra_statistic *s = umbra_statistics_find(p->statistics, t);
    double factor = p->build->factors[tensor], sum = 0;
    if (channel >= 0 && channel < s->channels)
        return s->moment[channel] * factor * factor;
    for (int c = 0; c < s->channels; c++)
        sum += s->moment[c] / s->channels;
    return sum * factor * factor;
}

/* variance[r] += sum (c w)^2 variance of what is read */
static void spread(const umbra_sparse *m, double coefficient, const double *in, double *out)
{
    for (size_t r = 0; r < m->rows; r++) {
        double sum = 0;
        for (size_t i = m->row_start[r]; i < m->row_start[r + 1]; i++)
            sum += m->weight[i] * m->weight[i] * in[m->column[i]];
        out[r] += coefficient * coefficient * sum;
    }
}

/* Rounding of the diagonals' weights, each times a slot of its input. */
static double weight_error(const precision *p, int linear, double weight_scale)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    double encode = exp2(umbra_noise_encode(b->params) - weight_scale), sum = 0;
    for (int m = 0; m < b->program.map_count; m++)
        for (int s = 0; s < b->sources[m].set_count; s++) {
            const umbra_diagonal_set *set = b->sources[m].sets[s];
            if (set == NULL || b->sources[m].linears[s] != linear)
                continue;
            /* 2 Re(w z) with |z|^2 = 2 x^2, and rounding spread over both parts of w: 4 * 2 / 2. */
            double halved = set->half_slots != 0 ? 4 : 1;
            double sums = exp2(set->sum_count);
            double largest = 0;
            for (int k = 0; k < l->term_count; k++)
                largest = fmax(largest, moment(p, l->terms[k].tensor, -1));
            sum +=
                encode * encode * halved * sums * (double)set->count / set->output_count * largest;
        }
    return sum;
}

static umbra_status linear_errors(precision *p, int linear)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    int level = b->schedule.depth - l->depth;
    double scale = b->schedule.scale[l->depth + 1];
    double *out = p->variance[l->tensor];
    double weight_scale =
        scale + umbra_params_rescale_log2(b->params, level) - b->schedule.in_scale[l->depth];
    double rounding = exp2(2 * (umbra_noise_rescale(b->params, level, -INFINITY) - scale));
    double rotations = 0;
    if (b->schedule.low[l->depth]) /* rotations at a low scale show */
        rotations =
            exp2(2 * (umbra_noise_key_switch(b->params, level) - b->schedule.in_scale[l->depth]));
    double same = rounding + weight_error(p, linear, weight_scale);
    size_t size = tensor_size(&b->network.tensors[l->tensor]);
    for (size_t i = 0; i < size; i++)
        out[i] = same;
    for (int k = 0; k < l->term_count; k++) {
        const umbra_sparse *matrix = NULL;
        size_t read = tensor_size(&b->network.tensors[l->terms[k].tensor]);
        double *in = p->variance[l->terms[k].tensor];
        UMBRA_TRY(umbra_matrices_get(b->network.matrices, l->terms[k].matrix, &matrix));
        for (size_t i = 0; i < read; i++)
            in[i] += rotations;
        spread(matrix, umbra_emit_slot_coefficient(b, linear, k), in, out);
        for (size_t i = 0; i < read; i++)
            in[i] -= rotations;
    }
    return UMBRA_OK;
}

static void square_errors(precision *p, int tensor)
{
    const umbra_tensor *t = &p->build->network.tensors[tensor];
    size_t plane = (size_t)t->height * (size_t)t->width;
    for (size_t i = 0; i < tensor_size(t); i++)
        p->variance[tensor][i] =
            4 * moment(p, t->source, (int)(i / plane)) * p->variance[t->source][i];
}

static umbra_status tensor_errors(precision *p, int tensor)
{
    const umbra_build *b = p->build;
    const umbra_tensor *t = &b->network.tensors[tensor];
    void *made = NULL;
    size_t size = tensor_size(t);
    double mean = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&made, size, sizeof(double), "a prediction"));
    p->variance[tensor] = made;
    double fresh = exp2(
        2 * (umbra_noise_add(umbra_noise_fresh_secret(b->params), umbra_noise_encode(b->params)) -
             b->input_scale_log2));
    for (size_t i = 0; t->kind == UMBRA_TENSOR_INPUT && i < size; i++)
        p->variance[tensor][i] = fresh;
    if (t->kind == UMBRA_TENSOR_SQUARE)
        square_errors(p, tensor);
    for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < b->network.linear_count; k++)
        if (b->network.linears[k].tensor == tensor)
            UMBRA_TRY(linear_errors(p, k));
    for (size_t i = 0; i < size; i++)
        mean += p->variance[tensor][i] / (double)size;
    b->error_log2[tensor] = 0.5 * log2(fmax(mean, 0x1p-200));
    return UMBRA_OK;
}

umbra_status umbra_build_precision(umbra_build *build, const umbra_statistics *statistics)
{
    const umbra_network *n = &build->network;
    precision p = {.build = build, .statistics = statistics};
    void *made = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&made, (size_t)n->tensor_count, sizeof(double *), "a prediction"));
    p.variance = made;
    umbra_status status = UMBRA_OK;
    for (int i = 0; status == UMBRA_OK && i < n->tensor_count; i++)
        if (n->tensors[i].used)
            status = tensor_errors(&p, i);
    if (status == UMBRA_OK) {
        double worst = 0;
        size_t size = tensor_size(&n->tensors[n->output]);
        for (size_t i = 0; i < size; i++)
            worst = fmax(worst, p.variance[n->output][i]);
        double error = WORST_SIGMAS * sqrt(worst) / build->factors[n->output];
        build->predicted_bits = -log2(fmax(error, 0x1p-60) / statistics->output_typical);
    }
    for (int i = 0; i < n->tensor_count; i++)
        umbra_memory_free(p.variance[i]);
    umbra_memory_free(made);
    return status;
}
