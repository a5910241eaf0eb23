/* Read an ONNX file into the intermediate representation. */
#ifndef UMBRA_GRAPH_ONNX_H
#define UMBRA_GRAPH_ONNX_H

#include "graph/ir.h"

/* Import a model. The file is hostile: every length, index, shape and cycle is checked.
 *
 * Owns:    *out belongs to the caller, umbra_graph_free
 * Returns: UMBRA_E_INPUT with the file, the place and the remedy; UMBRA_E_IO where reading fails */
umbra_status umbra_onnx_import_file(const char *path, umbra_graph **out) UMBRA_MUST_USE;
/* The same without external data: for a model that is known by the hash of its file, and for bytes
 * that come without a folder. umbra_onnx_import_file reads weights from files in the folder of
 * `path`, and from nowhere else. */
umbra_status umbra_onnx_import_single_file(const char *path, umbra_graph **out) UMBRA_MUST_USE;
umbra_status umbra_onnx_import(const void *bytes, size_t size, const char *name,
                               umbra_graph **out) UMBRA_MUST_USE;

#endif
