/* What every decoder promises of the image that it accepts. */
#ifndef UMBRA_FUZZ_CHECK_IMAGE_H
#define UMBRA_FUZZ_CHECK_IMAGE_H

#include "imaging/decode.h"

#include <stdlib.h>
#include <string.h>

static inline void check_and_free(umbra_image *image)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    if (count == 0 || strlen(image->source) == 0)
        abort();
    for (size_t i = 0; i < count; i++)
        if (!(image->pixels[i] >= 0.0f && image->pixels[i] <= 1.0f))
            abort();
    umbra_image_free(image);
}

#endif
