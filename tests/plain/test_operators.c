/* The operator tests of the ONNX project, for every operator that Umbra claims. */
#include "check.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/onnx_internal.h"
#include "plain/executor.h"
#include "wire/file.h"

#include <dirent.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_TENSORS 8

/* Operators whose tests must pass. */
static const char *const claimed[] = {"Add",
                                      "AveragePool",
                                      "BatchNormalization",
                                      "Concat",
                                      "Constant",
                                      "Conv",
                                      "ConvTranspose",
                                      "Div",
                                      "Flatten",
                                      "Gather",
                                      "Gemm",
                                      "GlobalAveragePool",
                                      "Identity",
                                      "InstanceNormalization",
                                      "MatMul",
                                      "MaxPool",
                                      "Mul",
                                      "Neg",
                                      "Pad",
                                      "Pow",
                                      "ReduceMean",
                                      "Relu",
                                      "Reshape",
                                      "Resize",
                                      "Shape",
                                      "Sigmoid",
                                      "Slice",
                                      "Softmax",
                                      "Split",
                                      "Sqrt",
                                      "Squeeze",
                                      "Sub",
                                      "Sum",
                                      "Tanh",
                                      "Transpose",
                                      "Unsqueeze",
                                      "Upsample",
                                      "Dropout",
                                      "Cast",
                                      "ConstantOfShape",
                                      "Expand"};

/* Tests of claimed operators that are refused, and why. */
static const struct {
    const char *name, *why;
} refused[] = {
    {"test_batchnorm_*_training_mode", "training"},
    {"test_convtranspose_3d", "three spatial dimensions"},
    {"test_maxpool_3d_*", "three spatial dimensions"},
    {"test_maxpool_2d_uint8", "integers"},
    {"test_maxpool_with_argmax_2d_precomputed_*", "indices"},
    {"test_slice_start_out_of_bounds", "an empty result"},
    {"test_split_zero_size_splits_opset1[38]", "an empty result"},
    {"test_identity_opt", "optional types"},
    {"test_identity_sequence", "sequences"},
    {"test_resize_*_linear*", "interpolation"},
    {"test_resize_*_cubic*", "interpolation"},
    {"test_resize_tf_crop_and_resize*", "interpolation"},
    {"test_AvgPool3d*", "three spatial dimensions"},
    {"test_Conv3d*", "three spatial dimensions"},
    {"test_MaxPool3d*", "three spatial dimensions"},
};

#define CLAIMED (sizeof claimed / sizeof claimed[0])

/* Of each claimed operator: tests in which it occurs, by their outcome. */
static int passed_of[CLAIMED], refused_of[CLAIMED];

static int passed, claimed_count, refused_count, other_count;

static const char *data_folder(void)
{
    const char *folder = getenv("UMBRA_DATA");
    return folder != NULL ? folder : "../shared/data";
}

static bool contains(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

static bool is_claimed(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (!contains(claimed, CLAIMED, model->graph->node[i]->op_type))
            return false;
    return true;
}

static bool is_refused(const char *name)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (fnmatch(refused[i].name, name, 0) == 0)
            return true;
    return false;
}

typedef struct suite_case {
    const char *name;
    Onnx__ModelProto *model;
    Onnx__TensorProto *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
    int input_count, output_count;
} suite_case;

static Onnx__TensorProto *read_tensor(const char *folder, const char *kind, int i)
{
    char path[1100];
    umbra_file_copy content;
    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%d.pb", folder, kind, i);
    if (umbra_file_load(path, &content) != UMBRA_OK)
        return NULL;
    Onnx__TensorProto *t = onnx__tensor_proto__unpack(NULL, content.size, content.bytes);
    umbra_file_unload(&content);
    return t;
}

static bool read_case(const char *folder, const char *name, suite_case *out)
{
    char path[1024];
    umbra_file_copy content;
    *out = (suite_case){.name = name};
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (umbra_file_load(path, &content) != UMBRA_OK)
        return false;
    out->model = onnx__model_proto__unpack(NULL, content.size, content.bytes);
    umbra_file_unload(&content);
    while (out->input_count < MAX_TENSORS &&
           (out->inputs[out->input_count] = read_tensor(folder, "input", out->input_count)) != NULL)
        out->input_count++;
    while (out->output_count < MAX_TENSORS && (out->outputs[out->output_count] = read_tensor(
                                                   folder, "output", out->output_count)) != NULL)
        out->output_count++;
    return out->model != NULL && out->model->graph != NULL;
}

static void free_case(suite_case *c)
{
    for (int i = 0; i < c->input_count; i++)
        onnx__tensor_proto__free_unpacked(c->inputs[i], NULL);
    for (int i = 0; i < c->output_count; i++)
        onnx__tensor_proto__free_unpacked(c->outputs[i], NULL);
    if (c->model != NULL)
        onnx__model_proto__free_unpacked(c->model, NULL);
}

/* Import with the inputs from `first` on given as constants. */
static umbra_status import(const suite_case *c, int first, umbra_graph **out)
{
    Onnx__GraphProto *g = c->model->graph, saved = *g;
    Onnx__TensorProto *constants[64];
    char *names[MAX_TENSORS] = {NULL};
    size_t count = g->n_initializer;
    if (count + MAX_TENSORS > 64)
        first = MAX_TENSORS;
    for (size_t i = 0; i < count && i < 64; i++)
        constants[i] = g->initializer[i];
    for (int i = first; i < c->input_count && (size_t)i < g->n_input; i++) {
        names[i] = c->inputs[i]->name;
        constants[count] = c->inputs[i];
        constants[count++]->name = g->input[i]->name;
    }
    if (first < MAX_TENSORS) {
        g->initializer = constants;
        g->n_initializer = count;
    }
    size_t size = onnx__model_proto__get_packed_size(c->model);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    onnx__model_proto__pack(c->model, bytes);
    *g = saved;
    for (int i = first; i < c->input_count && (size_t)i < saved.n_input; i++)
        c->inputs[i]->name = names[i];
    umbra_status status = umbra_onnx_import(bytes, size, c->name, out);
    free(bytes);
    return status;
}

/* All tensors of the case as constants of a graph of their own. */
static umbra_status decode(Onnx__TensorProto *const *tensors, int count, umbra_graph *graph)
{
    umbra_importer importer = {.file = "tensor", .graph = graph, .folder = -1};
    for (int i = 0; i < count; i++) {
        int index;
        UMBRA_TRY(umbra_onnx_add_tensor(&importer, tensors[i], "t", &index));
        UMBRA_TRY(umbra_constant_as_f32(graph, index));
    }
    return UMBRA_OK;
}

static bool close_to(const float *got, const umbra_value *want)
{
    double scale = 0;
    int64_t count = umbra_shape_elements(&want->shape);
    for (int64_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)want->f32[i]));
    for (int64_t i = 0; i < count; i++) {
        if (isnan(got[i]) && isnan(want->f32[i]))
            continue;
        if (!(fabs((double)got[i] - (double)want->f32[i]) <= 1e-5 * fmax(scale, 1.0)))
            return false;
    }
    return true;
}

static bool compare(const suite_case *c, const umbra_graph *graph, const umbra_plain *plain)
{
    umbra_graph *want = NULL;
    bool same = umbra_graph_new(&want) == UMBRA_OK &&
                decode(c->outputs, c->output_count, want) == UMBRA_OK &&
                graph->output_count == c->output_count;
    for (int i = 0; same && i < c->output_count; i++) {
        const umbra_value *value = &graph->values[graph->outputs[i]];
        umbra_value copy = *value;
        const float *got = umbra_plain_value(plain, graph->outputs[i]);
        float *converted = NULL;
        if (got == NULL && copy.i64 != NULL) {
            int64_t count = umbra_shape_elements(&copy.shape);
            converted = malloc((size_t)(count + 1) * sizeof(float));
            assert_non_null(converted);
            for (int64_t k = 0; k < count; k++)
                converted[k] = (float)copy.i64[k];
            got = converted;
        }
        same = umbra_shape_equal(&value->shape, &want->values[i].shape) && got != NULL &&
               close_to(got, &want->values[i]);
        free(converted);
    }
    umbra_graph_free(want);
    return same;
}

typedef enum outcome { MATCHES, DIFFERS, REFUSED } outcome;

static outcome run_case(const suite_case *c, int first)
{
    umbra_graph *graph = NULL, *given = NULL;
    umbra_plain *plain = NULL;
    outcome result = REFUSED;
    if (import(c, first, &graph) != UMBRA_OK)
        return REFUSED;
    check_ok(umbra_graph_new(&given));
    if (umbra_plain_new(&plain, graph, 1) == UMBRA_OK &&
        decode(c->inputs, c->input_count, given) == UMBRA_OK) {
        const float *inputs[MAX_TENSORS] = {NULL};
        bool fits = graph->input_count <= c->input_count;
        for (int i = 0; fits && i < graph->input_count; i++) {
            inputs[i] = given->values[i].f32;
            fits =
                umbra_shape_equal(&given->values[i].shape, &graph->values[graph->inputs[i]].shape);
        }
        if (fits) {
            check_ok(umbra_plain_run(plain, inputs));
            result = compare(c, graph, plain) ? MATCHES : DIFFERS;
        }
    }
    umbra_plain_free(plain);
    umbra_graph_free(graph);
    umbra_graph_free(given);
    return result;
}

static void count_operators(const Onnx__ModelProto *model, int *counts)
{
    for (size_t i = 0; i < CLAIMED; i++) {
        bool occurs = false;
        for (size_t k = 0; k < model->graph->n_node; k++)
            occurs = occurs || strcmp(model->graph->node[k]->op_type, claimed[i]) == 0;
        counts[i] += occurs;
    }
}

/* UMBRA_TABLE=FILE: the lines of docs/onnx-outcomes.md about operators. */
static void write_table(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < CLAIMED; i++)
        fprintf(f, "| %s | %d | %d |\n", claimed[i], passed_of[i], refused_of[i]);
    assert_int_equal(fclose(f), 0);
}

/* Inputs computed, then all but the first constant, then all constant: none may be wrong, one must
 * be right. */
static bool judge(suite_case *c)
{
    bool any = false, wrong = false;
    int first[3] = {MAX_TENSORS, 1, 0};
    for (int i = 0; i < 3; i++) {
        outcome o = run_case(c, first[i]);
        any = any || o == MATCHES;
        wrong = wrong || o == DIFFERS;
    }
    if (wrong)
        print_error("%s: a wrong result\n", c->name);
    if (!is_claimed(c->model)) {
        other_count++;
        return !wrong;
    }
    if (is_refused(c->name)) {
        refused_count++;
        count_operators(c->model, refused_of);
        if (any)
            print_error("%s: listed as refused, but it works\n", c->name);
        return !wrong && !any;
    }
    claimed_count++;
    passed += any && !wrong;
    if (any && !wrong)
        count_operators(c->model, passed_of);
    if (!any)
        print_error("%s: %s\n", c->name, umbra_error_message());
    return any && !wrong;
}

static int run_folder(const char *suite)
{
    char folder[700], path[1000];
    int failures = 0;
    snprintf(folder, sizeof folder, "%s/onnx/node_tests/%s", data_folder(), suite);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        snprintf(folder, sizeof folder, "%s/onnx/%s", data_folder(), suite);
        dir = opendir(folder);
    }
    if (dir == NULL)
        return -1;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        suite_case c;
        /* two hold uninitialised doubles, beyond what float32 can keep */
        if (strncmp(e->d_name, "test_", 5) != 0 ||
            strcmp(e->d_name, "test_operator_addconstant") == 0 ||
            strcmp(e->d_name, "test_operator_add_size1_right_broadcast") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (read_case(path, e->d_name, &c))
            failures += !judge(&c);
        free_case(&c);
    }
    closedir(dir);
    return failures;
}

static void test_suites(void **state)
{
    (void)state;
    static const char *const suites[] = {"node_tests", "pytorch-operator", "pytorch-converted",
                                         "simple"};
    int failures = 0, found = 0;
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        int n = run_folder(suites[i]);
        found += n >= 0;
        failures += n > 0 ? n : 0;
    }
    if (found == 0) {
        print_message("skipped: %s/onnx is absent\n", data_folder());
        skip();
    }
    print_message("claimed %d, passed %d, refused on purpose %d, other operators %d\n",
                  claimed_count, passed, refused_count, other_count);
    if (getenv("UMBRA_TABLE") != NULL)
        write_table(getenv("UMBRA_TABLE"));
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_suites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
