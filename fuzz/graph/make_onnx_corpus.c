/* Write the corpus of fuzz_onnx: small models that between them use every operator.
 *
 * usage: make_onnx_corpus FOLDER */
#include "onnx_writer.h"

#include <stdio.h>

static const char *folder;

static void save(onnx_writer *w, const char *name)
{
    char path[512];
    onnx_writer_pack(w);
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(w->bytes, 1, w->size, file) != w->size || fclose(file) != 0)
        fprintf(stderr, "%s: cannot write\n", path);
    onnx_writer_free(w);
}

static onnx_writer *start(int opset, const char *shape)
{
    onnx_writer *w = onnx_writer_new(opset);
    onnx_writer_input(w, "x", shape);
    onnx_writer_output(w, "y");
    return w;
}

static void classifier(void)
{
    onnx_writer *w = start(13, "N,2,4,4");
    onnx_writer_constant(w, "w", "2,2,3,3", NULL);
    onnx_writer_constant(w, "p", "2", (float[]){1, 2});
    onnx_writer_scalar(w, "two", 2.0f);
    onnx_writer_scalar(w, "a", 0.5f);
    onnx_writer_constant(w, "f", "3,2", NULL);
    Onnx__NodeProto *n = onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_ints(w, n, "pads", "1,1,1,1");
    onnx_writer_node(w, "BatchNormalization", "c p p p p", "n");
    onnx_writer_node(w, "Pow", "n two", "sq");
    onnx_writer_node(w, "Mul", "a sq", "ax");
    onnx_writer_node(w, "Mul", "a n", "bx");
    onnx_writer_node(w, "Add", "ax bx", "s");
    onnx_writer_node(w, "Add", "s x", "r");
    onnx_writer_node(w, "GlobalAveragePool", "r", "g");
    onnx_writer_node(w, "Flatten", "g", "l");
    onnx_writer_int(w, onnx_writer_node(w, "Gemm", "l f", "y"), "transB", 1);
    save(w, "classifier");
}

static void encoder(void)
{
    onnx_writer *w = start(13, "1,4,6,6");
    onnx_writer_constant(w, "w", "4,4,3,3", NULL);
    onnx_writer_constant(w, "one", "2", (float[]){1, 1});
    onnx_writer_constant(w, "zero", "2", (float[]){0, 0});
    onnx_writer_constant(w, "k", "4,1,1", NULL);
    onnx_writer_integers(w, "pads", "0,0,0,0,0,0,1,1");
    onnx_writer_integers(w, "groups", "0,2,-1");
    onnx_writer_integers(w, "back", "1,4,6,6");
    onnx_writer_integers(w, "tokens", "1,4,9");
    onnx_writer_node(w, "Reshape", "x groups", "g");
    onnx_writer_node(w, "InstanceNormalization", "g one zero", "n");
    onnx_writer_node(w, "Reshape", "n back", "b");
    onnx_writer_node(w, "Mul", "b k", "m");
    onnx_writer_node(w, "Sigmoid", "m", "gate");
    onnx_writer_node(w, "Mul", "m gate", "silu");
    onnx_writer_node(w, "Pad", "silu pads", "p");
    onnx_writer_ints(w, onnx_writer_node(w, "Conv", "p w", "c"), "strides", "2,2");
    onnx_writer_node(w, "Reshape", "c tokens", "t");
    onnx_writer_ints(w, onnx_writer_node(w, "Transpose", "t", "q"), "perm", "0,2,1");
    onnx_writer_node(w, "MatMul", "q t", "d");
    onnx_writer_node(w, "Softmax", "d", "a");
    onnx_writer_node(w, "MatMul", "a q", "y");
    save(w, "encoder");
}

static void unet(void)
{
    onnx_writer *w = start(11, "1,1,4,4");
    onnx_writer_constant(w, "w", "1,2,2,2", NULL);
    onnx_writer_constant(w, "v", "2,3,1,1", NULL);
    Onnx__NodeProto *n = onnx_writer_node(w, "AveragePool", "x", "p");
    onnx_writer_ints(w, n, "kernel_shape", "2,2");
    onnx_writer_ints(w, n, "strides", "2,2");
    n = onnx_writer_node(w, "ConvTranspose", "p w", "u");
    onnx_writer_ints(w, n, "strides", "2,2");
    n = onnx_writer_node(w, "Concat", "u x", "c");
    onnx_writer_int(w, n, "axis", 1);
    n = onnx_writer_node(w, "Conv", "c v", "o");
    onnx_writer_text(w, n, "auto_pad", "SAME_UPPER");
    n = onnx_writer_node(w, "MaxPool", "o", "m");
    onnx_writer_ints(w, n, "kernel_shape", "2,2");
    onnx_writer_int(w, n, "ceil_mode", 1);
    onnx_writer_node(w, "Frobnicate", "m", "f");
    onnx_writer_node(w, "Tanh", "f", "y");
    save(w, "unet");
}

static void shapes(void)
{
    onnx_writer *w = start(11, "2,3,4");
    onnx_writer_integers(w, "zero", "0");
    onnx_writer_integers(w, "minus", "-1");
    onnx_writer_integers(w, "one", "1");
    onnx_writer_node(w, "Shape", "x", "s");
    onnx_writer_node(w, "Gather", "s zero", "g");
    Onnx__NodeProto *n = onnx_writer_node(w, "Concat", "g minus", "t");
    onnx_writer_int(w, n, "axis", 0);
    onnx_writer_node(w, "Reshape", "x t", "r");
    onnx_writer_node(w, "Slice", "r zero one one", "l");
    n = onnx_writer_node(w, "Unsqueeze", "l", "u");
    onnx_writer_ints(w, n, "axes", "0");
    n = onnx_writer_node(w, "Squeeze", "u", "q");
    onnx_writer_ints(w, n, "axes", "0");
    n = onnx_writer_node(w, "Cast", "q", "k");
    onnx_writer_int(w, n, "to", 1);
    n = onnx_writer_node(w, "ReduceMean", "k", "m");
    onnx_writer_ints(w, n, "axes", "1");
    onnx_writer_node(w, "ConstantOfShape", "one", "z");
    onnx_writer_node(w, "Expand", "z one", "e");
    onnx_writer_node(w, "Sqrt", "e", "h");
    onnx_writer_node(w, "Neg", "h", "i");
    onnx_writer_node(w, "Dropout", "i", "d");
    onnx_writer_node(w, "Sub", "m d", "b");
    onnx_writer_node(w, "Div", "b b", "v");
    onnx_writer_node(w, "Sum", "v m b", "y");
    save(w, "shapes");
}

static void attributes(void)
{
    onnx_writer *w = start(17, "1,4,8");
    Onnx__TensorProto *k = onnx_writer_constant(w, "w", "4,2,3", NULL);
    k->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    static double numbers[24];
    k->n_float_data = 0;
    k->n_double_data = 24;
    k->double_data = numbers;
    Onnx__NodeProto *n = onnx_writer_node(w, "Conv", "x w", "c");
    onnx_writer_int(w, n, "group", 2);
    onnx_writer_ints(w, n, "dilations", "2");
    onnx_writer_ints(w, n, "strides", "2");
    onnx_writer_ints(w, n, "pads", "2,1");
    n = onnx_writer_node(w, "Split", "c", "h");
    n->output[1] = (char *)"g";
    n->n_output = 2;
    onnx_writer_int(w, n, "axis", 1);
    onnx_writer_node(w, "Relu", "g", "r");
    onnx_writer_node(w, "Identity", "h", "i");
    onnx_writer_node(w, "Mul", "i r", "y");
    save(w, "attributes");
}

static void moves(void)
{
    onnx_writer *w = start(18, "1,2,3,4");
    onnx_writer_integers(w, "size", "6,8");
    onnx_writer_integers(w, "p", "0,0,1,2,0,0,0,1");
    onnx_writer_integers(w, "some", "1,0,1");
    onnx_writer_constant(w, "k", "3,7", NULL);
    Onnx__NodeProto *n = onnx_writer_node(w, "Pad", "x p", "a");
    onnx_writer_text(w, n, "mode", "reflect");
    n = onnx_writer_node(w, "Resize", "a - - size", "b");
    onnx_writer_ints(w, n, "axes", "2,3");
    onnx_writer_text(w, n, "coordinate_transformation_mode", "asymmetric");
    onnx_writer_text(w, n, "nearest_mode", "floor");
    n = onnx_writer_node(w, "Gather", "b some", "c");
    onnx_writer_int(w, n, "axis", 1);
    n = onnx_writer_node(w, "Transpose", "c", "d");
    onnx_writer_ints(w, n, "perm", "0,1,3,2");
    onnx_writer_integers(w, "cut", "0,0,0,-1,0,0,-1,0");
    onnx_writer_node(w, "Pad", "d cut", "e");
    onnx_writer_constant(w, "m", "2,6", NULL);
    onnx_writer_node(w, "MatMul", "m e", "f");
    onnx_writer_node(w, "Elu", "f", "g");
    n = onnx_writer_node(w, "MaxPool", "g", "h");
    onnx_writer_ints(w, n, "kernel_shape", "2,2");
    n = onnx_writer_node(w, "Clip", "h", "i");
    onnx_writer_node(w, "Flatten", "i", "j");
    onnx_writer_node(w, "Softmax", "j", "y");
    save(w, "moves");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_onnx_corpus FOLDER\n");
        return 2;
    }
    folder = argv[1];
    classifier();
    encoder();
    unet();
    shapes();
    attributes();
    moves();
    return 0;
}
