/* PNG and JPEG files for tests, and the check that a file decodes to what it should. */
#include "imaging/make_image.h"

#include "check.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
/* jpeglib.h needs FILE */
#include <jpeglib.h>

static void append(png_structp png, png_bytep bytes, size_t count)
{
    made_file *file = png_get_io_ptr(png);
    unsigned char *grown = realloc(file->bytes, file->size + count);
    if (grown == NULL)
        abort();
    memcpy(grown + file->size, bytes, count);
    file->bytes = grown;
    file->size += count;
}

static int png_channels(int color_type)
{
    return (color_type & PNG_COLOR_MASK_COLOR) != 0 && color_type != PNG_COLOR_TYPE_PALETTE
               ? 3 + ((color_type & PNG_COLOR_MASK_ALPHA) != 0)
               : 1 + ((color_type & PNG_COLOR_MASK_ALPHA) != 0);
}

static void put_bits(unsigned char *row, size_t index, int bits, unsigned value)
{
    for (int b = 0; b < bits; b++) {
        size_t at = index * (size_t)bits + (size_t)b;
        if ((value >> (bits - 1 - b) & 1) != 0)
            row[at / 8] = (unsigned char)(row[at / 8] | (0x80u >> at % 8));
    }
}

made_file make_png(int width, int height, int bits, int color_type, int interlace)
{
    made_file file = {0};
    int channels = png_channels(color_type);
    size_t row_bytes = ((size_t)width * (size_t)channels * (size_t)bits + 7) / 8;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    unsigned char *rows = calloc((size_t)height, row_bytes);
    unsigned char **starts = calloc((size_t)height, sizeof *starts);
    assert_true(info != NULL && rows != NULL && starts != NULL);
    for (int y = 0; y < height; y++) {
        starts[y] = rows + (size_t)y * row_bytes;
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                put_bits(starts[y], (size_t)(x * channels + c), bits,
                         pattern((unsigned)x, (unsigned)y, (unsigned)c, bits));
    }
    png_set_write_fn(png, &file, append, NULL);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bits, color_type, interlace,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color palette[256];
    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
    if (color_type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 1 << bits);
    png_set_rows(png, info, starts);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    free(rows);
    free(starts);
    return file;
}

made_file make_jpeg(int width, int height, jpeg_space space, bool is_progressive,
                    const unsigned char *samples)
{
    static const J_COLOR_SPACE in[] = {JCS_GRAYSCALE, JCS_RGB, JCS_RGB, JCS_CMYK};
    static const int channels[] = {1, 3, 3, 4};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    made_file file = {0};
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = channels[space];
    jpeg.in_color_space = in[space];
    jpeg_set_defaults(&jpeg);
    if (space == JPEG_AS_RGB)
        jpeg_set_colorspace(&jpeg, JCS_RGB);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int c = 0; c < jpeg.num_components; c++)
        jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
    if (is_progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(samples + (size_t)jpeg.next_scanline * (size_t)width *
                                                           (size_t)channels[space]);
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    file.size = size;
    return file;
}

void check_decodes(const made_file *file, int width, int height, const float *expected,
                   float tolerance, const char *source)
{
    umbra_image image = {0};
    check_ok(umbra_image_decode(file->bytes, file->size, "made", &image));
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_string_equal(image.source, source);
    for (int i = 0; i < width * height; i++) {
        if (!(fabsf(image.pixels[i] - expected[i]) <= tolerance))
            print_error("%s: pixel x %d, y %d is %.6f, expected %.6f\n", source, i % width,
                        i / width, (double)image.pixels[i], (double)expected[i]);
        assert_true(fabsf(image.pixels[i] - expected[i]) <= tolerance);
    }
    umbra_image_free(&image);
    assert_null(image.pixels);
}
