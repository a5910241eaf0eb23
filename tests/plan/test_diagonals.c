/* Tests of src/plan/diagonals.c: every map is run on slot vectors and compared with y = A x. */
#include "plan/diagonals.h"

#include "base/clock.h"
#include "sparse_nodes.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#define SLOTS 16384
#define ANY (-1)

/* A four-core estimate at N = 2^15, 12 limbs: only the ratios matter. */
static const umbra_diagonal_cost usual = {.baby_ns = 1.0e6, .giant_ns = 2.5e6, .product_ns = 1.2e5};

/* What must come out, or ANY. */
typedef struct counts {
    int diagonals, sums, babies, giants;
} counts;

typedef struct vectors {
    int count;
    double _Complex *slots;
} vectors;

static vectors vectors_new(int count, size_t slots)
{
    vectors v = {count, calloc((size_t)count * slots, sizeof(double _Complex))};
    assert_non_null(v.slots);
    return v;
}

/* out += rotate_left(in, by), with factors where they are given */
static void add_rotated(double _Complex *out, const double _Complex *in, size_t by, size_t slots,
                        const double *re, const double *im)
{
    for (size_t s = 0; s < slots; s++) {
        double _Complex w = re != NULL ? re[s] + im[s] * I : 1.0;
        out[s] += in[(s + by) & (slots - 1)] * w;
    }
}

/* x_0 + i x_1, x_2 + i x_3, ... of each term; what is joined to another is never read again. */
static void join_inputs(vectors *in, const umbra_map_term *terms, int term_count, size_t slots)
{
    for (int t = 0; t < term_count; t++)
        for (int c = 0; c + 1 < terms[t].layout->ciphertexts; c += 2) {
            double _Complex *x = in->slots + (size_t)(terms[t].input + c) * slots, *y = x + slots;
            for (size_t s = 0; s < slots; s++) {
                x[s] += I * y[s];
                y[s] = (double)NAN;
            }
        }
}

/* What an executor does with a set, on numbers instead of ciphertexts. */
static vectors interpret(const umbra_diagonal_set *set, vectors in, const umbra_map_term *terms,
                         int term_count)
{
    size_t slots = set->slots;
    vectors out = vectors_new(set->output_count, slots), sum = vectors_new(1, slots);
    double *re = malloc(slots * sizeof *re), *im = malloc(slots * sizeof *im);
    assert_true(re != NULL && im != NULL);
    for (int i = 0; set->half_slots != 0 && i < in.count; i++) {
        double _Complex *x = in.slots + (size_t)i * slots;
        memset(sum.slots, 0, slots * sizeof *sum.slots);
        add_rotated(sum.slots, x, (size_t)set->half_slots, slots, NULL, NULL);
        for (size_t s = 0; s < slots; s++)
            x[s] += I * sum.slots[s];
    }
    if (set->joined)
        join_inputs(&in, terms, term_count, slots);
    for (size_t k = 0; k < set->count;) {
        const umbra_map_diagonal *first = &set->shapes[k];
        memset(sum.slots, 0, slots * sizeof *sum.slots);
        for (; k < set->count && set->shapes[k].output == first->output &&
               set->shapes[k].giant_slots == first->giant_slots;
             k++) {
            umbra_diagonal_fill(set, k, slots, re, im);
            add_rotated(sum.slots, in.slots + (size_t)set->shapes[k].input * slots,
                        (size_t)set->shapes[k].baby_slots, slots, re, im);
        }
        add_rotated(out.slots + (size_t)first->output * slots, sum.slots,
                    (size_t)first->giant_slots, slots, NULL, NULL);
    }
    for (int o = 0; o < out.count; o++) {
        double _Complex *y = out.slots + (size_t)o * slots;
        for (size_t s = 0; (set->half_slots != 0 || set->joined) && s < slots; s++)
            y[s] += conj(y[s]);
        for (int i = 0; i < set->sum_count; i++) {
            memcpy(sum.slots, y, slots * sizeof *y);
            add_rotated(y, sum.slots, (size_t)set->sum_slots[i], slots, NULL, NULL);
        }
    }
    free(re);
    free(im);
    free(sum.slots);
    return out;
}

static void check_set(const umbra_diagonal_set *set, const umbra_map_term *terms, int term_count,
                      const umbra_layout *to)
{
    uint64_t seed = 3;
    size_t rows = umbra_layout_elements(to), slots = set->slots, images = (size_t)to->images;
    vectors in = vectors_new(set->input_count, slots);
    float *y = calloc(images * rows, sizeof *y);
    double *wanted = malloc((size_t)to->ciphertexts * slots * sizeof *wanted);
    assert_true(y != NULL && wanted != NULL);
    for (int t = 0; t < term_count; t++) {
        const umbra_sparse *a = terms[t].matrix;
        const umbra_layout *layout = terms[t].layout;
        float *x = malloc(images * a->columns * sizeof *x);
        double *wide = malloc((size_t)layout->ciphertexts * slots * sizeof *wide);
        plain_rows plain = plain_rows_of(a);
        assert_true(x != NULL && wide != NULL);
        for (size_t i = 0; i < images * a->columns; i++)
            x[i] = (float)random_unit(&seed);
        umbra_layout_scatter(layout, x, layout->images, wide);
        for (size_t s = 0; s < (size_t)layout->ciphertexts * slots; s++)
            in.slots[(size_t)terms[t].input * slots + s] = wide[s];
        for (size_t k = 0; k < images * rows; k++) {
            double sum = 0.0;
            size_t r = k % rows, image = k / rows;
            for (size_t e = plain.row_start[r]; e < plain.row_start[r + 1]; e++)
                sum += plain.weight[e] * (double)x[image * a->columns + plain.column[e]];
            y[k] = (float)((double)y[k] + sum);
        }
        plain_rows_free(&plain);
        free(x);
        free(wide);
    }
    umbra_layout_scatter(to, y, to->images, wanted);
    vectors out = interpret(set, in, terms, term_count);
    double limit = 1e-6 * exp2(set->gain_log2), worst = 0.0;
    for (size_t s = 0; s < (size_t)to->ciphertexts * slots; s++) {
        /* A sum over a room leaves parts of it behind the vector, and those of two images at once.
         */
        if (images > 1 && s % umbra_layout_period(to) >= rows && set->sum_count > 0)
            continue;
        worst = fmax(worst, fabs(creal(out.slots[s]) - wanted[s]));
        if (wanted[s] == 0.0) /* an unused slot */
            assert_true(fabs(creal(out.slots[s])) < 1e-12);
    }
    assert_true(worst < limit);
    free(y);
    free(wanted);
    free(in.slots);
    free(out.slots);
}

static void check_shapes(const umbra_diagonal_set *set)
{
    size_t giants = 0;
    for (size_t k = 0; k < set->count; k++) {
        const umbra_map_diagonal *a = &set->shapes[k], *b = k > 0 ? a - 1 : NULL;
        assert_in_range(a->output, 0, set->output_count - 1);
        assert_in_range(a->input, 0, set->input_count - 1);
        assert_true(a->giant_slots >= 0 && (size_t)a->giant_slots < set->slots);
        assert_true(a->baby_slots >= 0 && (size_t)a->baby_slots < set->slots);
        bool same = b != NULL && a->output == b->output && a->giant_slots == b->giant_slots;
        giants += !same && a->giant_slots != 0;
        if (b == NULL || a->output > b->output)
            continue;
        assert_int_equal(a->output, b->output);
        assert_true(a->giant_slots >= b->giant_slots);
        if (same)
            assert_true(a->input > b->input ||
                        (a->input == b->input && a->baby_slots > b->baby_slots));
    }
    assert_int_equal(giants, set->giant_rotations);
}

/* Fewer slots are the first of all. */
static void check_start(const umbra_diagonal_set *set, size_t k, const double *re, const double *im)
{
    const size_t count = set->slots >> (k % 5), bytes = count * sizeof(double);
    double *start = malloc(2 * bytes);
    assert_non_null(start);
    umbra_diagonal_fill(set, k, count, start, start + count);
    assert_memory_equal(start, re, bytes);
    assert_memory_equal(start + count, im, bytes);
    free(start);
}

/* The root of the sum over diagonals of mean |w|^2, from the vectors themselves. */
static void check_noise_gain(const umbra_diagonal_set *set)
{
    double *re = malloc(set->slots * sizeof *re), *im = malloc(set->slots * sizeof *im), sum = 0.0;
    assert_true(re != NULL && im != NULL);
    for (size_t k = 0; k < set->count; k++) {
        umbra_diagonal_fill(set, k, set->slots, re, im);
        check_start(set, k, re, im);
        for (size_t s = 0; s < set->slots; s++)
            sum += re[s] * re[s] + im[s] * im[s];
    }
    double gain =
        0.5 * log2(sum / (double)set->slots) + (set->half_slots != 0 || set->joined ? 1.0 : 0.0);
    assert_true(sum == 0.0 ? set->noise_gain_log2 <= -100.0
                           : fabs(gain - set->noise_gain_log2) < 1e-4);
    free(re);
    free(im);
}

static void check_number(int64_t number, int wanted, const char *name, const char *what)
{
    if (wanted != ANY && number != wanted)
        fail_msg("%s: %d %s, expected %d", name, (int)number, what, wanted);
}

static void check_counts(const char *name, const umbra_diagonal_set *set, counts e)
{
    check_number((int64_t)set->count, e.diagonals, name, "diagonals");
    check_number(set->sum_count, e.sums, name, "sum steps");
    check_number((int64_t)set->baby_rotations, e.babies, name, "babies");
    check_number((int64_t)set->giant_rotations, e.giants, name, "giants");
}

/* Counts the map, fills it, runs it. name: NULL prints nothing. */
static void check_map(const char *name, const umbra_map_term *terms, int term_count,
                      const umbra_layout *to, const umbra_diagonal_cost *cost, counts e)
{
    umbra_diagonal_set *counted = NULL, *set = NULL;
    uint64_t t0 = umbra_clock_ns();
    check_ok(umbra_diagonals_make(&counted, terms, term_count, to, cost, UMBRA_DIAGONAL_COUNT));
    uint64_t t1 = umbra_clock_ns();
    check_ok(umbra_diagonals_make(&set, terms, term_count, to, cost, UMBRA_DIAGONAL_FILL));
    uint64_t t2 = umbra_clock_ns();
    size_t tiles = 0;
    for (int t = 0; t < term_count; t++)
        tiles += terms[t].matrix->tile_count;
    if (name != NULL)
        print_message("%-34s %6zu tiles: %4zu diagonals, %3zu babies, %3zu giants, half %5d%s, "
                      "sums %d; count %4.0f ms, fill %4.0f ms\n",
                      name, tiles, set->count, set->baby_rotations, set->giant_rotations,
                      (int)set->half_slots, set->joined ? " joined" : "", set->sum_count,
                      (double)(t1 - t0) * 1e-6, (double)(t2 - t1) * 1e-6);
    assert_null(counted->weights);
    assert_int_equal(counted->count, set->count);
    if (set->count > 0)
        assert_memory_equal(counted->shapes, set->shapes, set->count * sizeof *set->shapes);
    check_counts(name, set, e);
    check_shapes(set);
    check_noise_gain(set);
    check_set(set, terms, term_count, to);
    umbra_diagonal_set_free(counted);
    umbra_diagonal_set_free(set);
}

/* The matrix with the channels of its layouts. */
static umbra_sparse *fitted(umbra_sparse *matrix, const umbra_layout *from, const umbra_layout *to)
{
    umbra_sparse_side rows = {(size_t)to->channels, (size_t)to->height * (size_t)to->width};
    umbra_sparse_side columns = {(size_t)from->channels,
                                 (size_t)from->height * (size_t)from->width};
    return with_sides(matrix, rows, columns);
}

/* One term; takes the matrix. */
static void check_matrix(const char *name, umbra_sparse *matrix, umbra_layout from, umbra_layout to,
                         counts e)
{
    matrix = fitted(matrix, &from, &to);
    check_map(name, &(umbra_map_term){.matrix = matrix, .layout = &from}, 1, &to, &usual, e);
    umbra_sparse_free(matrix);
}

static umbra_layout planes(int channels, int size, int grid, int gap, size_t slots)
{
    umbra_layout layout;
    check_ok(umbra_layout_multiplexed(&layout, channels, size, size, grid, grid, gap, slots));
    return layout;
}

static umbra_layout vector(int count, size_t slots)
{
    umbra_layout layout;
    check_ok(umbra_layout_modular(&layout, count, slots));
    return layout;
}

/* Stage 0: the latent. Stages 1 to 3: those of ResNet20. */
static umbra_layout stage(int i)
{
    static const int channels[] = {4, 16, 32, 64}, size[] = {32, 32, 16, 8}, gap[] = {1, 1, 2, 4};
    return planes(channels[i], size[i], 32, gap[i], SLOTS);
}

static void convolutions_of_resnet20(void **state)
{
    (void)state;
    check_matrix("3x3 latent", conv_matrix(4, 16, 32, 3, 1), stage(0), stage(1),
                 (counts){18, 0, 5, 2});
    check_matrix("3x3 stage 1", conv_matrix(16, 16, 32, 3, 1), stage(1), stage(1),
                 (counts){72, 0, 11, 5});
    check_matrix("3x3 stage 2", conv_matrix(32, 32, 16, 3, 1), stage(2), stage(2),
                 (counts){196, 0, 27, 6});
    check_matrix("3x3 stage 3", conv_matrix(64, 64, 8, 3, 1), stage(3), stage(3),
                 (counts){450, 0, 29, 14});
    check_matrix("3x3 stride 2, 1 to 2", conv_matrix(16, 32, 32, 3, 2), stage(1), stage(2),
                 (counts){64, 1, 15, 3});
    check_matrix("3x3 stride 2, 2 to 3", conv_matrix(32, 64, 16, 3, 2), stage(2), stage(3),
                 (counts){162, 1, 17, 8});
    check_matrix("1x1 stride 2, 1 to 2", conv_matrix(16, 32, 32, 1, 2), stage(1), stage(2),
                 (counts){32, 1, 7, 3});
    check_matrix("1x1 stride 2, 2 to 3", conv_matrix(32, 64, 16, 1, 2), stage(2), stage(3),
                 (counts){50, 1, 9, 4});
}

static void composites_of_resnet20(void **state)
{
    (void)state;
    check_matrix("5x5 latent",
                 product_of(conv_matrix(16, 16, 32, 3, 1), conv_matrix(4, 16, 32, 3, 1)), stage(0),
                 stage(1), (counts){50, 0, 9, 4});
    check_matrix("5x5 stage 1",
                 product_of(conv_matrix(16, 16, 32, 3, 1), conv_matrix(16, 16, 32, 3, 1)), stage(1),
                 stage(1), (counts){200, 0, 19, 9});
    check_matrix("5x5 stage 2",
                 product_of(conv_matrix(32, 32, 16, 3, 1), conv_matrix(32, 32, 16, 3, 1)), stage(2),
                 stage(2), (counts){484, 0, 43, 10});
    check_matrix("5x5 stage 3",
                 product_of(conv_matrix(64, 64, 8, 3, 1), conv_matrix(64, 64, 8, 3, 1)), stage(3),
                 stage(3), (counts){1058, 0, 45, 22});
    check_matrix("5x5 stride 2, 1 to 2",
                 product_of(conv_matrix(16, 32, 32, 3, 2), conv_matrix(16, 16, 32, 3, 1)), stage(1),
                 stage(2), (counts){144, 1, 17, 7});
    check_matrix("5x5 stride 2, 2 to 3",
                 product_of(conv_matrix(32, 64, 16, 3, 2), conv_matrix(32, 32, 16, 3, 1)), stage(2),
                 stage(3), (counts){338, 1, 25, 12});
}

/* conv(r) + shortcut(s), where r has the output's layout and s that of the stage before, or the
 * same. */
static void maps_of_two_terms(void **state)
{
    (void)state;
    umbra_layout from[2] = {stage(2), stage(1)}, to = stage(2);
    umbra_sparse *a = conv_matrix(32, 32, 16, 3, 1), *b = conv_matrix(16, 32, 32, 1, 2);
    umbra_map_term terms[2] = {{a, &from[0], 0}, {b, &from[1], 1}};
    check_map("conv(r) + shortcut(s), stage 2", terms, 2, &to, &usual, (counts){212, 1, ANY, ANY});
    umbra_sparse_free(a);
    umbra_sparse_free(b);
    a = conv_matrix(16, 16, 32, 3, 1);
    check_ok(umbra_sparse_identity(&b, a->out));
    from[0] = from[1] = to = stage(1);
    terms[0].matrix = a;
    terms[1].matrix = b;
    check_map("conv(r) + s, stage 1", terms, 2, &to, &usual, (counts){73, 0, 11, 5});
    umbra_diagonal_set *set = NULL;
    terms[1].input = 0;
    check_fails(UMBRA_E_MISMATCH, "read input 0",
                umbra_diagonals_make(&set, terms, 2, &to, &usual, UMBRA_DIAGONAL_COUNT));
    terms[1] = (umbra_map_term){a, &from[0], 1};
    from[0] = stage(2);
    check_fails(UMBRA_E_MISMATCH, "between layouts",
                umbra_diagonals_make(&set, terms, 2, &to, &usual, UMBRA_DIAGONAL_COUNT));
    assert_null(set);
    umbra_sparse_free(a);
    umbra_sparse_free(b);
}

static void maps_of_several_ciphertexts(void **state)
{
    (void)state;
    umbra_layout two = planes(32, 32, 32, 1, SLOTS), one = planes(6, 32, 32, 1, SLOTS);
    check_matrix("LeNet 3x3, 32 to 32", conv_matrix(32, 32, 32, 3, 1), two, two,
                 (counts){4 * 72, 0, ANY, ANY});
    check_matrix("LeNet 5x5, 6 to 32", conv_matrix(6, 32, 32, 5, 1), one, two,
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("LeNet 5x5 stride 2, 32 to 20", conv_matrix(32, 20, 32, 5, 2), two,
                 planes(20, 16, 32, 2, SLOTS), (counts){ANY, ANY, ANY, ANY});
    check_matrix("dense 32x32x32 to 20", dense_matrix(32768, 20), two, vector(20, SLOTS),
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("3x3 on 16 ciphertexts", conv_matrix(16, 12, 16, 3, 1), planes(16, 16, 16, 1, 256),
                 planes(12, 16, 16, 1, 256), (counts){ANY, 0, ANY, ANY});
}

static void vectors_and_planes(void **state)
{
    (void)state;
    check_matrix("pool and dense, 64 to 14",
                 product_of(dense_matrix(64, 14), global_pool_matrix(64, 8)), stage(3),
                 vector(14, SLOTS), (counts){ANY, ANY, ANY, ANY});
    check_matrix("dense, 64x8x8 to 10", dense_matrix(4096, 10), stage(3), vector(10, SLOTS),
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("pool, 16 channels", global_pool_matrix(16, 32), stage(1), vector(16, SLOTS),
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("dense 120 to 84", dense_matrix(120, 84), vector(120, SLOTS), vector(84, SLOTS),
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("dense 1024 to 8", dense_matrix(1024, 8), vector(1024, SLOTS), vector(8, SLOTS),
                 (counts){ANY, ANY, ANY, ANY});
    check_matrix("dense 4 to 64", dense_matrix(4, 64), vector(4, SLOTS), vector(64, SLOTS),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("dense 3 to 1", dense_matrix(3, 1), vector(3, 64), vector(1, 64),
                 (counts){ANY, ANY, ANY, ANY});
    /* the gate of squeeze and excitation: a channel's number at every pixel */
    uint32_t *source = malloc(32 * 256 * sizeof *source);
    umbra_sparse *spread = NULL;
    assert_non_null(source);
    for (uint32_t r = 0; r < 32 * 256; r++)
        source[r] = r / 256;
    check_ok(umbra_sparse_select(&spread, (umbra_sparse_side){32, 256}, (umbra_sparse_side){32, 1},
                                 source, NULL));
    free(source);
    check_matrix("gate, 32 channels", spread, vector(32, SLOTS), stage(2),
                 (counts){ANY, 0, ANY, ANY});
}

static void other_grids_and_gaps(void **state)
{
    (void)state;
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = attr.strides[0] = attr.strides[1] = 2;
    const umbra_shape weight = shape4(8, 4, 2, 2);
    check_matrix("transposed 2x2, gap 2 to 1",
                 matrix_of_graph(graph_of_node(UMBRA_OP_CONV_TRANSPOSE, shape4(1, 8, 16, 16),
                                               &weight, 1, 0, &attr, NULL)),
                 planes(8, 16, 32, 2, SLOTS), planes(4, 32, 32, 1, SLOTS),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("pool 2x2, gap 1 to 2",
                 matrix_of_graph(graph_of_node(UMBRA_OP_AVERAGE_POOL, shape4(1, 16, 32, 32), NULL,
                                               0, 0, &attr, NULL)),
                 stage(1), planes(16, 16, 32, 2, SLOTS), (counts){ANY, ANY, ANY, ANY});
    check_matrix("5x5 on one plane", conv_matrix(1, 1, 32, 5, 1), planes(1, 32, 32, 1, SLOTS),
                 planes(1, 32, 32, 1, SLOTS), (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3, 7x7 planes in 8x16", conv_matrix(3, 5, 7, 3, 1), planes(3, 7, 8, 1, 512),
                 planes(5, 7, 8, 1, 512), (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3, gap 3", conv_matrix(9, 9, 5, 3, 1), planes(9, 5, 16, 3, 256),
                 planes(9, 5, 16, 3, 256), (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3, grid 16 to grid 32", conv_matrix(3, 5, 16, 3, 1), planes(3, 16, 16, 1, 4096),
                 planes(5, 16, 32, 2, 4096), (counts){ANY, ANY, ANY, ANY});
    umbra_sparse *zero = conv_matrix(1, 1, 4, 1, 1);
    const double factor[1] = {0.0};
    umbra_sparse_scale(zero, factor, NULL);
    check_matrix("explicit zeros", zero, planes(1, 4, 4, 1, 64), planes(1, 4, 4, 1, 64),
                 (counts){ANY, 0, ANY, ANY});
}

/* Two outputs and two inputs of different residues: nothing of one pair may leak into another. */
static void pairs_are_told_apart(void **state)
{
    (void)state;
    umbra_layout two = planes(32, 32, 32, 1, SLOTS);
    umbra_sparse *conv = conv_matrix(32, 32, 32, 3, 1), *identity = NULL, *sum = NULL;
    double lower[32] = {0.0}, upper[32] = {0.0};
    for (size_t i = 0; i < 16; i++)
        lower[i] = upper[16 + i] = 1.0;
    check_ok(umbra_sparse_identity(&identity, conv->out));
    umbra_sparse_scale(identity, lower, NULL);
    umbra_sparse_scale(conv, upper, upper);
    check_ok(umbra_sparse_add(&sum, 1, identity, 1, conv));
    check_matrix("identity beside 3x3", sum, two, two, (counts){73, 0, 11, 5});
    umbra_sparse_free(identity);
    umbra_sparse_free(conv);
    umbra_attributes attr = umbra_attributes_default();
    const umbra_shape weight = shape4(32, 1, 3, 3);
    attr.groups = 32;
    for (int i = 0; i < 4; i++) {
        attr.pads[i] = 1;
        attr.kernel[i / 2] = 3;
    }
    check_matrix("3x3 by channel, 32",
                 matrix_of_graph(graph_of_node(UMBRA_OP_CONV, shape4(1, 32, 32, 32), &weight, 1, 0,
                                               &attr, NULL)),
                 two, two, (counts){18, 0, 4, 4});
}

static umbra_layout batch(umbra_layout layout, int images)
{
    check_ok(umbra_layout_set_images(&layout, images));
    return layout;
}

/* Rotations are not cyclic in a room: what would wrap around is a diagonal of its own. */
static void maps_of_several_images(void **state)
{
    (void)state;
    check_matrix("3x3, 4 images of 4 ciphertexts", conv_matrix(16, 16, 32, 3, 1),
                 batch(planes(16, 32, 32, 1, 4096), 4), batch(planes(16, 32, 32, 1, 4096), 4),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3, a channel a ciphertext", conv_matrix(4, 4, 32, 3, 1),
                 batch(planes(4, 32, 32, 1, 1024), 16), batch(planes(4, 32, 32, 1, 1024), 16),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3 stride 2, 2 images", conv_matrix(16, 32, 32, 3, 2),
                 batch(planes(16, 32, 32, 1, 8192), 2), batch(planes(32, 16, 32, 2, 8192), 2),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("3x3 on half a room, 2 images", conv_matrix(8, 8, 8, 3, 1),
                 batch(planes(8, 8, 32, 4, 2048), 2), batch(planes(8, 8, 32, 4, 2048), 2),
                 (counts){ANY, 0, ANY, ANY});
    check_matrix("pool and dense, 16 images",
                 product_of(dense_matrix(64, 14), global_pool_matrix(64, 8)),
                 batch(planes(64, 8, 32, 4, 1024), 16), batch(vector(14, 1024), 16),
                 (counts){ANY, 6, ANY, ANY});
    check_matrix("dense 120 to 84, 4 images", dense_matrix(120, 84), batch(vector(120, 1024), 4),
                 batch(vector(84, 1024), 4), (counts){ANY, 0, ANY, ANY});
    check_matrix("dense 512 to 10, full rooms", dense_matrix(512, 10), batch(vector(512, 512), 8),
                 batch(vector(10, 512), 8), (counts){ANY, 5, ANY, ANY});
    check_matrix("dense 4 to 64, 4 images", dense_matrix(4, 64), batch(vector(4, 64), 4),
                 batch(vector(64, 64), 4), (counts){ANY, 0, ANY, ANY});
    umbra_layout four = batch(vector(8, 64), 4), two = batch(vector(8, 128), 2);
    umbra_sparse *dense = dense_matrix(8, 8);
    umbra_diagonal_set *set = NULL;
    check_fails(UMBRA_E_MISMATCH, "between layouts",
                umbra_diagonals_make(&set, &(umbra_map_term){dense, &four, 0}, 1, &two, &usual,
                                     UMBRA_DIAGONAL_COUNT));
    umbra_sparse_free(dense);
}

static void the_cheapest_way_is_chosen(void **state)
{
    (void)state;
    umbra_layout from = stage(1), wide = vector(32, SLOTS), narrow = vector(8, SLOTS);
    umbra_sparse *conv = conv_matrix(16, 16, 32, 3, 1), *dense = dense_matrix(32, 8);
    umbra_map_term conv_term = {conv, &from, 0}, dense_term = {dense, &wide, 0};
    const umbra_diagonal_cost products = {.baby_ns = 1e-3, .giant_ns = 1e-3, .product_ns = 1.0};
    const umbra_diagonal_cost rotations = {.baby_ns = 1.0, .giant_ns = 1.0, .product_ns = 1e-3};
    const umbra_diagonal_cost giants = {.baby_ns = 0.1, .giant_ns = 100.0, .product_ns = 1e-3};
    const umbra_diagonal_cost babies = {.baby_ns = 100.0, .giant_ns = 0.1, .product_ns = 1e-3};
    check_map("3x3, products dear", &conv_term, 1, &from, &products, (counts){72, 0, ANY, ANY});
    check_map("3x3, rotations dear", &conv_term, 1, &from, &rotations, (counts){72, 0, 7, 8});
    check_map("3x3, giants dear", &conv_term, 1, &from, &giants, (counts){144, 0, 143, 0});
    check_map("3x3, babies dear", &conv_term, 1, &from, &babies, (counts){144, 0, 0, 143});
    check_map("32 to 8, products dear", &dense_term, 1, &narrow, &products,
              (counts){4, 2, ANY, ANY});
    check_map("32 to 8, giants dear", &dense_term, 1, &narrow, &giants, (counts){32, 0, 31, 0});
    umbra_sparse_free(conv);
    umbra_sparse_free(dense);
}

static int below(uint64_t *seed, int end)
{
    return (int)((random_unit(seed) * 0.5 + 0.5) * end);
}

static umbra_layout random_layout(uint64_t *seed, size_t slots)
{
    for (;;) {
        umbra_layout layout;
        if (below(seed, 4) == 0)
            return vector(1 + below(seed, slots < 64 ? (int)slots : 64), slots);
        if (below(seed, 4) == 0 &&
            umbra_layout_phased(&layout, 1 + below(seed, 4), 1 + below(seed, 8), 1 + below(seed, 8),
                                1 << below(seed, 3), 1 << below(seed, 3), 2 << below(seed, 2),
                                slots) == UMBRA_OK)
            return layout;
        int gap = 1 + below(seed, 4), grid_height = 1 << below(seed, 4);
        if (umbra_layout_multiplexed(&layout, 1 + below(seed, 24), 1 + below(seed, 4),
                                     1 + below(seed, 4), grid_height, 1 << below(seed, 5), gap,
                                     slots) == UMBRA_OK)
            return layout;
    }
}

/* Matrices without structure, between any two layouts, at costs that lead to all kinds of splits.
 */
static void random_maps_are_exact(void **state)
{
    (void)state;
    static const double shares[] = {0.01, 0.1, 1.0}, costs[] = {0.01, 1.0, 30.0};
    uint64_t seed = 11;
    for (int round = 0; round < 300; round++) {
        size_t slots = (size_t)16 << below(&seed, 5);
        int images = 1 << round % 3;
        umbra_layout to = batch(random_layout(&seed, slots), images), from[2];
        umbra_map_term terms[2];
        umbra_sparse *matrices[2];
        int count = 1 + below(&seed, 2), input = 0;
        for (int t = 0; t < count; t++) {
            from[t] = batch(random_layout(&seed, slots), images);
            matrices[t] =
                random_matrix((int)umbra_layout_elements(&to), (int)umbra_layout_elements(&from[t]),
                              shares[below(&seed, 3)], (uint64_t)round);
            matrices[t] = fitted(matrices[t], &from[t], &to);
            terms[t] = (umbra_map_term){matrices[t], &from[t], input};
            input += from[t].ciphertexts;
        }
        const umbra_diagonal_cost cost = {.baby_ns = costs[below(&seed, 3)],
                                          .giant_ns = costs[below(&seed, 3)],
                                          .product_ns = costs[below(&seed, 3)]};
        check_map(NULL, terms, count, &to, &cost, (counts){ANY, ANY, ANY, ANY});
        for (int t = 0; t < count; t++)
            umbra_sparse_free(matrices[t]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_of_resnet20), cmocka_unit_test(composites_of_resnet20),
        cmocka_unit_test(maps_of_two_terms),        cmocka_unit_test(maps_of_several_ciphertexts),
        cmocka_unit_test(vectors_and_planes),       cmocka_unit_test(other_grids_and_gaps),
        cmocka_unit_test(pairs_are_told_apart),     cmocka_unit_test(the_cheapest_way_is_chosen),
        cmocka_unit_test(maps_of_several_images),   cmocka_unit_test(random_maps_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
