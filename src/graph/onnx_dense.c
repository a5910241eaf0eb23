/* ONNX matrix products: Gemm and MatMul become DENSE where the matrix is a constant. */
#include "graph/onnx_internal.h"

#include <string.h>

static umbra_status transpose(umbra_onnx_node *node, int value, const char *suffix, int *out)
{
    umbra_attributes attr = umbra_attributes_default();
    char name[UMBRA_ONNX_MAX_NAME + 64];
    attr.permutation[0] = 1;
    UMBRA_TRY(umbra_onnx_fresh_name(node, suffix, name));
    return umbra_onnx_emit(node, UMBRA_OP_TRANSPOSE, &attr, &value, 1, name, NULL, out);
}

/* A new constant: factor times a matrix, transposed where asked. */
static umbra_status scaled_weights(umbra_onnx_node *node, int matrix, bool transposed,
                                   double factor, int *out)
{
    umbra_graph *graph = node->graph;
    umbra_shape from = graph->values[matrix].shape, to = from;
    if (transposed)
        to = (umbra_shape){.rank = 2, .dim = {from.dim[1], from.dim[0]}};
    UMBRA_TRY(umbra_constant_as_f32(graph, matrix));
    UMBRA_TRY(umbra_onnx_new_constant(node, "/weight", &to, UMBRA_F32, out));
    const float *in = graph->values[matrix].f32;
    float *w = graph->values[*out].f32;
    for (int64_t i = 0; i < to.dim[0]; i++)
        for (int64_t k = 0; k < to.dim[1]; k++)
            w[i * to.dim[1] + k] =
                (float)(factor * (double)in[transposed ? k * to.dim[0] + i : i * to.dim[1] + k]);
    return UMBRA_OK;
}

/* beta * C as one number an output feature; *out is -1 where C does not have that form. */
static umbra_status bias_of_features(umbra_onnx_node *node, double beta, int64_t features, int *out)
{
    umbra_graph *graph = node->graph;
    umbra_shape c = umbra_onnx_input(node, 2)->shape;
    int64_t count = umbra_shape_elements(&c);
    *out = -1;
    if (!umbra_onnx_is_constant(node, 2) || c.rank > 2 ||
        (count != 1 && (count != features || c.dim[c.rank - 1] != features)))
        return UMBRA_OK;
    umbra_shape shape = {.rank = 1, .dim = {features}};
    int index = node->inputs[2];
    UMBRA_TRY(umbra_constant_as_f32(graph, index));
    UMBRA_TRY(umbra_onnx_new_constant(node, "/bias", &shape, UMBRA_F32, out));
    for (int64_t i = 0; i < features; i++)
        graph->values[*out].f32[i] =
            (float)(beta * (double)graph->values[index].f32[count == 1 ? 0 : i]);
    return UMBRA_OK;
}

static umbra_status scale(umbra_onnx_node *node, int value, double factor, const char *name,
                          int *out)
{
    char fresh[UMBRA_ONNX_MAX_NAME + 64];
    umbra_attributes attr = umbra_attributes_default();
    attr.degree = 1;
    attr.coefficient[1] = factor;
    *out = value;
    if (factor == 1.0 && name[0] != 0)
        return UMBRA_OK;
    UMBRA_TRY(umbra_onnx_fresh_name(node, name, fresh));
    return umbra_onnx_emit(node, UMBRA_OP_POLYNOMIAL, &attr, &value, 1, name[0] != 0 ? fresh : NULL,
                           NULL, out);
}

/* Both matrices computed: alpha * A B + beta * C in separate nodes. */
static umbra_status gemm_computed(umbra_onnx_node *node, int a, double alpha, double beta,
                                  bool transposed)
{
    int b = node->inputs[1], product, c;
    char name[UMBRA_ONNX_MAX_NAME + 64];
    if (transposed)
        UMBRA_TRY(transpose(node, b, "/b_transposed", &b));
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/product", name));
    UMBRA_TRY(
        umbra_onnx_emit(node, UMBRA_OP_MATMUL, NULL, (int[2]){a, b}, 2, name, NULL, &product));
    if (umbra_onnx_input(node, 2) == NULL)
        return scale(node, product, alpha, "", &product);
    UMBRA_TRY(scale(node, product, alpha, "/alpha", &product));
    UMBRA_TRY(scale(node, node->inputs[2], beta, "/beta", &c));
    return umbra_onnx_emit(node, UMBRA_OP_ADD, NULL, (int[2]){product, c}, 2, NULL, NULL, NULL);
}

static umbra_status gemm_constant(umbra_onnx_node *node, int a, double alpha, double beta,
                                  bool transposed)
{
    int w, bias = -1, product, c;
    char name[UMBRA_ONNX_MAX_NAME + 64];
    UMBRA_TRY(scaled_weights(node, node->inputs[1], !transposed, alpha, &w));
    if (umbra_onnx_input(node, 2) == NULL)
        return umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, (int[2]){a, w}, 2, NULL, NULL, NULL);
    UMBRA_TRY(bias_of_features(node, beta, node->graph->values[w].shape.dim[0], &bias));
    if (bias >= 0)
        return umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, (int[3]){a, w, bias}, 3, NULL, NULL,
                               NULL);
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/product", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, (int[2]){a, w}, 2, name, NULL, &product));
    UMBRA_TRY(scale(node, node->inputs[2], beta, "/beta", &c));
    return umbra_onnx_emit(node, UMBRA_OP_ADD, NULL, (int[2]){product, c}, 2, NULL, NULL, NULL);
}

umbra_status umbra_onnx_gemm(umbra_onnx_node *node)
{
    const umbra_value *x = umbra_onnx_input(node, 0), *b = umbra_onnx_input(node, 1);
    double alpha, beta;
    int64_t transposed_a, transposed_b;
    if (x == NULL || b == NULL || x->shape.rank != 2 || b->shape.rank != 2)
        return umbra_onnx_bad(node, "it multiplies two matrices");
    bool constant = umbra_onnx_is_constant(node, 1);
    UMBRA_TRY(umbra_onnx_float(node, "alpha", 1.0, &alpha));
    UMBRA_TRY(umbra_onnx_float(node, "beta", 1.0, &beta));
    UMBRA_TRY(umbra_onnx_int(node, "transA", 0, &transposed_a));
    UMBRA_TRY(umbra_onnx_int(node, "transB", 0, &transposed_b));
    int a = node->inputs[0];
    if (transposed_a != 0)
        UMBRA_TRY(transpose(node, a, "/a_transposed", &a));
    if (constant)
        return gemm_constant(node, a, alpha, beta, transposed_b != 0);
    return gemm_computed(node, a, alpha, beta, transposed_b != 0);
}

/* The last two dimensions exchanged. */
static umbra_status turn(umbra_onnx_node *node, int value, const char *suffix, int *out)
{
    umbra_attributes attr = umbra_attributes_default();
    char name[UMBRA_ONNX_MAX_NAME + 64];
    int rank = node->graph->values[value].shape.rank;
    for (int i = 0; i < rank; i++)
        attr.permutation[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    UMBRA_TRY(umbra_onnx_fresh_name(node, suffix, name));
    return umbra_onnx_emit(node, UMBRA_OP_TRANSPOSE, &attr, &value, 1, name, NULL, out);
}

/* A constant vector as a matrix of one row, or of one column where it is the second factor: both
 * are the same numbers to a dense layer. */
static umbra_status as_matrix(umbra_onnx_node *node, int value, bool transposed, int *out)
{
    const umbra_shape *shape = &node->graph->values[value].shape;
    umbra_shape row = {.rank = 2, .dim = {1, shape->dim[0]}};
    char name[UMBRA_ONNX_MAX_NAME + 64];
    if (shape->rank == 2)
        return scaled_weights(node, value, transposed, 1.0, out);
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/row", name));
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &value, 1, name, &row, out);
}

/* x W with a constant matrix or vector W. */
static umbra_status matmul_second(umbra_onnx_node *node)
{
    int w, product;
    char name[UMBRA_ONNX_MAX_NAME + 64];
    bool vector = umbra_onnx_input(node, 1)->shape.rank == 1;
    UMBRA_TRY(as_matrix(node, node->inputs[1], true, &w));
    int pair[2] = {node->inputs[0], w};
    if (!vector)
        return umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, pair, 2, NULL, NULL, NULL);
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/column", name));
    UMBRA_TRY(umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, pair, 2, name, NULL, &product));
    umbra_shape shape = node->graph->values[product].shape;
    shape.rank--;
    return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &product, 1, NULL, &shape, NULL);
}

/* W x with a constant matrix or vector W: the dense layer works along x's last dimension but one.
 */
static umbra_status matmul_first(umbra_onnx_node *node)
{
    int w, turned, product;
    char name[UMBRA_ONNX_MAX_NAME + 64];
    umbra_attributes attr = umbra_attributes_default();
    bool vector = umbra_onnx_input(node, 0)->shape.rank == 1;
    UMBRA_TRY(as_matrix(node, node->inputs[0], false, &w));
    UMBRA_TRY(turn(node, node->inputs[1], "/turned", &turned));
    UMBRA_TRY(umbra_onnx_fresh_name(node, "/product", name));
    UMBRA_TRY(
        umbra_onnx_emit(node, UMBRA_OP_DENSE, NULL, (int[2]){turned, w}, 2, name, NULL, &product));
    umbra_shape shape = node->graph->values[product].shape;
    int rank = shape.rank;
    shape.rank--;
    if (vector)
        return umbra_onnx_emit(node, UMBRA_OP_RESHAPE, NULL, &product, 1, NULL, &shape, NULL);
    for (int i = 0; i < rank; i++)
        attr.permutation[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    return umbra_onnx_emit(node, UMBRA_OP_TRANSPOSE, &attr, &product, 1, NULL, NULL, NULL);
}

umbra_status umbra_onnx_matmul(umbra_onnx_node *node)
{
    const umbra_value *a = umbra_onnx_input(node, 0), *b = umbra_onnx_input(node, 1);
    if (a == NULL || b == NULL)
        return umbra_onnx_bad(node, "it needs two inputs");
    bool a_fits = a->shape.rank == 1 || a->shape.rank == 2;
    bool b_fits = b->shape.rank == 1 || b->shape.rank == 2;
    if (umbra_onnx_is_constant(node, 1) && b_fits && a->shape.rank >= 1)
        return matmul_second(node);
    if (umbra_onnx_is_constant(node, 0) && a_fits && b->shape.rank >= 2)
        return matmul_first(node);
    if (a->shape.rank < 2 || b->shape.rank < 2)
        return umbra_onnx_unsupported(node,
                                      "products with a computed vector; reshape it to a matrix");
    for (int i = 0; i < 2; i++)
        if (umbra_onnx_is_constant(node, i))
            UMBRA_TRY(umbra_constant_as_f32(node->graph, node->inputs[i]));
    return umbra_onnx_emit(node, UMBRA_OP_MATMUL, NULL, node->inputs, 2, NULL, NULL, NULL);
}
