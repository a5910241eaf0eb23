/* Constants that are added to a tensor: offsets of its elements, and the constant of all. */
#include "base/memory.h"
#include "plan/emit.h"

#include <math.h>

/* Write factor * (offset + constant) to the slots of a ciphertext that hold an element; returns the
 * largest magnitude. A channel stands in one ciphertext, and its points as those of the first do,
 * unless planes are cut into phases. */
static double fill(const umbra_build *b, int tensor, int index, const double *offset,
                   double *values)
{
    const umbra_layout *layout = &b->layouts[tensor];
    size_t points = (size_t)layout->height * (size_t)layout->width, origin = 0;
    const double constant = umbra_tensor_constant(&b->network.tensors[tensor]);
    double factor = b->factors[tensor], largest = 0;
    int ciphertext = 0;
    umbra_layout_position(layout, 0, &ciphertext, &origin);
    for (size_t c = 0; c < (size_t)layout->channels; c++) {
        size_t first = 0, slot = 0;
        umbra_layout_position(layout, c * points, &ciphertext, &first);
        bool phased = layout->kind == UMBRA_LAYOUT_PHASED;
        if (ciphertext != index && !phased)
            continue;
        for (size_t p = 0; p < points; p++) {
            umbra_layout_position(layout, phased ? c * points + p : p, &ciphertext, &slot);
            if (phased && ciphertext != index)
                continue;
            double value = factor * ((offset == NULL ? 0 : offset[c * points + p]) + constant);
            values[phased ? slot : first + slot - origin] = value;
            largest = fmax(largest, fabs(value));
        }
    }
    return largest;
}

umbra_status umbra_emit_add_constants(umbra_emit *e, int tensor, int index, const double *offset,
                                      int *reg)
{
    const umbra_build *b = e->build;
    umbra_program_vector v = {.count = umbra_layout_period(&b->layouts[tensor])};
    void *values = NULL;
    const double constant = umbra_tensor_constant(&b->network.tensors[tensor]);
    double largest = fabs(b->factors[tensor] * constant);
    if (!b->network.no_offsets && (offset != NULL || constant != 0)) {
        UMBRA_TRY(umbra_memory_alloc_array(&values, v.count, sizeof(double), "a bias"));
        v.values = values;
        largest = fill(b, tensor, index, offset, values);
    }
    if (largest == 0 && constant == 0) {
        umbra_memory_free(values);
        return UMBRA_OK;
    }
    v.message_log2 = log2(largest);
    umbra_instruction i = {.op = UMBRA_DO_ADD_PLAIN, .a = *reg};
    UMBRA_TRY(umbra_program_add_vector(e->program, &v, &i.index));
    return umbra_emit_to_new(e, i, reg);
}
