/* Switching keys in memory: the container and the look-up. */
#include "ckks/internal.h"

#include "base/memory.h"

#include <stdlib.h>

umbra_status umbra_key_request_check(const umbra_key_request *request)
{
    const umbra_params *params = request->params;
    for (size_t i = 0; i < request->count; i++) {
        const umbra_key_item *item = &request->items[i];
        if (item->level < 0 || item->level >= params->literal.level_count)
            return umbra_fail(UMBRA_E_INPUT,
                              "key %zu: level %d: these parameters have levels 0 to %d", i,
                              item->level, params->literal.level_count - 1);
        if (item->galois != 0 &&
            (item->galois % 2 == 0 || item->galois == 1 || item->galois >= 2 * params->degree))
            return umbra_fail(UMBRA_E_INPUT,
                              "key %zu: Galois element %lu is not odd and between 3 and 2N-1", i,
                              (unsigned long)item->galois);
    }
    return UMBRA_OK;
}

static int by_galois(const void *a, const void *b)
{
    const uint32_t x = ((const umbra_switch_key *)a)->galois;
    const uint32_t y = ((const umbra_switch_key *)b)->galois;
    return (x > y) - (x < y);
}

umbra_status umbra_switch_key_allocate(umbra_switch_key *key, const umbra_params *params,
                                       bool seeded)
{
    const uint64_t bytes = seeded ? umbra_key_seeded_bytes(params, key->level)
                                  : umbra_key_whole_bytes(params, key->level);
    void *memory = NULL;
    if (bytes > SIZE_MAX)
        return umbra_fail(UMBRA_E_RESOURCE, "a key is larger than the address space");
    /* The table comes first: a key that has words is whole. */
    if (key->galois != 0 && key->index == NULL) {
        UMBRA_TRY(umbra_memory_alloc_array(&memory, params->degree, sizeof(uint32_t),
                                           "automorphism table"));
        key->index = memory;
        umbra_automorphism_index(key->index, params->literal.degree_log2, key->galois);
    }
    UMBRA_TRY(umbra_memory_alloc(&memory, (size_t)bytes, "evaluation keys"));
    if (seeded)
        key->packed = memory;
    else
        key->words = memory;
    return UMBRA_OK;
}

umbra_status umbra_evaluation_keys_new(umbra_evaluation_keys **out,
                                       const umbra_key_request *request, uint64_t key_id)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_evaluation_keys), "evaluation keys"));
    umbra_evaluation_keys *keys = memory;
    umbra_status status = UMBRA_OK;
    keys->params = request->params;
    keys->key_id = key_id;
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&memory, request->count, sizeof(umbra_switch_key),
                                        "evaluation keys"));
    keys->keys = memory;
    keys->count = request->count;
    for (size_t i = 0; i < keys->count; i++)
        keys->keys[i] = (umbra_switch_key){.galois = request->items[i].galois,
                                           .level = request->items[i].level};
    qsort(keys->keys, keys->count, sizeof *keys->keys, by_galois);
    for (size_t i = 0; i < keys->count; i++) {
        if (i > 0 && keys->keys[i].galois == keys->keys[i - 1].galois) {
            status = umbra_fail(UMBRA_E_INPUT, "a key for Galois element %lu is listed twice",
                                (unsigned long)keys->keys[i].galois);
            goto fail;
        }
    }
    *out = keys;
    return UMBRA_OK;
fail:
    umbra_evaluation_keys_free(keys);
    return status;
}

void umbra_evaluation_keys_free(umbra_evaluation_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->count; i++) {
        umbra_memory_free(keys->keys[i].words);
        umbra_memory_free(keys->keys[i].packed);
        umbra_memory_free(keys->keys[i].index);
    }
    umbra_memory_free(keys->keys);
    umbra_key_source_free(keys->source);
    umbra_memory_free(keys);
}

uint64_t umbra_evaluation_keys_id(const umbra_evaluation_keys *keys)
{
    return keys->key_id;
}

const umbra_switch_key *umbra_evaluation_keys_find(const umbra_evaluation_keys *keys,
                                                   uint32_t galois, int level)
{
    if (keys == NULL || level < 0 || level >= keys->params->literal.level_count)
        return NULL;
    const umbra_switch_key wanted = {.galois = galois};
    const umbra_switch_key *key =
        keys->count == 0 ? NULL
                         : bsearch(&wanted, keys->keys, keys->count, sizeof wanted, by_galois);
    const umbra_level_literal *levels = keys->params->literal.levels;
    if (key == NULL || (levels[level].prime_set & ~levels[key->level].prime_set) != 0)
        return NULL;
    return key;
}

int umbra_evaluation_keys_have(const umbra_evaluation_keys *keys, uint32_t galois, int level)
{
    return umbra_evaluation_keys_find(keys, galois, level) != NULL;
}
