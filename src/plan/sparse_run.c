/* Sparse matrices on vectors, and sums over their weights. */
#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <math.h>
#include <string.h>

#define LANES UMBRA_SPARSE_LANES
#define CHUNK_POINTS 64 /* output points of one piece of work */

/* A number for each output channel that a tile reaches: entry e of tile t, start[t] <= e, is
 * value[e] for channel out[e]. */
typedef struct tile_rows {
    size_t *start;
    uint32_t *out;
    double *value;
} tile_rows;

static void tile_rows_free(tile_rows *r)
{
    umbra_memory_free(r->start);
    umbra_memory_free(r->out);
    umbra_memory_free(r->value);
}

/* By row of a tile: sum of |w|, or of w * x where x (by input channel) is given. */
static umbra_status tile_rows_make(tile_rows *r, const umbra_sparse *m, const double *x)
{
    size_t room = m->tile_count == 0 ? 0 : m->tile_start[m->tile_count], count = 0;
    void *p = NULL;
    *r = (tile_rows){0};
    UMBRA_TRY(umbra_memory_alloc_array(&p, m->tile_count + 1, sizeof(size_t), "tiles"));
    r->start = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(uint32_t), "tiles"));
    r->out = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(double), "tiles"));
    r->value = p;
    for (size_t t = 0; t < m->tile_count; t++) {
        for (size_t e = m->tile_start[t], first = count; e < m->tile_start[t + 1]; e++) {
            if (count == first || r->out[count - 1] != m->entry_out[e])
                r->out[count++] = m->entry_out[e];
            r->value[count - 1] +=
                x == NULL ? fabs(m->entry_weight[e]) : m->entry_weight[e] * x[m->entry_in[e]];
        }
        r->start[t + 1] = count;
    }
    return UMBRA_OK;
}

/* y[row] += the numbers of the tiles that the row's point reads through */
static void add_rows(const umbra_sparse *m, const tile_rows *r, double *y)
{
    for (size_t p = 0; p < m->out.points; p++)
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++)
            for (size_t e = r->start[m->tile[k]]; e < r->start[m->tile[k] + 1]; e++)
                y[r->out[e] * m->out.points + p] += r->value[e];
}

/* count: by tile, zeros before and after */
static double repeats_of(const umbra_sparse *m, size_t *count)
{
    double sum = 0;
    for (size_t p = 0; p < m->out.points; p++) {
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++)
            count[m->tile[k]]++;
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++)
            sum += (double)count[m->tile[k]];
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++)
            count[m->tile[k]] = 0;
    }
    const size_t read = m->start[m->out.points];
    return read > 0 ? sum / (double)read : 1;
}

static umbra_status sum_powers(const umbra_sparse *m, umbra_sparse_sums *sums)
{
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, m->tile_count + 1, sizeof(size_t), "tiles"));
    size_t *uses = p;
    sums->repeats = repeats_of(m, uses);
    for (size_t k = 0; k < m->start[m->out.points]; k++)
        uses[m->tile[k]]++;
    for (size_t t = 0; t < m->tile_count; t++)
        for (size_t e = m->tile_start[t]; e < m->tile_start[t + 1]; e++) {
            double square = m->entry_weight[e] * m->entry_weight[e] * (double)uses[t];
            sums->squares += square;
            if (sums->power != NULL)
                sums->power[m->entry_out[e] * m->in.channels + m->entry_in[e]] += square;
        }
    umbra_memory_free(p);
    return UMBRA_OK;
}

umbra_status umbra_sparse_sum(const umbra_sparse *m, umbra_sparse_sums *sums)
{
    tile_rows r;
    UMBRA_TRY(sum_powers(m, sums));
    if (sums->row == NULL)
        return UMBRA_OK;
    umbra_status status = tile_rows_make(&r, m, NULL);
    if (status == UMBRA_OK)
        add_rows(m, &r, sums->row);
    tile_rows_free(&r);
    return status;
}

/* x[(point, channel, lane)] from x[(channel, point, lane)]: what a tile reads stands together. */
static umbra_status by_points(double **out, umbra_sparse_side side, const double *x, size_t lanes)
{
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, side.channels * side.points * lanes, sizeof(double),
                                       "a vector"));
    double *y = p;
    for (size_t c = 0; c < side.channels; c++)
        for (size_t q = 0; q < side.points; q++)
            memcpy(y + (q * side.channels + c) * lanes, x + (c * side.points + q) * lanes,
                   lanes * sizeof(double));
    *out = y;
    return UMBRA_OK;
}

static bool constant_by_channel(const umbra_sparse *m, const double *x)
{
    for (size_t c = 0; c < m->in.channels; c++)
        for (size_t q = 1; q < m->in.points; q++)
            if (x[c * m->in.points + q] != x[c * m->in.points])
                return false;
    return true;
}

/* Where x is the same at all points, a tile gives the same at all of its uses. */
static umbra_status apply_constant(const umbra_sparse *m, const double *x, double *y)
{
    tile_rows r;
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, m->in.channels, sizeof(double), "a vector"));
    for (size_t c = 0; c < m->in.channels; c++)
        ((double *)p)[c] = x[c * m->in.points];
    umbra_status status = tile_rows_make(&r, m, p);
    if (status == UMBRA_OK)
        add_rows(m, &r, y);
    tile_rows_free(&r);
    umbra_memory_free(p);
    return status;
}

umbra_status umbra_sparse_apply(const umbra_sparse *m, const double *x, double *y)
{
    double *turned = NULL;
    if (constant_by_channel(m, x))
        return apply_constant(m, x, y);
    UMBRA_TRY(by_points(&turned, m->in, x, 1));
    for (size_t p = 0; p < m->out.points; p++)
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++) {
            const double *at = turned + m->point[k] * m->in.channels;
            size_t e = m->tile_start[m->tile[k]], end = m->tile_start[m->tile[k] + 1];
            while (e < end) {
                uint32_t out = m->entry_out[e];
                double sum = 0;
                for (; e < end && m->entry_out[e] == out; e++)
                    sum += m->entry_weight[e] * at[m->entry_in[e]];
                y[out * m->out.points + p] += sum;
            }
        }
    umbra_memory_free(turned);
    return UMBRA_OK;
}

typedef struct lanes_job {
    const umbra_sparse *m;
    const double *x; /* (point, channel, lane) */
    double *y;       /* (channel, point, lane) */
    double coefficient;
} lanes_job;

/* One tile at one point, for all lanes. */
static void add_tile(const lanes_job *job, size_t p, size_t k)
{
    const umbra_sparse *m = job->m;
    const double *x = job->x + m->point[k] * m->in.channels * LANES;
    size_t e = m->tile_start[m->tile[k]], end = m->tile_start[m->tile[k] + 1];
    while (e < end) {
        uint32_t out = m->entry_out[e];
        double sum[LANES] = {0};
        for (; e < end && m->entry_out[e] == out; e++) {
            const double *from = x + m->entry_in[e] * (size_t)LANES, w = m->entry_weight[e];
            for (size_t i = 0; i < LANES; i++)
                sum[i] += w * from[i];
        }
        double *y = job->y + (out * m->out.points + p) * LANES;
        for (size_t i = 0; i < LANES; i++)
            y[i] += job->coefficient * sum[i];
    }
}

static umbra_status lanes_chunk(void *context, size_t index, int worker)
{
    const lanes_job *job = context;
    size_t end = (index + 1) * CHUNK_POINTS;
    end = end < job->m->out.points ? end : job->m->out.points;
    (void)worker;
    for (size_t p = index * CHUNK_POINTS; p < end; p++)
        for (size_t k = job->m->start[p]; k < job->m->start[p + 1]; k++)
            add_tile(job, p, k);
    return UMBRA_OK;
}

umbra_status umbra_sparse_apply_lanes(const umbra_sparse *m, double coefficient, const double *x,
                                      double *y, umbra_pool *pool)
{
    double *turned = NULL;
    UMBRA_TRY(by_points(&turned, m->in, x, LANES));
    lanes_job job = {.m = m, .x = turned, .y = y, .coefficient = coefficient};
    umbra_status status =
        umbra_pool_run(pool, (m->out.points + CHUNK_POINTS - 1) / CHUNK_POINTS, lanes_chunk, &job);
    umbra_memory_free(turned);
    return status;
}

typedef struct turned_job {
    const umbra_sparse *m;
    const double *y; /* rows: (point, channel, lane) */
    double *x;       /* columns: (point, channel, lane) */
} turned_job;

/* A job has lanes of its own: what a point receives is added up in one order, whatever the threads.
 */
#define LANES_EACH 4

static umbra_status transposed_lanes(void *context, size_t index, int worker)
{
    const turned_job *job = context;
    const umbra_sparse *m = job->m;
    (void)worker;
    for (size_t p = 0; p < m->out.points; p++)
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++) {
            const double *y = job->y + p * m->out.channels * LANES + index * LANES_EACH;
            double *x = job->x + m->point[k] * m->in.channels * LANES + index * LANES_EACH;
            size_t end = m->tile_start[m->tile[k] + 1];
            for (size_t e = m->tile_start[m->tile[k]]; e < end; e++)
                for (size_t i = 0; i < LANES_EACH; i++)
                    x[m->entry_in[e] * (size_t)LANES + i] +=
                        m->entry_weight[e] * y[m->entry_out[e] * (size_t)LANES + i];
        }
    return UMBRA_OK;
}

umbra_status umbra_sparse_apply_transposed(const umbra_sparse *m, double coefficient,
                                           const double *y, double *x, umbra_pool *pool)
{
    void *made = NULL;
    double *turned = NULL;
    UMBRA_TRY(by_points(&turned, m->out, y, LANES));
    umbra_status status =
        umbra_memory_alloc_array(&made, m->columns * LANES, sizeof(double), "a vector");
    double *sums = made;
    turned_job job = {.m = m, .y = turned, .x = sums};
    if (status == UMBRA_OK)
        status = umbra_pool_run(pool, LANES / LANES_EACH, transposed_lanes, &job);
    for (size_t c = 0; status == UMBRA_OK && c < m->in.channels; c++)
        for (size_t q = 0; q < m->in.points; q++)
            for (size_t i = 0; i < LANES; i++)
                x[(c * m->in.points + q) * LANES + i] +=
                    coefficient * sums[(q * m->in.channels + c) * LANES + i];
    umbra_memory_free(sums);
    umbra_memory_free(turned);
    return status;
}
