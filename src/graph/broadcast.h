/* Walking over tensors of different strides: what folding and the plaintext executor share. */
#ifndef UMBRA_GRAPH_BROADCAST_H
#define UMBRA_GRAPH_BROADCAST_H

#include "graph/ir.h"

typedef enum umbra_arithmetic {
    UMBRA_ARITHMETIC_ADD,
    UMBRA_ARITHMETIC_SUB,
    UMBRA_ARITHMETIC_MUL,
    UMBRA_ARITHMETIC_DIV,
    UMBRA_ARITHMETIC_POW
} umbra_arithmetic;

/* out = a op b with numpy broadcasting; out has the broadcast shape `shape`.
 * Alias: out may be neither a nor b */
void umbra_broadcast_f32(umbra_arithmetic op, float *out, const umbra_shape *shape, const float *a,
                         const umbra_shape *a_shape, const float *b, const umbra_shape *b_shape);
/* The same on integers, wrapping; division truncates, by zero gives 0; POW is not for integers. */
void umbra_broadcast_i64(umbra_arithmetic op, int64_t *out, const umbra_shape *shape,
                         const int64_t *a, const umbra_shape *a_shape, const int64_t *b,
                         const umbra_shape *b_shape);

/* Row-major strides in elements. */
void umbra_shape_strides(const umbra_shape *shape, int64_t strides[UMBRA_MAX_RANK]);
/* out[i0,i1,..] = in[offset + i0*strides[0] + i1*strides[1] + ..] over all of `shape`, for elements
 * of 4 or 8 bytes: transposing, slicing and repeating are this. */
void umbra_gather_strided(void *out, const umbra_shape *shape, const void *in, int64_t offset,
                          const int64_t *strides, size_t element_bytes);
/* The other direction: out[offset + i0*strides[0] + ..] = in[i0,i1,..]; padding and concatenating.
 */
void umbra_scatter_strided(void *out, int64_t offset, const int64_t *strides, const void *in,
                           const umbra_shape *shape, size_t element_bytes);

/* The arithmetic of ADD, SUB, MUL, DIV or POW. */
umbra_arithmetic umbra_arithmetic_of(umbra_op op);

#endif
