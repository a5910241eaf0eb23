/* Walking over tensors of different strides. */
#include "graph/broadcast.h"

#include <math.h>
#include <string.h>

/* An odometer over all dimensions but the last: `a` and `b` are the offsets of the current row. */
typedef struct walk {
    umbra_shape shape;
    int64_t index[UMBRA_MAX_RANK];
    int64_t a_stride[UMBRA_MAX_RANK], b_stride[UMBRA_MAX_RANK];
    int64_t a, b, inner;
    bool done;
} walk;

/* Rank 0 walks as one row of one element. */
static walk walk_start(const umbra_shape *shape, const int64_t *a_stride, const int64_t *b_stride)
{
    walk w = {.shape = *shape, .inner = 1};
    for (int i = 0; i < shape->rank; i++) {
        w.a_stride[i] = a_stride[i];
        w.b_stride[i] = b_stride[i];
        w.done = w.done || shape->dim[i] == 0;
    }
    if (shape->rank == 0)
        w.shape = (umbra_shape){.rank = 1, .dim = {1}};
    w.inner = w.shape.dim[w.shape.rank - 1];
    return w;
}

static void walk_next(walk *w)
{
    for (int i = w->shape.rank - 2; i >= 0; i--) {
        w->a += w->a_stride[i];
        w->b += w->b_stride[i];
        if (++w->index[i] < w->shape.dim[i])
            return;
        w->index[i] = 0;
        w->a -= w->a_stride[i] * w->shape.dim[i];
        w->b -= w->b_stride[i] * w->shape.dim[i];
    }
    w->done = true;
}

void umbra_shape_strides(const umbra_shape *shape, int64_t strides[UMBRA_MAX_RANK])
{
    int64_t step = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= shape->dim[i];
    }
}

/* Strides of a tensor as seen from the broadcast shape: 0 where it is repeated. */
static void broadcast_strides(const umbra_shape *shape, const umbra_shape *from, int64_t *strides)
{
    int64_t own[UMBRA_MAX_RANK] = {0};
    int lead = shape->rank - from->rank;
    umbra_shape_strides(from, own);
    for (int i = 0; i < shape->rank; i++)
        strides[i] = i < lead || from->dim[i - lead] == 1 ? 0 : own[i - lead];
}

#define ROW(expression)                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                              \
        const float x = a[i * sa], y = b[i * sb];                                                  \
        out[i] = (expression);                                                                     \
    }                                                                                              \
    break

static void row_f32(umbra_arithmetic op, float *restrict out, const float *a, int64_t sa,
                    const float *b, int64_t sb, int64_t n)
{
    switch (op) {
    case UMBRA_ARITHMETIC_ADD:
        ROW(x + y);
    case UMBRA_ARITHMETIC_SUB:
        ROW(x - y);
    case UMBRA_ARITHMETIC_MUL:
        ROW(x * y);
    case UMBRA_ARITHMETIC_DIV:
        ROW(x / y);
    default:
        ROW(y == 2.0f ? x * x : powf(x, y));
    }
}

/* Unit and zero strides are constants to the compiler, which makes vector code of the common cases.
 */
static void row_f32_fast(umbra_arithmetic op, float *out, const float *a, int64_t sa,
                         const float *b, int64_t sb, int64_t n)
{
    if (sa == 1 && sb == 1)
        row_f32(op, out, a, 1, b, 1, n);
    else if (sa == 1 && sb == 0)
        row_f32(op, out, a, 1, b, 0, n);
    else if (sa == 0 && sb == 1)
        row_f32(op, out, a, 0, b, 1, n);
    else
        row_f32(op, out, a, sa, b, sb, n);
}

void umbra_broadcast_f32(umbra_arithmetic op, float *out, const umbra_shape *shape, const float *a,
                         const umbra_shape *a_shape, const float *b, const umbra_shape *b_shape)
{
    int64_t sa[UMBRA_MAX_RANK] = {0}, sb[UMBRA_MAX_RANK] = {0};
    broadcast_strides(shape, a_shape, sa);
    broadcast_strides(shape, b_shape, sb);
    int64_t last_a = shape->rank > 0 ? sa[shape->rank - 1] : 0;
    int64_t last_b = shape->rank > 0 ? sb[shape->rank - 1] : 0;
    for (walk w = walk_start(shape, sa, sb); !w.done; walk_next(&w)) {
        row_f32_fast(op, out, a + w.a, last_a, b + w.b, last_b, w.inner);
        out += w.inner;
    }
}

static int64_t integer(umbra_arithmetic op, int64_t x, int64_t y)
{
    switch (op) {
    case UMBRA_ARITHMETIC_ADD:
        return (int64_t)((uint64_t)x + (uint64_t)y);
    case UMBRA_ARITHMETIC_SUB:
        return (int64_t)((uint64_t)x - (uint64_t)y);
    case UMBRA_ARITHMETIC_MUL:
        return (int64_t)((uint64_t)x * (uint64_t)y);
    default:
        return y == 0 || (x == INT64_MIN && y == -1) ? 0 : x / y;
    }
}

void umbra_broadcast_i64(umbra_arithmetic op, int64_t *out, const umbra_shape *shape,
                         const int64_t *a, const umbra_shape *a_shape, const int64_t *b,
                         const umbra_shape *b_shape)
{
    int64_t sa[UMBRA_MAX_RANK] = {0}, sb[UMBRA_MAX_RANK] = {0};
    broadcast_strides(shape, a_shape, sa);
    broadcast_strides(shape, b_shape, sb);
    int last = shape->rank > 0 ? shape->rank - 1 : 0;
    for (walk w = walk_start(shape, sa, sb); !w.done; walk_next(&w))
        for (int64_t i = 0; i < w.inner; i++)
            *out++ = integer(op, a[w.a + i * sa[last]], b[w.b + i * sb[last]]);
}

/* Unlike memcpy with a variable length these are single moves. */
static void copy_strided(char *out, int64_t out_stride, const char *in, int64_t in_stride,
                         int64_t count, size_t bytes)
{
    if (out_stride == 1 && in_stride == 1) {
        memcpy(out, in, (size_t)count * bytes);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (bytes == 4)
            memcpy(out + i * out_stride * 4, in + i * in_stride * 4, 4);
        else
            memcpy(out + i * out_stride * 8, in + i * in_stride * 8, 8);
    }
}

void umbra_gather_strided(void *out, const umbra_shape *shape, const void *in, int64_t offset,
                          const int64_t *strides, size_t element_bytes)
{
    int64_t own[UMBRA_MAX_RANK] = {0};
    int64_t bytes = (int64_t)element_bytes;
    umbra_shape_strides(shape, own);
    int64_t last = shape->rank > 0 ? strides[shape->rank - 1] : 1;
    for (walk w = walk_start(shape, own, strides); !w.done; walk_next(&w))
        copy_strided((char *)out + w.a * bytes, 1, (const char *)in + (offset + w.b) * bytes, last,
                     w.inner, element_bytes);
}

void umbra_scatter_strided(void *out, int64_t offset, const int64_t *strides, const void *in,
                           const umbra_shape *shape, size_t element_bytes)
{
    int64_t own[UMBRA_MAX_RANK] = {0};
    int64_t bytes = (int64_t)element_bytes;
    umbra_shape_strides(shape, own);
    int64_t last = shape->rank > 0 ? strides[shape->rank - 1] : 1;
    for (walk w = walk_start(shape, strides, own); !w.done; walk_next(&w))
        copy_strided((char *)out + (offset + w.a) * bytes, last, (const char *)in + w.b * bytes, 1,
                     w.inner, element_bytes);
}

umbra_arithmetic umbra_arithmetic_of(umbra_op op)
{
    switch (op) {
    case UMBRA_OP_ADD:
        return UMBRA_ARITHMETIC_ADD;
    case UMBRA_OP_SUB:
        return UMBRA_ARITHMETIC_SUB;
    case UMBRA_OP_MUL:
        return UMBRA_ARITHMETIC_MUL;
    case UMBRA_OP_DIV:
        return UMBRA_ARITHMETIC_DIV;
    default:
        return UMBRA_ARITHMETIC_POW;
    }
}
