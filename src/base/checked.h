/* Length arithmetic that reports overflow; size_t has 32 bits in the browser. */
#ifndef UMBRA_BASE_CHECKED_H
#define UMBRA_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *r = a + b or a * b; true when the result fits, *r untouched otherwise. */
static inline bool umbra_size_add(size_t a, size_t b, size_t *r)
{
    if (b > SIZE_MAX - a)
        return false;
    *r = a + b;
    return true;
}

static inline bool umbra_size_mul(size_t a, size_t b, size_t *r)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *r = a * b;
    return true;
}

static inline bool umbra_size_from_u64(uint64_t a, size_t *r)
{
    if (a > SIZE_MAX)
        return false;
    *r = (size_t)a;
    return true;
}

#endif
