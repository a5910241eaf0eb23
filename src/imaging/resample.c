/* From an image of any size to the square tensor that a network expects. */
#include "imaging/image.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* stb's scratch holds pixels of a patient: remember its size in the context, wipe it on free. */
static void *scratch_new(size_t bytes, void *context)
{
    *(size_t *)context = bytes;
    return malloc(bytes);
}

static void scratch_free(void *scratch, const void *context)
{
    if (scratch != NULL)
        umbra_secret_wipe(scratch, *(const size_t *)context);
    free(scratch);
}

#define STBIR_MALLOC(bytes, context) scratch_new(bytes, context)
#define STBIR_FREE(scratch, context) scratch_free(scratch, context)
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#include <stb/stb_image_resize.h>

static umbra_status check_pixels(const umbra_image *image)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(image->pixels[i]))
            return umbra_fail(UMBRA_E_INPUT,
                              "the image has a pixel that is not a number at x %zu, y %zu; mend it "
                              "before it is encrypted",
                              i % (size_t)image->width, i / (size_t)image->width);
    return UMBRA_OK;
}

/* The size after scaling, and the first column or row that the centre crop keeps: round half up and
 * floor, as albumentations' SmallestMaxSize and CenterCrop do. */
static double crop_offset(int length, int shortest, int side)
{
    double scaled = floor((double)length * side / shortest + 0.5);
    return floor((scaled - side) / 2.0);
}

/* Only the part that the crop keeps is computed, so a 1 x 32768 strip costs no more than a square.
 * Triangle filter: bilinear when enlarging, antialiased when reducing. */
static umbra_status resize_and_crop(const umbra_image *image, int side, float *tensor)
{
    int shortest = image->width < image->height ? image->width : image->height;
    double x_offset = crop_offset(image->width, shortest, side);
    double y_offset = crop_offset(image->height, shortest, side);
    if (shortest == side) { /* nothing to scale: copy, so that every pixel stays exact */
        for (int y = 0; y < side; y++)
            memcpy(tensor + (size_t)y * (size_t)side,
                   image->pixels + ((size_t)y_offset + (size_t)y) * (size_t)image->width +
                       (size_t)x_offset,
                   (size_t)side * sizeof(float));
        return UMBRA_OK;
    }
    float scale = (float)side / (float)shortest;
    size_t scratch_bytes = 0;
    int done = stbir_resize_subpixel(image->pixels, image->width, image->height, 0, tensor, side,
                                     side, 0, STBIR_TYPE_FLOAT, 1, STBIR_ALPHA_CHANNEL_NONE, 0,
                                     STBIR_EDGE_CLAMP, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE,
                                     STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, &scratch_bytes,
                                     scale, scale, (float)x_offset, (float)y_offset);
    if (done == 0)
        return umbra_fail(UMBRA_E_RESOURCE, "no memory to scale an image of %dx%d to %d",
                          image->width, image->height, side);
    return UMBRA_OK;
}

umbra_status umbra_image_to_tensor(const umbra_image *image, int side, float low, float high,
                                   float *tensor)
{
    if (side < 1 || side > 4096)
        return umbra_fail(UMBRA_E_USAGE, "a tensor side of %d is outside 1 .. 4096", side);
    if (!isfinite(low) || !isfinite(high) || !(low < high))
        return umbra_fail(UMBRA_E_USAGE, "the range of a tensor needs two numbers, low < high");
    UMBRA_TRY(check_pixels(image));
    UMBRA_TRY(resize_and_crop(image, side, tensor));
    size_t count = (size_t)side * (size_t)side;
    for (size_t i = 0; i < count; i++) {
        float v = tensor[i] < 0.0f ? 0.0f : tensor[i] > 1.0f ? 1.0f : tensor[i];
        tensor[i] = low + v * (high - low);
    }
    return UMBRA_OK;
}
