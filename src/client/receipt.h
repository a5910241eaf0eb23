/* What a client keeps of a query: which files it was made from, so that no answer meets the wrong
 * one. */
#ifndef UMBRA_CLIENT_RECEIPT_H
#define UMBRA_CLIENT_RECEIPT_H

#include "ckks/ciphertext_file.h"
#include "plan/profile.h"

/* One image of the query, in its order. */
typedef struct umbra_receipt_item {
    char *name;                           /* the path that the user gave */
    unsigned char hash[UMBRA_HASH_BYTES]; /* BLAKE2b of the file */
} umbra_receipt_item;

/* It may name patients: it stays where the secret key is, and is written with mode 0600. */
typedef struct umbra_receipt {
    unsigned char query_id[UMBRA_QUERY_ID_BYTES]; /* random; the query and its result carry it */
    uint64_t key_id;
    int count;
    size_t capacity;
    umbra_receipt_item *items;
} umbra_receipt;

/* A receipt of no images under a fresh query id. Owns: umbra_receipt_free */
umbra_status umbra_receipt_new(umbra_receipt **out, uint64_t key_id) UMBRA_MUST_USE;
void umbra_receipt_free(umbra_receipt *receipt);
/* The next image: its file is hashed now.
 * Returns: UMBRA_E_INPUT for a name that is no UTF-8 or has control characters */
umbra_status umbra_receipt_add(umbra_receipt *receipt, const char *path) UMBRA_MUST_USE;
umbra_status umbra_receipt_save(const umbra_receipt *receipt, const umbra_profile *profile,
                                const char *path) UMBRA_MUST_USE;
/* Returns: UMBRA_E_MISMATCH for a receipt of another plan; UMBRA_E_INPUT for one that is damaged */
umbra_status umbra_receipt_load(const char *path, const umbra_profile *profile,
                                umbra_receipt **out) UMBRA_MUST_USE;
/* Whether a result with this query id, under this key, answers the receipt's query. It guards
 * against accidents: a server that means harm can copy the id into any result.
 * Returns: UMBRA_E_MISMATCH where it does not */
umbra_status umbra_receipt_check(const umbra_receipt *receipt,
                                 const unsigned char query_id[UMBRA_QUERY_ID_BYTES],
                                 uint64_t key_id) UMBRA_MUST_USE;

#endif
