/* What the parts of the ONNX importer share. */
#ifndef UMBRA_GRAPH_ONNX_INTERNAL_H
#define UMBRA_GRAPH_ONNX_INTERNAL_H

#include "graph/build.h"
#include "graph/names.h"
#include "onnx.pb-c.h"

#define UMBRA_ONNX_MAX_NAME 1024               /* bytes of a name */
#define UMBRA_ONNX_MAX_NODES 20000             /* of one graph */
#define UMBRA_ONNX_MAX_FOLD ((int64_t)1 << 24) /* elements that folding may make from less */

typedef struct umbra_importer {
    const char *file; /* for messages */
    const Onnx__GraphProto *proto;
    umbra_graph *graph;
    umbra_names values; /* ONNX value name -> value index */
    int64_t opset;
    int folder; /* descriptor of the file's folder, for external data; -1: none may be read */
} umbra_importer;

/* One ONNX node being translated. */
typedef struct umbra_onnx_node {
    umbra_importer *importer;
    umbra_graph *graph;
    const Onnx__NodeProto *proto;
    const char *name; /* its own, or that of its first output */
    int *inputs;      /* value indices, -1 for those left out */
    int input_count;
    char unsupported[160]; /* not empty: becomes an UNKNOWN node with this note */
} umbra_onnx_node;

/* Translate one node: add nodes or constants, and name their outputs. */
typedef umbra_status (*umbra_onnx_handler)(umbra_onnx_node *node);

/* Before protobuf-c sees the bytes: nesting, number of fields and lengths are bounded, so that
 * unpacking can neither exhaust the stack nor take memory far beyond the size of the file. */
umbra_status umbra_onnx_scan(const unsigned char *bytes, size_t size,
                             const char *file) UMBRA_MUST_USE;

/* Names from outside are printed in messages: control characters and excessive lengths are refused.
 */
umbra_status umbra_onnx_check_name(const umbra_importer *importer, const char *name,
                                   const char *what) UMBRA_MUST_USE;

/* A tensor of the file becomes a constant: floats as f32, integers and bools as i64. */
umbra_status umbra_onnx_add_tensor(umbra_importer *importer, const Onnx__TensorProto *tensor,
                                   const char *name, int *index) UMBRA_MUST_USE;

/* onnx_external.c: data in a file beside the model. */
bool umbra_onnx_is_external(const Onnx__TensorProto *tensor);
/* Read exactly `bytes` bytes. Only files inside the model's folder, named by a relative path
 * without
 * "..", without symbolic links on the way. Owns: caller, umbra_memory_free */
umbra_status umbra_onnx_read_external(const umbra_importer *importer,
                                      const Onnx__TensorProto *tensor, const char *name,
                                      size_t bytes, unsigned char **out) UMBRA_MUST_USE;

/* Attributes: the default where it is absent, E_INPUT where it has another type. */
const Onnx__AttributeProto *umbra_onnx_find(const umbra_onnx_node *node, const char *attribute);
umbra_status umbra_onnx_int(const umbra_onnx_node *node, const char *attribute, int64_t fallback,
                            int64_t *out) UMBRA_MUST_USE;
umbra_status umbra_onnx_float(const umbra_onnx_node *node, const char *attribute, double fallback,
                              double *out) UMBRA_MUST_USE;
/* At most max integers; *count is -1 where the attribute is absent. */
umbra_status umbra_onnx_ints(const umbra_onnx_node *node, const char *attribute, int64_t *out,
                             int max, int *count) UMBRA_MUST_USE;
/* Whether a string attribute is present and equals text. */
bool umbra_onnx_string_is(const umbra_onnx_node *node, const char *attribute, const char *text);

/* E_INPUT "FILE: node "N" (Op): ...". */
umbra_status umbra_onnx_bad(const umbra_onnx_node *node, const char *fmt, ...)
    UMBRA_PRINTF(2, 3) UMBRA_MUST_USE;
/* Valid ONNX that Umbra does not do: the node is kept as UNKNOWN with this note. Returns UMBRA_OK.
 */
umbra_status umbra_onnx_unsupported(umbra_onnx_node *node, const char *fmt, ...)
    UMBRA_PRINTF(2, 3) UMBRA_MUST_USE;

/* The i-th input's value, NULL where it is left out. */
const umbra_value *umbra_onnx_input(const umbra_onnx_node *node, int i);
bool umbra_onnx_is_constant(const umbra_onnx_node *node, int i);
/* The i-th input must be an integer constant of at most max elements. */
umbra_status umbra_onnx_constant_ints(umbra_onnx_node *node, int i, int64_t *out, int max,
                                      int *count) UMBRA_MUST_USE;
/* Bring an axis into 0 .. rank-1; negative ones count from the end. */
umbra_status umbra_onnx_axis(const umbra_onnx_node *node, int64_t axis, int rank,
                             int64_t *out) UMBRA_MUST_USE;

/* Add a node over values. name: of its output and of itself; NULL for the ONNX node's own first
 * output and name. shape: of the output, NULL to infer it. Constant inputs are folded away. */
umbra_status umbra_onnx_emit(umbra_onnx_node *node, umbra_op op, const umbra_attributes *attr,
                             const int *inputs, int count, const char *name,
                             const umbra_shape *shape, int *output) UMBRA_MUST_USE;
/* Give an output of the ONNX node its value. */
umbra_status umbra_onnx_set_output(umbra_onnx_node *node, size_t position,
                                   int value) UMBRA_MUST_USE;
/* The node's first output is this value; outputs of the graph get a RESHAPE to keep their name. */
umbra_status umbra_onnx_pass_value(umbra_onnx_node *node, int value) UMBRA_MUST_USE;
/* The node passes its i-th input through. */
umbra_status umbra_onnx_pass_through(umbra_onnx_node *node, int i) UMBRA_MUST_USE;
/* A name for a value that the file does not have: the node's name and a suffix, made unique. */
umbra_status umbra_onnx_fresh_name(const umbra_onnx_node *node, const char *suffix,
                                   char out[UMBRA_ONNX_MAX_NAME + 64]) UMBRA_MUST_USE;
/* A new constant that belongs to this node. */
umbra_status umbra_onnx_new_constant(umbra_onnx_node *node, const char *suffix,
                                     const umbra_shape *shape, umbra_data_type type,
                                     int *index) UMBRA_MUST_USE;

umbra_status umbra_onnx_translate(umbra_importer *importer,
                                  const Onnx__NodeProto *proto) UMBRA_MUST_USE;

/* onnx_window.c */
umbra_status umbra_onnx_conv(umbra_onnx_node *node);
umbra_status umbra_onnx_conv_transpose(umbra_onnx_node *node);
umbra_status umbra_onnx_average_pool(umbra_onnx_node *node);
umbra_status umbra_onnx_max_pool(umbra_onnx_node *node);
/* onnx_dense.c */
umbra_status umbra_onnx_gemm(umbra_onnx_node *node);
umbra_status umbra_onnx_matmul(umbra_onnx_node *node);
/* onnx_arithmetic.c */
umbra_status umbra_onnx_add(umbra_onnx_node *node);
umbra_status umbra_onnx_sub(umbra_onnx_node *node);
umbra_status umbra_onnx_mul(umbra_onnx_node *node);
umbra_status umbra_onnx_div(umbra_onnx_node *node);
umbra_status umbra_onnx_pow(umbra_onnx_node *node);
umbra_status umbra_onnx_neg(umbra_onnx_node *node);
umbra_status umbra_onnx_sqrt(umbra_onnx_node *node);
umbra_status umbra_onnx_sum(umbra_onnx_node *node);
umbra_status umbra_onnx_batch_norm(umbra_onnx_node *node);
umbra_status umbra_onnx_instance_norm(umbra_onnx_node *node);
umbra_status umbra_onnx_relu(umbra_onnx_node *node);
umbra_status umbra_onnx_sigmoid(umbra_onnx_node *node);
umbra_status umbra_onnx_tanh(umbra_onnx_node *node);
umbra_status umbra_onnx_softmax(umbra_onnx_node *node);
umbra_status umbra_onnx_global_average_pool(umbra_onnx_node *node);
umbra_status umbra_onnx_reduce_mean(umbra_onnx_node *node);
/* onnx_reshape.c */
umbra_status umbra_onnx_reshape(umbra_onnx_node *node);
umbra_status umbra_onnx_flatten(umbra_onnx_node *node);
umbra_status umbra_onnx_squeeze(umbra_onnx_node *node);
umbra_status umbra_onnx_unsqueeze(umbra_onnx_node *node);
umbra_status umbra_onnx_identity(umbra_onnx_node *node);
umbra_status umbra_onnx_dropout(umbra_onnx_node *node);
umbra_status umbra_onnx_expand(umbra_onnx_node *node);
/* onnx_index.c */
umbra_status umbra_onnx_transpose(umbra_onnx_node *node);
umbra_status umbra_onnx_concat(umbra_onnx_node *node);
umbra_status umbra_onnx_slice(umbra_onnx_node *node);
umbra_status umbra_onnx_split(umbra_onnx_node *node);
umbra_status umbra_onnx_gather(umbra_onnx_node *node);
/* A GATHER of a value; name: as for umbra_onnx_emit. */
umbra_status umbra_onnx_emit_gather(umbra_onnx_node *node, int input, int64_t axis,
                                    const int64_t *indices, int64_t count, const char *name,
                                    int *output) UMBRA_MUST_USE;
/* onnx_pad.c */
umbra_status umbra_onnx_pad(umbra_onnx_node *node);
/* onnx_resize.c */
umbra_status umbra_onnx_resize(umbra_onnx_node *node);
/* onnx_constant.c: these have a value only where their inputs are known at import */
umbra_status umbra_onnx_constant(umbra_onnx_node *node);
umbra_status umbra_onnx_constant_of_shape(umbra_onnx_node *node);
umbra_status umbra_onnx_shape(umbra_onnx_node *node);
umbra_status umbra_onnx_cast(umbra_onnx_node *node);

#endif
