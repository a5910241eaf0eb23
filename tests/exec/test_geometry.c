/* Shapes beyond square images: sequences, windows of unequal sides, means over one axis; on slots
 * and encrypted. */
#include "check_slots.h"
#include "exec_session.h"
#include "small_network.h"

/* Sides of a window in rows and columns. */
typedef struct window {
    int64_t kernel[2], strides[2], dilations[2], pads[4], groups;
} window;

static umbra_attributes attributes_of(const window *w)
{
    umbra_attributes attr = umbra_attributes_default();
    for (int i = 0; i < 2; i++) {
        attr.kernel[i] = w->kernel[i];
        attr.strides[i] = w->strides[i];
        attr.dilations[i] = w->dilations[i];
    }
    for (int i = 0; i < 4; i++)
        attr.pads[i] = w->pads[i];
    attr.groups = w->groups;
    return attr;
}

/* Of a sequence [1, C, L] or an image. */
static int add_conv(umbra_graph *g, const char *name, int x, int64_t out, const window *w)
{
    char text[64];
    umbra_attributes attr = attributes_of(w);
    umbra_shape in = g->values[x].shape;
    int64_t channels = in.dim[1] / w->groups, taps = w->kernel[0] * w->kernel[1];
    umbra_shape shape =
        small_shape(in.rank, out, channels, w->kernel[0], in.rank == 4 ? w->kernel[1] : 0);
    snprintf(text, sizeof text, "%s.weight", name);
    int weight = small_constant(g, text, shape, 1.2 / sqrt((double)(channels * taps)));
    snprintf(text, sizeof text, "%s.bias", name);
    int bias = small_constant(g, text, small_shape(1, out, 0, 0, 0), 0.3);
    return small_node(g, UMBRA_OP_CONV, name, (int[3]){x, weight, bias}, 3, &attr);
}

static int add_mean(umbra_graph *g, const char *name, int x, int64_t axis, bool keep)
{
    umbra_attributes attr = umbra_attributes_default();
    attr.axes[0] = axis;
    attr.axes_count = 1;
    attr.keep_dims = keep;
    return small_node(g, UMBRA_OP_REDUCE_MEAN, name, &x, 1, &attr);
}

static umbra_graph *begin_sequence(int64_t channels, int64_t length, int *x)
{
    umbra_graph *g = NULL;
    check_ok(umbra_graph_new(&g));
    *x = small_value(g, "sequence", small_shape(3, 1, channels, length, 0));
    check_ok(umbra_graph_add_input(g, *x));
    return g;
}

/* Even and odd lengths, a stride, a dilation, groups, pads on one side only. */
static umbra_graph *sequence(int *output)
{
    static const window first = {{5, 1}, {1, 1}, {1, 1}, {2, 0, 2, 0}, 1};
    static const window second = {{3, 1}, {2, 1}, {1, 1}, {0, 0, 1, 0}, 2};
    static const window third = {{3, 1}, {1, 1}, {2, 1}, {0, 0, 0, 0}, 1};
    int x;
    umbra_graph *g = begin_sequence(2, 61, &x);
    x = small_polynomial(g, "act1", add_conv(g, "conv1", x, 4, &first));
    x = small_polynomial(g, "act2", add_conv(g, "conv2", x, 6, &second));
    x = add_conv(g, "conv3", x, 3, &third);
    *output = small_dense(g, "fc", add_mean(g, "mean", x, 2, false), 5);
    return g;
}

/* A plane that shrinks by rows and columns at different pace. */
static umbra_graph *unequal(int *output)
{
    static const window first = {{3, 5}, {2, 1}, {1, 1}, {1, 2, 1, 2}, 1};
    static const window pool = {{1, 2}, {1, 2}, {1, 1}, {0, 0, 0, 0}, 1};
    static const window second = {{2, 3}, {1, 3}, {2, 1}, {0, 1, 2, 0}, 1};
    umbra_attributes attr = attributes_of(&pool);
    int x;
    umbra_graph *g = small_begin(2, 16, &x);
    x = small_polynomial(g, "act1", add_conv(g, "conv1", x, 4, &first));
    x = small_node(g, UMBRA_OP_AVERAGE_POOL, "pool", &x, 1, &attr);
    x = small_polynomial(g, "act2", add_conv(g, "conv2", x, 4, &second));
    *output = small_dense(g, "fc", small_flatten(g, x), 5);
    return g;
}

/* Of 8 x 8 planes of four channels; the axis is of channels, rows or columns. */
static umbra_graph *mean_over(int64_t axis, int *output)
{
    static const window first = {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1};
    static const window second = {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1};
    int x;
    umbra_graph *g = small_begin(2, 8, &x);
    x = small_polynomial(g, "act1", add_conv(g, "conv1", x, 4, &first));
    x = add_mean(g, "mean", x, axis, true);
    x = small_polynomial(g, "act2", add_conv(g, "conv2", x, 4, &second));
    *output = small_dense(g, "fc", small_flatten(g, x), 5);
    return g;
}

static void check_both(umbra_graph *(*make)(int *output))
{
    int output;
    umbra_graph *g = make(&output);
    check_slots(g, output);
    g = make(&output);
    check_ok(umbra_graph_add_output(g, output));
    check_network(g);
}

static void sequences_run_encrypted(void **state)
{
    (void)state;
    check_both(sequence);
}

static void windows_of_unequal_sides_run_encrypted(void **state)
{
    (void)state;
    check_both(unequal);
}

static umbra_graph *mean_over_channels(int *output)
{
    return mean_over(1, output);
}

static umbra_graph *mean_over_rows(int *output)
{
    return mean_over(2, output);
}

static umbra_graph *mean_over_columns(int *output)
{
    return mean_over(3, output);
}

static void means_over_one_axis_run_encrypted(void **state)
{
    (void)state;
    check_both(mean_over_channels);
    check_both(mean_over_rows);
    check_both(mean_over_columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_run_encrypted),
        cmocka_unit_test(windows_of_unequal_sides_run_encrypted),
        cmocka_unit_test(means_over_one_axis_run_encrypted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
