/* What the decoders of one file format share with each other; not for other modules. */
#ifndef UMBRA_IMAGING_DECODE_H
#define UMBRA_IMAGING_DECODE_H

#include "imaging/image.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UMBRA_IMAGE_SIDE_MAX 32768
#define UMBRA_IMAGE_PIXELS_MAX ((size_t)1 << 28)

/* A whole file in memory, borrowed for the call, and the name that messages give it. */
typedef struct umbra_image_file {
    const unsigned char *bytes;
    size_t size;
    const char *name;
} umbra_image_file;

/* Each decoder checks the size before it allocates, and leaves *out untouched on failure. */
umbra_status umbra_png_decode(const umbra_image_file *file, umbra_image *out) UMBRA_MUST_USE;
umbra_status umbra_jpeg_decode(const umbra_image_file *file, umbra_image *out) UMBRA_MUST_USE;
umbra_status umbra_tiff_decode(const umbra_image_file *file, umbra_image *out) UMBRA_MUST_USE;
umbra_status umbra_dicom_decode(const umbra_image_file *file, umbra_image *out) UMBRA_MUST_USE;

/* Refuse a size that is zero, over the limits of umbra_image, or that so short a file cannot hold.
 *
 * The last rule stops decompression bombs before anything is allocated: beyond 16 megapixels a file
 * must bring at least one byte for 4096 pixels. A blank film at deflate's best ratio brings four.
 */
umbra_status umbra_image_check_size(const umbra_image_file *file, uint64_t width,
                                    uint64_t height) UMBRA_MUST_USE;

/* Check the size, then allocate pixels, zeroed (black).
 * Owns: the caller frees with umbra_image_free */
umbra_status umbra_image_new(const umbra_image_file *file, uint64_t width, uint64_t height,
                             umbra_image *out) UMBRA_MUST_USE;

/* Zeroed memory for pixels, and a free that overwrites it first and accepts NULL. */
umbra_status umbra_pixels_alloc(void **out, size_t bytes, const char *purpose) UMBRA_MUST_USE;
void umbra_pixels_free(void *pixels, size_t bytes);

/* Luma of ITU-R BT.601, as OpenCV and Pillow turn colour into grey. The weights sum to 1. */
static inline float umbra_luminance(float red, float green, float blue)
{
    return 0.299f * red + 0.587f * green + 0.114f * blue;
}

#ifdef __cplusplus
}
#endif
#endif
