/* The byte form of a ciphertext: docs/formats/ciphertext.md. */
#include "ckks/internal.h"

#include <math.h>
#include <string.h>

enum { FORM_FULL = 0, FORM_SEEDED = 1 };

static void write_part(umbra_writer *writer, const umbra_ciphertext *ct, int part)
{
    const umbra_params *params = ct->params;
    const umbra_level *level = &params->levels[ct->level];
    for (int i = 0; i < level->limbs; i++) {
        unsigned char *packed =
            umbra_write_reserve(writer, umbra_limb_bytes(params, level->prime[i]));
        if (packed != NULL)
            umbra_pack_bits(packed, ct->part[part] + (size_t)i * params->degree, params->degree,
                            umbra_params_modulus(params, level->prime[i])->bits);
    }
}

umbra_status umbra_ciphertext_write(umbra_writer *writer, const umbra_ciphertext *ct,
                                    const unsigned char *seed_or_null)
{
    if (seed_or_null != NULL && ct->parts != 2)
        return umbra_fail(UMBRA_E_USAGE, "a ciphertext of %d parts has no seed", ct->parts);
    umbra_write_u8(writer, (uint8_t)ct->level);
    umbra_write_u8(writer, (uint8_t)ct->parts);
    umbra_write_u8(writer, seed_or_null == NULL ? FORM_FULL : FORM_SEEDED);
    umbra_write_u8(writer, 0);
    umbra_write_u64(writer, ct->key_id);
    umbra_write_f64(writer, ct->scale_log2);
    umbra_write_f64(writer, ct->message_log2);
    umbra_write_f64(writer, ct->noise_log2);
    write_part(writer, ct, 0);
    if (seed_or_null != NULL)
        umbra_write_bytes(writer, seed_or_null, UMBRA_SEED_BYTES);
    for (int p = 1; seed_or_null == NULL && p < ct->parts; p++)
        write_part(writer, ct, p);
    return umbra_writer_check(writer);
}

#define HEADER_BYTES (4 + 8 + 3 * 8) /* as umbra_ciphertext_write has them */

uint64_t umbra_ciphertext_bytes(const umbra_params *params, int level, int parts, bool seeded)
{
    const umbra_level *l = &params->levels[level];
    uint64_t part = 0;
    for (int i = 0; i < l->limbs; i++)
        part += umbra_limb_bytes(params, l->prime[i]);
    return HEADER_BYTES + (seeded ? part + UMBRA_SEED_BYTES : (uint64_t)parts * part);
}

typedef struct ciphertext_header {
    int level, parts, form;
    uint64_t key_id;
    double scale_log2, message_log2, noise_log2;
} ciphertext_header;

static umbra_status read_header(umbra_reader *reader, const umbra_params *params,
                                ciphertext_header *h)
{
    h->level = umbra_read_u8(reader);
    h->parts = umbra_read_u8(reader);
    h->form = umbra_read_u8(reader);
    const int zero = umbra_read_u8(reader);
    h->key_id = umbra_read_u64(reader);
    h->scale_log2 = umbra_read_f64(reader);
    h->message_log2 = umbra_read_f64(reader);
    h->noise_log2 = umbra_read_f64(reader);
    UMBRA_TRY(umbra_reader_check(reader, "ciphertext"));
    if (h->level >= params->literal.level_count)
        return umbra_fail(UMBRA_E_INPUT, "%s: a ciphertext of level %d; there are %d levels",
                          reader->name, h->level, params->literal.level_count);
    if (h->parts < 2 || h->parts > 3 || h->form > FORM_SEEDED || zero != 0 ||
        (h->form == FORM_SEEDED && h->parts != 2))
        return umbra_fail(UMBRA_E_INPUT, "%s: a ciphertext of %d parts in form %d is unknown",
                          reader->name, h->parts, h->form);
    if (!(h->scale_log2 > 0) || !(h->scale_log2 < params->levels[h->level].log2_q) ||
        !(fabs(h->message_log2) < 1e4) || !(fabs(h->noise_log2) < 1e4))
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: a ciphertext with scale 2^%g, values up to 2^%g and an error of 2^%g",
            reader->name, h->scale_log2, h->message_log2, h->noise_log2);
    return UMBRA_OK;
}

static umbra_status read_part(umbra_reader *reader, umbra_ciphertext *ct, int part)
{
    const umbra_params *params = ct->params;
    const umbra_level *level = &params->levels[ct->level];
    for (int i = 0; i < level->limbs; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        const uint64_t at = reader->base_offset + reader->offset;
        const unsigned char *packed =
            umbra_read_view(reader, umbra_limb_bytes(params, level->prime[i]));
        UMBRA_TRY(umbra_reader_check(reader, "ciphertext"));
        if (!umbra_unpack_bits(ct->part[part] + (size_t)i * params->degree, packed, params->degree,
                               m->bits, m->q))
            return umbra_fail(
                UMBRA_E_INPUT,
                "%s: a residue of a ciphertext is not below its prime, after byte %llu",
                reader->name, (unsigned long long)at);
    }
    return UMBRA_OK;
}

static umbra_status read_seeded_part(umbra_reader *reader, umbra_ciphertext *ct)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    const umbra_params *params = ct->params;
    const umbra_level *level = &params->levels[ct->level];
    umbra_read_copy(reader, seed, UMBRA_SEED_BYTES);
    UMBRA_TRY(umbra_reader_check(reader, "seed of a ciphertext"));
    for (int i = 0; i < level->limbs; i++)
        umbra_sample_uniform(ct->part[1] + (size_t)i * params->degree, params->degree,
                             umbra_params_modulus(params, level->prime[i]), seed,
                             (uint64_t)level->prime[i]);
    return UMBRA_OK;
}

/* Bytes that must follow the header: checked before memory is taken for them. */
static umbra_status check_length(const umbra_reader *reader, const umbra_params *params,
                                 const ciphertext_header *h)
{
    size_t part = 0;
    const umbra_level *level = &params->levels[h->level];
    for (int i = 0; i < level->limbs; i++)
        part += umbra_limb_bytes(params, level->prime[i]);
    const size_t want = h->form == FORM_SEEDED ? part + UMBRA_SEED_BYTES : part * (size_t)h->parts;
    if (umbra_reader_left(reader) < want)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: truncated ciphertext: %zu bytes left at byte %llu, %zu are needed",
                          reader->name, umbra_reader_left(reader),
                          (unsigned long long)(reader->base_offset + reader->offset), want);
    return UMBRA_OK;
}

umbra_status umbra_ciphertext_read(umbra_reader *reader, const umbra_params *params,
                                   umbra_ciphertext **out)
{
    ciphertext_header h;
    umbra_ciphertext *ct = NULL;
    UMBRA_TRY(read_header(reader, params, &h));
    UMBRA_TRY(check_length(reader, params, &h));
    UMBRA_TRY(umbra_ciphertext_new(&ct, params, h.level, h.parts));
    umbra_status status = read_part(reader, ct, 0);
    if (status == UMBRA_OK && h.form == FORM_SEEDED)
        status = read_seeded_part(reader, ct);
    for (int p = 1; status == UMBRA_OK && h.form == FORM_FULL && p < h.parts; p++)
        status = read_part(reader, ct, p);
    if (status != UMBRA_OK) {
        umbra_ciphertext_free(ct);
        return status;
    }
    ct->key_id = h.key_id;
    ct->scale_log2 = h.scale_log2;
    ct->message_log2 = h.message_log2;
    ct->noise_log2 = h.noise_log2;
    *out = ct;
    return UMBRA_OK;
}
