/* A file that a user names becomes the classifier's input: an image through the encoder, or a .npy.
 */
#include "client/input.h"

#include "base/memory.h"
#include "graph/npy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_npy(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".npy") == 0;
}

static umbra_status read_npy(const char *path, float *tensor, size_t count)
{
    umbra_shape shape;
    float *data = NULL;
    UMBRA_TRY(umbra_npy_read_f32(path, &shape, &data));
    int64_t found = umbra_shape_elements(&shape);
    umbra_status status = UMBRA_OK;
    if (found < 0 || (uint64_t)found != count)
        status = umbra_fail(UMBRA_E_INPUT, "%s holds %lld numbers, the model takes %zu", path,
                            (long long)found, count);
    else
        memcpy(tensor, data, count * sizeof *tensor);
    if (found > 0)
        umbra_secret_wipe(data, (size_t)found * sizeof *data);
    umbra_memory_free(data);
    return status;
}

static umbra_status read_image(const char *path, umbra_image_encoder *encoder, float *tensor,
                               size_t count)
{
    if (encoder == NULL && access(path, R_OK) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: cannot read: %s", path, strerror(errno));
    if (encoder == NULL)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: this model has no image encoder; give its input as a float32 .npy",
                          path);
    if (umbra_image_encoder_outputs(encoder) != count)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the encoder makes %zu numbers, the classifier takes %zu",
                          umbra_image_encoder_outputs(encoder), count);
    umbra_image image = {0};
    UMBRA_TRY(umbra_image_read(path, &image));
    umbra_status status = umbra_image_encoder_run(encoder, &image, tensor);
    umbra_image_free(&image);
    return status;
}

umbra_status umbra_input_read(const char *path, umbra_image_encoder *encoder, float *tensor,
                              size_t count)
{
    umbra_status status =
        is_npy(path) ? read_npy(path, tensor, count) : read_image(path, encoder, tensor, count);
    if (status != UMBRA_OK)
        umbra_secret_wipe(tensor, count * sizeof *tensor);
    return status;
}
