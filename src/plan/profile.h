/* The client profile: everything public that a client needs, and nothing of the model's weights. */
#ifndef UMBRA_PLAN_PROFILE_H
#define UMBRA_PLAN_PROFILE_H

#include "ckks/keys.h"
#include "plan/layout.h"

/* From model.json, or defaults for a bare .onnx (no encoder, no labels, kind TENSOR). */
typedef enum umbra_input_kind { UMBRA_INPUT_TENSOR, UMBRA_INPUT_XRAY } umbra_input_kind;
typedef enum umbra_output_kind {
    UMBRA_OUTPUT_LOGITS,
    UMBRA_OUTPUT_MULTILABEL_SIGMOID
} umbra_output_kind;

typedef struct umbra_model_info {
    char *name;
    umbra_input_kind input_kind;
    int image_side;               /* XRAY: 256 */
    double image_low, image_high; /* XRAY: -1, 1 */
    double input_abs_max;         /* bound on |classifier input|, from calibration */
    umbra_output_kind output_kind;
    char **labels;
    int label_count;
    unsigned char encoder_hash[UMBRA_HASH_BYTES]; /* BLAKE2b of encoder.onnx; zeros: none */
} umbra_model_info;

void umbra_model_info_free(umbra_model_info *info); /* the fields, not the struct */

typedef struct umbra_profile {
    umbra_params *params;
    umbra_model_info model;
    umbra_layout input_layout, output_layout;
    double input_factor; /* slot = factor * value of the classifier's input */
    double input_scale_log2;
    int input_level;
    double output_factor; /* slot = factor * logit */
    int output_level;     /* of the result: a client decrypts nothing else, for a changed scale */
    double output_scale_log2; /* would put other digits above the grid of its rounding */
    /* The error of a logit that the plan predicts, worst output, in units of a logit; decrypted
     * values are rounded to it (client/answer.h). */
    double output_error;
    double predicted_bits, predicted_seconds;
    uint64_t predicted_memory_bytes;
    unsigned char
        plan_hash[UMBRA_HASH_BYTES]; /* of the plan's body: server and client must agree */
    umbra_key_item *keys;
    size_t key_count;
} umbra_profile;

#define UMBRA_PROFILE_VERSION                                                                      \
    3 /* of the file; 2: several images; 3: level and scale of results                             \
       */

umbra_status umbra_profile_save(const umbra_profile *profile, const char *path) UMBRA_MUST_USE;
umbra_status umbra_profile_load(const char *path, umbra_profile **out) UMBRA_MUST_USE;
void umbra_profile_free(umbra_profile *profile);

#endif
