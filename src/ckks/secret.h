/* Everything that touches a secret key: generation, encryption under it, decryption. Client code
 * only. */
#ifndef UMBRA_CKKS_SECRET_H
#define UMBRA_CKKS_SECRET_H

#include "ckks/keys.h"

/* In locked memory, wiped on free. */
typedef struct umbra_secret_key umbra_secret_key;

umbra_status umbra_secret_key_generate(umbra_secret_key **out,
                                       const umbra_params *params) UMBRA_MUST_USE;
void umbra_secret_key_free(umbra_secret_key *key);
uint64_t umbra_secret_key_id(const umbra_secret_key *key);
/* Mode 0600, written aside and renamed. The file holds a seed, from which the key is derived again.
 */
umbra_status umbra_secret_key_save(const umbra_secret_key *key, const char *path) UMBRA_MUST_USE;
umbra_status umbra_secret_key_load(const char *path, const umbra_params *params,
                                   umbra_secret_key **out) UMBRA_MUST_USE;

umbra_status umbra_public_key_generate(umbra_public_key **out,
                                       const umbra_secret_key *key) UMBRA_MUST_USE;
/* Stream every key of the request to one file, each seeded and trimmed to its level.
 *
 * progress: called after each key, may be NULL; returning non-zero stops with UMBRA_E_CANCELLED */
umbra_status umbra_evaluation_keys_save(const umbra_secret_key *key,
                                        const umbra_key_request *request, umbra_pool *pool,
                                        const char *path,
                                        int (*progress)(void *context, size_t done, size_t total),
                                        void *context) UMBRA_MUST_USE;
/* Both into new files that the caller commits: a pair that must not be parted. */
umbra_status umbra_secret_key_write(const umbra_secret_key *key,
                                    umbra_file_writer *file) UMBRA_MUST_USE;
umbra_status umbra_evaluation_keys_write(const umbra_secret_key *key,
                                         const umbra_key_request *request, umbra_pool *pool,
                                         umbra_file_writer *file,
                                         int (*progress)(void *context, size_t done, size_t total),
                                         void *context) UMBRA_MUST_USE;
/* The same in memory, for tests and for `umbra demo`. */
umbra_status umbra_evaluation_keys_generate(umbra_evaluation_keys **out,
                                            const umbra_secret_key *key,
                                            const umbra_key_request *request,
                                            const umbra_key_holding *holding,
                                            umbra_pool *pool) UMBRA_MUST_USE;

/* Encrypt under the secret: c1 comes from `seed` (32 bytes, written by the call), which halves the
 * message. */
umbra_status umbra_encrypt_secret(umbra_ciphertext *out, unsigned char seed[UMBRA_SEED_BYTES],
                                  const umbra_plaintext *pt,
                                  const umbra_secret_key *key) UMBRA_MUST_USE;
/* Returns: UMBRA_E_MISMATCH for a ciphertext of another key or other parameters. */
umbra_status umbra_decrypt(umbra_plaintext *out, const umbra_ciphertext *ct,
                           const umbra_secret_key *key) UMBRA_MUST_USE;

#endif
