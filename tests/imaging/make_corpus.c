/* Writes the seed files of the fuzz targets: make_imaging_corpus fuzz/imaging/corpus */
#include "check.h"
#include "imaging/make_image.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiff.h>

#define SIDE 9

static const char *folder;

static void save(made_file file, const char *name)
{
    char path[500];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = length > 0 && (size_t)length < sizeof path ? fopen(path, "wb") : NULL;
    if (f == NULL || fwrite(file.bytes, 1, file.size, f) != file.size || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    free(file.bytes);
}

static void save_png(void)
{
    save(make_png(SIDE, SIDE, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE), "png/grey1.png");
    save(make_png(SIDE, SIDE, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_ADAM7), "png/grey16.png");
    save(make_png(SIDE, SIDE, 8, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE), "png/rgba8.png");
    save(make_png(SIDE, SIDE, 4, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE), "png/palette4.png");
}

static void save_jpeg(void)
{
    unsigned char samples[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (unsigned char)pattern((unsigned)i, 0, 0, 8);
    save(make_jpeg(SIDE, SIDE, JPEG_AS_GREY, false, samples), "jpeg/grey.jpg");
    save(make_jpeg(SIDE, SIDE, JPEG_AS_YCBCR, true, samples), "jpeg/progressive.jpg");
    save(make_jpeg(SIDE, SIDE, JPEG_AS_RGB, false, samples), "jpeg/rgb.jpg");
}

static void save_tiff_kind(int bits, int channels, int photometric, int compression, int tile,
                           int format, const char *name)
{
    static double samples[SIDE * SIDE * 3];
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        samples[i] = pattern((unsigned)i, 0, 0, bits < 16 ? bits : 16);
    tiff_recipe r = {SIDE, SIDE, bits, channels, .tile = tile, .samples = samples};
    r.photometric = photometric;
    r.compression = compression;
    r.format = format;
    save(make_tiff(&r), name);
}

static void save_tiff(void)
{
    save_tiff_kind(8, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_NONE, 0, 0, "tiff/grey8.tif");
    save_tiff_kind(12, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_LZW, 0, 0, "tiff/white12_lzw.tif");
    save_tiff_kind(8, 3, PHOTOMETRIC_RGB, COMPRESSION_ADOBE_DEFLATE, 16, 0, "tiff/rgb_tiles.tif");
    save_tiff_kind(8, 3, PHOTOMETRIC_YCBCR, COMPRESSION_JPEG, 16, 0, "tiff/ycbcr_jpeg.tif");
    save_tiff_kind(1, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_CCITTFAX4, 0, 0, "tiff/fax4.tif");
    save_tiff_kind(8, 1, PHOTOMETRIC_PALETTE, COMPRESSION_PACKBITS, 0, 0, "tiff/palette8.tif");
    save_tiff_kind(32, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_NONE, 0, SAMPLEFORMAT_IEEEFP,
                   "tiff/float32.tif");
}

static void save_dicom(void)
{
    static uint16_t pixels[SIDE * SIDE * 3];
    static const struct {
        const char *syntax, *name;
    } kinds[] = {{"1.2.840.10008.1.2", "dicom/implicit.dcm"},
                 {"1.2.840.10008.1.2.2", "dicom/big_endian.dcm"},
                 {"1.2.840.10008.1.2.1.99", "dicom/deflated.dcm"},
                 {"1.2.840.10008.1.2.5", "dicom/rle.dcm"},
                 {"1.2.840.10008.1.2.4.51", "dicom/jpeg12.dcm"},
                 {"1.2.840.10008.1.2.4.70", "dicom/jpeg_lossless.dcm"},
                 {"1.2.840.10008.1.2.4.80", "dicom/jpeg_ls.dcm"}};
    for (unsigned i = 0; i < SIDE * SIDE * 3; i++)
        pixels[i] = (uint16_t)pattern(i, 0, 0, 8);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        dicom_recipe r = {.photometric = "MONOCHROME1", .syntax = kinds[k].syntax};
        r.pixels = pixels;
        r.width = r.height = SIDE;
        r.bits_allocated = 16;
        r.bits_stored = 12;
        r.center = r.window = k % 2 == 0 ? 100.0 : 0.0;
        save(make_dicom(&r), kinds[k].name);
    }
    dicom_recipe rgb = {.photometric = "RGB", .width = SIDE, .height = SIDE, .samples = 3};
    rgb.pixels = pixels;
    rgb.bits_allocated = rgb.bits_stored = 8;
    save(make_dicom(&rgb), "dicom/rgb.dcm");
    save(make_nested_dicom(20, true), "dicom/nested.dcm");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_imaging_corpus FOLDER (with png, jpeg, tiff, dicom in it)\n");
        return 2;
    }
    folder = argv[1];
    save_png();
    save_jpeg();
    save_tiff();
    save_dicom();
    return 0;
}
