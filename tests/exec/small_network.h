/* Small networks made by hand: a residual one and a plain one, on a ring that is quick. */
#ifndef UMBRA_TESTS_EXEC_SMALL_NETWORK_H
#define UMBRA_TESTS_EXEC_SMALL_NETWORK_H

#include "check.h"

#include "graph/build.h"
#include "plan/plan_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t small_state = 7;

static inline double small_random(void)
{
    small_state = small_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(small_state >> 11) * 0x1p-52 - 1;
}

static inline umbra_shape small_shape(int rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return (umbra_shape){.rank = rank, .dim = {a, b, c, d}};
}

static inline int small_constant(umbra_graph *g, const char *name, umbra_shape shape, double scale)
{
    int index = -1;
    check_ok(umbra_graph_add_constant(g, name, &shape, UMBRA_F32, &index));
    for (int64_t i = 0; i < umbra_shape_elements(&shape); i++)
        g->values[index].f32[i] = (float)(scale * small_random());
    return index;
}

static inline int small_value(umbra_graph *g, const char *name, umbra_shape shape)
{
    int index = -1;
    check_ok(umbra_graph_add_value(g, name, &shape, UMBRA_F32, &index));
    g->values[index].range_min = 1; /* unknown */
    g->values[index].range_max = -1;
    return index;
}

/* One node with weights made up; returns its output. */
static inline int small_conv(umbra_graph *g, const char *name, int x, int64_t out, int64_t kernel,
                             int64_t stride)
{
    char text[64];
    umbra_shape in = g->values[x].shape;
    int64_t channels = in.dim[1], pad = kernel / 2;
    int64_t side = (in.dim[2] + 2 * pad - kernel) / stride + 1;
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = kernel;
    attr.strides[0] = attr.strides[1] = stride;
    for (int i = 0; i < 4; i++)
        attr.pads[i] = pad;
    snprintf(text, sizeof text, "%s.weight", name);
    int weight = small_constant(g, text, small_shape(4, out, channels, kernel, kernel),
                                1.2 / sqrt((double)(channels * kernel * kernel)));
    snprintf(text, sizeof text, "%s.bias", name);
    int bias = small_constant(g, text, small_shape(1, out, 0, 0, 0), 0.3);
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, small_shape(4, 1, out, side, side)), unused = -1;
    int inputs[3] = {x, weight, bias};
    check_ok(umbra_graph_add_node(g, UMBRA_OP_CONV, name, "Conv", inputs, 3, y, &attr, &unused));
    return y;
}

static inline int small_polynomial(umbra_graph *g, const char *name, int x)
{
    char text[64];
    umbra_attributes attr = umbra_attributes_default();
    attr.degree = 2;
    attr.coefficient[0] = 0.1;
    attr.coefficient[1] = 0.7;
    attr.coefficient[2] = 0.25;
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, g->values[x].shape), unused = -1;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_POLYNOMIAL, name, "Add", &x, 1, y, &attr, &unused));
    return y;
}

/* A polynomial of any degree with coefficients made up, that keeps [-2, 2] in about [-1, 1]. */
static inline int small_power(umbra_graph *g, const char *name, int x, int degree)
{
    char text[64];
    umbra_attributes attr = umbra_attributes_default();
    attr.degree = degree;
    for (int i = 0; i <= degree; i++)
        attr.coefficient[i] = ldexp(0.5 + 0.5 * small_random(), -i);
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, g->values[x].shape), unused = -1;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_POLYNOMIAL, name, "Add", &x, 1, y, &attr, &unused));
    return y;
}

static inline int small_add(umbra_graph *g, const char *name, int a, int b)
{
    char text[64];
    int inputs[2] = {a, b}, unused = -1;
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, g->values[a].shape);
    check_ok(umbra_graph_add_node(g, UMBRA_OP_ADD, name, "Add", inputs, 2, y, NULL, &unused));
    return y;
}

/* Any node whose shape follows from its inputs. */
static inline int small_node(umbra_graph *g, umbra_op op, const char *name, const int *inputs,
                             int count, const umbra_attributes *attr)
{
    char text[64];
    umbra_shape shape;
    int node = -1;
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, small_shape(1, 1, 0, 0, 0));
    check_ok(umbra_graph_add_node(g, op, name, umbra_op_name(op), inputs, count, y, attr, &node));
    check_ok(umbra_infer_node(g, &g->nodes[node], &shape));
    g->values[y].shape = shape;
    return y;
}

static inline umbra_graph *small_begin(int64_t channels, int64_t side, int *x)
{
    umbra_graph *g = NULL;
    check_ok(umbra_graph_new(&g));
    *x = small_value(g, "image", small_shape(4, 1, channels, side, side));
    check_ok(umbra_graph_add_input(g, *x));
    return g;
}

static inline int small_dense(umbra_graph *g, const char *name, int x, int64_t outputs)
{
    char text[64];
    int64_t in = g->values[x].shape.dim[1];
    snprintf(text, sizeof text, "%s.weight", name);
    int weight = small_constant(g, text, small_shape(2, outputs, in, 0, 0), 1.5 / sqrt((double)in));
    snprintf(text, sizeof text, "%s.bias", name);
    int bias = small_constant(g, text, small_shape(1, outputs, 0, 0, 0), 0.2);
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, small_shape(2, 1, outputs, 0, 0)), unused = -1;
    int inputs[3] = {x, weight, bias};
    check_ok(umbra_graph_add_node(g, UMBRA_OP_DENSE, name, "Gemm", inputs, 3, y, NULL, &unused));
    return y;
}

static inline int small_average_pool(umbra_graph *g, const char *name, int x)
{
    char text[64];
    umbra_shape in = g->values[x].shape;
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = attr.strides[0] = attr.strides[1] = 2;
    snprintf(text, sizeof text, "%s.out", name);
    int y = small_value(g, text, small_shape(4, 1, in.dim[1], in.dim[2] / 2, in.dim[3] / 2));
    int unused = -1;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_AVERAGE_POOL, name, "AveragePool", &x, 1, y, &attr,
                                  &unused));
    return y;
}

static inline int small_flatten(umbra_graph *g, int x)
{
    int64_t count = umbra_shape_elements(&g->values[x].shape);
    int y = small_value(g, "flat.out", small_shape(2, 1, count, 0, 0)), unused = -1;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_RESHAPE, "flat", "Flatten", &x, 1, y, NULL, &unused));
    return y;
}

/* LeNet as Latent-HE has it, on a latent of 4 x side x side; `wide` channels in the first layer. */
static inline umbra_graph *small_lenet(int64_t side, int64_t wide, int64_t hidden)
{
    int x;
    umbra_graph *g = small_begin(4, side, &x);
    x = small_polynomial(g, "act1", small_conv(g, "conv1", x, wide, 5, 1));
    x = small_average_pool(g, "pool1", x);
    x = small_polynomial(g, "act2", small_conv(g, "conv2", x, wide, 5, 1));
    x = small_flatten(g, small_average_pool(g, "pool2", x));
    x = small_polynomial(g, "act3", small_dense(g, "fc1", x, hidden));
    x = small_polynomial(g, "act4", small_dense(g, "fc2", x, hidden / 2 + 3));
    check_ok(umbra_graph_add_output(g, small_dense(g, "fc3", x, 14)));
    return g;
}

/* Global pool, flatten, dense. */
static inline int small_head(umbra_graph *g, int x, int64_t outputs)
{
    int64_t channels = g->values[x].shape.dim[1];
    int pooled = small_value(g, "pool.out", small_shape(4, 1, channels, 1, 1)), unused = -1;
    int flat = small_value(g, "flat.out", small_shape(2, 1, channels, 0, 0));
    int y = small_value(g, "logits", small_shape(2, 1, outputs, 0, 0));
    int weight = small_constant(g, "fc.weight", small_shape(2, outputs, channels, 0, 0), 1);
    int bias = small_constant(g, "fc.bias", small_shape(1, outputs, 0, 0, 0), 0.2);
    int inputs[3] = {flat, weight, bias};
    check_ok(umbra_graph_add_node(g, UMBRA_OP_GLOBAL_AVERAGE_POOL, "pool", "GlobalAveragePool", &x,
                                  1, pooled, NULL, &unused));
    check_ok(umbra_graph_add_node(g, UMBRA_OP_RESHAPE, "flat", "Flatten", &pooled, 1, flat, NULL,
                                  &unused));
    check_ok(umbra_graph_add_node(g, UMBRA_OP_DENSE, "fc", "Gemm", inputs, 3, y, NULL, &unused));
    return y;
}

/* conv, act, [conv, act, conv, + ] , strided block, head: what ResNet is made of. */
static inline umbra_graph *small_residual(void)
{
    int x;
    umbra_graph *g = small_begin(2, 8, &x);
    int stem = small_polynomial(g, "act0", small_conv(g, "stem", x, 4, 3, 1));
    int u = small_polynomial(g, "act1", small_conv(g, "a1", stem, 4, 3, 1));
    int r = small_add(g, "sum1", small_conv(g, "a2", u, 4, 3, 1), stem);
    u = small_polynomial(g, "act2", small_conv(g, "b1", r, 8, 3, 2));
    r = small_add(g, "sum2", small_conv(g, "b2", u, 8, 3, 1), small_conv(g, "b3", r, 8, 1, 2));
    check_ok(umbra_graph_add_output(g, small_head(g, r, 5)));
    return g;
}

/* A squeeze-and-excitation block with a cubic and a gate of degree 7. */
static inline umbra_graph *small_gated(void)
{
    int x, unused = -1;
    umbra_graph *g = small_begin(2, 8, &x);
    x = small_power(g, "act1", small_conv(g, "conv1", x, 4, 3, 1), 3);
    x = small_conv(g, "conv2", x, 4, 3, 1);
    int mean = small_value(g, "mean.out", small_shape(4, 1, 4, 1, 1));
    check_ok(umbra_graph_add_node(g, UMBRA_OP_GLOBAL_AVERAGE_POOL, "mean", "GlobalAveragePool", &x,
                                  1, mean, NULL, &unused));
    int gate = small_power(g, "gate", small_conv(g, "squeeze", mean, 4, 1, 1), 7);
    x = small_node(g, UMBRA_OP_MUL, "gated", (int[2]){x, gate}, 2, NULL);
    check_ok(umbra_graph_add_output(g, small_head(g, x, 5)));
    return g;
}

/* Down and up again with a skip, and an image as the answer. */
static inline umbra_graph *small_unet(void)
{
    int x;
    umbra_graph *g = small_begin(1, 16, &x);
    umbra_attributes attr = umbra_attributes_default();
    int skip = small_polynomial(g, "act1", small_conv(g, "down", x, 3, 3, 1));
    x = small_average_pool(g, "pool", skip);
    x = small_polynomial(g, "act2", small_conv(g, "bottom", x, 5, 3, 1));
    attr.kernel[0] = attr.kernel[1] = attr.strides[0] = attr.strides[1] = 2;
    int weight = small_constant(g, "raise.weight", small_shape(4, 5, 3, 2, 2), 0.5);
    x = small_node(g, UMBRA_OP_CONV_TRANSPOSE, "raise", (int[2]){x, weight}, 2, &attr);
    attr.axis = 1;
    x = small_node(g, UMBRA_OP_CONCAT, "both", (int[2]){skip, x}, 2, &attr);
    x = small_polynomial(g, "act3", small_conv(g, "up", x, 3, 3, 1));
    check_ok(umbra_graph_add_output(g, small_conv(g, "head", x, 1, 1, 1)));
    return g;
}

/* Two planes of 64 x 64, which on a small ring are two ciphertexts. */
static inline umbra_graph *small_planes(void)
{
    int x;
    umbra_graph *g = small_begin(1, 64, &x);
    x = small_polynomial(g, "act", small_conv(g, "conv1", x, 2, 3, 1));
    check_ok(umbra_graph_add_output(g, small_conv(g, "conv2", x, 2, 1, 1)));
    return g;
}

/* One channel, so that no errors meet that have a cause in common, and weights of one size. */
#define SMALL_FILTER_WEIGHT 0.3f
#define SMALL_FILTER_SIDE 64
static inline umbra_graph *small_filter(void)
{
    int x;
    umbra_graph *g = small_begin(1, SMALL_FILTER_SIDE, &x);
    x = small_conv(g, "conv1", x, 1, 3, 1);
    for (int i = 0; i < g->value_count; i++)
        for (int k = 0; k < 9 && strcmp(g->values[i].name, "conv1.weight") == 0; k++)
            g->values[i].f32[k] = copysignf(SMALL_FILTER_WEIGHT, g->values[i].f32[k]);
    x = small_polynomial(g, "act", x);
    check_ok(umbra_graph_add_output(g, small_conv(g, "conv2", x, 1, 1, 1)));
    return g;
}

/* One activation only: the least that is not linear. */
static inline umbra_graph *small_plain(void)
{
    int x;
    umbra_graph *g = small_begin(1, 8, &x);
    int u = small_polynomial(g, "act", small_conv(g, "conv", x, 4, 3, 2));
    check_ok(umbra_graph_add_output(g, small_head(g, u, 3)));
    return g;
}

static inline void small_image(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)small_random();
}

static inline umbra_plan *small_compile(const umbra_graph *g)
{
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 4, .threads = 2};
    check_ok(umbra_plan_compile(&plan, g, &model, &options));
    return plan;
}

/* What follows from decisions that a test has changed. */
static inline void finish_again(umbra_plan *plan)
{
    umbra_build_free(&plan->build);
    umbra_simulation_free(&plan->simulation);
    check_ok(umbra_plan_finish(plan, NULL));
}

/* Maps read a scale so low that the errors of rotations rule. No search decides so. */
static inline void small_let_rotations_rule(umbra_plan *plan)
{
    plan->decisions.guard_bits = -6;
    plan->decisions.weight_bits += 16; /* the primes stay: else the map's inputs were raised */
    finish_again(plan);
}

#endif
