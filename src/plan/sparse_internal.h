/* How sparse matrices are built: tile by tile and point by point, or from plain rows. */
#ifndef UMBRA_PLAN_SPARSE_INTERNAL_H
#define UMBRA_PLAN_SPARSE_INTERNAL_H

#include "plan/sparse.h"

/* A matrix under way. Entries of a tile are added first and the tile closed; then it is placed. */
typedef struct umbra_sparse_builder {
    umbra_sparse *matrix;
    size_t place_count, place_room, tile_room, entry_room;
    size_t point;       /* the output point at hand */
    size_t entry_count; /* those of the open tile included */
    uint32_t *table;    /* tiles by hash; 0: free, else number + 1 */
    size_t table_size;  /* a power of two */
} umbra_sparse_builder;

/* Owns:    umbra_sparse_builder_free, also after umbra_sparse_builder_take
 * Returns: UMBRA_E_MODEL where rows or columns exceed 32 bits */
umbra_status umbra_sparse_builder_make(umbra_sparse_builder *out, umbra_sparse_side rows,
                                       umbra_sparse_side columns) UMBRA_MUST_USE;
void umbra_sparse_builder_free(umbra_sparse_builder *builder);
/* Entries ascend by (out, in). Weights that are exactly zero are dropped: a pruned tap then costs
 * no diagonal. */
umbra_status umbra_sparse_builder_entry(umbra_sparse_builder *builder, size_t out, size_t in,
                                        double weight) UMBRA_MUST_USE;
/* Close the open tile. *tile: its number, that of the equal one which is there already, or
 * UMBRA_SPARSE_NONE where it has no entries. */
umbra_status umbra_sparse_builder_tile(umbra_sparse_builder *builder,
                                       uint32_t *tile) UMBRA_MUST_USE;
/* The output point at hand reads `point` through `tile` (NONE: not at all). In any order; each
 * point once. */
umbra_status umbra_sparse_builder_place(umbra_sparse_builder *builder, size_t point,
                                        uint32_t tile) UMBRA_MUST_USE;
/* Go on to the next output point; each has to be passed. */
void umbra_sparse_builder_next(umbra_sparse_builder *builder);
/* The matrix. Owns: umbra_sparse_free */
umbra_sparse *umbra_sparse_builder_take(umbra_sparse_builder *builder);

/* Zeros, or what is there. */
umbra_status umbra_sparse_offsets(umbra_sparse *matrix) UMBRA_MUST_USE;

/* Where the entries of a plain row go. */
typedef struct umbra_sparse_sink {
    umbra_sparse_builder *builder;
    size_t row;
    umbra_status status;
} umbra_sparse_sink;

static inline void umbra_sparse_emit(umbra_sparse_sink *sink, size_t column, double weight)
{
    if (sink->status == UMBRA_OK)
        sink->status = umbra_sparse_builder_entry(sink->builder, sink->row, column, weight);
}

/* Emits the entries of one row in ascending order of columns. */
typedef void (*umbra_sparse_row)(const void *context, size_t row, umbra_sparse_sink *sink);

/* A matrix without structure, entry by entry: one tile between as many channels as there are rows
 * and columns. */
umbra_status umbra_sparse_build(umbra_sparse **out, size_t rows, size_t columns,
                                umbra_sparse_row row, const void *context) UMBRA_MUST_USE;

/* CONV, CONV_TRANSPOSE, AVERAGE_POOL (sparse_window.c). */
umbra_status umbra_sparse_from_window(umbra_sparse **out, const umbra_graph *graph,
                                      const umbra_node *node) UMBRA_MUST_USE;
/* The constant float data of input k; NULL with an error where it is computed, absent (optional
 * inputs excepted: *data is NULL) or has not `count` elements. */
umbra_status umbra_sparse_constant(const umbra_graph *graph, const umbra_node *node, int k,
                                   size_t count, const float **data) UMBRA_MUST_USE;

static inline uint64_t umbra_sparse_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

#endif
