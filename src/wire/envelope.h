/* The frame around every Umbra file and message: magic, kind, version, parameter hash, length,
 * checksum. */
#ifndef UMBRA_WIRE_ENVELOPE_H
#define UMBRA_WIRE_ENVELOPE_H

#include "wire/bytes.h"
#include "wire/file.h"

typedef enum umbra_kind {
    UMBRA_KIND_SECRET_KEY = 1,
    UMBRA_KIND_PUBLIC_KEY = 2,
    UMBRA_KIND_EVALUATION_KEYS = 3,
    UMBRA_KIND_CIPHERTEXT = 4,
    UMBRA_KIND_PLAN = 5,
    UMBRA_KIND_PROFILE = 6,
    UMBRA_KIND_RECEIPT = 7
} umbra_kind;

const char *umbra_kind_name(umbra_kind kind); /* "secret key", ...; "unknown kind" */

#define UMBRA_HASH_BYTES 32 /* BLAKE2b-256 by libsodium */
#define UMBRA_ENVELOPE_BYTES 128

/* 128 bytes, little-endian, before the body (docs/formats/envelope.md):
 *   8 magic "UMBRA\r\n\x1a"; 4 kind; 4 version; 32 parameter hash; 8 key id; 8 body length;
 *   32 BLAKE2b-256 of the body; 24 zero; 8: the first 8 bytes of BLAKE2b-256 of bytes 0..119. */
typedef struct umbra_envelope {
    umbra_kind kind;
    uint32_t version;
    unsigned char parameter_hash[UMBRA_HASH_BYTES];
    uint64_t key_id; /* random, the same for a secret key and all made from it; 0: none */
    uint64_t body_bytes;
    unsigned char body_hash[UMBRA_HASH_BYTES];
} umbra_envelope;

void umbra_hash(unsigned char out[UMBRA_HASH_BYTES], const void *bytes, size_t size);

/* Read and check the header: magic, known kind, the kind expected, version, length, header hash;
 * the body hash too where `check_body` (skip it only for evaluation keys, whose blobs carry their
 * own hashes). The message says which kind of file it is when another was expected. */
umbra_status umbra_envelope_open(const void *bytes, size_t size, const char *name,
                                 umbra_kind expected, uint32_t version, bool check_body,
                                 umbra_envelope *out, umbra_reader *body) UMBRA_MUST_USE;
/* A whole file, opened and checked like this. Owns: umbra_file_unload(content), in which the body's
 * bytes stand; nothing on failure. */
umbra_status umbra_envelope_load(const char *path, umbra_kind expected, uint32_t version,
                                 umbra_file_copy *content, umbra_envelope *out,
                                 umbra_reader *body) UMBRA_MUST_USE;
/* Header for a body already in memory. */
void umbra_envelope_seal(unsigned char out[UMBRA_ENVELOPE_BYTES], umbra_kind kind, uint32_t version,
                         const unsigned char parameter_hash[UMBRA_HASH_BYTES], uint64_t key_id,
                         const void *body, uint64_t body_bytes);
/* Header for a body streamed to a file: the caller gives its length and hash. */
void umbra_envelope_seal_hashed(unsigned char out[UMBRA_ENVELOPE_BYTES],
                                const umbra_envelope *envelope);
/* Append header and body to a new file. */
umbra_status umbra_envelope_write(umbra_file_writer *file, umbra_kind kind, uint32_t version,
                                  const unsigned char parameter_hash[UMBRA_HASH_BYTES],
                                  uint64_t key_id, const void *body,
                                  uint64_t body_bytes) UMBRA_MUST_USE;
/* Write header and body to `path`, aside and renamed. */
umbra_status umbra_envelope_write_file(const char *path, bool private_mode, umbra_kind kind,
                                       uint32_t version,
                                       const unsigned char parameter_hash[UMBRA_HASH_BYTES],
                                       uint64_t key_id, const void *body,
                                       uint64_t body_bytes) UMBRA_MUST_USE;

#endif
