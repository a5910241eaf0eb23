/* The life of an image: size limits, allocation, and a free that wipes. */
#include "imaging/decode.h"

#include "base/memory.h"

#include <inttypes.h>

#define FREE_PIXELS ((uint64_t)1 << 24) /* no file is too short for so few */
#define PIXELS_PER_BYTE 4096

umbra_status umbra_image_check_size(const umbra_image_file *file, uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the header says %" PRIu64 "x%" PRIu64
                          " pixels, so there is no image in it; export it again",
                          file->name, width, height);
    if (width > UMBRA_IMAGE_SIDE_MAX || height > UMBRA_IMAGE_SIDE_MAX ||
        width * height > UMBRA_IMAGE_PIXELS_MAX)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the header says %" PRIu64 "x%" PRIu64
                          " pixels; the limit is %d on a side and 2^28 in all; scale it down or "
                          "crop it first",
                          file->name, width, height, UMBRA_IMAGE_SIDE_MAX);
    uint64_t pixels = width * height;
    if (pixels > FREE_PIXELS && (pixels - FREE_PIXELS) / PIXELS_PER_BYTE > file->size)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the header says %" PRIu64 "x%" PRIu64
                          " pixels, but %zu bytes cannot hold so large an image; the file is "
                          "damaged or made to exhaust memory",
                          file->name, width, height, file->size);
    return UMBRA_OK;
}

umbra_status umbra_image_new(const umbra_image_file *file, uint64_t width, uint64_t height,
                             umbra_image *out)
{
    UMBRA_TRY(umbra_image_check_size(file, width, height));
    void *pixels = NULL;
    umbra_status status = umbra_memory_alloc_array(&pixels, (size_t)(width * height), sizeof(float),
                                                   "the pixels of an image");
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s", file->name);
    *out = (umbra_image){.width = (int)width, .height = (int)height, .pixels = pixels};
    return UMBRA_OK;
}

umbra_status umbra_pixels_alloc(void **out, size_t bytes, const char *purpose)
{
    return umbra_memory_alloc(out, bytes, purpose);
}

void umbra_pixels_free(void *pixels, size_t bytes)
{
    if (pixels == NULL)
        return;
    umbra_secret_wipe(pixels, bytes);
    umbra_memory_free(pixels);
}

void umbra_image_free(umbra_image *image)
{
    if (image == NULL)
        return;
    umbra_pixels_free(image->pixels, (size_t)image->width * (size_t)image->height * sizeof(float));
    *image = (umbra_image){0};
}
