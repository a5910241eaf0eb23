/* Every decoder on truncated and bit-flipped files: no crash, no leak, no stall, no partial output.
 */
#include "check.h"
#include "imaging/make_image.h"

#include "base/memory.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <tiff.h>

#define SIDE 24
#define FLIPS 3000
#define FLIPS_APART 300 /* a process for each */
#define CUTS_APART 60
#if defined(__SANITIZE_ADDRESS__)
#define ONE_DECODE_SECONDS 20.0 /* the sanitizer touches what a wrong length field reserves */
#else
#define ONE_DECODE_SECONDS 2.0
#endif

/* Processor time of this process and of its children: other programs' load does not count. */
static double seconds_used(void)
{
    double sum = 0.0;
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (int i = 0; i < 2; i++) {
        struct rusage used;
        assert_int_equal(getrusage(whose[i], &used), 0);
        sum += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    }
    return sum;
}

static uint64_t random_state = 7;

static size_t random_below(size_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % bound;
}

/* Whatever happens must be a picture of finite numbers in [0, 1], or an error that names the file.
 */
static void check_one(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1); /* its own block: reads past it are seen */
    umbra_image image = {0};
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    double start = seconds_used();
    umbra_status status = umbra_image_decode(copy, size, "hurt.img", &image);
    assert_true(seconds_used() - start < ONE_DECODE_SECONDS);
    free(copy);
    if (status != UMBRA_OK) {
        assert_true(status == UMBRA_E_INPUT || status == UMBRA_E_RESOURCE);
        assert_non_null(strstr(umbra_error_message(), "hurt.img: "));
        assert_null(image.pixels);
        return;
    }
    for (int i = 0; i < image.width * image.height; i++)
        assert_true(image.pixels[i] >= 0.0f && image.pixels[i] <= 1.0f);
    umbra_image_free(&image);
}

static void damage(made_file file, int flips_wanted)
{
    size_t step = flips_wanted == FLIPS ? 1 + file.size / 600 : 1 + file.size / CUTS_APART;
    for (size_t size = 0; size < file.size; size += step)
        check_one(file.bytes, size);
    for (int i = 0; i < flips_wanted; i++) {
        unsigned char *copy = malloc(file.size);
        assert_non_null(copy);
        memcpy(copy, file.bytes, file.size);
        for (size_t flips = 1 + random_below(4); flips > 0; flips--) {
            size_t head = file.size < 400 ? file.size : 400;
            size_t at = random_below(random_below(2) == 0 ? file.size : head);
            unsigned flipped = copy[at] ^ 1u << random_below(8);
            copy[at] = (unsigned char)(random_below(3) == 0 ? random_below(256) : flipped);
        }
        check_one(copy, file.size);
        free(copy);
    }
    free(file.bytes);
}

static void damaged_png(void **state)
{
    (void)state;
    damage(make_png(SIDE, SIDE, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE), FLIPS);
    damage(make_png(SIDE, SIDE, 16, PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_ADAM7), FLIPS);
    damage(make_png(SIDE, SIDE, 4, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE), FLIPS);
}

static void damaged_jpeg(void **state)
{
    (void)state;
    unsigned char samples[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (unsigned char)pattern((unsigned)i, 0, 0, 8);
    damage(make_jpeg(SIDE, SIDE, JPEG_AS_GREY, false, samples), FLIPS);
    damage(make_jpeg(SIDE, SIDE, JPEG_AS_YCBCR, true, samples), FLIPS);
}

static void damaged_tiff(void **state)
{
    (void)state;
    static double samples[SIDE * SIDE * 3];
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                       COMPRESSION_PACKBITS, COMPRESSION_JPEG};
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        samples[i] = pattern((unsigned)i, 0, 0, 8);
    for (size_t c = 0; c < sizeof compressions / sizeof *compressions; c++) {
        tiff_recipe r = {SIDE, SIDE, 8, 3, .tile = 16, .samples = samples};
        r.photometric = PHOTOMETRIC_RGB;
        r.compression = compressions[c];
        damage(make_tiff(&r), FLIPS);
    }
    tiff_recipe fax = {SIDE, SIDE, 1, 1, .samples = samples, .compression = COMPRESSION_CCITTFAX4};
    fax.photometric = PHOTOMETRIC_MINISWHITE;
    damage(make_tiff(&fax), FLIPS);
}

static void damaged_dicom(void **state)
{
    (void)state;
    static uint16_t pixels[SIDE * SIDE];
    static const char *const syntaxes[] = {"1.2.840.10008.1.2",      "1.2.840.10008.1.2.1",
                                           "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5",
                                           "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70",
                                           "1.2.840.10008.1.2.4.80"};
    for (unsigned i = 0; i < SIDE * SIDE; i++)
        pixels[i] = (uint16_t)pattern(i, 0, 0, 12);
    for (size_t s = 0; s < sizeof syntaxes / sizeof *syntaxes; s++) {
        dicom_recipe r = {.photometric = "MONOCHROME2", .syntax = syntaxes[s], .pixels = pixels};
        r.width = r.height = SIDE;
        r.bits_allocated = 16;
        r.bits_stored = 12;
        r.slope = 2.0;
        r.center = 2000.0;
        r.window = 4000.0;
        damage(make_dicom(&r), FLIPS_APART);
    }
}

static void memory_stayed_bounded(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(umbra_memory_peak_bytes() < (uint64_t)1 << 30);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_png),           cmocka_unit_test(damaged_jpeg),
        cmocka_unit_test(damaged_tiff),          cmocka_unit_test(damaged_dicom),
        cmocka_unit_test(memory_stayed_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
