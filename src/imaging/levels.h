/* Which values of a picture become black and which white. */
#ifndef UMBRA_IMAGING_LEVELS_H
#define UMBRA_IMAGING_LEVELS_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Values at or below black become 0, at or above white 1, linear between. */
typedef struct umbra_levels {
    float black, white;
} umbra_levels;

/* The exact order statistics at 0.5 % and 99.5 % (nearest rank) of the finite values outside
 * [skip_low, skip_high]; give skip_low > skip_high to skip none. When these coincide, the least and
 * the greatest value; when those do too, white lies one above black.
 *
 * Returns: UMBRA_E_INPUT when no value remains; UMBRA_E_RESOURCE */
umbra_status umbra_levels_from_percentiles(const float *values, size_t count, float skip_low,
                                           float skip_high, umbra_levels *out) UMBRA_MUST_USE;

/* Cameras and converters store 10 or 12 bits in files of 16: when no value in [0, 1] reaches an
 * eighth, spread the percentiles over the whole range, so that the picture is not nearly black.
 *
 * is_spread: tells whether that was done */
umbra_status umbra_levels_spread_if_dim(float *values, size_t count,
                                        bool *is_spread) UMBRA_MUST_USE;

/* Map values in place; what is not a number becomes black. */
void umbra_levels_apply(umbra_levels levels, float *values, size_t count);

#endif
