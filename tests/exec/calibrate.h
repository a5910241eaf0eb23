/* What an exported model tells of its values: ranges, moments, the usual answer; over some images
 * of the test's kind. */
#ifndef UMBRA_TESTS_EXEC_CALIBRATE_H
#define UMBRA_TESTS_EXEC_CALIBRATE_H

#include "small_network.h"

#include "plain/executor.h"

#include <stdlib.h>

#define CALIBRATION_IMAGES 16
#define CALIBRATION_MARGIN 0.1 /* of the width of a range, at both ends: as umbra adapt */

/* Elements of a channel stand together, as the batch is one. */
static inline void calibrate_value(umbra_value *v, const float *data)
{
    const size_t channels = (size_t)v->moment_channels;
    const size_t size = (size_t)umbra_shape_elements(&v->shape), plane = size / channels;
    for (size_t i = 0; i < size; i++) {
        const double x = (double)data[i], share = 1 / (double)plane / CALIBRATION_IMAGES;
        v->moments[i / plane] += x * share;
        v->moments[channels + i / plane] += x * x * share;
        v->range_min = fmin(v->range_min, x);
        v->range_max = fmax(v->range_max, x);
    }
}

static inline double calibrate_largest(const umbra_value *v, const float *data)
{
    double largest = 0;
    for (int64_t i = 0; i < umbra_shape_elements(&v->shape); i++)
        largest = fmax(largest, fabs((double)data[i]));
    return largest;
}

static inline void calibrate_begin(umbra_graph *g)
{
    for (int i = 0; i < g->value_count; i++) {
        umbra_value *v = &g->values[i];
        if (umbra_value_is_constant(v))
            continue;
        const int64_t channels = umbra_value_channels(v);
        check_ok(umbra_graph_add_moments(g, i, channels >= 1 ? channels : 1));
        v->range_min = INFINITY;
        v->range_max = -INFINITY;
    }
}

static inline void calibrate_end(umbra_graph *g)
{
    for (int i = 0; i < g->value_count; i++) {
        umbra_value *v = &g->values[i];
        const double margin = CALIBRATION_MARGIN * (v->range_max - v->range_min);
        if (v->moments == NULL)
            continue;
        v->range_min -= margin;
        v->range_max += margin;
    }
}

/* The graph has one input and one output. Images of their own: those that a test draws later, and
 * its weights, stay as they are. */
static inline void calibrate(umbra_graph *g)
{
    const uint64_t state = small_state;
    const size_t size = (size_t)umbra_shape_elements(&g->values[g->inputs[0]].shape);
    umbra_value *output = &g->values[g->outputs[0]];
    umbra_plain *plain = NULL;
    float *image = calloc(size, sizeof *image);
    const float *inputs[1] = {image};
    assert_non_null(image);
    calibrate_begin(g);
    check_ok(umbra_plain_new(&plain, g, 1));
    small_state = 11;
    output->usual_most = INFINITY;
    for (int k = 0; k < CALIBRATION_IMAGES; k++) {
        small_image(image, size);
        check_ok(umbra_plain_run(plain, inputs));
        for (int i = 0; i < g->value_count; i++)
            if (g->values[i].moments != NULL)
                calibrate_value(&g->values[i], umbra_plain_value(plain, i));
        const double largest = calibrate_largest(output, umbra_plain_value(plain, g->outputs[0]));
        output->usual_most = fmin(output->usual_most, largest);
    }
    calibrate_end(g);
    umbra_plain_free(plain);
    free(image);
    small_state = state;
}

#endif
