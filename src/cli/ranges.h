/* The ranges of a network's values over some inputs, and the model.json that tells them. */
#ifndef UMBRA_CLI_RANGES_H
#define UMBRA_CLI_RANGES_H

#include "graph/ir.h"

#include <jansson.h>

typedef struct umbra_ranges umbra_ranges;

/* Run a graph of one input in plaintext on `count` inputs, one after another in `inputs`, and keep
 * the least and greatest number of each value.
 *
 * Owns:    *out, umbra_ranges_free
 * Returns: UMBRA_E_MODEL where a number overflows */
umbra_status umbra_ranges_measure(const umbra_graph *graph, const float *inputs, size_t count,
                                  int threads, umbra_ranges **out) UMBRA_MUST_USE;
void umbra_ranges_free(umbra_ranges *ranges);

/* The model.json of a folder with this network as classifier.onnx, for tensors as input. Each range
 * is a tenth wider at both ends. Owns: *out, json_decref */
umbra_status umbra_ranges_model_json(const umbra_ranges *ranges, const umbra_graph *graph,
                                     const char *name, json_t **out) UMBRA_MUST_USE;

#endif
