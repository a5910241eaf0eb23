/* Image files made in memory by the libraries' encoders, as input for the tests of the decoders. */
#ifndef UMBRA_TESTS_MAKE_IMAGE_H
#define UMBRA_TESTS_MAKE_IMAGE_H

#include "imaging/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Owns: free(bytes) */
typedef struct made_file {
    unsigned char *bytes;
    size_t size;
} made_file;

/* A value that depends on every bit of x and y, below 2^bits. */
static inline unsigned pattern(unsigned x, unsigned y, unsigned channel, int bits)
{
    unsigned v = (x * 2654435761u) ^ (y * 2246822519u) ^ (channel * 3266489917u);
    return (v >> 11) & ((1u << bits) - 1u);
}

/* A PNG of pattern(x, y, channel): color_type and interlace as libpng names them; a palette holds
 * (i, 255 - i, i / 2) at index i. */
made_file make_png(int width, int height, int bits, int color_type, int interlace);

typedef enum jpeg_space { JPEG_AS_GREY, JPEG_AS_YCBCR, JPEG_AS_RGB, JPEG_AS_CMYK } jpeg_space;

/* A JPEG of quality 100 without chroma subsampling; samples interleaved, 1, 3 or 4 a pixel. */
made_file make_jpeg(int width, int height, jpeg_space space, bool is_progressive,
                    const unsigned char *samples);

/* A TIFF of `pages` equal pages. Samples are given one by one, channel fastest, and packed here. */
typedef struct tiff_recipe {
    int width, height, bits, channels, pages, tile; /* tile 0: strips of 3 rows */
    int photometric, planar, compression, format, orientation;
    const double *samples;
} tiff_recipe;
made_file make_tiff(const tiff_recipe *recipe);

/* A DICOM file. Zero or NULL means: leave the attribute out. */
typedef struct dicom_recipe {
    const char *photometric, *syntax, *voi_function;
    int width, height, bits_allocated, bits_stored, is_signed, samples, frames;
    const uint16_t *pixels; /* 8-bit samples too, one a word */
    double center, window;
    double slope, intercept;
    bool has_padding, has_voi_table, is_padding_range;
    int padding, padding_limit;
    const unsigned char *palette; /* 256 red, 256 green, 256 blue */
    bool omit_pixels;
    size_t short_by; /* bytes missing at the end of native pixels */
} dicom_recipe;
made_file make_dicom(const dicom_recipe *recipe);

/* Wrap a made data set of Explicit VR Little Endian into the deflated transfer syntax ourselves,
 * with `zeros` more bytes in a private element: a bomb when there are many. */
made_file make_deflated_dicom(size_t zeros);
/* A DICOM file whose sequences nest `depth` deep. */
made_file make_nested_dicom(int depth, bool is_closed);

/* Decode, expect width * height pixels within `tolerance` of `expected`, and free the image. */
void check_decodes(const made_file *file, int width, int height, const float *expected,
                   float tolerance, const char *source);

#ifdef __cplusplus
}
#endif
#endif
