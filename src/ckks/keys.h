/* Public and evaluation keys: what a server may hold. */
#ifndef UMBRA_CKKS_KEYS_H
#define UMBRA_CKKS_KEYS_H

#include "base/threads.h"
#include "ckks/ciphertext.h"
#include "math/sample.h"

typedef struct umbra_public_key umbra_public_key;
void umbra_public_key_free(umbra_public_key *key);
umbra_status umbra_public_key_save(const umbra_public_key *key, const char *path) UMBRA_MUST_USE;
umbra_status umbra_public_key_load(const char *path, const umbra_params *params,
                                   umbra_public_key **out) UMBRA_MUST_USE;
umbra_status umbra_encrypt_public(umbra_ciphertext *out, const umbra_plaintext *pt,
                                  const umbra_public_key *key) UMBRA_MUST_USE;

/* One key wanted: a Galois element (odd, 1 < g < 2N; 2N - 1 conjugates), or 0 for relinearisation,
 * and the highest level at which it is used: the key is trimmed to that level's primes. */
typedef struct umbra_key_item {
    uint32_t galois;
    int level;
} umbra_key_item;

typedef struct umbra_key_request {
    const umbra_params *params;
    const umbra_key_item *items; /* no Galois element twice */
    size_t count;
} umbra_key_request;

/* How a server holds keys in memory: the a halves of those listed are made from their seeds each
 * time that they are read, and only the b halves stand in memory, packed. That is 39 % of the bytes
 * at primes of 50 bits, for a slower key switch with the same result. NULL: all keys whole. */
typedef struct umbra_key_holding {
    const uint32_t *seeded; /* Galois elements, ascending */
    size_t seeded_count;
} umbra_key_holding;

/* Bytes in memory of a key trimmed to a level. */
uint64_t umbra_key_whole_bytes(const umbra_params *params, int level);
uint64_t umbra_key_seeded_bytes(const umbra_params *params, int level);
/* Bytes in the file, header included. */
uint64_t umbra_key_request_bytes(const umbra_key_request *request);
/* Memory that making them takes beside the parameters: the largest one, packed, and its
 * errors, for they are made one after another. */
uint64_t umbra_key_request_memory_bytes(const umbra_key_request *request);

/* A set of switching keys, in memory or read from a file when they are needed; shared between
 * threads.
 *
 * A hybrid key with special primes p_0..p_{k-1}: the data primes stand in fixed groups of k, and
 * the digits of a level are its primes in each group; a key trimmed to level L serves every level
 * whose primes are a subset, see keyswitch.c for how the gadget stays valid. */
typedef struct umbra_evaluation_keys umbra_evaluation_keys;
void umbra_evaluation_keys_free(umbra_evaluation_keys *keys);
/* Read a file and check it: every offset, hash and residue. Expands the seeds of keys held
 * whole. A file of another kind (a secret key above all) is refused by name. */
umbra_status umbra_evaluation_keys_load(const char *path, const umbra_params *params,
                                        const umbra_key_holding *holding, umbra_pool *pool,
                                        umbra_evaluation_keys **out) UMBRA_MUST_USE;
/* The same, but each key is read from the file, checked and expanded when an evaluator first needs
 * it, and a damaged one fails the operations that need it. The file stays open. */
umbra_status umbra_evaluation_keys_open(const char *path, const umbra_params *params,
                                        const umbra_key_holding *holding,
                                        umbra_evaluation_keys **out) UMBRA_MUST_USE;
/* Memory that keys will take which are not read yet. */
uint64_t umbra_evaluation_keys_awaited_bytes(const umbra_evaluation_keys *keys);
/* Time spent so far on keys that were brought in at their first use. */
void umbra_evaluation_keys_reading_ns(const umbra_evaluation_keys *keys, uint64_t *wall_ns,
                                      uint64_t *cpu_ns);
uint64_t umbra_evaluation_keys_id(const umbra_evaluation_keys *keys);
/* 0 where the key is absent or trimmed below `level`. */
int umbra_evaluation_keys_have(const umbra_evaluation_keys *keys, uint32_t galois, int level);

#endif
