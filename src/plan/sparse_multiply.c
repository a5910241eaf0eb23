/* Products and sums of sparse matrices: those of their tiles, each made once. */
#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <stdlib.h>

/* One product of two tiles, factor * a * b; of a sum of matrices one tile, the other being NONE. */
typedef struct pair {
    uint32_t a, b;
} pair;

typedef struct work {
    const umbra_sparse *a, *b;
    umbra_sparse_builder builder;
    /* of the output point at hand: its input points, and the pairs of each as a chain */
    uint32_t *place; /* by input point: 1 + its number, 0 where there is none */
    uint32_t *points, *head, *tail;
    size_t point_count, point_room;
    pair *pairs;
    uint32_t *next; /* by pair: 1 + the one that follows, 0 at the end */
    size_t pair_count, pair_room;
    /* sums that were made: key_start[k] .. into keys, and the tile that came out */
    pair *keys;
    size_t *key_start;
    uint32_t *result;
    size_t key_count, key_used, key_room, sum_room;
    uint32_t *table;
    size_t table_size;
    /* one row of a tile under way */
    double *sum;
    uint32_t *touched;
    size_t touched_count, touched_room;
} work;

static void work_free(work *w)
{
    umbra_sparse_builder_free(&w->builder);
    umbra_memory_free(w->place);
    umbra_memory_free(w->points);
    umbra_memory_free(w->head);
    umbra_memory_free(w->tail);
    umbra_memory_free(w->pairs);
    umbra_memory_free(w->next);
    umbra_memory_free(w->keys);
    umbra_memory_free(w->key_start);
    umbra_memory_free(w->result);
    umbra_memory_free(w->table);
    umbra_memory_free(w->sum);
    umbra_memory_free(w->touched);
}

static umbra_status work_make(work *w, umbra_sparse_side rows, umbra_sparse_side columns)
{
    void *p = NULL;
    w->table_size = 256;
    UMBRA_TRY(umbra_sparse_builder_make(&w->builder, rows, columns));
    UMBRA_TRY(umbra_memory_alloc_array(&p, columns.points, sizeof(uint32_t), "a product"));
    w->place = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, w->table_size, sizeof(uint32_t), "a product"));
    w->table = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, columns.channels, sizeof(double), "a product"));
    w->sum = p;
    return umbra_memory_grow(&w->key_start, 0, 16, &w->sum_room, sizeof(size_t), "a product");
}

static umbra_status room_for_point(work *w)
{
    size_t used = w->point_count, rooms[3] = {w->point_room, w->point_room, w->point_room};
    UMBRA_TRY(
        umbra_memory_grow(&w->points, used, used + 1, &rooms[0], sizeof(uint32_t), "a product"));
    UMBRA_TRY(
        umbra_memory_grow(&w->head, used, used + 1, &rooms[1], sizeof(uint32_t), "a product"));
    UMBRA_TRY(
        umbra_memory_grow(&w->tail, used, used + 1, &rooms[2], sizeof(uint32_t), "a product"));
    w->point_room = rooms[0];
    return UMBRA_OK;
}

/* The output point at hand reads input point q through one more pair. */
static umbra_status note(work *w, uint32_t q, pair p)
{
    if (w->pair_count == w->pair_room) {
        size_t used = w->pair_count, rooms[2] = {w->pair_room, w->pair_room};
        UMBRA_TRY(
            umbra_memory_grow(&w->pairs, used, used + 1, &rooms[0], sizeof(pair), "a product"));
        UMBRA_TRY(
            umbra_memory_grow(&w->next, used, used + 1, &rooms[1], sizeof(uint32_t), "a product"));
        w->pair_room = rooms[0];
    }
    w->pairs[w->pair_count] = p;
    w->next[w->pair_count++] = 0;
    uint32_t number = (uint32_t)w->pair_count;
    if (w->place[q] == 0) {
        UMBRA_TRY(room_for_point(w));
        w->points[w->point_count] = q;
        w->head[w->point_count] = w->tail[w->point_count] = number;
        w->place[q] = (uint32_t)++w->point_count;
        return UMBRA_OK;
    }
    size_t at = w->place[q] - 1;
    w->next[w->tail[at] - 1] = number;
    w->tail[at] = number;
    return UMBRA_OK;
}

static bool equal_key(const work *w, size_t key, uint32_t head)
{
    size_t k = w->key_start[key], end = w->key_start[key + 1];
    for (; head != 0 && k < end; head = w->next[head - 1], k++)
        if (w->pairs[head - 1].a != w->keys[k].a || w->pairs[head - 1].b != w->keys[k].b)
            return false;
    return head == 0 && k == end;
}

static uint64_t hash_pairs(const work *w, uint32_t head)
{
    uint64_t hash = 0;
    for (; head != 0; head = w->next[head - 1])
        hash = umbra_sparse_mix(hash, (uint64_t)w->pairs[head - 1].a << 32 | w->pairs[head - 1].b);
    return hash;
}

static umbra_status grow_table(work *w)
{
    void *p = NULL;
    size_t size = w->table_size * 2;
    UMBRA_TRY(umbra_memory_alloc_array(&p, size, sizeof(uint32_t), "a product"));
    uint32_t *table = p;
    for (size_t k = 0; k < w->key_count; k++) {
        uint64_t hash = 0;
        for (size_t i = w->key_start[k]; i < w->key_start[k + 1]; i++)
            hash = umbra_sparse_mix(hash, (uint64_t)w->keys[i].a << 32 | w->keys[i].b);
        size_t at = (size_t)hash & (size - 1);
        while (table[at] != 0)
            at = (at + 1) & (size - 1);
        table[at] = (uint32_t)k + 1;
    }
    umbra_memory_free(w->table);
    w->table = table;
    w->table_size = size;
    return UMBRA_OK;
}

static umbra_status keep_key(work *w, uint32_t head, uint32_t tile)
{
    size_t used = w->key_count, rooms[2] = {w->sum_room, w->sum_room};
    UMBRA_TRY(umbra_memory_grow(&w->key_start, used + 1, used + 2, &rooms[0], sizeof(size_t),
                                "a product"));
    rooms[1] = w->result == NULL ? 0 : w->sum_room;
    UMBRA_TRY(
        umbra_memory_grow(&w->result, used, rooms[0], &rooms[1], sizeof(uint32_t), "a product"));
    w->sum_room = rooms[0];
    for (; head != 0; head = w->next[head - 1]) {
        UMBRA_TRY(umbra_memory_grow(&w->keys, w->key_used, w->key_used + 1, &w->key_room,
                                    sizeof(pair), "a product"));
        w->keys[w->key_used++] = w->pairs[head - 1];
    }
    w->result[used] = tile;
    w->key_start[++w->key_count] = w->key_used;
    return w->key_count * 2 > w->table_size ? grow_table(w) : UMBRA_OK;
}

/* The first entry of tile t whose output channel is `row` or later. */
static size_t find_row(const umbra_sparse *m, uint32_t t, size_t row)
{
    size_t first = m->tile_start[t], end = m->tile_start[t + 1];
    if (end - first == m->out.channels * m->in.channels)
        return first + row * m->in.channels;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (m->entry_out[middle] < row)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* sum += factor * row of a tile; what is met for the first time is noted. */
static umbra_status add_row(work *w, double factor, const umbra_sparse *m, uint32_t t, size_t row)
{
    size_t first = find_row(m, t, row), end = first, last = m->tile_start[t + 1];
    while (end < last && m->entry_out[end] == row)
        end++;
    size_t count = end - first, used = w->touched_count;
    const uint32_t *in = m->entry_in + first;
    const double *weight = m->entry_weight + first;
    double *restrict sum = w->sum;
    if (count == 0)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_grow(&w->touched, used, used + 2, &w->touched_room, sizeof(uint32_t),
                                "a product"));
    if (in[count - 1] - in[0] + 1 == count) { /* a run: noted by its ends, first and last */
        sum += in[0];
        for (size_t i = 0; i < count; i++)
            sum[i] += factor * weight[i];
        if (used >= 2 && w->touched[used - 2] == in[0] && w->touched[used - 1] == in[count - 1])
            return UMBRA_OK;
        w->touched[w->touched_count++] = in[0];
        w->touched[w->touched_count++] = in[count - 1];
        return UMBRA_OK;
    }
    UMBRA_TRY(umbra_memory_grow(&w->touched, used, used + 2 * count, &w->touched_room,
                                sizeof(uint32_t), "a product"));
    for (size_t i = 0; i < count; i++) {
        sum[in[i]] += factor * weight[i];
        w->touched[w->touched_count++] = in[i];
        w->touched[w->touched_count++] = in[i];
    }
    return UMBRA_OK;
}

static int by_first(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* The sums of the runs that were met become entries, in ascending order, and are cleared. */
static umbra_status take_row(work *w, size_t row)
{
    size_t next = 0;
    if (w->touched_count > 2)
        qsort(w->touched, w->touched_count / 2, 2 * sizeof(uint32_t), by_first);
    for (size_t k = 0; k < w->touched_count; k += 2) {
        next = w->touched[k] > next ? w->touched[k] : next;
        for (; next <= w->touched[k + 1]; next++) {
            UMBRA_TRY(umbra_sparse_builder_entry(&w->builder, row, next, w->sum[next]));
            w->sum[next] = 0;
        }
    }
    w->touched_count = 0;
    return UMBRA_OK;
}

/* The tile of a chain of products. a's tiles are walked row by row, all at once. */
static umbra_status multiply_chain(work *w, uint32_t head, double ka, double kb)
{
    const umbra_sparse *a = w->a, *b = w->b;
    for (size_t row = 0; row < a->out.channels; row++) {
        for (uint32_t k = head; k != 0; k = w->next[k - 1]) {
            pair p = w->pairs[k - 1];
            if (p.a == UMBRA_SPARSE_NONE || p.b == UMBRA_SPARSE_NONE) {
                bool first = p.b == UMBRA_SPARSE_NONE;
                UMBRA_TRY(add_row(w, first ? ka : kb, first ? a : b, first ? p.a : p.b, row));
                continue;
            }
            size_t end = a->tile_start[p.a + 1];
            for (size_t e = find_row(a, p.a, row); e < end && a->entry_out[e] == row; e++)
                UMBRA_TRY(add_row(w, a->entry_weight[e], b, p.b, a->entry_in[e]));
        }
        UMBRA_TRY(take_row(w, row));
    }
    return UMBRA_OK;
}

static umbra_status tile_of_chain(work *w, uint32_t head, double ka, double kb, uint32_t *tile)
{
    size_t at = (size_t)hash_pairs(w, head) & (w->table_size - 1);
    for (; w->table[at] != 0; at = (at + 1) & (w->table_size - 1))
        if (equal_key(w, w->table[at] - 1, head)) {
            *tile = w->result[w->table[at] - 1];
            return UMBRA_OK;
        }
    w->table[at] = (uint32_t)w->key_count + 1;
    UMBRA_TRY(multiply_chain(w, head, ka, kb));
    UMBRA_TRY(umbra_sparse_builder_tile(&w->builder, tile));
    return keep_key(w, head, *tile);
}

static umbra_status finish_point(work *w, double ka, double kb)
{
    for (size_t k = 0; k < w->point_count; k++) {
        uint32_t tile;
        UMBRA_TRY(tile_of_chain(w, w->head[k], ka, kb, &tile));
        UMBRA_TRY(umbra_sparse_builder_place(&w->builder, w->points[k], tile));
        w->place[w->points[k]] = 0;
    }
    w->point_count = w->pair_count = 0;
    umbra_sparse_builder_next(&w->builder);
    return UMBRA_OK;
}

static umbra_status multiply_points(work *w)
{
    const umbra_sparse *a = w->a, *b = w->b;
    for (size_t p = 0; p < a->out.points; p++) {
        for (size_t i = a->start[p]; i < a->start[p + 1]; i++) {
            size_t m = a->point[i];
            for (size_t k = b->start[m]; k < b->start[m + 1]; k++)
                UMBRA_TRY(note(w, b->point[k], (pair){a->tile[i], b->tile[k]}));
        }
        UMBRA_TRY(finish_point(w, 1, 1));
    }
    return UMBRA_OK;
}

umbra_status umbra_sparse_multiply(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b)
{
    work w = {.a = a, .b = b};
    if (a->in.channels != b->out.channels || a->in.points != b->out.points)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a product of matrices of %zu x %zu and %zu x %zu, by %zu and %zu points",
                          a->rows, a->columns, b->rows, b->columns, a->in.points, b->out.points);
    umbra_status status = work_make(&w, a->out, b->in);
    if (status == UMBRA_OK)
        status = multiply_points(&w);
    if (status == UMBRA_OK)
        *out = umbra_sparse_builder_take(&w.builder);
    work_free(&w);
    return status;
}

static umbra_status add_points(work *w, double ka, double kb)
{
    const umbra_sparse *a = w->a, *b = w->b;
    for (size_t p = 0; p < a->out.points; p++) {
        for (size_t i = a->start[p]; i < a->start[p + 1]; i++)
            UMBRA_TRY(note(w, a->point[i], (pair){a->tile[i], UMBRA_SPARSE_NONE}));
        for (size_t i = b->start[p]; i < b->start[p + 1]; i++)
            UMBRA_TRY(note(w, b->point[i], (pair){UMBRA_SPARSE_NONE, b->tile[i]}));
        UMBRA_TRY(finish_point(w, ka, kb));
    }
    return UMBRA_OK;
}

umbra_status umbra_sparse_add(umbra_sparse **out, double ka, const umbra_sparse *a, double kb,
                              const umbra_sparse *b)
{
    work w = {.a = a, .b = b};
    if (a->out.channels != b->out.channels || a->out.points != b->out.points ||
        a->in.channels != b->in.channels || a->in.points != b->in.points)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a sum of matrices of %zu x %zu and %zu x %zu, by %zu and %zu points",
                          a->rows, a->columns, b->rows, b->columns, a->out.points, b->out.points);
    umbra_status status = work_make(&w, a->out, a->in);
    if (status == UMBRA_OK)
        status = add_points(&w, ka, kb);
    if (status == UMBRA_OK)
        *out = umbra_sparse_builder_take(&w.builder);
    work_free(&w);
    return status;
}
