/* Layouts: which ciphertext and slot holds element (channel, y, x) of a tensor. */
#ifndef UMBRA_PLAN_LAYOUT_H
#define UMBRA_PLAN_LAYOUT_H

#include "umbra/status.h"
#include "wire/bytes.h"

#include <stddef.h>
#include <stdint.h>

typedef enum umbra_layout_kind {
    /* Blocks of grid_height x grid_width slots (powers of two). A block holds gap*gap channels
     * interleaved: channel c stands in block c / gap^2 at sub-position (sy, sx) = ((c % gap^2) /
     * gap, c % gap), and element (c, y, x) at grid cell (y*gap + sy, x*gap + sx). Blocks are
     * rounded up to a power of two per ciphertext, and where they fill less than all slots they are
     * repeated: `copies` periods of slots / copies. */
    UMBRA_LAYOUT_MULTIPLEXED,
    /* A vector: element o at every slot = o mod modulus (a power of two), in one ciphertext. */
    UMBRA_LAYOUT_MODULAR,
    /* Planes too large for the grid, cut by the remainders of y and x modulo `gap` (a power of
     * two): element (c, y, x) stands where a MULTIPLEXED layout with a gap of 1 has element (c *
     * gap^2 + y % gap * gap + x % gap, y / gap, x / gap). A step by gap in the image is one by 1 on
     * the grid, so that convolutions and strides stay as regular as they are within a grid. */
    UMBRA_LAYOUT_PHASED
} umbra_layout_kind;

typedef struct umbra_layout {
    umbra_layout_kind kind;
    int channels, height, width; /* a vector has height = width = 1 */
    size_t slots;                /* of one ciphertext, N/2 */
    int ciphertexts;
    int grid_height, grid_width, gap,
        blocks;     /* not MODULAR; blocks in one ciphertext, a power of two */
    size_t copies;  /* not MODULAR: slots / (blocks * grid) */
    size_t modulus; /* MODULAR */
    /* How many images stand side by side in each ciphertext, a power of two: image k in the slots
     * k * room to (k + 1) * room - 1, room = slots / images, every one as the layout of a single
     * image in room slots has it. Where there are several the tensor stands once in each room, the
     * rest of which is zero, and no rotation by less than slots is cyclic. */
    int images;
} umbra_layout;

/* Returns: UMBRA_E_MODEL when the tensor does not fit (grid larger than the slots). */
umbra_status umbra_layout_multiplexed(umbra_layout *out, int channels, int height, int width,
                                      int grid_height, int grid_width, int gap,
                                      size_t slots) UMBRA_MUST_USE;
/* gap: 2 or more, a power of two. */
umbra_status umbra_layout_phased(umbra_layout *out, int channels, int height, int width,
                                 int grid_height, int grid_width, int gap,
                                 size_t slots) UMBRA_MUST_USE;
umbra_status umbra_layout_modular(umbra_layout *out, int count, size_t slots) UMBRA_MUST_USE;
/* From a layout of one image (made for slots / images slots) to that of `images` of them, a power
 * of two. Returns: UMBRA_E_MODEL where they do not fit; the layout is then as it was */
umbra_status umbra_layout_set_images(umbra_layout *layout, int images) UMBRA_MUST_USE;
size_t
umbra_layout_elements(const umbra_layout *layout); /* channels * height * width, of one image */
/* Position of the first copy, or in the first image; others follow at multiples of
 * umbra_layout_period in the same ciphertext. */
void umbra_layout_position(const umbra_layout *layout, size_t element, int *ciphertext,
                           size_t *slot);
size_t umbra_layout_period(const umbra_layout *layout);
/* Tensors -> slot vectors (ciphertexts * slots doubles, every copy filled, unused slots 0), and
 * back. count: tensors, one after the other; 1 to images, and slots of images beyond it are 0. */
void umbra_layout_scatter(const umbra_layout *layout, const float *tensors, int count,
                          double *slots);
void umbra_layout_gather(const umbra_layout *layout, const double *slots, int count,
                         double *tensors);
void umbra_layout_write(const umbra_layout *layout, umbra_writer *writer);
umbra_status umbra_layout_read(umbra_reader *reader, umbra_layout *out) UMBRA_MUST_USE;

#endif
