/* Rotations as sums of two or three, so that few keys make many. */
#ifndef UMBRA_PLAN_ROTATIONS_H
#define UMBRA_PLAN_ROTATIONS_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rotation of some group (the input that is turned, or the output that is summed), in slots from
 * -slots/2 on, and its digits in mixed radix, each centred: slots = low + middle + high. */
typedef struct umbra_rotation {
    int group;
    int64_t slots, low, middle, high;
} umbra_rotation;

typedef enum umbra_rotation_use {
    /* Inputs are turned by high, those by middle, and those by low; turns of the same ciphertext
     * share its decomposition. */
    UMBRA_ROTATION_BABIES,
    /* Sums are turned by low, what these come to by middle, and that by high: middle and high one
     * difference after the other, so that equal steps need one key. */
    UMBRA_ROTATION_GIANTS
} umbra_rotation_use;

/* x in [0, slots) as the same rotation in [-slots/2, slots/2). */
int64_t umbra_rotation_centred(int64_t x, int64_t slots);
/* Cut rotations into the digits that need fewest keys and decompositions, and sort them by group,
 * high, middle and low. slots: a power of two. Equal rotations of a group count once. */
void umbra_rotations_cut(umbra_rotation *rotations, size_t count, int64_t slots,
                         umbra_rotation_use use);

#endif
