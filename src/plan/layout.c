/* Layouts: which ciphertext and slot holds element (channel, y, x) of a tensor. */
#include "plan/layout.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define MAX_SLOTS ((size_t)1 << 20)       /* of one ciphertext; parameters end at 2^16 */
#define MAX_POSITIONS ((uint64_t)1 << 31) /* ciphertexts * slots: a position fits 32 bits */
#define MAX_PHASES 64                     /* in each direction */
#define MAX_ELEMENTS ((uint64_t)1 << 28)  /* as UMBRA_MAX_ELEMENTS of graph/ir.h */

static bool is_power_of_two(size_t a)
{
    return a != 0 && (a & (a - 1)) == 0;
}

static size_t round_up_to_power_of_two(size_t a)
{
    size_t power = 1;
    while (power < a)
        power *= 2;
    return power;
}

static umbra_status check_slots(size_t slots)
{
    if (!is_power_of_two(slots) || slots > MAX_SLOTS)
        return umbra_fail(UMBRA_E_MODEL,
                          "a layout of %zu slots; a power of two up to %zu is needed", slots,
                          MAX_SLOTS);
    return UMBRA_OK;
}

static umbra_status check_tensor(int channels, int height, int width)
{
    uint64_t plane = (uint64_t)height * (uint64_t)width;
    if (channels < 1 || height < 1 || width < 1 || plane > MAX_ELEMENTS ||
        plane * (uint64_t)channels > MAX_ELEMENTS)
        return umbra_fail(UMBRA_E_MODEL,
                          "a layout of a tensor of %d x %d x %d; 1 to 2^28 elements are needed",
                          channels, height, width);
    return UMBRA_OK;
}

static umbra_status check_grid(int height, int width, int grid_height, int grid_width, int gap,
                               size_t slots)
{
    if (grid_height < 1 || grid_width < 1 || !is_power_of_two((size_t)grid_height) ||
        !is_power_of_two((size_t)grid_width) || gap < 1)
        return umbra_fail(
            UMBRA_E_MODEL,
            "a layout with a grid of %d x %d and a gap of %d; powers of two and a gap "
            "of 1 or more are needed",
            grid_height, grid_width, gap);
    if ((int64_t)height * gap > grid_height || (int64_t)width * gap > grid_width ||
        (uint64_t)grid_height * (uint64_t)grid_width > slots)
        return umbra_fail(UMBRA_E_MODEL,
                          "planes of %d x %d with a gap of %d do not fit a grid of %d x %d in %zu "
                          "slots; use a larger ring degree or a smaller image",
                          height, width, gap, grid_height, grid_width, slots);
    return UMBRA_OK;
}

umbra_status umbra_layout_multiplexed(umbra_layout *out, int channels, int height, int width,
                                      int grid_height, int grid_width, int gap, size_t slots)
{
    UMBRA_TRY(check_slots(slots));
    UMBRA_TRY(check_tensor(channels, height, width));
    UMBRA_TRY(check_grid(height, width, grid_height, grid_width, gap, slots));
    uint64_t per_block = (uint64_t)gap * (uint64_t)gap;
    uint64_t needed = ((uint64_t)channels + per_block - 1) / per_block;
    size_t capacity = slots / ((size_t)grid_height * (size_t)grid_width);
    uint64_t ciphertexts = (needed + capacity - 1) / capacity;
    if (ciphertexts > MAX_POSITIONS / slots)
        return umbra_fail(UMBRA_E_MODEL,
                          "a tensor of %d x %d x %d takes %llu ciphertexts; use a smaller grid",
                          channels, height, width, (unsigned long long)ciphertexts);
    size_t blocks = ciphertexts > 1 ? capacity : round_up_to_power_of_two((size_t)needed);
    *out = (umbra_layout){.kind = UMBRA_LAYOUT_MULTIPLEXED,
                          .channels = channels,
                          .height = height,
                          .width = width,
                          .slots = slots,
                          .ciphertexts = (int)ciphertexts,
                          .grid_height = grid_height,
                          .grid_width = grid_width,
                          .gap = gap,
                          .blocks = (int)blocks,
                          .copies = capacity / blocks,
                          .images = 1};
    return UMBRA_OK;
}

umbra_status umbra_layout_phased(umbra_layout *out, int channels, int height, int width,
                                 int grid_height, int grid_width, int gap, size_t slots)
{
    umbra_layout layout = {0};
    UMBRA_TRY(check_tensor(channels, height, width));
    if (gap < 2 || gap > MAX_PHASES || !is_power_of_two((size_t)gap) ||
        channels > INT_MAX / (gap * gap))
        return umbra_fail(UMBRA_E_MODEL,
                          "planes cut in %d phases; a power of two from 2 to %d is needed", gap,
                          MAX_PHASES);
    UMBRA_TRY(umbra_layout_multiplexed(&layout, channels * gap * gap, (height + gap - 1) / gap,
                                       (width + gap - 1) / gap, grid_height, grid_width, 1, slots));
    layout.kind = UMBRA_LAYOUT_PHASED;
    layout.channels = channels;
    layout.height = height;
    layout.width = width;
    layout.gap = gap;
    *out = layout;
    return UMBRA_OK;
}

umbra_status umbra_layout_modular(umbra_layout *out, int count, size_t slots)
{
    UMBRA_TRY(check_slots(slots));
    if (count < 1 || (size_t)count > slots)
        return umbra_fail(UMBRA_E_MODEL,
                          "a vector of %d numbers does not fit %zu slots; use a larger "
                          "ring degree",
                          count, slots);
    *out = (umbra_layout){.kind = UMBRA_LAYOUT_MODULAR,
                          .channels = count,
                          .height = 1,
                          .width = 1,
                          .slots = slots,
                          .ciphertexts = 1,
                          .modulus = round_up_to_power_of_two((size_t)count),
                          .images = 1};
    return UMBRA_OK;
}

umbra_status umbra_layout_set_images(umbra_layout *layout, int images)
{
    assert(layout->images == 1);
    if (images < 1 || !is_power_of_two((size_t)images) ||
        (size_t)images > MAX_SLOTS / layout->slots ||
        (uint64_t)layout->ciphertexts * layout->slots > MAX_POSITIONS / (uint64_t)images)
        return umbra_fail(UMBRA_E_MODEL,
                          "%d images of %zu slots in one ciphertext; a power of two and at most "
                          "%zu slots are needed",
                          images, layout->slots, MAX_SLOTS);
    layout->slots *= (size_t)images;
    layout->images = images;
    if (images > 1)
        layout->copies = 1;
    return UMBRA_OK;
}

size_t umbra_layout_elements(const umbra_layout *layout)
{
    return (size_t)layout->channels * (size_t)layout->height * (size_t)layout->width;
}

size_t umbra_layout_period(const umbra_layout *layout)
{
    if (layout->images > 1)
        return layout->slots / (size_t)layout->images;
    return layout->kind == UMBRA_LAYOUT_MODULAR ? layout->modulus : layout->slots / layout->copies;
}

void umbra_layout_position(const umbra_layout *layout, size_t element, int *ciphertext,
                           size_t *slot)
{
    assert(element < umbra_layout_elements(layout));
    if (layout->kind == UMBRA_LAYOUT_MODULAR) {
        *ciphertext = 0;
        *slot = element;
        return;
    }
    size_t width = (size_t)layout->width, height = (size_t)layout->height;
    size_t grid_width = (size_t)layout->grid_width, gap = (size_t)layout->gap;
    size_t x = element % width, y = element / width % height, c = element / width / height;
    if (layout->kind == UMBRA_LAYOUT_PHASED) {
        c = (c * gap + y % gap) * gap + x % gap;
        y /= gap;
        x /= gap;
        gap = 1;
    }
    size_t block = c / (gap * gap), within = c % (gap * gap);
    size_t cell = (y * gap + within / gap) * grid_width + x * gap + within % gap;
    size_t blocks = (size_t)layout->blocks;
    *ciphertext = (int)(block / blocks);
    *slot = block % blocks * (size_t)layout->grid_height * grid_width + cell;
}

void umbra_layout_scatter(const umbra_layout *layout, const float *tensors, int count,
                          double *slots)
{
    size_t elements = umbra_layout_elements(layout), period = umbra_layout_period(layout);
    assert(count >= 1 && count <= layout->images);
    memset(slots, 0, (size_t)layout->ciphertexts * layout->slots * sizeof *slots);
    for (size_t e = 0; e < elements; e++) {
        int ciphertext;
        size_t slot;
        umbra_layout_position(layout, e, &ciphertext, &slot);
        double *vector = slots + (size_t)ciphertext * layout->slots + slot;
        if (layout->images > 1)
            for (size_t k = 0; k < (size_t)count; k++)
                vector[k * period] = (double)tensors[k * elements + e];
        else
            for (size_t at = 0; at + slot < layout->slots; at += period)
                vector[at] = (double)tensors[e];
    }
}

void umbra_layout_gather(const umbra_layout *layout, const double *slots, int count,
                         double *tensors)
{
    size_t elements = umbra_layout_elements(layout), period = umbra_layout_period(layout);
    assert(count >= 1 && count <= layout->images);
    for (size_t e = 0; e < elements; e++) {
        int ciphertext;
        size_t slot;
        umbra_layout_position(layout, e, &ciphertext, &slot);
        for (size_t k = 0; k < (size_t)count; k++)
            tensors[k * elements + e] =
                slots[(size_t)ciphertext * layout->slots + k * period + slot];
    }
}

/* Only what the constructors take is written, so that a file cannot contradict itself. */
void umbra_layout_write(const umbra_layout *layout, umbra_writer *writer)
{
    umbra_write_u8(writer, (uint8_t)layout->kind);
    umbra_write_u32(writer, (uint32_t)(layout->slots / (size_t)layout->images));
    umbra_write_u32(writer, (uint32_t)layout->images);
    umbra_write_u32(writer, (uint32_t)layout->channels);
    if (layout->kind == UMBRA_LAYOUT_MODULAR)
        return;
    umbra_write_u32(writer, (uint32_t)layout->height);
    umbra_write_u32(writer, (uint32_t)layout->width);
    umbra_write_u32(writer, (uint32_t)layout->grid_height);
    umbra_write_u32(writer, (uint32_t)layout->grid_width);
    umbra_write_u32(writer, (uint32_t)layout->gap);
}

/* Numbers above INT32_MAX become 0, which the constructors refuse. */
static int read_positive(umbra_reader *reader)
{
    uint32_t v = umbra_read_u32(reader);
    return v > INT32_MAX ? 0 : (int)v;
}

umbra_status umbra_layout_read(umbra_reader *reader, umbra_layout *out)
{
    unsigned long long at = reader->base_offset + reader->offset;
    uint8_t kind = umbra_read_u8(reader);
    size_t slots = umbra_read_u32(reader);
    int images = read_positive(reader), channels = read_positive(reader);
    UMBRA_TRY(umbra_reader_check(reader, "layout"));
    umbra_status status;
    umbra_layout layout = {0};
    if (kind == UMBRA_LAYOUT_MODULAR) {
        status = umbra_layout_modular(&layout, channels, slots);
    } else if (kind == UMBRA_LAYOUT_MULTIPLEXED || kind == UMBRA_LAYOUT_PHASED) {
        int height = read_positive(reader), width = read_positive(reader);
        int grid_height = read_positive(reader), grid_width = read_positive(reader);
        int gap = read_positive(reader);
        UMBRA_TRY(umbra_reader_check(reader, "layout"));
        status = kind == UMBRA_LAYOUT_PHASED
                     ? umbra_layout_phased(&layout, channels, height, width, grid_height,
                                           grid_width, gap, slots)
                     : umbra_layout_multiplexed(&layout, channels, height, width, grid_height,
                                                grid_width, gap, slots);
    } else {
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: unknown layout kind %u at byte %llu; make the file again",
                          reader->name, kind, at);
    }
    if (status == UMBRA_OK)
        status = umbra_layout_set_images(&layout, images);
    if (status != UMBRA_OK) /* the same fault in a file is the file's */
        return umbra_fail_within(UMBRA_E_INPUT, "%s: layout at byte %llu", reader->name, at);
    *out = layout;
    return UMBRA_OK;
}
