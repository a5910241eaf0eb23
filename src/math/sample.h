/* Samplers over ChaCha20 streams. */
#ifndef UMBRA_MATH_SAMPLE_H
#define UMBRA_MATH_SAMPLE_H

#include "math/modulus.h"

#define UMBRA_SEED_BYTES 32

/* Fresh entropy from the operating system, through libsodium. */
umbra_status umbra_seed_random(unsigned char seed[UMBRA_SEED_BYTES]) UMBRA_MUST_USE;
/* seed, label -> another seed (keyed BLAKE2b): streams of different purposes never meet. */
void umbra_seed_derive(unsigned char out[UMBRA_SEED_BYTES],
                       const unsigned char seed[UMBRA_SEED_BYTES], const char *label,
                       uint64_t number);

/* n residues uniform in [0, q) by rejection from `bits`-bit words of the stream. The seed is public
 * (the random half of keys and ciphertexts), so rejection may show in timing.
 *
 * The words are part of the byte format of keys and ciphertexts: ChaCha20 (64-bit nonce = stream in
 * little-endian, counter from 0) is cut into chunks of 4096 bytes; candidates start at every
 * ceil(bits/8)-th byte of a chunk while 8 bytes remain, and are those 8 bytes in little-endian
 * order, masked to `bits` bits. */
void umbra_sample_uniform(uint64_t *r, size_t n, const umbra_modulus *m,
                          const unsigned char seed[UMBRA_SEED_BYTES], uint64_t stream);

/* The same residues piece by piece, for a caller that has no room for all of them at once. */
#define UMBRA_STREAM_BUFFER_BYTES 4096
typedef struct umbra_stream {
    unsigned char key[UMBRA_SEED_BYTES], nonce[8];
    uint64_t next_block;
    unsigned char bytes[UMBRA_STREAM_BUFFER_BYTES];
} umbra_stream;
typedef struct umbra_uniform {
    umbra_stream source;
    size_t at; /* of the next candidate in the stream's buffer */
    uint64_t q, mask;
    size_t width_bytes;
} umbra_uniform;
void umbra_uniform_start(umbra_uniform *u, const umbra_modulus *m,
                         const unsigned char seed[UMBRA_SEED_BYTES], uint64_t stream);
void umbra_uniform_next(umbra_uniform *u, uint64_t *r, size_t n);

/* n numbers in {-1, 0, 1}, each with probability 1/3 within 2^-64. CT: constant time, seed is
 * secret. */
void umbra_sample_ternary(int32_t *r, size_t n, const unsigned char seed[UMBRA_SEED_BYTES]);

/* n numbers of a discrete Gaussian, standard deviation 3.2, cut at +-41 (tail below 2^-117), by a
 * cumulative table of 128-bit (or two 64-bit) words read whole. CT: constant time, seed is secret.
 */
void umbra_sample_gaussian(int32_t *r, size_t n, const unsigned char seed[UMBRA_SEED_BYTES]);

#endif
