/* From a file of pixels to a validated float tensor. */
#ifndef UMBRA_IMAGING_IMAGE_H
#define UMBRA_IMAGING_IMAGE_H

#include "umbra/status.h"

#include <stddef.h>
#include <stdint.h>

/* One grey image: row-major, `pixels[y * width + x]`, in [0, 1] with 1 white.
 * Owns: the caller frees with umbra_image_free, which wipes the pixels. */
typedef struct umbra_image {
    int width, height; /* 1 .. 32768 each, at most 2^28 pixels together */
    float *pixels;
    char source[64]; /* "PNG 8-bit grey", "DICOM MONOCHROME1 12 bits, percentile 0.5-99.5", ... */
} umbra_image;

void umbra_image_free(umbra_image *image);

/* Read PNG, JPEG, TIFF or DICOM by content, not by name. Colour becomes luminance, MONOCHROME1 is
 * inverted, DICOM values go through rescale and VOI window (or percentiles where there is none).
 *
 * Returns: UMBRA_E_INPUT naming the file, the place and the remedy; UMBRA_E_IO */
umbra_status umbra_image_read(const char *path, umbra_image *out) UMBRA_MUST_USE;
umbra_status umbra_image_decode(const void *bytes, size_t size, const char *name,
                                umbra_image *out) UMBRA_MUST_USE;

/* Scale so that the smallest side is `side`, crop the centre, and map [0,1] to [low,high].
 *
 * tensor: side * side floats, row-major */
umbra_status umbra_image_to_tensor(const umbra_image *image, int side, float low, float high,
                                   float *tensor) UMBRA_MUST_USE;

/* A drawn chest film (ribs, lung fields, heart, diaphragm, noise), the same for the same seed. */
umbra_status umbra_phantom_chest(int side, uint64_t seed, umbra_image *out) UMBRA_MUST_USE;
/* Write a grey 8-bit PNG, so that a person can look at a phantom. */
umbra_status umbra_image_write_png(const umbra_image *image, const char *path) UMBRA_MUST_USE;

#endif
