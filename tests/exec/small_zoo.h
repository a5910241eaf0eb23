/* The networks of the latent-classification paper with few channels, on small latents. */
#ifndef UMBRA_TESTS_EXEC_SMALL_ZOO_H
#define UMBRA_TESTS_EXEC_SMALL_ZOO_H

#include "small_network.h"

typedef struct zoo_conv {
    int64_t out, kernel, stride, pad, groups;
    bool bias;
} zoo_conv;

static inline int zoo_add_conv(umbra_graph *g, const char *name, int x, zoo_conv c)
{
    char text[64];
    int inputs[3] = {x, -1, -1};
    int64_t channels = g->values[x].shape.dim[1] / c.groups;
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = c.kernel;
    attr.strides[0] = attr.strides[1] = c.stride;
    attr.groups = c.groups;
    for (int i = 0; i < 4; i++)
        attr.pads[i] = c.pad;
    snprintf(text, sizeof text, "%s.weight", name);
    inputs[1] = small_constant(g, text, small_shape(4, c.out, channels, c.kernel, c.kernel),
                               1.2 / sqrt((double)(channels * c.kernel * c.kernel)));
    snprintf(text, sizeof text, "%s.bias", name);
    if (c.bias)
        inputs[2] = small_constant(g, text, small_shape(1, c.out, 0, 0, 0), 0.3);
    return small_node(g, UMBRA_OP_CONV, name, inputs, c.bias ? 3 : 2, &attr);
}

/* Scale, bias, mean, variance, as they stand before any folding. */
static inline int zoo_batch_norm(umbra_graph *g, const char *name, int x)
{
    char text[64];
    int inputs[5] = {x};
    int64_t channels = g->values[x].shape.dim[1];
    for (int k = 1; k < 5; k++) {
        snprintf(text, sizeof text, "%s.%d", name, k);
        inputs[k] = small_constant(g, text, small_shape(1, channels, 0, 0, 0), k == 1 ? 0.3 : 0.2);
        for (int64_t c = 0; c < channels && (k == 1 || k == 4); c++)
            g->values[inputs[k]].f32[c] += 1;
    }
    return small_node(g, UMBRA_OP_BATCH_NORM, name, inputs, 5, NULL);
}

static inline int zoo_global_pool(umbra_graph *g, int x)
{
    int64_t channels = g->values[x].shape.dim[1];
    int y = small_value(g, "mean.out", small_shape(4, 1, channels, 1, 1)), unused = -1;
    check_ok(umbra_graph_add_node(g, UMBRA_OP_GLOBAL_AVERAGE_POOL, "mean", "GlobalAveragePool", &x,
                                  1, y, NULL, &unused));
    return small_flatten(g, y);
}

/* 5x5 convolutions, the second in groups; padded where the latent is too small for three. */
static inline int zoo_lenet(umbra_graph *g, int x, int64_t labels)
{
    int64_t pad = g->values[x].shape.dim[2] < 28 ? 2 : 0;
    x = small_polynomial(g, "act1", zoo_add_conv(g, "conv1", x, (zoo_conv){4, 5, 1, pad, 1, true}));
    x = small_average_pool(g, "pool1", x);
    x = small_polynomial(g, "act2", zoo_add_conv(g, "conv2", x, (zoo_conv){8, 5, 1, pad, 4, true}));
    x = small_average_pool(g, "pool2", x);
    x = small_polynomial(g, "act3",
                         zoo_add_conv(g, "conv3", x, (zoo_conv){12, 5, 1, pad, 1, true}));
    x = small_polynomial(g, "act4", small_dense(g, "hidden", zoo_global_pool(g, x), 8));
    return small_dense(g, "fc", x, labels);
}

/* 3x3 convolutions without biases, three of four in groups, a pool after each. */
static inline int zoo_vgg5(umbra_graph *g, int x, int64_t labels)
{
    static const int64_t widths[4] = {4, 8, 16, 16};
    char name[4][16];
    for (int i = 0; i < 4; i++) {
        snprintf(name[0], sizeof name[0], "conv%d", i);
        snprintf(name[1], sizeof name[1], "act%d", i);
        snprintf(name[2], sizeof name[2], "pool%d", i);
        x = zoo_add_conv(g, name[0], x, (zoo_conv){widths[i], 3, 1, 1, i == 0 ? 1 : 4, false});
        x = small_average_pool(g, name[2], small_polynomial(g, name[1], x));
    }
    return small_dense(g, "fc", small_flatten(g, x), labels);
}

/* Unpadded 3x3 convolutions with batch norm; planes of odd sizes. */
static inline int zoo_hefnet(umbra_graph *g, int x, int64_t labels)
{
    static const int64_t widths[4] = {4, 8, 8, 8};
    int64_t side = g->values[x].shape.dim[2];
    char name[4][16];
    for (int i = 0; i < 4; i++) {
        int64_t kernel = i == 3 && side <= 16 ? 1 : 3;
        snprintf(name[0], sizeof name[0], "conv%d", i);
        snprintf(name[1], sizeof name[1], "norm%d", i);
        snprintf(name[2], sizeof name[2], "act%d", i);
        snprintf(name[3], sizeof name[3], "pool%d", i);
        x = zoo_add_conv(g, name[0], x, (zoo_conv){widths[i], kernel, 1, 0, i == 0 ? 1 : 4, true});
        x = small_polynomial(g, name[2], zoo_batch_norm(g, name[1], x));
        if (i > 0)
            x = small_average_pool(g, name[3], x);
    }
    return small_dense(g, "fc", small_flatten(g, x), labels);
}

/* 6n + 2 layers in three stages; shortcuts of 1x1 with stride 2; no activation after the sum. */
static inline int zoo_resnet(umbra_graph *g, int x, int n, int64_t labels)
{
    char name[5][24];
    x = zoo_batch_norm(g, "norm", zoo_add_conv(g, "stem", x, (zoo_conv){4, 3, 1, 1, 1, false}));
    x = small_polynomial(g, "act", x);
    for (int i = 0; i < 3 * n; i++) {
        int64_t stride = i > 0 && i % n == 0 ? 2 : 1, width = (int64_t)4 << (i / n);
        for (int k = 0; k < 5; k++)
            snprintf(name[k], sizeof name[k], "block%d.%d", i, k);
        int u = zoo_add_conv(g, name[0], x, (zoo_conv){width, 3, stride, 1, 1, true});
        u = zoo_add_conv(g, name[2], small_polynomial(g, name[1], u),
                         (zoo_conv){width, 3, 1, 1, 1, true});
        if (stride != 1)
            x = zoo_add_conv(g, name[3], x, (zoo_conv){width, 1, stride, 0, 1, true});
        x = small_add(g, name[4], x, u);
    }
    return small_dense(g, "fc", zoo_global_pool(g, x), labels);
}

static inline int zoo_pair(umbra_graph *g, const char *name, int x, int64_t width)
{
    char text[32];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s.conv%d", name, i);
        x = zoo_add_conv(g, text, x, (zoo_conv){width, 3, 1, 1, 1, true});
        umbra_attributes attr = umbra_attributes_default();
        attr.degree = 2;
        attr.coefficient[2] = 1;
        snprintf(text, sizeof text, "%s.square%d", name, i);
        int y = small_value(g, text, g->values[x].shape), unused = -1;
        check_ok(
            umbra_graph_add_node(g, UMBRA_OP_POLYNOMIAL, text, "Mul", &x, 1, y, &attr, &unused));
        x = y;
    }
    return x;
}

static inline int zoo_raise_and_join(umbra_graph *g, const char *name, int skip, int x)
{
    char text[32];
    int64_t out = g->values[skip].shape.dim[1], in = g->values[x].shape.dim[1];
    umbra_attributes attr = umbra_attributes_default();
    attr.kernel[0] = attr.kernel[1] = attr.strides[0] = attr.strides[1] = 2;
    snprintf(text, sizeof text, "%s.weight", name);
    int weight = small_constant(g, text, small_shape(4, in, out, 2, 2), 1 / sqrt((double)in));
    x = small_node(g, UMBRA_OP_CONV_TRANSPOSE, name, (int[2]){x, weight}, 2, &attr);
    attr.axis = 1;
    snprintf(text, sizeof text, "%s.join", name);
    return small_node(g, UMBRA_OP_CONCAT, text, (int[2]){skip, x}, 2, &attr);
}

/* Ten squares; two levels down and up; the output is an image. */
static inline int zoo_unet(umbra_graph *g, int x)
{
    int first = zoo_pair(g, "down1", x, 2);
    int second = zoo_pair(g, "down2", small_average_pool(g, "pool1", first), 3);
    x = zoo_pair(g, "bottom", small_average_pool(g, "pool2", second), 4);
    x = zoo_pair(g, "up2", zoo_raise_and_join(g, "raise2", second, x), 3);
    x = zoo_pair(g, "up1", zoo_raise_and_join(g, "raise1", first, x), 2);
    return zoo_add_conv(g, "head", x, (zoo_conv){1, 1, 1, 0, 1, true});
}

#endif
