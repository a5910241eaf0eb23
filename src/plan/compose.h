/* The product of two linear nodes' matrices, quickly where they repeat themselves over an image. */
#ifndef UMBRA_PLAN_COMPOSE_H
#define UMBRA_PLAN_COMPOSE_H

#include "plan/sparse.h"

/* a(b(x)) without offsets. A row of a convolution is its neighbour's, moved by one: where row r of
 * a and the rows of b that it reads are those of row r - 1 moved, the product's row is moved and
 * not computed. */
umbra_status umbra_sparse_compose(umbra_sparse **out, const umbra_sparse *a,
                                  const umbra_sparse *b) UMBRA_MUST_USE;

#endif
