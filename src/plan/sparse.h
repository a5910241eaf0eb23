/* Sparse matrices between tensors, as tiles: every linear node of a graph is one. */
#ifndef UMBRA_PLAN_SPARSE_H
#define UMBRA_PLAN_SPARSE_H

#include "base/threads.h"
#include "graph/ir.h"

/* What rows or columns are: element (channel, point) has the number channel * points + point. A
 * vector has one point, or one channel. */
typedef struct umbra_sparse_side {
    size_t channels, points;
} umbra_sparse_side;

#define UMBRA_SPARSE_NONE UINT32_MAX

/* y = A x + offset, where A is a few small matrices between channels ("tiles"), each used at many
 * pairs of points: a 3x3 convolution has nine, and more at borders when it is composed.
 *
 * Output point p reads input point point[k] through tile[k], start[p] <= k < start[p + 1]; the
 * points of an output point ascend. Entry e of tile t, tile_start[t] <= e < tile_start[t + 1], is
 * entry_weight[e] from input channel entry_in[e] to output channel entry_out[e]; entries ascend by
 * (out, in), and no two tiles are equal when a matrix is made. A diagonal or grouped tile has only
 * the entries that are not zero. Owns: umbra_sparse_free. */
typedef struct umbra_sparse {
    size_t rows, columns; /* out.channels * out.points, in.channels * in.points */
    umbra_sparse_side out, in;
    size_t *start; /* out.points + 1 */
    uint32_t *point, *tile;
    size_t tile_count;
    size_t *tile_start; /* tile_count + 1 */
    uint32_t *entry_out, *entry_in;
    double *entry_weight;
    double *offset; /* rows; NULL: zero */
} umbra_sparse;

void umbra_sparse_free(umbra_sparse *matrix);
/* CONV, CONV_TRANSPOSE, DENSE, AVERAGE_POOL, GLOBAL_AVERAGE_POOL, REDUCE_MEAN over space,
 * BATCH_NORM, RESHAPE (identity), with respect to their first input. The sides are those of the
 * operation; umbra_sparse_reshape gives others. */
umbra_status umbra_sparse_from_node(umbra_sparse **out, const umbra_graph *graph,
                                    int node) UMBRA_MUST_USE;
umbra_status umbra_sparse_copy(umbra_sparse **out, const umbra_sparse *matrix) UMBRA_MUST_USE;
umbra_status umbra_sparse_identity(umbra_sparse **out, umbra_sparse_side side) UMBRA_MUST_USE;
/* Row r reads column source[r] and nothing else, or nothing where that is UMBRA_SPARSE_NONE: a
 * range or a permutation of channels, a transposition, padding, upsampling.
 *
 * weight:  by row; NULL: all 1
 * Returns: UMBRA_E_MISMATCH where a source is not below the columns */
umbra_status umbra_sparse_select(umbra_sparse **out, umbra_sparse_side rows,
                                 umbra_sparse_side columns, const uint32_t *source,
                                 const double *weight) UMBRA_MUST_USE;
/* The same matrix with its rows and columns told apart in another way (same numbers of each). Costs
 * time and memory by entries, except where the sides are already so: then *out stays NULL. */
umbra_status umbra_sparse_reshape(umbra_sparse **out, const umbra_sparse *matrix,
                                  umbra_sparse_side rows, umbra_sparse_side columns) UMBRA_MUST_USE;
/* a(b(x)) without offsets. The columns of a and the rows of b have the same sides.
 *
 * Cost: the products of the tiles that meet, each sum of products once: a 3x3 of a 3x3 between 64
 * channels takes 6e7 products instead of 1.4e9. */
umbra_status umbra_sparse_multiply(umbra_sparse **out, const umbra_sparse *a,
                                   const umbra_sparse *b) UMBRA_MUST_USE;
/* ka * a + kb * b without offsets; both have the same sides. What cancels is left out. */
umbra_status umbra_sparse_add(umbra_sparse **out, double ka, const umbra_sparse *a, double kb,
                              const umbra_sparse *b) UMBRA_MUST_USE;
/* weight *= row_factor[out channel] * column_factor[in channel] (NULL: 1); offset *= row_factor.
 * Weights that become zero are left out. */
void umbra_sparse_scale(umbra_sparse *matrix, const double *row_factor,
                        const double *column_factor);

/* Sums over weights. */
typedef struct umbra_sparse_sums {
    double squares; /* of all weights */
    double *row;    /* rows: sum of absolute values is added; NULL: not wanted */
    double *power;  /* out.channels x in.channels: sum of squares is added; NULL: not wanted */
    double repeats; /* how many points an output point reads through one tile, on average over all
                       that are read: 1 of a convolution, 4 of a pool of 2x2 */
} umbra_sparse_sums;
umbra_status umbra_sparse_sum(const umbra_sparse *matrix, umbra_sparse_sums *sums) UMBRA_MUST_USE;

/* y += A x, without the offset. */
umbra_status umbra_sparse_apply(const umbra_sparse *matrix, const double *x,
                                double *y) UMBRA_MUST_USE;
#define UMBRA_SPARSE_LANES 8
/* y += coefficient * A x for UMBRA_SPARSE_LANES vectors at once, without the offset; the numbers of
 * an element follow each other. On all threads. */
umbra_status umbra_sparse_apply_lanes(const umbra_sparse *matrix, double coefficient,
                                      const double *x, double *y, umbra_pool *pool) UMBRA_MUST_USE;
/* x += coefficient * A^T y for as many: how sums over the rows depend on the columns. The same on
 * any number of threads. */
umbra_status umbra_sparse_apply_transposed(const umbra_sparse *matrix, double coefficient,
                                           const double *y, double *x,
                                           umbra_pool *pool) UMBRA_MUST_USE;

#endif
