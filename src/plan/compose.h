/* The product of two linear nodes' matrices, quickly where they repeat themselves over an image. */
#ifndef UMBRA_PLAN_COMPOSE_H
#define UMBRA_PLAN_COMPOSE_H

#include "plan/sparse.h"

/* Rows and columns are (channel, point): how many channels each side has. */
typedef struct umbra_compose_channels {
    size_t out, middle, in;
} umbra_compose_channels;

/* a(b(x)) without offsets.
 *
 * A convolution is a few matrices between channels (one a tap), each used at many pairs of points.
 * The product of two is products of these few, and sums of them: the work of a 3x3 of a 3x3 with 64
 * channels falls from 1.4e9 to 3e7 products. Matrices without such repetition are multiplied row by
 * row. */
umbra_status umbra_sparse_compose(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b,
                                  umbra_compose_channels channels) UMBRA_MUST_USE;

#endif
