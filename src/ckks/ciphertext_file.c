/* A query or a result as a file: an envelope around a count and that many ciphertexts. */
#include "ckks/ciphertext_file.h"

#include <string.h>

/* The envelope's hash: of parameters, plan and role together. */
static void bind(unsigned char out[UMBRA_HASH_BYTES], const umbra_ciphertexts_use *use,
                 umbra_ciphertexts_role role, const umbra_params *params)
{
    unsigned char text[2 * UMBRA_HASH_BYTES + 1];
    memcpy(text, umbra_params_hash(params), UMBRA_HASH_BYTES);
    memcpy(text + UMBRA_HASH_BYTES, use->plan_hash, UMBRA_HASH_BYTES);
    text[2 * UMBRA_HASH_BYTES] = role == UMBRA_ROLE_QUERY ? 'q' : 'r';
    umbra_hash(out, text, sizeof text);
}

static umbra_status check_binding(const unsigned char found[UMBRA_HASH_BYTES], const char *path,
                                  const umbra_ciphertexts_use *use, const umbra_params *params)
{
    static const char *const names[] = {"query", "result"};
    unsigned char wanted[UMBRA_HASH_BYTES];
    const umbra_ciphertexts_role other =
        use->role == UMBRA_ROLE_QUERY ? UMBRA_ROLE_RESULT : UMBRA_ROLE_QUERY;
    bind(wanted, use, use->role, params);
    if (memcmp(found, wanted, sizeof wanted) == 0)
        return UMBRA_OK;
    bind(wanted, use, other, params);
    if (memcmp(found, wanted, sizeof wanted) == 0)
        return umbra_fail(UMBRA_E_MISMATCH, "%s: is a %s where a %s is expected; %s", path,
                          names[other], names[use->role],
                          other == UMBRA_ROLE_QUERY ? "give what `umbra run` wrote"
                                                    : "give what `umbra encrypt` wrote");
    return umbra_fail(UMBRA_E_MISMATCH,
                      "%s: belongs to another plan, or was made with other parameters; use the "
                      "client.profile and the server.plan of one `umbra plan`",
                      path);
}

umbra_status umbra_ciphertexts_save(const char *path, const umbra_ciphertexts_use *use,
                                    const umbra_ciphertext *const *ciphertexts, int count,
                                    const unsigned char (*seeds)[UMBRA_SEED_BYTES],
                                    uint64_t *file_bytes)
{
    unsigned char binding[UMBRA_HASH_BYTES];
    bind(binding, use, use->role, ciphertexts[0]->params);
    static const unsigned char none[UMBRA_QUERY_ID_BYTES];
    umbra_writer writer = {0};
    umbra_write_bytes(&writer, use->query_id == NULL ? none : use->query_id, UMBRA_QUERY_ID_BYTES);
    umbra_write_u32(&writer, (uint32_t)count);
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < count && status == UMBRA_OK; i++)
        status = umbra_ciphertext_write(&writer, ciphertexts[i], seeds == NULL ? NULL : seeds[i]);
    if (status == UMBRA_OK)
        status = umbra_writer_check(&writer);
    if (status == UMBRA_OK)
        status = umbra_envelope_write_file(path, false, UMBRA_KIND_CIPHERTEXT,
                                           UMBRA_CIPHERTEXT_FILE_VERSION, binding,
                                           ciphertexts[0]->key_id, writer.bytes, writer.size);
    if (status == UMBRA_OK && file_bytes != NULL)
        *file_bytes = (uint64_t)writer.size + UMBRA_ENVELOPE_BYTES;
    umbra_writer_free(&writer);
    return status;
}

uint64_t umbra_ciphertexts_file_bytes(const umbra_params *params, umbra_ciphertexts_role role,
                                      int level, int count)
{
    bool seeded = role == UMBRA_ROLE_QUERY;
    uint64_t each = umbra_ciphertext_bytes(params, level, 2, seeded);
    return UMBRA_ENVELOPE_BYTES + UMBRA_QUERY_ID_BYTES + 4 + (uint64_t)count * each;
}

static umbra_status read_all(umbra_reader *body, const umbra_params *params, uint64_t key_id,
                             unsigned char *query_id, int count, umbra_ciphertext **out)
{
    unsigned char id[UMBRA_QUERY_ID_BYTES];
    umbra_read_copy(body, id, sizeof id);
    uint32_t found = umbra_read_u32(body);
    UMBRA_TRY(umbra_reader_check(body, "count of ciphertexts"));
    if (found != (uint32_t)count)
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "%s holds %u ciphertexts where %d are expected; it belongs to another plan", body->name,
            found, count);
    for (int i = 0; i < count; i++) {
        UMBRA_TRY(umbra_ciphertext_read(body, params, &out[i]));
        if (out[i]->key_id != key_id)
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: ciphertext %d is of another key than its envelope; "
                              "make the file again",
                              body->name, i);
    }
    if (umbra_reader_left(body) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: %zu bytes too many at byte %llu; make the file again",
                          body->name, umbra_reader_left(body),
                          (unsigned long long)(body->base_offset + body->offset));
    if (query_id != NULL)
        memcpy(query_id, id, sizeof id);
    return UMBRA_OK;
}

static umbra_status parse(const umbra_file_copy *content, const char *path,
                          const umbra_ciphertexts_use *use, const umbra_params *params, int count,
                          umbra_ciphertext **out)
{
    umbra_envelope envelope;
    umbra_reader body;
    UMBRA_TRY(umbra_envelope_open(content->bytes, content->size, path, UMBRA_KIND_CIPHERTEXT,
                                  UMBRA_CIPHERTEXT_FILE_VERSION, true, &envelope, &body));
    UMBRA_TRY(check_binding(envelope.parameter_hash, path, use, params));
    for (int i = 0; i < count; i++)
        out[i] = NULL;
    umbra_status status = read_all(&body, params, envelope.key_id, use->query_id, count, out);
    for (int i = 0; i < count && status != UMBRA_OK; i++) {
        umbra_ciphertext_free(out[i]);
        out[i] = NULL;
    }
    return status;
}

umbra_status umbra_ciphertexts_load(const char *path, const umbra_ciphertexts_use *use,
                                    const umbra_params *params, int count, umbra_ciphertext **out,
                                    uint64_t *file_bytes)
{
    umbra_file_copy content = {0};
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = parse(&content, path, use, params, count, out);
    if (status == UMBRA_OK && file_bytes != NULL)
        *file_bytes = content.size;
    umbra_file_unload(&content);
    return status;
}
