/* Shapes: constants or not, equal, broadcast together, written for people. */
#include "graph/build.h"

#include <stdio.h>
#include <string.h>

bool umbra_value_is_constant(const umbra_value *value)
{
    return value->f32 != NULL || value->i64 != NULL;
}

bool umbra_shape_equal(const umbra_shape *a, const umbra_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

bool umbra_shape_broadcast(const umbra_shape *a, const umbra_shape *b, umbra_shape *out)
{
    umbra_shape r = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 0; i < r.rank; i++) {
        int ia = i - (r.rank - a->rank), ib = i - (r.rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1)
            return false;
        r.dim[i] = da == 1 ? db : da;
    }
    *out = r;
    return true;
}

const char *umbra_shape_text(const umbra_shape *shape, char *buffer)
{
    if (shape->rank < 0)
        return "[unknown]";
    size_t used = 0;
    for (int i = 0; i < shape->rank && used < UMBRA_SHAPE_TEXT - 32; i++)
        used += (size_t)snprintf(buffer + used, UMBRA_SHAPE_TEXT - used, "%s%lld",
                                 i == 0 ? "[" : ", ", (long long)shape->dim[i]);
    snprintf(buffer + used, UMBRA_SHAPE_TEXT - used, shape->rank == 0 ? "[]" : "]");
    return buffer;
}
