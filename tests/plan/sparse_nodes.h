/* Graphs of one linear node with random constants, for the tests of sparse matrices and diagonals.
 */
#ifndef UMBRA_TESTS_SPARSE_NODES_H
#define UMBRA_TESTS_SPARSE_NODES_H

#include "check.h"
#include "graph/build.h"
#include "plan/sparse.h"

#include <stdlib.h>

/* In [-1, 1), the same on every machine. */
static inline double random_unit(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(*seed >> 32) * 0x1p-31;
}

static inline umbra_shape shape4(int64_t n, int64_t c, int64_t h, int64_t w)
{
    return (umbra_shape){.rank = 4, .dim = {n, c, h, w}};
}

static inline umbra_shape shape2(int64_t a, int64_t b)
{
    return (umbra_shape){.rank = 2, .dim = {a, b}};
}

static inline umbra_shape shape1(int64_t a)
{
    return (umbra_shape){.rank = 1, .dim = {a}};
}

/* Constants in [-1, 1), or in [0.5, 1.5) where `positive` names the input's bit. Shape inference
 * gives the output's shape, RESHAPE excepted. Owns: umbra_graph_free */
static inline umbra_graph *graph_of_node(umbra_op op, umbra_shape in, const umbra_shape *constants,
                                         int constant_count, unsigned positive,
                                         const umbra_attributes *attr, const umbra_shape *reshaped)
{
    umbra_graph *graph = NULL;
    int inputs[6], output, node;
    uint64_t seed = 7 + (uint64_t)op;
    umbra_shape out = reshaped != NULL ? *reshaped : in;
    check_ok(umbra_graph_new(&graph));
    check_ok(umbra_graph_add_value(graph, "x", &in, UMBRA_F32, &inputs[0]));
    check_ok(umbra_graph_add_input(graph, inputs[0]));
    for (int k = 0; k < constant_count; k++) {
        char name[2] = {(char)('a' + k), 0};
        check_ok(umbra_graph_add_constant(graph, name, &constants[k], UMBRA_F32, &inputs[k + 1]));
        float *data = graph->values[inputs[k + 1]].f32;
        for (int64_t i = 0; i < umbra_shape_elements(&constants[k]); i++)
            data[i] = (float)(random_unit(&seed) * ((positive >> k & 1) ? 0.5 : 1.0) +
                              ((positive >> k & 1) ? 1.0 : 0.0));
    }
    check_ok(umbra_graph_add_value(graph, "y", &out, UMBRA_F32, &output));
    check_ok(umbra_graph_add_node(graph, op, "node", umbra_op_name(op), inputs, constant_count + 1,
                                  output, attr, &node));
    check_ok(umbra_infer_node(graph, &graph->nodes[0], &out));
    graph->values[output].shape = out;
    return graph;
}

static inline umbra_sparse *matrix_of_graph(umbra_graph *graph)
{
    umbra_sparse *matrix = NULL;
    check_ok(umbra_sparse_from_node(&matrix, graph, 0));
    umbra_graph_free(graph);
    return matrix;
}

/* A square kernel; pads keep the size at stride 1 when the kernel is odd. */
static inline umbra_sparse *conv_matrix(int in, int out, int size, int kernel, int stride)
{
    umbra_attributes attr = umbra_attributes_default();
    for (int i = 0; i < 2; i++) {
        attr.kernel[i] = kernel;
        attr.strides[i] = stride;
        attr.pads[i] = attr.pads[i + 2] = (kernel - 1) / 2;
    }
    const umbra_shape constants[] = {shape4(out, in, kernel, kernel), shape1(out)};
    return matrix_of_graph(
        graph_of_node(UMBRA_OP_CONV, shape4(1, in, size, size), constants, 2, 0, &attr, NULL));
}

static inline umbra_sparse *dense_matrix(int in, int out)
{
    const umbra_shape constants[] = {shape2(out, in), shape1(out)};
    return matrix_of_graph(
        graph_of_node(UMBRA_OP_DENSE, shape2(1, in), constants, 2, 0, NULL, NULL));
}

static inline umbra_sparse *global_pool_matrix(int channels, int size)
{
    return matrix_of_graph(graph_of_node(UMBRA_OP_GLOBAL_AVERAGE_POOL,
                                         shape4(1, channels, size, size), NULL, 0, 0, NULL, NULL));
}

/* A matrix with a given share of entries, from a dense layer whose other weights are zeroed. */
static inline umbra_sparse *random_matrix(int rows, int columns, double share, uint64_t seed)
{
    const umbra_shape constants[] = {shape2(rows, columns), shape1(rows)};
    umbra_graph *graph =
        graph_of_node(UMBRA_OP_DENSE, shape2(1, columns), constants, 2, 0, NULL, NULL);
    float *w = graph->values[graph->nodes[0].inputs[1]].f32;
    for (int i = 0; i < rows * columns; i++) {
        w[i] += (float)random_unit(&seed);
        if (random_unit(&seed) * 0.5 + 0.5 >= share)
            w[i] = 0.0f;
    }
    return matrix_of_graph(graph);
}

/* Takes the matrix. */
static inline umbra_sparse *with_sides(umbra_sparse *matrix, umbra_sparse_side rows,
                                       umbra_sparse_side columns)
{
    umbra_sparse *made = NULL;
    check_ok(umbra_sparse_reshape(&made, matrix, rows, columns));
    if (made == NULL)
        return matrix;
    umbra_sparse_free(matrix);
    return made;
}

/* Takes both. */
static inline umbra_sparse *product_of(umbra_sparse *a, umbra_sparse *b)
{
    umbra_sparse *product = NULL;
    a = with_sides(a, a->out, b->out);
    check_ok(umbra_sparse_multiply(&product, a, b));
    umbra_sparse_free(a);
    umbra_sparse_free(b);
    return product;
}

/* Every entry on its own: columns of a row ascend. */
typedef struct plain_rows {
    size_t rows, columns, *row_start;
    uint32_t *column;
    double *weight;
} plain_rows;

static inline void plain_rows_free(plain_rows *p)
{
    free(p->row_start);
    free(p->column);
    free(p->weight);
}

static inline void plain_entry(plain_rows *p, size_t *used, size_t row, size_t column,
                               double weight)
{
    size_t at = p->row_start[row] + used[row]++;
    for (; at > p->row_start[row] && p->column[at - 1] > column; at--) {
        p->column[at] = p->column[at - 1];
        p->weight[at] = p->weight[at - 1];
    }
    p->column[at] = (uint32_t)column;
    p->weight[at] = weight;
}

static inline plain_rows plain_rows_of(const umbra_sparse *m)
{
    plain_rows p = {m->rows, m->columns, calloc(m->rows + 1, sizeof(size_t)), NULL, NULL};
    size_t *used = calloc(m->rows + 1, sizeof *used);
    assert_true(p.row_start != NULL && used != NULL);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t o = 0; o < m->out.points; o++)
            for (size_t k = m->start[o]; k < m->start[o + 1]; k++)
                for (size_t e = m->tile_start[m->tile[k]]; e < m->tile_start[m->tile[k] + 1]; e++) {
                    size_t row = m->entry_out[e] * m->out.points + o;
                    if (pass == 0)
                        p.row_start[row + 1]++;
                    else
                        plain_entry(&p, used, row, m->entry_in[e] * m->in.points + m->point[k],
                                    m->entry_weight[e]);
                }
        for (size_t r = 0; pass == 0 && r < m->rows; r++)
            p.row_start[r + 1] += p.row_start[r];
        if (pass == 0) {
            p.column = malloc((p.row_start[m->rows] + 1) * sizeof *p.column);
            p.weight = malloc((p.row_start[m->rows] + 1) * sizeof *p.weight);
            assert_true(p.column != NULL && p.weight != NULL);
        }
    }
    free(used);
    return p;
}

#endif
