/* A file that a user names becomes the classifier's input: an image through the encoder, or a .npy.
 */
#ifndef UMBRA_CLIENT_INPUT_H
#define UMBRA_CLIENT_INPUT_H

#include "client/image_encoder.h"

/* encoder: NULL where the model has none; then only .npy files are taken.
 *
 * tensor:  count floats, the classifier's input, row-major; wiped on failure
 * Returns: UMBRA_E_INPUT naming the file, what is wrong and the remedy */
umbra_status umbra_input_read(const char *path, umbra_image_encoder *encoder, float *tensor,
                              size_t count) UMBRA_MUST_USE;

#endif
