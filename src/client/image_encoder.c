/* The picture side of the client: a file of pixels becomes the tensor that the classifier takes. */
#include "client/image_encoder.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"

#include <math.h>
#include <string.h>

struct umbra_image_encoder {
    umbra_graph *graph;
    umbra_plain *plain;
    int side;
    double low, high;
    size_t outputs;
    float *pixels; /* side * side, wiped after each run */
};

static umbra_status check_hash(const char *path, const unsigned char wanted[UMBRA_HASH_BYTES])
{
    static const unsigned char none[UMBRA_HASH_BYTES];
    if (memcmp(wanted, none, sizeof none) == 0)
        return UMBRA_OK;
    umbra_file_copy content = {0};
    UMBRA_TRY(umbra_file_load(path, &content));
    unsigned char found[UMBRA_HASH_BYTES];
    umbra_hash(found, content.bytes, content.size);
    umbra_file_unload(&content);
    if (memcmp(found, wanted, sizeof found) != 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "%s is not the encoder that the plan was made for; take the encoder.onnx "
                          "that stands beside client.profile",
                          path);
    return UMBRA_OK;
}

static umbra_status check_shapes(const umbra_graph *graph, const char *path, int side,
                                 size_t *outputs)
{
    if (graph->input_count != 1 || graph->output_count != 1)
        return umbra_fail(UMBRA_E_INPUT, "%s: an encoder has one input and one output", path);
    int64_t in = umbra_shape_elements(&graph->values[graph->inputs[0]].shape);
    int64_t out = umbra_shape_elements(&graph->values[graph->outputs[0]].shape);
    if (in != (int64_t)side * side || out <= 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: takes %lld numbers, but the model's images have %d x %d", path,
                          (long long)in, side, side);
    *outputs = (size_t)out;
    return UMBRA_OK;
}

umbra_status umbra_image_encoder_open(const char *path, const umbra_model_info *info, int threads,
                                      umbra_image_encoder **out)
{
    UMBRA_TRY(check_hash(path, info->encoder_hash));
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_image_encoder), "encoder"));
    umbra_image_encoder *encoder = memory;
    umbra_status status = UMBRA_OK;
    encoder->side = info->image_side;
    encoder->low = info->image_low;
    encoder->high = info->image_high;
    UMBRA_GOTO(fail, status, umbra_onnx_import_single_file(path, &encoder->graph));
    UMBRA_GOTO(fail, status, check_shapes(encoder->graph, path, encoder->side, &encoder->outputs));
    UMBRA_GOTO(fail, status, umbra_plain_new(&encoder->plain, encoder->graph, threads));
    size_t pixels = (size_t)encoder->side * (size_t)encoder->side;
    UMBRA_GOTO(fail, status, umbra_secret_alloc(&memory, pixels * sizeof(float)));
    encoder->pixels = memory;
    *out = encoder;
    return UMBRA_OK;
fail:
    umbra_image_encoder_free(encoder);
    return status;
}

void umbra_image_encoder_free(umbra_image_encoder *encoder)
{
    if (encoder == NULL)
        return;
    umbra_plain_free(encoder->plain);
    umbra_graph_free(encoder->graph);
    umbra_secret_free(encoder->pixels);
    umbra_memory_free(encoder);
}

size_t umbra_image_encoder_outputs(const umbra_image_encoder *encoder)
{
    return encoder->outputs;
}

umbra_status umbra_image_encoder_run(umbra_image_encoder *encoder, const umbra_image *image,
                                     float *latent)
{
    size_t pixels = (size_t)encoder->side * (size_t)encoder->side;
    umbra_status status = umbra_image_to_tensor(image, encoder->side, (float)encoder->low,
                                                (float)encoder->high, encoder->pixels);
    const float *inputs[1] = {encoder->pixels};
    if (status == UMBRA_OK)
        status = umbra_plain_run(encoder->plain, inputs);
    if (status == UMBRA_OK)
        memcpy(latent, umbra_plain_value(encoder->plain, encoder->graph->outputs[0]),
               encoder->outputs * sizeof *latent);
    umbra_secret_wipe(encoder->pixels, pixels * sizeof(float));
    return status;
}
