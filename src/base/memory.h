/* Aligned memory, arenas for scratch, and locked memory for secrets. */
#ifndef UMBRA_BASE_MEMORY_H
#define UMBRA_BASE_MEMORY_H

#include "base/machine.h"
#include "umbra/status.h"

#include <stddef.h>
#include <stdint.h>

#define UMBRA_ALIGNMENT 64 /* bytes: one cache line, one AVX-512 register */

/* Allocate bytes aligned to UMBRA_ALIGNMENT, zeroed; large blocks ask for huge pages.
 *
 * Owns:    caller, free with umbra_memory_free (accepts NULL)
 * Returns: UMBRA_E_RESOURCE with the size and what it was for */
umbra_status umbra_memory_alloc(void **out, size_t bytes, const char *purpose) UMBRA_MUST_USE;
umbra_status umbra_memory_alloc_array(void **out, size_t count, size_t element_bytes,
                                      const char *purpose) UMBRA_MUST_USE;
void umbra_memory_free(void *p);

/* Room for `wanted` elements in an array that holds `used` and has room for *room. Where it lacks
 * room the array moves to one of at least twice the size, so that appending one element at a time
 * costs a constant number of copies of each. What lies beyond `used` is then zeroed.
 *
 * Shape:   p points to a pointer of any type, NULL with *room = 0 at first, else from
 *          umbra_memory_alloc_array or from here; used <= *room
 * Owns:    caller, free *p with umbra_memory_free; the former array is freed here. It is not wiped:
 *          no secrets
 * Returns: UMBRA_E_RESOURCE with the size and what it was for; nothing has changed then */
umbra_status umbra_memory_grow(void *p, size_t used, size_t wanted, size_t *room,
                               size_t element_bytes, const char *purpose) UMBRA_MUST_USE;

/* Secret memory: locked where the system allows it, guard pages, wiped on free (libsodium), not
 * inherited by child processes.
 * Contents start zeroed. */
umbra_status umbra_secret_alloc(void **out, size_t bytes) UMBRA_MUST_USE;
void umbra_secret_free(void *p);
/* Overwrite memory in a way that the compiler keeps. */
void umbra_secret_wipe(void *p, size_t bytes);

/* A bump allocator over one block, for scratch: kernels and the evaluator do not allocate. */
typedef struct umbra_arena {
    unsigned char *base;
    size_t size_bytes;
    size_t used_bytes;
} umbra_arena;

umbra_status umbra_arena_init(umbra_arena *arena, size_t size_bytes) UMBRA_MUST_USE;
void umbra_arena_free(umbra_arena *arena);
/* Returns aligned memory, or NULL when the arena is full (a programmer's mistake: sizes are told).
 * Contents are undefined. */
void *umbra_arena_take(umbra_arena *arena, size_t bytes);
size_t umbra_arena_mark(const umbra_arena *arena);
void umbra_arena_reset(umbra_arena *arena, size_t mark);

#endif
