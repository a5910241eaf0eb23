/* Saving and loading a public key: docs/formats/keys.md. */
#include "base/memory.h"
#include "ckks/internal.h"

#include <string.h>

umbra_status umbra_public_key_save(const umbra_public_key *key, const char *path)
{
    const umbra_params *params = key->params;
    umbra_writer writer = {0};
    umbra_write_bytes(&writer, key->seed, UMBRA_SEED_BYTES);
    for (int i = 0; i < params->literal.prime_count; i++) {
        unsigned char *packed = umbra_write_reserve(&writer, umbra_limb_bytes(params, i));
        if (packed != NULL)
            umbra_pack_bits(packed, key->b + (size_t)i * params->degree, params->degree,
                            umbra_params_modulus(params, i)->bits);
    }
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK)
        status =
            umbra_envelope_write_file(path, false, UMBRA_KIND_PUBLIC_KEY, UMBRA_PUBLIC_KEY_VERSION,
                                      params->hash, key->key_id, writer.bytes, writer.size);
    umbra_writer_free(&writer);
    return status;
}

static umbra_status read_limbs(umbra_public_key *key, umbra_reader *body)
{
    const umbra_params *params = key->params;
    umbra_read_copy(body, key->seed, UMBRA_SEED_BYTES);
    for (int i = 0; i < params->literal.prime_count; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, i);
        const size_t at = (size_t)i * params->degree;
        const unsigned char *packed = umbra_read_view(body, umbra_limb_bytes(params, i));
        UMBRA_TRY(umbra_reader_check(body, "public key"));
        if (!umbra_unpack_bits(key->b + at, packed, params->degree, m->bits, m->q))
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: a residue modulo prime %d is not below it; fetch it again",
                              body->name, i);
        umbra_sample_uniform(key->a + at, params->degree, m, key->seed, (uint64_t)i);
    }
    if (umbra_reader_left(body) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: %zu bytes too many after the key", body->name,
                          umbra_reader_left(body));
    return UMBRA_OK;
}

static umbra_status load_copy(const char *path, const umbra_params *params,
                              const umbra_file_copy *content, umbra_public_key **key)
{
    umbra_envelope envelope;
    umbra_reader body;
    UMBRA_TRY(umbra_envelope_open(content->bytes, content->size, path, UMBRA_KIND_PUBLIC_KEY,
                                  UMBRA_PUBLIC_KEY_VERSION, true, &envelope, &body));
    UMBRA_TRY(umbra_check_parameter_hash(params, &envelope, path));
    UMBRA_TRY(umbra_public_key_new(key, params, envelope.key_id));
    return read_limbs(*key, &body);
}

umbra_status umbra_public_key_load(const char *path, const umbra_params *params,
                                   umbra_public_key **out)
{
    umbra_file_copy content = {0};
    umbra_public_key *key = NULL;
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = load_copy(path, params, &content, &key);
    umbra_file_unload(&content);
    if (status == UMBRA_OK)
        *out = key;
    else
        umbra_public_key_free(key);
    return status;
}
