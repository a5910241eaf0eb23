/* Tests of src/plan/sparse.c: other sides of a matrix, and selections of elements. */
#include "sparse_vectors.h"

/* The same entries, whatever their sides; sums over weights as the definition has them. */
static void sides_change_nothing(void **state)
{
    (void)state;
    umbra_sparse *a = conv_matrix(4, 6, 6, 3, 1);
    umbra_sparse *flat = with_sides(conv_matrix(4, 6, 6, 3, 1), (umbra_sparse_side){12, 18},
                                    (umbra_sparse_side){144, 1});
    plain_rows p = plain_rows_of(a), q = plain_rows_of(flat);
    check_form(flat);
    assert_int_equal(p.row_start[p.rows], q.row_start[q.rows]);
    assert_memory_equal(p.row_start, q.row_start, (p.rows + 1) * sizeof *p.row_start);
    assert_memory_equal(p.column, q.column, p.row_start[p.rows] * sizeof *p.column);
    assert_memory_equal(p.weight, q.weight, p.row_start[p.rows] * sizeof *p.weight);
    assert_memory_equal(a->offset, flat->offset, a->rows * sizeof *a->offset);
    double *rows = calloc(a->rows, sizeof *rows), power[24] = {0}, squares = 0, expected[24] = {0};
    assert_non_null(rows);
    umbra_sparse_sums sums = {.row = rows, .power = power};
    check_ok(umbra_sparse_sum(a, &sums));
    for (size_t r = 0; r < p.rows; r++) {
        double sum = 0;
        for (size_t e = p.row_start[r]; e < p.row_start[r + 1]; e++) {
            sum += fabs(p.weight[e]);
            squares += p.weight[e] * p.weight[e];
            expected[r / 36 * 4 + p.column[e] / 36] += p.weight[e] * p.weight[e];
        }
        assert_true(fabs(rows[r] - sum) < 1e-12);
    }
    assert_true(fabs(sums.squares - squares) < 1e-10);
    check_close(power, expected, 24);
    umbra_sparse *none = NULL;
    check_fails(UMBRA_E_MISMATCH, "as one of",
                umbra_sparse_reshape(&none, a, (umbra_sparse_side){5, 36}, a->in));
    assert_null(none);
    free(rows);
    plain_rows_free(&p);
    plain_rows_free(&q);
    umbra_sparse_free(a);
    umbra_sparse_free(flat);
}

static void selections_read_what_they_name(void **state)
{
    (void)state;
    enum { ROWS = 2 * 9, COLUMNS = 3 * 36 }; /* two of three channels, every other pixel */
    uint32_t source[ROWS];
    double weight[ROWS];
    const umbra_sparse_side rows = {2, 9}, columns = {3, 36};
    umbra_sparse *a = NULL;
    for (uint32_t r = 0; r < ROWS; r++) {
        source[r] = (2 - r / 9) * 36 + r % 9 / 3 * 12 + r % 3 * 2;
        weight[r] = r + 1.0;
    }
    check_ok(umbra_sparse_select(&a, rows, columns, source, NULL));
    check_form(a);
    assert_int_equal(a->tile_count, 1); /* one tile, used at nine points */
    assert_int_equal(a->start[9], 9);
    umbra_sparse_free(a);
    source[4] = UMBRA_SPARSE_NONE;
    check_ok(umbra_sparse_select(&a, rows, columns, source, weight));
    double *x = random_vector(COLUMNS, 4), *y = apply(a, x);
    for (int r = 0; r < ROWS; r++)
        assert_true(y[r] == (r == 4 ? 0.0 : (r + 1.0) * x[source[r]]));
    free(x);
    free(y);
    umbra_sparse_free(a);
    a = NULL;
    source[4] = COLUMNS;
    check_fails(UMBRA_E_MISMATCH, "row 4 selects column 108 of 108",
                umbra_sparse_select(&a, rows, columns, source, NULL));
    assert_null(a);
}

/* Points that are read through one tile have the same weights. */
static void tiles_repeat(void **state)
{
    (void)state;
    umbra_attributes pool = umbra_attributes_default();
    pool.kernel[0] = pool.kernel[1] = pool.strides[0] = pool.strides[1] = 2;
    umbra_graph *graph =
        graph_of_node(UMBRA_OP_AVERAGE_POOL, shape4(1, 2, 8, 8), NULL, 0, 0, &pool, NULL);
    struct {
        umbra_sparse *matrix;
        double repeats;
    } cases[] = {{conv_matrix(4, 6, 6, 3, 1), 1},
                 {matrix_of_graph(graph), 4},
                 {global_pool_matrix(3, 5), 25},
                 {dense_matrix(12, 5), 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        umbra_sparse_sums sums = {0};
        check_ok(umbra_sparse_sum(cases[i].matrix, &sums));
        assert_true(sums.repeats == cases[i].repeats);
        umbra_sparse_free(cases[i].matrix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_change_nothing),
        cmocka_unit_test(selections_read_what_they_name),
        cmocka_unit_test(tiles_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
