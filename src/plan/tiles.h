/* A sparse matrix between images as few dense matrices between channels, each used at many points.
 */
#ifndef UMBRA_PLAN_TILES_H
#define UMBRA_PLAN_TILES_H

#include "plan/sparse.h"

#include <stdbool.h>

/* Output point p reads input point `point[i]` through tile `tile[i]`, start[p] <= i < start[p + 1].
 */
typedef struct umbra_tiles {
    size_t out_channels, in_channels, out_points, in_points;
    size_t *start;
    uint32_t *point, *tile;
    double *tiles; /* tile_count of out_channels x in_channels */
    size_t tile_count, tile_capacity;
} umbra_tiles;

void umbra_tiles_free(umbra_tiles *tiles); /* the fields */
/* *found is false, and nothing is made, where a matrix has more than `limit` different tiles. */
umbra_status umbra_tiles_find(umbra_tiles *out, const umbra_sparse *matrix, size_t out_channels,
                              size_t in_channels, size_t limit, bool *found) UMBRA_MUST_USE;
/* The tile equal to `wanted`, added where there is none; tile_count passes `limit` where full. */
umbra_status umbra_tiles_intern(umbra_tiles *tiles, const double *wanted, size_t limit,
                                uint32_t *index) UMBRA_MUST_USE;

#endif
