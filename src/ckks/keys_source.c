/* Keys of a file, each read, checked and brought into memory when it is first needed, or all at
 * once. */
#include "ckks/keys_source.h"

#include "base/clock.h"
#include "base/memory.h"

#include <string.h>

static uint64_t *limb_of(const umbra_key_source *source, int worker)
{
    return (uint64_t *)(void *)source->blobs[worker];
}

/* The bytes of a key: where it is held, or where they lie until it is expanded. */
static umbra_status blob_of(const umbra_key_source *source, const umbra_key_entry *entry,
                            const umbra_switch_key *key, int worker, const unsigned char **out)
{
    unsigned char *blob = key->packed;
    if (blob == NULL && source->from_file)
        blob = source->blobs[worker] + source->params->degree * sizeof(uint64_t);
    *out = blob != NULL ? blob : source->bytes + entry->offset;
    if (source->from_file)
        return umbra_file_read_at(&source->file, entry->offset, blob, (size_t)entry->bytes);
    if (blob != NULL)
        memcpy(blob, source->bytes + entry->offset, (size_t)entry->bytes);
    return UMBRA_OK;
}

/* Unpack and check one row, and make its other half where the key is whole. */
static umbra_status expand_row(const umbra_key_source *source, const umbra_switch_key *key,
                               const unsigned char *blob, int limb, int digit, uint64_t *spare)
{
    const umbra_params *params = source->params;
    const int prime = umbra_switch_limb_prime(params, key->level, limb);
    const umbra_modulus *m = umbra_params_modulus(params, prime);
    uint64_t *b = key->words == NULL ? spare : umbra_switch_key_words(key, params, limb, digit, 0);
    const uint64_t place = umbra_switch_blob_offset(params, key->level, limb, digit);
    if (!umbra_unpack_bits(b, blob + place, params->degree, m->bits, m->q))
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: key for element %lu: a residue is not below its prime, after byte "
            "%llu",
            source->name, (unsigned long)key->galois,
            (unsigned long long)(place + source->entries[key - source->keys->keys].offset));
    if (key->words != NULL)
        umbra_sample_uniform(
            umbra_switch_key_words(key, params, limb, digit, 1), params->degree, m, key->seed,
            umbra_switch_stream(params->levels[key->level].digit_number[digit], prime));
    return UMBRA_OK;
}

static umbra_status expand_one(const umbra_key_source *source, size_t number, int worker)
{
    const umbra_params *params = source->params;
    umbra_key_entry *entry = &source->entries[number];
    umbra_switch_key *key = &source->keys->keys[number];
    const umbra_level *level = &params->levels[key->level];
    const unsigned char *blob = NULL;
    unsigned char hash[UMBRA_HASH_BYTES];
    if (key->words == NULL && key->packed == NULL) /* else it failed before */
        UMBRA_TRY(umbra_switch_key_allocate(key, params, entry->seeded));
    UMBRA_TRY(blob_of(source, entry, key, worker, &blob));
    umbra_hash(hash, blob, (size_t)entry->bytes);
    if (memcmp(hash, entry->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: damaged key for element %lu (bytes %llu to %llu do not fit their "
                          "checksum); fetch it again",
                          source->name, (unsigned long)key->galois,
                          (unsigned long long)entry->offset,
                          (unsigned long long)(entry->offset + entry->bytes - 1));
    umbra_switch_seed(key->seed, source->seed, key->galois);
    for (int limb = 0; limb < level->limbs + params->literal.special_count; limb++)
        for (int digit = 0; digit < level->digits; digit++)
            UMBRA_TRY(expand_row(source, key, blob, limb, digit, limb_of(source, worker)));
    entry->ready = true;
    return UMBRA_OK;
}

/* One that nobody has asked for yet is refused when somebody does. */
static umbra_status expand_key(void *context, size_t index, int worker)
{
    const umbra_key_source *source = context;
    const size_t number = source->batch[index];
    const umbra_status status = expand_one(source, number, worker);
    return source->entries[number].wanted ? status : UMBRA_OK;
}

static uint64_t bytes_of(const umbra_key_source *source, size_t index)
{
    return source->entries[index].seeded
               ? umbra_key_seeded_bytes(source->params, source->items[index].level)
               : umbra_key_whole_bytes(source->params, source->items[index].level);
}

static umbra_status check_memory(const umbra_key_source *source)
{
    uint64_t bytes = 0;
    const uint64_t available = umbra_memory_available_bytes();
    for (size_t i = 0; i < source->count; i++)
        bytes += bytes_of(source, i);
    if (available != 0 && bytes > available)
        return umbra_fail(
            UMBRA_E_RESOURCE,
            "%s: the keys need %llu MiB of memory and %llu MiB are free; use a machine "
            "with more memory",
            source->name, (unsigned long long)(bytes >> 20), (unsigned long long)(available >> 20));
    return UMBRA_OK;
}

static void free_blobs(umbra_key_source *source)
{
    for (int i = 0; i < source->blob_count; i++)
        umbra_memory_free(source->blobs[i]);
    umbra_memory_free(source->blobs);
    source->blobs = NULL;
    source->blob_count = 0;
}

/* A key at a time goes through a worker's block: a file of gigabytes costs no fresh pages, and what
 * was checked is what is used. */
static umbra_status make_blobs(umbra_key_source *source, int workers)
{
    uint64_t largest = 0;
    void *memory = NULL;
    if (workers <= source->blob_count)
        return UMBRA_OK;
    free_blobs(source);
    for (size_t i = 0; i < source->count && source->from_file; i++)
        largest = source->entries[i].bytes > largest ? source->entries[i].bytes : largest;
    largest += source->params->degree * sizeof(uint64_t);
    if (largest > SIZE_MAX - 1)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: a key is larger than the address space",
                          source->name);
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)workers, sizeof *source->blobs, "keys"));
    source->blobs = memory;
    for (; source->blob_count < workers; source->blob_count++) {
        UMBRA_TRY(umbra_memory_alloc(&memory, (size_t)largest + 1, "a packed key"));
        source->blobs[source->blob_count] = memory;
    }
    return UMBRA_OK;
}

void umbra_key_source_free(umbra_key_source *source)
{
    if (source == NULL)
        return;
    free_blobs(source);
    if (source->from_file)
        umbra_file_close(&source->file);
    umbra_memory_free(source->entries);
    umbra_memory_free(source->batch);
    umbra_memory_free(source->name);
    pthread_mutex_destroy(&source->lock);
    umbra_memory_free(source);
}

void umbra_key_source_want(const umbra_evaluation_keys *keys, const umbra_switch_key *key)
{
    if (keys->source == NULL)
        return;
    pthread_mutex_lock(&keys->source->lock);
    keys->source->entries[key - keys->keys].wanted = true;
    pthread_mutex_unlock(&keys->source->lock);
}

/* The keys wanted, and others up to the number of threads, which would be idle: keys of a file are
 * there to be used. */
static void list_batch(umbra_key_source *source, size_t threads)
{
    source->batch_count = 0;
    for (size_t i = 0; i < source->count; i++)
        if (source->entries[i].wanted && !source->entries[i].ready)
            source->batch[source->batch_count++] = i;
    if (source->batch_count == 0)
        return;
    for (size_t i = 0; i < source->count && source->batch_count % threads != 0; i++)
        if (!source->entries[i].wanted && !source->entries[i].ready)
            source->batch[source->batch_count++] = i;
}

static umbra_status expand_batch(umbra_key_source *source, umbra_pool *pool)
{
    const int threads = umbra_pool_threads(pool);
    if (source->ready_count == source->count)
        return UMBRA_OK;
    list_batch(source, (size_t)threads);
    if (source->batch_count == 0)
        return UMBRA_OK;
    UMBRA_TRY(make_blobs(source, threads));
    const umbra_status status = umbra_pool_run(pool, source->batch_count, expand_key, source);
    source->ready_count = 0;
    for (size_t i = 0; i < source->count; i++) {
        source->ready_count += source->entries[i].ready;
        source->entries[i].wanted = false; /* one that failed is refused where it is wanted again */
    }
    if (source->ready_count == source->count)
        free_blobs(source);
    return status;
}

umbra_status umbra_key_source_make_ready(const umbra_evaluation_keys *keys,
                                         const umbra_switch_key *key, umbra_pool *pool)
{
    if (keys->source == NULL)
        return UMBRA_OK;
    pthread_mutex_lock(&keys->source->lock);
    if (key != NULL)
        keys->source->entries[key - keys->keys].wanted = true;
    const uint64_t wall_ns = umbra_clock_ns(), cpu_ns = umbra_clock_cpu_ns();
    const umbra_status status = expand_batch(keys->source, pool);
    keys->source->wall_ns += umbra_clock_ns() - wall_ns;
    keys->source->cpu_ns += umbra_clock_cpu_ns() - cpu_ns;
    pthread_mutex_unlock(&keys->source->lock);
    return status;
}

void umbra_evaluation_keys_reading_ns(const umbra_evaluation_keys *keys, uint64_t *wall_ns,
                                      uint64_t *cpu_ns)
{
    *wall_ns = *cpu_ns = 0;
    if (keys->source == NULL)
        return;
    pthread_mutex_lock(&keys->source->lock);
    *wall_ns = keys->source->wall_ns;
    *cpu_ns = keys->source->cpu_ns;
    pthread_mutex_unlock(&keys->source->lock);
}

uint64_t umbra_evaluation_keys_awaited_bytes(const umbra_evaluation_keys *keys)
{
    uint64_t bytes = 0;
    if (keys->source == NULL)
        return 0;
    pthread_mutex_lock(&keys->source->lock);
    for (size_t i = 0; i < keys->source->count; i++)
        bytes += keys->source->entries[i].ready ? 0 : bytes_of(keys->source, i);
    pthread_mutex_unlock(&keys->source->lock);
    return bytes;
}

static umbra_status read_head(umbra_key_source *source, size_t size,
                              const umbra_key_holding *holding)
{
    umbra_envelope envelope;
    umbra_reader body;
    void *memory = NULL;
    UMBRA_TRY(umbra_envelope_open(source->bytes, size, source->name, UMBRA_KIND_EVALUATION_KEYS,
                                  UMBRA_EVALUATION_KEYS_VERSION, false, &envelope, &body));
    UMBRA_TRY(umbra_check_parameter_hash(source->params, &envelope, source->name));
    UMBRA_TRY(umbra_key_source_read_table(source, &body, &envelope));
    const umbra_key_request request = {source->params, source->items, source->count};
    umbra_status status = umbra_key_request_check(&request);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s", source->name);
    for (size_t i = 0; i < source->count; i++)
        source->entries[i].seeded = umbra_key_holding_seeds(holding, source->items[i].galois);
    UMBRA_TRY(check_memory(source));
    UMBRA_TRY(umbra_memory_alloc_array(&memory, source->count + 1, sizeof *source->batch,
                                       "a list of keys"));
    source->batch = memory;
    return umbra_evaluation_keys_new(&source->keys, &request, envelope.key_id);
}

static umbra_status new_source(umbra_key_source **out, const char *name, const umbra_params *params)
{
    void *memory = NULL;
    const size_t length = strlen(name) + 1;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_key_source), "evaluation keys"));
    umbra_key_source *source = memory;
    source->params = params;
    if (pthread_mutex_init(&source->lock, NULL) != 0) {
        umbra_memory_free(source);
        return umbra_fail(UMBRA_E_RESOURCE, "%s: the system has no lock to give", name);
    }
    const umbra_status status = umbra_memory_alloc(&memory, length, "a file name");
    if (status != UMBRA_OK) {
        umbra_key_source_free(source);
        return status;
    }
    source->name = memory;
    memcpy(source->name, name, length);
    *out = source;
    return UMBRA_OK;
}

/* The start of the file, as far as the table of contents may reach; what is wrong with it is for
 * read_head to say. */
static umbra_status open_file(umbra_key_source *source, const umbra_key_holding *holding)
{
    const size_t fixed = UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES;
    const size_t most = fixed + (source->params->degree + 1) * UMBRA_KEYS_ENTRY_BYTES;
    void *head = NULL;
    UMBRA_TRY(umbra_file_open(source->name, &source->file));
    source->from_file = true;
    if (source->file.size > SIZE_MAX)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: larger than the address space", source->name);
    const size_t size = source->file.size < most ? (size_t)source->file.size : most;
    UMBRA_TRY(umbra_memory_alloc(&head, size + 1, "table of contents"));
    umbra_status status = umbra_file_read_at(&source->file, 0, head, size);
    source->bytes = head;
    if (status == UMBRA_OK)
        status = read_head(source, (size_t)source->file.size, holding);
    umbra_memory_free(head);
    source->bytes = NULL;
    return status;
}

/* All keys, and the end of their source. */
static umbra_status finish(umbra_evaluation_keys *keys, umbra_pool *pool)
{
    umbra_key_source *source = keys->source;
    for (size_t i = 0; i < source->count; i++)
        source->entries[i].wanted = true;
    UMBRA_TRY(umbra_key_source_make_ready(keys, NULL, pool));
    umbra_key_source_free(source);
    keys->source = NULL;
    return UMBRA_OK;
}

/* Hand the source to its keys, where there are any. */
static umbra_status bind(umbra_status status, umbra_key_source *source, umbra_evaluation_keys **out)
{
    if (status != UMBRA_OK) {
        umbra_evaluation_keys_free(source->keys);
        umbra_key_source_free(source);
        return status;
    }
    source->keys->source = source;
    *out = source->keys;
    return UMBRA_OK;
}

umbra_status umbra_evaluation_keys_open(const char *path, const umbra_params *params,
                                        const umbra_key_holding *holding,
                                        umbra_evaluation_keys **out)
{
    umbra_key_source *source = NULL;
    UMBRA_TRY(new_source(&source, path, params));
    return bind(open_file(source, holding), source, out);
}

static umbra_status finish_or_free(umbra_evaluation_keys *keys, umbra_pool *pool,
                                   umbra_evaluation_keys **out)
{
    const umbra_status status = finish(keys, pool);
    if (status == UMBRA_OK)
        *out = keys;
    else
        umbra_evaluation_keys_free(keys);
    return status;
}

umbra_status umbra_evaluation_keys_load(const char *path, const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out)
{
    umbra_evaluation_keys *keys = NULL;
    UMBRA_TRY(umbra_evaluation_keys_open(path, params, holding, &keys));
    return finish_or_free(keys, pool, out);
}

umbra_status umbra_evaluation_keys_read(const void *bytes, size_t size, const char *name,
                                        const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out)
{
    umbra_key_source *source = NULL;
    umbra_evaluation_keys *keys = NULL;
    UMBRA_TRY(new_source(&source, name, params));
    source->bytes = bytes;
    UMBRA_TRY(bind(read_head(source, size, holding), source, &keys));
    return finish_or_free(keys, pool, out);
}
