/* Aligned memory, arenas for scratch, and locked memory for secrets. */
#include "base/memory.h"

#include "base/checked.h"
#include "base/log.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define LEAST_ROOM 16 /* elements of an array that grows */

umbra_status umbra_memory_alloc(void **out, size_t bytes, const char *purpose)
{
    size_t alignment = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : UMBRA_ALIGNMENT;
    size_t rounded = 0;
    void *p = NULL;
    if (!umbra_size_add(bytes, UMBRA_ALIGNMENT, &rounded) ||
        posix_memalign(&p, alignment, rounded - rounded % UMBRA_ALIGNMENT) != 0)
        return umbra_fail(UMBRA_E_RESOURCE,
                          "cannot allocate %zu bytes for %s; close other programs or use a machine "
                          "with more memory",
                          bytes, purpose);
    if (alignment == HUGE_PAGE_BYTES)
        (void)madvise(p, bytes, MADV_HUGEPAGE); /* a hint: refusal costs only speed */
    memset(p, 0, bytes);
    *out = p;
    return UMBRA_OK;
}

umbra_status umbra_memory_alloc_array(void **out, size_t count, size_t element_bytes,
                                      const char *purpose)
{
    size_t bytes = 0;
    if (!umbra_size_mul(count, element_bytes, &bytes))
        return umbra_fail(UMBRA_E_RESOURCE, "%zu elements of %zu bytes for %s overflow", count,
                          element_bytes, purpose);
    return umbra_memory_alloc(out, bytes, purpose);
}

void umbra_memory_free(void *p)
{
    free(p);
}

umbra_status umbra_memory_grow(void *p, size_t used, size_t wanted, size_t *room,
                               size_t element_bytes, const char *purpose)
{
    void *grown = NULL, *old = NULL;
    size_t larger = *room > SIZE_MAX / 2 ? wanted : *room * 2;
    assert(used <= *room);
    if (wanted <= *room)
        return UMBRA_OK;
    larger = larger < wanted ? wanted : larger;
    larger = larger < LEAST_ROOM ? LEAST_ROOM : larger;
    UMBRA_TRY(umbra_memory_alloc_array(&grown, larger, element_bytes, purpose));
    memcpy(&old, p, sizeof old);
    if (used > 0)
        memcpy(grown, old, used * element_bytes);
    umbra_memory_free(old);
    memcpy(p, &grown, sizeof grown);
    *room = larger;
    return UMBRA_OK;
}

/* A child process, such as the one that decodes DICOM, gets no copy of these pages. */
static void keep_from_children(void *p, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)p & ~(page - 1);
    (void)madvise((void *)first, (uintptr_t)p + bytes - first, MADV_DONTFORK);
}

static void warn_unlocked(void)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&warned))
        umbra_log_warning(
            "secret memory cannot be locked and might be written to swap; raise `ulimit "
            "-l`, or turn swap off");
}

umbra_status umbra_secret_alloc(void **out, size_t bytes)
{
    if (sodium_init() < 0)
        return umbra_fail(UMBRA_E_RESOURCE, "libsodium cannot start: no source of randomness");
    size_t rounded = 0;
    if (!umbra_size_add(bytes, UMBRA_ALIGNMENT - 1, &rounded))
        return umbra_fail(UMBRA_E_RESOURCE, "%zu bytes of secret memory overflow", bytes);
    rounded -= rounded % UMBRA_ALIGNMENT; /* sodium_malloc aligns the end, so the start follows */
    void *p = sodium_malloc(rounded);
    if (p == NULL)
        return umbra_fail(UMBRA_E_RESOURCE,
                          "cannot lock %zu bytes of secret memory; raise `ulimit -l`", bytes);
    memset(p, 0, rounded);
    keep_from_children(p, rounded);
    if (mlock(p, rounded) != 0) /* sodium_malloc asks too, but does not say that it was refused */
        warn_unlocked();
    *out = p;
    return UMBRA_OK;
}

void umbra_secret_free(void *p)
{
    sodium_free(p);
}

void umbra_secret_wipe(void *p, size_t bytes)
{
    sodium_memzero(p, bytes);
}

umbra_status umbra_arena_init(umbra_arena *arena, size_t size_bytes)
{
    void *base = NULL;
    UMBRA_TRY(umbra_memory_alloc(&base, size_bytes, "scratch"));
    arena->base = base;
    arena->size_bytes = size_bytes;
    arena->used_bytes = 0;
    return UMBRA_OK;
}

void umbra_arena_free(umbra_arena *arena)
{
    umbra_memory_free(arena->base);
    *arena = (umbra_arena){0};
}

void *umbra_arena_take(umbra_arena *arena, size_t bytes)
{
    size_t rounded = 0;
    if (!umbra_size_add(bytes, UMBRA_ALIGNMENT - 1, &rounded))
        return NULL;
    rounded -= rounded % UMBRA_ALIGNMENT;
    if (rounded > arena->size_bytes - arena->used_bytes)
        return NULL;
    void *p = arena->base + arena->used_bytes;
    arena->used_bytes += rounded;
    return p;
}

size_t umbra_arena_mark(const umbra_arena *arena)
{
    return arena->used_bytes;
}

void umbra_arena_reset(umbra_arena *arena, size_t mark)
{
    arena->used_bytes = mark;
}
