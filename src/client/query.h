/* A tensor becomes an encrypted query. */
#ifndef UMBRA_CLIENT_QUERY_H
#define UMBRA_CLIENT_QUERY_H

#include "ckks/secret.h"
#include "plan/profile.h"

/* Check, pack and encrypt tensors of the classifier's input shape, one after the other: as many as
 * the layout has images, or fewer. count: their numbers in all. What is encrypted does not tell how
 * many there are.
 *
 * Range:   finite; beyond the calibrated bound a warning is logged, beyond 4 times it is
 * UMBRA_E_INPUT: the polynomial activations would leave the range in which they were trained Owns:
 * ciphertexts[i] for i < profile->input_layout.ciphertexts; freed by the caller seeds:   one for
 * each ciphertext, for umbra_ciphertexts_save */
umbra_status umbra_query_encrypt(const umbra_profile *profile, const umbra_secret_key *key,
                                 const float *tensors, size_t count, umbra_ciphertext **ciphertexts,
                                 unsigned char (*seeds)[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
/* The same into a file, written aside and renamed. query_id: as umbra_ciphertexts_use */
umbra_status umbra_query_save(const umbra_profile *profile, const umbra_secret_key *key,
                              const float *tensors, size_t count, unsigned char *query_id,
                              const char *path, uint64_t *file_bytes) UMBRA_MUST_USE;

#endif
