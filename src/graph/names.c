/* A hash table from names to indices: open addressing, at most half full. */
#include "graph/names.h"

#include "base/checked.h"
#include "base/memory.h"

#include <sodium.h>
#include <string.h>

umbra_status umbra_names_init(umbra_names *names, size_t room)
{
    size_t capacity = 16;
    while (capacity / 2 <= room && capacity <= SIZE_MAX / 4)
        capacity *= 2;
    void *memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, capacity, sizeof(struct umbra_names_slot),
                                       "a table of names"));
    *names = (umbra_names){.slots = memory, .capacity = capacity};
    randombytes_buf(names->key, sizeof names->key);
    return UMBRA_OK;
}

void umbra_names_free(umbra_names *names)
{
    umbra_memory_free(names->slots);
    *names = (umbra_names){.slots = NULL};
}

static size_t hash(const umbra_names *names, const char *name)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t h;
    crypto_shorthash(out, (const unsigned char *)name, strlen(name), names->key);
    memcpy(&h, out, sizeof h);
    return (size_t)h;
}

static size_t place(const umbra_names *names, const char *name)
{
    size_t i = hash(names, name) & (names->capacity - 1);
    while (names->slots[i].name != NULL && strcmp(names->slots[i].name, name) != 0)
        i = (i + 1) & (names->capacity - 1);
    return i;
}

int umbra_names_find(const umbra_names *names, const char *name)
{
    size_t i = place(names, name);
    return names->slots[i].name != NULL ? names->slots[i].index : -1;
}

void umbra_names_put(umbra_names *names, const char *name, int index)
{
    size_t i = place(names, name);
    if (names->slots[i].name == NULL)
        names->count++;
    names->slots[i] = (struct umbra_names_slot){name, index};
}
