/* One step of linear maps: the map, then bias, sums, direct terms and the rescaling of each result.
 */
#include "base/memory.h"
#include "plan/emit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool same_place(const umbra_layout *a, const umbra_layout *b)
{
    return a->kind == b->kind && a->channels == b->channels && a->height == b->height &&
           a->width == b->width && a->ciphertexts == b->ciphertexts && a->gap == b->gap &&
           a->copies == b->copies && a->modulus == b->modulus;
}

bool umbra_term_is_direct(const umbra_network *network, const umbra_layout *layouts, int linear,
                          int term)
{
    const umbra_linear *l = &network->linears[linear];
    return umbra_matrices_is_identity(network->matrices, l->terms[term].matrix) &&
           same_place(&layouts[l->tensor], &layouts[l->terms[term].tensor]);
}

umbra_diagonal_cost umbra_diagonal_cost_at(const umbra_cost_model *model, umbra_cost_shape shape,
                                           size_t fold)
{
    return (umbra_diagonal_cost){.baby_ns = umbra_cost_inner(model, shape) +
                                            umbra_cost_mod_down(model, shape),
                                 .giant_ns = umbra_cost_key_switch(model, shape),
                                 .product_ns = umbra_cost_product(model, shape, fold)};
}

umbra_status umbra_linear_diagonals(umbra_diagonal_set **out, const umbra_network *network,
                                    const umbra_layout *layouts, int linear,
                                    const umbra_diagonal_cost *cost, umbra_diagonal_mode mode)
{
    const umbra_linear *l = &network->linears[linear];
    void *made = NULL;
    int count = 0, input = 0;
    *out = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&made, (size_t)l->term_count, sizeof(umbra_map_term), "a map"));
    umbra_map_term *terms = made;
    umbra_status status = UMBRA_OK;
    for (int k = 0; status == UMBRA_OK && k < l->term_count; k++) {
        const umbra_sparse *matrix = NULL;
        if (umbra_term_is_direct(network, layouts, linear, k))
            continue;
        status = umbra_matrices_get(network->matrices, l->terms[k].matrix, &matrix);
        const umbra_layout *layout = &layouts[l->terms[k].tensor];
        terms[count++] = (umbra_map_term){.matrix = matrix, .layout = layout, .input = input};
        input += layout->ciphertexts;
    }
    if (status == UMBRA_OK && count > 0)
        status = umbra_diagonals_make(out, terms, count, &layouts[l->tensor], cost, mode);
    umbra_memory_free(made);
    return status;
}

typedef struct set_job {
    umbra_emit *e;
    const int *linears;
    umbra_diagonal_set **sets;
} set_job;

static umbra_status make_one_set(void *context, size_t index, int worker)
{
    set_job *job = context;
    const umbra_build *b = job->e->build;
    int linear = job->linears[index];
    int depth = b->network.linears[linear].depth;
    umbra_cost_shape shape = umbra_cost_shape_at(b->params, umbra_emit_level(job->e, depth));
    size_t period = umbra_layout_period(&b->layouts[b->network.linears[linear].tensor]);
    umbra_diagonal_cost cost =
        umbra_diagonal_cost_at(&job->e->cost, shape, umbra_params_slots(b->params) / period);
    (void)worker;
    return umbra_linear_diagonals(&job->sets[index], &b->network, b->layouts, linear, &cost,
                                  job->e->mode);
}

/* Matrices first: two maps may read the same one. */
static umbra_status prepare_matrices(umbra_emit *e, const int *linears, int count, umbra_pool *pool)
{
    const umbra_network *n = &e->build->network;
    int ids[64], used = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < n->linears[linears[i]].term_count; k++) {
            int id = n->linears[linears[i]].terms[k].matrix;
            bool seen = false;
            for (int j = 0; j < used; j++)
                seen |= ids[j] == id;
            if (!seen && used < 64)
                ids[used++] = id;
        }
    return umbra_matrices_prepare(n->matrices, ids, used, pool);
}

static umbra_status make_sets(umbra_emit *e, const int *linears, int count,
                              umbra_diagonal_set **sets, umbra_pool *pool)
{
    set_job job = {.e = e, .linears = linears, .sets = sets};
    UMBRA_TRY(prepare_matrices(e, linears, count, pool));
    return umbra_pool_run(pool, (size_t)count, make_one_set, &job);
}

/* result += coefficient * term's tensor, which is raised to the scale of the result in one product.
 */
static umbra_status add_direct(umbra_emit *e, int linear, int term, int index, double scale_log2,
                               int *result)
{
    const umbra_linear *l = &e->build->network.linears[linear];
    int tensor = l->terms[term].tensor, reg = -1;
    double value = umbra_emit_slot_coefficient(e->build, linear, term);
    UMBRA_TRY(umbra_emit_at_depth(e, tensor, index, l->depth, &reg));
    UMBRA_TRY(umbra_emit_to_new(
        e,
        (umbra_instruction){.op = UMBRA_DO_RAISE,
                            .a = reg,
                            .value = value,
                            .bits = scale_log2 - umbra_emit_tensor_scale(e, tensor)},
        &reg));
    if (*result < 0) {
        *result = reg;
        return UMBRA_OK;
    }
    return umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_ADD, .a = *result, .b = reg},
                             result);
}

/* result += factor * (offset + shift), in every slot that holds an element. */
static umbra_status add_bias(umbra_emit *e, int linear, int index, int *result)
{
    const umbra_build *b = e->build;
    const umbra_linear *l = &b->network.linears[linear];
    const umbra_layout *layout = &b->layouts[l->tensor];
    size_t period = umbra_layout_period(layout), elements = umbra_layout_elements(layout);
    umbra_program_vector v = {.count = period};
    void *values = NULL;
    double largest = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&values, period, sizeof(double), "a bias"));
    v.values = values;
    for (size_t i = 0; i < elements; i++) {
        int ciphertext = 0;
        size_t slot = 0;
        umbra_layout_position(layout, i, &ciphertext, &slot);
        if (ciphertext != index)
            continue;
        v.values[slot] =
            b->factors[l->tensor] * (l->offset[i] + b->network.tensors[l->tensor].shift);
        largest = fmax(largest, fabs(v.values[slot]));
    }
    if (largest == 0) {
        umbra_memory_free(values);
        return UMBRA_OK;
    }
    v.message_log2 = log2(largest);
    umbra_instruction i = {.op = UMBRA_DO_ADD_PLAIN, .a = *result};
    UMBRA_TRY(umbra_program_add_vector(e->program, &v, &i.index));
    return umbra_emit_to_new(e, i, result);
}

/* From the map's result (or none: reg < 0) to the finished ciphertext. */
static umbra_status finish_one(umbra_emit *e, int linear, int index, const umbra_diagonal_set *set,
                               int *reg)
{
    const umbra_build *b = e->build;
    const umbra_linear *l = &b->network.linears[linear];
    double scale = b->schedule.in_scale[l->depth] + umbra_emit_weight_scale(e, l->depth);
    for (int k = 0; set != NULL && k < set->sum_count; k++)
        UMBRA_TRY(umbra_emit_to_new(
            e,
            (umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .a = *reg, .slots = set->sum_slots[k]},
            reg));
    if (set != NULL && set->half_slots != 0)
        UMBRA_TRY(umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_REAL, .a = *reg}, reg));
    for (int k = 0; k < l->term_count; k++)
        if (umbra_term_is_direct(&b->network, b->layouts, linear, k))
            UMBRA_TRY(add_direct(e, linear, k, index, scale, reg));
    if (*reg < 0)
        return umbra_fail(UMBRA_E_MODEL, "\"%s\" does not depend on the input",
                          umbra_network_name(&b->network, l->tensor));
    return add_bias(e, linear, index, reg);
}

/* Rescale all results of a linear into consecutive registers. */
static umbra_status rescale_all(umbra_emit *e, int linear, const int *regs)
{
    umbra_build *b = e->build;
    int tensor = b->network.linears[linear].tensor;
    b->first_register[tensor] = e->program->register_count;
    for (int k = 0; k < b->layouts[tensor].ciphertexts; k++) {
        int reg = -1;
        UMBRA_TRY(umbra_emit_to_new(
            e, (umbra_instruction){.op = UMBRA_DO_RESCALE, .a = regs[k], .value = 0}, &reg));
    }
    return UMBRA_OK;
}

static void explain(umbra_emit *e, const int *linears, int count, umbra_diagonal_set **sets)
{
    umbra_build *b = e->build;
    umbra_step_info *step = &b->steps[e->step];
    int composed = 0;
    bool halved = false;
    for (int i = 0; i < count; i++) {
        composed += b->network.linears[linears[i]].composed;
        halved |= sets[i] != NULL && sets[i]->half_slots != 0;
        step->tensors[step->tensor_count++] = b->network.linears[linears[i]].tensor;
    }
    const char *how = composed > 0
                          ? "composed with the map before it: more diagonals, one level saved"
                      : b->schedule.low[b->network.linears[linears[0]].depth]
                          ? "reads a kept sum: one cheap level, few diagonals"
                          : "linear nodes in a row are one map";
    snprintf(step->why, sizeof step->why, "%s%s%s", how,
             count > 1 ? "; two results share the rotations" : "",
             halved ? "; pairs of diagonals in one complex product" : "");
}

umbra_status umbra_emit_linears(umbra_emit *e, const int *linears, int count, umbra_pool *pool)
{
    umbra_build *b = e->build;
    umbra_diagonal_set *sets[8] = {NULL};
    int outputs = 0, at = 0;
    void *made = NULL;
    for (int i = 0; i < count; i++)
        outputs += b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
    UMBRA_TRY(umbra_emit_step(e, "linear", b->network.linears[linears[count - 1]].tensor));
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)outputs, sizeof(int), "a program"));
    int *regs = made;
    for (int i = 0; i < outputs; i++)
        regs[i] = -1;
    umbra_status status = make_sets(e, linears, count, sets, pool);
    if (status == UMBRA_OK) {
        explain(e, linears, count, sets);
        /* Takes the sets. */
        status =
            umbra_emit_map(e, linears, count, sets, b->network.linears[linears[0]].depth, regs);
    } else {
        for (int i = 0; i < count; i++)
            umbra_diagonal_set_free(sets[i]);
    }
    for (int i = 0; status == UMBRA_OK && i < count; i++) {
        int n = b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
        for (int k = 0; status == UMBRA_OK && k < n; k++)
            status = finish_one(e, linears[i], k, sets[i], &regs[at + k]);
        at += n;
    }
    at = 0;
    for (int i = 0; status == UMBRA_OK && i < count; i++) {
        status = rescale_all(e, linears[i], regs + at);
        at += b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
    }
    umbra_memory_free(made);
    return status;
}
