/* Convolutions and pools of all kinds, for the tests of sparse matrices. */
#ifndef UMBRA_TESTS_SPARSE_WINDOWS_H
#define UMBRA_TESTS_SPARSE_WINDOWS_H

#include "sparse_nodes.h"

typedef struct window_spec {
    umbra_op op;
    int64_t in, out, groups, height, width, kernel[2], stride[2], dilation[2], pad[4], extra[2];
    int include_pad, rank, bias;
} window_spec;

static inline umbra_graph *window_graph(const window_spec *s)
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

#endif
