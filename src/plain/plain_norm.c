/* Normalisation a channel at a time: batch norm by constants, instance norm by the image itself. */
#include "base/memory.h"
#include "plain/plain_internal.h"

#include <math.h>

typedef struct planes {
    int64_t images, channels, size; /* size: elements of one channel of one image */
} planes;

static planes describe(const umbra_shape *x)
{
    planes p = {x->dim[0], x->dim[1], 1};
    for (int i = 2; i < x->rank; i++)
        p.size *= x->dim[i];
    return p;
}

static void affine(float *restrict y, const float *restrict x, int64_t n, float scale, float shift)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = scale * x[i] + shift;
}

static umbra_status run_batch_norm(const umbra_plain *plain, const umbra_node *node,
                                   const umbra_step *step)
{
    planes p = describe(&plain->graph->values[node->output].shape);
    const float *x = plain->data[node->inputs[0]];
    float *y = plain->data[node->output];
    for (int64_t i = 0; i < p.images * p.channels; i++) {
        const float *parameters = step->numbers + 2 * (i % p.channels);
        affine(y + i * p.size, x + i * p.size, p.size, parameters[0], parameters[1]);
    }
    return UMBRA_OK;
}

umbra_status umbra_plain_batch_norm(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    int64_t channels = plain->graph->values[node->output].shape.dim[1];
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * (size_t)channels, sizeof(float), "batch norm"));
    step->numbers = memory;
    for (int64_t c = 0; c < channels; c++) {
        double scale = (double)plain->data[node->inputs[1]][c];
        double bias = (double)plain->data[node->inputs[2]][c];
        double mean = (double)plain->data[node->inputs[3]][c];
        double variance = (double)plain->data[node->inputs[4]][c];
        double s = scale / sqrt(variance + node->attr.epsilon);
        step->numbers[2 * c] = (float)s;
        step->numbers[2 * c + 1] = (float)(bias - s * mean);
    }
    step->run = run_batch_norm;
    return UMBRA_OK;
}

#define LANES 8

/* Sum of (x - origin)^power in double precision, in lanes that a compiler can make vectors of. */
static double sum_of(const float *x, int64_t n, double origin, bool squared)
{
    double lane[LANES] = {0}, total = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            double d = (double)x[i + k] - origin;
            lane[k] += squared ? d * d : d;
        }
    for (; i < n; i++) {
        double d = (double)x[i] - origin;
        total += squared ? d * d : d;
    }
    for (int k = 0; k < LANES; k++)
        total += lane[k];
    return total;
}

umbra_status umbra_plain_run_instance_norm(const umbra_plain *plain, const umbra_node *node,
                                           const umbra_step *step)
{
    (void)step;
    planes p = describe(&plain->graph->values[node->output].shape);
    for (int64_t i = 0; i < p.images * p.channels; i++) {
        const float *x = plain->data[node->inputs[0]] + i * p.size;
        double mean = sum_of(x, p.size, 0.0, false) / (double)p.size;
        double variance = sum_of(x, p.size, mean, true) / (double)p.size;
        double scale = (double)plain->data[node->inputs[1]][i % p.channels] /
                       sqrt(variance + node->attr.epsilon);
        double shift = (double)plain->data[node->inputs[2]][i % p.channels] - scale * mean;
        affine(plain->data[node->output] + i * p.size, x, p.size, (float)scale, (float)shift);
    }
    return UMBRA_OK;
}
