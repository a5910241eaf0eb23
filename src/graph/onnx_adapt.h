/* Rewrite a foreign ONNX file so that it can be encrypted: activations become quadratics. */
#ifndef UMBRA_GRAPH_ONNX_ADAPT_H
#define UMBRA_GRAPH_ONNX_ADAPT_H

#include "graph/activation.h"
#include "umbra/status.h"

#include <stddef.h>

/* Works on the file's own nodes and leaves everything else in it as it is: weights, names, operator
 * set. MaxPool becomes AveragePool, and a Softmax, LogSoftmax or Sigmoid that makes an output
 * becomes Identity, because the client applies it. */
typedef struct umbra_adapter umbra_adapter;

/* An activation of the file. Until it is set it passes x through. */
typedef struct umbra_adapt_site {
    const char *name, *op_type; /* "Silu" for x * Sigmoid(x) */
    const char *input;          /* the value x that it is applied to */
    umbra_activation activation;
    double c[3]; /* becomes c[0] + c[1] x + c[2] x^2 */
} umbra_adapt_site;

/* The file is hostile. Its bytes are borrowed until umbra_adapter_free.
 *
 * Owns:    *out, umbra_adapter_free
 * Returns: UMBRA_E_INPUT as umbra_onnx_import; UMBRA_E_MODEL naming a node that cannot be adapted
 */
umbra_status umbra_adapter_open(umbra_adapter **out, const void *bytes, size_t size,
                                const char *name) UMBRA_MUST_USE;
void umbra_adapter_free(umbra_adapter *adapter);

/* In the order of the file, which is that of the computation. */
int umbra_adapter_site_count(const umbra_adapter *adapter);
umbra_adapt_site *umbra_adapter_site(umbra_adapter *adapter, int i);
int umbra_adapter_pool_count(const umbra_adapter *adapter); /* MaxPools */
int umbra_adapter_end_count(const umbra_adapter *adapter);  /* what the client applies */

/* The file as adapted so far. output: the only output, one value of the file; NULL for those that
 * it has. Owns: *bytes, umbra_memory_free */
umbra_status umbra_adapter_pack(const umbra_adapter *adapter, const char *output,
                                unsigned char **bytes, size_t *size) UMBRA_MUST_USE;

#endif
