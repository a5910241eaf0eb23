/* Reading ONNX: small files that must be accepted, and files that must be refused with a reason. */
#include "check.h"

#include "graph/onnx.h"
#include "onnx_writer.h"

#include <stdio.h>

/* A convolution and an activation: the base that the cases below spoil. */
static onnx_writer *small_net(void)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "N,2,4,4");
    onnx_writer_constant(w, "w", "3,2,3,3", NULL);
    onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_node(w, "Relu", "c", "y");
    onnx_writer_output(w, "y");
    return w;
}

static void accept(onnx_writer *w)
{
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void refuse(onnx_writer *w, const char *text)
{
    umbra_graph *graph = NULL;
    check_fails(UMBRA_E_INPUT, text, onnx_writer_import(w, &graph));
    assert_null(graph);
    onnx_writer_free(w);
}

static void test_small_net(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->node_count, 2);
    assert_int_equal(graph->nodes[0].op, UMBRA_OP_CONV);
    assert_string_equal(graph->nodes[1].op_type, "Relu");
    assert_string_equal(graph->values[graph->outputs[0]].name, "y");
    const umbra_shape *shape = &graph->values[graph->outputs[0]].shape;
    assert_int_equal(shape->rank, 4);
    assert_int_equal(shape->dim[0], 1); /* the symbolic batch */
    assert_int_equal(shape->dim[1], 3);
    assert_int_equal(shape->dim[3], 2);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

/* The file may list nodes in any order. */
static void test_nodes_out_of_order(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    Onnx__NodeProto *swap = w->nodes[0];
    w->nodes[0] = w->nodes[1];
    w->nodes[1] = swap;
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->nodes[0].op, UMBRA_OP_CONV);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_cycles(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    onnx_writer_node(w, "Add", "y b", "a");
    onnx_writer_node(w, "Neg", "a", "b");
    refuse(w, "depends on its own output");
    w = small_net();
    onnx_writer_node(w, "Neg", "z", "z");
    refuse(w, "depends on its own output");
}

static void test_names(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    onnx_writer_node(w, "Neg", "nowhere", "z");
    refuse(w, "computed by no node");
    w = small_net();
    onnx_writer_node(w, "Neg", "x", "c");
    refuse(w, "defined twice");
    w = small_net();
    onnx_writer_output(w, "nowhere");
    refuse(w, "computed by no node");
    w = small_net();
    onnx_writer_node(w, "Neg", "x", "z\033[2J");
    refuse(w, "control character");
    w = small_net();
    onnx_writer_node(w, "Neg", "x", "w~umbra~weight0");
    refuse(w, "reserved");
    w = small_net();
    w->graph.n_output = 0;
    refuse(w, "no output");
}

static void test_constants(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    w->constants[0]->n_float_data--;
    refuse(w, "\"w\" holds 53 numbers where its shape needs 54");
    w = small_net();
    w->constants[0]->dims[0] = 2;
    refuse(w, "\"w\" holds 54 numbers where its shape needs 36");
    w = small_net();
    w->constants[0]->dims[0] = 1000000000;
    refuse(w, "more than");
    w = small_net();
    w->constants[0]->dims[0] = -3;
    refuse(w, "impossible shape");
    w = small_net();
    w->constants[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
    refuse(w, "use float32");
    w = small_net();
    w->constants[0]->has_data_location = 1;
    w->constants[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    refuse(w, "external data");
}

/* The same weights in every form that a file may have them. */
static void test_tensor_forms(void **state)
{
    (void)state;
    static const unsigned char raw[8] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}; /* 1, -2 */
    int32_t halves[2] = {0x3c00, 0xc000};
    double doubles[2] = {1.0, -2.0};
    for (int form = 0; form < 3; form++) {
        onnx_writer *w = onnx_writer_new(13);
        Onnx__TensorProto *t = onnx_writer_constant(w, "k", "2", NULL);
        t->n_float_data = 0;
        if (form == 0) {
            t->has_raw_data = 1;
            t->raw_data.len = sizeof raw;
            t->raw_data.data = (unsigned char *)raw;
        } else if (form == 1) {
            t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
            t->n_int32_data = 2;
            t->int32_data = halves;
        } else {
            t->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
            t->n_double_data = 2;
            t->double_data = doubles;
        }
        onnx_writer_node(w, "Neg", "k", "y");
        onnx_writer_output(w, "y");
        umbra_graph *graph;
        check_ok(onnx_writer_import(w, &graph));
        const float *y = graph->values[graph->outputs[0]].f32;
        assert_non_null(y);
        assert_true(y[0] == -1.0f && y[1] == 2.0f);
        umbra_graph_free(graph);
        onnx_writer_free(w);
    }
}

static void test_inputs(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,N,4");
    onnx_writer_node(w, "Relu", "x", "y");
    onnx_writer_output(w, "y");
    refuse(w, "dimension 1 of input \"x\" is free");
    w = onnx_writer_new(13);
    onnx_writer_input(w, "x", NULL);
    onnx_writer_node(w, "Relu", "x", "y");
    onnx_writer_output(w, "y");
    refuse(w, "no tensor of known shape");
    w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "1,1,1,1,1,1,1");
    onnx_writer_node(w, "Relu", "x", "y");
    onnx_writer_output(w, "y");
    refuse(w, "7 dimensions");
    w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "100000,100000");
    onnx_writer_node(w, "Relu", "x", "y");
    onnx_writer_output(w, "y");
    refuse(w, "elements");
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    onnx_writer_constant(w, "w2", "3,5,3,3", NULL);
    onnx_writer_node(w, "Conv", "x w2", "z");
    refuse(w, "do not fit together");
    w = small_net();
    onnx_writer_constant(w, "k", "5", NULL);
    onnx_writer_node(w, "Add", "x k", "z");
    refuse(w, "cannot be broadcast");
    w = small_net();
    onnx_writer_integers(w, "target", "7,-1");
    onnx_writer_node(w, "Reshape", "x target", "z");
    refuse(w, "another number of elements");
    w = small_net();
    onnx_writer_integers(w, "pads", "0,0,0,0,0,0,0,4611686018427387904");
    onnx_writer_node(w, "Pad", "x pads", "z");
    refuse(w, "a pad of");
    w = small_net();
    onnx_writer_integers(w, "pads", "100000,0,0,0,0,0,0,100000");
    onnx_writer_node(w, "Pad", "x pads", "z");
    refuse(w, "2^28");
    w = small_net();
    onnx_writer_integers(w, "shape", "100000,100000");
    onnx_writer_node(w, "ConstantOfShape", "shape", "z");
    refuse(w, "2^24");
}

static void test_attributes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *numbers, *text;
    } cases[] = {
        {"strides", "0,1", "allowed are 1"},
        {"strides", "1,2,3", "at most 2"},
        {"dilations", "9223372036854775807,1", "allowed are"},
        {"pads", "1,1,1,9223372036854775807", "holds"},
        {"kernel_shape", "2,2", "differs from the weights"},
        {"dilations", "4,4", "larger than the padded input"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_writer *w = small_net();
        onnx_writer_ints(w, w->nodes[0], cases[i].name, cases[i].numbers);
        refuse(w, cases[i].text);
    }
    onnx_writer *w = small_net();
    onnx_writer_int(w, w->nodes[0], "group", -1);
    refuse(w, "do not fit together");
    w = small_net();
    onnx_writer_text(w, w->nodes[0], "group", "two");
    refuse(w, "not an integer");
    w = small_net();
    onnx_writer_text(w, w->nodes[0], "auto_pad", "SOMEHOW");
    refuse(w, "auto_pad");
}

/* Unknown operators are kept by name, with what follows them; nothing is refused at import. */
static void test_unknown_operators_are_kept(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    onnx_writer_node(w, "Frobnicate", "y", "f");
    onnx_writer_node(w, "Relu", "f", "g");
    onnx_writer_output(w, "g");
    umbra_graph *graph;
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->nodes[2].op, UMBRA_OP_UNKNOWN);
    assert_string_equal(graph->nodes[2].op_type, "Frobnicate");
    assert_int_equal(graph->nodes[3].op, UMBRA_OP_RELU);
    assert_int_equal(graph->values[graph->nodes[3].output].shape.rank, -1);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

static void test_operator_sets(void **state)
{
    (void)state;
    for (int opset = 11; opset <= 17; opset++) {
        onnx_writer *w = small_net();
        w->opset.version = opset;
        accept(w);
    }
    onnx_writer *w = small_net();
    w->opset.version = 5;
    refuse(w, "operator set 5");
    w = small_net();
    w->opset.version = INT64_MAX;
    refuse(w, "operator set");
}

static void test_not_onnx(void **state)
{
    (void)state;
    umbra_graph *graph = NULL;
    check_fails(UMBRA_E_INPUT, "empty", umbra_onnx_import("", 0, "f", &graph));
    check_fails(UMBRA_E_INPUT, "not an ONNX model",
                umbra_onnx_import("hello world", 11, "f", &graph));
    check_fails(UMBRA_E_INPUT, "no graph", umbra_onnx_import("\x08\x08", 2, "f", &graph));
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:00";
    check_fails(UMBRA_E_INPUT, "git lfs pull",
                umbra_onnx_import(pointer, sizeof pointer, "f", &graph));
    check_fails(UMBRA_E_INPUT, "nowhere.onnx", umbra_onnx_import_file("nowhere.onnx", &graph));
}

/* Every cut of a file is refused or gives a smaller model; never a crash, never a leak. */
static void test_every_truncation(void **state)
{
    (void)state;
    onnx_writer *w = small_net();
    onnx_writer_pack(w);
    for (size_t size = 0; size < w->size; size++) {
        umbra_graph *graph = NULL;
        if (umbra_onnx_import(w->bytes, size, "cut.onnx", &graph) != UMBRA_OK)
            assert_null(graph);
        umbra_graph_free(graph);
    }
    onnx_writer_free(w);
}

/* Four thousand nodes in a row: no recursion, no quadratic time. */
static void test_long_chain(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    char from[32] = "x", to[32];
    onnx_writer_input(w, "x", "1,2");
    for (int i = 0; i < ONNX_WRITER_MAX; i++) {
        snprintf(to, sizeof to, "v%d", i);
        onnx_writer_node(w, "Relu", from, to);
        memcpy(from, to, sizeof to);
    }
    for (int i = 0; i < ONNX_WRITER_MAX / 2; i++) { /* last first */
        Onnx__NodeProto *swap = w->nodes[i];
        w->nodes[i] = w->nodes[ONNX_WRITER_MAX - 1 - i];
        w->nodes[ONNX_WRITER_MAX - 1 - i] = swap;
    }
    onnx_writer_output(w, to);
    accept(w);
}

/* Nested graphs beyond any real model, which protobuf-c would follow down the stack. */
static void test_deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 4999 };
    static unsigned char bytes[DEPTH * 12];
    size_t size = 0, at = sizeof bytes;
    static const unsigned char tags[3] = {0x32, 0x2a,
                                          0x0a}; /* attribute.g, node.attribute, graph.node */
    for (int i = 0; i < DEPTH; i++) {
        unsigned char header[6];
        size_t length = size, n = 0;
        header[n++] = tags[i % 3];
        do {
            header[n++] = (unsigned char)((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
            length >>= 7;
        } while (length > 0);
        at -= n;
        memcpy(bytes + at, header, n);
        size += n;
    }
    bytes[at] = 0x3a; /* model.graph */
    umbra_graph *graph = NULL;
    check_fails(UMBRA_E_INPUT, "nested",
                umbra_onnx_import(bytes + at, sizeof bytes - at, "deep", &graph));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_net),        cmocka_unit_test(test_nodes_out_of_order),
        cmocka_unit_test(test_cycles),           cmocka_unit_test(test_names),
        cmocka_unit_test(test_constants),        cmocka_unit_test(test_tensor_forms),
        cmocka_unit_test(test_inputs),           cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_attributes),       cmocka_unit_test(test_unknown_operators_are_kept),
        cmocka_unit_test(test_operator_sets),    cmocka_unit_test(test_not_onnx),
        cmocka_unit_test(test_every_truncation), cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
