/* Tests of src/imaging/tiff.c and tiff_samples.c against TIFF files that libtiff wrote. */
#include "check.h"
#include "imaging/make_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiff.h>

#define WIDTH 21
#define HEIGHT 11
#define COUNT (WIDTH * HEIGHT)

static double samples[COUNT * 4];
static float expected[COUNT];

static void fill_unsigned(int bits, int channels, bool is_white_zero)
{
    double greatest = (double)((1u << bits) - 1u);
    for (int i = 0; i < COUNT; i++) {
        double s[4];
        for (int c = 0; c < channels; c++) {
            s[c] = pattern((unsigned)(i % WIDTH), (unsigned)(i / WIDTH), (unsigned)c, bits);
            samples[i * channels + c] = s[c];
        }
        double grey = channels < 3 ? s[0] : 0.299 * s[0] + 0.587 * s[1] + 0.114 * s[2];
        expected[i] = (float)(grey / greatest);
        if (is_white_zero)
            expected[i] = 1.0f - expected[i];
    }
}

static void check_recipe(const tiff_recipe *recipe, const char *source)
{
    made_file file = make_tiff(recipe);
    check_decodes(&file, WIDTH, HEIGHT, expected, 4e-7f, source);
    free(file.bytes);
}

static void grey_of_every_depth(void **state)
{
    (void)state;
    static const int depths[] = {1, 2, 4, 8, 10, 12, 14, 16};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (int white = 0; white < 2; white++) {
            char source[64];
            snprintf(source, sizeof source, "TIFF %d-bit grey", depths[i]);
            fill_unsigned(depths[i], 1, white != 0);
            tiff_recipe r = {WIDTH, HEIGHT, depths[i], 1, .samples = samples};
            r.photometric = white != 0 ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
            check_recipe(&r, source);
            r.tile = 16;
            check_recipe(&r, source);
        }
    }
}

static void colour_in_pixels_and_in_planes(void **state)
{
    (void)state;
    static const int depths[] = {4, 8, 16};
    for (size_t i = 0; i < 3; i++) {
        for (int channels = 3; channels <= 4; channels++) {
            for (int tile = 0; tile <= 16; tile += 16) {
                char source[64];
                snprintf(source, sizeof source, "TIFF %d-bit colour", depths[i]);
                fill_unsigned(depths[i], channels, false);
                tiff_recipe r = {WIDTH, HEIGHT, depths[i], channels, .tile = tile};
                r.samples = samples;
                r.photometric = PHOTOMETRIC_RGB;
                check_recipe(&r, source);
                r.planar = PLANARCONFIG_SEPARATE;
                check_recipe(&r, source);
            }
        }
    }
}

static void every_lossless_compression(void **state)
{
    (void)state;
    static const int compressions[] = {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                       COMPRESSION_PACKBITS, COMPRESSION_LZMA, COMPRESSION_ZSTD};
    fill_unsigned(16, 1, false);
    for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++) {
        tiff_recipe r = {WIDTH, HEIGHT, 16, 1, .samples = samples};
        r.photometric = PHOTOMETRIC_MINISBLACK;
        r.compression = compressions[i];
        check_recipe(&r, "TIFF 16-bit grey");
    }
    fill_unsigned(1, 1, true);
    tiff_recipe fax = {WIDTH, HEIGHT, 1, 1, .samples = samples};
    fax.photometric = PHOTOMETRIC_MINISWHITE;
    fax.compression = COMPRESSION_CCITTFAX4;
    check_recipe(&fax, "TIFF 1-bit grey");
}

static void palette_becomes_luminance(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        int v = i % 256;
        samples[i] = v;
        expected[i] =
            (float)((0.299 * v * 257 + 0.587 * (255 - v) * 257 + 0.114 * v * 128) / 65535.0);
    }
    tiff_recipe r = {WIDTH, HEIGHT, 8, 1, .samples = samples, .photometric = PHOTOMETRIC_PALETTE};
    check_recipe(&r, "TIFF 8-bit palette");
}

static void floats_stay_or_are_spread(void **state)
{
    (void)state;
    tiff_recipe r = {WIDTH, HEIGHT, 32, 1, .samples = samples};
    r.photometric = PHOTOMETRIC_MINISBLACK;
    r.format = SAMPLEFORMAT_IEEEFP;
    for (int i = 0; i < COUNT; i++) {
        samples[i] = (double)i / (COUNT - 1);
        expected[i] = (float)samples[i];
    }
    check_recipe(&r, "TIFF 32-bit grey");
    /* 0.5 % of 231 values is one at each end */
    for (int i = 0; i < COUNT; i++) {
        samples[i] = 1000.0 * i - 5000.0;
        double v = (i - 1.0) / (COUNT - 3.0);
        expected[i] = (float)(v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v);
    }
    check_recipe(&r, "TIFF 32-bit grey, percentile 0.5-99.5");
    samples[5] = (double)NAN; /* goes black, counts nowhere */
    made_file file = make_tiff(&r);
    umbra_image image = {0};
    check_ok(umbra_image_decode(file.bytes, file.size, "nan", &image));
    assert_true(image.pixels[5] == 0.0f);
    umbra_image_free(&image);
    free(file.bytes);
}

static void signed_values_are_spread(void **state)
{
    (void)state;
    tiff_recipe r = {WIDTH, HEIGHT, 16, 1, .samples = samples};
    r.photometric = PHOTOMETRIC_MINISBLACK;
    r.format = SAMPLEFORMAT_INT;
    for (int i = 0; i < COUNT; i++) {
        samples[i] = 100.0 * i - 12000.0;
        double v = (i - 1.0) / (COUNT - 3.0);
        expected[i] = (float)(v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v);
    }
    check_recipe(&r, "TIFF 16-bit grey, percentile 0.5-99.5");
}

/* Where the tag says that stored pixel (column, row) is to be shown; TIFF 6.0, section 8. */
static void all_eight_orientations(void **state)
{
    (void)state;
    fill_unsigned(8, 1, false);
    for (int o = 1; o <= 8; o++) {
        tiff_recipe r = {WIDTH, HEIGHT, 8, 1, .samples = samples, .orientation = o};
        r.photometric = PHOTOMETRIC_MINISBLACK;
        made_file file = make_tiff(&r);
        umbra_image image = {0};
        check_ok(umbra_image_decode(file.bytes, file.size, "turned", &image));
        assert_int_equal(image.width, o > 4 ? HEIGHT : WIDTH);
        for (int row = 0; row < HEIGHT; row++) {
            for (int column = 0; column < WIDTH; column++) {
                int right = WIDTH - 1 - column, bottom = HEIGHT - 1 - row;
                const int shown[9][2] = {{0},
                                         {column, row},
                                         {right, row},
                                         {right, bottom},
                                         {column, bottom},
                                         {row, column},
                                         {bottom, column},
                                         {bottom, right},
                                         {row, right}};
                float v = image.pixels[shown[o][1] * image.width + shown[o][0]];
                assert_true(v == expected[row * WIDTH + column]);
            }
        }
        umbra_image_free(&image);
        free(file.bytes);
    }
}

static void the_first_of_several_pages_is_read_and_told(void **state)
{
    (void)state;
    fill_unsigned(8, 1, false);
    tiff_recipe r = {WIDTH, HEIGHT, 8, 1, .pages = 3, .samples = samples};
    r.photometric = PHOTOMETRIC_MINISBLACK;
    check_recipe(&r, "TIFF 8-bit grey, first of several pages");
}

static void what_is_not_light_is_refused(void **state)
{
    (void)state;
    umbra_image image = {0};
    fill_unsigned(8, 4, false);
    tiff_recipe r = {WIDTH, HEIGHT, 8, 4, .samples = samples};
    r.photometric = PHOTOMETRIC_SEPARATED;
    made_file file = make_tiff(&r);
    check_fails(UMBRA_E_INPUT, "ink.tif: the pixels of this TIFF are inks (CMYK)",
                umbra_image_decode(file.bytes, file.size, "ink.tif", &image));
    free(file.bytes);
}

static void a_cut_strip_is_refused_and_named(void **state)
{
    (void)state;
    umbra_image image = {0};
    fill_unsigned(16, 1, false);
    tiff_recipe r = {WIDTH, HEIGHT, 16, 1, .samples = samples};
    r.photometric = PHOTOMETRIC_MINISBLACK;
    made_file file = make_tiff(&r);
    /* Find the tag of the four strip offsets, and send the second one past the end. */
    for (size_t i = 0; i + 12 <= file.size; i++) {
        if (memcmp(file.bytes + i, "\x11\x01\x04\x00\x04\x00\x00\x00", 8) == 0) {
            size_t at = file.bytes[i + 8] | (size_t)file.bytes[i + 9] << 8;
            memcpy(file.bytes + at + 4, "\xff\xff\xff\x00", 4); /* the second strip */
        }
    }
    check_fails(UMBRA_E_INPUT, "cut.tif: damaged TIFF: the strip at column 0, row 3 is unreadable",
                umbra_image_decode(file.bytes, file.size, "cut.tif", &image));
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_of_every_depth),
        cmocka_unit_test(colour_in_pixels_and_in_planes),
        cmocka_unit_test(every_lossless_compression),
        cmocka_unit_test(palette_becomes_luminance),
        cmocka_unit_test(floats_stay_or_are_spread),
        cmocka_unit_test(signed_values_are_spread),
        cmocka_unit_test(all_eight_orientations),
        cmocka_unit_test(the_first_of_several_pages_is_read_and_told),
        cmocka_unit_test(what_is_not_light_is_refused),
        cmocka_unit_test(a_cut_strip_is_refused_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
