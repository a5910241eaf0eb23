/* A hash table from names to indices: ONNX refers to everything by name. */
#ifndef UMBRA_GRAPH_NAMES_H
#define UMBRA_GRAPH_NAMES_H

#include "umbra/status.h"

#include <stddef.h>

/* Names are borrowed for the life of the table. */
typedef struct umbra_names {
    struct umbra_names_slot {
        const char *name;
        int index;
    } * slots;
    size_t capacity; /* a power of two */
    size_t count;
    unsigned char key[16]; /* of the hash, random: a file cannot be made to collide */
} umbra_names;

/* room: how many names will be put in at most. */
umbra_status umbra_names_init(umbra_names *names, size_t room) UMBRA_MUST_USE;
void umbra_names_free(umbra_names *names);
int umbra_names_find(const umbra_names *names, const char *name); /* -1: none */
/* Add a name, or change its index. */
void umbra_names_put(umbra_names *names, const char *name, int index);

#endif
