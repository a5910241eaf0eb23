/* Reading evaluation keys and public keys: docs/formats/keys.md. */
#include "base/memory.h"
#include "ckks/internal.h"

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
    return umbra_fail(UMBRA_E_MISMATCH,
                      "%s: %s made for other parameters; make them again with the profile of this "
                      "plan",
                      name, umbra_kind_name(envelope->kind));
}

/* One row of the table of contents. */
typedef struct keys_entry {
    uint64_t offset, bytes;
    unsigned char hash[UMBRA_HASH_BYTES];
} keys_entry;

typedef struct keys_load {
    const umbra_params *params;
    const char *name;
    const unsigned char *bytes;    /* the whole file, or as much as holds the table of contents */
    const umbra_file_reader *file; /* where the keys are read from; NULL: from bytes */
    const umbra_key_holding *holding;
    unsigned char **blobs; /* for each worker: a limb, and with a file the largest packed key */
    unsigned char seed[UMBRA_SEED_BYTES];
    size_t count;
    umbra_key_item *items;
    keys_entry *entries;
    umbra_evaluation_keys *keys;
} keys_load;

static umbra_status read_entry(keys_load *load, umbra_reader *body, size_t index, uint64_t *next)
{
    umbra_key_item *item = &load->items[index];
    keys_entry *entry = &load->entries[index];
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
static umbra_status read_table(keys_load *load, umbra_reader *body, const umbra_envelope *envelope)
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
                                       sizeof(keys_entry) + sizeof(umbra_key_item),
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

static uint64_t *limb_of(const keys_load *load, int worker)
{
    return (uint64_t *)(void *)load->blobs[worker];
}

/* The bytes of a key: where it is held, or where they lie until it is expanded. */
static umbra_status blob_of(const keys_load *load, const keys_entry *entry,
                            const umbra_switch_key *key, int worker, const unsigned char **out)
{
    unsigned char *blob = key->packed;
    if (blob == NULL && load->file != NULL)
        blob = load->blobs[worker] + load->params->degree * sizeof(uint64_t);
    *out = blob != NULL ? blob : load->bytes + entry->offset;
    if (load->file != NULL)
        return umbra_file_read_at(load->file, entry->offset, blob, (size_t)entry->bytes);
    if (blob != NULL)
        memcpy(blob, load->bytes + entry->offset, (size_t)entry->bytes);
    return UMBRA_OK;
}

static umbra_status expand_key(void *context, size_t index, int worker)
{
    const keys_load *load = context;
    const umbra_params *params = load->params;
    const keys_entry *entry = &load->entries[index];
    umbra_switch_key *key = &load->keys->keys[index];
    const umbra_level *level = &params->levels[key->level];
    const unsigned char *blob = NULL;
    UMBRA_TRY(umbra_switch_key_allocate(key, params,
                                        umbra_key_holding_seeds(load->holding, key->galois)));
    UMBRA_TRY(blob_of(load, entry, key, worker, &blob));
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_hash(hash, blob, (size_t)entry->bytes);
    if (memcmp(hash, entry->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: damaged key for element %lu (bytes %llu to %llu do not fit their "
                          "checksum); fetch it again",
                          load->name, (unsigned long)key->galois, (unsigned long long)entry->offset,
                          (unsigned long long)(entry->offset + entry->bytes - 1));
    umbra_switch_seed(key->seed, load->seed, key->galois);
    for (int limb = 0; limb < level->limbs + params->literal.special_count; limb++) {
        const int prime = umbra_switch_limb_prime(params, key->level, limb);
        const umbra_modulus *m = umbra_params_modulus(params, prime);
        for (int digit = 0; digit < level->digits; digit++) {
            uint64_t *b = key->words == NULL ? limb_of(load, worker)
                                             : umbra_switch_key_words(key, params, limb, digit, 0);
            const unsigned char *packed =
                blob + umbra_switch_blob_offset(params, key->level, limb, digit);
            if (!umbra_unpack_bits(b, packed, params->degree, m->bits, m->q))
                return umbra_fail(
                    UMBRA_E_INPUT,
                    "%s: key for element %lu: a residue is not below its prime, after "
                    "byte %llu",
                    load->name, (unsigned long)key->galois,
                    (unsigned long long)(entry->offset + (uint64_t)(packed - blob)));
            if (key->words != NULL)
                umbra_sample_uniform(umbra_switch_key_words(key, params, limb, digit, 1),
                                     params->degree, m, key->seed,
                                     umbra_switch_stream(level->digit_number[digit], prime));
        }
    }
    return UMBRA_OK;
}

static umbra_status check_memory(const keys_load *load)
{
    uint64_t bytes = 0;
    const uint64_t available = umbra_memory_available_bytes();
    for (size_t i = 0; i < load->count; i++)
        bytes += umbra_key_holding_seeds(load->holding, load->items[i].galois)
                     ? umbra_key_seeded_bytes(load->params, load->items[i].level)
                     : umbra_key_whole_bytes(load->params, load->items[i].level);
    if (available != 0 && bytes > available)
        return umbra_fail(
            UMBRA_E_RESOURCE,
            "%s: the keys need %llu MiB of memory and %llu MiB are free; use a machine "
            "with more memory",
            load->name, (unsigned long long)(bytes >> 20), (unsigned long long)(available >> 20));
    return UMBRA_OK;
}

/* A key at a time goes through a worker's block: a file of gigabytes costs no fresh pages, and what
 * was checked is what is used. */
static umbra_status make_blobs(keys_load *load, int workers)
{
    uint64_t largest = 0;
    void *memory = NULL;
    for (size_t i = 0; i < load->count && load->file != NULL; i++)
        largest = load->entries[i].bytes > largest ? load->entries[i].bytes : largest;
    largest += load->params->degree * sizeof(uint64_t);
    if (largest > SIZE_MAX - 1)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: a key is larger than the address space",
                          load->name);
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)workers, sizeof *load->blobs, "keys"));
    load->blobs = memory;
    for (int i = 0; i < workers; i++) {
        UMBRA_TRY(umbra_memory_alloc(&memory, (size_t)largest + 1, "a packed key"));
        load->blobs[i] = memory;
    }
    return UMBRA_OK;
}

static umbra_status read_file(keys_load *load, size_t size, umbra_pool *pool)
{
    umbra_envelope envelope;
    umbra_reader body;
    UMBRA_TRY(umbra_envelope_open(load->bytes, size, load->name, UMBRA_KIND_EVALUATION_KEYS,
                                  UMBRA_EVALUATION_KEYS_VERSION, false, &envelope, &body));
    UMBRA_TRY(umbra_check_parameter_hash(load->params, &envelope, load->name));
    UMBRA_TRY(read_table(load, &body, &envelope));
    const umbra_key_request request = {load->params, load->items, load->count};
    umbra_status status = umbra_key_request_check(&request);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s", load->name);
    UMBRA_TRY(check_memory(load));
    UMBRA_TRY(make_blobs(load, umbra_pool_threads(pool)));
    UMBRA_TRY(umbra_evaluation_keys_new(&load->keys, &request, envelope.key_id));
    return umbra_pool_run(pool, load->count, expand_key, load);
}

static umbra_status run_load(keys_load *load, size_t size, umbra_pool *pool,
                             umbra_evaluation_keys **out)
{
    umbra_status status = read_file(load, size, pool);
    for (int i = 0; load->blobs != NULL && i < umbra_pool_threads(pool); i++)
        umbra_memory_free(load->blobs[i]);
    umbra_memory_free(load->blobs);
    umbra_memory_free(load->entries);
    if (status == UMBRA_OK)
        *out = load->keys;
    else
        umbra_evaluation_keys_free(load->keys);
    return status;
}

umbra_status umbra_evaluation_keys_read(const void *bytes, size_t size, const char *name,
                                        const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out)
{
    keys_load load = {.params = params, .name = name, .bytes = bytes, .holding = holding};
    return run_load(&load, size, pool, out);
}

/* The start of the file, as far as the table of contents reaches; what is wrong with it is for
 * read_file to say. */
static umbra_status read_head(const umbra_file_reader *file, size_t most_keys, void **out)
{
    const size_t fixed = UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES;
    const size_t most = fixed + most_keys * UMBRA_KEYS_ENTRY_BYTES;
    const size_t size = file->size < most ? (size_t)file->size : most;
    UMBRA_TRY(umbra_memory_alloc(out, size + 1, "table of contents"));
    umbra_status status = umbra_file_read_at(file, 0, *out, size);
    if (status != UMBRA_OK)
        umbra_memory_free(*out);
    return status;
}

umbra_status umbra_evaluation_keys_load(const char *path, const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out)
{
    umbra_file_reader file;
    void *head = NULL;
    UMBRA_TRY(umbra_file_open(path, &file));
    umbra_status status = UMBRA_OK;
    if (file.size > SIZE_MAX)
        status = umbra_fail(UMBRA_E_RESOURCE, "%s: larger than the address space", path);
    if (status == UMBRA_OK)
        status = read_head(&file, params->degree + 1, &head);
    if (status == UMBRA_OK) {
        keys_load load = {
            .params = params, .name = path, .bytes = head, .file = &file, .holding = holding};
        status = run_load(&load, (size_t)file.size, pool, out);
        umbra_memory_free(head);
    }
    umbra_file_close(&file);
    return status;
}
