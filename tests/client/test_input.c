/* Inputs of the client: an image through the encoder or a .npy, or a message that helps. */
#include "check.h"

#include "client/input.h"
#include "client/model.h"
#include "graph/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTS 128

static umbra_model *model;
static umbra_image_encoder *encoder;
static char folder[64], image_path[96], npy_path[96];
static float tensor[ELEMENTS];

static int open_all(void **state)
{
    (void)state;
    umbra_image image = {0};
    check_ok(umbra_model_open("tests/cli/tiny-xray", &model));
    check_ok(umbra_image_encoder_open(model->encoder_path, &model->info, 1, &encoder));
    strcpy(folder, "/tmp/umbra-test-input-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(image_path, sizeof image_path, "%s/image.npy.png", folder);
    snprintf(npy_path, sizeof npy_path, "%s/tensor.npy", folder);
    check_ok(umbra_phantom_chest(64, 3, &image));
    check_ok(umbra_image_write_png(&image, image_path));
    umbra_image_free(&image);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    umbra_image_encoder_free(encoder);
    umbra_model_free(model);
    unlink(image_path);
    unlink(npy_path);
    return rmdir(folder);
}

static void reads_images_through_the_encoder(void **state)
{
    (void)state;
    check_ok(umbra_input_read(image_path, encoder, tensor, ELEMENTS));
    float largest = 0;
    for (int i = 0; i < ELEMENTS; i++)
        largest = fmaxf(largest, fabsf(tensor[i]));
    assert_true(largest > 0.01F && largest <= 1);
}

static void reads_npy_as_it_is(void **state)
{
    (void)state;
    float data[ELEMENTS];
    umbra_shape shape = {3, {2, 8, 8}};
    for (int i = 0; i < ELEMENTS; i++)
        data[i] = (float)i - 60;
    check_ok(umbra_npy_write_f32(npy_path, &shape, data));
    check_ok(umbra_input_read(npy_path, NULL, tensor, ELEMENTS));
    assert_memory_equal(tensor, data, sizeof data);
    check_ok(umbra_input_read(npy_path, encoder, tensor, ELEMENTS));
}

static void fails_with(const char *path, umbra_image_encoder *with, size_t count, umbra_code code,
                       const char *text)
{
    for (int i = 0; i < ELEMENTS; i++)
        tensor[i] = 1;
    check_fails(code, text, umbra_input_read(path, with, tensor, count));
    for (size_t i = 0; i < count; i++)
        assert_true(fpclassify(tensor[i]) == FP_ZERO); /* wiped */
}

static void refuses_with_a_remedy(void **state)
{
    (void)state;
    fails_with(image_path, NULL, ELEMENTS, UMBRA_E_INPUT, "as a float32 .npy");
    fails_with(image_path, encoder, 100, UMBRA_E_MISMATCH, "makes 128 numbers");
    fails_with(npy_path, NULL, 100, UMBRA_E_INPUT, "holds 128 numbers, the model takes 100");
    fails_with("/nowhere.png", encoder, ELEMENTS, UMBRA_E_INPUT, "/nowhere.png");
    fails_with("/nowhere.npy", encoder, ELEMENTS, UMBRA_E_INPUT, "/nowhere.npy");
    fails_with("tests/cli/tiny/model.json", encoder, ELEMENTS, UMBRA_E_INPUT, "model.json");
    fails_with(folder, encoder, ELEMENTS, UMBRA_E_INPUT, "directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_images_through_the_encoder),
        cmocka_unit_test(reads_npy_as_it_is),
        cmocka_unit_test(refuses_with_a_remedy),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
