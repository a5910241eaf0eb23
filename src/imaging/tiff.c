/* Decode the first page of a TIFF to grey: strips or tiles, integers or floats, grey or colour. */
#include "imaging/decode.h"

#include "imaging/tiff_samples.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#define ALLOCATION_BYTES_MAX ((tmsize_t)1 << 30)
#define SAMPLES_MAX 16

/* The file as libtiff's callbacks see it, and the first error that libtiff reports. */
typedef struct tiff_source {
    const umbra_image_file *file;
    uint64_t offset;
    char message[200];
} tiff_source;

static tmsize_t on_read(thandle_t handle, void *to, tmsize_t count)
{
    tiff_source *source = handle;
    size_t left =
        source->offset < source->file->size ? source->file->size - (size_t)source->offset : 0;
    size_t take = (size_t)count < left ? (size_t)count : left;
    if (take > 0)
        memcpy(to, source->file->bytes + source->offset, take);
    source->offset += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t handle, void *from, tmsize_t count)
{
    (void)handle;
    (void)from;
    (void)count;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    tiff_source *source = handle;
    uint64_t base = whence == SEEK_CUR   ? source->offset
                    : whence == SEEK_END ? source->file->size
                                         : 0;
    source->offset = base + offset; /* a wrapped offset lies past the end, where nothing is read */
    return source->offset;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    return ((tiff_source *)handle)->file->size;
}

static int on_error(TIFF *tiff, void *user, const char *module, const char *fmt, va_list args)
{
    tiff_source *source = user;
    (void)tiff;
    (void)module;
    if (source->message[0] == '\0')
        vsnprintf(source->message, sizeof source->message, fmt, args);
    return 1; /* handled: libtiff's own handler would print */
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *fmt, va_list args)
{
    (void)tiff;
    (void)user;
    (void)module;
    (void)fmt;
    (void)args;
    return 1;
}

static TIFF *open_memory(tiff_source *source)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, ALLOCATION_BYTES_MAX);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, source);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, source);
    TIFF *tiff = TIFFClientOpenExt(source->file->name, "rm", source, on_read, on_write, on_seek,
                                   on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static umbra_status damaged(const tiff_source *source, const char *what)
{
    return umbra_fail(UMBRA_E_INPUT, "%s: damaged TIFF: %s%s%s; export or copy the image again",
                      source->file->name, what, source->message[0] != '\0' ? ": " : "",
                      source->message);
}

static umbra_status read_layout(TIFF *tiff, const tiff_source *source, tiff_layout *layout)
{
    uint32_t width = 0, height = 0;
    if (TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) == 0 ||
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) == 0 ||
        TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric) == 0)
        return damaged(source, "no width, length or photometric interpretation");
    UMBRA_TRY(umbra_image_check_size(source->file, width, height));
    layout->width = width;
    layout->height = height;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout->orientation);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout->compression);
    if (layout->photometric == PHOTOMETRIC_YCBCR && layout->compression == COMPRESSION_JPEG &&
        layout->planar == PLANARCONFIG_CONTIG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        layout->photometric = PHOTOMETRIC_RGB;
    }
    layout->is_tiled = TIFFIsTiled(tiff) != 0;
    layout->has_more_pages = TIFFLastDirectory(tiff) == 0;
    return UMBRA_OK;
}

static const char *unreadable_colour(uint16_t photometric)
{
    switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_PALETTE:
    case PHOTOMETRIC_YCBCR:
        return NULL;
    case PHOTOMETRIC_MASK:
        return "a transparency mask";
    case PHOTOMETRIC_SEPARATED:
        return "inks (CMYK)";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
        return "L*a*b* colour";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
        return "logarithmic luminance";
    default:
        return "an unknown colour space";
    }
}

static umbra_status check_layout(const tiff_source *source, const tiff_layout *layout)
{
    const char *name = source->file->name, *colour = unreadable_colour(layout->photometric);
    if (colour != NULL)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the pixels of this TIFF are %s (photometric interpretation %d), "
                          "which is not read; convert it to grey first",
                          name, colour, layout->photometric);
    if (layout->compression == COMPRESSION_OJPEG)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: JPEG in the withdrawn TIFF 6.0 form (compression 6) is not read; "
                          "convert it, for example: tiffcp -c lzw IN OUT",
                          name);
    if (!umbra_tiff_can_read_samples(layout))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: %d bits a sample in sample format %d are not read; convert it to "
                          "8 or 16 bits",
                          name, layout->bits, layout->format);
    if (layout->samples > SAMPLES_MAX)
        return umbra_fail(UMBRA_E_INPUT, "%s: %d samples a pixel; the limit is %d", name,
                          layout->samples, SAMPLES_MAX);
    if (umbra_tiff_colours(layout) > layout->samples)
        return damaged(source, "fewer than three samples a pixel in a colour image");
    return UMBRA_OK;
}

/* A chunk is a strip or a tile. */
static umbra_status measure_chunks(TIFF *tiff, const tiff_source *source, tiff_layout *layout)
{
    layout->chunk_width = layout->width;
    if (layout->is_tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &layout->chunk_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &layout->chunk_height);
        UMBRA_TRY(umbra_image_check_size(source->file, layout->chunk_width, layout->chunk_height));
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &layout->chunk_height);
        if (layout->chunk_height > layout->height)
            layout->chunk_height = layout->height;
    }
    tmsize_t bytes = layout->is_tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    tmsize_t row_bytes = layout->is_tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    if (bytes <= 0 || row_bytes <= 0 || layout->chunk_height == 0 || bytes > ALLOCATION_BYTES_MAX)
        return damaged(source, "a strip or tile of an impossible size");
    layout->chunk_bytes = (size_t)bytes;
    layout->row_bytes = (size_t)row_bytes;
    return umbra_tiff_check_row(layout)
               ? UMBRA_OK
               : damaged(source, "rows shorter than width and bits demand");
}

static umbra_status read_chunk(TIFF *tiff, const tiff_source *source, const tiff_layout *layout,
                               const tiff_window *window, unsigned char *chunk)
{
    tmsize_t got = 0, size = (tmsize_t)layout->chunk_bytes;
    if (layout->is_tiled) {
        uint32_t tile = TIFFComputeTile(tiff, window->x, window->y, 0, window->plane);
        got = TIFFReadEncodedTile(tiff, tile, chunk, size);
    } else {
        uint32_t strip = TIFFComputeStrip(tiff, window->y, window->plane);
        got = TIFFReadEncodedStrip(tiff, strip, chunk, size);
    }
    if (got >= 0 && (size_t)got >= window->height * layout->row_bytes)
        return UMBRA_OK;
    char what[80];
    snprintf(what, sizeof what, "the %s at column %u, row %u is unreadable",
             layout->is_tiled ? "tile" : "strip", window->x, window->y);
    return damaged(source, what);
}

static umbra_status read_plane(TIFF *tiff, const tiff_source *source, const tiff_layout *layout,
                               uint16_t plane, unsigned char *chunk, umbra_image *image)
{
    for (uint32_t y = 0; y < layout->height; y += layout->chunk_height) {
        for (uint32_t x = 0; x < layout->width; x += layout->chunk_width) {
            uint32_t rows = layout->height - y, columns = layout->width - x;
            tiff_window window = {
                .x = x,
                .y = y,
                .plane = plane,
                .width = columns < layout->chunk_width ? columns : layout->chunk_width,
                .height = rows < layout->chunk_height ? rows : layout->chunk_height};
            UMBRA_TRY(read_chunk(tiff, source, layout, &window, chunk));
            umbra_tiff_add_samples(layout, &window, chunk, image->pixels);
        }
    }
    return UMBRA_OK;
}

static umbra_status read_chunks(TIFF *tiff, const tiff_source *source, tiff_layout *layout,
                                umbra_image *image)
{
    unsigned char *chunk = NULL;
    UMBRA_TRY(measure_chunks(tiff, source, layout));
    umbra_status status =
        umbra_pixels_alloc((void **)&chunk, layout->chunk_bytes, "a strip of a TIFF");
    int planes = layout->planar == PLANARCONFIG_SEPARATE ? umbra_tiff_colours(layout) : 1;
    for (int plane = 0; plane < planes && status == UMBRA_OK; plane++)
        status = read_plane(tiff, source, layout, (uint16_t)plane, chunk, image);
    umbra_pixels_free(chunk, layout->chunk_bytes);
    return status;
}

/* Chroma that is stored at a lower resolution: let libtiff expand it to 8-bit RGBA. */
static umbra_status read_ycbcr(TIFF *tiff, const tiff_source *source, tiff_layout *layout,
                               umbra_image *image)
{
    size_t count = (size_t)layout->width * layout->height;
    uint32_t *raster = NULL;
    UMBRA_TRY(umbra_pixels_alloc((void **)&raster, count * sizeof *raster, "the rows of a TIFF"));
    int done = TIFFReadRGBAImageOriented(tiff, layout->width, layout->height, raster,
                                         ORIENTATION_TOPLEFT, 1);
    for (size_t i = 0; done != 0 && i < count; i++)
        image->pixels[i] = umbra_luminance((float)TIFFGetR(raster[i]), (float)TIFFGetG(raster[i]),
                                           (float)TIFFGetB(raster[i])) /
                           255.0f;
    umbra_pixels_free(raster, count * sizeof *raster);
    layout->orientation = ORIENTATION_TOPLEFT; /* libtiff turned it */
    return done != 0 ? UMBRA_OK : damaged(source, "the YCbCr pixels are unreadable");
}

static umbra_status read_palette(TIFF *tiff, const tiff_source *source, tiff_layout *layout)
{
    uint16_t *red = NULL, *green = NULL, *blue = NULL;
    if (layout->photometric != PHOTOMETRIC_PALETTE)
        return UMBRA_OK;
    if (layout->bits > 8 || TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue) == 0)
        return damaged(source, "a palette image without a palette of 256 colours or fewer");
    umbra_tiff_set_palette(layout, red, green, blue);
    return UMBRA_OK;
}

static void describe(const tiff_layout *layout, const char *levels, umbra_image *image)
{
    const char *kind = layout->photometric == PHOTOMETRIC_PALETTE ? "palette"
                       : umbra_tiff_colours(layout) == 3          ? "colour"
                                                                  : "grey";
    snprintf(image->source, sizeof image->source, "TIFF %d-bit %s%s%s", layout->bits, kind, levels,
             layout->has_more_pages ? ", first of several pages" : "");
}

static umbra_status decode_with(TIFF *tiff, tiff_source *source, umbra_image *image)
{
    tiff_layout layout = {0};
    const char *levels = "";
    UMBRA_TRY(read_layout(tiff, source, &layout));
    UMBRA_TRY(check_layout(source, &layout));
    UMBRA_TRY(read_palette(tiff, source, &layout));
    UMBRA_TRY(umbra_image_new(source->file, layout.width, layout.height, image));
    if (layout.photometric == PHOTOMETRIC_YCBCR) {
        UMBRA_TRY(read_ycbcr(tiff, source, &layout, image));
    } else {
        UMBRA_TRY(read_chunks(tiff, source, &layout, image));
        umbra_status status = umbra_tiff_to_grey(&layout, image, &levels);
        if (status != UMBRA_OK)
            return umbra_fail_within(status, "%s", source->file->name);
    }
    UMBRA_TRY(umbra_tiff_turn(layout.orientation, image));
    describe(&layout, levels, image);
    return UMBRA_OK;
}

umbra_status umbra_tiff_decode(const umbra_image_file *file, umbra_image *out)
{
    tiff_source source = {.file = file};
    TIFF *tiff = open_memory(&source);
    if (tiff == NULL)
        return damaged(&source, "the first directory is unreadable");
    umbra_image image = {0};
    umbra_status status = decode_with(tiff, &source, &image);
    TIFFClose(tiff);
    if (status == UMBRA_OK)
        *out = image;
    else
        umbra_image_free(&image);
    return status;
}
