/* From a network to a program: squares and maps depth by depth. */
#include "plan/emit.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>

int umbra_emit_level(const umbra_emit *e, int depth)
{
    return e->build->schedule.depth - depth;
}

double umbra_emit_tensor_scale(const umbra_emit *e, int tensor)
{
    const umbra_tensor *t = &e->build->network.tensors[tensor];
    const umbra_schedule *s = &e->build->schedule;
    return umbra_tensor_is_product(t) ? 2 * s->scale[t->depth] : s->scale[t->depth];
}

/* Exactly what brings the product to the wanted scale after the division by the actual primes. */
double umbra_emit_weight_scale(const umbra_emit *e, int depth)
{
    const umbra_schedule *s = &e->build->schedule;
    return s->scale[depth + 1] +
           umbra_params_rescale_log2(e->build->params, umbra_emit_level(e, depth)) -
           s->in_scale[depth];
}

double umbra_emit_slot_coefficient(const umbra_build *build, int linear, int term)
{
    const umbra_linear *l = &build->network.linears[linear];
    return l->terms[term].coefficient * build->factors[l->tensor] /
           build->factors[l->terms[term].tensor];
}

umbra_status umbra_emit_step(umbra_emit *e, const char *kind, int tensor)
{
    umbra_build *b = e->build;
    const size_t count = (size_t)e->program->step_count;
    UMBRA_TRY(umbra_memory_grow(&b->steps, count, count + 1, &e->step_capacity, sizeof *b->steps,
                                "a program"));
    e->step = e->program->step_count++;
    b->steps[e->step] = (umbra_step_info){.kind = kind, .node_tensor = tensor};
    return UMBRA_OK;
}

umbra_status umbra_emit_to_new(umbra_emit *e, umbra_instruction i, int *out)
{
    i.step = e->step;
    i.out = e->program->register_count++;
    *out = i.out;
    return umbra_program_append(e->program, &i);
}

/* Whether the primes of level `to` are all in level `from`, so that dropping leads there. */
static bool nested(const umbra_emit *e, int from, int to)
{
    const umbra_params *params = e->build->params;
    return (umbra_params_level_set(params, to) & ~umbra_params_level_set(params, from)) == 0;
}

umbra_status umbra_emit_at_depth(umbra_emit *e, int tensor, int index, int depth, double value,
                                 double scale_log2, int *reg)
{
    int from = umbra_emit_level(e, e->build->network.tensors[tensor].depth);
    int to = umbra_emit_level(e, depth);
    double bits = scale_log2 - umbra_emit_tensor_scale(e, tensor);
    bool dropped = nested(e, from, to);
    *reg = e->build->first_register[tensor] + index;
    if (bits < -1e-9)
        return umbra_fail(UMBRA_E_INTERNAL, "a map at depth %d reads a scale above its own", depth);
    if (dropped && from != to)
        UMBRA_TRY(umbra_emit_to_new(
            e, (umbra_instruction){.op = UMBRA_DO_DROP, .a = *reg, .index = to}, reg));
    for (int level = from; !dropped && level > to; level--)
        bits += umbra_params_rescale_log2(e->build->params, level);
    if (bits > 1e-9 || value != 1)
        UMBRA_TRY(umbra_emit_to_new(
            e, (umbra_instruction){.op = UMBRA_DO_RAISE, .a = *reg, .value = value, .bits = bits},
            reg));
    for (int level = from; !dropped && level > to; level--)
        UMBRA_TRY(umbra_emit_to_new(e,
                                    (umbra_instruction){.op = UMBRA_DO_RESCALE,
                                                        .a = *reg,
                                                        .value = log2(fmax(fabs(value), 0x1p-40))},
                                    reg));
    return UMBRA_OK;
}

static umbra_status emit_input(umbra_emit *e)
{
    umbra_build *b = e->build;
    int tensor = b->network.input, count = b->layouts[tensor].ciphertexts;
    UMBRA_TRY(umbra_emit_step(e, "input", tensor));
    b->steps[e->step].tensors[b->steps[e->step].tensor_count++] = tensor;
    snprintf(b->steps[e->step].why, sizeof b->steps[e->step].why, "%d ciphertext%s from the client",
             count, count == 1 ? "" : "s");
    b->first_register[tensor] = e->program->register_count;
    for (int k = 0; k < count; k++) {
        int reg = -1;
        UMBRA_TRY(
            umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_INPUT, .index = k}, &reg));
    }
    return UMBRA_OK;
}

/* The squares, then what is added to them: a tensor's registers follow each other. */
static umbra_status emit_square(umbra_emit *e, int tensor)
{
    umbra_build *b = e->build;
    const umbra_tensor *t = &b->network.tensors[tensor];
    const int count = b->layouts[tensor].ciphertexts;
    UMBRA_TRY(umbra_emit_step(e, "square", tensor));
    b->steps[e->step].tensors[b->steps[e->step].tensor_count++] = tensor;
    if (t->part != 0)
        snprintf(b->steps[e->step].why, sizeof b->steps[e->step].why,
                 "a power on the way to the polynomial; not rescaled");
    else if (t->shift == 0)
        snprintf(b->steps[e->step].why, sizeof b->steps[e->step].why,
                 "a*x^2+b*x+c as a square alone, the rest in the map after; not rescaled");
    else
        snprintf(b->steps[e->step].why, sizeof b->steps[e->step].why,
                 "a*x^2+b*x+c as (x%+.3g)^2%+.3g, the rest in the maps before and after; not "
                 "rescaled",
                 t->shift, umbra_tensor_constant(t));
    const int squares = e->program->register_count;
    b->first_register[tensor] = squares;
    for (int k = 0; k < count; k++) {
        int reg = -1;
        UMBRA_TRY(umbra_emit_to_new(
            e, (umbra_instruction){.op = UMBRA_DO_SQUARE, .a = b->first_register[t->source] + k},
            &reg));
    }
    for (int k = 0; umbra_tensor_constant(t) != 0 && k < count; k++) {
        int reg = squares + k;
        UMBRA_TRY(umbra_emit_add_constants(e, tensor, k, NULL, &reg));
        b->first_register[tensor] = k == 0 ? reg : b->first_register[tensor];
    }
    return UMBRA_OK;
}

static umbra_status emit_product(umbra_emit *e, int tensor)
{
    umbra_build *b = e->build;
    const umbra_tensor *t = &b->network.tensors[tensor];
    umbra_step_info *step = NULL;
    UMBRA_TRY(umbra_emit_step(e, "product", tensor));
    step = &b->steps[e->step];
    step->tensors[step->tensor_count++] = tensor;
    snprintf(step->why, sizeof step->why, "two tensors of one layout and level; not rescaled");
    b->first_register[tensor] = e->program->register_count;
    for (int k = 0; k < b->layouts[tensor].ciphertexts; k++) {
        int reg = -1;
        UMBRA_TRY(umbra_emit_to_new(e,
                                    (umbra_instruction){.op = UMBRA_DO_MULTIPLY,
                                                        .a = b->first_register[t->source] + k,
                                                        .b = b->first_register[t->other] + k},
                                    &reg));
    }
    return UMBRA_OK;
}

static bool share_a_tensor(const umbra_linear *a, const umbra_linear *b)
{
    for (int i = 0; i < a->term_count; i++)
        for (int k = 0; k < b->term_count; k++)
            if (a->terms[i].tensor == b->terms[k].tensor)
                return true;
    return false;
}

/* Linears of a depth that read a common tensor share its rotations: one map. */
static umbra_status emit_depth(umbra_emit *e, int depth)
{
    const umbra_network *n = &e->build->network;
    int group[8], count = 0;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)n->linear_count + 1, sizeof(bool), "a plan"));
    bool *done = made;
    umbra_status status = UMBRA_OK;
    for (int i = 0; status == UMBRA_OK && i < n->linear_count; i++) {
        const umbra_linear *first = &n->linears[i];
        if (done[i] || first->depth != depth || !n->tensors[first->tensor].used)
            continue;
        count = 0;
        for (int k = i; k < n->linear_count && count < 8; k++) {
            const umbra_linear *other = &n->linears[k];
            if (done[k] || other->depth != depth || !n->tensors[other->tensor].used ||
                (k != i && !share_a_tensor(first, other)))
                continue;
            group[count++] = k;
            done[k] = true;
        }
        status = umbra_emit_linears(e, group, count);
    }
    umbra_memory_free(made);
    return status;
}

static umbra_status emit_output(umbra_emit *e)
{
    umbra_build *b = e->build;
    int tensor = b->network.output;
    UMBRA_TRY(umbra_emit_step(e, "output", tensor));
    b->steps[e->step].tensors[b->steps[e->step].tensor_count++] = tensor;
    snprintf(b->steps[e->step].why, sizeof b->steps[e->step].why,
             "at the lowest level, so that few bytes go back; %s",
             b->layouts[tensor].images > 1
                 ? "slots between the outputs hold parts of sums over the same client's images"
                 : "slots that hold no output are zero");
    for (int k = 0; k < b->layouts[tensor].ciphertexts; k++) {
        umbra_instruction i = {
            .op = UMBRA_DO_OUTPUT, .step = e->step, .a = b->first_register[tensor] + k, .index = k};
        UMBRA_TRY(umbra_program_append(e->program, &i));
    }
    return UMBRA_OK;
}

umbra_status umbra_build_program(umbra_build *build)
{
    const umbra_network *n = &build->network;
    umbra_emit e = {.build = build, .program = &build->program};
    UMBRA_TRY(emit_input(&e));
    for (int depth = 0; depth < n->depth; depth++) {
        for (int i = 0; i < n->tensor_count; i++) {
            const umbra_tensor *t = &n->tensors[i];
            if (t->used && t->kind == UMBRA_TENSOR_SQUARE && t->depth == depth)
                UMBRA_TRY(emit_square(&e, i));
            if (t->used && t->kind == UMBRA_TENSOR_PRODUCT && t->depth == depth)
                UMBRA_TRY(emit_product(&e, i));
        }
        UMBRA_TRY(emit_depth(&e, depth));
    }
    UMBRA_TRY(emit_output(&e));
    return umbra_program_finish(&build->program);
}
