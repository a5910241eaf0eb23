/* Sparse matrices: identities, selections, other sides, sums and scaling. */
#include "plan/sparse.h"

#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <string.h>

umbra_status umbra_sparse_identity(umbra_sparse **out, umbra_sparse_side side)
{
    umbra_sparse_builder b;
    uint32_t tile = UMBRA_SPARSE_NONE;
    umbra_status status = UMBRA_OK;
    UMBRA_TRY(umbra_sparse_builder_make(&b, side, side));
    for (size_t c = 0; status == UMBRA_OK && c < side.channels; c++)
        status = umbra_sparse_builder_entry(&b, c, c, 1.0);
    if (status == UMBRA_OK)
        status = umbra_sparse_builder_tile(&b, &tile);
    for (size_t p = 0; status == UMBRA_OK && p < side.points; p++) {
        status = umbra_sparse_builder_place(&b, p, tile);
        umbra_sparse_builder_next(&b);
    }
    if (status == UMBRA_OK)
        *out = umbra_sparse_builder_take(&b);
    umbra_sparse_builder_free(&b);
    return status;
}

/* Entries in no order, to be sorted: elements of rows and columns. */
typedef struct loose {
    size_t count, room;
    uint32_t *row, *column;
    double *weight;
    uint32_t *order, *sorted;
} loose;

static void loose_free(loose *l)
{
    umbra_memory_free(l->row);
    umbra_memory_free(l->column);
    umbra_memory_free(l->weight);
    umbra_memory_free(l->order);
    umbra_memory_free(l->sorted);
}

static umbra_status loose_make(loose *l, size_t room)
{
    void *p = NULL;
    *l = (loose){.room = room};
    if (room > UINT32_MAX)
        return umbra_fail(UMBRA_E_MODEL, "a matrix of %zu entries without structure", room);
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(uint32_t), "a sparse matrix"));
    l->row = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(uint32_t), "a sparse matrix"));
    l->column = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(double), "a sparse matrix"));
    l->weight = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(uint32_t), "a sparse matrix"));
    l->order = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, room, sizeof(uint32_t), "a sparse matrix"));
    l->sorted = p;
    return UMBRA_OK;
}

static void loose_add(loose *l, size_t row, size_t column, double weight)
{
    l->row[l->count] = (uint32_t)row;
    l->column[l->count] = (uint32_t)column;
    l->weight[l->count] = weight;
    l->order[l->count] = (uint32_t)l->count;
    l->count++;
}

/* One stable pass: by the quotient or the remainder of an element by the points of its side. */
static umbra_status sort_by(loose *l, const uint32_t *element, size_t points, bool channel,
                            size_t range)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, range + 1, sizeof(size_t), "a sparse matrix"));
    size_t *at = made;
    for (size_t k = 0; k < l->count; k++)
        at[(channel ? element[k] / points : element[k] % points) + 1]++;
    for (size_t i = 0; i < range; i++)
        at[i + 1] += at[i];
    for (size_t k = 0; k < l->count; k++) {
        uint32_t e = element[l->order[k]];
        l->sorted[at[channel ? e / points : e % points]++] = l->order[k];
    }
    uint32_t *order = l->order;
    l->order = l->sorted;
    l->sorted = order;
    umbra_memory_free(made);
    return UMBRA_OK;
}

/* The entries in ascending order of (output point, input point, output channel, input channel). */
static umbra_status place_sorted(umbra_sparse_builder *b, const loose *l)
{
    size_t out_points = b->matrix->out.points, in_points = b->matrix->in.points, k = 0;
    for (size_t p = 0; p < out_points; p++) {
        while (k < l->count && l->row[l->order[k]] % out_points == p) {
            size_t q = l->column[l->order[k]] % in_points;
            uint32_t tile;
            for (; k < l->count; k++) {
                size_t row = l->row[l->order[k]], column = l->column[l->order[k]];
                if (row % out_points != p || column % in_points != q)
                    break;
                UMBRA_TRY(umbra_sparse_builder_entry(b, row / out_points, column / in_points,
                                                     l->weight[l->order[k]]));
            }
            UMBRA_TRY(umbra_sparse_builder_tile(b, &tile));
            UMBRA_TRY(umbra_sparse_builder_place(b, q, tile));
        }
        umbra_sparse_builder_next(b);
    }
    return UMBRA_OK;
}

static umbra_status from_loose(umbra_sparse **out, loose *l, umbra_sparse_side rows,
                               umbra_sparse_side columns)
{
    umbra_sparse_builder b;
    umbra_status status;
    UMBRA_TRY(umbra_sparse_builder_make(&b, rows, columns));
    UMBRA_GOTO(done, status, sort_by(l, l->column, columns.points, true, columns.channels));
    UMBRA_GOTO(done, status, sort_by(l, l->row, rows.points, true, rows.channels));
    UMBRA_GOTO(done, status, sort_by(l, l->column, columns.points, false, columns.points));
    UMBRA_GOTO(done, status, sort_by(l, l->row, rows.points, false, rows.points));
    UMBRA_GOTO(done, status, place_sorted(&b, l));
    *out = umbra_sparse_builder_take(&b);
done:
    umbra_sparse_builder_free(&b);
    return status;
}

umbra_status umbra_sparse_select(umbra_sparse **out, umbra_sparse_side rows,
                                 umbra_sparse_side columns, const uint32_t *source,
                                 const double *weight)
{
    size_t count = rows.channels * rows.points, end = columns.channels * columns.points;
    loose l;
    umbra_status status = loose_make(&l, count);
    for (size_t r = 0; status == UMBRA_OK && r < count; r++) {
        if (source[r] == UMBRA_SPARSE_NONE)
            continue;
        if (source[r] >= end)
            status =
                umbra_fail(UMBRA_E_MISMATCH, "row %zu selects column %u of %zu", r, source[r], end);
        else
            loose_add(&l, r, source[r], weight == NULL ? 1.0 : weight[r]);
    }
    if (status == UMBRA_OK)
        status = from_loose(out, &l, rows, columns);
    loose_free(&l);
    return status;
}

static bool same_side(umbra_sparse_side a, umbra_sparse_side b)
{
    return a.channels == b.channels && a.points == b.points;
}

static size_t count_entries(const umbra_sparse *m)
{
    size_t count = 0;
    for (size_t k = 0; k < m->start[m->out.points]; k++)
        count += m->tile_start[m->tile[k] + 1] - m->tile_start[m->tile[k]];
    return count;
}

static void loosen(loose *l, const umbra_sparse *m)
{
    for (size_t p = 0; p < m->out.points; p++)
        for (size_t k = m->start[p]; k < m->start[p + 1]; k++)
            for (size_t e = m->tile_start[m->tile[k]]; e < m->tile_start[m->tile[k] + 1]; e++)
                loose_add(l, m->entry_out[e] * m->out.points + p,
                          m->entry_in[e] * m->in.points + m->point[k], m->entry_weight[e]);
}

umbra_status umbra_sparse_reshape(umbra_sparse **out, const umbra_sparse *m, umbra_sparse_side rows,
                                  umbra_sparse_side columns)
{
    loose l;
    *out = NULL;
    if (same_side(m->out, rows) && same_side(m->in, columns))
        return UMBRA_OK;
    if (rows.channels * rows.points != m->rows || columns.channels * columns.points != m->columns)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a matrix of %zu x %zu as one of %zu x %zu by %zu x %zu", m->rows,
                          m->columns, rows.channels, rows.points, columns.channels, columns.points);
    umbra_status status = loose_make(&l, count_entries(m));
    if (status == UMBRA_OK) {
        loosen(&l, m);
        status = from_loose(out, &l, rows, columns);
    }
    loose_free(&l);
    if (status == UMBRA_OK && m->offset != NULL) {
        status = umbra_sparse_offsets(*out);
        if (status == UMBRA_OK)
            memcpy((*out)->offset, m->offset, m->rows * sizeof(double));
    }
    if (status != UMBRA_OK) {
        umbra_sparse_free(*out);
        *out = NULL;
    }
    return status;
}

void umbra_sparse_scale(umbra_sparse *m, const double *row_factor, const double *column_factor)
{
    size_t from = 0, to = 0;
    for (size_t t = 0; t < m->tile_count; t++) {
        for (size_t end = m->tile_start[t + 1]; from < end; from++) {
            double weight = m->entry_weight[from];
            weight *= row_factor != NULL ? row_factor[m->entry_out[from]] : 1.0;
            weight *= column_factor != NULL ? column_factor[m->entry_in[from]] : 1.0;
            m->entry_out[to] = m->entry_out[from];
            m->entry_in[to] = m->entry_in[from];
            m->entry_weight[to] = weight;
            to += weight != 0.0;
        }
        m->tile_start[t + 1] = to;
    }
    for (size_t r = 0; m->offset != NULL && row_factor != NULL && r < m->rows; r++)
        m->offset[r] *= row_factor[r / m->out.points];
}
