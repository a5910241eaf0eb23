/* Client and server in one process: for demo, classify, verify and bench. */
#ifndef UMBRA_CLI_SESSION_H
#define UMBRA_CLI_SESSION_H

#include "ckks/secret.h"
#include "cli/cli.h"
#include "client/image_encoder.h"
#include "client/model.h"
#include "exec/exec.h"
#include "plain/executor.h"

typedef struct umbra_session_times {
    double model, plan, keys, prepare;          /* once */
    double image, encrypt, run, decrypt, plain; /* of the last input; seconds */
} umbra_session_times;

typedef struct umbra_session {
    const umbra_cli *cli;
    umbra_pool *pool;
    umbra_model *model;
    umbra_plan *plan;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
    umbra_image_encoder *encoder; /* NULL where the model has none */
    umbra_plain *plain;           /* the classifier on plaintext */
    int images;                   /* that one run takes */
    float *input; /* the classifier's inputs, images times input_count floats, in secret memory */
    size_t input_count, output_count; /* of one image */
    /* rounded, unrounded and plaintext answers: images times output_count */
    double *logits, *exact, *reference;
    umbra_session_times times;
} umbra_session;

/* Open the model, plan, make keys, prepare weights. Owns: umbra_session_close, in every case. */
umbra_status umbra_session_open(umbra_session *session, const umbra_cli *cli,
                                const char *model_path) UMBRA_MUST_USE;
void umbra_session_close(umbra_session *session);

/* Fill input `image` from an image file or .npy; path NULL: a phantom of the given seed. */
umbra_status umbra_session_read(umbra_session *session, int image, const char *path,
                                uint64_t phantom_seed) UMBRA_MUST_USE;
/* Encrypt the first `count` inputs (1 to images), run, decrypt into exact and logits; run the
 * reference, the first input last, so that an observer finds its values. progress as exec.h. */
umbra_status umbra_session_infer(umbra_session *session, int count, umbra_exec_progress progress,
                                 void *context) UMBRA_MUST_USE;

#endif
