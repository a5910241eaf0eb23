/* What the files of this module share: the inside of parameters and keys. No other module sees it.
 */
#ifndef UMBRA_CKKS_INTERNAL_H
#define UMBRA_CKKS_INTERNAL_H

#include "ckks/basis.h"
#include "ckks/keys.h"
#include "ckks/noise.h"

/* From level i to level i-1: multiply by A, the primes added, and divide by B, the primes dropped.
 */
typedef struct umbra_rescale_table {
    umbra_basis dropped;
    uint64_t source_factor[UMBRA_MAX_PRIMES]; /* A * (B/b_i)^-1 mod b_i, in the order of dropped */
    uint64_t
        added_factor[UMBRA_MAX_PRIMES]; /* A modulo the j-th prime of the lower level; 0: added */
    uint64_t inverse[UMBRA_MAX_PRIMES]; /* B^-1 modulo the j-th prime of the lower level */
    double log2;                        /* log2(B/A) */
} umbra_rescale_table;

typedef struct umbra_level {
    int limbs;
    int prime[UMBRA_MAX_PRIMES];    /* ascending */
    int position[UMBRA_MAX_PRIMES]; /* of a prime among the limbs, -1 where absent */
    double log2_q;
    /* Digit d of the gadget is the primes d*k .. d*k+k-1 of all data primes (k special primes),
     * whatever the level; only the digits that have a prime here are listed. */
    int digits;
    int digit_number[UMBRA_MAX_PRIMES];
    int digit_of_limb[UMBRA_MAX_PRIMES]; /* index into digit[] */
    umbra_basis *digit;
    umbra_rescale_table rescale; /* unused for level 0 */
} umbra_level;

struct umbra_params {
    umbra_params_literal literal;
    size_t degree;
    int total; /* data and special primes */
    umbra_ntt *ntt;
    umbra_fft *fft;
    const umbra_kernels *kernels;
    umbra_level *levels;
    umbra_basis special;
    uint64_t special_product[UMBRA_MAX_PRIMES]; /* P mod q_i */
    uint64_t special_inverse[UMBRA_MAX_PRIMES]; /* P^-1 mod q_i */
    double log2_q, log2_p;
    unsigned char hash[UMBRA_HASH_BYTES];
};

#define UMBRA_SWITCH_BATCH 4    /* digits that an inner product takes together */
#define UMBRA_FOLDED_MIN_LOG2 7 /* points of the polynomial of weights that repeat */

/* The literal against every limit, before any table is made. */
umbra_status umbra_params_check(const umbra_params_literal *literal) UMBRA_MUST_USE;
/* All limits but that of security. */
umbra_status umbra_params_check_shape(const umbra_params_literal *literal) UMBRA_MUST_USE;
void umbra_params_write_literal(const umbra_params_literal *literal, umbra_writer *writer);

static inline const umbra_modulus *umbra_params_modulus(const umbra_params *params, int prime)
{
    return &params->ntt[prime].modulus;
}

/* All but the polynomials. Alias: out == a allowed; where out is another operand, what is read of
 * that one is read before. */
static inline void umbra_copy_header(umbra_ciphertext *out, const umbra_ciphertext *a)
{
    out->level = a->level;
    out->parts = a->parts;
    out->scale_log2 = a->scale_log2;
    out->message_log2 = a->message_log2;
    out->noise_log2 = a->noise_log2;
    out->key_id = a->key_id;
}

/* One switching key, trimmed to a level.
 *
 * Whole: words has for each prime of the level, then each special one; for each digit of the level;
 * the b half and then the a half: N words of the NTT. All that one limb of an inner product reads
 * is contiguous. Seeded: packed has the b halves alone, as a file has them, and the a halves are
 * made from the seed each time that they are read. */
typedef struct umbra_switch_key {
    uint32_t galois; /* 0: relinearisation */
    int level;
    uint64_t *words;                      /* NULL: seeded */
    unsigned char *packed;                /* NULL: whole */
    unsigned char seed[UMBRA_SEED_BYTES]; /* of the a halves, where seeded */
    uint32_t *index; /* of the automorphism in NTT order; NULL for relinearisation */
} umbra_switch_key;

/* Where keys come from that are not in memory yet: keys_source.c. */
typedef struct umbra_key_source umbra_key_source;
void umbra_key_source_free(umbra_key_source *source);

struct umbra_evaluation_keys {
    const umbra_params *params;
    uint64_t key_id;
    size_t count;
    umbra_switch_key *keys;   /* ascending Galois elements */
    umbra_key_source *source; /* of those that have no memory yet; NULL: all have it */
};

struct umbra_public_key {
    const umbra_params *params;
    uint64_t key_id;
    unsigned char seed[UMBRA_SEED_BYTES]; /* of the a half */
    uint64_t *b, *a;                      /* every data prime */
};

/* Words of one limb of one half of a whole key. */
static inline uint64_t *umbra_switch_key_words(const umbra_switch_key *key,
                                               const umbra_params *params, int limb, int digit,
                                               int half)
{
    const int digits = params->levels[key->level].digits;
    return key->words + ((size_t)(limb * digits + digit) * 2 + (size_t)half) * params->degree;
}

/* Prime number of limb t of a key: the level's primes, then the special ones. */
static inline int umbra_switch_limb_prime(const umbra_params *params, int level, int limb)
{
    const umbra_level *l = &params->levels[level];
    return limb < l->limbs ? l->prime[limb] : params->literal.prime_count + limb - l->limbs;
}

/* Stream number of the uniform half of a key: the same at every level it may be trimmed to. */
static inline uint64_t umbra_switch_stream(int digit_number, int prime)
{
    return (uint64_t)digit_number * 256 + (uint64_t)prime;
}

/* Check the levels and Galois elements of a request; two of a kind are found where keys are made.
 */
umbra_status umbra_key_request_check(const umbra_key_request *request) UMBRA_MUST_USE;
/* A container with its keys sorted, none of which has memory yet. Owns: umbra_evaluation_keys_free
 */
umbra_status umbra_evaluation_keys_new(umbra_evaluation_keys **out,
                                       const umbra_key_request *request,
                                       uint64_t key_id) UMBRA_MUST_USE;
/* Memory for a key whose element and level are set, and its automorphism; the rest is to be filled.
 */
umbra_status umbra_switch_key_allocate(umbra_switch_key *key, const umbra_params *params,
                                       bool seeded) UMBRA_MUST_USE;
bool umbra_key_holding_seeds(const umbra_key_holding *holding, uint32_t galois);

/* (r0, r1) (+)= sum over `count` digits of values times the rows (limb, digits[i]) of a seeded key,
 * which are made a piece at a time. limb and digits: in the key's own numbers; count: at most
 * UMBRA_SWITCH_BATCH; scratch: one limb */
void umbra_seeded_dot2(const umbra_params *params, const umbra_switch_key *key, int limb,
                       const int *digits, const uint64_t *const *values, size_t count,
                       int accumulate, uint64_t *r0, uint64_t *r1, uint64_t *scratch);
/* NULL where absent or trimmed below. */
const umbra_switch_key *umbra_evaluation_keys_find(const umbra_evaluation_keys *keys,
                                                   uint32_t galois, int level);
/* Before a key is read: mark those that will be, and bring all marked ones into memory. Nothing to
 * do for keys that are there.
 *
 * key:     one more that is wanted, marked and brought under one lock, so that another thread's
 *          failure does not take its mark away; or NULL
 * Threads: any; keys that are ready stay as they are
 * Returns: why a marked key cannot be read */
void umbra_key_source_want(const umbra_evaluation_keys *keys, const umbra_switch_key *key);
umbra_status umbra_key_source_make_ready(const umbra_evaluation_keys *keys,
                                         const umbra_switch_key *key,
                                         umbra_pool *pool) UMBRA_MUST_USE;
umbra_status umbra_public_key_new(umbra_public_key **out, const umbra_params *params,
                                  uint64_t key_id) UMBRA_MUST_USE;
umbra_status umbra_encrypt_public_seeded(umbra_ciphertext *out, const umbra_plaintext *pt,
                                         const umbra_public_key *key,
                                         const unsigned char seed[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
/* Byte forms: docs/formats/keys.md. */
#define UMBRA_SECRET_KEY_VERSION 1
#define UMBRA_PUBLIC_KEY_VERSION 1
#define UMBRA_EVALUATION_KEYS_VERSION 1
#define UMBRA_KEYS_HEADER_BYTES (8 + UMBRA_SEED_BYTES) /* count, seed */
#define UMBRA_KEYS_ENTRY_BYTES (4 + 4 + 8 + 8 + UMBRA_HASH_BYTES)

/* Bytes of one packed limb, and where the blob of a key trimmed to `level` has limb and digit. */
size_t umbra_limb_bytes(const umbra_params *params, int prime);
uint64_t umbra_switch_blob_bytes(const umbra_params *params, int level);
uint64_t umbra_switch_blob_offset(const umbra_params *params, int level, int limb, int digit);
/* The uniform half of a key, from the seed of the file. */
void umbra_switch_seed(unsigned char out[UMBRA_SEED_BYTES],
                       const unsigned char seed[UMBRA_SEED_BYTES], uint32_t galois);
/* umbra_evaluation_keys_load on a file in memory. */
umbra_status umbra_evaluation_keys_read(const void *bytes, size_t size, const char *name,
                                        const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out) UMBRA_MUST_USE;
/* UMBRA_E_MISMATCH where the hash in an envelope is of other parameters. */
umbra_status umbra_check_parameter_hash(const umbra_params *params, const umbra_envelope *envelope,
                                        const char *name) UMBRA_MUST_USE;

/* Small signed numbers -> NTT words of one prime. CT: values are secret */
static inline void umbra_small_to_limb(const umbra_params *params, int prime, uint64_t *limb,
                                       const int32_t *values)
{
    const umbra_ntt *ntt = &params->ntt[prime];
    params->kernels->reduce_i32(limb, values, params->degree, &ntt->modulus);
    params->kernels->ntt_forward(limb, limb, ntt);
}

/* log2 of the spread of slots from coefficients: sqrt(N/2) for the real part. */
double umbra_noise_slots_log2(const umbra_params *params);
double umbra_noise_rounding(const umbra_params *params, int parts);

#endif
