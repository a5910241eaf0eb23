/* Plaintexts and ciphertexts: polynomials with level, scale and a noise estimate. */
#ifndef UMBRA_CKKS_CIPHERTEXT_H
#define UMBRA_CKKS_CIPHERTEXT_H

#include "ckks/params.h"

/* limbs[i * N + k]: NTT order, residue modulo the i-th prime of the level. */
typedef struct umbra_plaintext {
    const umbra_params *params;
    int level;
    double scale_log2;
    double message_log2; /* log2 of a bound on |slot value| */
    double noise_log2;   /* log2 of the standard deviation of the error of a slot, scale included */
    size_t room_limbs;   /* how many limbs the memory holds */
    uint64_t *limbs;
} umbra_plaintext;

/* parts 2 or, between multiplication and relinearisation, 3. part[p] as umbra_plaintext.limbs.
 * Decrypts to part[0] + part[1] s + part[2] s^2. */
typedef struct umbra_ciphertext {
    const umbra_params *params;
    int level;
    int parts;
    double scale_log2;
    double message_log2;
    double noise_log2;
    uint64_t key_id;
    size_t room_limbs; /* of each part */
    int room_parts;
    uint64_t *part[3];
    void *memory;
} umbra_ciphertext;

/* Owns: umbra_ciphertext_free / umbra_plaintext_free. */
umbra_status umbra_ciphertext_new(umbra_ciphertext **out, const umbra_params *params, int level,
                                  int parts) UMBRA_MUST_USE;
void umbra_ciphertext_free(umbra_ciphertext *ct);
/* Write over a ciphertext of the same parameters. Alias: out == in allowed
 * Returns: UMBRA_E_MISMATCH where `out` has less room than `in` takes */
umbra_status umbra_ciphertext_assign(umbra_ciphertext *out,
                                     const umbra_ciphertext *in) UMBRA_MUST_USE;
umbra_status umbra_ciphertext_copy(umbra_ciphertext **out,
                                   const umbra_ciphertext *in) UMBRA_MUST_USE;
umbra_status umbra_plaintext_new(umbra_plaintext **out, const umbra_params *params,
                                 int level) UMBRA_MUST_USE;
void umbra_plaintext_free(umbra_plaintext *pt);

/* Bytes of a ciphertext's byte form. */
uint64_t umbra_ciphertext_bytes(const umbra_params *params, int level, int parts, bool seeded);
/* Byte form (docs/formats/ciphertext.md): residues bit-packed; a seeded fresh ciphertext stores the
 * seed in place of part 1. A file or message may hold several ciphertexts; the body begins with
 * their count. */
umbra_status umbra_ciphertext_write(umbra_writer *writer, const umbra_ciphertext *ct,
                                    const unsigned char *seed_or_null) UMBRA_MUST_USE;
umbra_status umbra_ciphertext_read(umbra_reader *reader, const umbra_params *params,
                                   umbra_ciphertext **out) UMBRA_MUST_USE;

#endif
