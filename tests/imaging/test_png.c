/* Tests of src/imaging/png.c against PNG files that libpng wrote from known samples. */
#include "check.h"
#include "imaging/make_image.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDTH 13
#define HEIGHT 7

static float expected_grey(int x, int y, int bits, int color_type)
{
    unsigned s[3];
    for (unsigned c = 0; c < 3; c++)
        s[c] = pattern((unsigned)x, (unsigned)y, c, bits);
    if (color_type == PNG_COLOR_TYPE_PALETTE) {
        unsigned i = s[0];
        return (0.299f * (float)i + 0.587f * (float)(255 - i) + 0.114f * (float)(i / 2)) / 255.0f;
    }
    float greatest = (float)((1u << bits) - 1u);
    if ((color_type & PNG_COLOR_MASK_COLOR) == 0)
        return (float)s[0] / greatest;
    return (0.299f * (float)s[0] + 0.587f * (float)s[1] + 0.114f * (float)s[2]) / greatest;
}

static void check_kind(int bits, int color_type, int interlace, const char *source)
{
    float expected[WIDTH * HEIGHT];
    made_file file = make_png(WIDTH, HEIGHT, bits, color_type, interlace);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            expected[y * WIDTH + x] = expected_grey(x, y, bits, color_type);
    check_decodes(&file, WIDTH, HEIGHT, expected, 2e-7f, source);
    free(file.bytes);
}

static void every_depth_and_colour_decodes_exactly(void **state)
{
    (void)state;
    static const struct {
        int bits, color_type;
        const char *source;
    } kinds[] = {
        {1, PNG_COLOR_TYPE_GRAY, "PNG 1-bit grey"},
        {2, PNG_COLOR_TYPE_GRAY, "PNG 2-bit grey"},
        {4, PNG_COLOR_TYPE_GRAY, "PNG 4-bit grey"},
        {8, PNG_COLOR_TYPE_GRAY, "PNG 8-bit grey"},
        {16, PNG_COLOR_TYPE_GRAY, "PNG 16-bit grey"},
        {8, PNG_COLOR_TYPE_RGB, "PNG 8-bit colour"},
        {16, PNG_COLOR_TYPE_RGB, "PNG 16-bit colour"},
        {8, PNG_COLOR_TYPE_RGB_ALPHA, "PNG 8-bit colour, alpha ignored"},
        {16, PNG_COLOR_TYPE_GRAY_ALPHA, "PNG 16-bit grey, alpha ignored"},
        {1, PNG_COLOR_TYPE_PALETTE, "PNG 1-bit palette"},
        {4, PNG_COLOR_TYPE_PALETTE, "PNG 4-bit palette"},
        {8, PNG_COLOR_TYPE_PALETTE, "PNG 8-bit palette"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check_kind(kinds[i].bits, kinds[i].color_type, PNG_INTERLACE_NONE, kinds[i].source);
        check_kind(kinds[i].bits, kinds[i].color_type, PNG_INTERLACE_ADAM7, kinds[i].source);
    }
}

static uint32_t crc_of(const unsigned char *bytes, size_t count)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int b = 0; b < 8; b++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

/* Change the size in the header, and mend its checksum so that only the size is wrong. */
static void set_size(made_file *file, uint32_t width, uint32_t height)
{
    unsigned char *header = file->bytes + 12; /* "IHDR" and its 13 bytes */
    for (int i = 0; i < 4; i++) {
        header[4 + i] = (unsigned char)(width >> (24 - 8 * i));
        header[8 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    uint32_t crc = crc_of(header, 17);
    for (int i = 0; i < 4; i++)
        header[17 + i] = (unsigned char)(crc >> (24 - 8 * i));
}

static void impossible_sizes_are_refused_before_memory_is_taken(void **state)
{
    (void)state;
    umbra_image image = {0};
    made_file file = make_png(8, 8, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE);
    set_size(&file, 8, 40000);
    check_fails(UMBRA_E_INPUT, "big.png: the header says 8x40000 pixels; the limit is 32768",
                umbra_image_decode(file.bytes, file.size, "big.png", &image));
    set_size(&file, 32768, 32768);
    check_fails(UMBRA_E_INPUT, "2^28 in all; scale it down",
                umbra_image_decode(file.bytes, file.size, "big.png", &image));
    set_size(&file, 16384, 16384);
    check_fails(UMBRA_E_INPUT, "bytes cannot hold so large an image",
                umbra_image_decode(file.bytes, file.size, "bomb.png", &image));
    set_size(&file, 0, 8);
    check_fails(UMBRA_E_INPUT, "zero.png", /* libpng itself refuses a width of 0 */
                umbra_image_decode(file.bytes, file.size, "zero.png", &image));
    free(file.bytes);
}

static void dim_16_bit_grey_is_spread(void **state)
{
    (void)state;
    umbra_image image = {0};
    /* Written by hand, since our writer makes 8 bits: a 2 x 1 PNG of the values 4095 and 0. */
    static const unsigned char dim[] = {
        0x89, 'P',  'N',  'G', '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,   'I',  'H',  'D',
        'R',  0,    0,    0,   2,    0,    0,    0,    1,    16,   0,    0,    0,    0,    0x22,
        0xa2, 0x73, 0x43, 0,   0,    0,    16,   'I',  'D',  'A',  'T',  0x78, 0x01, 0x01, 0x05,
        0,    0xfa, 0xff, 0,   0x0f, 0xff, 0,    0,    0x03, 0x3e, 0x01, 0x0f};
    unsigned char whole[sizeof dim + 16];
    memcpy(whole, dim, sizeof dim);
    uint32_t head = crc_of(whole + 12, 17), body = crc_of(whole + 37, 20);
    for (int i = 0; i < 4; i++) {
        whole[29 + i] = (unsigned char)(head >> (24 - 8 * i));
        whole[sizeof dim + (size_t)i] = (unsigned char)(body >> (24 - 8 * i));
    }
    static const unsigned char end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    memcpy(whole + sizeof dim + 4, end, sizeof end);
    check_ok(umbra_image_decode(whole, sizeof whole, "dim", &image));
    assert_string_equal(image.source, "PNG 16-bit grey, dim, percentile 0.5-99.5");
    assert_true(image.pixels[0] == 1.0f && image.pixels[1] == 0.0f);
    umbra_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_depth_and_colour_decodes_exactly),
        cmocka_unit_test(impossible_sizes_are_refused_before_memory_is_taken),
        cmocka_unit_test(dim_16_bit_grey_is_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
