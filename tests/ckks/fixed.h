/* A scheme in which every seed is fixed: the same bytes on every machine. For tests only. */
#ifndef UMBRA_TESTS_CKKS_FIXED_H
#define UMBRA_TESTS_CKKS_FIXED_H

#include "scheme.h"

static inline void fixed_seed(unsigned char seed[UMBRA_SEED_BYTES], int number)
{
    for (int i = 0; i < UMBRA_SEED_BYTES; i++)
        seed[i] = (unsigned char)(number * 37 + i);
}

static inline umbra_secret_key *fixed_secret(const umbra_params *params)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    umbra_secret_key *key = NULL;
    fixed_seed(seed, 1);
    check_ok(umbra_keygen_secret_seeded(&key, params, seed));
    return key;
}

static inline void fixed_keygen(umbra_keygen *keygen, const umbra_secret_key *secret)
{
    check_ok(umbra_keygen_begin(keygen, secret, NULL));
    fixed_seed(keygen->seed, 2);
    fixed_seed(keygen->error_seed, 3);
}

/* k/8 for k = -4 .. 3, repeated: exact in every precision. */
static inline umbra_ciphertext *fixed_encrypt(const umbra_params *params,
                                              const umbra_secret_key *secret, int level,
                                              double scale_log2,
                                              unsigned char seed[UMBRA_SEED_BYTES])
{
    double values[8];
    unsigned char error_seed[UMBRA_SEED_BYTES];
    umbra_plaintext *pt = NULL;
    umbra_ciphertext *ct = NULL;
    for (int i = 0; i < 8; i++)
        values[i] = (i - 4) / 8.0;
    fixed_seed(seed, 4);
    fixed_seed(error_seed, 5);
    check_ok(umbra_plaintext_new(&pt, params, level));
    check_ok(umbra_encode(pt, scale_log2, values, NULL, 8));
    check_ok(umbra_ciphertext_new(&ct, params, level, 2));
    check_ok(umbra_encrypt_secret_seeded(ct, seed, error_seed, pt, secret));
    umbra_plaintext_free(pt);
    return ct;
}

#endif
