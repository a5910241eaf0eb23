/* A model as a user brings it: a folder with model.json, or a bare .onnx file. */
#include "client/model.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "graph/build.h"
#include "graph/onnx.h"
#include "graph/passes.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_JSON_BYTES ((size_t)1 << 20)
#define MAX_LABELS 4096
#define MAX_IMAGE_SIDE 4096

static umbra_status copy_text(char **out, const char *text)
{
    void *memory = NULL;
    size_t size = strlen(text) + 1;
    UMBRA_TRY(umbra_memory_alloc(&memory, size, "a name"));
    memcpy(memory, text, size);
    *out = memory;
    return UMBRA_OK;
}

static umbra_status join(char **out, const char *folder, const char *name)
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strchr(name, '\\') != NULL ||
        strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s/model.json: \"%s\" is not the plain name of a file in this folder",
                          folder, name);
    size_t size = strlen(folder) + strlen(name) + 2;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, size, "a path"));
    snprintf(memory, size, "%s/%s", folder, name);
    *out = memory;
    return UMBRA_OK;
}

/* A member of the wanted type, or the failure that names it. */
static umbra_status member(json_t *object, const char *key, json_type type, const char *path,
                           json_t **out)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL)
        return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" is missing; see docs/models.md", path, key);
    int is_number = type == JSON_REAL && json_is_number(value);
    if (json_typeof(value) != type && !is_number)
        return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" has the wrong type; see docs/models.md", path,
                          key);
    if (is_number && !isfinite(json_number_value(value)))
        return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" is not a finite number", path, key);
    *out = value;
    return UMBRA_OK;
}

/* Names and labels end up on a terminal. */
static umbra_status check_text(json_t *value, const char *what, const char *path)
{
    if (umbra_utf8_is_text(json_string_value(value), json_string_length(value), NULL))
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" holds control characters", path, what);
}

static umbra_status read_text(json_t *object, const char *key, const char *path, char **out)
{
    json_t *value = NULL;
    UMBRA_TRY(member(object, key, JSON_STRING, path, &value));
    UMBRA_TRY(check_text(value, key, path));
    return copy_text(out, json_string_value(value));
}

static umbra_status read_number_pair(json_t *array, const char *what, const char *path,
                                     double *first, double *second)
{
    json_t *a = json_array_get(array, 0), *b = json_array_get(array, 1);
    if (json_array_size(array) != 2 || !json_is_number(a) || !json_is_number(b) ||
        !(json_number_value(a) < json_number_value(b)))
        return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" must be two numbers, the smaller first", path,
                          what);
    *first = json_number_value(a);
    *second = json_number_value(b);
    return UMBRA_OK;
}

static umbra_status read_input(json_t *root, const char *path, umbra_model_info *info)
{
    json_t *input = NULL, *kind = NULL, *value = NULL;
    UMBRA_TRY(member(root, "input", JSON_OBJECT, path, &input));
    UMBRA_TRY(member(input, "kind", JSON_STRING, path, &kind));
    if (strcmp(json_string_value(kind), "tensor") == 0) {
        info->input_kind = UMBRA_INPUT_TENSOR;
        return UMBRA_OK;
    }
    if (strcmp(json_string_value(kind), "xray") != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: input kind \"%s\" is unknown; use \"xray\" or "
                          "\"tensor\"",
                          path, json_string_value(kind));
    info->input_kind = UMBRA_INPUT_XRAY;
    json_t *height = NULL;
    UMBRA_TRY(member(input, "width", JSON_INTEGER, path, &value));
    UMBRA_TRY(member(input, "height", JSON_INTEGER, path, &height));
    json_int_t side = json_integer_value(value);
    if (side != json_integer_value(height) || side < 8 || side > MAX_IMAGE_SIDE)
        return umbra_fail(UMBRA_E_INPUT, "%s: input width and height must be equal, 8 to %d", path,
                          MAX_IMAGE_SIDE);
    info->image_side = (int)side;
    UMBRA_TRY(member(input, "channels", JSON_INTEGER, path, &value));
    if (json_integer_value(value) != 1)
        return umbra_fail(UMBRA_E_INPUT, "%s: an xray has 1 channel", path);
    UMBRA_TRY(member(input, "range", JSON_ARRAY, path, &value));
    return read_number_pair(value, "range", path, &info->image_low, &info->image_high);
}

static umbra_status read_labels(json_t *root, const char *path, umbra_model_info *info)
{
    json_t *labels = json_object_get(root, "labels");
    if (labels == NULL)
        return UMBRA_OK;
    size_t count = json_array_size(labels);
    if (!json_is_array(labels) || count > MAX_LABELS)
        return umbra_fail(UMBRA_E_INPUT, "%s: \"labels\" must be a list of at most %d names", path,
                          MAX_LABELS);
    if (count == 0)
        return UMBRA_OK;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count, sizeof *info->labels, "labels"));
    info->labels = memory;
    for (size_t i = 0; i < count; i++) {
        json_t *label = json_array_get(labels, i);
        if (!json_is_string(label))
            return umbra_fail(UMBRA_E_INPUT, "%s: label %zu is not a text", path, i);
        UMBRA_TRY(check_text(label, "labels", path));
        UMBRA_TRY(copy_text(&info->labels[i], json_string_value(label)));
        info->label_count = (int)i + 1;
    }
    return UMBRA_OK;
}

static umbra_status read_output(json_t *root, const char *path, umbra_model_info *info)
{
    json_t *output = NULL;
    UMBRA_TRY(member(root, "output", JSON_STRING, path, &output));
    if (strcmp(json_string_value(output), "multilabel-sigmoid") == 0)
        info->output_kind = UMBRA_OUTPUT_MULTILABEL_SIGMOID;
    else if (strcmp(json_string_value(output), "logits") == 0)
        info->output_kind = UMBRA_OUTPUT_LOGITS;
    else
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: output \"%s\" is unknown; use \"logits\" or "
                          "\"multilabel-sigmoid\"",
                          path, json_string_value(output));
    return UMBRA_OK;
}

static umbra_status read_info(json_t *root, const char *path, umbra_model_info *info)
{
    json_t *value = NULL;
    UMBRA_TRY(member(root, "format", JSON_STRING, path, &value));
    if (strcmp(json_string_value(value), "umbra-model") != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: \"format\" is not \"umbra-model\"", path);
    UMBRA_TRY(member(root, "version", JSON_INTEGER, path, &value));
    if (json_integer_value(value) != 1)
        return umbra_fail(UMBRA_E_INPUT, "%s: version %lld is not known; this program reads 1",
                          path, (long long)json_integer_value(value));
    UMBRA_TRY(read_text(root, "name", path, &info->name));
    UMBRA_TRY(read_input(root, path, info));
    UMBRA_TRY(read_output(root, path, info));
    UMBRA_TRY(read_labels(root, path, info));
    json_t *latent = NULL;
    UMBRA_TRY(member(root, "latent", JSON_OBJECT, path, &latent));
    UMBRA_TRY(member(latent, "abs_max", JSON_REAL, path, &value));
    info->input_abs_max = json_number_value(value);
    if (!(info->input_abs_max > 0 && info->input_abs_max < 1e6))
        return umbra_fail(UMBRA_E_INPUT, "%s: latent \"abs_max\" must be above 0 and below 1e6",
                          path);
    return UMBRA_OK;
}

/* What calibration found, by the names of values; NULL where it is not given. */
static umbra_status calibration(json_t *root, const char *key, const char *content,
                                const char *path, json_t **out)
{
    *out = json_object_get(root, key);
    if (*out != NULL && !json_is_object(*out))
        return umbra_fail(UMBRA_E_INPUT, "%s: \"%s\" must map names to %s; see docs/models.md",
                          path, key, content);
    return UMBRA_OK;
}

/* Calibrated ranges go to the values of the same name; names that simplification removed are
 * skipped. */
static umbra_status read_ranges(json_t *root, const char *path, umbra_graph *graph)
{
    const char *name = NULL;
    json_t *ranges = NULL, *pair = NULL;
    UMBRA_TRY(calibration(root, "ranges", "pairs of numbers", path, &ranges));
    json_object_foreach(ranges, name, pair)
    {
        double low = 0, high = 0;
        UMBRA_TRY(read_number_pair(pair, name, path, &low, &high));
        int value = umbra_graph_find_value(graph, name);
        if (value >= 0) {
            graph->values[value].range_min = low;
            graph->values[value].range_max = high;
        }
    }
    return UMBRA_OK;
}

static umbra_status read_numbers(json_t *array, const char *name, const char *path, double *out,
                                 size_t count)
{
    if (!json_is_array(array) || json_array_size(array) != count)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: \"moments\" of \"%s\" need \"mean\" and \"square\", lists of one "
                          "number for each channel or of one for all; see docs/models.md",
                          path, name);
    for (size_t i = 0; i < count; i++) {
        json_t *number = json_array_get(array, i);
        out[i] = json_is_number(number) ? json_number_value(number) : (double)NAN;
    }
    return UMBRA_OK;
}

static umbra_status read_moments_of(json_t *object, const char *name, const char *path,
                                    umbra_graph *graph, int value)
{
    json_t *mean = json_object_get(object, "mean");
    json_t *most = json_object_get(object, "usual_most");
    size_t count = json_array_size(mean) > 0 ? json_array_size(mean) : 1;
    umbra_status status = umbra_graph_add_moments(graph, value, (int64_t)count);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s: \"moments\"", path);
    umbra_value *v = &graph->values[value];
    UMBRA_TRY(read_numbers(mean, name, path, v->moments, count));
    UMBRA_TRY(
        read_numbers(json_object_get(object, "square"), name, path, v->moments + count, count));
    v->usual_most = most == NULL ? 0 : json_is_number(most) ? json_number_value(most) : (double)NAN;
    if (!umbra_value_moments_fit(v))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the \"moments\" of \"%s\" are not numbers that belong together (no "
                          "mean square is less than the square of its mean); calibrate again",
                          path, name);
    return UMBRA_OK;
}

/* As ranges: what is not in the graph is skipped. */
static umbra_status read_moments(json_t *root, const char *path, umbra_graph *graph)
{
    const char *name = NULL;
    json_t *moments = NULL, *object = NULL;
    UMBRA_TRY(calibration(root, "moments", "means and mean squares", path, &moments));
    json_object_foreach(moments, name, object)
    {
        int value = umbra_graph_find_value(graph, name);
        if (value >= 0)
            UMBRA_TRY(read_moments_of(object, name, path, graph, value));
    }
    return UMBRA_OK;
}

static umbra_status load_classifier(const char *path, umbra_graph **out)
{
    umbra_graph *graph = NULL;
    UMBRA_TRY(umbra_onnx_import_file(path, &graph));
    umbra_status status = umbra_graph_simplify(graph);
    if (status == UMBRA_OK)
        status = umbra_graph_check_encryptable(graph, path);
    if (status != UMBRA_OK) {
        umbra_graph_free(graph);
        return status;
    }
    *out = graph;
    return UMBRA_OK;
}

static umbra_status hash_encoder(umbra_model *model)
{
    umbra_file_copy content = {0};
    UMBRA_TRY(umbra_file_load(model->encoder_path, &content));
    umbra_hash(model->info.encoder_hash, content.bytes, content.size);
    umbra_file_unload(&content);
    return UMBRA_OK;
}

static umbra_status check_labels(const umbra_model *model, const char *path)
{
    const umbra_graph *graph = model->classifier;
    int64_t outputs = umbra_shape_elements(&graph->values[graph->outputs[0]].shape);
    if (model->info.label_count != 0 && model->info.label_count != outputs)
        return umbra_fail(UMBRA_E_INPUT, "%s: %d labels for a classifier with %lld outputs", path,
                          model->info.label_count, (long long)outputs);
    return UMBRA_OK;
}

static umbra_status open_folder(const char *folder, json_t *root, const char *json_path,
                                umbra_model *model)
{
    if (!json_is_object(root))
        return umbra_fail(UMBRA_E_INPUT, "%s: not a JSON object", json_path);
    UMBRA_TRY(read_info(root, json_path, &model->info));
    json_t *value = NULL;
    if (model->info.input_kind != UMBRA_INPUT_XRAY && json_object_get(root, "encoder") != NULL)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: an \"encoder\" takes images; set the input's kind to \"xray\"",
                          json_path);
    if (model->info.input_kind == UMBRA_INPUT_XRAY) {
        UMBRA_TRY(member(root, "encoder", JSON_STRING, json_path, &value));
        UMBRA_TRY(join(&model->encoder_path, folder, json_string_value(value)));
        UMBRA_TRY(hash_encoder(model));
    }
    UMBRA_TRY(member(root, "classifier", JSON_STRING, json_path, &value));
    char *classifier_path = NULL;
    UMBRA_TRY(join(&classifier_path, folder, json_string_value(value)));
    umbra_status status = load_classifier(classifier_path, &model->classifier);
    umbra_memory_free(classifier_path);
    UMBRA_TRY(status);
    UMBRA_TRY(read_ranges(root, json_path, model->classifier));
    UMBRA_TRY(read_moments(root, json_path, model->classifier));
    return check_labels(model, json_path);
}

static umbra_status read_json(const char *path, json_t **out)
{
    umbra_file_copy content = {0};
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = UMBRA_OK;
    json_error_t error;
    if (content.size > MAX_JSON_BYTES) {
        status = umbra_fail(UMBRA_E_INPUT, "%s: larger than %zu bytes, which no model.json is",
                            path, MAX_JSON_BYTES);
    } else {
        *out =
            json_loadb((const char *)content.bytes, content.size, JSON_REJECT_DUPLICATES, &error);
        if (*out == NULL)
            status = umbra_fail(UMBRA_E_INPUT, "%s: line %d, column %d: %s", path, error.line,
                                error.column, error.text);
    }
    umbra_file_unload(&content);
    return status;
}

static umbra_status open_bare(const char *path, umbra_model *model)
{
    const char *slash = strrchr(path, '/');
    UMBRA_TRY(copy_text(&model->info.name, slash == NULL ? path : slash + 1));
    model->info.input_kind = UMBRA_INPUT_TENSOR;
    model->info.output_kind = UMBRA_OUTPUT_LOGITS;
    model->info.input_abs_max = 4.0; /* of a normalised tensor; model.json can say otherwise */
    return load_classifier(path, &model->classifier);
}

umbra_status umbra_model_open(const char *path, umbra_model **out)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: no such model; give a model folder or a .onnx file",
                          path);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_model), "model"));
    umbra_model *model = memory;
    umbra_status status = UMBRA_OK;
    json_t *root = NULL;
    char *json_path = NULL;
    if (!S_ISDIR(info.st_mode)) {
        status = open_bare(path, model);
    } else {
        UMBRA_GOTO(done, status, join(&json_path, path, "model.json"));
        if (stat(json_path, &info) == 0)
            status = read_json(json_path, &root);
        else
            status = umbra_fail(UMBRA_E_INPUT,
                                "%s: no model.json in this folder; give a model folder or a .onnx "
                                "file",
                                path);
        if (status == UMBRA_OK)
            status = open_folder(path, root, json_path, model);
    }
done:
    json_decref(root);
    umbra_memory_free(json_path);
    if (status != UMBRA_OK)
        umbra_model_free(model);
    else
        *out = model;
    return status;
}

void umbra_model_free(umbra_model *model)
{
    if (model == NULL)
        return;
    umbra_model_info_free(&model->info);
    umbra_memory_free(model->encoder_path);
    umbra_graph_free(model->classifier);
    umbra_memory_free(model);
}
