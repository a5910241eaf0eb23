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

/* Slots are complex and values real: what rounding leaves stands in both parts. The imaginary one
 * is no error until a map takes two diagonals in one complex product, which reads both parts of its
 * inputs and leaves its result real. */
typedef struct slot_errors {
    double *real, *imaginary; /* variance of the slots' errors, by channel; one block of memory */
} slot_errors;

typedef struct precision {
    umbra_build *build;
    const umbra_statistic **statistic; /* by tensor */
    slot_errors *errors;               /* by tensor */
    double *imaginary_part;            /* by tensor: what an imaginary error does to the outputs,
                                          over what a real one does */
    double output_variance;            /* on average over the outputs, in values */
    bool nominal; /* weights of the scale that was decided, not of what the primes leave */
    bool shared;  /* a product of two tensors came before */
} precision;

/* Mean square of a channel's slots; channel -1: of the whole tensor. */
static double moment(const precision *p, int tensor, int channel)
{
    const umbra_statistic *s = p->statistic[tensor];
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
    double halved = umbra_diagonal_set_is_complex(set) ? 4 : 1;
    /* Values may have one sign, so that equal errors of equal weights are taken to add up. */
    return encode * encode * halved * f->repeats * exp2(set->sum_count) * (double)set->count /
           set->output_count * largest;
}

/* A conjugate is added to what pairs gave, and takes the imaginary part away. */
static bool leaves_real(const umbra_facts *f, int term)
{
    return !f->direct[term] && f->set != NULL && umbra_diagonal_set_is_complex(f->set);
}

/* The share of a term's ciphertexts whose imaginary parts the map reads: all, where it takes each
 * with its own half turn; none, where products are real; where ciphertexts are joined by two, those
 * that have a partner. */
static double imaginary_share(const umbra_facts *f, int term)
{
    const int count = f->in[term].ciphertexts;
    if (!leaves_real(f, term))
        return 0;
    return f->set->joined ? (double)(count - count % 2) / count : 1;
}

/* out[o] += share * c^2 * sum over i of power[o][i] * in[i]; in NULL: of ones */
static void spread(const umbra_build *b, int linear, int term, double share, const double *in,
                   double *out)
{
    const umbra_facts *f = b->facts[linear];
    const double coefficient = umbra_emit_slot_coefficient(b, linear, term);
    size_t in_channels = (size_t)f->in[term].channels;
    if (share == 0)
        return;
    for (size_t o = 0; o < (size_t)f->to.channels; o++)
        for (size_t i = 0; i < in_channels; i++)
            out[o] += share * coefficient * coefficient * f->power[term][o * in_channels + i] *
                      (in == NULL ? 1 : in[i]);
}

/* The outputs' variance for an error of variance 1 in all slots of a tensor's channel. */
static double gain_of(const precision *p, int tensor, int channel)
{
    const umbra_statistic *s = p->statistic[tensor];
    double factor = p->build->factors[tensor];
    return s->gain[channel < s->channels ? channel : 0] / (factor * factor);
}

/* What the new errors of a tensor do to the outputs. */
static void reach_outputs(precision *p, int tensor)
{
    const slot_errors *e = &p->errors[tensor];
    for (int c = 0; c < p->build->network.tensors[tensor].channels; c++)
        p->output_variance +=
            (e->real[c] + e->imaginary[c] * p->imaginary_part[tensor]) * gain_of(p, tensor, c);
}

/* Turns of a slot on its way to a diagonal: the baby step, which is made of two where rotations are
 * made of a few (of three for the farthest), and that of the pair. */
static double turns(const umbra_build *b, int linear)
{
    const umbra_linear *l = &b->network.linears[linear];
    const umbra_diagonal_set *set = b->facts[linear]->set;
    return 1 + (set != NULL && set->half_slots != 0) + (l->depth < b->factored_depths);
}

/* Of each channel as a whole: in a pair the imaginary part of one slot meets the weights of
 * another, which has the same variance unless a pair joins two channels of errors that differ. */
static void carry_errors(precision *p, int linear)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    const slot_errors *out = &p->errors[l->tensor];
    for (int k = 0; k < l->term_count; k++) {
        const slot_errors *in = &p->errors[l->terms[k].tensor];
        const double share = imaginary_share(b->facts[linear], k);
        spread(b, linear, k, 1, in->real, out->real);
        spread(b, linear, k, share, in->imaginary, out->real);
        if (!leaves_real(b->facts[linear], k))
            spread(b, linear, k, 1, in->imaginary, out->imaginary);
    }
}

static void linear_errors(precision *p, int linear)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    const slot_errors *out = &p->errors[l->tensor];
    const int channels = b->network.tensors[l->tensor].channels;
    int level = b->schedule.depth - l->depth;
    double scale = b->schedule.scale[l->depth + 1], in_scale = b->schedule.in_scale[l->depth];
    double division = p->nominal ? b->schedule.rescale_bits[l->depth]
                                 : umbra_params_rescale_log2(b->params, level);
    double weight_scale = scale + division - in_scale;
    if (p->nominal)
        weight_scale += b->schedule.raise[l->depth];
    double rounding = exp2(2 * (umbra_noise_rescale(b->params, level, -INFINITY) - scale));
    /* Rotations show only at a low scale; squares and what is raised to them hide theirs. */
    double rotations =
        turns(b, linear) * exp2(2 * (umbra_noise_key_switch(b->params, level) - in_scale));
    double weights = weight_error(p, linear, weight_scale);
    for (int c = 0; c < channels; c++) {
        out->imaginary[c] = rounding;
        out->real[c] = rounding + weights;
    }
    for (int k = 0; k < l->term_count; k++) {
        const umbra_facts *f = b->facts[linear];
        if (f->direct[k])
            continue;
        spread(b, linear, k, rotations, NULL, out->real);
        if (!leaves_real(f, k))
            spread(b, linear, k, rotations, NULL, out->imaginary);
    }
    reach_outputs(p, l->tensor);
    carry_errors(p, linear);
}

/* (x + e)(y + f) - xy, of which e f is nothing; in a square both errors are one. */
static double product_error(const precision *p, const umbra_tensor *t, int channel,
                            const double *source, const double *other)
{
    if (t->kind == UMBRA_TENSOR_SQUARE)
        return 4 * moment(p, t->source, channel) * source[channel];
    return moment(p, t->source, channel) * other[channel] +
           moment(p, t->other, channel) * source[channel];
}

static void product_errors(const precision *p, int tensor)
{
    const umbra_tensor *t = &p->build->network.tensors[tensor];
    const slot_errors *source = &p->errors[t->source], *out = &p->errors[tensor];
    const slot_errors *other = t->kind == UMBRA_TENSOR_SQUARE ? source : &p->errors[t->other];
    for (int c = 0; c < t->channels; c++) {
        out->real[c] = product_error(p, t, c, source->real, other->real);
        out->imaginary[c] = product_error(p, t, c, source->imaginary, other->imaginary);
    }
}

/* What is rounded to an integer polynomial is real in the slots, what is encrypted is not. */
static void input_errors(precision *p, int tensor)
{
    const umbra_build *b = p->build;
    const double fresh = umbra_noise_fresh_secret(b->params);
    const double encoded = umbra_noise_add(fresh, umbra_noise_encode(b->params));
    for (int c = 0; c < b->network.tensors[tensor].channels; c++) {
        p->errors[tensor].real[c] = exp2(2 * (encoded - b->input_scale_log2));
        p->errors[tensor].imaginary[c] = exp2(2 * (fresh - b->input_scale_log2));
    }
    reach_outputs(p, tensor);
}

static umbra_status tensor_errors(precision *p, int tensor)
{
    const umbra_build *b = p->build;
    const umbra_tensor *t = &b->network.tensors[tensor];
    const size_t channels = (size_t)t->channels;
    void *made = NULL;
    double mean = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * channels, sizeof(double), "a prediction"));
    p->errors[tensor].real = made;
    p->errors[tensor].imaginary = p->errors[tensor].real + channels;
    if (umbra_tensor_is_product(t))
        product_errors(p, tensor);
    else if (t->kind == UMBRA_TENSOR_INPUT)
        input_errors(p, tensor);
    for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < b->network.linear_count; k++)
        if (b->network.linears[k].tensor == tensor)
            linear_errors(p, k);
    for (size_t c = 0; c < channels; c++)
        mean += p->errors[tensor].real[c] / t->channels;
    p->shared = p->shared || (umbra_tensor_is_product(t) && t->kind != UMBRA_TENSOR_SQUARE);
    b->error_log2[tensor] = 0.5 * log2(fmax(mean, 0x1p-200)) + (p->shared ? SHARED_BITS : 0);
    return UMBRA_OK;
}

/* One reader of a tensor: how much of the outputs' variance goes by it, and which part of that
 * an imaginary error has. */
static void note_reader(precision *p, double *weight, int tensor, double through, double part)
{
    weight[tensor] += through;
    p->imaginary_part[tensor] += through * part;
}

static void note_product(precision *p, double *weight, int tensor)
{
    const umbra_tensor *t = &p->build->network.tensors[tensor];
    const double part = p->imaginary_part[tensor];
    for (int c = 0; c < t->channels; c++) {
        const double gain = gain_of(p, tensor, c);
        if (t->kind == UMBRA_TENSOR_SQUARE) {
            note_reader(p, weight, t->source, 4 * moment(p, t->source, c) * gain, part);
            continue;
        }
        note_reader(p, weight, t->source, moment(p, t->other, c) * gain, part);
        note_reader(p, weight, t->other, moment(p, t->source, c) * gain, part);
    }
}

static void note_linear(precision *p, double *weight, int linear)
{
    const umbra_build *b = p->build;
    const umbra_linear *l = &b->network.linears[linear];
    const umbra_facts *f = b->facts[linear];
    for (int k = 0; k < l->term_count; k++) {
        const double coefficient = umbra_emit_slot_coefficient(b, linear, k);
        const double part =
            leaves_real(f, k) ? imaginary_share(f, k) : p->imaginary_part[l->tensor];
        double through = 0;
        for (int o = 0; o < f->to.channels; o++) {
            const size_t channels = (size_t)f->in[k].channels;
            double power = 0;
            for (size_t i = 0; i < channels; i++)
                power += f->power[k][(size_t)o * channels + i];
            through += gain_of(p, l->tensor, o) * power;
        }
        note_reader(p, weight, l->terms[k].tensor, coefficient * coefficient * through, part);
    }
}

/* From the last tensor to the first; of the output itself only the real part is read. */
static umbra_status weigh_imaginary_parts(precision *p)
{
    const umbra_network *n = &p->build->network;
    void *made = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&made, (size_t)n->tensor_count, sizeof(double), "a prediction"));
    double *weight = made;
    for (int i = n->tensor_count - 1; i >= 0; i--) {
        if (!n->tensors[i].used)
            continue;
        if (weight[i] > 0)
            p->imaginary_part[i] /= weight[i];
        if (umbra_tensor_is_product(&n->tensors[i]))
            note_product(p, weight, i);
        for (int k = 0; n->tensors[i].kind == UMBRA_TENSOR_LINEAR && k < n->linear_count; k++)
            if (n->linears[k].tensor == i)
                note_linear(p, weight, k);
    }
    umbra_memory_free(weight);
    return UMBRA_OK;
}

/* One prediction: error_log2 of all tensors, and the bits of the answer. */
static umbra_status predict(precision *p, const umbra_statistics *statistics, bool nominal,
                            double *bits)
{
    const umbra_network *n = &p->build->network;
    umbra_status status = UMBRA_OK;
    p->nominal = nominal;
    p->shared = false;
    p->output_variance = 0;
    for (int i = 0; status == UMBRA_OK && i < n->tensor_count; i++)
        if (n->tensors[i].used)
            status = tensor_errors(p, i);
    if (status == UMBRA_OK) {
        size_t outputs = umbra_layout_elements(&p->build->layouts[n->output]);
        double error = statistics->tail *
                       umbra_precision_worst_sigmas(UMBRA_PRECISION_ANSWERS * outputs) *
                       sqrt(p->output_variance);
        *bits = -log2(fmax(error, 0x1p-60) / statistics->output_typical);
    }
    for (int i = 0; i < n->tensor_count; i++) {
        umbra_memory_free(p->errors[i].real);
        p->errors[i] = (slot_errors){0};
    }
    return status;
}

static umbra_status make_room(precision *p)
{
    const size_t count = (size_t)p->build->network.tensor_count;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof(slot_errors), "a prediction"));
    p->errors = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof(double), "a prediction"));
    p->imaginary_part = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof(umbra_statistic *), "a prediction"));
    p->statistic = made;
    return UMBRA_OK;
}

umbra_status umbra_build_precision(umbra_build *build, const umbra_statistics *statistics)
{
    precision p = {.build = build};
    umbra_status status = make_room(&p);
    for (int i = 0; status == UMBRA_OK && i < build->network.tensor_count; i++)
        p.statistic[i] = umbra_statistics_find(statistics, &build->network.tensors[i]);
    if (status == UMBRA_OK)
        status = weigh_imaginary_parts(&p);
    if (status == UMBRA_OK)
        status = predict(&p, statistics, true, &build->nominal_bits);
    if (status == UMBRA_OK)
        status = predict(&p, statistics, false, &build->predicted_bits);
    umbra_memory_free(p.errors);
    umbra_memory_free(p.imaginary_part);
    umbra_memory_free(p.statistic);
    return status;
}
