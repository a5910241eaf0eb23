/* Model folders as users write them: each mistake in model.json is named with file and key. */
#include "check.h"

#include "client/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], json_path[96];
static umbra_model *model;

static const char good[] =
    "{\"format\": \"umbra-model\", \"version\": 1, \"name\": \"hand\","
    " \"classifier\": \"classifier.onnx\", \"input\": {\"kind\": \"tensor\"},"
    " \"latent\": {\"abs_max\": 2.5}, \"output\": \"logits\","
    " \"labels\": [\"A\", \"B\", \"C\"], \"ranges\": {\"input\": [-1.5, 2], \"gone\": [0, 1]},"
    " \"moments\": {\"input\": {\"mean\": [0.5], \"square\": [1], \"usual_most\": 1.75}, \"gone\": "
    "1}}";

static int make_folder(void **state)
{
    (void)state;
    char command[256];
    strcpy(folder, "/tmp/umbra-test-model-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(json_path, sizeof json_path, "%s/model.json", folder);
    snprintf(command, sizeof command,
             "cp tests/cli/tiny-xray/*.onnx tests/cli/refused.onnx %s/ && mkdir %s/inner", folder,
             folder);
    return system(command);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    umbra_model_free(model);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static umbra_status open_bytes(const char *text, size_t size)
{
    FILE *file = fopen(json_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    umbra_model_free(model);
    model = NULL;
    return umbra_model_open(folder, &model);
}

/* The good file with its first `from` replaced. */
static umbra_status open_changed(const char *from, const char *to)
{
    char text[2048];
    const char *at = strstr(good, from);
    assert_non_null(at);
    int size =
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    return open_bytes(text, (size_t)size);
}

static void reads_a_folder(void **state)
{
    (void)state;
    check_ok(open_bytes(good, sizeof good - 1));
    assert_string_equal(model->info.name, "hand");
    assert_int_equal(model->info.input_kind, UMBRA_INPUT_TENSOR);
    assert_int_equal(model->info.output_kind, UMBRA_OUTPUT_LOGITS);
    assert_int_equal(model->info.label_count, 3);
    assert_string_equal(model->info.labels[2], "C");
    assert_true(model->info.input_abs_max > 2.49 && model->info.input_abs_max < 2.51);
    assert_null(model->encoder_path);
    const umbra_value *input = &model->classifier->values[model->classifier->inputs[0]];
    assert_true(input->range_min > -1.51 && input->range_min < -1.49);
    assert_int_equal(input->moment_channels, 1);
    assert_true(input->moments[0] == 0.5 && input->moments[1] == 1 && input->usual_most == 1.75);
    check_ok(open_changed("2.5", "3")); /* a whole number is a number too */
    check_ok(open_changed(" \"labels\": [\"A\", \"B\", \"C\"],", ""));
    assert_int_equal(model->info.label_count, 0);
}

static void reads_shipped_models(void **state)
{
    (void)state;
    umbra_model_free(model);
    model = NULL;
    check_ok(umbra_model_open("models/chest-resnet20-f8", &model));
    assert_int_equal(model->info.label_count, 14);
    assert_int_equal(model->info.image_side, 256);
    assert_non_null(model->encoder_path);
    umbra_model_free(model);
    model = NULL;
    check_ok(umbra_model_open("tests/cli/tiny-xray/", &model));
    assert_int_equal(model->info.image_side, 16);
    umbra_model_free(model);
    model = NULL;
    check_ok(umbra_model_open("tests/cli/tiny/classifier.onnx", &model));
    assert_string_equal(model->info.name, "classifier.onnx");
    assert_int_equal(model->info.output_kind, UMBRA_OUTPUT_LOGITS);
}

static void names_what_is_missing(void **state)
{
    (void)state;
    const char *keys[][2] = {
        {"\"format\"", "\"format\""}, {"\"version\"", "\"version\""},
        {"\"name\"", "\"name\""},     {"\"classifier\"", "\"classifier\""},
        {"\"input\"", "\"input\""},   {"\"kind\"", "\"kind\""},
        {"\"latent\"", "\"latent\""}, {"\"abs_max\"", "\"abs_max\""},
        {"\"output\"", "\"output\""},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        check_fails(UMBRA_E_INPUT, keys[i][1], open_changed(keys[i][0], "\"unknown\""));
        check_fails(UMBRA_E_INPUT, "missing; see docs/models.md",
                    open_changed(keys[i][0], "\"unknown\""));
        assert_non_null(strstr(umbra_error_message(), json_path));
    }
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"umbra-model\"", "\"other\"", "\"format\" is not"},
        {"\"version\": 1", "\"version\": 2", "version 2 is not known"},
        {"\"version\": 1", "\"version\": \"1\"", "\"version\" has the wrong type"},
        {"\"hand\"", "17", "\"name\" has the wrong type"},
        {"\"hand\"", "\"a\\u001b[2Jb\"", "control characters"},
        {"\"A\"", "\"a\\u009b2Jb\"", "control characters"},
        {"\"A\"", "\"a\\u0000b\"", "line 1"},
        {"\"A\"", "1", "label 0 is not a text"},
        {"[\"A\", \"B\", \"C\"]", "\"A\"", "\"labels\" must be a list"},
        {", \"C\"", "", "2 labels for a classifier with 3 outputs"},
        {"\"tensor\"", "\"picture\"", "\"picture\" is unknown; use"},
        {"\"logits\"", "\"softmax\"", "\"softmax\" is unknown; use"},
        {"2.5", "0", "\"abs_max\" must be above 0"},
        {"2.5", "-1", "\"abs_max\" must be above 0"},
        {"2.5", "1e6", "\"abs_max\" must be above 0"},
        {"2.5", "1e999", "model.json: line 1"},
        {"2.5", "\"2\"", "wrong type"},
        {"[-1.5, 2]", "[2, -1.5]", "the smaller first"},
        {"[-1.5, 2]", "[1]", "two numbers"},
        {"[-1.5, 2]", "{}", "two numbers"},
        {"{\"input\": [-1.5, 2], \"gone\": [0, 1]}", "[]", "\"ranges\" must map"},
        {"{\"input\": {", "[{\"input\": {", "model.json: line 1"},
        {"\"moments\": {\"input\": {", "\"moments\": 1, \"rest\": {\"input\": {",
         "\"moments\" must map"},
        {"{\"mean\": [0.5]", "{\"mean\": [0.5, 1, 2, 3, 4]", "channels, and moments of 5"},
        {"{\"mean\": [0.5]", "{\"mean\": 0.5", "need \"mean\" and \"square\""},
        {"\"square\": [1]", "\"square\": []", "need \"mean\" and \"square\""},
        {"\"square\": [1]", "\"square\": [\"1\"]", "numbers that belong together"},
        {"\"square\": [1]", "\"square\": [0.2]", "numbers that belong together"},
        {"\"square\": [1]", "\"square\": [1e31]", "numbers that belong together"},
        {"1.75", "-1", "numbers that belong together"},
        {"1.75", "\"1\"", "numbers that belong together"},
        {"\"name\"", "\"version\": 1, \"name\"", "duplicate"},
        {"\"classifier.onnx\"", "\"../secret.key\"", "not the plain name of a file"},
        {"\"classifier.onnx\"", "\"/etc/passwd\"", "not the plain name of a file"},
        {"\"classifier.onnx\"", "\"..\"", "not the plain name of a file"},
        {"\"classifier.onnx\"", "\"\"", "not the plain name of a file"},
        {"\"classifier.onnx\"", "\"none.onnx\"", "none.onnx: cannot read"},
        {"\"classifier.onnx\"", "\"inner\"", "folder"},
        {"\"classifier.onnx\"", "\"model.json\"", "model.json"},
        {"\"input\":", "\"encoder\": \"encoder.onnx\", \"input\":", "set the input's kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_fails(UMBRA_E_INPUT, cases[i].message, open_changed(cases[i].from, cases[i].to));
        assert_null(model);
    }
}

static void names_what_is_wrong_with_images(void **state)
{
    (void)state;
    static const char kind[] = "{\"kind\": \"tensor\"}";
    const char *cases[][2] = {
        {"{\"kind\": \"xray\"}", "\"width\""},
        {"{\"kind\": \"xray\", \"width\": 16, \"height\": 17}", "must be equal"},
        {"{\"kind\": \"xray\", \"width\": 4, \"height\": 4}", "8 to"},
        {"{\"kind\": \"xray\", \"width\": 99999, \"height\": 99999}", "8 to"},
        {"{\"kind\": \"xray\", \"width\": 16, \"height\": 16, \"channels\": 3}", "1 channel"},
        {"{\"kind\": \"xray\", \"width\": 16, \"height\": 16, \"channels\": 1}", "\"range\""},
        {"{\"kind\": \"xray\", \"width\": 16, \"height\": 16, \"channels\": 1, \"range\": [1, 1]}",
         "the smaller first"},
        {"{\"kind\": \"xray\", \"width\": 16, \"height\": 16, \"channels\": 1, \"range\": [-1, 1]}",
         "\"encoder\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_fails(UMBRA_E_INPUT, cases[i][1], open_changed(kind, cases[i][0]));
}

static void lists_every_node_that_cannot_be_encrypted(void **state)
{
    (void)state;
    umbra_status status = open_changed("\"classifier.onnx\"", "\"refused.onnx\"");
    assert_int_equal(status, UMBRA_E_MODEL);
    const char *wanted[] = {"Relu", "MaxPool", "Sigmoid", "quadratic", "refused.onnx"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_non_null(strstr(umbra_error_message(), wanted[i]));
}

static void survives_any_truncation(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof good - 1; size++) {
        check_fails(UMBRA_E_INPUT, "model.json", open_bytes(good, size));
        assert_null(model);
    }
}

static void refuses_files_that_are_no_model(void **state)
{
    (void)state;
    static char large[(1 << 20) + 2];
    memset(large, ' ', sizeof large);
    check_fails(UMBRA_E_INPUT, "larger than", open_bytes(large, sizeof large));
    check_fails(UMBRA_E_INPUT, "not a JSON object", open_bytes("[]", 2));
    check_fails(UMBRA_E_INPUT, "no such model", umbra_model_open("/nowhere", &model));
    memset(large, '[', sizeof large);
    check_fails(UMBRA_E_INPUT, "model.json", open_bytes(large, 100000)); /* depth */
    unlink(json_path);
    check_fails(UMBRA_E_INPUT, "no model.json in this folder", umbra_model_open(folder, &model));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_folder),
        cmocka_unit_test(reads_shipped_models),
        cmocka_unit_test(names_what_is_missing),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(names_what_is_wrong_with_images),
        cmocka_unit_test(lists_every_node_that_cannot_be_encrypted),
        cmocka_unit_test(survives_any_truncation),
        cmocka_unit_test(refuses_files_that_are_no_model),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
