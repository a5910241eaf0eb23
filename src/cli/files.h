/* Files that commands of the client find for the user. */
#ifndef UMBRA_CLI_FILES_H
#define UMBRA_CLI_FILES_H

#include "cli/cli.h"
#include "client/image_encoder.h"

/* The encoder of a model: --encoder, or encoder.onnx beside the profile; *out is NULL where the
 * model has none. */
umbra_status umbra_cli_open_encoder(const umbra_cli *cli, const umbra_model_info *info,
                                    const char *profile_path,
                                    umbra_image_encoder **out) UMBRA_MUST_USE;
/* The model that the project ships: UMBRA_MODELS, or models/ in this folder or beside the program.
 */
umbra_status umbra_cli_shipped_model(char out[4096]) UMBRA_MUST_USE;

/* Warn where other accounts of this machine can read the secret key. */
void umbra_cli_warn_shared_key(const char *path);

#endif
