/* Tests of src/plan/sparse_window.c: every window against its definition, and bad ones. */
#include "sparse_vectors.h"
#include "sparse_windows.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_follow_their_definition),
        cmocka_unit_test(random_windows_follow_their_definition),
        cmocka_unit_test(bad_nodes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
