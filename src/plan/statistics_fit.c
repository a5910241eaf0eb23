/* Values like those of calibration: what random inputs show, moved and stretched. */
#include "plan/statistics_fit.h"

#include <math.h>

#define RUNS UMBRA_SPARSE_LANES
/* Times wider or narrower than what random inputs show: no range of this network. */
#define FAR 64

static size_t tensor_size(const umbra_tensor *t)
{
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

/* Of (x + s)^2 - s^2, where x keeps to its range. */
static double square_reach(const umbra_tensor *t, const umbra_value *v)
{
    const double low = v->range_min + t->shift, high = v->range_max + t->shift;
    const double most = fmax(low * low, high * high);
    const double least = low <= 0 && high >= 0 ? 0 : fmin(low * low, high * high);
    return fmax(fabs(most + umbra_tensor_constant(t)), fabs(least + umbra_tensor_constant(t)));
}

double umbra_fit_declared_reach(const umbra_network *n, const umbra_tensor *t, double input_abs_max)
{
    const umbra_value *v = &n->graph->values[t->value];
    if (t->kind == UMBRA_TENSOR_INPUT && input_abs_max > 0)
        return input_abs_max;
    if (t->part != 0)
        return t->reach;
    if (!(v->range_min <= v->range_max) || !isfinite(v->range_min) || !isfinite(v->range_max))
        return 0;
    if (t->kind == UMBRA_TENSOR_SQUARE)
        return square_reach(t, v);
    return fmax(fabs(v->range_min + t->shift), fabs(v->range_max + t->shift));
}

typedef struct channel_moments {
    double mean, deviation; /* of the value, without the shift */
} channel_moments;

static channel_moments seen_in_channel(const umbra_fit *fit, int channel)
{
    const umbra_tensor *t = &fit->network->tensors[fit->tensor];
    size_t size = (size_t)t->height * (size_t)t->width * RUNS;
    const double *x = fit->contents + (size_t)channel * size;
    double mean = 0, square = 0;
    for (size_t k = 0; k < size; k++) {
        mean += (x[k] - t->shift) / (double)size;
        square += (x[k] - t->shift) * (x[k] - t->shift) / (double)size;
    }
    double deviation = sqrt(fmax(square - mean * mean, 0));
    return (channel_moments){mean, deviation > 1e-9 * fabs(mean) ? deviation : 0};
}

static channel_moments calibrated(const umbra_value *v, const umbra_tensor *t, int channel)
{
    int from = v->moment_channels == t->channels ? channel : 0;
    double mean = v->moments[from], square = v->moments[v->moment_channels + from];
    return (channel_moments){mean, sqrt(fmax(square - mean * mean, 0))};
}

/* Move and stretch what random inputs show in a channel to what it is to be. */
static void fit_channel(const umbra_fit *fit, int channel, channel_moments seen,
                        channel_moments wanted)
{
    const umbra_tensor *t = &fit->network->tensors[fit->tensor];
    size_t size = (size_t)t->height * (size_t)t->width * RUNS;
    double *x = fit->contents + (size_t)channel * size;
    double stretch = seen.deviation > 0 ? wanted.deviation / seen.deviation : 0;
    double mean = wanted.mean + t->shift;
    for (size_t k = 0; k < size; k++)
        x[k] = (x[k] - t->shift - seen.mean) * stretch + mean;
    fit->statistic->moment[channel] = mean * mean + wanted.deviation * wanted.deviation;
}

typedef struct value_span {
    double low, high;
} value_span;

/* Between what values the random inputs show. */
static value_span seen_span(const umbra_fit *fit)
{
    size_t size = tensor_size(&fit->network->tensors[fit->tensor]) * RUNS;
    const double *x = fit->contents;
    value_span span = {INFINITY, -INFINITY};
    for (size_t k = 0; k < size; k++) {
        span.low = fmin(span.low, x[k]);
        span.high = fmax(span.high, x[k]);
    }
    return span;
}

/* Inputs have the declared size up to here, so that values cannot be far from it unless ranges are
 * of another network. Calibrated networks show 0.19 to 1.6 of their ranges. */
umbra_status umbra_fit_check_range(const umbra_fit *fit)
{
    const umbra_tensor *t = &fit->network->tensors[fit->tensor];
    const umbra_value *v = &fit->network->graph->values[t->value];
    if (t->kind != UMBRA_TENSOR_LINEAR || t->part != 0 ||
        !(umbra_fit_declared_reach(fit->network, t, 0) > 0))
        return UMBRA_OK;
    value_span seen = seen_span(fit);
    double declared = v->range_max - v->range_min, own = seen.high - seen.low;
    if (own == 0 || (own <= FAR * declared && declared <= FAR * own))
        return UMBRA_OK;
    return umbra_fail(
        UMBRA_E_MODEL,
        "\"%s\": its range in model.json, from %g to %g, is not that of this network, "
        "whose values there span about %.3g; measure the ranges again (docs/models.md)",
        v->name, v->range_min, v->range_max, own);
}

/* What random inputs show, moved and stretched until its ends are those of the range. A channel's
 * mean square is not below that of a deviation of an eighth of the range: a normal value spans
 * eight. */
static void fit_range(const umbra_fit *fit, value_span seen)
{
    const umbra_tensor *t = &fit->network->tensors[fit->tensor];
    const umbra_value *v = &fit->network->graph->values[t->value];
    umbra_statistic *s = fit->statistic;
    size_t size = (size_t)t->height * (size_t)t->width * RUNS;
    double width = v->range_max - v->range_min, own = seen.high - seen.low;
    for (int c = 0; c < t->channels; c++) {
        double *x = fit->contents + (size_t)c * size, mean = 0, square = 0;
        for (size_t k = 0; k < size; k++) {
            double share = own > 0 ? (x[k] - seen.low) / own : 0.5;
            x[k] = v->range_min + width * share + t->shift;
            mean += x[k] / (double)size;
            square += x[k] * x[k] / (double)size;
        }
        s->moment[c] = fmax(square, mean * mean + width * width / 64);
    }
}

void umbra_fit_values(const umbra_fit *fit)
{
    const umbra_tensor *t = &fit->network->tensors[fit->tensor];
    const umbra_value *v = &fit->network->graph->values[t->value];
    if (v->moments == NULL) {
        if (t->kind != UMBRA_TENSOR_INPUT && umbra_fit_declared_reach(fit->network, t, 0) > 0)
            fit_range(fit, seen_span(fit));
        return;
    }
    for (int c = 0; c < t->channels; c++)
        fit_channel(fit, c, seen_in_channel(fit, c), calibrated(v, t, c));
}
