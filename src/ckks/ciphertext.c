/* Plaintexts and ciphertexts as objects in memory. */
#include "ckks/internal.h"

#include "base/memory.h"

#include <string.h>

static umbra_status check_level(const umbra_params *params, int level)
{
    if (level < 0 || level >= params->literal.level_count)
        return umbra_fail(UMBRA_E_USAGE, "level %d: these parameters have levels 0 to %d", level,
                          params->literal.level_count - 1);
    return UMBRA_OK;
}

umbra_status umbra_ciphertext_new(umbra_ciphertext **out, const umbra_params *params, int level,
                                  int parts)
{
    UMBRA_TRY(check_level(params, level));
    if (parts < 1 || parts > 3)
        return umbra_fail(UMBRA_E_USAGE, "a ciphertext of %d parts; give 2 or 3", parts);
    const size_t limbs = (size_t)params->levels[level].limbs;
    void *object = NULL, *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&object, sizeof(umbra_ciphertext), "ciphertext"));
    umbra_status status = umbra_memory_alloc_array(&memory, limbs * (size_t)parts,
                                                   params->degree * sizeof(uint64_t), "ciphertext");
    if (status != UMBRA_OK) {
        umbra_memory_free(object);
        return status;
    }
    umbra_ciphertext *ct = object;
    *ct = (umbra_ciphertext){.params = params,
                             .level = level,
                             .parts = parts,
                             .scale_log2 = params->literal.levels[level].scale_log2,
                             .room_limbs = limbs,
                             .room_parts = parts,
                             .memory = memory};
    for (int p = 0; p < parts; p++)
        ct->part[p] = (uint64_t *)memory + (size_t)p * limbs * params->degree;
    *out = ct;
    return UMBRA_OK;
}

void umbra_ciphertext_free(umbra_ciphertext *ct)
{
    if (ct == NULL)
        return;
    umbra_memory_free(ct->memory);
    umbra_memory_free(ct);
}

umbra_status umbra_ciphertext_assign(umbra_ciphertext *out, const umbra_ciphertext *in)
{
    const size_t limbs = (size_t)in->params->levels[in->level].limbs;
    if (out->room_limbs < limbs || out->room_parts < in->parts)
        return umbra_fail(UMBRA_E_MISMATCH, "%zu limbs in %d parts do not fit a room of %zu in %d",
                          limbs, in->parts, out->room_limbs, out->room_parts);
    for (int p = 0; p < in->parts; p++)
        memmove(out->part[p], in->part[p], limbs * in->params->degree * sizeof(uint64_t));
    umbra_copy_header(out, in);
    return UMBRA_OK;
}

umbra_status umbra_ciphertext_copy(umbra_ciphertext **out, const umbra_ciphertext *in)
{
    UMBRA_TRY(umbra_ciphertext_new(out, in->params, in->level, in->parts));
    return umbra_ciphertext_assign(*out, in);
}

umbra_status umbra_plaintext_new(umbra_plaintext **out, const umbra_params *params, int level)
{
    UMBRA_TRY(check_level(params, level));
    const size_t limbs = (size_t)params->levels[level].limbs;
    void *object = NULL, *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&object, sizeof(umbra_plaintext), "plaintext"));
    umbra_status status =
        umbra_memory_alloc_array(&memory, limbs, params->degree * sizeof(uint64_t), "plaintext");
    if (status != UMBRA_OK) {
        umbra_memory_free(object);
        return status;
    }
    umbra_plaintext *pt = object;
    *pt = (umbra_plaintext){.params = params,
                            .level = level,
                            .scale_log2 = params->literal.levels[level].scale_log2,
                            .room_limbs = limbs,
                            .limbs = memory};
    *out = pt;
    return UMBRA_OK;
}

void umbra_plaintext_free(umbra_plaintext *pt)
{
    if (pt == NULL)
        return;
    /* It may hold an image or an answer. */
    umbra_secret_wipe(pt->limbs, pt->room_limbs * pt->params->degree * sizeof(uint64_t));
    umbra_memory_free(pt->limbs);
    umbra_memory_free(pt);
}
