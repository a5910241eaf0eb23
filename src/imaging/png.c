/* Decode PNG to grey: 1 to 16 bits, grey, colour or palette, with or without alpha, interlaced. */
#include "imaging/decode.h"

#include "imaging/levels.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES_MAX 8000000 /* text and profiles are not read; a larger one is hostile */

typedef struct png_source {
    const umbra_image_file *file;
    size_t offset;
    char message[160];
} png_source;

/* After png_shape: every sample has 16 bits, big-endian, and a pixel has 1 or 3 of them. */
typedef struct png_shape {
    int bit_depth, color_type, channels, passes;
    size_t row_bytes;
} png_shape;

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    png_source *source = png_get_io_ptr(png);
    if (count > source->file->size - source->offset)
        png_error(png, "the file ends here; it is truncated");
    memcpy(to, source->file->bytes + source->offset, count);
    source->offset += count;
}

static void on_error(png_structp png, png_const_charp message)
{
    png_source *source = png_get_error_ptr(png);
    snprintf(source->message, sizeof source->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* Ask libpng for 16-bit grey or RGB whatever the file holds. Gamma and profiles are left alone, as
 * OpenCV and Pillow leave them: models were trained on the stored values. */
static void ask_for_samples(png_structp png, png_infop info, png_shape *shape)
{
    shape->bit_depth = png_get_bit_depth(png, info);
    shape->color_type = png_get_color_type(png, info);
    png_set_expand(png);
    png_set_expand_16(png);
    png_set_strip_alpha(png);
    shape->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    shape->channels = png_get_channels(png, info);
    shape->row_bytes = png_get_rowbytes(png, info);
}

static void rows_to_grey(const unsigned char *rows, const png_shape *shape, size_t pixels,
                         float *grey)
{
    for (size_t i = 0; i < pixels; i++) {
        float sample[3];
        for (int c = 0; c < shape->channels; c++, rows += 2)
            sample[c] = (float)(rows[0] << 8 | rows[1]) / 65535.0f;
        grey[i] =
            shape->channels == 1 ? sample[0] : umbra_luminance(sample[0], sample[1], sample[2]);
    }
}

/* An interlaced image needs all its rows at once; any other needs one. */
static umbra_status allocate_rows(const png_shape *shape, const umbra_image *image,
                                  unsigned char **rows, size_t *bytes)
{
    *bytes = shape->row_bytes * (shape->passes > 1 ? (size_t)image->height : 1);
    return umbra_pixels_alloc((void **)rows, *bytes, "the rows of a PNG");
}

static void read_rows(png_structp png, const png_shape *shape, unsigned char *rows,
                      umbra_image *image)
{
    size_t width = (size_t)image->width, height = (size_t)image->height;
    for (int pass = 0; pass < shape->passes; pass++) {
        for (size_t y = 0; y < height; y++) {
            unsigned char *row = rows + (shape->passes > 1 ? y * shape->row_bytes : 0);
            png_read_row(png, row, NULL);
            if (pass == shape->passes - 1)
                rows_to_grey(row, shape, width, image->pixels + y * width);
        }
    }
    png_read_end(png, NULL);
}

static umbra_status finish(const png_shape *shape, umbra_image *image)
{
    bool is_spread = false;
    size_t count = (size_t)image->width * (size_t)image->height;
    if (shape->bit_depth == 16 && shape->channels == 1)
        UMBRA_TRY(umbra_levels_spread_if_dim(image->pixels, count, &is_spread));
    const char *kind = shape->color_type == PNG_COLOR_TYPE_PALETTE ? "palette"
                       : shape->color_type & PNG_COLOR_MASK_COLOR  ? "colour"
                                                                   : "grey";
    snprintf(image->source, sizeof image->source, "PNG %d-bit %s%s%s", shape->bit_depth, kind,
             shape->color_type & PNG_COLOR_MASK_ALPHA ? ", alpha ignored" : "",
             is_spread ? ", dim, percentile 0.5-99.5" : "");
    return UMBRA_OK;
}

/* libpng's errors jump; what must survive the jump is volatile or behind a pointer. */
static umbra_status decode_with(png_structp png, png_infop info, png_source *source,
                                umbra_image *image)
{
    unsigned char *volatile rows = NULL;
    volatile size_t rows_bytes = 0;
    umbra_status volatile status = UMBRA_OK;
    if (setjmp(png_jmpbuf(png)) != 0) {
        umbra_pixels_free(rows, rows_bytes);
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: damaged PNG near byte %zu: %s; export or copy the image again",
                          source->file->name, source->offset, source->message);
    }
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* our own check names the limit */
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    png_set_read_fn(png, source, read_bytes);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(png, info);
    status = umbra_image_new(source->file, png_get_image_width(png, info),
                             png_get_image_height(png, info), image);
    if (status != UMBRA_OK)
        return status;
    png_shape shape;
    ask_for_samples(png, info, &shape);
    unsigned char *fresh = NULL;
    size_t bytes = 0;
    status = allocate_rows(&shape, image, &fresh, &bytes);
    rows = fresh;
    rows_bytes = bytes;
    if (status == UMBRA_OK) {
        read_rows(png, &shape, fresh, image);
        status = finish(&shape, image);
    }
    umbra_pixels_free(rows, rows_bytes);
    return status;
}

umbra_status umbra_png_decode(const umbra_image_file *file, umbra_image *out)
{
    png_source source = {.file = file};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no memory for the PNG reader", file->name);
    }
    umbra_image image = {0};
    umbra_status status = decode_with(png, info, &source, &image);
    png_destroy_read_struct(&png, &info, NULL);
    if (status == UMBRA_OK)
        *out = image;
    else
        umbra_image_free(&image);
    return status;
}
