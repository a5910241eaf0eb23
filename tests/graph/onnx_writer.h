/* A tiny writer of ONNX files for tests; everything lives until onnx_writer_free. */
#ifndef UMBRA_TESTS_ONNX_WRITER_H
#define UMBRA_TESTS_ONNX_WRITER_H

#include "base/memory.h"
#include "graph/ir.h"
#include "onnx.pb-c.h"

#define ONNX_WRITER_MAX 4096 /* nodes, constants, inputs, outputs */

typedef struct onnx_writer {
    umbra_arena arena;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[1];
    Onnx__NodeProto *nodes[ONNX_WRITER_MAX];
    Onnx__TensorProto *constants[ONNX_WRITER_MAX];
    Onnx__ValueInfoProto *inputs[ONNX_WRITER_MAX], *outputs[ONNX_WRITER_MAX];
    unsigned char *bytes; /* of the last pack */
    size_t size;
} onnx_writer;

/* Shapes are written as text: "1,3,32,32"; "N" is a symbolic dimension; "" has rank 0. */
onnx_writer *onnx_writer_new(int opset);
void onnx_writer_free(onnx_writer *w);
void onnx_writer_input(onnx_writer *w, const char *name, const char *shape);
void onnx_writer_output(onnx_writer *w, const char *name);
/* Float data, NULL for pseudo-random numbers that depend on the name. */
Onnx__TensorProto *onnx_writer_constant(onnx_writer *w, const char *name, const char *shape,
                                        const float *data);
Onnx__TensorProto *onnx_writer_scalar(onnx_writer *w, const char *name,
                                      float value); /* shape [1] */
Onnx__TensorProto *onnx_writer_integers(onnx_writer *w, const char *name, const char *numbers);
/* inputs: names with blanks between; the node is named after its output. */
Onnx__NodeProto *onnx_writer_node(onnx_writer *w, const char *op, const char *inputs,
                                  const char *output);
void onnx_writer_int(onnx_writer *w, Onnx__NodeProto *node, const char *name, int64_t value);
void onnx_writer_float(onnx_writer *w, Onnx__NodeProto *node, const char *name, float value);
void onnx_writer_ints(onnx_writer *w, Onnx__NodeProto *node, const char *name, const char *numbers);
void onnx_writer_text(onnx_writer *w, Onnx__NodeProto *node, const char *name, const char *value);
/* Sets w->bytes and w->size. */
void onnx_writer_pack(onnx_writer *w);
/* Pack and import. */
umbra_status onnx_writer_import(onnx_writer *w, umbra_graph **out);

#endif
