/* The secret key: generation, encryption under it, decryption. */
#include "ckks/secret_internal.h"

#include "base/memory.h"
#include "ckks/declassify.h"

#include <string.h>

umbra_status umbra_keygen_secret_seeded(umbra_secret_key **out, const umbra_params *params,
                                        const unsigned char seed[UMBRA_SEED_BYTES])
{
    const size_t n = params->degree;
    void *object = NULL, *memory = NULL, *small = NULL;
    UMBRA_TRY(umbra_memory_alloc(&object, sizeof(umbra_secret_key), "secret key"));
    umbra_secret_key *key = object;
    key->params = params;
    umbra_status status = UMBRA_OK;
    UMBRA_GOTO(fail, status,
               umbra_secret_alloc(&memory, 64 + (size_t)params->total * n * sizeof(uint64_t)));
    key->limbs = memory;
    key->seed = (unsigned char *)memory + (size_t)params->total * n * sizeof(uint64_t);
    memcpy(key->seed, seed, UMBRA_SEED_BYTES);
    UMBRA_GOTO(fail, status, umbra_secret_alloc(&small, n * sizeof(int32_t)));
    unsigned char derived[UMBRA_SEED_BYTES];
    umbra_seed_derive(derived, seed, "umbra key id", 0);
    memcpy(&key->key_id, derived, sizeof key->key_id);
    UMBRA_DECLASSIFY(&key->key_id,
                     sizeof key->key_id);        /* a hash, in every file made from the key */
    key->key_id |= (uint64_t)(key->key_id == 0); /* 0 means none */
    umbra_seed_derive(derived, seed, "umbra secret key", 0);
    umbra_sample_ternary(small, n, derived);
    umbra_secret_wipe(derived, sizeof derived);
    for (int i = 0; i < params->total; i++)
        umbra_small_to_limb(params, i, key->limbs + (size_t)i * n, small);
    umbra_secret_free(small);
    *out = key;
    return UMBRA_OK;
fail:
    umbra_secret_key_free(key);
    return status;
}

umbra_status umbra_secret_key_generate(umbra_secret_key **out, const umbra_params *params)
{
    void *seed = NULL;
    UMBRA_TRY(umbra_secret_alloc(&seed, UMBRA_SEED_BYTES));
    umbra_status status = umbra_seed_random(seed);
    if (status == UMBRA_OK)
        status = umbra_keygen_secret_seeded(out, params, seed);
    umbra_secret_free(seed);
    return status;
}

void umbra_secret_key_free(umbra_secret_key *key)
{
    if (key == NULL)
        return;
    umbra_secret_free(key->limbs);
    umbra_memory_free(key);
}

uint64_t umbra_secret_key_id(const umbra_secret_key *key)
{
    return key->key_id;
}

static int same_params(const umbra_params *a, const umbra_params *b)
{
    return a == b || memcmp(a->hash, b->hash, UMBRA_HASH_BYTES) == 0;
}

static umbra_status check_encrypt(const umbra_ciphertext *out, const umbra_plaintext *pt,
                                  const umbra_secret_key *key)
{
    if (!same_params(pt->params, key->params) || !same_params(out->params, key->params))
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the plaintext and the secret key have different parameters; use those of "
            "one client profile");
    if (out->room_limbs < (size_t)pt->params->levels[pt->level].limbs || out->room_parts < 2)
        return umbra_fail(UMBRA_E_MISMATCH, "the ciphertext has no room for level %d", pt->level);
    return UMBRA_OK;
}

umbra_status umbra_encrypt_secret_seeded(umbra_ciphertext *out,
                                         const unsigned char seed[UMBRA_SEED_BYTES],
                                         const unsigned char error_seed[UMBRA_SEED_BYTES],
                                         const umbra_plaintext *pt, const umbra_secret_key *key)
{
    UMBRA_TRY(check_encrypt(out, pt, key));
    const umbra_params *params = key->params;
    const umbra_level *level = &params->levels[pt->level];
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, n * (sizeof(uint64_t) + sizeof(int32_t))));
    uint64_t *error = memory;
    int32_t *small = (int32_t *)(void *)(error + n);
    umbra_sample_gaussian(small, n, error_seed);
    for (int i = 0; i < level->limbs; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        uint64_t *c0 = out->part[0] + (size_t)i * n, *c1 = out->part[1] + (size_t)i * n;
        umbra_sample_uniform(c1, n, m, seed, (uint64_t)level->prime[i]);
        umbra_small_to_limb(params, level->prime[i], error, small);
        k->add(error, error, pt->limbs + (size_t)i * n, n, m);
        k->mul(c0, c1, key->limbs + (size_t)level->prime[i] * n, n, m);
        k->sub(c0, error, c0, n, m);
    }
    umbra_secret_free(memory);
    out->level = pt->level;
    out->parts = 2;
    out->scale_log2 = pt->scale_log2;
    out->message_log2 = pt->message_log2 > 0 ? pt->message_log2 : 0; /* it becomes public */
    out->noise_log2 = umbra_noise_add(umbra_noise_fresh_secret(params), pt->noise_log2);
    out->key_id = key->key_id;
    return UMBRA_OK;
}

umbra_status umbra_encrypt_secret(umbra_ciphertext *out, unsigned char seed[UMBRA_SEED_BYTES],
                                  const umbra_plaintext *pt, const umbra_secret_key *key)
{
    unsigned char fresh[UMBRA_SEED_BYTES];
    UMBRA_TRY(umbra_seed_random(fresh));
    void *error_seed = NULL;
    UMBRA_TRY(umbra_secret_alloc(&error_seed, UMBRA_SEED_BYTES));
    umbra_status status = umbra_seed_random(error_seed);
    if (status == UMBRA_OK)
        status = umbra_encrypt_secret_seeded(out, fresh, error_seed, pt, key);
    if (status == UMBRA_OK)
        memcpy(seed, fresh, sizeof fresh);
    umbra_secret_free(error_seed);
    return status;
}

static umbra_status check_decrypt(const umbra_plaintext *out, const umbra_ciphertext *ct,
                                  const umbra_secret_key *key)
{
    if (!same_params(ct->params, key->params) || !same_params(out->params, key->params))
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the ciphertext and the secret key have different parameters; use those of "
            "one client profile");
    if (ct->key_id != key->key_id)
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the ciphertext is under key %016llx and the secret key is %016llx; decrypt "
            "with the key that encrypted",
            (unsigned long long)ct->key_id, (unsigned long long)key->key_id);
    if (out->room_limbs < (size_t)ct->params->levels[ct->level].limbs)
        return umbra_fail(UMBRA_E_MISMATCH, "the plaintext has no room for level %d", ct->level);
    return UMBRA_OK;
}

umbra_status umbra_decrypt(umbra_plaintext *out, const umbra_ciphertext *ct,
                           const umbra_secret_key *key)
{
    UMBRA_TRY(check_decrypt(out, ct, key));
    const umbra_params *params = key->params;
    const umbra_level *level = &params->levels[ct->level];
    const size_t n = params->degree;
    for (int i = 0; i < level->limbs; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, level->prime[i]);
        const uint64_t *s = key->limbs + (size_t)level->prime[i] * n;
        uint64_t *r = out->limbs + (size_t)i * n;
        memcpy(r, ct->part[ct->parts - 1] + (size_t)i * n, n * sizeof *r);
        for (int p = ct->parts - 2; p >= 0; p--) {
            params->kernels->mul(r, r, s, n, m);
            params->kernels->add(r, r, ct->part[p] + (size_t)i * n, n, m);
        }
    }
    out->level = ct->level;
    out->scale_log2 = ct->scale_log2;
    out->message_log2 = ct->message_log2;
    out->noise_log2 = ct->noise_log2;
    return UMBRA_OK;
}
