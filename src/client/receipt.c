/* What a client keeps of a query: which files it was made from, so that no answer meets the wrong
 * one. */
#include "client/receipt.h"

#include "base/memory.h"

#include <sodium.h>
#include <string.h>

#define RECEIPT_VERSION 1
#define MOST_ITEMS (1 << 16) /* UMBRA_PLAN_MAX_IMAGES */
#define NAME_MOST 4096

umbra_status umbra_receipt_new(umbra_receipt **out, uint64_t key_id)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_receipt), "a receipt"));
    umbra_receipt *receipt = made;
    randombytes_buf(receipt->query_id, sizeof receipt->query_id);
    receipt->key_id = key_id;
    *out = receipt;
    return UMBRA_OK;
}

void umbra_receipt_free(umbra_receipt *receipt)
{
    if (receipt == NULL)
        return;
    for (int i = 0; i < receipt->count; i++)
        umbra_memory_free(receipt->items[i].name);
    umbra_memory_free(receipt->items);
    umbra_memory_free(receipt);
}

static umbra_status grow(umbra_receipt *receipt)
{
    const size_t count = (size_t)receipt->count;
    if (receipt->count >= MOST_ITEMS)
        return umbra_fail(UMBRA_E_INPUT, "a query of more than %d images", MOST_ITEMS);
    return umbra_memory_grow(&receipt->items, count, count + 1, &receipt->capacity,
                             sizeof *receipt->items, "a receipt");
}

/* The name as a file can hold it, checked by the reader of such files. */
static umbra_status copy_name(const char *path, char **out)
{
    umbra_writer writer = {0};
    umbra_write_string(&writer, path);
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK) {
        umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "the name of an input");
        status = umbra_read_string(&reader, NAME_MOST, out);
    }
    umbra_writer_free(&writer);
    if (status != UMBRA_OK)
        return umbra_fail(UMBRA_E_INPUT,
                          "the name of an input is longer than %d bytes, no UTF-8, or "
                          "has control characters: rename the file",
                          NAME_MOST);
    return UMBRA_OK;
}

umbra_status umbra_receipt_add(umbra_receipt *receipt, const char *path)
{
    umbra_receipt_item item = {0};
    umbra_file_copy content;
    UMBRA_TRY(grow(receipt));
    UMBRA_TRY(copy_name(path, &item.name));
    umbra_status status = umbra_file_load(path, &content);
    if (status != UMBRA_OK) {
        umbra_memory_free(item.name);
        return status;
    }
    umbra_hash(item.hash, content.bytes, content.size);
    umbra_file_unload(&content);
    receipt->items[receipt->count++] = item;
    return UMBRA_OK;
}

static void write_body(const umbra_receipt *receipt, const umbra_profile *profile, umbra_writer *w)
{
    umbra_write_bytes(w, profile->plan_hash, UMBRA_HASH_BYTES);
    umbra_write_bytes(w, receipt->query_id, UMBRA_QUERY_ID_BYTES);
    umbra_write_u32(w, (uint32_t)receipt->count);
    for (int i = 0; i < receipt->count; i++) {
        umbra_write_string(w, receipt->items[i].name);
        umbra_write_bytes(w, receipt->items[i].hash, UMBRA_HASH_BYTES);
    }
}

umbra_status umbra_receipt_save(const umbra_receipt *receipt, const umbra_profile *profile,
                                const char *path)
{
    umbra_writer w = {0};
    write_body(receipt, profile, &w);
    umbra_status status = umbra_writer_check(&w);
    if (status == UMBRA_OK)
        status = umbra_envelope_write_file(path, true, UMBRA_KIND_RECEIPT, RECEIPT_VERSION,
                                           umbra_params_hash(profile->params), receipt->key_id,
                                           w.bytes, w.size);
    umbra_writer_free(&w);
    return status;
}

static umbra_status read_items(umbra_reader *r, const umbra_profile *profile, umbra_receipt *out)
{
    uint32_t count = umbra_read_u32(r);
    UMBRA_TRY(umbra_reader_check(r, "count of images"));
    if (count < 1 || count > (uint32_t)profile->input_layout.images)
        return umbra_fail(UMBRA_E_INPUT, "%s: a query of %u images, where a run takes up to %d",
                          r->name, count, profile->input_layout.images);
    for (uint32_t i = 0; i < count; i++) {
        umbra_receipt_item item = {0};
        UMBRA_TRY(grow(out));
        UMBRA_TRY(umbra_read_string(r, NAME_MOST, &item.name));
        out->items[out->count++] = item;
        umbra_read_copy(r, out->items[i].hash, UMBRA_HASH_BYTES);
        UMBRA_TRY(umbra_reader_check(r, "hash of an image"));
    }
    if (umbra_reader_left(r) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: bytes after the end of the receipt", r->name);
    return UMBRA_OK;
}

static umbra_status read_body(umbra_reader *r, const umbra_envelope *envelope,
                              const umbra_profile *profile, umbra_receipt *out)
{
    unsigned char plan[UMBRA_HASH_BYTES];
    umbra_read_copy(r, plan, sizeof plan);
    umbra_read_copy(r, out->query_id, sizeof out->query_id);
    UMBRA_TRY(umbra_reader_check(r, "receipt"));
    if (memcmp(plan, profile->plan_hash, sizeof plan) != 0 ||
        memcmp(envelope->parameter_hash, umbra_params_hash(profile->params), UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "%s: is of a query for another plan; use the client.profile with which "
                          "it was encrypted",
                          r->name);
    return read_items(r, profile, out);
}

umbra_status umbra_receipt_load(const char *path, const umbra_profile *profile, umbra_receipt **out)
{
    umbra_file_copy content;
    umbra_envelope envelope;
    umbra_reader body;
    umbra_receipt *receipt = NULL;
    UMBRA_TRY(
        umbra_envelope_load(path, UMBRA_KIND_RECEIPT, RECEIPT_VERSION, &content, &envelope, &body));
    umbra_status status = umbra_receipt_new(&receipt, envelope.key_id);
    if (status == UMBRA_OK)
        status = read_body(&body, &envelope, profile, receipt);
    umbra_file_unload(&content);
    if (status != UMBRA_OK) {
        umbra_receipt_free(receipt);
        return status;
    }
    *out = receipt;
    return UMBRA_OK;
}

umbra_status umbra_receipt_check(const umbra_receipt *receipt,
                                 const unsigned char query_id[UMBRA_QUERY_ID_BYTES],
                                 uint64_t key_id)
{
    if (memcmp(receipt->query_id, query_id, UMBRA_QUERY_ID_BYTES) == 0 && receipt->key_id == key_id)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MISMATCH,
                      "the result answers another query than the one of this receipt: its answers "
                      "belong to other images; find the receipt that was written beside its query");
}
