/* Outputs that another runtime gave for the inputs of umbra verify. */
#include "cli/verify_expected.h"

#include "cli/cli.h"
#include "cli/inputs.h"

#include "base/memory.h"
#include "graph/npy.h"

#include <math.h>
#include <string.h>

static umbra_status check(const char *path, const umbra_shape *shape, const float *data,
                          size_t count)
{
    size_t elements = 1;
    for (int i = 0; i < shape->rank; i++)
        elements *= (size_t)shape->dim[i]; /* the reader has checked the product */
    if (elements != count)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s holds %zu numbers, but the model gives %zu; give the outputs of this model", path,
            elements, count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(data[i]))
            return umbra_fail(UMBRA_E_INPUT, "%s: number %zu is not finite", path, i);
    return UMBRA_OK;
}

umbra_status umbra_verify_expected(const char *folder, const char *input, double *values,
                                   size_t count)
{
    const char *name = umbra_base_name(input), *dot = strrchr(name, '.');
    int length = dot == NULL ? (int)strlen(name) : (int)(dot - name);
    char file[4096], path[4096];
    if (snprintf(file, sizeof file, "%.*s.npy", length, name) >= (int)sizeof file)
        return umbra_fail(UMBRA_E_INPUT, "an input name is too long: %.40s...", name);
    UMBRA_TRY(umbra_cli_join(path, folder, file));
    umbra_shape shape = {0};
    float *data = NULL;
    UMBRA_TRY(umbra_npy_read_f32(path, &shape, &data));
    umbra_status status = check(path, &shape, data, count);
    for (size_t i = 0; status == UMBRA_OK && i < count; i++)
        values[i] = (double)data[i];
    umbra_memory_free(data);
    return status;
}
