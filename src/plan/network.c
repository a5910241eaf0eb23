/* Networks: their arrays, names and layouts. */
#include "plan/network.h"

#include "base/memory.h"
#include "plan/lower.h"

void umbra_network_free(umbra_network *network)
{
    for (int i = 0; i < network->linear_count; i++) {
        umbra_memory_free(network->linears[i].terms);
        umbra_memory_free(network->linears[i].offset);
    }
    umbra_memory_free(network->tensors);
    umbra_memory_free(network->linears);
    umbra_memory_free(network->candidates);
    *network = (umbra_network){0};
}

umbra_status umbra_network_add_tensor(umbra_network *network, const umbra_tensor *tensor,
                                      int *index)
{
    const size_t count = (size_t)network->tensor_count;
    *index = network->tensor_count;
    UMBRA_TRY(umbra_memory_grow(&network->tensors, count, count + 1, &network->tensor_capacity,
                                sizeof *tensor, "a network"));
    network->tensors[network->tensor_count++] = *tensor;
    return UMBRA_OK;
}

umbra_status umbra_network_add_linear(umbra_network *network, const umbra_linear *linear,
                                      int *index)
{
    const size_t count = (size_t)network->linear_count;
    *index = network->linear_count;
    UMBRA_TRY(umbra_memory_grow(&network->linears, count, count + 1, &network->linear_capacity,
                                sizeof *linear, "a network"));
    network->linears[network->linear_count++] = *linear;
    return UMBRA_OK;
}

umbra_status umbra_network_add_candidate(umbra_network *network, const umbra_candidate *candidate,
                                         int *index)
{
    const size_t count = (size_t)network->candidate_count;
    *index = network->candidate_count;
    UMBRA_TRY(umbra_memory_grow(&network->candidates, count, count + 1,
                                &network->candidate_capacity, sizeof *candidate, "a network"));
    network->candidates[network->candidate_count++] = *candidate;
    return UMBRA_OK;
}

double umbra_tensor_constant(const umbra_tensor *tensor)
{
    return tensor->kind == UMBRA_TENSOR_SQUARE ? -tensor->shift * tensor->shift : tensor->shift;
}

bool umbra_tensor_is_product(const umbra_tensor *tensor)
{
    return tensor->kind == UMBRA_TENSOR_SQUARE || tensor->kind == UMBRA_TENSOR_PRODUCT;
}

bool umbra_network_has_product(const umbra_network *network, int depth)
{
    for (int i = 0; i < network->tensor_count; i++) {
        const umbra_tensor *t = &network->tensors[i];
        if (t->used && umbra_tensor_is_product(t) && t->depth == depth)
            return true;
    }
    for (int k = 0; k < network->linear_count; k++) {
        const umbra_linear *linear = &network->linears[k];
        for (int j = 0; j < linear->term_count; j++)
            if (linear->depth == depth && network->tensors[linear->tensor].used &&
                umbra_tensor_is_product(&network->tensors[linear->terms[j].tensor]))
                return true;
    }
    return false;
}

const char *umbra_network_name(const umbra_network *network, int tensor)
{
    const umbra_tensor *t = &network->tensors[tensor];
    if (t->kind == UMBRA_TENSOR_INPUT)
        return network->graph->values[t->value].name;
    return network->graph->nodes[t->node].name;
}

umbra_status umbra_value_geometry(const umbra_graph *graph, int value, int *channels, int *height,
                                  int *width)
{
    const umbra_value *v = &graph->values[value];
    const umbra_shape *s = &v->shape;
    bool image = s->rank == 4, row = s->rank == 3, vector = s->rank == 2 || s->rank == 1;
    int64_t batch = s->rank > 1 ? s->dim[0] : 1;
    if ((!image && !row && !vector) || batch != 1 || umbra_shape_elements(s) <= 0)
        return umbra_fail(UMBRA_E_MODEL,
                          "\"%s\" is not one image [1, C, H, W], one sequence [1, C, L] or one "
                          "vector [1, n]: export the model with batch 1",
                          v->name);
    if (umbra_shape_elements(s) > (int64_t)1 << 24)
        return umbra_fail(UMBRA_E_MODEL, "\"%s\" has more than 2^24 elements", v->name);
    *channels = (int)s->dim[vector ? s->rank - 1 : 1];
    *height = image || row ? (int)s->dim[2] : 1;
    *width = image ? (int)s->dim[3] : 1;
    return UMBRA_OK;
}

umbra_status umbra_network_layout(const umbra_network *network, int tensor, size_t slots,
                                  umbra_layout *out)
{
    const umbra_tensor *t = &network->tensors[tensor];
    size_t room = slots / (size_t)network->images;
    umbra_status status;
    if (t->height == 1 && t->width == 1)
        status = umbra_layout_modular(out, t->channels, room);
    else if (t->gap < 0)
        status = umbra_layout_phased(out, t->channels, t->height, t->width, network->grid_height,
                                     network->grid_width, -t->gap, room);
    else
        status =
            umbra_layout_multiplexed(out, t->channels, t->height, t->width, network->grid_height,
                                     network->grid_width, t->gap == 0 ? 1 : t->gap, room);
    if (status == UMBRA_OK)
        status = umbra_layout_set_images(out, network->images);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "\"%s\"", umbra_network_name(network, tensor));
    return UMBRA_OK;
}
