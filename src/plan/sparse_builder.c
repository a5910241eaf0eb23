/* Building sparse matrices: tiles are told apart by a table of hashes, so that equal ones are one.
 */
#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <assert.h>
#include <string.h>

void umbra_sparse_free(umbra_sparse *matrix)
{
    if (matrix == NULL)
        return;
    umbra_memory_free(matrix->start);
    umbra_memory_free(matrix->point);
    umbra_memory_free(matrix->tile);
    umbra_memory_free(matrix->tile_start);
    umbra_memory_free(matrix->entry_out);
    umbra_memory_free(matrix->entry_in);
    umbra_memory_free(matrix->entry_weight);
    umbra_memory_free(matrix->offset);
    umbra_memory_free(matrix);
}

/* *p: a copy of `count` elements. */
static umbra_status copy_array(void *p, const void *from, size_t count, size_t element_bytes)
{
    void *made = NULL;
    if (from == NULL)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, element_bytes, "a sparse matrix"));
    if (count > 0)
        memcpy(made, from, count * element_bytes);
    memcpy(p, &made, sizeof made);
    return UMBRA_OK;
}

umbra_status umbra_sparse_copy(umbra_sparse **out, const umbra_sparse *m)
{
    size_t places = m->start[m->out.points], entries = m->tile_start[m->tile_count];
    void *made = NULL;
    umbra_status status;
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof *m, "a sparse matrix"));
    umbra_sparse *c = made;
    *c = (umbra_sparse){.rows = m->rows,
                        .columns = m->columns,
                        .out = m->out,
                        .in = m->in,
                        .tile_count = m->tile_count};
    UMBRA_GOTO(fail, status, copy_array(&c->start, m->start, m->out.points + 1, sizeof(size_t)));
    UMBRA_GOTO(fail, status, copy_array(&c->point, m->point, places, sizeof(uint32_t)));
    UMBRA_GOTO(fail, status, copy_array(&c->tile, m->tile, places, sizeof(uint32_t)));
    UMBRA_GOTO(fail, status,
               copy_array(&c->tile_start, m->tile_start, m->tile_count + 1, sizeof(size_t)));
    UMBRA_GOTO(fail, status, copy_array(&c->entry_out, m->entry_out, entries, sizeof(uint32_t)));
    UMBRA_GOTO(fail, status, copy_array(&c->entry_in, m->entry_in, entries, sizeof(uint32_t)));
    UMBRA_GOTO(fail, status,
               copy_array(&c->entry_weight, m->entry_weight, entries, sizeof(double)));
    UMBRA_GOTO(fail, status, copy_array(&c->offset, m->offset, m->rows, sizeof(double)));
    *out = c;
    return UMBRA_OK;
fail:
    umbra_sparse_free(c);
    return status;
}

umbra_status umbra_sparse_builder_make(umbra_sparse_builder *out, umbra_sparse_side rows,
                                       umbra_sparse_side columns)
{
    const size_t most = UINT32_MAX - 1;
    umbra_sparse_builder b = {.table_size = 64};
    void *p = NULL;
    umbra_status status;
    if (rows.channels > most / (rows.points + 1) || columns.channels > most / (columns.points + 1))
        return umbra_fail(UMBRA_E_MODEL,
                          "a matrix of %zu x %zu by %zu x %zu; tensors end at 2^28 elements",
                          rows.channels, rows.points, columns.channels, columns.points);
    UMBRA_TRY(umbra_memory_alloc(&p, sizeof(umbra_sparse), "a sparse matrix"));
    b.matrix = p;
    *b.matrix = (umbra_sparse){.rows = rows.channels * rows.points,
                               .columns = columns.channels * columns.points,
                               .out = rows,
                               .in = columns};
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&p, rows.points + 1, sizeof(size_t), "a sparse matrix"));
    b.matrix->start = p;
    UMBRA_GOTO(fail, status,
               umbra_memory_grow(&b.matrix->tile_start, 0, 17, &b.tile_room, sizeof(size_t),
                                 "a sparse matrix"));
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&p, b.table_size, sizeof(uint32_t), "a sparse matrix"));
    b.table = p;
    *out = b;
    return UMBRA_OK;
fail:
    umbra_sparse_free(b.matrix);
    return status;
}

void umbra_sparse_builder_free(umbra_sparse_builder *builder)
{
    umbra_sparse_free(builder->matrix);
    umbra_memory_free(builder->table);
    *builder = (umbra_sparse_builder){0};
}

umbra_status umbra_sparse_builder_entry(umbra_sparse_builder *b, size_t out, size_t in,
                                        double weight)
{
    umbra_sparse *m = b->matrix;
    size_t used = b->entry_count, room = b->entry_room;
    if (weight == 0.0)
        return UMBRA_OK;
    if (used == room) {
        size_t rooms[3] = {room, room, room};
        UMBRA_TRY(umbra_memory_grow(&m->entry_out, used, used + 1, &rooms[0], sizeof(uint32_t),
                                    "a sparse matrix"));
        UMBRA_TRY(umbra_memory_grow(&m->entry_in, used, used + 1, &rooms[1], sizeof(uint32_t),
                                    "a sparse matrix"));
        UMBRA_TRY(umbra_memory_grow(&m->entry_weight, used, used + 1, &rooms[2], sizeof(double),
                                    "a sparse matrix"));
        b->entry_room = rooms[0];
    }
    assert(out < m->out.channels && in < m->in.channels);
    m->entry_out[used] = (uint32_t)out;
    m->entry_in[used] = (uint32_t)in;
    m->entry_weight[used] = weight;
    b->entry_count++;
    return UMBRA_OK;
}

static uint64_t hash_of(const umbra_sparse *m, size_t first, size_t end)
{
    uint64_t hash = end - first;
    for (size_t e = first; e < end; e++) {
        uint64_t bits;
        memcpy(&bits, &m->entry_weight[e], sizeof bits);
        hash = umbra_sparse_mix(hash, bits);
        hash = umbra_sparse_mix(hash, (uint64_t)m->entry_out[e] << 32 | m->entry_in[e]);
    }
    return hash;
}

static bool equal_tiles(const umbra_sparse *m, size_t a, size_t b, size_t count)
{
    return memcmp(m->entry_out + a, m->entry_out + b, count * sizeof(uint32_t)) == 0 &&
           memcmp(m->entry_in + a, m->entry_in + b, count * sizeof(uint32_t)) == 0 &&
           memcmp(m->entry_weight + a, m->entry_weight + b, count * sizeof(double)) == 0;
}

/* Where a tile stands in the table, or the free place where it belongs. */
static size_t find_tile(const umbra_sparse_builder *b, size_t first, size_t end)
{
    const umbra_sparse *m = b->matrix;
    size_t at = (size_t)hash_of(m, first, end) & (b->table_size - 1);
    for (; b->table[at] != 0; at = (at + 1) & (b->table_size - 1)) {
        size_t other = b->table[at] - 1, start = m->tile_start[other];
        if (m->tile_start[other + 1] - start == end - first &&
            equal_tiles(m, start, first, end - first))
            return at;
    }
    return at;
}

static umbra_status grow_table(umbra_sparse_builder *b)
{
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, b->table_size * 2, sizeof(uint32_t), "tiles"));
    umbra_memory_free(b->table);
    b->table = p;
    b->table_size *= 2;
    for (size_t t = 0; t < b->matrix->tile_count; t++)
        b->table[find_tile(b, b->matrix->tile_start[t], b->matrix->tile_start[t + 1])] =
            (uint32_t)t + 1;
    return UMBRA_OK;
}

umbra_status umbra_sparse_builder_tile(umbra_sparse_builder *b, uint32_t *tile)
{
    umbra_sparse *m = b->matrix;
    size_t first = m->tile_start[m->tile_count], end = b->entry_count;
    *tile = UMBRA_SPARSE_NONE;
    if (first == end)
        return UMBRA_OK;
    size_t at = find_tile(b, first, end);
    if (b->table[at] != 0) {
        *tile = b->table[at] - 1;
        b->entry_count = first;
        return UMBRA_OK;
    }
    UMBRA_TRY(umbra_memory_grow(&m->tile_start, m->tile_count + 1, m->tile_count + 2, &b->tile_room,
                                sizeof(size_t), "a sparse matrix"));
    *tile = (uint32_t)m->tile_count;
    b->table[at] = *tile + 1;
    m->tile_start[++m->tile_count] = end;
    return m->tile_count * 2 > b->table_size ? grow_table(b) : UMBRA_OK;
}

umbra_status umbra_sparse_builder_place(umbra_sparse_builder *b, size_t point, uint32_t tile)
{
    umbra_sparse *m = b->matrix;
    size_t used = b->place_count, room = b->place_room, at = used;
    if (tile == UMBRA_SPARSE_NONE)
        return UMBRA_OK;
    if (used == room) {
        size_t rooms[2] = {room, room};
        UMBRA_TRY(umbra_memory_grow(&m->point, used, used + 1, &rooms[0], sizeof(uint32_t),
                                    "a sparse matrix"));
        UMBRA_TRY(umbra_memory_grow(&m->tile, used, used + 1, &rooms[1], sizeof(uint32_t),
                                    "a sparse matrix"));
        b->place_room = rooms[0];
    }
    assert(point < m->in.points && tile < m->tile_count);
    for (; at > m->start[b->point] && m->point[at - 1] > point; at--) {
        m->point[at] = m->point[at - 1];
        m->tile[at] = m->tile[at - 1];
    }
    m->point[at] = (uint32_t)point;
    m->tile[at] = tile;
    b->place_count++;
    return UMBRA_OK;
}

void umbra_sparse_builder_next(umbra_sparse_builder *b)
{
    assert(b->point < b->matrix->out.points);
    b->matrix->start[++b->point] = b->place_count;
}

umbra_sparse *umbra_sparse_builder_take(umbra_sparse_builder *builder)
{
    umbra_sparse *matrix = builder->matrix;
    assert(builder->point == matrix->out.points);
    builder->matrix = NULL;
    return matrix;
}

umbra_status umbra_sparse_offsets(umbra_sparse *matrix)
{
    void *p = NULL;
    if (matrix->offset != NULL)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&p, matrix->rows, sizeof(double), "offsets"));
    matrix->offset = p;
    return UMBRA_OK;
}

umbra_status umbra_sparse_build(umbra_sparse **out, size_t rows, size_t columns,
                                umbra_sparse_row row, const void *context)
{
    umbra_sparse_builder b;
    uint32_t tile = UMBRA_SPARSE_NONE;
    UMBRA_TRY(umbra_sparse_builder_make(&b, (umbra_sparse_side){rows, 1},
                                        (umbra_sparse_side){columns, 1}));
    umbra_sparse_sink sink = {.builder = &b, .status = UMBRA_OK};
    for (; sink.row < rows && sink.status == UMBRA_OK; sink.row++)
        row(context, sink.row, &sink);
    if (sink.status == UMBRA_OK)
        sink.status = umbra_sparse_builder_tile(&b, &tile);
    if (sink.status == UMBRA_OK)
        sink.status = umbra_sparse_builder_place(&b, 0, tile);
    if (sink.status == UMBRA_OK) {
        umbra_sparse_builder_next(&b);
        *out = umbra_sparse_builder_take(&b);
    }
    umbra_sparse_builder_free(&b);
    return sink.status;
}
