/* A map whose rotations are made of a few: turned inputs before it, turned sums after it. */
#include "plan/emit_factor.h"

#include "base/memory.h"

static bool same_high(const umbra_rotation *a, const umbra_rotation *b)
{
    return a->group == b->group && a->high == b->high;
}

static umbra_status turn(umbra_emit *e, int from, int64_t by, int *reg)
{
    int64_t slots = (int64_t)umbra_params_slots(e->build->params);
    return umbra_emit_to_new(
        e, (umbra_instruction){.op = UMBRA_DO_ROTATE, .a = from, .slots = by & (slots - 1)}, reg);
}

static umbra_status add(umbra_emit *e, int a, int b, int *reg)
{
    if (a < 0 || b < 0) {
        *reg = a < 0 ? b : a;
        return UMBRA_OK;
    }
    return umbra_emit_to_new(e, (umbra_instruction){.op = UMBRA_DO_ADD, .a = a, .b = b}, reg);
}

/* The turns of one group's register by its high digits, and of those with high digit 0 by the
 * middle ones: neighbours, since all turn the same register. */
static umbra_status turn_first(umbra_emit *e, const umbra_rotation *r, size_t count, int base,
                               int *inputs)
{
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && same_high(&r[i], &r[i - 1]);
        int64_t by = r[i].high != 0 ? r[i].high : r[i].middle;
        bool same = again && (r[i].high != 0 || r[i].middle == r[i - 1].middle);
        inputs[i] = same ? inputs[i - 1] : base;
        if (!same && by != 0)
            UMBRA_TRY(turn(e, base, by, &inputs[i]));
    }
    return UMBRA_OK;
}

/* The turns by middle digits of those that are turned by a high one. */
static umbra_status turn_second(umbra_emit *e, const umbra_rotation *r, size_t count, int *inputs)
{
    int from = -1;
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && same_high(&r[i], &r[i - 1]);
        from = again ? from : inputs[i];
        if (r[i].high == 0 || r[i].middle == 0)
            continue;
        if (again && r[i].middle == r[i - 1].middle)
            inputs[i] = inputs[i - 1];
        else
            UMBRA_TRY(turn(e, from, r[i].middle, &inputs[i]));
    }
    return UMBRA_OK;
}

size_t umbra_emit_factor_sides(const umbra_rotation *rotations, size_t count)
{
    size_t sides = 0;
    for (size_t i = 0; i < count; i++)
        sides += i == 0 || !same_high(&rotations[i], &rotations[i - 1]) ||
                 rotations[i].middle != rotations[i - 1].middle;
    return sides;
}

umbra_status umbra_emit_factor_babies(umbra_emit *e, umbra_rotation *rotations, size_t count,
                                      const int *regs, int **inputs)
{
    int64_t slots = (int64_t)umbra_params_slots(e->build->params);
    void *made = NULL;
    umbra_rotations_cut(rotations, count, slots, UMBRA_ROTATION_BABIES);
    *inputs = NULL;
    if (umbra_emit_factor_sides(rotations, count) > UMBRA_FACTOR_SIDES)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count + 1, sizeof(int), "a map"));
    int *out = made;
    umbra_status status = UMBRA_OK;
    for (size_t first = 0, end; status == UMBRA_OK && first < count; first = end) {
        const umbra_rotation *r = rotations + first;
        for (end = first; end < count && rotations[end].group == r->group;)
            end++;
        status = turn_first(e, r, end - first, regs[r->group], out + first);
        if (status == UMBRA_OK)
            status = turn_second(e, r, end - first, out + first);
    }
    if (status != UMBRA_OK) {
        umbra_memory_free(out);
        return status;
    }
    *inputs = out;
    return UMBRA_OK;
}

/* A sum that is to be turned by a digit. */
typedef struct part {
    int64_t digit;
    int reg;
} part;

/* Sum of all parts, each turned by its digit, in ascending order of digits: from both ends to 0,
 * one difference after the other. */
static umbra_status gather(umbra_emit *e, const part *parts, size_t count, int *out)
{
    size_t zero = 0;
    int below = -1, above = -1, middle = -1;
    for (; zero < count && parts[zero].digit < 0; zero++) {
        int64_t next = zero + 1 < count && parts[zero + 1].digit < 0 ? parts[zero + 1].digit : 0;
        UMBRA_TRY(add(e, below, parts[zero].reg, &below));
        UMBRA_TRY(turn(e, below, parts[zero].digit - next, &below));
    }
    for (size_t i = count; i-- > zero && parts[i].digit > 0;) {
        int64_t next = i > zero ? parts[i - 1].digit : 0;
        UMBRA_TRY(add(e, above, parts[i].reg, &above));
        UMBRA_TRY(turn(e, above, parts[i].digit - next, &above));
    }
    if (zero < count && parts[zero].digit == 0)
        middle = parts[zero].reg;
    UMBRA_TRY(add(e, middle, above, out));
    return add(e, *out, below, out);
}

umbra_status umbra_emit_factor_giants(umbra_emit *e, const umbra_rotation *rotations, size_t count,
                                      const int *sums, int group, int *out)
{
    void *made = NULL;
    size_t at = 0, high_count = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * count + 2, sizeof(part), "a map"));
    part *highs = made, *middles = highs + count + 1;
    umbra_status status = UMBRA_OK;
    while (at < count && rotations[at].group != group)
        at++;
    while (status == UMBRA_OK && at < count && rotations[at].group == group) {
        size_t middle_count = 0, first = at;
        for (; at < count && same_high(&rotations[at], &rotations[first]); at++)
            if (at == first || rotations[at].middle != rotations[at - 1].middle)
                middles[middle_count++] = (part){rotations[at].middle, sums[at]};
        highs[high_count].digit = rotations[first].high;
        status = gather(e, middles, middle_count, &highs[high_count++].reg);
    }
    if (status == UMBRA_OK)
        status = gather(e, highs, high_count, out);
    umbra_memory_free(made);
    return status;
}
