/* Finding the tiles of a matrix: the blocks between two points, equal ones once. */
#include "plan/tiles.h"

#include "base/memory.h"

#include <string.h>

void umbra_tiles_free(umbra_tiles *tiles)
{
    umbra_memory_free(tiles->start);
    umbra_memory_free(tiles->point);
    umbra_memory_free(tiles->tile);
    umbra_memory_free(tiles->tiles);
    *tiles = (umbra_tiles){0};
}

umbra_status umbra_tiles_intern(umbra_tiles *tiles, const double *wanted, size_t limit,
                                uint32_t *index)
{
    size_t size = tiles->out_channels * tiles->in_channels;
    for (size_t k = tiles->tile_count; k-- > 0;)
        if (memcmp(tiles->tiles + k * size, wanted, size * sizeof *wanted) == 0) {
            *index = (uint32_t)k;
            return UMBRA_OK;
        }
    if (tiles->tile_count == tiles->tile_capacity) {
        void *grown = NULL;
        size_t capacity = tiles->tile_capacity == 0 ? 16 : 2 * tiles->tile_capacity;
        UMBRA_TRY(umbra_memory_alloc_array(&grown, capacity, size * sizeof *wanted, "tiles"));
        if (tiles->tile_count > 0)
            memcpy(grown, tiles->tiles, tiles->tile_count * size * sizeof *wanted);
        umbra_memory_free(tiles->tiles);
        tiles->tiles = grown;
        tiles->tile_capacity = capacity;
    }
    (void)limit;
    memcpy(tiles->tiles + tiles->tile_count * size, wanted, size * sizeof *wanted);
    *index = (uint32_t)tiles->tile_count++;
    return UMBRA_OK;
}

/* Blocks of one output point, being gathered: which input points, and their channels' weights. */
typedef struct gather {
    uint32_t *place; /* by input point: 1 + number of its block, 0 where none */
    uint32_t *points;
    double *blocks;
    size_t count, capacity;
} gather;

static void gather_free(gather *g)
{
    umbra_memory_free(g->place);
    umbra_memory_free(g->points);
    umbra_memory_free(g->blocks);
}

/* Input points of an output point, ascending; the union over its channels. */
static size_t find_points(const umbra_tiles *t, const umbra_sparse *m, size_t p, gather *g)
{
    size_t count = 0;
    for (size_t c = 0; c < t->out_channels; c++) {
        size_t row = c * t->out_points + p;
        for (size_t i = m->row_start[row]; i < m->row_start[row + 1]; i++) {
            size_t q = m->column[i] % t->in_points;
            if (g->place[q] != 0)
                continue;
            if (count == g->capacity)
                return SIZE_MAX;
            size_t at = count++;
            for (; at > 0 && g->points[at - 1] > q; at--)
                g->points[at] = g->points[at - 1];
            g->points[at] = (uint32_t)q;
            g->place[q] = 1;
        }
    }
    for (size_t k = 0; k < count; k++)
        g->place[g->points[k]] = (uint32_t)k + 1;
    return count;
}

static void fill_blocks(const umbra_tiles *t, const umbra_sparse *m, size_t p, gather *g)
{
    size_t size = t->out_channels * t->in_channels;
    memset(g->blocks, 0, g->count * size * sizeof *g->blocks);
    for (size_t c = 0; c < t->out_channels; c++) {
        size_t row = c * t->out_points + p;
        for (size_t i = m->row_start[row]; i < m->row_start[row + 1]; i++) {
            size_t q = m->column[i] % t->in_points, channel = m->column[i] / t->in_points;
            size_t block = g->place[q] - 1;
            g->blocks[block * size + c * t->in_channels + channel] = m->weight[i];
        }
    }
    for (size_t k = 0; k < g->count; k++)
        g->place[g->points[k]] = 0;
}

static umbra_status gather_make(gather *g, const umbra_tiles *t, size_t taps)
{
    void *p = NULL;
    size_t size = t->out_channels * t->in_channels;
    *g = (gather){.capacity = taps};
    UMBRA_TRY(umbra_memory_alloc_array(&p, t->in_points, sizeof(uint32_t), "tiles"));
    g->place = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, taps, sizeof(uint32_t), "tiles"));
    g->points = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, taps * size, sizeof(double), "tiles"));
    g->blocks = p;
    return UMBRA_OK;
}

static umbra_status find_all(umbra_tiles *t, const umbra_sparse *m, gather *g, size_t limit,
                             bool *found)
{
    size_t used = 0, size = t->out_channels * t->in_channels;
    *found = true;
    for (size_t p = 0; p < t->out_points; p++) {
        g->count = find_points(t, m, p, g);
        if (g->count == SIZE_MAX) {
            *found = false;
            return UMBRA_OK;
        }
        fill_blocks(t, m, p, g);
        for (size_t k = 0; k < g->count; k++) {
            UMBRA_TRY(umbra_tiles_intern(t, g->blocks + k * size, limit, &t->tile[used + k]));
            t->point[used + k] = g->points[k];
        }
        used += g->count;
        t->start[p + 1] = used;
        if (t->tile_count > limit) {
            *found = false;
            return UMBRA_OK;
        }
    }
    return UMBRA_OK;
}

umbra_status umbra_tiles_find(umbra_tiles *out, const umbra_sparse *matrix, size_t out_channels,
                              size_t in_channels, size_t limit, bool *found)
{
    const size_t taps = 128; /* input points that one output point reads at most */
    umbra_tiles t = {.out_channels = out_channels,
                     .in_channels = in_channels,
                     .out_points = matrix->rows / out_channels,
                     .in_points = matrix->columns / in_channels};
    gather g = {0};
    void *p = NULL;
    umbra_status status;
    *found = false;
    if (t.out_points < 4 || out_channels * in_channels > (size_t)1 << 16)
        return UMBRA_OK;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&p, t.out_points + 1, sizeof(size_t), "tiles"));
    t.start = p;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&p, t.out_points * taps, sizeof(uint32_t), "tiles"));
    t.point = p;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&p, t.out_points * taps, sizeof(uint32_t), "tiles"));
    t.tile = p;
    UMBRA_GOTO(end, status, gather_make(&g, &t, taps));
    UMBRA_GOTO(end, status, find_all(&t, matrix, &g, limit, found));
end:
    gather_free(&g);
    if (status != UMBRA_OK || !*found) {
        umbra_tiles_free(&t);
        return status;
    }
    *out = t;
    return UMBRA_OK;
}
