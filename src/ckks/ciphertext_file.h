/* A query or a result as a file: an envelope around a count and that many ciphertexts. */
#ifndef UMBRA_CKKS_CIPHERTEXT_FILE_H
#define UMBRA_CKKS_CIPHERTEXT_FILE_H

#include "ckks/ciphertext.h"
#include "math/sample.h"

#define UMBRA_CIPHERTEXT_FILE_VERSION 2 /* 2: the query's id */
#define UMBRA_QUERY_ID_BYTES 16
#define UMBRA_CIPHERTEXT_FILE_MAX 4096 /* ciphertexts in one file */

/* What a file of ciphertexts is part of. Parameters alone do not tell: two plans may share them and
 * differ in layouts and factors, and the answer would be wrong without an error. */
typedef enum umbra_ciphertexts_role { UMBRA_ROLE_QUERY, UMBRA_ROLE_RESULT } umbra_ciphertexts_role;

typedef struct umbra_ciphertexts_use {
    umbra_ciphertexts_role role;
    const unsigned char *plan_hash; /* UMBRA_HASH_BYTES, of the profile */
    /* UMBRA_QUERY_ID_BYTES, drawn by the client, copied by the server into the result: which answer
     * is to which question. Saving writes them (NULL: zeros), loading fills them (NULL: not). */
    unsigned char *query_id;
} umbra_ciphertexts_use;

/* Write aside and rename. seeds: NULL, or `count` seeds of freshly encrypted ciphertexts (half the
 * bytes). All ciphertexts share parameters and key. file_bytes may be NULL. */
umbra_status umbra_ciphertexts_save(const char *path, const umbra_ciphertexts_use *use,
                                    const umbra_ciphertext *const *ciphertexts, int count,
                                    const unsigned char (*seeds)[UMBRA_SEED_BYTES],
                                    uint64_t *file_bytes) UMBRA_MUST_USE;
/* What a file of `count` ciphertexts at a level has: queries are seeded, results are not. */
uint64_t umbra_ciphertexts_file_bytes(const umbra_params *params, umbra_ciphertexts_role role,
                                      int level, int count);
/* Read exactly `count` ciphertexts of these parameters into out[0 .. count-1]; on failure none
 * remains.
 *
 * Returns: UMBRA_E_MISMATCH for other parameters, another plan, the other role or another count,
 *          UMBRA_E_INPUT for a damaged file
 * Owns:    the caller frees each with umbra_ciphertext_free */
umbra_status umbra_ciphertexts_load(const char *path, const umbra_ciphertexts_use *use,
                                    const umbra_params *params, int count, umbra_ciphertext **out,
                                    uint64_t *file_bytes) UMBRA_MUST_USE;

#endif
