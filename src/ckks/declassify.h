/* Marks a value derived from a secret as public, where the documentation says so. */
#ifndef UMBRA_CKKS_DECLASSIFY_H
#define UMBRA_CKKS_DECLASSIFY_H

/* The valgrind test poisons secrets and builds with UMBRA_MEMCHECK; elsewhere this is nothing. */
#if defined(UMBRA_MEMCHECK)
#include <valgrind/memcheck.h>
#define UMBRA_DECLASSIFY(p, bytes) VALGRIND_MAKE_MEM_DEFINED((p), (bytes))
#else
#define UMBRA_DECLASSIFY(p, bytes) ((void)(p), (void)(bytes))
#endif

#endif
