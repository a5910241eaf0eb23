/* Fuzz target: the .npy reader. */
#include "fuzz_target.h"

#include "base/memory.h"
#include "graph/npy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_shape shape;
    float *values = NULL;
    if (umbra_npy_parse_f32(data, size, "input", &shape, &values) == UMBRA_OK)
        assert((size_t)umbra_shape_elements(&shape) <= size);
    umbra_memory_free(values);
    return 0;
}
