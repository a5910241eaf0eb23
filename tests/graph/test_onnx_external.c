/* Weights in a file beside the model: read from the model's folder, and from nowhere else. */
#include "check.h"

#include "graph/onnx.h"
#include "onnx_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void in_folder(char path[128], const char *name)
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[128];
    in_folder(path, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static int make_folder(void **state)
{
    static const float data[4] = {9.0f, 1.0f, -2.0f, 0.5f};
    char path[128], other[128];
    (void)state;
    snprintf(folder, sizeof folder, "external-XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_file("weights.bin", data, sizeof data);
    in_folder(path, "sub");
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("sub/weights.bin", data, sizeof data);
    in_folder(path, "link.bin");
    assert_int_equal(symlink("weights.bin", path), 0);
    in_folder(path, "linked");
    assert_int_equal(symlink("sub", path), 0);
    in_folder(path, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(other, sizeof other, "%s.secret", folder);
    FILE *f = fopen(other, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, sizeof data, f), sizeof data);
    return fclose(f);
}

static int remove_folder(void **state)
{
    static const char *const names[] = {
        "model.onnx", "weights.bin", "sub/weights.bin", "sub", "link.bin", "linked", "pipe"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        in_folder(path, names[i]);
        remove(path);
    }
    snprintf(path, sizeof path, "%s.secret", folder);
    remove(path);
    return rmdir(folder);
}

/* x + k, where k = [1, -2] lies at byte 4 of the location. */
static onnx_writer *model(const char *location, const char *offset, const char *length)
{
    onnx_writer *w = onnx_writer_new(17);
    const char *const pairs[3][2] = {
        {"location", location}, {"offset", offset}, {"length", length}};
    onnx_writer_input(w, "x", "1,2");
    Onnx__TensorProto *t = onnx_writer_constant(w, "k", "2", NULL);
    t->n_float_data = 0;
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->external_data = umbra_arena_take(&w->arena, 3 * sizeof *t->external_data);
    for (int i = 0; i < 3; i++) {
        if (pairs[i][1] == NULL)
            continue;
        Onnx__StringStringEntryProto *e = umbra_arena_take(&w->arena, sizeof *e);
        onnx__string_string_entry_proto__init(e);
        e->key = (char *)pairs[i][0];
        e->value = (char *)pairs[i][1];
        t->external_data[t->n_external_data++] = e;
    }
    onnx_writer_node(w, "Add", "x k", "y");
    onnx_writer_output(w, "y");
    onnx_writer_pack(w);
    write_file("model.onnx", w->bytes, w->size);
    return w;
}

static void accept(const char *location, const char *offset, const char *length)
{
    char path[128];
    umbra_graph *graph;
    onnx_writer_free(model(location, offset, length));
    in_folder(path, "model.onnx");
    check_ok(umbra_onnx_import_file(path, &graph));
    const float *k = graph->values[umbra_graph_find_value(graph, "k")].f32;
    assert_true(k[0] == 1.0f && k[1] == -2.0f);
    umbra_graph_free(graph);
}

static void refuse(const char *location, const char *offset, const char *length, const char *text)
{
    char path[128];
    umbra_graph *graph = NULL;
    onnx_writer_free(model(location, offset, length));
    in_folder(path, "model.onnx");
    check_fails(UMBRA_E_INPUT, text, umbra_onnx_import_file(path, &graph));
    assert_null(graph);
}

static void test_data_beside_the_model(void **state)
{
    (void)state;
    accept("weights.bin", "4", "8");
    accept("weights.bin", "4", NULL);
    accept("./weights.bin", "4", "8");
    accept("sub/weights.bin", "4", "8");
}

static void test_escapes(void **state)
{
    (void)state;
    char path[512], cwd[256];
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(path, sizeof path, "../%s.secret", folder);
    refuse(path, "4", "8", "no plain relative path");
    snprintf(path, sizeof path, "sub/../../%s.secret", folder);
    refuse(path, "4", "8", "no plain relative path");
    snprintf(path, sizeof path, "%s/%s.secret", cwd, folder);
    refuse(path, "4", "8", "no plain relative path");
    refuse("sub\\weights.bin", "4", "8", "no plain relative path");
    refuse("", "4", "8", "no location");
    refuse("link.bin", "4", "8", "symbolic link");
    refuse("linked/weights.bin", "4", "8", "symbolic link");
    refuse("weights.bin/more", "4", "8", "symbolic link");
    refuse("sub", "4", "8", "not a file");
    refuse("pipe", "4", "8", "not a file");
}

static void test_damage(void **state)
{
    (void)state;
    refuse("nowhere.bin", "4", "8", "keep both files together");
    refuse("weights.bin", "12", "8", "cut short");
    refuse("weights.bin", "18446744073709551615", "8", "cut short");
    refuse("weights.bin", "4", "12", "where its shape needs 8");
    refuse("weights.bin", "-4", "8", "no number");
    refuse("weights.bin", "4x", "8", "no number");
    refuse(NULL, "4", "8", "no location");
}

/* Where a model is known by the hash of its file, or comes without a folder. */
static void test_single_files_only(void **state)
{
    (void)state;
    char path[128];
    umbra_graph *graph = NULL;
    onnx_writer *w = model("weights.bin", "4", "8");
    in_folder(path, "model.onnx");
    check_fails(UMBRA_E_INPUT, "must be one file", umbra_onnx_import_single_file(path, &graph));
    check_fails(UMBRA_E_INPUT, "must be one file",
                umbra_onnx_import(w->bytes, w->size, "bytes", &graph));
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_beside_the_model),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_single_files_only),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
