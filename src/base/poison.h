/* Marks of what is secret, by which valgrind proves that time does not depend on it. */
#ifndef UMBRA_BASE_POISON_H
#define UMBRA_BASE_POISON_H

#include <stddef.h>

/* In the build of the preset "valgrind" a poisoned secret counts as uninitialised memory, and so
 * does everything computed from it: valgrind then reports each branch and each address that depends
 * on it (the method of A. Langley's ctgrind). Elsewhere these do nothing.
 *
 * A test poisons a secret before the call under test. Code declassifies, with a comment that says
 * why, what its contract makes public: that a sample was rejected, that a value was out of range,
 * the ciphertext that leaves. */
#ifdef UMBRA_POISON
#include <valgrind/memcheck.h>
static inline void umbra_secret_poison(const void *p, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, bytes);
}
static inline void umbra_secret_declassify(const void *p, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, bytes);
}
#else
static inline void umbra_secret_poison(const void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}
static inline void umbra_secret_declassify(const void *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}
#endif

#endif
