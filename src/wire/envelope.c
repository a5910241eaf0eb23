/* The frame around every Umbra file and message: docs/formats/envelope.md. */
#include "wire/envelope.h"

#include "base/checked.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const unsigned char magic[8] = {'U', 'M', 'B', 'R', 'A', '\r', '\n', 0x1a};

enum { RESERVED_BYTES = 24, HEADER_HASH_OFFSET = 120, HEADER_HASH_BYTES = 8 };

typedef struct kind_text {
    const char *name, *usual_file;
} kind_text;

static const kind_text kinds[] = {
    [UMBRA_KIND_SECRET_KEY] = {"secret key", "secret.key"},
    [UMBRA_KIND_PUBLIC_KEY] = {"public key", "public.key"},
    [UMBRA_KIND_EVALUATION_KEYS] = {"evaluation keys", "evaluation.keys"},
    [UMBRA_KIND_CIPHERTEXT] = {"ciphertext", "query.ct or result.ct"},
    [UMBRA_KIND_PLAN] = {"plan", "server.plan"},
    [UMBRA_KIND_PROFILE] = {"client profile", "client.profile"},
    [UMBRA_KIND_RECEIPT] = {"receipt", "query.ct.receipt"}};

static bool is_known(uint32_t kind)
{
    return kind >= UMBRA_KIND_SECRET_KEY && kind < sizeof kinds / sizeof *kinds;
}

const char *umbra_kind_name(umbra_kind kind)
{
    return is_known((uint32_t)kind) ? kinds[kind].name : "unknown kind";
}

void umbra_hash(unsigned char out[UMBRA_HASH_BYTES], const void *bytes, size_t size)
{
    int refused = crypto_generichash(out, UMBRA_HASH_BYTES, bytes, size, NULL, 0);
    assert(refused == 0); /* only a wrong output length is refused */
    (void)refused;
}

static umbra_status check_header_bytes(const unsigned char *header, size_t size, const char *name)
{
    size_t compared = size < sizeof magic ? size : sizeof magic;
    if (size == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: is empty; fetch or make it again", name);
    if (memcmp(header, magic, compared) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: not an Umbra file (no Umbra mark at byte 0); check the file name, "
                          "and that it was not copied in text mode",
                          name);
    if (size < UMBRA_ENVELOPE_BYTES)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: truncated: %zu bytes, and the header alone has %d; fetch or make it again", name,
            size, UMBRA_ENVELOPE_BYTES);
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_hash(hash, header, HEADER_HASH_OFFSET);
    if (memcmp(hash, header + HEADER_HASH_OFFSET, HEADER_HASH_BYTES) != 0)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: damaged header (checksum at byte %d does not match); fetch or make it again", name,
            HEADER_HASH_OFFSET);
    return UMBRA_OK;
}

static umbra_status check_kind(uint32_t kind, umbra_kind expected, const char *name)
{
    if (kind == (uint32_t)expected)
        return UMBRA_OK;
    if (!is_known(kind))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: kind %lu at byte 8 is unknown to this version of Umbra; update it",
                          name, (unsigned long)kind);
    if (kind == UMBRA_KIND_SECRET_KEY)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "%s: a file of kind \"%s\" where \"%s\" was expected; a secret key never "
                          "leaves its owner: do not send it to a server",
                          name, kinds[kind].name, umbra_kind_name(expected));
    return umbra_fail(
        UMBRA_E_MISMATCH,
        "%s: a file of kind \"%s\" where \"%s\" was expected; give the right file, as "
        "%s",
        name, kinds[kind].name, umbra_kind_name(expected), kinds[expected].usual_file);
}

static umbra_status check_length(uint64_t body_bytes, size_t size, const char *name)
{
    size_t present = size - UMBRA_ENVELOPE_BYTES;
    if (body_bytes > present)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: truncated: the header announces %llu bytes of content, %zu are "
                          "there; fetch or make it again",
                          name, (unsigned long long)body_bytes, present);
    if (body_bytes < present)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: %llu bytes too many after the content, from byte %llu; fetch or make it "
            "again",
            name, (unsigned long long)(present - body_bytes),
            (unsigned long long)(UMBRA_ENVELOPE_BYTES + body_bytes));
    return UMBRA_OK;
}

static umbra_status check_body_hash(const umbra_envelope *envelope, const unsigned char *body,
                                    const char *name)
{
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_hash(hash, body, (size_t)envelope->body_bytes);
    if (memcmp(hash, envelope->body_hash, sizeof hash) != 0)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: damaged content (checksum at byte 64 does not match); fetch or make it "
            "again",
            name);
    return UMBRA_OK;
}

umbra_status umbra_envelope_open(const void *bytes, size_t size, const char *name,
                                 umbra_kind expected, uint32_t version, bool check_body,
                                 umbra_envelope *out, umbra_reader *body)
{
    const unsigned char *file = bytes;
    UMBRA_TRY(check_header_bytes(file, size, name));
    umbra_reader header = umbra_reader_make(file, UMBRA_ENVELOPE_BYTES, name);
    umbra_envelope envelope = {0};
    (void)umbra_read_view(&header, sizeof magic);
    uint32_t kind = umbra_read_u32(&header);
    envelope.version = umbra_read_u32(&header);
    umbra_read_copy(&header, envelope.parameter_hash, UMBRA_HASH_BYTES);
    envelope.key_id = umbra_read_u64(&header);
    envelope.body_bytes = umbra_read_u64(&header);
    umbra_read_copy(&header, envelope.body_hash, UMBRA_HASH_BYTES);
    const unsigned char *reserved = umbra_read_view(&header, RESERVED_BYTES);
    UMBRA_TRY(umbra_reader_check(&header, "header"));
    UMBRA_TRY(check_kind(kind, expected, name));
    envelope.kind = expected;
    if (envelope.version != version)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: %s of format version %lu, this Umbra reads version %lu; use the "
                          "same Umbra on both sides",
                          name, umbra_kind_name(expected), (unsigned long)envelope.version,
                          (unsigned long)version);
    if (!sodium_is_zero(reserved, RESERVED_BYTES))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: bytes 96 to 119 are reserved and not zero; update Umbra", name);
    UMBRA_TRY(check_length(envelope.body_bytes, size, name));
    if (check_body)
        UMBRA_TRY(check_body_hash(&envelope, file + UMBRA_ENVELOPE_BYTES, name));
    *out = envelope;
    *body = umbra_reader_make(file + UMBRA_ENVELOPE_BYTES, (size_t)envelope.body_bytes, name);
    body->base_offset = UMBRA_ENVELOPE_BYTES;
    return UMBRA_OK;
}

umbra_status umbra_envelope_load(const char *path, umbra_kind expected, uint32_t version,
                                 umbra_file_copy *content, umbra_envelope *out, umbra_reader *body)
{
    umbra_file_copy file;
    UMBRA_TRY(umbra_file_load(path, &file));
    umbra_status status =
        umbra_envelope_open(file.bytes, file.size, path, expected, version, true, out, body);
    if (status == UMBRA_OK)
        *content = file;
    else
        umbra_file_unload(&file);
    return status;
}

static unsigned char *put_little_endian(unsigned char *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(v >> 8 * i);
    return out + bytes;
}

void umbra_envelope_seal_hashed(unsigned char out[UMBRA_ENVELOPE_BYTES],
                                const umbra_envelope *envelope)
{
    unsigned char *at = out;
    memcpy(at, magic, sizeof magic);
    at = put_little_endian(at + sizeof magic, (uint64_t)envelope->kind, 4);
    at = put_little_endian(at, envelope->version, 4);
    memcpy(at, envelope->parameter_hash, UMBRA_HASH_BYTES);
    at = put_little_endian(at + UMBRA_HASH_BYTES, envelope->key_id, 8);
    at = put_little_endian(at, envelope->body_bytes, 8);
    memcpy(at, envelope->body_hash, UMBRA_HASH_BYTES);
    memset(at + UMBRA_HASH_BYTES, 0, RESERVED_BYTES);
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_hash(hash, out, HEADER_HASH_OFFSET);
    memcpy(out + HEADER_HASH_OFFSET, hash, HEADER_HASH_BYTES);
}

void umbra_envelope_seal(unsigned char out[UMBRA_ENVELOPE_BYTES], umbra_kind kind, uint32_t version,
                         const unsigned char parameter_hash[UMBRA_HASH_BYTES], uint64_t key_id,
                         const void *body, uint64_t body_bytes)
{
    umbra_envelope envelope = {
        .kind = kind, .version = version, .key_id = key_id, .body_bytes = body_bytes};
    memcpy(envelope.parameter_hash, parameter_hash, UMBRA_HASH_BYTES);
    umbra_hash(envelope.body_hash, body, (size_t)body_bytes);
    umbra_envelope_seal_hashed(out, &envelope);
}

umbra_status umbra_envelope_write(umbra_file_writer *file, umbra_kind kind, uint32_t version,
                                  const unsigned char parameter_hash[UMBRA_HASH_BYTES],
                                  uint64_t key_id, const void *body, uint64_t body_bytes)
{
    size_t size = 0;
    if (!umbra_size_from_u64(body_bytes, &size))
        return umbra_fail(UMBRA_E_RESOURCE, "%s: too large for this machine",
                          umbra_kind_name(kind));
    unsigned char header[UMBRA_ENVELOPE_BYTES];
    umbra_envelope_seal(header, kind, version, parameter_hash, key_id, body, body_bytes);
    UMBRA_TRY(umbra_file_append(file, header, sizeof header));
    return umbra_file_append(file, body, size);
}

umbra_status umbra_envelope_write_file(const char *path, bool private_mode, umbra_kind kind,
                                       uint32_t version,
                                       const unsigned char parameter_hash[UMBRA_HASH_BYTES],
                                       uint64_t key_id, const void *body, uint64_t body_bytes)
{
    umbra_file_writer *file = NULL;
    UMBRA_TRY(umbra_file_create(&file, path, private_mode));
    return umbra_file_end(
        file, umbra_envelope_write(file, kind, version, parameter_hash, key_id, body, body_bytes));
}
