/* Tests of src/imaging/jpeg.c against JPEG files that libjpeg-turbo wrote from known samples. */
#include "check.h"
#include "imaging/make_image.h"

#include <stdlib.h>

#define WIDTH 43
#define HEIGHT 29

/* Smooth, so that quality 100 changes a sample by no more than rounding does. */
static void fill(unsigned char *samples, float *expected, int channels)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            int i = y * WIDTH + x;
            unsigned char s[4] = {(unsigned char)(20 + 4 * x), (unsigned char)(230 - 5 * y),
                                  (unsigned char)(40 + 2 * x + 3 * y), 128};
            memcpy(samples + i * channels, s, (size_t)channels);
            expected[i] =
                channels == 1
                    ? (float)s[0] / 255.0f
                    : (0.299f * (float)s[0] + 0.587f * (float)s[1] + 0.114f * (float)s[2]) / 255.0f;
        }
    }
}

static void check_kind(jpeg_space space, int channels, bool is_progressive, const char *source)
{
    unsigned char samples[WIDTH * HEIGHT * 4];
    float expected[WIDTH * HEIGHT];
    fill(samples, expected, channels);
    made_file file = make_jpeg(WIDTH, HEIGHT, space, is_progressive, samples);
    check_decodes(&file, WIDTH, HEIGHT, expected, 2.0f / 255.0f, source);
    free(file.bytes);
}

static void grey_colour_and_progressive_decode(void **state)
{
    (void)state;
    check_kind(JPEG_AS_GREY, 1, false, "JPEG 8-bit grey");
    check_kind(JPEG_AS_GREY, 1, true, "JPEG 8-bit grey, progressive");
    check_kind(JPEG_AS_YCBCR, 3, false, "JPEG 8-bit colour");
    check_kind(JPEG_AS_YCBCR, 3, true, "JPEG 8-bit colour, progressive");
    check_kind(JPEG_AS_RGB, 3, false, "JPEG 8-bit colour");
}

static void a_flat_image_is_exact(void **state)
{
    (void)state;
    unsigned char samples[16 * 16];
    float expected[16 * 16];
    for (int value = 0; value < 256; value += 17) {
        for (int i = 0; i < 256; i++) {
            samples[i] = (unsigned char)value;
            expected[i] = (float)value / 255.0f;
        }
        made_file file = make_jpeg(16, 16, JPEG_AS_GREY, false, samples);
        check_decodes(&file, 16, 16, expected, 1e-7f, "JPEG 8-bit grey");
        free(file.bytes);
    }
}

static void inks_are_refused(void **state)
{
    (void)state;
    unsigned char samples[8 * 8 * 4] = {0};
    umbra_image image = {0};
    made_file file = make_jpeg(8, 8, JPEG_AS_CMYK, false, samples);
    check_fails(UMBRA_E_INPUT, "ink.jpg: a JPEG of 4 components that are inks (CMYK)",
                umbra_image_decode(file.bytes, file.size, "ink.jpg", &image));
    free(file.bytes);
}

/* libjpeg alone would return these as images whose lower half is grey. */
static void missing_data_are_refused_not_painted_over(void **state)
{
    (void)state;
    unsigned char samples[WIDTH * HEIGHT];
    float expected[WIDTH * HEIGHT];
    umbra_image image = {0};
    fill(samples, expected, 1);
    for (int progressive = 0; progressive < 2; progressive++) {
        made_file file = make_jpeg(WIDTH, HEIGHT, JPEG_AS_GREY, progressive != 0, samples);
        check_fails(UMBRA_E_INPUT, "half.jpg: damaged or unsupported JPEG near byte",
                    umbra_image_decode(file.bytes, file.size * 2 / 3, "half.jpg", &image));
        free(file.bytes);
    }
    assert_null(image.pixels);
}

/* Byte 5 and on of the SOF segment are height and width. */
static void a_bomb_is_refused_by_its_header(void **state)
{
    (void)state;
    unsigned char samples[64] = {0};
    umbra_image image = {0};
    made_file file = make_jpeg(8, 8, JPEG_AS_GREY, false, samples);
    for (size_t i = 0; i + 9 < file.size; i++) {
        if (file.bytes[i] == 0xff && file.bytes[i + 1] == 0xc0) {
            memcpy(file.bytes + i + 5, "\x3f\xff\x3f\xff", 4);
            break;
        }
    }
    check_fails(UMBRA_E_INPUT, "bomb.jpg: the header says 16383x16383 pixels, but",
                umbra_image_decode(file.bytes, file.size, "bomb.jpg", &image));
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_colour_and_progressive_decode),
        cmocka_unit_test(a_flat_image_is_exact),
        cmocka_unit_test(inks_are_refused),
        cmocka_unit_test(missing_data_are_refused_not_painted_over),
        cmocka_unit_test(a_bomb_is_refused_by_its_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
