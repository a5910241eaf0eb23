/* What an error in a tensor does to the outputs, at sampled values of a network. */
#include "plan/gains.h"

#include "base/memory.h"
#include "base/splitmix.h"
#include "plan/program_build.h"

#include <math.h>

#define LANES UMBRA_SPARSE_LANES
#define DRAWS 7 /* of errors for each lane: fifty-six answers in all */

typedef struct gains {
    const umbra_network *network;
    umbra_pool *pool;
    double *const *contents; /* by tensor: element, lane */
    double **slope;          /* the same: how a random sum of the outputs depends on the element;
                                then sampled errors */
    const umbra_statistics *statistics;
    uint64_t state;
} gains;

static size_t tensor_size(const umbra_tensor *t)
{
    return (size_t)t->channels * (size_t)t->height * (size_t)t->width;
}

static umbra_status through_linear(const gains *g, const umbra_linear *linear)
{
    const umbra_network *n = g->network;
    for (int k = 0; k < linear->term_count; k++) {
        const umbra_sparse *matrix = NULL;
        const umbra_term *term = &linear->terms[k];
        UMBRA_TRY(umbra_matrices_get(n->matrices, term->matrix, &matrix));
        UMBRA_TRY(umbra_sparse_apply_transposed(matrix, term->coefficient, g->slope[linear->tensor],
                                                g->slope[term->tensor], g->pool));
    }
    return UMBRA_OK;
}

static void through_product(const gains *g, int tensor)
{
    const umbra_tensor *t = &g->network->tensors[tensor];
    int other = t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other;
    const double *slope = g->slope[tensor];
    for (size_t i = 0; i < tensor_size(t) * LANES; i++) {
        g->slope[t->source][i] += slope[i] * g->contents[other][i];
        g->slope[other][i] += slope[i] * g->contents[t->source][i];
    }
}

/* E over signs of (sum of sign * derivative)^2 is the sum of squared derivatives. */
static void seed_outputs(const gains *g)
{
    uint64_t state = 7;
    size_t size = tensor_size(&g->network->tensors[g->network->output]) * LANES;
    for (size_t i = 0; i < size; i++)
        g->slope[g->network->output][i] = umbra_splitmix_next(&state) >> 63 ? 1 : -1;
}

static umbra_status walk_back(const gains *g)
{
    const umbra_network *n = g->network;
    seed_outputs(g);
    for (int i = n->tensor_count - 1; i >= 0; i--) {
        const umbra_tensor *t = &n->tensors[i];
        if (umbra_tensor_is_product(t))
            through_product(g, i);
        for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < n->linear_count; k++)
            if (n->linears[k].tensor == i)
                UMBRA_TRY(through_linear(g, &n->linears[k]));
    }
    return UMBRA_OK;
}

static void note_gains(const gains *g, umbra_statistics *statistics)
{
    const umbra_network *n = g->network;
    double outputs = (double)tensor_size(&n->tensors[n->output]);
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        umbra_statistic *s = &statistics->items[i];
        size_t plane = (size_t)t->height * (size_t)t->width * LANES;
        for (size_t c = 0; c < (size_t)t->channels; c++) {
            double sum = 0;
            for (size_t k = c * plane; k < (c + 1) * plane; k++)
                sum += g->slope[i][k] * g->slope[i][k];
            s->gain[c] = sum / LANES / outputs;
        }
    }
}

/* ---- the worst of some answers ---- */

/* Rounding leaves e0 + e1 s: in a slot a normal number times the value that the secret key has
 * there, whose square is exponential. That is Laplace's distribution, here with variance 1; errors
 * of one slot are not normal before a map has added up many. */
static double rounding(gains *g)
{
    const uint64_t word = umbra_splitmix_next(&g->state);
    const double size = -log(((double)(word >> 11) + 0.5) * 0x1p-53) / sqrt(2);
    return (word & 1) != 0 ? size : -size;
}

/* Rounding at one scale for all: errors in proportion to what fills a slot. */
static umbra_status sample_tensor(gains *g, int tensor)
{
    const umbra_network *n = g->network;
    const umbra_tensor *t = &n->tensors[tensor];
    double *e = g->slope[tensor], size = g->statistics->items[tensor].reach;
    int other = t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other;
    for (size_t i = 0; i < tensor_size(t) * LANES; i++)
        e[i] = umbra_tensor_is_product(t) ? g->slope[t->source][i] * g->contents[other][i] +
                                                g->slope[other][i] * g->contents[t->source][i]
                                          : size * rounding(g);
    for (int k = 0; t->kind == UMBRA_TENSOR_LINEAR && k < n->linear_count; k++) {
        const umbra_linear *l = &n->linears[k];
        for (int j = 0; l->tensor == tensor && j < l->term_count; j++) {
            const umbra_sparse *matrix = NULL;
            UMBRA_TRY(umbra_matrices_get(n->matrices, l->terms[j].matrix, &matrix));
            UMBRA_TRY(umbra_sparse_apply_lanes(matrix, l->terms[j].coefficient,
                                               g->slope[l->terms[j].tensor], e, g->pool));
        }
    }
    return UMBRA_OK;
}

/* From the largest of `sampled` errors, in root mean squares, to that of `promised`, and over what
 * it is for normal numbers: those grow as the root of the logarithm of their count, Laplace's as
 * the logarithm, and others between them as they stand between them where they were sampled. */
static double promised_tail(double largest, size_t sampled, size_t promised)
{
    const double normal = umbra_precision_worst_sigmas(sampled);
    const double wanted = umbra_precision_worst_sigmas(promised);
    const double laplace = log((double)sampled) / sqrt(2);
    const double share = fmin(fmax((largest - normal) / (laplace - normal), 0), 1);
    const double growth = log((double)promised) / log((double)sampled);
    return fmax(largest * pow(wanted / normal, 1 - share) * pow(growth, share) / wanted, 1);
}

/* The largest error of all outputs in DRAWS * LANES answers. */
static umbra_status sample_tail(gains *g, double *tail)
{
    const umbra_network *n = g->network;
    size_t outputs = tensor_size(&n->tensors[n->output]) * LANES;
    double largest = 0, square = 0;
    g->state = 11;
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < n->tensor_count; i++)
            UMBRA_TRY(sample_tensor(g, i));
        for (size_t i = 0; i < outputs; i++) {
            largest = fmax(largest, fabs(g->slope[n->output][i]));
            square += g->slope[n->output][i] * g->slope[n->output][i] / (double)outputs / DRAWS;
        }
    }
    *tail = square > 0 ? promised_tail(largest / sqrt(square), outputs * DRAWS,
                                       outputs / LANES * UMBRA_PRECISION_ANSWERS)
                       : 1;
    return UMBRA_OK;
}

umbra_status umbra_gains_measure(umbra_statistics *statistics, const umbra_network *network,
                                 double *const *contents, umbra_pool *pool)
{
    gains g = {.network = network, .pool = pool, .contents = contents, .statistics = statistics};
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)network->tensor_count, sizeof(double *),
                                       "statistics"));
    g.slope = made;
    umbra_status status = UMBRA_OK;
    for (int i = 0; status == UMBRA_OK && i < network->tensor_count; i++) {
        made = NULL;
        status = umbra_memory_alloc_array(&made, tensor_size(&network->tensors[i]),
                                          LANES * sizeof(double), "statistics");
        g.slope[i] = made;
    }
    if (status == UMBRA_OK)
        status = walk_back(&g);
    if (status == UMBRA_OK)
        note_gains(&g, statistics);
    if (status == UMBRA_OK)
        status = sample_tail(&g, &statistics->tail);
    for (int i = 0; i < network->tensor_count; i++)
        umbra_memory_free(g.slope[i]);
    umbra_memory_free(g.slope);
    return status;
}
