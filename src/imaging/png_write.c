/* Write an image as an 8-bit grey PNG, aside first and then renamed, so that none is half written.
 */
#include "imaging/image.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void to_bytes(const umbra_image *image, unsigned char *grey)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++) {
        float v = image->pixels[i];
        v = v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f; /* NaN becomes 0 */
        grey[i] = (unsigned char)(v * 255.0f + 0.5f);
    }
}

static umbra_status write_file(FILE *file, const umbra_image *image, const unsigned char *grey,
                               const char *path)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height,
                     .format = PNG_FORMAT_GRAY};
    errno = 0;
    int done = png_image_write_to_stdio(&png, file, 0, grey, 0, NULL);
    if (done != 0 && fflush(file) == 0 && fsync(fileno(file)) == 0)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_IO, "%s: cannot write: %s; is the disk full?", path,
                      errno != 0 ? strerror(errno) : png.message);
}

static umbra_status write_aside(const umbra_image *image, const unsigned char *grey, char *aside,
                                const char *path)
{
    int descriptor = mkstemp(aside);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return umbra_fail(UMBRA_E_IO, "%s: cannot create: %s", path,
                          errno == ENOENT ? "its folder does not exist; make it first"
                                          : strerror(errno));
    }
    umbra_status status = write_file(file, image, grey, path);
    if (fclose(file) != 0 && status == UMBRA_OK)
        status = umbra_fail(UMBRA_E_IO, "%s: cannot write: %s", path, strerror(errno));
    if (status == UMBRA_OK && rename(aside, path) != 0)
        status = umbra_fail(UMBRA_E_IO, "%s: cannot rename the new file to it: %s", path,
                            strerror(errno));
    if (status != UMBRA_OK)
        unlink(aside);
    return status;
}

umbra_status umbra_image_write_png(const umbra_image *image, const char *path)
{
    size_t bytes = (size_t)image->width * (size_t)image->height;
    size_t aside_bytes = strlen(path) + sizeof ".XXXXXX";
    unsigned char *grey = NULL;
    char *aside = NULL;
    umbra_status status = umbra_memory_alloc((void **)&grey, bytes, "the bytes of a PNG");
    if (status == UMBRA_OK)
        status = umbra_memory_alloc((void **)&aside, aside_bytes, "the name of a file");
    if (status == UMBRA_OK) {
        to_bytes(image, grey);
        snprintf(aside, aside_bytes, "%s.XXXXXX", path);
        status = write_aside(image, grey, aside, path);
    }
    if (grey != NULL)
        umbra_secret_wipe(grey, bytes);
    umbra_memory_free(grey);
    umbra_memory_free(aside);
    return status;
}
