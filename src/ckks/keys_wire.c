/* The form of evaluation keys in a file: sizes, and the table of contents. docs/formats/keys.md */
#include "base/memory.h"
#include "ckks/keys_source.h"

#include <string.h>

size_t umbra_limb_bytes(const umbra_params *params, int prime)
{
    return umbra_packed_bytes(params->degree, umbra_params_modulus(params, prime)->bits);
}

uint64_t umbra_switch_blob_offset(const umbra_params *params, int level, int limb, int digit)
{
    uint64_t bytes = 0;
    const uint64_t digits = (uint64_t)params->levels[level].digits;
    for (int i = 0; i < limb; i++)
        bytes += digits * umbra_limb_bytes(params, umbra_switch_limb_prime(params, level, i));
    if (digit > 0)
        bytes += (uint64_t)digit *
                 umbra_limb_bytes(params, umbra_switch_limb_prime(params, level, limb));
    return bytes;
}

uint64_t umbra_switch_blob_bytes(const umbra_params *params, int level)
{
    return umbra_switch_blob_offset(params, level,
                                    params->levels[level].limbs + params->literal.special_count, 0);
}

uint64_t umbra_key_request_bytes(const umbra_key_request *request)
{
    uint64_t bytes = UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES;
    for (size_t i = 0; i < request->count; i++)
        bytes += UMBRA_KEYS_ENTRY_BYTES +
                 umbra_switch_blob_bytes(request->params, request->items[i].level);
    return bytes;
}

uint64_t umbra_key_request_memory_bytes(const umbra_key_request *request)
{
    const umbra_params *params = request->params;
    uint64_t packed = 0, errors = 0;
    for (size_t i = 0; i < request->count; i++) {
        const int level = request->items[i].level;
        const uint64_t bytes = umbra_key_seeded_bytes(params, level);
        const uint64_t noise = (uint64_t)params->levels[level].digits * params->degree * 4;
        packed = bytes > packed ? bytes : packed;
        errors = noise > errors ? noise : errors;
    }
    return packed + errors;
}

void umbra_switch_seed(unsigned char out[UMBRA_SEED_BYTES],
                       const unsigned char seed[UMBRA_SEED_BYTES], uint32_t galois)
{
    umbra_seed_derive(out, seed, "umbra switch key", galois);
}

umbra_status umbra_check_parameter_hash(const umbra_params *params, const umbra_envelope *envelope,
                                        const char *name)
{
    if (memcmp(params->hash, envelope->parameter_hash, UMBRA_HASH_BYTES) == 0)
        return UMBRA_OK;
    return umbra_fail(
        UMBRA_E_MISMATCH,
        "%s: %s made for other parameters; use keys that `umbra keygen` made with the "
        "client.profile of this plan",
        name, umbra_kind_name(envelope->kind));
}

static umbra_status read_entry(umbra_key_source *load, umbra_reader *body, size_t index,
                               uint64_t *next)
{
    umbra_key_item *item = &load->items[index];
    umbra_key_entry *entry = &load->entries[index];
    item->galois = umbra_read_u32(body);
    const uint32_t level = umbra_read_u32(body);
    entry->offset = umbra_read_u64(body);
    entry->bytes = umbra_read_u64(body);
    umbra_read_copy(body, entry->hash, UMBRA_HASH_BYTES);
    UMBRA_TRY(umbra_reader_check(body, "table of contents"));
    if (level >= (uint32_t)load->params->literal.level_count)
        return umbra_fail(UMBRA_E_INPUT, "%s: key %zu is for level %lu; there are %d levels",
                          load->name, index, (unsigned long)level,
                          load->params->literal.level_count);
    item->level = (int)level;
    if (index > 0 && item->galois <= load->items[index - 1].galois)
        return umbra_fail(UMBRA_E_INPUT, "%s: key %zu is not in order of its Galois element",
                          load->name, index);
    if (entry->offset != *next ||
        entry->bytes != umbra_switch_blob_bytes(load->params, item->level))
        return umbra_fail(UMBRA_E_INPUT, "%s: key %zu has a wrong place or length in the table",
                          load->name, index);
    *next += entry->bytes;
    return UMBRA_OK;
}

/* The header and the table, with the hash that the envelope has of them. */
umbra_status umbra_key_source_read_table(umbra_key_source *load, umbra_reader *body,
                                         const umbra_envelope *envelope)
{
    const unsigned char *start = body->bytes;
    const uint64_t count = umbra_read_u64(body);
    umbra_read_copy(body, load->seed, UMBRA_SEED_BYTES);
    UMBRA_TRY(umbra_reader_check(body, "header of the keys"));
    if (count > umbra_reader_left(body) / UMBRA_KEYS_ENTRY_BYTES)
        return umbra_fail(UMBRA_E_INPUT, "%s: truncated table of contents: %llu keys announced",
                          load->name, (unsigned long long)count);
    if (count > load->params->degree + 1) /* every Galois element, and relinearisation */
        return umbra_fail(UMBRA_E_INPUT, "%s: %llu keys announced; this ring has at most %zu",
                          load->name, (unsigned long long)count, load->params->degree + 1);
    load->count = (size_t)count;
    unsigned char hash[UMBRA_HASH_BYTES];
    const size_t head = UMBRA_KEYS_HEADER_BYTES + load->count * UMBRA_KEYS_ENTRY_BYTES;
    umbra_hash(hash, start, head);
    if (memcmp(hash, envelope->body_hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: damaged table of contents (checksum at byte 64 does not match); fetch "
            "it again",
            load->name);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, load->count + 1,
                                       sizeof(umbra_key_entry) + sizeof(umbra_key_item),
                                       "table of contents"));
    load->entries = memory;
    load->items = (umbra_key_item *)(void *)(load->entries + load->count);
    uint64_t next = UMBRA_ENVELOPE_BYTES + (uint64_t)head;
    for (size_t i = 0; i < load->count; i++)
        UMBRA_TRY(read_entry(load, body, i, &next));
    if (next != UMBRA_ENVELOPE_BYTES + envelope->body_bytes)
        return umbra_fail(UMBRA_E_INPUT, "%s: the keys end at byte %llu and the file at %llu",
                          load->name, (unsigned long long)next,
                          (unsigned long long)(UMBRA_ENVELOPE_BYTES + envelope->body_bytes));
    return UMBRA_OK;
}
