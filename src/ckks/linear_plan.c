/* Checks of a linear map, and the lists of rotations and groups that it falls into. */
#include "ckks/linear_internal.h"

#include "base/memory.h"

static umbra_status check_inputs(const umbra_evaluator *e, const umbra_ciphertext *const *in,
                                 const umbra_linear_map *map)
{
    if (map->input_count < 1 || map->output_count < 1 || map->diagonal_count < 1)
        return umbra_fail(UMBRA_E_USAGE, "a linear map of %d inputs, %d outputs and %zu diagonals",
                          map->input_count, map->output_count, map->diagonal_count);
    for (int i = 0; i < map->input_count; i++) {
        UMBRA_TRY(umbra_check_input(e, in[i], 2));
        if (in[i]->parts != 2)
            return umbra_fail(UMBRA_E_MISMATCH, "input %d has %d parts; relinearise it first", i,
                              in[i]->parts);
        UMBRA_TRY(umbra_check_levels(in[0]->level, in[i]->level));
        UMBRA_TRY(umbra_check_scales(in[0]->scale_log2, in[i]->scale_log2));
        if (in[i]->key_id != in[0]->key_id)
            return umbra_fail(UMBRA_E_MISMATCH, "inputs 0 and %d are under different keys", i);
    }
    return umbra_check_product_scale(e->params, in[0]->level,
                                     in[0]->scale_log2 + map->weight_scale_log2);
}

static int follows(const umbra_diagonal *a, const umbra_diagonal *b)
{
    if (a->output != b->output)
        return a->output < b->output;
    if (a->giant_slots != b->giant_slots)
        return a->giant_slots < b->giant_slots;
    if (a->input != b->input)
        return a->input < b->input;
    return a->baby_slots < b->baby_slots;
}

static umbra_status check_diagonals(const umbra_evaluator *e, const umbra_linear_map *map)
{
    const int64_t slots = (int64_t)(e->degree / 2);
    int output = -1;
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const umbra_diagonal *d = &map->diagonals[i];
        const int kinds =
            (d->coefficients_i32 != NULL) + (d->coefficients_i64 != NULL) + (d->limbs != NULL);
        if (d->output < 0 || d->output >= map->output_count || d->input < 0 ||
            d->input >= map->input_count || d->giant_slots < 0 || d->giant_slots >= slots ||
            d->baby_slots < 0 || d->baby_slots >= slots || (map->stream == NULL && kinds != 1) ||
            d->fold_log2 < 0 ||
            e->params->literal.degree_log2 - d->fold_log2 < UMBRA_FOLDED_MIN_LOG2)
            return umbra_fail(
                UMBRA_E_USAGE,
                "diagonal %zu (output %d, input %d, giant %lld, baby %lld, %d kinds of "
                "weights) is out of range",
                i, d->output, d->input, (long long)d->giant_slots, (long long)d->baby_slots, kinds);
        const uintptr_t place =
            (uintptr_t)d->coefficients_i32 | (uintptr_t)d->coefficients_i64 | (uintptr_t)d->limbs;
        if (place % UMBRA_ALIGNMENT != 0)
            return umbra_fail(UMBRA_E_USAGE, "diagonal %zu: weights are not aligned to %d bytes", i,
                              UMBRA_ALIGNMENT);
        if (i > 0 && !follows(d - 1, d))
            return umbra_fail(UMBRA_E_USAGE,
                              "diagonal %zu is not in order (output, giant, input, baby)", i);
        if (d->output > output + 1)
            break;
        output = d->output;
    }
    if (output != map->output_count - 1)
        return umbra_fail(UMBRA_E_USAGE, "output %d of a linear map has no diagonal", output + 1);
    return UMBRA_OK;
}

static umbra_status reserve_tables(umbra_evaluator *e, umbra_linear_plan *plan, size_t count)
{
    const size_t each = sizeof *plan->rotations + sizeof *plan->groups + 4 * sizeof(uint64_t *) +
                        3 * sizeof(uint32_t) + 1;
    void *memory = NULL;
    if (count > SIZE_MAX / each || count > UINT32_MAX)
        return umbra_fail(UMBRA_E_RESOURCE, "%zu diagonals are too many", count);
    if (e->tables_bytes < count * each) {
        UMBRA_TRY(umbra_memory_alloc(&memory, count * each, "lists of a linear map"));
        umbra_memory_free(e->tables);
        e->tables = memory;
        e->tables_bytes = count * each;
    }
    *plan = (umbra_linear_plan){.rotations = e->tables};
    plan->groups = (umbra_linear_group *)(void *)(plan->rotations + count);
    plan->words[0] = (const uint64_t **)(void *)(plan->groups + count);
    for (int k = 1; k < 4; k++)
        plan->words[k] = plan->words[k - 1] + count;
    plan->rotation_of = (uint32_t *)(void *)(plan->words[3] + count);
    for (int k = 0; k < 2; k++)
        plan->rows[k] = plan->rotation_of + (size_t)(k + 1) * count;
    plan->symmetric = (unsigned char *)(void *)(plan->rows[1] + count);
    return UMBRA_OK;
}

static umbra_status find_key(const umbra_evaluator *e, const umbra_ciphertext *a, int64_t step,
                             const umbra_switch_key **key)
{
    *key = NULL;
    if (step == 0)
        return UMBRA_OK;
    umbra_status status =
        umbra_check_key(e, a, umbra_galois_of_rotation(e->params->literal.degree_log2, step), key);
    return status == UMBRA_OK ? status
                              : umbra_fail_within(status, "rotation by %lld", (long long)step);
}

static umbra_status list_rotation(const umbra_evaluator *e, umbra_linear_plan *plan,
                                  const umbra_ciphertext *a, const umbra_diagonal *d, size_t index)
{
    size_t r = 0;
    while (r < plan->rotation_count &&
           (plan->rotations[r].input != d->input || plan->rotations[r].baby_slots != d->baby_slots))
        r++;
    plan->rotation_of[index] = (uint32_t)r;
    if (r < plan->rotation_count)
        return UMBRA_OK;
    umbra_linear_rotation *rotation = &plan->rotations[plan->rotation_count++];
    *rotation = (umbra_linear_rotation){.input = d->input, .baby_slots = d->baby_slots};
    return find_key(e, a, d->baby_slots, &rotation->key);
}

static umbra_status list_group(const umbra_evaluator *e, umbra_linear_plan *plan,
                               const umbra_ciphertext *a, const umbra_diagonal *d, size_t index)
{
    if (index > 0 && d->output == d[-1].output && d->giant_slots == d[-1].giant_slots) {
        plan->groups[plan->group_count - 1].count++;
        return UMBRA_OK;
    }
    umbra_linear_group *group = &plan->groups[plan->group_count++];
    *group = (umbra_linear_group){.output = d->output, .first = index, .count = 1};
    return find_key(e, a, d->giant_slots, &group->key);
}

/* All keys of the map come into memory together, on all threads. */
static umbra_status ready_keys(const umbra_evaluator *e, int level, const umbra_linear_map *map)
{
    const int degree_log2 = e->params->literal.degree_log2;
    if (e->keys == NULL || e->keys->source == NULL)
        return UMBRA_OK;
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const int64_t steps[2] = {map->diagonals[i].baby_slots, map->diagonals[i].giant_slots};
        for (int k = 0; k < 2; k++) {
            const umbra_switch_key *key = umbra_evaluation_keys_find(
                e->keys, umbra_galois_of_rotation(degree_log2, steps[k]), level);
            if (steps[k] != 0 && key != NULL)
                umbra_key_source_want(e->keys, key);
        }
    }
    return umbra_key_source_make_ready(e->keys, NULL, e->pool);
}

umbra_status umbra_linear_plan_make(umbra_evaluator *e, umbra_linear_plan *plan,
                                    const umbra_ciphertext *const *in, const umbra_linear_map *map)
{
    UMBRA_TRY(check_inputs(e, in, map));
    UMBRA_TRY(check_diagonals(e, map));
    UMBRA_TRY(reserve_tables(e, plan, map->diagonal_count));
    UMBRA_TRY(ready_keys(e, in[0]->level, map));
    for (size_t i = 0; i < map->diagonal_count; i++) {
        UMBRA_TRY(list_rotation(e, plan, in[0], &map->diagonals[i], i));
        UMBRA_TRY(list_group(e, plan, in[0], &map->diagonals[i], i));
    }
    return UMBRA_OK;
}
