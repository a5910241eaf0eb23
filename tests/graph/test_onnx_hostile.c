/* Files that ask for too much, or for what cannot be: each refused in words that name the node. */
#include "check.h"

#include "base/memory.h"
#include "same_function.h"

#include <stdio.h>

static void refuse(onnx_writer *w, const char *node, const char *text)
{
    umbra_graph *graph = NULL;
    umbra_status status = onnx_writer_import(w, &graph);
    if (status == UMBRA_OK) { /* kept by name: listed with its reason */
        char *list = NULL;
        int count = 0;
        check_ok(umbra_graph_list_offenders(graph, &list, &count));
        assert_non_null(list);
        assert_non_null(strstr(list, node));
        assert_non_null(strstr(list, text));
        umbra_memory_free(list);
        umbra_graph_free(graph);
    } else {
        check_fails(UMBRA_E_INPUT, node, status);
        check_fails(UMBRA_E_INPUT, text, status);
    }
    onnx_writer_free(w);
}

static onnx_writer *start(const char *shape)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", shape);
    onnx_writer_output(w, "y");
    return w;
}

/* A window node over x [1, 4, 16, 16] with one attribute of integers. */
static onnx_writer *window(const char *op, const char *attribute, const char *numbers)
{
    onnx_writer *w = start("1,4,16,16");
    bool pool = strstr(op, "Pool") != NULL;
    onnx_writer_constant(w, "k", "4,4,3,3", NULL);
    Onnx__NodeProto *n = onnx_writer_node(w, op, pool ? "x" : "x k", "y");
    if (pool && strcmp(attribute, "kernel_shape") != 0)
        onnx_writer_ints(w, n, "kernel_shape", "3,3");
    onnx_writer_ints(w, n, attribute, numbers);
    return w;
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const ops[] = {"Conv", "ConvTranspose", "AveragePool", "MaxPool"};
    for (int i = 0; i < 4; i++) {
        refuse(window(ops[i], "strides", "0,1"), "\"y\"", "\"strides\" is 0");
        refuse(window(ops[i], "strides", "1,9223372036854775807"), "\"y\"", "\"strides\" is");
        refuse(window(ops[i], "dilations", "4294967296,1"), "\"y\"", "\"dilations\" is");
        refuse(window(ops[i], "pads", "9223372036854775807,0,0,1"), "\"y\"", "\"pads\" holds");
        refuse(window(ops[i], "pads", "1,1"), "\"y\"", "\"pads\" has 2 numbers");
    }
    refuse(window("ConvTranspose", "strides", "65536,65536"), "\"y\"", "more than 2^28 elements");
    refuse(window("ConvTranspose", "pads", "60000,60000,60000,60000"), "\"y\"", "empty");
    refuse(window("AveragePool", "kernel_shape", "17,17"), "\"y\"", "larger than the padded input");
    refuse(window("Conv", "dilations", "65536,65536"), "\"y\"", "larger than the padded input");
}

static void test_groups(void **state)
{
    (void)state;
    static const int64_t groups[] = {0, -1, 3, INT64_MAX, INT64_MIN, (int64_t)1 << 62};
    for (size_t i = 0; i < 2 * sizeof groups / sizeof groups[0]; i++) {
        onnx_writer *w = start("1,4,16,16");
        onnx_writer_constant(w, "k", "4,4,3,3", NULL);
        Onnx__NodeProto *n = onnx_writer_node(w, i % 2 == 0 ? "Conv" : "ConvTranspose", "x k", "y");
        onnx_writer_int(w, n, "group", groups[i / 2]);
        refuse(w, "\"y\"", "groups");
    }
}

/* Small files that would make large tensors: by repeating, broadcasting, joining, padding. */
static void test_growth(void **state)
{
    (void)state;
    onnx_writer *w = start("16384,16384");
    onnx_writer_constant(w, "k", "2,1,1", NULL);
    onnx_writer_node(w, "Add", "x k", "y");
    refuse(w, "\"y\" (Add)", "more than 2^28 elements");
    w = start("16384,16384");
    onnx_writer_int(w, onnx_writer_node(w, "Concat", "x x", "y"), "axis", 0);
    refuse(w, "\"y\" (Concat)", "outside of the axis");
    w = start("1,4");
    onnx_writer_integers(w, "p", "0,0,300000000,0");
    onnx_writer_node(w, "Pad", "x p", "y");
    refuse(w, "\"y\" (Pad)", "a pad of 300000000");
    w = start("4");
    onnx_writer_integers(w, "s", "1000000000,4");
    onnx_writer_node(w, "Expand", "x s", "y");
    refuse(w, "\"y\" (Expand)", "too large");
    w = start("4");
    onnx_writer_integers(w, "s", "4294967296,4294967296");
    onnx_writer_node(w, "ConstantOfShape", "s", "c");
    onnx_writer_node(w, "Add", "x c", "y");
    refuse(w, "\"c\" (ConstantOfShape)", "more than 2^24 elements");
    w = start("20000,1");
    onnx_writer_constant(w, "k", "1,20000", NULL);
    onnx_writer_node(w, "MatMul", "x k", "y");
    refuse(w, "\"y\" (MatMul)", "more than 2^28 elements");
}

static onnx_writer *indexed(const char *op, const char *lists)
{
    onnx_writer *w = start("2,6");
    char inputs[128] = "x", name[16];
    int i = 0;
    for (const char *list = lists; *list != 0; i++) {
        char text[64] = {0};
        size_t length = strcspn(list, " ");
        memcpy(text, list, length);
        snprintf(name, sizeof name, "i%d", i);
        onnx_writer_integers(w, name, text);
        snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs), " %s", name);
        list += length + (list[length] == ' ');
    }
    onnx_writer_node(w, op, inputs, "y");
    return w;
}

static void test_indices(void **state)
{
    (void)state;
    refuse(indexed("Slice", "9223372036854775807 -9223372036854775808"), "\"y\" (Slice)", "empty");
    refuse(indexed("Slice", "0 1 9223372036854775807"), "\"y\" (Slice)", "axis");
    refuse(indexed("Slice", "0 1 0 0"), "\"y\" (Slice)", "a step of 0");
    refuse(indexed("Gather", "-9223372036854775808"), "\"y\" (Gather)", "of 2");
    refuse(indexed("Reshape", "9223372036854775807,-1"), "\"y\" (Reshape)", "number of elements");
    refuse(indexed("Reshape", "-1,-1"), "\"y\" (Reshape)", "two dimensions");
    refuse(indexed("Unsqueeze", "9223372036854775807"), "\"y\" (Unsqueeze)", "axis");
    refuse(indexed("Squeeze", "1"), "\"y\" (Squeeze)", "is not 1");
    refuse(indexed("Split", "9223372036854775807"), "\"y\" (Split)", "do not fill");
    refuse(indexed("Reshape", "1,1,1,1,1,1,12"), "\"y\" (Reshape)", "at most 6");
}

/* Attributes of the wrong kind, or longer than anything needs. */
static void test_attributes(void **state)
{
    (void)state;
    onnx_writer *w = start("1,4,16,16");
    static int64_t many[100000];
    Onnx__NodeProto *n = onnx_writer_node(w, "Transpose", "x", "y");
    onnx_writer_ints(w, n, "perm", "0");
    n->attribute[0]->ints = many;
    n->attribute[0]->n_ints = 100000;
    refuse(w, "\"y\" (Transpose)", "has 100000 numbers; at most 6");
    w = start("1,4,16,16");
    onnx_writer_ints(w, onnx_writer_node(w, "Transpose", "x", "y"), "perm", "0,1,2,2");
    refuse(w, "\"y\" (Transpose)", "twice or not at all");
    w = start("1,4");
    onnx_writer_text(w, onnx_writer_node(w, "Softmax", "x", "y"), "axis", "last");
    refuse(w, "\"y\" (Softmax)", "not an integer");
    w = start("1,4");
    onnx_writer_node(w, "Concat", "x x", "y");
    refuse(w, "\"y\" (Concat)", "\"axis\" is missing");
}

/* A batch norm that learns while it runs cannot be a constant map. */
static void test_training_mode(void **state)
{
    (void)state;
    static const float positive[4] = {1, 2, 3, 4};
    onnx_writer *w = onnx_writer_new(15);
    onnx_writer_input(w, "x", "1,4,8,8");
    for (int i = 0; i < 4; i++) {
        char name[2] = {(char)('a' + i), 0};
        onnx_writer_constant(w, name, "4", positive);
    }
    Onnx__NodeProto *n = onnx_writer_node(w, "BatchNormalization", "x a b c d", "y");
    onnx_writer_int(w, n, "training_mode", 1);
    onnx_writer_output(w, "y");
    refuse(w, "\"y\" (BatchNormalization)", "training mode; export the model in evaluation mode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),    cmocka_unit_test(test_groups),
        cmocka_unit_test(test_growth),     cmocka_unit_test(test_indices),
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_training_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
