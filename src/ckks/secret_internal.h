/* The inside of a secret key, and every operation that draws randomness with its seeds as
 * arguments. */
#ifndef UMBRA_CKKS_SECRET_INTERNAL_H
#define UMBRA_CKKS_SECRET_INTERNAL_H

#include "ckks/internal.h"
#include "ckks/secret.h"

struct umbra_secret_key {
    const umbra_params *params;
    uint64_t key_id;
    unsigned char *seed; /* this and limbs in one block of secret memory */
    uint64_t *limbs;     /* NTT words for every data prime, then every special prime */
};

/* These are for tests: two calls with the same seeds reveal what they hide. */
umbra_status umbra_keygen_secret_seeded(umbra_secret_key **out, const umbra_params *params,
                                        const unsigned char seed[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
umbra_status
umbra_keygen_public_seeded(umbra_public_key **out, const umbra_secret_key *key,
                           const unsigned char seed[UMBRA_SEED_BYTES],
                           const unsigned char error_seed[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
umbra_status umbra_encrypt_secret_seeded(umbra_ciphertext *out,
                                         const unsigned char seed[UMBRA_SEED_BYTES],
                                         const unsigned char error_seed[UMBRA_SEED_BYTES],
                                         const umbra_plaintext *pt,
                                         const umbra_secret_key *key) UMBRA_MUST_USE;

/* What the generation of switching keys needs besides the keys themselves. Owns: umbra_keygen_end
 */
typedef struct umbra_keygen {
    const umbra_secret_key *secret;
    umbra_pool *pool;
    unsigned char seed[UMBRA_SEED_BYTES]; /* public: of the uniform halves */
    unsigned char *error_seed;            /* secret memory */
    uint64_t *turned;                     /* secret memory: phi^-1(s) or s^2, all primes */
    uint64_t *worker_limbs;               /* secret memory: three limbs for each thread */
    int32_t *errors;                      /* secret memory: one polynomial for each digit */
} umbra_keygen;

umbra_status umbra_keygen_begin(umbra_keygen *keygen, const umbra_secret_key *secret,
                                umbra_pool *pool) UMBRA_MUST_USE;
void umbra_keygen_end(umbra_keygen *keygen);
/* Fill a key that umbra_switch_key_allocate has made. */
umbra_status umbra_keygen_switch(umbra_keygen *keygen, umbra_switch_key *key) UMBRA_MUST_USE;
umbra_status umbra_keygen_write(umbra_keygen *keygen, const umbra_key_request *request,
                                umbra_file_writer *file,
                                int (*progress)(void *context, size_t done, size_t total),
                                void *context) UMBRA_MUST_USE;

#endif
