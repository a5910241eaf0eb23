/* Files made from a secret key: itself, and evaluation keys streamed one by one. */
#include "base/memory.h"
#include "ckks/secret_internal.h"

#include <stdlib.h>
#include <string.h>

umbra_status umbra_secret_key_save(const umbra_secret_key *key, const char *path)
{
    umbra_file_writer *file = NULL;
    UMBRA_TRY(umbra_file_create(&file, path, true));
    return umbra_file_end(file, umbra_secret_key_write(key, file));
}

umbra_status umbra_secret_key_write(const umbra_secret_key *key, umbra_file_writer *file)
{
    return umbra_envelope_write(file, UMBRA_KIND_SECRET_KEY, UMBRA_SECRET_KEY_VERSION,
                                key->params->hash, key->key_id, key->seed, UMBRA_SEED_BYTES);
}

static umbra_status load_copy(const char *path, const umbra_params *params,
                              const umbra_file_copy *content, umbra_secret_key **key)
{
    umbra_envelope envelope;
    umbra_reader body;
    UMBRA_TRY(umbra_envelope_open(content->bytes, content->size, path, UMBRA_KIND_SECRET_KEY,
                                  UMBRA_SECRET_KEY_VERSION, true, &envelope, &body));
    UMBRA_TRY(umbra_check_parameter_hash(params, &envelope, path));
    const unsigned char *seed = umbra_read_view(&body, UMBRA_SEED_BYTES);
    UMBRA_TRY(umbra_reader_check(&body, "seed"));
    if (umbra_reader_left(&body) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: a secret key has %d bytes of content, not %zu", path,
                          UMBRA_SEED_BYTES, body.size);
    UMBRA_TRY(umbra_keygen_secret_seeded(key, params, seed));
    if ((*key)->key_id != envelope.key_id)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the key id at byte 48 is not that of the key; restore the file from "
                          "its backup",
                          path);
    return UMBRA_OK;
}

umbra_status umbra_secret_key_load(const char *path, const umbra_params *params,
                                   umbra_secret_key **out)
{
    umbra_file_copy content = {0};
    umbra_secret_key *key = NULL;
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = load_copy(path, params, &content, &key);
    umbra_file_unload(&content);
    if (status == UMBRA_OK)
        *out = key;
    else
        umbra_secret_key_free(key);
    return status;
}

typedef struct keys_save {
    umbra_keygen *keygen;
    const umbra_params *params;
    umbra_file_writer *file;
    size_t count;
    umbra_key_item *items; /* in order of their elements */
    umbra_writer head;     /* header and table of contents */
} keys_save;

static umbra_status save_key(keys_save *save, const umbra_key_item *item)
{
    const uint64_t bytes = umbra_switch_blob_bytes(save->params, item->level);
    umbra_switch_key key = {.galois = item->galois, .level = item->level};
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_status status = umbra_switch_key_allocate(&key, save->params, true);
    if (status == UMBRA_OK)
        status = umbra_keygen_switch(save->keygen, &key);
    if (status == UMBRA_OK) {
        umbra_hash(hash, key.packed, (size_t)bytes);
        umbra_write_u32(&save->head, item->galois);
        umbra_write_u32(&save->head, (uint32_t)item->level);
        umbra_write_u64(&save->head, umbra_file_size(save->file));
        umbra_write_u64(&save->head, bytes);
        umbra_write_bytes(&save->head, hash, sizeof hash);
        status = umbra_file_append(save->file, key.packed, (size_t)bytes);
    }
    umbra_memory_free(key.packed);
    umbra_memory_free(key.index);
    return status;
}

static int by_galois(const void *a, const void *b)
{
    const uint32_t x = ((const umbra_key_item *)a)->galois;
    const uint32_t y = ((const umbra_key_item *)b)->galois;
    return (x > y) - (x < y);
}

static umbra_status prepare(keys_save *save, const umbra_key_request *request)
{
    void *memory = NULL;
    save->count = request->count;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, request->count + 1, sizeof(umbra_key_item),
                                       "list of keys"));
    save->items = memory;
    if (request->count > 0)
        memcpy(save->items, request->items, request->count * sizeof *request->items);
    qsort(save->items, request->count, sizeof *save->items, by_galois);
    for (size_t i = 0; i < request->count; i++) {
        if (i > 0 && save->items[i].galois == save->items[i - 1].galois)
            return umbra_fail(UMBRA_E_INPUT, "a key for Galois element %lu is listed twice",
                              (unsigned long)save->items[i].galois);
    }
    umbra_write_u64(&save->head, request->count);
    umbra_write_bytes(&save->head, save->keygen->seed, UMBRA_SEED_BYTES);
    return umbra_writer_check(&save->head);
}

/* Room for what is only known at the end. */
static umbra_status append_zeros(umbra_file_writer *file, size_t bytes)
{
    static const unsigned char zeros[4096];
    while (bytes > 0) {
        const size_t some = bytes < sizeof zeros ? bytes : sizeof zeros;
        UMBRA_TRY(umbra_file_append(file, zeros, some));
        bytes -= some;
    }
    return UMBRA_OK;
}

static umbra_status write_keys(keys_save *save,
                               int (*progress)(void *context, size_t done, size_t total),
                               void *context)
{
    const size_t head = UMBRA_KEYS_HEADER_BYTES + save->count * UMBRA_KEYS_ENTRY_BYTES;
    UMBRA_TRY(append_zeros(save->file, UMBRA_ENVELOPE_BYTES + head));
    for (size_t i = 0; i < save->count; i++) {
        UMBRA_TRY(save_key(save, &save->items[i]));
        if (progress != NULL && progress(context, i + 1, save->count) != 0)
            return umbra_fail(UMBRA_E_CANCELLED, "stopped after %zu of %zu evaluation keys", i + 1,
                              save->count);
    }
    UMBRA_TRY(umbra_writer_check(&save->head));
    umbra_envelope envelope = {.kind = UMBRA_KIND_EVALUATION_KEYS,
                               .version = UMBRA_EVALUATION_KEYS_VERSION,
                               .key_id = save->keygen->secret->key_id,
                               .body_bytes = umbra_file_size(save->file) - UMBRA_ENVELOPE_BYTES};
    unsigned char sealed[UMBRA_ENVELOPE_BYTES];
    memcpy(envelope.parameter_hash, save->params->hash, UMBRA_HASH_BYTES);
    umbra_hash(envelope.body_hash, save->head.bytes, save->head.size);
    umbra_envelope_seal_hashed(sealed, &envelope);
    UMBRA_TRY(umbra_file_patch(save->file, 0, sealed, sizeof sealed));
    return umbra_file_patch(save->file, UMBRA_ENVELOPE_BYTES, save->head.bytes, save->head.size);
}

umbra_status umbra_keygen_write(umbra_keygen *keygen, const umbra_key_request *request,
                                umbra_file_writer *file,
                                int (*progress)(void *context, size_t done, size_t total),
                                void *context)
{
    keys_save save = {.keygen = keygen, .params = keygen->secret->params, .file = file};
    umbra_status status = prepare(&save, request);
    if (status == UMBRA_OK)
        status = write_keys(&save, progress, context);
    umbra_writer_free(&save.head);
    umbra_memory_free(save.items);
    return status;
}

umbra_status umbra_evaluation_keys_save(const umbra_secret_key *key,
                                        const umbra_key_request *request, umbra_pool *pool,
                                        const char *path,
                                        int (*progress)(void *context, size_t done, size_t total),
                                        void *context)
{
    umbra_file_writer *file = NULL;
    UMBRA_TRY(umbra_file_create(&file, path, false));
    return umbra_file_end(file,
                          umbra_evaluation_keys_write(key, request, pool, file, progress, context));
}

umbra_status umbra_evaluation_keys_write(const umbra_secret_key *key,
                                         const umbra_key_request *request, umbra_pool *pool,
                                         umbra_file_writer *file,
                                         int (*progress)(void *context, size_t done, size_t total),
                                         void *context)
{
    umbra_keygen keygen;
    UMBRA_TRY(umbra_key_request_check(request));
    if (memcmp(request->params->hash, key->params->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the keys wanted and the secret key have different parameters");
    UMBRA_TRY(umbra_keygen_begin(&keygen, key, pool));
    umbra_status status = umbra_keygen_write(&keygen, request, file, progress, context);
    umbra_keygen_end(&keygen);
    return status;
}
