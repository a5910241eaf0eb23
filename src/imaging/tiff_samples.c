/* Samples of 1 to 64 bits from packed rows; grey from their values; the eight orientations. */
#include "imaging/tiff_samples.h"

#include "imaging/levels.h"

#include <string.h>
#include <tiff.h>

static bool is_unsigned(const tiff_layout *layout)
{
    return layout->format == SAMPLEFORMAT_UINT || layout->format == SAMPLEFORMAT_VOID;
}

bool umbra_tiff_can_read_samples(const tiff_layout *layout)
{
    int bits = layout->bits;
    if (is_unsigned(layout))
        return (bits >= 1 && bits <= 16) || bits == 24 || bits == 32;
    if (layout->format == SAMPLEFORMAT_INT)
        return bits == 8 || bits == 16 || bits == 32;
    return layout->format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64);
}

static size_t samples_in_pixel(const tiff_layout *layout)
{
    return layout->planar == PLANARCONFIG_SEPARATE ? 1 : layout->samples;
}

bool umbra_tiff_check_row(const tiff_layout *layout)
{
    uint64_t bits = (uint64_t)layout->chunk_width * samples_in_pixel(layout) * layout->bits;
    return layout->row_bytes >= (bits + 7) / 8 &&
           layout->chunk_bytes / layout->row_bytes >= layout->chunk_height;
}

int umbra_tiff_colours(const tiff_layout *layout)
{
    return layout->photometric == PHOTOMETRIC_RGB ? 3 : 1;
}

void umbra_tiff_set_palette(tiff_layout *layout, const uint16_t *red, const uint16_t *green,
                            const uint16_t *blue)
{
    size_t count = (size_t)1 << layout->bits;
    uint16_t greatest = 0;
    for (size_t i = 0; i < count; i++) {
        greatest = red[i] > greatest ? red[i] : greatest;
        greatest = green[i] > greatest ? green[i] : greatest;
        greatest = blue[i] > greatest ? blue[i] : greatest;
    }
    /* Some writers put 8-bit colours where the format asks for 16. */
    float unit = 1.0f / (greatest < 256 ? 255.0f : 65535.0f);
    for (size_t i = 0; i < count; i++)
        layout->palette[i] = umbra_luminance((float)red[i], (float)green[i], (float)blue[i]) * unit;
}

/* Samples that do not fill bytes are packed from the highest bit down. */
static float packed_sample(const unsigned char *row, size_t index, int bits)
{
    size_t first = index * (size_t)bits, last = first + (size_t)bits - 1;
    uint32_t word = 0;
    for (size_t byte = first / 8; byte <= last / 8; byte++)
        word = word << 8 | row[byte];
    word >>= 7 - last % 8;
    return (float)(word & ((1u << bits) - 1u));
}

/* libtiff has put the three bytes into the machine's order. */
static float sample_of_24_bits(const unsigned char *bytes)
{
    const uint16_t one = 1;
    bool is_little = *(const unsigned char *)&one == 1;
    uint32_t low = is_little ? bytes[0] : bytes[2], high = is_little ? bytes[2] : bytes[0];
    return (float)(high << 16 | (uint32_t)bytes[1] << 8 | low);
}

/* libtiff has put samples of 16, 32 and 64 bits into the machine's byte order. */
#define SAMPLE_OF(type)                                                                            \
    do {                                                                                           \
        type v;                                                                                    \
        memcpy(&v, row + index * sizeof v, sizeof v);                                              \
        return (float)v;                                                                           \
    } while (0)

static float sample_at(const tiff_layout *layout, const unsigned char *row, size_t index)
{
    int bits = layout->bits;
    if (layout->format == SAMPLEFORMAT_IEEEFP && bits == 64)
        SAMPLE_OF(double);
    if (layout->format == SAMPLEFORMAT_IEEEFP)
        SAMPLE_OF(float);
    if (layout->format == SAMPLEFORMAT_INT && bits == 8)
        SAMPLE_OF(int8_t);
    if (layout->format == SAMPLEFORMAT_INT && bits == 16)
        SAMPLE_OF(int16_t);
    if (layout->format == SAMPLEFORMAT_INT)
        SAMPLE_OF(int32_t);
    if (bits == 8)
        return (float)row[index];
    if (bits == 16)
        SAMPLE_OF(uint16_t);
    if (bits == 24)
        return sample_of_24_bits(row + 3 * index);
    if (bits == 32)
        SAMPLE_OF(uint32_t);
    return packed_sample(row, index, bits);
}

void umbra_tiff_add_samples(const tiff_layout *layout, const tiff_window *window,
                            const unsigned char *chunk, float *pixels)
{
    static const float luminance[3] = {0.299f, 0.587f, 0.114f};
    bool is_separate = layout->planar == PLANARCONFIG_SEPARATE;
    int colours = umbra_tiff_colours(layout);
    size_t step = samples_in_pixel(layout);
    for (size_t y = 0; y < window->height; y++) {
        const unsigned char *row = chunk + y * layout->row_bytes;
        float *to = pixels + (window->y + y) * (size_t)layout->width + window->x;
        for (size_t x = 0; x < window->width; x++) {
            if (colours == 1)
                to[x] = sample_at(layout, row, x * step);
            else if (is_separate)
                to[x] += luminance[window->plane] * sample_at(layout, row, x);
            else
                to[x] = umbra_luminance(sample_at(layout, row, x * step),
                                        sample_at(layout, row, x * step + 1),
                                        sample_at(layout, row, x * step + 2));
        }
    }
}

static bool all_between_0_and_1(const float *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(pixels[i] >= 0.0f && pixels[i] <= 1.0f))
            return false;
    return true;
}

umbra_status umbra_tiff_to_grey(const tiff_layout *layout, umbra_image *image, const char **levels)
{
    float *pixels = image->pixels;
    size_t count = (size_t)image->width * (size_t)image->height;
    umbra_levels range = {0.0f, 1.0f};
    if (layout->photometric == PHOTOMETRIC_PALETTE) {
        for (size_t i = 0; i < count; i++)
            pixels[i] = layout->palette[(size_t)pixels[i] & 255u];
    } else if (is_unsigned(layout) && layout->bits <= 16) {
        range.white = (float)((1u << layout->bits) - 1u);
    } else if (layout->format != SAMPLEFORMAT_IEEEFP || !all_between_0_and_1(pixels, count)) {
        UMBRA_TRY(umbra_levels_from_percentiles(pixels, count, 1.0f, 0.0f, &range));
        *levels = ", percentile 0.5-99.5";
    }
    umbra_levels_apply(range, pixels, count);
    if (is_unsigned(layout) && layout->bits == 16 && umbra_tiff_colours(layout) == 1) {
        bool is_spread = false;
        UMBRA_TRY(umbra_levels_spread_if_dim(pixels, count, &is_spread));
        *levels = is_spread ? ", dim, percentile 0.5-99.5" : *levels;
    }
    if (layout->photometric == PHOTOMETRIC_MINISWHITE)
        for (size_t i = 0; i < count; i++)
            pixels[i] = 1.0f - pixels[i];
    return UMBRA_OK;
}

umbra_status umbra_tiff_turn(uint16_t orientation, umbra_image *image)
{
    bool swaps = orientation >= ORIENTATION_LEFTTOP && orientation <= ORIENTATION_LEFTBOT;
    /* Where stored row 0 and column 0 lie; for 5 to 8, after rows and columns are exchanged. */
    bool from_right = orientation == ORIENTATION_TOPRIGHT || orientation == ORIENTATION_BOTRIGHT ||
                      orientation == ORIENTATION_RIGHTTOP || orientation == ORIENTATION_RIGHTBOT;
    bool from_bottom = orientation == ORIENTATION_BOTRIGHT || orientation == ORIENTATION_BOTLEFT ||
                       orientation == ORIENTATION_RIGHTBOT || orientation == ORIENTATION_LEFTBOT;
    if (!swaps && !from_right && !from_bottom)
        return UMBRA_OK;
    size_t width = (size_t)image->width, height = (size_t)image->height;
    size_t new_width = swaps ? height : width, new_height = swaps ? width : height;
    float *turned = NULL;
    size_t bytes = width * height * sizeof *turned;
    UMBRA_TRY(umbra_pixels_alloc((void **)&turned, bytes, "the pixels of a turned image"));
    for (size_t y = 0; y < new_height; y++) {
        for (size_t x = 0; x < new_width; x++) {
            size_t u = from_right ? new_width - 1 - x : x;
            size_t v = from_bottom ? new_height - 1 - y : y;
            turned[y * new_width + x] = image->pixels[swaps ? u * width + v : v * width + u];
        }
    }
    umbra_pixels_free(image->pixels, bytes);
    image->pixels = turned;
    image->width = (int)new_width;
    image->height = (int)new_height;
    return UMBRA_OK;
}
