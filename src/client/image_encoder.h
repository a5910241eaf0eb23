/* The picture side of the client: a file of pixels becomes the tensor that the classifier takes. */
#ifndef UMBRA_CLIENT_IMAGE_ENCODER_H
#define UMBRA_CLIENT_IMAGE_ENCODER_H

#include "graph/ir.h"
#include "imaging/image.h"
#include "plan/profile.h"

/* The plaintext network between image and classifier (the VQGAN encoder). */
typedef struct umbra_image_encoder umbra_image_encoder;

/* Load encoder.onnx. Where `info` carries its hash the file must have it, so that server and client
 * speak of the same latent: UMBRA_E_MISMATCH otherwise.
 *
 * Owns: umbra_image_encoder_free */
umbra_status umbra_image_encoder_open(const char *path, const umbra_model_info *info, int threads,
                                      umbra_image_encoder **out) UMBRA_MUST_USE;
void umbra_image_encoder_free(umbra_image_encoder *encoder);

/* Number of floats of the latent. */
size_t umbra_image_encoder_outputs(const umbra_image_encoder *encoder);
/* image -> tensor in the model's range -> latent (row-major c, y, x; wiped by the caller). */
umbra_status umbra_image_encoder_run(umbra_image_encoder *encoder, const umbra_image *image,
                                     float *latent) UMBRA_MUST_USE;

#endif
