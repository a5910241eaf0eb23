/* Tests of src/plan/sparse_multiply.c: products and sums against dense algebra. */
#include "sparse_vectors.h"
#include "sparse_windows.h"

/* c = ka a + kb b on a vector */
static void check_sum(const umbra_sparse *a, double ka, const umbra_sparse *b, double kb)
{
    umbra_sparse *sum = NULL;
    check_ok(umbra_sparse_add(&sum, ka, a, kb, b));
    check_form(sum);
    double *x = random_vector(a->columns, 4), *ax = apply(a, x), *bx = apply(b, x);
    double *y = apply(sum, x);
    for (size_t r = 0; r < a->rows; r++)
        ax[r] = ka * (ax[r] - (a->offset == NULL ? 0 : a->offset[r])) +
                kb * (bx[r] - (b->offset == NULL ? 0 : b->offset[r]));
    check_close(y, ax, a->rows);
    free(x);
    free(ax);
    free(bx);
    free(y);
    umbra_sparse_free(sum);
}

/* a(b(x)); takes neither */
static umbra_sparse *check_product(const umbra_sparse *a, const umbra_sparse *b)
{
    umbra_sparse *product = NULL;
    check_ok(umbra_sparse_multiply(&product, a, b));
    check_form(product);
    double *x = random_vector(b->columns, 4), *bx = apply(b, x);
    for (size_t r = 0; b->offset != NULL && r < b->rows; r++)
        bx[r] -= b->offset[r];
    double *abx = apply(a, bx), *y = apply(product, x);
    for (size_t r = 0; a->offset != NULL && r < a->rows; r++)
        abx[r] -= a->offset[r];
    check_close(y, abx, a->rows);
    free(x);
    free(bx);
    free(abx);
    free(y);
    return product;
}

static void products_and_sums_are_those_of_matrices(void **state)
{
    (void)state;
    static const int sizes[][3] = {
        {1, 1, 1}, {7, 5, 9}, {40, 100, 33}, {64, 32, 128}, {3, 200, 65}};
    static const double shares[] = {0.0, 0.05, 0.5, 1.0};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 4; k++) {
            umbra_sparse *a = random_matrix(sizes[i][0], sizes[i][1], shares[k], i);
            umbra_sparse *b = random_matrix(sizes[i][1], sizes[i][2], shares[3 - k] + 0.1, k + 9);
            umbra_sparse *c = random_matrix(sizes[i][0], sizes[i][2], 0.3, 77);
            umbra_sparse *product = check_product(a, b);
            check_sum(product, 1, c, -3);
            umbra_sparse_free(a);
            umbra_sparse_free(b);
            umbra_sparse_free(c);
            umbra_sparse_free(product);
        }
}

/* Borders, groups and channels that become points: what a product of tiles could get wrong. */
static void products_of_windows_are_those_of_matrices(void **state)
{
    (void)state;
    for (size_t i = 0; i < 11; i++) {
        umbra_graph *graph = window_graph(&window_specs[i]);
        umbra_sparse *a = NULL, *sum = NULL;
        check_ok(umbra_sparse_from_node(&a, graph, 0));
        umbra_graph_free(graph);
        int channels = (int)a->in.channels;
        const umbra_shape in = shape4(1, channels, window_specs[i].height, window_specs[i].width);
        const umbra_shape weight = shape4(channels, channels, 3, 3);
        umbra_attributes attr = umbra_attributes_default();
        attr.kernel[0] = attr.kernel[1] = 3;
        for (int k = 0; k < 4; k++)
            attr.pads[k] = 1;
        if (window_specs[i].rank == 3)
            umbra_sparse_free(a);
        if (window_specs[i].rank == 3)
            continue;
        umbra_sparse *b =
            matrix_of_graph(graph_of_node(UMBRA_OP_CONV, in, &weight, 1, 0, &attr, NULL));
        umbra_sparse *product = check_product(a, b);
        check_sum(a, 2, product, 0.25);
        /* flattened and made dense: 5 numbers */
        umbra_sparse *dense = dense_matrix((int)a->rows, 5);
        dense = with_sides(dense, dense->out, a->out);
        check_form(dense);
        umbra_sparse_free(check_product(dense, product));
        check_ok(umbra_sparse_add(&sum, 1, product, -1, product));
        assert_int_equal(sum->tile_count, 0);
        umbra_sparse_free(sum);
        umbra_sparse_free(dense);
        umbra_sparse_free(a);
        umbra_sparse_free(b);
        umbra_sparse_free(product);
    }
}

static void what_cancels_is_left_out(void **state)
{
    (void)state;
    umbra_sparse *a = random_matrix(6, 6, 0.5, 3), *b = random_matrix(6, 6, 0.5, 3), *sum = NULL;
    double minus[6], minus_column[6];
    for (int i = 0; i < 6; i++) {
        minus[i] = -2.0;
        minus_column[i] = 0.5;
    }
    umbra_sparse_scale(b, minus, minus_column);
    check_ok(umbra_sparse_add(&sum, 1, a, 1, b));
    assert_int_equal(sum->start[1], 0);
    for (int i = 0; i < 6; i++) /* an offset has no column factor */
        assert_true(b->offset[i] == -2.0 * a->offset[i]);
    umbra_sparse_free(sum);
    sum = NULL;
    minus[2] = 0.0;
    umbra_sparse_scale(b, minus, NULL);
    plain_rows p = plain_rows_of(b);
    assert_true(p.row_start[2] == p.row_start[3] && p.row_start[6] > 0);
    plain_rows_free(&p);
    umbra_sparse *other = random_matrix(6, 7, 1.0, 1);
    check_fails(UMBRA_E_MISMATCH, "a sum of", umbra_sparse_add(&sum, 1, a, 1, other));
    check_fails(UMBRA_E_MISMATCH, "a product of", umbra_sparse_multiply(&sum, other, a));
    assert_null(sum);
    umbra_sparse_free(a);
    umbra_sparse_free(b);
    umbra_sparse_free(other);
    umbra_sparse_free(NULL);
}

static void composites_have_few_tiles(void **state)
{
    (void)state;
    umbra_sparse *a = conv_matrix(16, 16, 12, 3, 1);
    umbra_sparse *product = check_product(a, a);
    assert_int_equal(a->tile_count, 9);
    /* 25 inside; a tap that looks inwards loses nothing at the border, nor one that looks far out
     */
    assert_int_equal(product->tile_count, 49);
    umbra_sparse_free(a);
    umbra_sparse_free(product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_sums_are_those_of_matrices),
        cmocka_unit_test(products_of_windows_are_those_of_matrices),
        cmocka_unit_test(what_cancels_is_left_out),
        cmocka_unit_test(composites_have_few_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
