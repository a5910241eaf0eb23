/* NumPy's .npy files: float tensors in and out. */
#ifndef UMBRA_GRAPH_NPY_H
#define UMBRA_GRAPH_NPY_H

#include "graph/ir.h"

/* Read float32 or float64, little-endian, C order; the file is hostile.
 *
 * Owns:    *data belongs to the caller, umbra_memory_free
 * Returns: UMBRA_E_INPUT with what is wrong and the remedy; NaN and infinities pass */
umbra_status umbra_npy_read_f32(const char *path, umbra_shape *shape, float **data) UMBRA_MUST_USE;
umbra_status umbra_npy_parse_f32(const void *bytes, size_t size, const char *name,
                                 umbra_shape *shape, float **data) UMBRA_MUST_USE;
/* Write float32, version 1.0; aside and renamed. */
umbra_status umbra_npy_write_f32(const char *path, const umbra_shape *shape,
                                 const float *data) UMBRA_MUST_USE;

#endif
