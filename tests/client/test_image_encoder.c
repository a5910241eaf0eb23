/* The encoder network: its hash, its shapes, and the latent that it makes of an image. */
#include "check.h"

#include "client/image_encoder.h"
#include "client/model.h"

#include <math.h>

#define TINY "tests/cli/tiny-xray"
#define OUTPUTS 128

static umbra_model *model;

static int open_model(void **state)
{
    (void)state;
    check_ok(umbra_model_open(TINY, &model));
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    umbra_model_free(model);
    return 0;
}

static void makes_a_latent(void **state)
{
    (void)state;
    umbra_image_encoder *encoder = NULL;
    umbra_image image = {0};
    float latent[OUTPUTS], again[OUTPUTS];
    check_ok(umbra_image_encoder_open(model->encoder_path, &model->info, 1, &encoder));
    assert_int_equal(umbra_image_encoder_outputs(encoder), OUTPUTS);
    check_ok(umbra_phantom_chest(64, 3, &image));
    check_ok(umbra_image_encoder_run(encoder, &image, latent));
    check_ok(umbra_image_encoder_run(encoder, &image, again));
    assert_memory_equal(latent, again, sizeof latent);
    float low = 2, high = -2;
    for (int i = 0; i < OUTPUTS; i++) {
        assert_true(fabsf(latent[i]) <= 1); /* it ends in a tanh */
        low = fminf(low, latent[i]);
        high = fmaxf(high, latent[i]);
    }
    assert_true(high - low > 0.1F);
    umbra_image_free(&image);
    umbra_image_encoder_free(encoder);
}

static void refuses_another_encoder(void **state)
{
    (void)state;
    umbra_image_encoder *encoder = NULL;
    umbra_model_info info = model->info;
    info.encoder_hash[5] ^= 1;
    check_fails(UMBRA_E_MISMATCH, "not the encoder that the plan was made for",
                umbra_image_encoder_open(model->encoder_path, &info, 1, &encoder));
    memset(info.encoder_hash, 0, sizeof info.encoder_hash); /* no hash known: any will do */
    check_ok(umbra_image_encoder_open(model->encoder_path, &info, 1, &encoder));
    umbra_image_encoder_free(encoder);
    encoder = NULL;
    info.image_side = 32;
    check_fails(UMBRA_E_INPUT, "takes 256 numbers, but the model's images have 32 x 32",
                umbra_image_encoder_open(model->encoder_path, &info, 1, &encoder));
    check_fails(UMBRA_E_INPUT, "none.onnx",
                umbra_image_encoder_open(TINY "/none.onnx", &info, 1, &encoder));
    check_fails(UMBRA_E_INPUT, "model.json",
                umbra_image_encoder_open(TINY "/model.json", &info, 1, &encoder));
    assert_null(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_latent),
        cmocka_unit_test(refuses_another_encoder),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
