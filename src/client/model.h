/* A model as a user brings it: a folder with model.json, or a bare .onnx file. */
#ifndef UMBRA_CLIENT_MODEL_H
#define UMBRA_CLIENT_MODEL_H

#include "graph/ir.h"
#include "plan/profile.h"

typedef struct umbra_model {
    umbra_model_info info;
    char *encoder_path;      /* NULL: the classifier takes the input as it is */
    umbra_graph *classifier; /* simplified, encryptable, calibrated ranges filled in */
} umbra_model;

/* Read a model; its files are hostile. Names in model.json may not leave the folder.
 *
 * Owns:    umbra_model_free
 * Returns: UMBRA_E_INPUT naming file and key; UMBRA_E_MODEL listing every node that cannot be
 * encrypted */
umbra_status umbra_model_open(const char *path, umbra_model **out) UMBRA_MUST_USE;
void umbra_model_free(umbra_model *model);

#endif
