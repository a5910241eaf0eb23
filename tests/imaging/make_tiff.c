/* TIFF files for tests, written by libtiff into memory. */
#include "imaging/make_image.h"

#include "check.h"

#include <stdlib.h>
#include <tiffio.h>

typedef struct sink {
    made_file file;
    size_t offset;
} sink;

static tmsize_t sink_read(thandle_t handle, void *to, tmsize_t count)
{
    sink *s = handle;
    size_t left = s->offset < s->file.size ? s->file.size - s->offset : 0;
    size_t take = (size_t)count < left ? (size_t)count : left;
    memcpy(to, s->file.bytes + s->offset, take);
    s->offset += take;
    return (tmsize_t)take;
}

static tmsize_t sink_write(thandle_t handle, void *from, tmsize_t count)
{
    sink *s = handle;
    size_t end = s->offset + (size_t)count;
    if (end > s->file.size) {
        unsigned char *grown = realloc(s->file.bytes, end);
        if (grown == NULL)
            abort();
        memset(grown + s->file.size, 0, end - s->file.size);
        s->file.bytes = grown;
        s->file.size = end;
    }
    memcpy(s->file.bytes + s->offset, from, (size_t)count);
    s->offset = end;
    return count;
}

static toff_t sink_seek(thandle_t handle, toff_t offset, int whence)
{
    sink *s = handle;
    s->offset = (size_t)offset + (whence == SEEK_CUR   ? s->offset
                                  : whence == SEEK_END ? s->file.size
                                                       : 0);
    return s->offset;
}

static int sink_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t sink_size(thandle_t handle)
{
    return ((sink *)handle)->file.size;
}

static void put_sample(const tiff_recipe *r, unsigned char *row, size_t index, double value)
{
    if (r->format == SAMPLEFORMAT_IEEEFP && r->bits == 32) {
        float v = (float)value;
        memcpy(row + index * 4, &v, 4);
    } else if (r->bits == 16) {
        uint16_t v = (uint16_t)(int32_t)value;
        memcpy(row + index * 2, &v, 2);
    } else {
        unsigned v = (unsigned)(int32_t)value;
        for (int b = 0; b < r->bits; b++) {
            size_t at = index * (size_t)r->bits + (size_t)b;
            if ((v >> (r->bits - 1 - b) & 1) != 0)
                row[at / 8] = (unsigned char)(row[at / 8] | (0x80u >> at % 8));
        }
    }
}

static double sample_of(const tiff_recipe *r, int x, int y, int c)
{
    return r->samples[((size_t)y * (size_t)r->width + (size_t)x) * (size_t)r->channels + (size_t)c];
}

/* A rectangle of samples of one plane, or of all interleaved. */
static void fill(const tiff_recipe *r, int x0, int y0, int width, int height, int plane,
                 size_t row_bytes, unsigned char *chunk)
{
    int first = r->planar == PLANARCONFIG_SEPARATE ? plane : 0;
    int count = r->planar == PLANARCONFIG_SEPARATE ? 1 : r->channels;
    for (int y = y0; y < y0 + height && y < r->height; y++)
        for (int x = x0; x < x0 + width && x < r->width; x++)
            for (int c = 0; c < count; c++)
                put_sample(r, chunk + (size_t)(y - y0) * row_bytes, (size_t)((x - x0) * count + c),
                           sample_of(r, x, y, first + c));
}

static void write_page(TIFF *tiff, const tiff_recipe *r)
{
    int planes = r->planar == PLANARCONFIG_SEPARATE ? r->channels : 1;
    int width = r->tile > 0 ? r->tile : r->width, height = r->tile > 0 ? r->tile : 3;
    size_t size = (size_t)(r->tile > 0 ? TIFFTileSize(tiff) : TIFFStripSize(tiff));
    size_t row_bytes = (size_t)(r->tile > 0 ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff));
    for (int plane = 0; plane < planes; plane++) {
        for (int y = 0; y < r->height; y += height) {
            for (int x = 0; x < r->width; x += width) {
                unsigned char *chunk = calloc(1, size);
                assert_non_null(chunk);
                fill(r, x, y, width, height, plane, row_bytes, chunk);
                int rows = r->height - y < height ? r->height - y : height;
                tmsize_t done =
                    r->tile > 0
                        ? TIFFWriteTile(tiff, chunk, (uint32_t)x, (uint32_t)y, 0, (uint16_t)plane)
                        : TIFFWriteEncodedStrip(
                              tiff, TIFFComputeStrip(tiff, (uint32_t)y, (uint16_t)plane), chunk,
                              (tmsize_t)((size_t)rows * row_bytes));
                assert_true(done > 0);
                free(chunk);
            }
        }
    }
}

static void set_fields(TIFF *tiff, const tiff_recipe *r)
{
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, r->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, r->height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, r->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, r->channels);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, r->photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, r->planar > 0 ? r->planar : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, r->compression > 0 ? r->compression : COMPRESSION_NONE);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, r->format > 0 ? r->format : SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, r->orientation > 0 ? r->orientation : 1);
    if (r->photometric == PHOTOMETRIC_PALETTE) {
        uint16_t red[256], green[256], blue[256];
        for (int i = 0; i < 256; i++) {
            red[i] = (uint16_t)(i * 257);
            green[i] = (uint16_t)((255 - i) * 257);
            blue[i] = (uint16_t)(i * 128);
        }
        TIFFSetField(tiff, TIFFTAG_COLORMAP, red, green, blue);
    }
    if (r->photometric == PHOTOMETRIC_YCBCR)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (r->tile > 0) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, r->tile);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, r->tile);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 3);
    }
}

made_file make_tiff(const tiff_recipe *recipe)
{
    sink s = {0};
    TIFF *tiff = TIFFClientOpen("made", "w", &s, sink_read, sink_write, sink_seek, sink_close,
                                sink_size, NULL, NULL);
    assert_non_null(tiff);
    for (int page = 0; page < (recipe->pages > 0 ? recipe->pages : 1); page++) {
        set_fields(tiff, recipe);
        write_page(tiff, recipe);
        TIFFWriteDirectory(tiff);
    }
    TIFFClose(tiff);
    return s.file;
}
