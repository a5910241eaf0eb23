/* Tests of src/imaging/dicom*: window formulas, transfer syntaxes, padding, bombs and silence. */
#include "check.h"
#include "imaging/make_image.h"

#include "base/clock.h"
#include "base/threads.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 34
#define HEIGHT 19
#define COUNT (WIDTH * HEIGHT)

static uint16_t pixels[COUNT * 3];
static float expected[COUNT];

/* A ramp with texture: lossy codecs keep it, lossless ones are tested by its lowest bits. */
static void fill_pixels(int bits)
{
    unsigned greatest = (1u << bits) - 1u;
    for (unsigned i = 0; i < COUNT; i++)
        pixels[i] = (uint16_t)((i * (greatest - 8u) / COUNT + pattern(i, 0, 0, 3)) & greatest);
}

static dicom_recipe recipe_of(int allocated, int stored)
{
    dicom_recipe r = {.photometric = "MONOCHROME2", .width = WIDTH, .height = HEIGHT};
    r.bits_allocated = allocated;
    r.bits_stored = stored;
    r.pixels = pixels;
    return r;
}

static void check_recipe(const dicom_recipe *r, float tolerance, const char *source)
{
    made_file file = make_dicom(r);
    check_decodes(&file, WIDTH, HEIGHT, expected, tolerance, source);
    free(file.bytes);
}

/* PS3.3 C.11.2.1.2.1, with the output range from 0 to 1. */
static double linear(double x, double c, double w)
{
    if (x <= c - 0.5 - (w - 1.0) / 2.0)
        return 0.0;
    if (x > c - 0.5 + (w - 1.0) / 2.0)
        return 1.0;
    return (x - (c - 0.5)) / (w - 1.0) + 0.5;
}

static void window_is_linear_as_the_standard_says(void **state)
{
    (void)state;
    fill_pixels(12);
    dicom_recipe r = recipe_of(16, 12);
    r.center = 1800.0;
    r.window = 2100.0;
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)linear(pixels[i], r.center, r.window);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 12 bits, window");
    r.photometric = "MONOCHROME1";
    for (int i = 0; i < COUNT; i++)
        expected[i] = 1.0f - expected[i];
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME1 12 bits, window");
}

static void window_functions_sigmoid_and_exact(void **state)
{
    (void)state;
    fill_pixels(10);
    dicom_recipe r = recipe_of(16, 10);
    r.center = 500.0;
    r.window = 300.0;
    r.voi_function = "SIGMOID";
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)(1.0 / (1.0 + exp(-4.0 * (pixels[i] - 500.0) / 300.0)));
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 10 bits, window");
    r.voi_function = "LINEAR_EXACT";
    for (int i = 0; i < COUNT; i++) {
        double v = (pixels[i] - 500.0) / 300.0 + 0.5;
        expected[i] = (float)(v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v);
    }
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 10 bits, window");
}

/* DCMTK alone would round 0.013 * value to whole numbers. */
static void fractions_survive_rescaling_of_signed_values(void **state)
{
    (void)state;
    fill_pixels(16);
    dicom_recipe r = recipe_of(16, 16);
    r.is_signed = 1;
    r.slope = 0.013;
    r.intercept = -7.25;
    r.center = 12.5;
    r.window = 400.0;
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)linear((int16_t)pixels[i] * 0.013 - 7.25, 12.5, 400.0);
    check_recipe(&r, 2e-6f, "DICOM MONOCHROME2 16 bits, window");
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void expect_percentiles(int from, int to, bool is_inverted)
{
    static uint16_t sorted[COUNT];
    size_t count = 0;
    for (int i = 0; i < COUNT; i++)
        if (pixels[i] < from || pixels[i] > to)
            sorted[count++] = pixels[i];
    qsort(sorted, count, sizeof *sorted, by_value);
    double black = sorted[(count - 1) / 200], white = sorted[count - 1 - (count - 1) / 200];
    for (int i = 0; i < COUNT; i++) {
        double v = (pixels[i] - black) / (white - black);
        v = v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v;
        v = is_inverted ? 1.0 - v : v;
        expected[i] = pixels[i] >= from && pixels[i] <= to ? 0.0f : (float)v;
    }
}

static void percentiles_without_a_window(void **state)
{
    (void)state;
    fill_pixels(12);
    dicom_recipe r = recipe_of(16, 12);
    expect_percentiles(1, 0, false);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 12 bits, percentile 0.5-99.5");
    r.photometric = "MONOCHROME1";
    expect_percentiles(1, 0, true);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME1 12 bits, percentile 0.5-99.5");
}

/* A third of the film is padding at 0 .. 3: black on both kinds of film, and counted nowhere. */
static void padding_is_black_and_counts_nowhere(void **state)
{
    (void)state;
    fill_pixels(12);
    for (int i = 0; i < COUNT / 3; i++)
        pixels[3 * i] = (uint16_t)(i % 4);
    dicom_recipe r = recipe_of(16, 12);
    r.has_padding = true;
    r.is_padding_range = true;
    r.padding_limit = 3;
    expect_percentiles(0, 3, false);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 12 bits, percentile 0.5-99.5");
    r.photometric = "MONOCHROME1";
    expect_percentiles(0, 3, true);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME1 12 bits, percentile 0.5-99.5");
}

static void a_voi_table_is_applied(void **state)
{
    (void)state;
    fill_pixels(8);
    dicom_recipe r = recipe_of(8, 8);
    r.has_voi_table = true;
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)(255 - pixels[i]) / 255.0f;
    check_recipe(&r, 1e-4f, "DICOM MONOCHROME2 8 bits, VOI table");
}

static void every_lossless_transfer_syntax_gives_the_same_pixels(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {
        "1.2.840.10008.1.2",      "1.2.840.10008.1.2.1",    "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5",    "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
    };
    static const int depths[] = {8, 12, 16};
    for (int d = 0; d < 3; d++) {
        fill_pixels(depths[d]);
        dicom_recipe r = recipe_of(depths[d] > 8 ? 16 : 8, depths[d]);
        r.center = (1 << depths[d]) / 2;
        r.window = (1 << depths[d]) - 1;
        char source[64];
        snprintf(source, sizeof source, "DICOM MONOCHROME2 %d bits, window", depths[d]);
        for (int i = 0; i < COUNT; i++)
            expected[i] = (float)linear(pixels[i], r.center, r.window);
        for (size_t s = 0; s < sizeof syntaxes / sizeof *syntaxes; s++) {
            r.syntax = syntaxes[s];
            check_recipe(&r, 1e-6f, source);
        }
    }
}

static void lossy_transfer_syntaxes_come_close(void **state)
{
    (void)state;
    static const struct {
        const char *syntax;
        int stored;
    } kinds[] = {{"1.2.840.10008.1.2.4.50", 8},
                 {"1.2.840.10008.1.2.4.51", 12},
                 {"1.2.840.10008.1.2.4.81", 8},
                 {"1.2.840.10008.1.2.4.81", 16}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        fill_pixels(kinds[k].stored);
        dicom_recipe r = recipe_of(kinds[k].stored > 8 ? 16 : 8, kinds[k].stored);
        r.syntax = kinds[k].syntax;
        r.center = (1 << kinds[k].stored) / 2;
        r.window = (1 << kinds[k].stored) - 1;
        char source[64];
        snprintf(source, sizeof source, "DICOM MONOCHROME2 %d bits, window", kinds[k].stored);
        for (int i = 0; i < COUNT; i++)
            expected[i] = (float)linear(pixels[i], r.center, r.window);
        check_recipe(&r, 0.025f, source);
    }
}

static void colour_becomes_luminance(void **state)
{
    (void)state;
    static unsigned char palette[768];
    for (int i = 0; i < COUNT; i++) {
        for (int c = 0; c < 3; c++)
            pixels[3 * i + c] = (uint16_t)pattern((unsigned)i, 1, (unsigned)c, 8);
        expected[i] =
            (0.299f * pixels[3 * i] + 0.587f * pixels[3 * i + 1] + 0.114f * pixels[3 * i + 2]) /
            255.0f;
    }
    dicom_recipe r = recipe_of(8, 8);
    r.photometric = "RGB";
    r.samples = 3;
    check_recipe(&r, 1e-5f, "DICOM RGB 8 bits, luminance");
    r.syntax = "1.2.840.10008.1.2.5";
    check_recipe(&r, 1e-5f, "DICOM RGB 8 bits, luminance");
    fill_pixels(8);
    for (int i = 0; i < 768; i++)
        palette[i] = (unsigned char)pattern((unsigned)i, 3, 0, 8);
    for (int i = 0; i < COUNT; i++)
        expected[i] = (0.299f * palette[pixels[i]] + 0.587f * palette[256 + pixels[i]] +
                       0.114f * palette[512 + pixels[i]]) /
                      255.0f;
    dicom_recipe p = recipe_of(8, 8);
    p.photometric = "PALETTE COLOR";
    p.palette = palette;
    check_recipe(&p, 1e-5f, "DICOM PALETTE COLOR 8 bits, luminance");
}

static void the_first_of_several_frames_is_read_and_told(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT * 3; i++)
        pixels[i] = (uint16_t)(i < COUNT ? pattern(i, 0, 0, 12) : 7u);
    dicom_recipe r = recipe_of(16, 12);
    r.frames = 3;
    r.center = 2048.0;
    r.window = 4096.0;
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)linear(pixels[i], r.center, r.window);
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 12 bits, window, frame 1 of 3");
    r.syntax = "1.2.840.10008.1.2.5";
    check_recipe(&r, 1e-6f, "DICOM MONOCHROME2 12 bits, window, frame 1 of 3");
}

static void expect_refusal(made_file file, const char *text)
{
    umbra_image image = {0};
    uint64_t start = umbra_clock_cpu_ns(); /* other work on the machine does not count */
    check_fails(UMBRA_E_INPUT, text, umbra_image_decode(file.bytes, file.size, "x.dcm", &image));
    assert_true(umbra_clock_cpu_ns() - start < 3000000000u);
    assert_null(image.pixels);
    free(file.bytes);
}

/* Replace every occurrence by a text of equal length. */
static made_file with_text(made_file file, const char *from, const char *to)
{
    size_t length = strlen(from);
    for (size_t i = 0; i + length <= file.size; i++)
        if (memcmp(file.bytes + i, from, length) == 0)
            memcpy(file.bytes + i, to, length);
    return file;
}

static void what_cannot_be_an_image_is_refused_with_the_reason(void **state)
{
    (void)state;
    fill_pixels(12);
    dicom_recipe r = recipe_of(16, 12);
    r.short_by = 20;
    expect_refusal(make_dicom(&r), "x.dcm: PixelData (7fe0,0010) holds 1272 bytes where the first "
                                   "frame needs 1292");
    r.short_by = 0;
    r.omit_pixels = true;
    expect_refusal(make_dicom(&r),
                   "x.dcm: no PixelData (7fe0,0010) in this DICOM file, modality CR");
    r.omit_pixels = false;
    r.syntax = "1.2.840.10008.1.2.5";
    expect_refusal(with_text(make_dicom(&r), "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.9"),
                   "transfer syntax 1.2.840.10008.1.2.9 (unknown to DCMTK)");
    r.syntax = "1.2.840.10008.1.2.4.80";
    expect_refusal(with_text(make_dicom(&r), "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"),
                   "transfer syntax 1.2.840.10008.1.2.4.90 (JPEG 2000 (Lossless only)), which is "
                   "not decoded here; convert the file first, for example: gdcmconv --raw");
    dicom_recipe padding = recipe_of(16, 12);
    for (int i = 0; i < COUNT; i++)
        pixels[i] = 9;
    padding.has_padding = true;
    padding.padding = 9;
    expect_refusal(make_dicom(&padding), "x.dcm: every pixel is padding");
}

static void compressed_frames_cut_short_are_refused(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {"1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.70",
                                           "1.2.840.10008.1.2.4.80"};
    umbra_image image = {0};
    fill_pixels(16);
    for (int s = 0; s < 3; s++) {
        dicom_recipe r = recipe_of(16, 16);
        r.syntax = syntaxes[s];
        made_file file = make_dicom(&r);
        check_fails(UMBRA_E_INPUT, "cut.dcm",
                    umbra_image_decode(file.bytes, file.size - 200, "cut.dcm", &image));
        free(file.bytes);
    }
}

static void bombs_are_bounded(void **state)
{
    (void)state;
    made_file small = make_deflated_dicom(1000);
    static const float ramp[] = {0.0f, 85.0f / 255.0f, 170.0f / 255.0f, 1.0f};
    check_decodes(&small, 2, 2, ramp, 1e-6f, "DICOM MONOCHROME2 8 bits, percentile 0.5-99.5");
    free(small.bytes);
    expect_refusal(make_deflated_dicom((size_t)1 << 30), "x.dcm: deflated data of more than 1 GiB");
    expect_refusal(make_nested_dicom(60000, false), "x.dcm: damaged or truncated DICOM file");
    expect_refusal(make_nested_dicom(60000, true), "x.dcm: no PixelData");
    expect_refusal(make_nested_dicom(70000, true), "x.dcm: 70000 sequence items or fragments");
    fill_pixels(8);
    dicom_recipe r = recipe_of(8, 8);
    made_file file = make_dicom(&r);
    for (size_t i = 0; i + 10 < file.size; i++) /* Rows and Columns follow each other */
        if (memcmp(file.bytes + i, "\x28\0\x10\0US\2\0", 8) == 0)
            memcpy(file.bytes + i + 8, "\xff\x7f\x28\0\x11\0US\2\0\xff\x1f", 12);
    expect_refusal(file, "x.dcm: the header says 8191x32767 pixels, but");
}

static void a_tiff_header_in_the_preamble_changes_nothing(void **state)
{
    (void)state;
    fill_pixels(8);
    dicom_recipe r = recipe_of(8, 8);
    r.center = 128.0;
    r.window = 255.0;
    made_file file = make_dicom(&r);
    memcpy(file.bytes, "II*\0\x08\0\0\0", 8);
    for (int i = 0; i < COUNT; i++)
        expected[i] = (float)linear(pixels[i], r.center, r.window);
    check_decodes(&file, WIDTH, HEIGHT, expected, 1e-6f, "DICOM MONOCHROME2 8 bits, window");
    free(file.bytes);
}

/* The runtime of gcc 12's AddressSanitizer does not hold its own locks across fork, as glibc holds
 * those of malloc: a child forked while another thread has one waits for it until it is stopped
 * (Quarantine::Drain, in one decoding of a thousand). Such a child says nothing about Umbra. */
#if defined(__SANITIZE_ADDRESS__)
#define ATTEMPTS 4
#else
#define ATTEMPTS 1
#endif

static umbra_status decode_one(void *context, size_t index, int worker)
{
    const made_file *files = context;
    umbra_status status = UMBRA_OK;
    (void)worker;
    for (int i = 0; i < ATTEMPTS; i++) {
        umbra_image image = {0};
        status =
            umbra_image_decode(files[index % 4].bytes, files[index % 4].size, "shared", &image);
        umbra_image_free(&image);
        if (status == UMBRA_OK || strstr(umbra_error_message(), "was stopped") == NULL)
            break;
    }
    return status;
}

static void threads_may_decode_at_once(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5",
                                           "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"};
    made_file files[4];
    umbra_pool *pool = NULL;
    fill_pixels(16);
    for (int i = 0; i < 4; i++) {
        dicom_recipe r = recipe_of(16, 16);
        r.syntax = syntaxes[i];
        files[i] = make_dicom(&r);
    }
    check_ok(umbra_pool_new(&pool, 4));
    check_ok(umbra_pool_run(pool, 200, decode_one, files));
    umbra_pool_free(pool);
    for (int i = 0; i < 4; i++)
        free(files[i].bytes);
}

static void nothing_is_printed(void **state)
{
    (void)state;
    char path[] = "/tmp/umbra_test_XXXXXX";
    int quiet = mkstemp(path), saved = dup(STDERR_FILENO);
    umbra_image image = {0};
    fill_pixels(16);
    dicom_recipe r = recipe_of(16, 16);
    r.syntax = "1.2.840.10008.1.2.5";
    made_file file = make_dicom(&r);
    fflush(stderr);
    assert_true(quiet >= 0 && saved >= 0 && dup2(quiet, STDERR_FILENO) >= 0);
    for (size_t cut = 140; cut < file.size; cut += 37)
        if (umbra_image_decode(file.bytes, cut, "cut", &image) == UMBRA_OK)
            umbra_image_free(&image);
    fflush(stderr);
    off_t printed = lseek(quiet, 0, SEEK_END);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(quiet);
    unlink(path);
    free(file.bytes);
    assert_int_equal(printed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_is_linear_as_the_standard_says),
        cmocka_unit_test(window_functions_sigmoid_and_exact),
        cmocka_unit_test(fractions_survive_rescaling_of_signed_values),
        cmocka_unit_test(percentiles_without_a_window),
        cmocka_unit_test(padding_is_black_and_counts_nowhere),
        cmocka_unit_test(a_voi_table_is_applied),
        cmocka_unit_test(every_lossless_transfer_syntax_gives_the_same_pixels),
        cmocka_unit_test(lossy_transfer_syntaxes_come_close),
        cmocka_unit_test(colour_becomes_luminance),
        cmocka_unit_test(the_first_of_several_frames_is_read_and_told),
        cmocka_unit_test(what_cannot_be_an_image_is_refused_with_the_reason),
        cmocka_unit_test(compressed_frames_cut_short_are_refused),
        cmocka_unit_test(bombs_are_bounded),
        cmocka_unit_test(a_tiff_header_in_the_preamble_changes_nothing),
        cmocka_unit_test(threads_may_decode_at_once),
        cmocka_unit_test(nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
