/* Pad in all its modes, against lists written by hand. */
#include "check.h"

#include "same_function.h"

static onnx_writer *pad_of(const char *shape, const char *pads, const char *mode)
{
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", shape);
    onnx_writer_integers(w, "p", pads);
    Onnx__NodeProto *n = onnx_writer_node(w, "Pad", "x p", "y");
    if (mode != NULL)
        onnx_writer_text(w, n, "mode", mode);
    onnx_writer_output(w, "y");
    return w;
}

static void test_modes(void **state)
{
    (void)state;
    check_counted(pad_of("1,4", "0,2,0,1", NULL), "[1, 7]", (float[]){0, 0, 1, 2, 3, 4, 0});
    check_counted(pad_of("1,4", "0,2,0,1", "edge"), "[1, 7]", (float[]){1, 1, 1, 2, 3, 4, 4});
    check_counted(pad_of("1,4", "0,2,0,3", "reflect"), "[1, 9]",
                  (float[]){3, 2, 1, 2, 3, 4, 3, 2, 1});
    check_counted(pad_of("1,4", "0,2,0,3", "wrap"), "[1, 9]", (float[]){3, 4, 1, 2, 3, 4, 1, 2, 3});
    check_counted(pad_of("2,2", "1,0,0,1", "edge"), "[3, 3]", (float[]){1, 2, 2, 1, 2, 2, 3, 4, 4});
}

/* Negative pads cut. */
static void test_cuts(void **state)
{
    (void)state;
    check_counted(pad_of("1,5", "0,-1,0,-2", NULL), "[1, 2]", (float[]){2, 3});
    check_counted(pad_of("1,5", "0,-2,0,1", NULL), "[1, 4]", (float[]){3, 4, 5, 0});
}

static void test_other_number(void **state)
{
    (void)state;
    onnx_writer *w = onnx_writer_new(13);
    onnx_writer_input(w, "x", "2,2");
    onnx_writer_integers(w, "p", "0,1,1,0");
    onnx_writer_scalar(w, "v", -7.0f);
    onnx_writer_node(w, "Pad", "x p v", "y");
    onnx_writer_output(w, "y");
    check_counted(w, "[3, 3]", (float[]){-7, 1, 2, -7, 3, 4, -7, -7, -7});
}

static void refuse(onnx_writer *w, const char *text)
{
    umbra_graph *graph;
    check_fails(UMBRA_E_INPUT, text, onnx_writer_import(w, &graph));
    onnx_writer_free(w);
}

static void test_refusals(void **state)
{
    (void)state;
    refuse(pad_of("1,4", "0,1,0", NULL), "3 pads for 2 dimensions");
    refuse(pad_of("1,4", "0,-3,0,-1", NULL), "would have 0 elements");
    refuse(pad_of("1,4", "0,9000000000,0,0", NULL), "a pad of 9000000000");
    refuse(pad_of("1,4", "0,200000000,0,0", "edge"), "elements");
    refuse(pad_of("1,4", "0,1,0,1", "mirror"), "none of constant, edge, reflect, wrap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_other_number),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
