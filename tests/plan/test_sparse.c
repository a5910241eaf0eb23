/* Tests of src/plan/sparse*.c: against direct evaluation by the definitions, and dense algebra. */
#include "plan/sparse.h"

#include "sparse_nodes.h"

#include <math.h>
#include <stdlib.h>

/* y = A x + offset, entry by entry */
static double *apply(const umbra_sparse *a, const double *x)
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

static double *random_vector(size_t count, uint64_t seed)
{
    double *x = malloc((count + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = random_unit(&seed);
    return x;
}

/* Columns and points ascend and stand inside, no weight is zero, no two tiles are the same. */
static void check_form(const umbra_sparse *a)
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

static void check_close(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) < 1e-11 * (1.0 + fabs(b[i]))))
            fail_msg("element %zu is %.17g, expected %.17g", i, a[i], b[i]);
}

typedef struct window_spec {
    umbra_op op;
    int64_t in, out, groups, height, width, kernel[2], stride[2], dilation[2], pad[4], extra[2];
    int include_pad, rank, bias;
} window_spec;

static umbra_graph *window_graph(const window_spec *s)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape in = shape4(1, s->in, s->height, s->width), constants[2];
    bool transposed = s->op == UMBRA_OP_CONV_TRANSPOSE;
    constants[0] = transposed ? shape4(s->in, s->out / s->groups, s->kernel[0], s->kernel[1])
                              : shape4(s->out, s->in / s->groups, s->kernel[0], s->kernel[1]);
    constants[1] = shape1(s->out);
    in.rank = constants[0].rank = s->rank;
    for (int i = 0; i < s->rank - 2; i++) {
        attr.kernel[i] = s->kernel[i];
        attr.strides[i] = s->stride[i];
        attr.dilations[i] = s->dilation[i];
        attr.output_padding[i] = s->extra[i];
        attr.pads[i] = s->pad[i];
        attr.pads[i + 2] = s->pad[i + 2];
    }
    attr.groups = s->groups;
    attr.count_include_pad = s->include_pad != 0;
    int count = s->op == UMBRA_OP_AVERAGE_POOL ? 0 : 1 + s->bias;
    return graph_of_node(s->op, in, constants, count, 0, &attr, NULL);
}

/* One input element sends its part to every output: the definition read from the input's side,
 * which shares no index arithmetic with the code under test. */
static void expect_window(const window_spec *s, const umbra_graph *graph, const double *x,
                          double *y)
{
    const umbra_shape *out = &graph->values[graph->nodes[0].output].shape;
    int64_t oh = out->dim[2], ow = out->rank == 4 ? out->dim[3] : 1;
    bool pool = s->op == UMBRA_OP_AVERAGE_POOL, transposed = s->op == UMBRA_OP_CONV_TRANSPOSE;
    const float *weight = pool ? NULL : graph->values[graph->nodes[0].inputs[1]].f32;
    const float *bias = s->bias ? graph->values[graph->nodes[0].inputs[2]].f32 : NULL;
    double *hits = calloc((size_t)(s->out * oh * ow), sizeof *hits);
    assert_non_null(hits);
    for (int64_t o = 0; o < s->out * oh * ow; o++)
        y[o] = bias != NULL ? (double)bias[o / (oh * ow)] : 0.0;
    for (int64_t o = 0; o < s->out; o++)
        for (int64_t i = 0; i < s->in; i++) {
            int64_t og = s->out / s->groups, ig = s->in / s->groups;
            if (pool ? o != i : o / og != i / ig)
                continue;
            for (int64_t iy = 0; iy < s->height; iy++)
                for (int64_t ix = 0; ix < s->width; ix++)
                    for (int64_t ky = 0; ky < s->kernel[0]; ky++)
                        for (int64_t kx = 0; kx < s->kernel[1]; kx++) {
                            int64_t ny = transposed
                                             ? iy * s->stride[0] + ky * s->dilation[0] - s->pad[0]
                                             : iy + s->pad[0] - ky * s->dilation[0];
                            int64_t nx = transposed
                                             ? ix * s->stride[1] + kx * s->dilation[1] - s->pad[1]
                                             : ix + s->pad[1] - kx * s->dilation[1];
                            if (!transposed && (ny < 0 || nx < 0 || ny % s->stride[0] != 0 ||
                                                nx % s->stride[1] != 0))
                                continue;
                            int64_t oy = transposed ? ny : ny / s->stride[0];
                            int64_t ox = transposed ? nx : nx / s->stride[1];
                            if (oy < 0 || ox < 0 || oy >= oh || ox >= ow)
                                continue;
                            int64_t filter = transposed ? i * og + o % og : o * ig + i % ig;
                            int64_t tap = (filter * s->kernel[0] + ky) * s->kernel[1] + kx;
                            int64_t to = (o * oh + oy) * ow + ox;
                            hits[to] += 1.0;
                            y[to] += (pool ? 1.0 : (double)weight[tap]) *
                                     x[(i * s->height + iy) * s->width + ix];
                        }
        }
    for (int64_t o = 0; pool && o < s->out * oh * ow; o++)
        y[o] /= s->include_pad ? (double)(s->kernel[0] * s->kernel[1]) : hits[o];
    free(hits);
}

static const window_spec window_specs[] = {
    {UMBRA_OP_CONV, 3, 4, 1, 6, 7, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}, 0, 4, 1},
    {UMBRA_OP_CONV, 4, 6, 2, 7, 5, {3, 2}, {2, 1}, {1, 2}, {0, 2, 1, 1}, {0, 0}, 0, 4, 1},
    {UMBRA_OP_CONV, 4, 4, 4, 8, 8, {5, 5}, {1, 2}, {1, 1}, {2, 2, 2, 2}, {0, 0}, 0, 4, 0},
    {UMBRA_OP_CONV, 2, 3, 1, 9, 9, {3, 3}, {3, 2}, {2, 3}, {2, 0, 0, 3}, {0, 0}, 0, 4, 1},
    {UMBRA_OP_CONV, 2, 3, 1, 4, 4, {1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 0, 4, 0},
    {UMBRA_OP_CONV, 2, 5, 1, 4, 4, {4, 4}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {0, 0}, 0, 4, 1},
    {UMBRA_OP_CONV, 2, 4, 2, 9, 1, {3, 1}, {2, 1}, {1, 1}, {1, 0, 1, 0}, {0, 0}, 0, 3, 1},
    {UMBRA_OP_CONV_TRANSPOSE, 3, 2, 1, 4, 5, {2, 2}, {2, 2}, {1, 1}, {0}, {0, 0}, 0, 4, 1},
    {UMBRA_OP_CONV_TRANSPOSE, 4, 6, 2, 3, 4, {3, 4}, {2, 3}, {1, 1}, {1, 1, 0, 2}, {1, 0}, 0, 4, 1},
    {UMBRA_OP_CONV_TRANSPOSE, 2, 2, 1, 5, 3, {3, 3}, {1, 2}, {2, 1}, {2, 1, 2, 1}, {0, 1}, 0, 4, 0},
    {UMBRA_OP_CONV_TRANSPOSE, 2, 2, 2, 5, 1, {4, 1}, {3, 1}, {1, 1}, {1, 0, 0, 0}, {2, 0}, 0, 3, 1},
    {UMBRA_OP_AVERAGE_POOL, 3, 3, 1, 6, 6, {2, 2}, {2, 2}, {1, 1}, {0}, {0, 0}, 0, 4, 0},
    {UMBRA_OP_AVERAGE_POOL, 2, 2, 1, 7, 6, {3, 3}, {2, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}, 0, 4, 0},
    {UMBRA_OP_AVERAGE_POOL, 2, 2, 1, 7, 6, {3, 3}, {2, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}, 1, 4, 0},
    {UMBRA_OP_AVERAGE_POOL, 2, 2, 1, 7, 8, {3, 2}, {1, 2}, {2, 3}, {2, 1, 1, 2}, {0, 0}, 0, 4, 0},
    {UMBRA_OP_AVERAGE_POOL, 2, 2, 1, 7, 1, {3, 1}, {2, 1}, {1, 1}, {1, 0, 1, 0}, {0, 0}, 1, 3, 0},
};

/* Against the definition, entry by entry; then the functions that run over tiles against that. */
static void check_window(const window_spec *spec, uint64_t seed)
{
    umbra_graph *graph = window_graph(spec);
    umbra_sparse *a = NULL;
    check_ok(umbra_sparse_from_node(&a, graph, 0));
    check_form(a);
    assert_int_equal(a->columns, spec->in * spec->height * spec->width);
    double *x = random_vector(a->columns, seed), *y = apply(a, x);
    double *expected = random_vector(a->rows, 1);
    expect_window(spec, graph, x, expected);
    check_close(y, expected, a->rows);
    free(y);
    y = calloc(a->rows, sizeof *y);
    double *lanes_x = malloc(a->columns * 8 * sizeof *x), *lanes_y = calloc(a->rows * 8, sizeof *y);
    assert_true(y != NULL && lanes_x != NULL && lanes_y != NULL);
    for (size_t i = 0; i < a->columns * 8; i++)
        lanes_x[i] = x[i / 8] * (double)(i % 8 + 1);
    check_ok(umbra_sparse_apply(a, x, y));
    check_ok(umbra_sparse_apply_lanes(a, 0.5, lanes_x, lanes_y, NULL));
    for (size_t r = 0; r < a->rows; r++) {
        for (size_t i = 0; i < 8; i++)
            assert_true(fabs(lanes_y[r * 8 + i] - 0.5 * (double)(i + 1) * y[r]) < 1e-11);
        y[r] += a->offset == NULL ? 0 : a->offset[r];
    }
    check_close(y, expected, a->rows);
    free(lanes_x);
    free(lanes_y);
    free(x);
    free(y);
    free(expected);
    umbra_sparse_free(a);
    umbra_graph_free(graph);
}

static void windows_follow_their_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof window_specs / sizeof *window_specs; i++)
        check_window(&window_specs[i], i);
}

static int64_t pick(uint64_t *seed, int64_t least, int64_t most)
{
    return least + (int64_t)((random_unit(seed) * 0.5 + 0.5) * (double)(most - least + 1));
}

static void random_windows_follow_their_definition(void **state)
{
    (void)state;
    static const umbra_op ops[] = {UMBRA_OP_CONV, UMBRA_OP_CONV_TRANSPOSE, UMBRA_OP_AVERAGE_POOL};
    uint64_t seed = 5;
    for (int round = 0; round < 300; round++) {
        window_spec s = {.op = ops[round % 3], .rank = 4, .groups = pick(&seed, 1, 3)};
        bool pool = s.op == UMBRA_OP_AVERAGE_POOL;
        s.in = s.groups * pick(&seed, 1, 3);
        s.out = pool ? s.in : s.groups * pick(&seed, 1, 3);
        s.height = pick(&seed, 5, 9);
        s.width = pick(&seed, 5, 9);
        s.include_pad = (int)pick(&seed, 0, 1);
        s.bias = pool ? 0 : (int)pick(&seed, 0, 1);
        for (int i = 0; i < 2; i++) {
            s.kernel[i] = pick(&seed, 1, 3);
            s.dilation[i] = pick(&seed, 1, 2);
            s.stride[i] = pick(&seed, 1, 3);
            /* less than the window, so that each meets the image */
            s.pad[i] = pick(&seed, 0, s.kernel[i] - 1);
            s.pad[i + 2] = pick(&seed, 0, s.kernel[i] - 1);
            s.extra[i] = s.op == UMBRA_OP_CONV_TRANSPOSE ? pick(&seed, 0, s.stride[i] - 1) : 0;
        }
        check_window(&s, seed);
    }
}

static void dense_layers_act_on_the_last_dimension(void **state)
{
    (void)state;
    const umbra_shape in = {.rank = 3, .dim = {2, 3, 5}};
    const umbra_shape constants[] = {shape2(4, 5), shape1(4)};
    umbra_graph *graph = graph_of_node(UMBRA_OP_DENSE, in, constants, 2, 0, NULL, NULL);
    const float *w = graph->values[graph->nodes[0].inputs[1]].f32;
    const float *b = graph->values[graph->nodes[0].inputs[2]].f32;
    umbra_sparse *a = NULL;
    check_ok(umbra_sparse_from_node(&a, graph, 0));
    check_form(a);
    double *x = random_vector(30, 5), *y = apply(a, x), expected[24];
    for (int r = 0; r < 24; r++) {
        expected[r] = (double)b[r % 4];
        for (int k = 0; k < 5; k++)
            expected[r] += (double)w[r % 4 * 5 + k] * x[r / 4 * 5 + k];
    }
    assert_int_equal(a->rows, 24);
    check_close(y, expected, 24);
    free(x);
    free(y);
    umbra_sparse_free(a);
    umbra_graph_free(graph);
}

static void batch_norm_and_reshape_are_diagonal(void **state)
{
    (void)state;
    const umbra_shape in = shape4(2, 3, 2, 2), flat = shape2(2, 12);
    const umbra_shape constants[] = {shape1(3), shape1(3), shape1(3), shape1(3)};
    umbra_attributes attr = umbra_attributes_default();
    attr.epsilon = 0.25;
    umbra_graph *graph = graph_of_node(UMBRA_OP_BATCH_NORM, in, constants, 4, 8, &attr, NULL);
    const float *p[5] = {NULL};
    for (int k = 1; k < 5; k++)
        p[k] = graph->values[graph->nodes[0].inputs[k]].f32;
    umbra_sparse *a = NULL;
    check_ok(umbra_sparse_from_node(&a, graph, 0));
    double *x = random_vector(24, 5), *y = apply(a, x), expected[24];
    for (int r = 0; r < 24; r++) {
        int c = r / 4 % 3;
        expected[r] = (x[r] - (double)p[3][c]) / sqrt((double)p[4][c] + 0.25) * (double)p[1][c] +
                      (double)p[2][c];
    }
    check_close(y, expected, 24);
    umbra_sparse_free(a);
    umbra_graph_free(graph);
    a = matrix_of_graph(graph_of_node(UMBRA_OP_RESHAPE, in, NULL, 0, 0, NULL, &flat));
    free(y);
    y = apply(a, x);
    check_close(y, x, 24);
    free(x);
    free(y);
    umbra_sparse_free(a);
}

static void means_run_over_their_axes(void **state)
{
    (void)state;
    const umbra_shape in = {.rank = 4, .dim = {2, 3, 4, 5}};
    double *x = random_vector(120, 5);
    for (unsigned axes = 0; axes < 17; axes++) { /* 16: the global pool */
        umbra_attributes attr = umbra_attributes_default();
        unsigned mask = axes == 16 ? 12 : axes;
        attr.keep_dims = axes % 2 == 0;
        for (int i = 0; i < 4; i++)
            if (mask >> i & 1)
                attr.axes[attr.axes_count++] = i;
        umbra_op op = axes == 16 ? UMBRA_OP_GLOBAL_AVERAGE_POOL : UMBRA_OP_REDUCE_MEAN;
        umbra_sparse *a = matrix_of_graph(graph_of_node(op, in, NULL, 0, 0, &attr, NULL));
        check_form(a);
        double *y = apply(a, x), expected[120] = {0.0};
        size_t count = 120 / a->rows;
        for (int64_t e = 0; e < 120; e++) {
            int64_t at[4] = {e / 60, e / 20 % 3, e / 5 % 4, e % 5}, to = 0;
            for (int i = 0; i < 4; i++)
                to = (mask >> i & 1) ? to : to * in.dim[i] + at[i];
            expected[to] += x[e] / (double)count;
        }
        check_close(y, expected, a->rows);
        free(y);
        umbra_sparse_free(a);
    }
    free(x);
}

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

/* Damage one thing of a good convolution, and see it named. */
static void bad_nodes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "not linear",  "not a constant", "not a constant", "one image",           "in 3 groups",
        "in 0 groups", "below 1",        "no input",       "do not fit together", "not a constant"};
    for (int fault = 0; fault < 10; fault++) {
        const window_spec good = {UMBRA_OP_CONV, 4,      4, 1, 5, 5, {3, 3}, {1, 1}, {1, 1},
                                  {1, 1, 1, 1},  {0, 0}, 0, 4, 1};
        umbra_graph *graph = window_graph(&good);
        umbra_node *node = &graph->nodes[0];
        umbra_value *weight = &graph->values[node->inputs[1]];
        umbra_value *x = &graph->values[node->inputs[0]], *y = &graph->values[node->output];
        switch (fault) {
        case 0:
            node->op = UMBRA_OP_RELU;
            break;
        case 1:
            node->inputs[1] = node->inputs[0];
            break;
        case 2:
            weight->shape.dim[0] = 3;
            break;
        case 3:
            x->shape.dim[0] = 2;
            break;
        case 4:
            node->attr.groups = 3;
            break;
        case 5:
            node->attr.groups = -1;
            break;
        case 6:
            node->attr.strides[1] = 0;
            break;
        case 7:
            node->inputs[0] = -1;
            break;
        case 8:
            node->op = UMBRA_OP_RESHAPE;
            y->shape = shape2(2, 49);
            break;
        default:
            node->attr.kernel[0] = 4;
            break;
        }
        umbra_sparse *a = NULL;
        check_fails(UMBRA_E_MODEL, texts[fault], umbra_sparse_from_node(&a, graph, 0));
        assert_non_null(strstr(umbra_error_message(), "\"node\""));
        assert_null(a);
        umbra_graph_free(graph);
    }
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
        cmocka_unit_test(windows_follow_their_definition),
        cmocka_unit_test(random_windows_follow_their_definition),
        cmocka_unit_test(dense_layers_act_on_the_last_dimension),
        cmocka_unit_test(batch_norm_and_reshape_are_diagonal),
        cmocka_unit_test(means_run_over_their_axes),
        cmocka_unit_test(products_and_sums_are_those_of_matrices),
        cmocka_unit_test(products_of_windows_are_those_of_matrices),
        cmocka_unit_test(sides_change_nothing),
        cmocka_unit_test(selections_read_what_they_name),
        cmocka_unit_test(what_cancels_is_left_out),
        cmocka_unit_test(bad_nodes_are_refused),
        cmocka_unit_test(composites_have_few_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
