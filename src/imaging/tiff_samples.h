/* The samples of a TIFF's strips and tiles, and what they mean as grey. */
#ifndef UMBRA_IMAGING_TIFF_SAMPLES_H
#define UMBRA_IMAGING_TIFF_SAMPLES_H

#include "imaging/decode.h"

#include <stdbool.h>

typedef struct tiff_layout {
    uint32_t width, height;
    uint16_t bits, samples, format, photometric, planar, orientation, compression;
    bool is_tiled, has_more_pages;
    uint32_t chunk_width, chunk_height;
    size_t chunk_bytes, row_bytes;
    float palette[256]; /* luminance of each index */
} tiff_layout;

/* The part of the image that one strip or tile covers, clipped at the edges; plane is 0 unless
 * colours lie in separate planes. */
typedef struct tiff_window {
    uint32_t x, y, width, height;
    uint16_t plane;
} tiff_window;

/* Unsigned 1 to 16, 24 and 32 bits, signed 8, 16 and 32, floats of 32 and 64. */
bool umbra_tiff_can_read_samples(const tiff_layout *layout);
/* True when a row of a chunk holds all the samples that the layout promises. */
bool umbra_tiff_check_row(const tiff_layout *layout);
/* Samples that make the grey of a pixel: 3 for RGB, else 1. */
int umbra_tiff_colours(const tiff_layout *layout);

void umbra_tiff_set_palette(tiff_layout *layout, const uint16_t *red, const uint16_t *green,
                            const uint16_t *blue);

/* Add each sample of the chunk, weighted for luminance, to its pixel; pixels start at zero. */
void umbra_tiff_add_samples(const tiff_layout *layout, const tiff_window *window,
                            const unsigned char *chunk, float *pixels);

/* From sums of samples to [0, 1] with 1 white. Unsigned samples up to 16 bits are divided by their
 * greatest value (dim 16-bit grey is then spread, see umbra_levels_spread_if_dim); floats already
 * in [0, 1] stay; for all others, whose range says nothing, black and white are the percentiles 0.5
 * and 99.5, and *levels says so. */
umbra_status umbra_tiff_to_grey(const tiff_layout *layout, umbra_image *image,
                                const char **levels) UMBRA_MUST_USE;

/* Apply the orientation tag, 1 to 8. */
umbra_status umbra_tiff_turn(uint16_t orientation, umbra_image *image) UMBRA_MUST_USE;

#endif
