/* Percentiles of the values of a picture, exactly and in two passes whatever their range. */
#include "imaging/levels.h"

#include "base/memory.h"
#include "imaging/decode.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BINS ((size_t)1 << 16)

/* Floats as integers in the same order: flip all bits of a negative one, the sign of the others. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t key)
{
    uint32_t bits = (key >> 31) != 0 ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

typedef struct selection {
    const float *values;
    size_t count;
    float skip_low, skip_high;
    size_t *bins; /* BINS of them */
} selection;

static bool counts(const selection *s, float value)
{
    return isfinite(value) && !(value >= s->skip_low && value <= s->skip_high);
}

/* Count high halves of the keys, or the low halves of the keys with one high half. */
static size_t count_halves(const selection *s, bool low, uint32_t high_half)
{
    size_t total = 0;
    memset(s->bins, 0, BINS * sizeof *s->bins);
    for (size_t i = 0; i < s->count; i++) {
        if (!counts(s, s->values[i]))
            continue;
        uint32_t key = key_of(s->values[i]);
        if (low && key >> 16 != high_half)
            continue;
        s->bins[low ? key & 0xffffu : key >> 16]++;
        total++;
    }
    return total;
}

/* The bin that holds the value of this rank; *rank becomes the rank inside the bin. */
static uint32_t find_bin(const selection *s, size_t *rank)
{
    uint32_t bin = 0;
    while (bin + 1 < BINS && *rank >= s->bins[bin])
        *rank -= s->bins[bin++];
    return bin;
}

static float value_of_rank(const selection *s, size_t rank)
{
    (void)count_halves(s, false, 0);
    uint32_t high = find_bin(s, &rank);
    (void)count_halves(s, true, high);
    return value_of(high << 16 | find_bin(s, &rank));
}

umbra_status umbra_levels_from_percentiles(const float *values, size_t count, float skip_low,
                                           float skip_high, umbra_levels *out)
{
    selection s = {values, count, skip_low, skip_high, NULL};
    void *bins = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&bins, BINS, sizeof *s.bins, "a histogram"));
    s.bins = bins;
    size_t total = count_halves(&s, false, 0);
    if (total > 0) {
        size_t cut = (total - 1) / 200; /* 0.5 % of the values on either side */
        out->black = value_of_rank(&s, cut);
        out->white = value_of_rank(&s, total - 1 - cut);
        if (!(out->black < out->white)) {
            out->black = value_of_rank(&s, 0);
            out->white = value_of_rank(&s, total - 1);
        }
        if (!(out->black < out->white))
            out->white = nextafterf(out->black + 1.0f, INFINITY);
    }
    umbra_pixels_free(bins, BINS * sizeof *s.bins);
    if (total == 0)
        return umbra_fail(UMBRA_E_INPUT, "every pixel is padding or not a number");
    return UMBRA_OK;
}

umbra_status umbra_levels_spread_if_dim(float *values, size_t count, bool *is_spread)
{
    umbra_levels levels = {0};
    *is_spread = false;
    for (size_t i = 0; i < count; i++)
        if (values[i] >= 0.125f)
            return UMBRA_OK;
    UMBRA_TRY(umbra_levels_from_percentiles(values, count, 1.0f, 0.0f, &levels));
    umbra_levels_apply(levels, values, count);
    *is_spread = true;
    return UMBRA_OK;
}

void umbra_levels_apply(umbra_levels levels, float *values, size_t count)
{
    float width = levels.white - levels.black; /* divided by, so that white becomes exactly 1 */
    for (size_t i = 0; i < count; i++) {
        float v = (values[i] - levels.black) / width;
        values[i] = v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f; /* NaN fails the first comparison */
    }
}
