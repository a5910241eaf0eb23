/* A file of evaluation keys whose keys come into memory one by one. */
#ifndef UMBRA_CKKS_KEYS_SOURCE_H
#define UMBRA_CKKS_KEYS_SOURCE_H

#include "ckks/internal.h"

#include <pthread.h>

/* One row of the table of contents, and what has become of its key. */
typedef struct umbra_key_entry {
    uint64_t offset, bytes;
    unsigned char hash[UMBRA_HASH_BYTES];
    bool seeded, wanted, ready;
} umbra_key_entry;

struct umbra_key_source {
    const umbra_params *params;
    char *name;
    const unsigned char *bytes; /* the whole file, or as much as holds the table of contents */
    umbra_file_reader file;     /* where the keys are read from, where `from_file` */
    bool from_file;
    unsigned char seed[UMBRA_SEED_BYTES];
    size_t count;
    umbra_key_item *items;
    umbra_key_entry *entries;
    umbra_evaluation_keys *keys;
    pthread_mutex_t lock; /* of what follows, and of keys and entries while they change */
    size_t *batch;        /* keys that are expanded now */
    size_t batch_count, ready_count;
    unsigned char **blobs; /* for each worker: a limb, and with a file the largest packed key */
    int blob_count;
    uint64_t wall_ns, cpu_ns; /* spent on bringing keys in */
};

/* The header and the table, with the hash that the envelope has of them. Sets count, items and
 * entries. */
umbra_status umbra_key_source_read_table(umbra_key_source *load, umbra_reader *body,
                                         const umbra_envelope *envelope) UMBRA_MUST_USE;

#endif
