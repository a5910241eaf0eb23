/* Predicted precision: errors channel by channel through the network, from its own weights. */
#include "base/memory.h"
#include "ckks/noise.h"
#include "plan/emit.h"

#include <math.h>

double umbra_precision_worst_sigmas(size_t errors)
{
    double low = 0, high = 20;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        bool inside = erfc(middle / sqrt(2)) * (double)errors > 1;
        low = inside ? middle : low;
        high = inside ? high : middle;
    }
    return high;
}

/* Errors are taken as independent. Those of a gate are not: one number for a whole channel, whose
 * error a later mean does not lower. Nor are those of the factors of a power. What such products
 * cost beyond the model, at most, in the networks of tests/exec. */
#define SHARED_BITS 2

typedef struct precision {
    umbra_build *build;
    const umbra_statistics *statistics;
    double **variance;      /* by tensor: of the errors of its slots, by channel */
    double output_variance; /* on average over the outputs, in values */
    bool nominal; /* weights of the scale that was decided, not of what the primes leave */
    bool shared;  /* a product of two tensors came before */
} precision;

/* Mean square of a channel's slots; channel -1: of the whole tensor. */
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

/* Rounding of the diagonals' weights, each times a slot of its input. */
static double weight_error(const precision *p, int linear, double weight_scale)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    const umbra_facts *f = b->facts[linear];
    const umbra_diagonal_set *set = f->set;
    /* Weights that repeat sooner have fewer coefficients other than zero: those are rounded. */
    double encode = exp2(umbra_noise_encode_sparse(b->params, f->period) - weight_scale);
    double largest = 0;
    if (set == NULL)
        return 0;
    for (int k = 0; k < l->term_count; k++)
        largest = fmax(largest, moment(p, l->terms[k].tensor, -1));
    /* 2 Re(w z) with |z|^2 = 2 x^2, and rounding spread over both parts of w: 4 * 2 / 2. */
    double halved = set->half_slots != 0 || set->joined ? 4 : 1;
    /* Values are squares, so that equal errors of equal weights add up and do not cancel. */
    return encode * encode * halved * f->repeats * exp2(set->sum_count) * (double)set->count /
           set->output_count * largest;
}

/* out[o] += c^2 sum over i of power[o][i] (in[i] + extra) */
static void spread(const umbra_facts *f, int term, double coefficient, double extra,
                   const double *in, double *out)
{
    size_t in_channels = (size_t)f->in[term].channels;
    for (size_t o = 0; o < (size_t)f->to.channels; o++)
        for (size_t i = 0; i < in_channels; i++)
            out[o] += coefficient * coefficient * f->power[term][o * in_channels + i] *
                      ((in == NULL ? 0 : in[i]) + (f->direct[term] ? 0 : extra));
}

/* What the new errors of a tensor, in variance[tensor], do to the outputs. */
static void reach_outputs(precision *p, int tensor)
{
    const umbra_tensor *t = &p->build->network.tensors[tensor];
    const umbra_statistic *s = umbra_statistics_find(p->statistics, t);
    double factor = p->build->factors[tensor];
    for (int c = 0; c < t->channels; c++)
        p->output_variance +=
            p->variance[tensor][c] * s->gain[c < s->channels ? c : 0] / (factor * factor);
}

static void linear_errors(precision *p, int linear)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    int level = b->schedule.depth - l->depth;
    double scale = b->schedule.scale[l->depth + 1], in_scale = b->schedule.in_scale[l->depth];
    double division = p->nominal ? b->schedule.rescale_bits[l->depth]
                                 : umbra_params_rescale_log2(b->params, level);
    double weight_scale = scale + division - in_scale;
    if (p->nominal)
        weight_scale += b->schedule.raise[l->depth];
    double rounding = exp2(2 * (umbra_noise_rescale(b->params, level, -INFINITY) - scale));
    /* Rotations show only at a low scale; squares and what is raised to them hide theirs. */
    double rotations = exp2(2 * (umbra_noise_key_switch(b->params, level) - in_scale));
    double same = rounding + weight_error(p, linear, weight_scale);
    double *out = p->variance[l->tensor];
    for (int c = 0; c < b->network.tensors[l->tensor].channels; c++)
        out[c] = same;
    for (int k = 0; k < l->term_count; k++)
        spread(b->facts[linear], k, umbra_emit_slot_coefficient(b, linear, k), rotations, NULL,
               out);
    reach_outputs(p, l->tensor);
    for (int k = 0; k < l->term_count; k++)
        spread(b->facts[linear], k, umbra_emit_slot_coefficient(b, linear, k), 0,
               p->variance[l->terms[k].tensor], out);
}

/* (x + e)(y + f) - xy, of which e f is nothing; in a square both errors are one. */
static double product_error(const precision *p, const umbra_tensor *t, int channel)
{
    if (t->kind == UMBRA_TENSOR_SQUARE)
        return 4 * moment(p, t->source, channel) * p->variance[t->source][channel];
    return moment(p, t->source, channel) * p->variance[t->other][channel] +
           moment(p, t->other, channel) * p->variance[t->source][channel];
}

static umbra_status tensor_errors(precision *p, int tensor)
{
    const umbra_build *b = p->build;
    const umbra_tensor *t = &b->network.tensors[tensor];
    void *made = NULL;
    double mean = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)t->channels, sizeof(double), "a prediction"));
    double *variance = p->variance[tensor] = made;
    double fresh = exp2(
        2 * (umbra_noise_add(umbra_noise_fresh_secret(b->params), umbra_noise_encode(b->params)) -
             b->input_scale_log2));
    for (int c = 0; c < t->channels; c++)
        variance[c] = umbra_tensor_is_product(t) ? product_error(p, t, c) : fresh;
    if (t->kind == UMBRA_TENSOR_INPUT)
        reach_outputs(p, tensor);
    for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < b->network.linear_count; k++)
        if (b->network.linears[k].tensor == tensor)
            linear_errors(p, k);
    for (int c = 0; c < t->channels; c++)
        mean += variance[c] / t->channels;
    p->shared = p->shared || (umbra_tensor_is_product(t) && t->kind != UMBRA_TENSOR_SQUARE);
    b->error_log2[tensor] = 0.5 * log2(fmax(mean, 0x1p-200)) + (p->shared ? SHARED_BITS : 0);
    return UMBRA_OK;
}

static umbra_status predict(umbra_build *build, const umbra_statistics *statistics, bool nominal,
                            double *bits)
{
    const umbra_network *n = &build->network;
    precision p = {.build = build, .statistics = statistics, .nominal = nominal};
    void *made = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&made, (size_t)n->tensor_count, sizeof(double *), "a prediction"));
    p.variance = made;
    umbra_status status = UMBRA_OK;
    for (int i = 0; status == UMBRA_OK && i < n->tensor_count; i++)
        if (n->tensors[i].used)
            status = tensor_errors(&p, i);
    if (status == UMBRA_OK) {
        size_t outputs = umbra_layout_elements(&build->layouts[n->output]);
        double error = statistics->tail *
                       umbra_precision_worst_sigmas(UMBRA_PRECISION_ANSWERS * outputs) *
                       sqrt(p.output_variance);
        *bits = -log2(fmax(error, 0x1p-60) / statistics->output_typical);
    }
    for (int i = 0; i < n->tensor_count; i++)
        umbra_memory_free(p.variance[i]);
    umbra_memory_free(made);
    return status;
}

umbra_status umbra_build_precision(umbra_build *build, const umbra_statistics *statistics)
{
    UMBRA_TRY(predict(build, statistics, true, &build->nominal_bits));
    return predict(build, statistics, false, &build->predicted_bits);
}
