/* The intermediate representation: a list of nodes in execution order over float32 tensors. */
#ifndef UMBRA_GRAPH_IR_H
#define UMBRA_GRAPH_IR_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UMBRA_MAX_RANK 6
#define UMBRA_MAX_ELEMENTS ((int64_t)1 << 28) /* of one tensor; larger ones are refused */

/* Row-major dimensions, N C H W for images; every dimension is known (a symbolic batch is 1).
 * Rank -1 is an unknown shape: only what follows an UNKNOWN node has it. */
typedef struct umbra_shape {
    int rank;
    int64_t dim[UMBRA_MAX_RANK];
} umbra_shape;

typedef enum umbra_data_type { UMBRA_F32, UMBRA_I64 } umbra_data_type;

/* A tensor: a graph input, a constant, or the output of one node. */
typedef struct umbra_value {
    char *name; /* the ONNX name, unique in the graph */
    umbra_shape shape;
    umbra_data_type type;
    float *f32;   /* constant data, owned by the graph; NULL when not a float constant */
    int64_t *i64; /* constant data of shapes, axes and pads; NULL when not such a constant */
    int producer; /* node index, -1 for graph inputs and constants */
    double range_min, range_max; /* from calibration; range_min > range_max when unknown */
    /* From calibration, owned by the graph: means by channel, then as many mean squares; NULL when
     * unknown. One channel stands for the whole tensor where moment_channels is 1. */
    double *moments;
    int moment_channels;
    double usual_most; /* largest absolute value of an input, of nearly all inputs; 0: unknown */
} umbra_value;

typedef enum umbra_op {
    UMBRA_OP_CONV,           /* x, weight [O,I/g,kh,kw], optional bias; conv attributes */
    UMBRA_OP_CONV_TRANSPOSE, /* as CONV, weight [I,O/g,kh,kw], plus output_padding */
    UMBRA_OP_DENSE,      /* x [..,i], weight [o,i], optional bias [o] (Gemm, MatMul by constant) */
    UMBRA_OP_MATMUL,     /* two computed tensors, batched over leading dimensions */
    UMBRA_OP_BATCH_NORM, /* x, scale, bias, mean, variance; epsilon */
    UMBRA_OP_INSTANCE_NORM, /* x, scale, bias; epsilon */
    UMBRA_OP_ADD,           /* numpy broadcasting for the four arithmetic ones */
    UMBRA_OP_SUB,
    UMBRA_OP_MUL,
    UMBRA_OP_DIV,
    UMBRA_OP_POW,          /* x, constant exponent */
    UMBRA_OP_POLYNOMIAL,   /* x; coefficient[0] + coefficient[1] x + ... , degree attribute */
    UMBRA_OP_AVERAGE_POOL, /* x; kernel, strides, pads, count_include_pad */
    UMBRA_OP_MAX_POOL,
    UMBRA_OP_GLOBAL_AVERAGE_POOL,
    UMBRA_OP_REDUCE_MEAN, /* x; axes, keep_dims */
    UMBRA_OP_RELU,
    UMBRA_OP_SIGMOID,
    UMBRA_OP_SILU,
    UMBRA_OP_TANH,
    UMBRA_OP_SOFTMAX,   /* x; axis */
    UMBRA_OP_RESHAPE,   /* x; the output's shape is the target (Flatten, Squeeze, Unsqueeze) */
    UMBRA_OP_TRANSPOSE, /* x; permutation */
    UMBRA_OP_PAD,       /* x; pads_full (zeros only) */
    UMBRA_OP_CONCAT,    /* inputs; axis */
    UMBRA_OP_SLICE,     /* x; begin, step per dimension; the output's shape gives the counts */
    UMBRA_OP_GATHER, /* x, constant i64 indices [n], each in 0 .. dim-1 of the axis; axis: element k
                        of the output along the axis is element indices[k] of x, the other
                        dimensions stay. Resize (nearest), Pad by edges or reflection, Gather,
                        repeats */
    UMBRA_OP_UNKNOWN, /* kept by name so that every offender can be listed */
    UMBRA_OP_COUNT
} umbra_op;

#define UMBRA_MAX_DEGREE 16

typedef struct umbra_attributes {
    int64_t kernel[2], strides[2], dilations[2];
    int64_t pads[4]; /* top, left, bottom, right */
    int64_t output_padding[2];
    int64_t groups;
    bool count_include_pad, keep_dims;
    double epsilon;
    int64_t axis;
    int64_t axes[UMBRA_MAX_RANK];
    int axes_count;
    int64_t permutation[UMBRA_MAX_RANK];
    int64_t pads_full[2 * UMBRA_MAX_RANK]; /* begins of every dimension, then ends */
    int64_t begin[UMBRA_MAX_RANK], step[UMBRA_MAX_RANK];
    int degree;
    double coefficient[UMBRA_MAX_DEGREE + 1];
} umbra_attributes;

typedef struct umbra_node {
    umbra_op op;
    char *name;    /* ONNX node name, or its output's name when it has none */
    char *op_type; /* ONNX operator as written in the file, for messages */
    int *inputs;   /* value indices; -1 for an optional input left out */
    int input_count;
    int output; /* value index */
    char *note; /* why an UNKNOWN node is one, for messages; may be NULL */
    umbra_attributes attr;
} umbra_node;

/* Owned by the caller of umbra_graph_import; free with umbra_graph_free.
 * Nodes stand in an order in which every input is computed before it is used. */
typedef struct umbra_graph {
    umbra_value *values;
    int value_count;
    size_t value_capacity;
    umbra_node *nodes;
    int node_count;
    size_t node_capacity;
    int *inputs; /* value indices of the graph's inputs that are not constants */
    int input_count;
    size_t input_capacity;
    int *outputs;
    int output_count;
    size_t output_capacity;
    int generated_names; /* made so far by passes, so that the next one differs */
    int64_t
        constant_words; /* 4-byte words of all constants ever added, at most UMBRA_MAX_ELEMENTS */
} umbra_graph;

void umbra_graph_free(umbra_graph *graph);
const char *umbra_op_name(umbra_op op);
/* Number of elements, or -1 where the product overflows or exceeds UMBRA_MAX_ELEMENTS. */
int64_t umbra_shape_elements(const umbra_shape *shape);
/* What moments are counted by: dimension 1 of an image or a sequence, the last one of a vector. */
int64_t umbra_value_channels(const umbra_value *value);
int umbra_graph_find_value(const umbra_graph *graph, const char *name); /* -1: none */

#endif
