/* The public key and encryption under it. */
#include "ckks/internal.h"

#include "base/memory.h"

#include <string.h>

umbra_status umbra_public_key_new(umbra_public_key **out, const umbra_params *params,
                                  uint64_t key_id)
{
    void *object = NULL, *memory = NULL;
    const size_t words = (size_t)params->literal.prime_count * params->degree;
    UMBRA_TRY(umbra_memory_alloc(&object, sizeof(umbra_public_key), "public key"));
    umbra_status status =
        umbra_memory_alloc_array(&memory, 2 * words, sizeof(uint64_t), "public key");
    if (status != UMBRA_OK) {
        umbra_memory_free(object);
        return status;
    }
    umbra_public_key *key = object;
    key->params = params;
    key->key_id = key_id;
    key->b = memory;
    key->a = key->b + words;
    *out = key;
    return UMBRA_OK;
}

void umbra_public_key_free(umbra_public_key *key)
{
    if (key == NULL)
        return;
    umbra_memory_free(key->b);
    umbra_memory_free(key);
}

static umbra_status check(const umbra_ciphertext *out, const umbra_plaintext *pt,
                          const umbra_public_key *key)
{
    if (memcmp(pt->params->hash, key->params->hash, UMBRA_HASH_BYTES) != 0 ||
        memcmp(out->params->hash, key->params->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the plaintext and the public key have different parameters; use those of "
            "one client profile");
    if (out->room_limbs < (size_t)pt->params->levels[pt->level].limbs || out->room_parts < 2)
        return umbra_fail(UMBRA_E_MISMATCH, "the ciphertext has no room for level %d", pt->level);
    return UMBRA_OK;
}

/* (v b + e0 + m, v a + e1), v ternary. */
umbra_status umbra_encrypt_public_seeded(umbra_ciphertext *out, const umbra_plaintext *pt,
                                         const umbra_public_key *key,
                                         const unsigned char seed[UMBRA_SEED_BYTES])
{
    UMBRA_TRY(check(out, pt, key));
    const umbra_params *params = key->params;
    const umbra_level *level = &params->levels[pt->level];
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, n * (2 * sizeof(uint64_t) + 3 * sizeof(int32_t))));
    uint64_t *mask = memory, *error = mask + n;
    int32_t *small = (int32_t *)(void *)(error + n);
    unsigned char derived[UMBRA_SEED_BYTES];
    umbra_seed_derive(derived, seed, "umbra encryption mask", 0);
    umbra_sample_ternary(small, n, derived);
    for (uint64_t p = 0; p < 2; p++) {
        umbra_seed_derive(derived, seed, "umbra encryption error", p);
        umbra_sample_gaussian(small + (p + 1) * n, n, derived);
    }
    umbra_secret_wipe(derived, sizeof derived);
    for (int i = 0; i < level->limbs; i++) {
        const size_t from = (size_t)level->prime[i] * n, to = (size_t)i * n;
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        umbra_small_to_limb(params, level->prime[i], mask, small);
        for (int p = 0; p < 2; p++) {
            umbra_small_to_limb(params, level->prime[i], error, small + (size_t)(p + 1) * n);
            k->mul_add(error, mask, (p == 0 ? key->b : key->a) + from, n, m);
            if (p == 0)
                k->add(error, error, pt->limbs + to, n, m);
            memcpy(out->part[p] + to, error, n * sizeof *error);
        }
    }
    umbra_secret_free(memory);
    out->level = pt->level;
    out->parts = 2;
    out->scale_log2 = pt->scale_log2;
    out->message_log2 = pt->message_log2 > 0 ? pt->message_log2 : 0; /* it becomes public */
    out->noise_log2 = umbra_noise_add(umbra_noise_fresh_public(params), pt->noise_log2);
    out->key_id = key->key_id;
    return UMBRA_OK;
}

umbra_status umbra_encrypt_public(umbra_ciphertext *out, const umbra_plaintext *pt,
                                  const umbra_public_key *key)
{
    void *seed = NULL;
    UMBRA_TRY(umbra_secret_alloc(&seed, UMBRA_SEED_BYTES));
    umbra_status status = umbra_seed_random(seed);
    if (status == UMBRA_OK)
        status = umbra_encrypt_public_seeded(out, pt, key, seed);
    umbra_secret_free(seed);
    return status;
}
