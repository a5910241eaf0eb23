/* A tensor becomes an encrypted query. */
#ifndef UMBRA_CLIENT_QUERY_H
#define UMBRA_CLIENT_QUERY_H

#include "ckks/secret.h"
#include "plan/profile.h"

/* Check, pack and encrypt a tensor of the classifier's input shape.
 *
 * Range:   finite; beyond the calibrated bound a warning is logged, beyond 4 times it is
 * UMBRA_E_INPUT: the polynomial activations would leave the range in which they were trained Owns:
 * ciphertexts[i] for i < profile->input_layout.ciphertexts; freed by the caller seeds:   one for
 * each ciphertext, for umbra_ciphertexts_save */
umbra_status umbra_query_encrypt(const umbra_profile *profile, const umbra_secret_key *key,
                                 const float *tensor, size_t count, umbra_ciphertext **ciphertexts,
                                 unsigned char (*seeds)[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
/* The same into a file, written aside and renamed. */
umbra_status umbra_query_save(const umbra_profile *profile, const umbra_secret_key *key,
                              const float *tensor, size_t count, const char *path,
                              uint64_t *file_bytes) UMBRA_MUST_USE;

#endif
