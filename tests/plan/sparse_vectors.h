/* Sparse matrices on vectors, entry by entry: the oracle of their tests. */
#ifndef UMBRA_TESTS_SPARSE_VECTORS_H
#define UMBRA_TESTS_SPARSE_VECTORS_H

#include "sparse_nodes.h"

#include <math.h>
#include <stdlib.h>

/* y = A x + offset, entry by entry */
static inline double *apply(const umbra_sparse *a, const double *x)
{
    double *y = malloc((a->rows + 1) * sizeof *y);
    plain_rows p = plain_rows_of(a);
    assert_non_null(y);
    for (size_t r = 0; r < a->rows; r++) {
        y[r] = a->offset == NULL ? 0.0 : a->offset[r];
        for (size_t e = p.row_start[r]; e < p.row_start[r + 1]; e++)
            y[r] += p.weight[e] * x[p.column[e]];
    }
    plain_rows_free(&p);
    return y;
}

static inline double *random_vector(size_t count, uint64_t seed)
{
    double *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = random_unit(&seed);
    return x;
}

/* Columns and points ascend and stand inside, no weight is zero, no two tiles are the same. */
static inline void check_form(const umbra_sparse *a)
{
    plain_rows p = plain_rows_of(a);
    assert_int_equal(a->rows, a->out.channels * a->out.points);
    assert_int_equal(a->columns, a->in.channels * a->in.points);
    for (size_t r = 0; r < a->rows; r++)
        for (size_t e = p.row_start[r]; e < p.row_start[r + 1]; e++) {
            assert_true(p.column[e] < a->columns && p.weight[e] != 0.0);
            assert_true(e == p.row_start[r] || p.column[e] > p.column[e - 1]);
        }
    plain_rows_free(&p);
    for (size_t o = 0; o < a->out.points; o++)
        for (size_t k = a->start[o] + 1; k < a->start[o + 1]; k++)
            assert_true(a->point[k] > a->point[k - 1]);
    for (size_t t = 0; t < a->tile_count; t++) {
        size_t count = a->tile_start[t + 1] - a->tile_start[t];
        assert_true(count > 0);
        for (size_t u = 0; u < t; u++)
            assert_true(a->tile_start[u + 1] - a->tile_start[u] != count ||
                        memcmp(a->entry_weight + a->tile_start[u],
                               a->entry_weight + a->tile_start[t], count * sizeof(double)) != 0 ||
                        memcmp(a->entry_in + a->tile_start[u], a->entry_in + a->tile_start[t],
                               count * sizeof(uint32_t)) != 0 ||
                        memcmp(a->entry_out + a->tile_start[u], a->entry_out + a->tile_start[t],
                               count * sizeof(uint32_t)) != 0);
    }
}

static inline void check_close(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) < 1e-11 * (1.0 + fabs(b[i]))))
            fail_msg("element %zu is %.17g, expected %.17g", i, a[i], b[i]);
}

#endif
