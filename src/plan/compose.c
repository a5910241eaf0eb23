/* Products of matrices that repeat themselves: of their tiles, and sums of those. */
#include "plan/compose.h"

#include "base/memory.h"
#include "plan/sparse_internal.h"
#include "plan/tiles.h"

#include <string.h>

#define FACTOR_TILES 160   /* different tiles of a factor at most */
#define PRODUCT_TILES 4000 /* different sums of products at most */
#define SUM_TERMS 24       /* products in one sum */
#define POINTS 512         /* input points that one output point reads at most */

/* A sum of products of tiles, by their numbers, ascending: equal sums are computed once. */
typedef struct tile_sum {
    uint32_t pair[SUM_TERMS];
    uint32_t count;
} tile_sum;

typedef struct compose {
    umbra_tiles a, b;
    double **products; /* by pair a_tile * b.tile_count + b_tile, made when needed */
    tile_sum *sums;
    double **sum_tiles;
    size_t sum_count;
    size_t *start; /* by output point, into point and sum */
    uint32_t *point, *sum;
    size_t used, capacity;
    /* of the output point at hand */
    uint32_t *place;
    uint32_t points[POINTS];
    tile_sum at[POINTS];
    size_t count;
    bool overflow;
} compose;

static umbra_status product_tile(compose *c, uint32_t pair, const double **out)
{
    size_t rows = c->a.out_channels, middle = c->a.in_channels, columns = c->b.in_channels;
    if (c->products[pair] == NULL) {
        void *made = NULL;
        UMBRA_TRY(umbra_memory_alloc_array(&made, rows * columns, sizeof(double), "tiles"));
        double *r = made;
        c->products[pair] = r;
        const double *x = c->a.tiles + pair / c->b.tile_count * rows * middle;
        const double *y = c->b.tiles + pair % c->b.tile_count * middle * columns;
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < middle; k++) {
                double factor = x[i * middle + k];
                for (size_t j = 0; j < columns; j++)
                    r[i * columns + j] += factor * y[k * columns + j];
            }
    }
    *out = c->products[pair];
    return UMBRA_OK;
}

static umbra_status sum_tile(compose *c, const tile_sum *s, uint32_t *index)
{
    size_t size = c->a.out_channels * c->b.in_channels;
    for (size_t k = c->sum_count; k-- > 0;)
        if (c->sums[k].count == s->count &&
            memcmp(c->sums[k].pair, s->pair, s->count * sizeof s->pair[0]) == 0) {
            *index = (uint32_t)k;
            return UMBRA_OK;
        }
    if (c->sum_count == PRODUCT_TILES) {
        c->overflow = true;
        return UMBRA_OK;
    }
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, size, sizeof(double), "tiles"));
    double *r = made;
    c->sum_tiles[c->sum_count] = r;
    c->sums[c->sum_count] = *s;
    *index = (uint32_t)c->sum_count++;
    for (uint32_t k = 0; k < s->count; k++) {
        const double *product = NULL;
        UMBRA_TRY(product_tile(c, s->pair[k], &product));
        for (size_t i = 0; i < size; i++)
            r[i] += product[i];
    }
    return UMBRA_OK;
}

/* Note that the output point reads q through one more product. */
static void note_pair(compose *c, uint32_t q, uint32_t pair)
{
    if (c->place[q] == 0) {
        if (c->count == POINTS) {
            c->overflow = true;
            return;
        }
        c->at[c->count].count = 0;
        c->points[c->count] = q;
        c->place[q] = (uint32_t)++c->count;
    }
    tile_sum *s = &c->at[c->place[q] - 1];
    if (s->count == SUM_TERMS) {
        c->overflow = true;
        return;
    }
    uint32_t at = s->count++;
    for (; at > 0 && s->pair[at - 1] > pair; at--)
        s->pair[at] = s->pair[at - 1];
    s->pair[at] = pair;
}

static void pairs_of_point(compose *c, size_t p)
{
    c->count = 0;
    for (size_t i = c->a.start[p]; i < c->a.start[p + 1]; i++) {
        size_t m = c->a.point[i];
        for (size_t k = c->b.start[m]; k < c->b.start[m + 1]; k++)
            note_pair(c, c->b.point[k], c->a.tile[i] * (uint32_t)c->b.tile_count + c->b.tile[k]);
    }
}

static umbra_status grow_places(compose *c)
{
    void *point = NULL, *sum = NULL;
    size_t capacity = c->capacity == 0 ? 1 << 14 : 2 * c->capacity;
    UMBRA_TRY(umbra_memory_alloc_array(&point, capacity, sizeof(uint32_t), "tiles"));
    umbra_status status = umbra_memory_alloc_array(&sum, capacity, sizeof(uint32_t), "tiles");
    if (status != UMBRA_OK) {
        umbra_memory_free(point);
        return status;
    }
    if (c->used > 0) {
        memcpy(point, c->point, c->used * sizeof(uint32_t));
        memcpy(sum, c->sum, c->used * sizeof(uint32_t));
    }
    umbra_memory_free(c->point);
    umbra_memory_free(c->sum);
    c->point = point;
    c->sum = sum;
    c->capacity = capacity;
    return UMBRA_OK;
}

/* Points in ascending order, so that columns ascend. */
static umbra_status place_point(compose *c, size_t p)
{
    pairs_of_point(c, p);
    while (c->used + c->count > c->capacity)
        UMBRA_TRY(grow_places(c));
    for (size_t k = 0; k < c->count && !c->overflow; k++) {
        uint32_t sum = 0;
        UMBRA_TRY(sum_tile(c, &c->at[k], &sum));
        size_t at = c->used + k;
        for (; at > c->used && c->point[at - 1] > c->points[k]; at--) {
            c->point[at] = c->point[at - 1];
            c->sum[at] = c->sum[at - 1];
        }
        c->point[at] = c->points[k];
        c->sum[at] = sum;
    }
    for (size_t k = 0; k < c->count; k++)
        c->place[c->points[k]] = 0;
    c->used += c->count;
    c->start[p + 1] = c->used;
    return UMBRA_OK;
}

static void compose_free(compose *c)
{
    size_t pairs = c->a.tile_count * c->b.tile_count;
    for (size_t i = 0; c->products != NULL && i < pairs; i++)
        umbra_memory_free(c->products[i]);
    for (size_t i = 0; i < c->sum_count; i++)
        umbra_memory_free(c->sum_tiles[i]);
    umbra_tiles_free(&c->a);
    umbra_tiles_free(&c->b);
    umbra_memory_free(c->products);
    umbra_memory_free(c->sums);
    umbra_memory_free(c->sum_tiles);
    umbra_memory_free(c->start);
    umbra_memory_free(c->point);
    umbra_memory_free(c->sum);
    umbra_memory_free(c->place);
}

static umbra_status compose_room(compose *c)
{
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, c->a.tile_count * c->b.tile_count + 1, sizeof(double *),
                                       "tiles"));
    c->products = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, PRODUCT_TILES, sizeof(tile_sum), "tiles"));
    c->sums = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, PRODUCT_TILES, sizeof(double *), "tiles"));
    c->sum_tiles = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, c->a.out_points + 1, sizeof(size_t), "tiles"));
    c->start = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, c->b.in_points, sizeof(uint32_t), "tiles"));
    c->place = p;
    return UMBRA_OK;
}

/* One row of the product: channels ascend, and points within a channel. */
static void emit_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const compose *c = context;
    size_t p = row % c->a.out_points, channel = row / c->a.out_points;
    size_t columns = c->b.in_channels;
    for (size_t j = 0; j < columns; j++)
        for (size_t i = c->start[p]; i < c->start[p + 1]; i++)
            umbra_sparse_emit(sink, j * c->b.in_points + c->point[i],
                              c->sum_tiles[c->sum[i]][channel * columns + j]);
}

static umbra_status by_tiles(umbra_sparse **out, compose *c, const umbra_sparse *a,
                             const umbra_sparse *b)
{
    UMBRA_TRY(compose_room(c));
    for (size_t p = 0; p < c->a.out_points && !c->overflow; p++)
        UMBRA_TRY(place_point(c, p));
    if (c->overflow)
        return umbra_sparse_multiply(out, a, b);
    return umbra_sparse_build(out, a->rows, b->columns, emit_row, c);
}

umbra_status umbra_sparse_compose(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b,
                                  umbra_compose_channels channels)
{
    void *made = NULL;
    bool found = false;
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(compose), "tiles"));
    compose *c = made;
    umbra_status status =
        umbra_tiles_find(&c->a, a, channels.out, channels.middle, FACTOR_TILES, &found);
    if (status == UMBRA_OK && found)
        status = umbra_tiles_find(&c->b, b, channels.middle, channels.in, FACTOR_TILES, &found);
    if (status == UMBRA_OK)
        status = found ? by_tiles(out, c, a, b) : umbra_sparse_multiply(out, a, b);
    compose_free(c);
    umbra_memory_free(c);
    return status;
}
