/* One step of linear maps: the map, then bias, sums, direct terms and the rescaling of each result.
 */
#include "base/memory.h"
#include "plan/emit.h"

#include <stdio.h>

/* result += coefficient * term's tensor, which is raised to the scale of the result in one product.
 */
static umbra_status add_direct(umbra_emit *e, int linear, int term, int index, double scale_log2,
                               int *result)
{
    const umbra_linear *l = &e->build->network.linears[linear];
    int reg = -1;
    UMBRA_TRY(umbra_emit_at_depth(e, l->terms[term].tensor, index, l->depth,
                                  umbra_emit_slot_coefficient(e->build, linear, term), scale_log2,
                                  &reg));
    if (*result < 0) {
        *result = reg;
        return UMBRA_OK;
    }
    return umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_ADD, .a = *result, .b = reg},
                             result);
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
    if (set != NULL && umbra_diagonal_set_is_complex(set))
        UMBRA_TRY(umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_REAL, .a = *reg}, reg));
    for (int k = 0; k < l->term_count; k++)
        if (b->facts[linear]->direct[k])
            UMBRA_TRY(add_direct(e, linear, k, index, scale, reg));
    if (*reg < 0)
        return umbra_fail(UMBRA_E_MODEL, "\"%s\" does not depend on the input",
                          umbra_network_name(&b->network, l->tensor));
    return umbra_emit_add_constants(e, l->tensor, index, l->offset, reg);
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

static void explain(umbra_emit *e, const int *linears, int count)
{
    umbra_build *b = e->build;
    umbra_step_info *step = &b->steps[e->step];
    int composed = 0;
    bool halved = false, joined = false;
    for (int i = 0; i < count; i++) {
        composed += b->network.linears[linears[i]].composed;
        const umbra_diagonal_set *set = b->facts[linears[i]]->set;
        halved |= set != NULL && set->half_slots != 0;
        joined |= set != NULL && set->joined;
        step->tensors[step->tensor_count++] = b->network.linears[linears[i]].tensor;
    }
    const char *how =
        composed > 0 ? "composed with the map before it: more diagonals, one level saved"
        : b->network.linears[linears[0]].depth == 0 ? "the input is fresh: its scale may be low"
        : b->schedule.low[b->network.linears[linears[0]].depth]
            ? "reads a kept sum: one cheap level, few diagonals"
            : "linear nodes in a row are one map";
    bool factored = b->network.linears[linears[0]].depth < b->factored_depths;
    snprintf(step->why, sizeof step->why, "%s%s%s%s%s", how,
             count > 1 ? "; two results share the rotations" : "",
             halved ? "; pairs of diagonals in one complex product" : "",
             joined ? "; pairs of ciphertexts as one complex one" : "",
             factored ? "; rotations made of a few, for fewer keys" : "");
}

static umbra_status finish_all(umbra_emit *e, const int *linears, int count, int *regs)
{
    const umbra_build *b = e->build;
    int at = 0;
    for (int i = 0; i < count; i++) {
        int n = b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
        for (int k = 0; k < n; k++)
            UMBRA_TRY(finish_one(e, linears[i], k, b->facts[linears[i]]->set, &regs[at + k]));
        at += n;
    }
    at = 0;
    for (int i = 0; i < count; i++) {
        UMBRA_TRY(rescale_all(e, linears[i], regs + at));
        at += b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
    }
    return UMBRA_OK;
}

umbra_status umbra_emit_linears(umbra_emit *e, const int *linears, int count)
{
    umbra_build *b = e->build;
    int outputs = 0;
    void *made = NULL;
    for (int i = 0; i < count; i++)
        outputs += b->layouts[b->network.linears[linears[i]].tensor].ciphertexts;
    UMBRA_TRY(umbra_emit_step(e, "linear", b->network.linears[linears[count - 1]].tensor));
    explain(e, linears, count);
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)outputs, sizeof(int), "a program"));
    int *regs = made;
    for (int i = 0; i < outputs; i++)
        regs[i] = -1;
    umbra_status status =
        umbra_emit_map(e, linears, count, b->network.linears[linears[0]].depth, regs);
    if (status == UMBRA_OK)
        status = finish_all(e, linears, count, regs);
    umbra_memory_free(made);
    return status;
}
