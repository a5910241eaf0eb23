/* Generation of public and switching keys from a secret key. */
#include "ckks/secret_internal.h"

#include "base/memory.h"

#include <string.h>

#define WORKER_LIMBS 3 /* an error, and both halves of a key that is kept packed */

umbra_status umbra_keygen_begin(umbra_keygen *keygen, const umbra_secret_key *secret,
                                umbra_pool *pool)
{
    const umbra_params *params = secret->params;
    const size_t n = params->degree, threads = (size_t)umbra_pool_threads(pool);
    const size_t digits = (size_t)params->literal.prime_count; /* at most */
    *keygen = (umbra_keygen){.secret = secret, .pool = pool};
    void *memory = NULL;
    UMBRA_TRY(
        umbra_secret_alloc(&memory, 64 + ((size_t)params->total + WORKER_LIMBS * threads) * n * 8 +
                                        digits * n * sizeof(int32_t)));
    keygen->error_seed = memory;
    keygen->turned = (uint64_t *)(void *)(keygen->error_seed + 64);
    keygen->worker_limbs = keygen->turned + (size_t)params->total * n;
    keygen->errors = (int32_t *)(void *)(keygen->worker_limbs + WORKER_LIMBS * threads * n);
    umbra_status status = umbra_seed_random(keygen->seed);
    if (status == UMBRA_OK)
        status = umbra_seed_random(keygen->error_seed);
    if (status != UMBRA_OK)
        umbra_keygen_end(keygen);
    return status;
}

void umbra_keygen_end(umbra_keygen *keygen)
{
    umbra_secret_free(keygen->error_seed);
    keygen->error_seed = NULL;
}

typedef struct switch_job {
    const umbra_keygen *keygen;
    const umbra_params *params;
    const umbra_level *level;
    umbra_switch_key *key;
    const uint64_t *under;  /* the secret that the key is under: phi^-1(s), or s */
    const uint64_t *hidden; /* the secret that it carries: s, or s^2 */
} switch_job;

/* b = e - a * under + P * hidden at the primes of the digit itself. The gadget P * (1 mod the
 * primes of the digit, 0 mod all others) does not mention Q: it holds at every level whose primes
 * are a subset. */
static umbra_status switch_limb(void *context, size_t index, int worker)
{
    const switch_job *job = context;
    const umbra_params *params = job->params;
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    const int digits = job->level->digits;
    const int limb = (int)index / digits, digit = (int)index % digits;
    const int prime = umbra_switch_limb_prime(params, job->key->level, limb);
    const umbra_modulus *m = umbra_params_modulus(params, prime);
    uint64_t *error = job->keygen->worker_limbs + WORKER_LIMBS * (size_t)worker * n;
    uint64_t *b = error + n, *a = error + 2 * n;
    if (job->key->words != NULL) {
        b = umbra_switch_key_words(job->key, params, limb, digit, 0);
        a = umbra_switch_key_words(job->key, params, limb, digit, 1);
    }
    umbra_small_to_limb(params, prime, error, job->keygen->errors + (size_t)digit * n);
    if (limb < job->level->limbs && job->level->digit_of_limb[limb] == digit)
        k->mul_scalar_add(error, job->hidden + (size_t)prime * n, params->special_product[prime], n,
                          m);
    umbra_sample_uniform(a, n, m, job->key->seed,
                         umbra_switch_stream(job->level->digit_number[digit], prime));
    k->mul(b, a, job->under + (size_t)prime * n, n, m);
    k->sub(b, error, b, n, m);
    if (job->key->packed != NULL)
        umbra_pack_bits(job->key->packed +
                            umbra_switch_blob_offset(params, job->key->level, limb, digit),
                        b, n, m->bits);
    return UMBRA_OK;
}

static umbra_status sample_error(void *context, size_t index, int worker)
{
    const switch_job *job = context;
    (void)worker;
    unsigned char seed[UMBRA_SEED_BYTES];
    const uint64_t number = (uint64_t)job->key->galois * 256 + (uint64_t)index;
    umbra_seed_derive(seed, job->keygen->error_seed, "umbra switch key error", number);
    umbra_sample_gaussian(job->keygen->errors + index * job->params->degree, job->params->degree,
                          seed);
    umbra_secret_wipe(seed, sizeof seed);
    return UMBRA_OK;
}

/* turned = s^2 for relinearisation, phi^-1(s) for a Galois key: the rotation is applied after the
 * inner product, which then leads from s to phi^-1(s). */
static umbra_status turn_limb(void *context, size_t index, int worker)
{
    const switch_job *job = context;
    (void)worker;
    const umbra_params *params = job->params;
    const size_t n = params->degree;
    uint64_t *turned = job->keygen->turned + index * n;
    const uint64_t *s = job->keygen->secret->limbs + index * n;
    if (job->key->galois == 0) {
        params->kernels->mul(turned, s, s, n, umbra_params_modulus(params, (int)index));
        return UMBRA_OK;
    }
    /* key->index turns r[i] = a[index[i]]; this is its inverse. The table is public. */
    for (size_t i = 0; i < n; i++)
        turned[job->key->index[i]] = s[i];
    return UMBRA_OK;
}

umbra_status umbra_keygen_switch(umbra_keygen *keygen, umbra_switch_key *key)
{
    const umbra_params *params = keygen->secret->params;
    switch_job job = {.keygen = keygen,
                      .params = params,
                      .level = &params->levels[key->level],
                      .key = key,
                      .under = key->galois == 0 ? keygen->secret->limbs : keygen->turned,
                      .hidden = key->galois == 0 ? keygen->turned : keygen->secret->limbs};
    umbra_switch_seed(key->seed, keygen->seed, key->galois);
    const size_t digits = (size_t)job.level->digits;
    const size_t limbs = (size_t)(job.level->limbs + params->literal.special_count);
    UMBRA_TRY(umbra_pool_run(keygen->pool, (size_t)params->total, turn_limb, &job));
    UMBRA_TRY(umbra_pool_run(keygen->pool, digits, sample_error, &job));
    return umbra_pool_run(keygen->pool, limbs * digits, switch_limb, &job);
}

umbra_status umbra_evaluation_keys_generate(umbra_evaluation_keys **out,
                                            const umbra_secret_key *key,
                                            const umbra_key_request *request,
                                            const umbra_key_holding *holding, umbra_pool *pool)
{
    umbra_keygen keygen;
    umbra_evaluation_keys *keys = NULL;
    UMBRA_TRY(umbra_key_request_check(request));
    if (memcmp(request->params->hash, key->params->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the keys wanted and the secret key have different parameters");
    UMBRA_TRY(umbra_keygen_begin(&keygen, key, pool));
    umbra_status status = umbra_evaluation_keys_new(&keys, request, key->key_id);
    for (size_t i = 0; status == UMBRA_OK && i < keys->count; i++) {
        umbra_switch_key *made = &keys->keys[i];
        status = umbra_switch_key_allocate(made, keys->params,
                                           umbra_key_holding_seeds(holding, made->galois));
        if (status == UMBRA_OK)
            status = umbra_keygen_switch(&keygen, made);
    }
    umbra_keygen_end(&keygen);
    if (status == UMBRA_OK)
        *out = keys;
    else
        umbra_evaluation_keys_free(keys);
    return status;
}

umbra_status umbra_keygen_public_seeded(umbra_public_key **out, const umbra_secret_key *key,
                                        const unsigned char seed[UMBRA_SEED_BYTES],
                                        const unsigned char error_seed[UMBRA_SEED_BYTES])
{
    const umbra_params *params = key->params;
    const size_t n = params->degree;
    umbra_public_key *pk = NULL;
    void *memory = NULL;
    UMBRA_TRY(umbra_public_key_new(&pk, params, key->key_id));
    umbra_status status = umbra_secret_alloc(&memory, n * (sizeof(uint64_t) + sizeof(int32_t)));
    if (status != UMBRA_OK) {
        umbra_public_key_free(pk);
        return status;
    }
    uint64_t *error = memory;
    int32_t *small = (int32_t *)(void *)(error + n);
    memcpy(pk->seed, seed, UMBRA_SEED_BYTES);
    umbra_sample_gaussian(small, n, error_seed);
    for (int i = 0; i < params->literal.prime_count; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, i);
        uint64_t *a = pk->a + (size_t)i * n, *b = pk->b + (size_t)i * n;
        umbra_sample_uniform(a, n, m, seed, (uint64_t)i);
        umbra_small_to_limb(params, i, error, small);
        params->kernels->mul(b, a, key->limbs + (size_t)i * n, n, m);
        params->kernels->sub(b, error, b, n, m);
    }
    umbra_secret_free(memory);
    *out = pk;
    return UMBRA_OK;
}

umbra_status umbra_public_key_generate(umbra_public_key **out, const umbra_secret_key *key)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    void *error_seed = NULL;
    UMBRA_TRY(umbra_seed_random(seed));
    UMBRA_TRY(umbra_secret_alloc(&error_seed, UMBRA_SEED_BYTES));
    umbra_status status = umbra_seed_random(error_seed);
    if (status == UMBRA_OK)
        status = umbra_keygen_public_seeded(out, key, seed, error_seed);
    umbra_secret_free(error_seed);
    return status;
}
