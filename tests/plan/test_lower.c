/* Lowering keeps the function: programs on slots against the network in floats, for every kind of
 * node and the ways in which they meet. */
#include "../exec/check_slots.h"

static int concat(umbra_graph *g, const char *name, int a, int b)
{
    umbra_attributes attr = umbra_attributes_default();
    attr.axis = 1;
    return small_node(g, UMBRA_OP_CONCAT, name, (int[2]){a, b}, 2, &attr);
}

/* Channels begin .. begin + count - 1. */
static int channels(umbra_graph *g, const char *name, int x, int64_t begin, int64_t count)
{
    umbra_attributes attr = umbra_attributes_default();
    umbra_shape shape = g->values[x].shape;
    int unused = -1;
    for (int i = 0; i < shape.rank; i++)
        attr.step[i] = 1;
    attr.begin[1] = begin;
    shape.dim[1] = count;
    int y = small_value(g, name, shape);
    check_ok(umbra_graph_add_node(g, UMBRA_OP_SLICE, name, "Slice", &x, 1, y, &attr, &unused));
    return y;
}

static int raise(umbra_graph *g, const char *name, int x, int64_t out)
{
    char text[64];
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = attr.strides[0] = attr.strides[1] = 2;
    snprintf(text, sizeof text, "%s.weight", name);
    int weight = small_constant(g, text, small_shape(4, g->values[x].shape.dim[1], out, 2, 2), 0.5);
    snprintf(text, sizeof text, "%s.bias", name);
    int bias = small_constant(g, text, small_shape(1, out, 0, 0, 0), 0.3);
    return small_node(g, UMBRA_OP_CONV_TRANSPOSE, name, (int[3]){x, weight, bias}, 3, &attr);
}

/* Two levels down and up again, skips concatenated, an image as the output. */
static void test_unet(void **state)
{
    (void)state;
    int x;
    umbra_graph *g = small_begin(1, 8, &x);
    int first = small_polynomial(g, "act1", small_conv(g, "down1", x, 3, 3, 1));
    x = small_average_pool(g, "pool1", first);
    int second = small_polynomial(g, "act2", small_conv(g, "down2", x, 4, 3, 1));
    x = small_average_pool(g, "pool2", second);
    x = small_polynomial(g, "act3", small_conv(g, "bottom", x, 6, 3, 1));
    x = concat(g, "cat2", second, raise(g, "raise2", x, 4));
    x = small_polynomial(g, "act4", small_conv(g, "up2", x, 4, 3, 1));
    x = concat(g, "cat1", first, raise(g, "raise1", x, 3));
    x = small_polynomial(g, "act5", small_conv(g, "up1", x, 3, 3, 1));
    assert_int_equal(check_slots(g, small_conv(g, "head", x, 1, 1, 1)).depth, 6);
}

/* Split, branches, concatenated in turned order, a difference, and a sum with three readers. */
static void test_branches(void **state)
{
    (void)state;
    int x;
    umbra_graph *g = small_begin(4, 8, &x);
    int stem = small_conv(g, "stem", x, 4, 3, 1);
    int low = channels(g, "low", stem, 0, 2), high = channels(g, "high", stem, 2, 2);
    int a = small_polynomial(g, "act_a", small_conv(g, "a", low, 3, 3, 1));
    int b = small_polynomial(g, "act_b", small_conv(g, "b", high, 3, 1, 1));
    int difference = small_node(g, UMBRA_OP_SUB, "difference", (int[2]){a, b}, 2, NULL);
    int both = concat(g, "both", b, difference);
    int c = small_polynomial(g, "act_c", small_conv(g, "c", both, 6, 3, 1));
    int sum = small_add(g, "sum", c, both);
    int d = small_polynomial(g, "act_d", small_conv(g, "d", sum, 6, 3, 1));
    check_slots(g, small_head(g, small_add(g, "last", small_add(g, "twice", d, sum), sum), 5));
}

/* Transposed, flipped, padded, enlarged, and scaled by a whole tensor. */
static void test_moves(void **state)
{
    (void)state;
    int x, in[2];
    umbra_graph *g = small_begin(2, 8, &x);
    umbra_attributes attr = umbra_attributes_default();
    const int64_t turned[4] = {0, 1, 3, 2};
    memcpy(attr.permutation, turned, sizeof turned);
    x = small_node(g, UMBRA_OP_TRANSPOSE, "turn", &x, 1, &attr);
    x = small_polynomial(g, "act1", small_conv(g, "conv1", x, 4, 3, 2));
    in[0] = x;
    for (int axis = 2; axis <= 3; axis++) {
        char name[16];
        snprintf(name, sizeof name, "twice%d", axis);
        in[1] = -1;
        check_ok(umbra_graph_add_constant(g, axis == 2 ? "rows" : "columns",
                                          &(umbra_shape){.rank = 1, .dim = {8}}, UMBRA_I64,
                                          &in[1]));
        for (int i = 0; i < 8; i++)
            g->values[in[1]].i64[i] = i / 2;
        attr.axis = axis;
        in[0] = small_node(g, UMBRA_OP_GATHER, name, in, 2, &attr);
    }
    in[1] = small_constant(g, "plane", small_shape(2, 8, 8, 0, 0), 1);
    x = small_node(g, UMBRA_OP_MUL, "mask", in, 2, NULL);
    in[0] = small_constant(g, "row", small_shape(1, 8, 0, 0, 0), 1);
    in[1] = small_conv(g, "conv2", x, 3, 3, 1);
    x = small_polynomial(g, "act2", small_node(g, UMBRA_OP_SUB, "from", in, 2, NULL));
    attr = umbra_attributes_default();
    attr.pads_full[2] = attr.pads_full[UMBRA_MAX_RANK + 3] = 1;
    x = small_node(g, UMBRA_OP_PAD, "pad", &x, 1, &attr);
    check_slots(g, small_conv(g, "conv3", x, 2, 3, 1));
}

/* A vector becomes an image that is larger than the input. */
static void test_decoder(void **state)
{
    (void)state;
    int x, unused = -1;
    umbra_graph *g = small_begin(2, 4, &x);
    x = small_dense(g, "fc", small_flatten(g, x), 4 * 4 * 4);
    int image = small_value(g, "image.out", small_shape(4, 1, 4, 4, 4));
    check_ok(
        umbra_graph_add_node(g, UMBRA_OP_RESHAPE, "view", "Reshape", &x, 1, image, NULL, &unused));
    x = small_polynomial(g, "act1", image);
    x = small_polynomial(g, "act2", raise(g, "raise1", x, 3));
    check_slots(g, raise(g, "raise2", x, 1));
}

/* Degrees three and four take one level more than a square, five to eight two; a rest that is added
 * first may take another. */
static void test_polynomials(void **state)
{
    (void)state;
    for (int degree = 3; degree <= UMBRA_MAX_DEGREE; degree++) {
        int x, least = degree <= 4 ? 3 : degree <= 8 ? 4 : 5;
        umbra_graph *g = small_begin(1, 4, &x);
        x = small_power(g, "act", small_conv(g, "conv", x, 2, 3, 1), degree);
        if (degree % 2 == 0) /* a range that is known sets the interval */
            g->values[g->nodes[1].inputs[0]].range_max = 1.5;
        if (degree % 2 == 0)
            g->values[g->nodes[1].inputs[0]].range_min = -1.5;
        int depth = check_slots(g, small_head(g, x, 3)).depth;
        assert_true(depth == least || (degree > 3 && depth == least + 1));
    }
}

/* Coefficients that are zero: even, odd, and a leading one. */
static void test_sparse_polynomials(void **state)
{
    (void)state;
    for (int kept = 0; kept < 3; kept++) {
        int x;
        umbra_graph *g = small_begin(1, 4, &x);
        x = small_power(g, "act", small_conv(g, "conv", x, 2, 3, 1), 8);
        double *c = g->nodes[1].attr.coefficient;
        for (int i = 0; i <= 8; i++)
            c[i] = (kept < 2 && i % 2 != kept) || (kept == 2 && i > 5) ? 0 : c[i];
        check_slots(g, small_head(g, x, 3));
    }
}

static void test_gates(void **state)
{
    (void)state;
    umbra_graph *g = small_gated();
    int output = g->outputs[0];
    g->output_count = 0;
    check_slots(g, output);
}

/* Factors from different depths; one value as both factors; a constant and a gate on the left. */
static void test_products(void **state)
{
    (void)state;
    int x;
    umbra_graph *g = small_begin(2, 8, &x);
    int stem = small_conv(g, "stem", x, 4, 3, 1);
    int deep = small_polynomial(g, "act1", small_conv(g, "conv1", stem, 4, 3, 1));
    deep = small_polynomial(g, "act2", small_conv(g, "conv2", deep, 4, 3, 1));
    int product = small_node(g, UMBRA_OP_MUL, "product", (int[2]){deep, stem}, 2, NULL);
    int twice = small_node(g, UMBRA_OP_MUL, "twice", (int[2]){product, product}, 2, NULL);
    int low = small_conv(g, "low", small_add(g, "sum", twice, product), 3, 3, 2);
    int gate = small_conv(g, "gate", low, 1, 1, 1);
    int gated = small_node(g, UMBRA_OP_MUL, "gated", (int[2]){gate, low}, 2, NULL);
    check_slots(g, small_head(g, gated, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unet),        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_moves),       cmocka_unit_test(test_decoder),
        cmocka_unit_test(test_polynomials), cmocka_unit_test(test_sparse_polynomials),
        cmocka_unit_test(test_gates),       cmocka_unit_test(test_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
