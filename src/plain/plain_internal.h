/* What the parts of the plaintext executor share: one prepared step a node. */
#ifndef UMBRA_PLAIN_INTERNAL_H
#define UMBRA_PLAIN_INTERNAL_H

#include "graph/build.h"
#include "plain/executor.h"

#include <oneapi/dnnl/dnnl.h>

#define UMBRA_STEP_PRIMITIVES 4
#define UMBRA_STEP_ARGUMENTS 5
#define UMBRA_STEP_MEMORIES 12

typedef struct umbra_step umbra_step;
typedef umbra_status (*umbra_step_run)(const umbra_plain *plain, const umbra_node *node,
                                       const umbra_step *step);

/* How one node is run: a loop of ours, or oneDNN primitives in order. Buffers of values do not
 * move, so everything about them is bound once. */
struct umbra_step {
    umbra_step_run run;
    dnnl_primitive_t primitives[UMBRA_STEP_PRIMITIVES];
    dnnl_exec_arg_t arguments[UMBRA_STEP_PRIMITIVES][UMBRA_STEP_ARGUMENTS];
    int argument_count[UMBRA_STEP_PRIMITIVES];
    int primitive_count;
    dnnl_memory_t memories[UMBRA_STEP_MEMORIES]; /* freed with the step */
    bool allocated[UMBRA_STEP_MEMORIES];         /* by oneDNN: wiped, for it may hold an image */
    int memory_count;
    float *numbers; /* constants prepared for a loop of ours, or NULL */
    int threads;
};

struct umbra_plain {
    const umbra_graph *graph;
    float **data; /* of every value: its own buffer, a constant of the graph, or an alias */
    bool *owned;  /* data[i] is freed here */
    umbra_step *steps;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int threads;
};

/* Prepare: data of the inputs and the output are set. */
umbra_status umbra_plain_conv(umbra_plain *plain, const umbra_node *node,
                              umbra_step *step) UMBRA_MUST_USE;
umbra_status umbra_plain_dense(umbra_plain *plain, const umbra_node *node,
                               umbra_step *step) UMBRA_MUST_USE;
umbra_status umbra_plain_matmul(umbra_plain *plain, const umbra_node *node,
                                umbra_step *step) UMBRA_MUST_USE;
umbra_status umbra_plain_eltwise(umbra_plain *plain, const umbra_node *node,
                                 umbra_step *step) UMBRA_MUST_USE;
umbra_status umbra_plain_softmax(umbra_plain *plain, const umbra_node *node,
                                 umbra_step *step) UMBRA_MUST_USE;
umbra_status umbra_plain_batch_norm(umbra_plain *plain, const umbra_node *node,
                                    umbra_step *step) UMBRA_MUST_USE;

/* Loops that need no preparation. */
umbra_status umbra_plain_run_instance_norm(const umbra_plain *plain, const umbra_node *node,
                                           const umbra_step *step);
umbra_status umbra_plain_run_arithmetic(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step);
umbra_status umbra_plain_run_polynomial(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step);
umbra_status umbra_plain_run_pool(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step);
umbra_status umbra_plain_run_mean(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step);
umbra_status umbra_plain_run_move(const umbra_plain *plain, const umbra_node *node,
                                  const umbra_step *step);
umbra_status umbra_plain_run_nothing(const umbra_plain *plain, const umbra_node *node,
                                     const umbra_step *step);

/* oneDNN: a failure becomes E_RESOURCE where memory was short, else E_INTERNAL naming the node. */
umbra_status umbra_plain_check(dnnl_status_t status, const umbra_node *node,
                               const char *what) UMBRA_MUST_USE;
/* A memory object over a buffer; NULL lets oneDNN allocate one. It belongs to the step. */
umbra_status umbra_step_memory(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                               const dnnl_memory_desc_t *desc, float *data,
                               dnnl_memory_t *out) UMBRA_MUST_USE;
/* A memory object in the layout `wanted`, filled from row-major data by a reorder: at every run (a
 * step before the primitive) or once, now. Without a difference in layout it is the buffer itself.
 */
typedef enum umbra_when { UMBRA_EVERY_RUN, UMBRA_NOW } umbra_when;
umbra_status umbra_step_input(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                              const dnnl_memory_desc_t *plain_desc,
                              const dnnl_memory_desc_t *wanted, float *data, umbra_when when,
                              dnnl_memory_t *out) UMBRA_MUST_USE;
/* Append a primitive, made from a descriptor, with its arguments. */
umbra_status umbra_step_append(const umbra_node *node, umbra_step *step,
                               const_dnnl_primitive_desc_t desc, const dnnl_exec_arg_t *arguments,
                               int count) UMBRA_MUST_USE;
/* The output in layout `made`: the returned memory is written by the primitive; a reorder to the
 * row-major buffer is to be appended after it with umbra_step_output_finish. */
umbra_status umbra_step_output(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                               const dnnl_memory_desc_t *plain_desc, const dnnl_memory_desc_t *made,
                               dnnl_memory_t *out) UMBRA_MUST_USE;
umbra_status umbra_step_output_finish(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                                      const dnnl_memory_desc_t *plain_desc,
                                      dnnl_memory_t made) UMBRA_MUST_USE;
umbra_status umbra_plain_run_primitives(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step);
void umbra_step_free(umbra_step *step);
/* Row-major descriptor. */
umbra_status umbra_plain_desc(const umbra_node *node, const int64_t *dims, int rank,
                              dnnl_memory_desc_t *out) UMBRA_MUST_USE;
/* A named layout; dnnl_format_tag_any leaves the choice to oneDNN. */
umbra_status umbra_plain_tagged_desc(const umbra_node *node, const int64_t *dims, int rank,
                                     dnnl_format_tag_t tag, dnnl_memory_desc_t *out) UMBRA_MUST_USE;

#endif
