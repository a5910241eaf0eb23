/* Several diagonal sets that read the same tensors become one map with several outputs. */
#include "base/memory.h"
#include "plan/emit_factor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROTATIONS_MOST 2048 /* that are looked at for a few that make them */

/* A diagonal of the merged map, and where it comes from. */
typedef struct merged {
    umbra_map_diagonal diagonal;
    uint32_t set, index;
} merged;

typedef struct merge {
    umbra_emit *e;
    const int *linears;
    int count, depth;
    const umbra_diagonal_set **sets; /* borrowed from the source */
    umbra_emit_input *inputs;        /* of the merged map */
    int input_count;
    size_t input_capacity;
    int *input_of; /* by set and input of the set, flattened with stride */
    int stride;
    /* Where rotations are made of a few: those of outputs, and for each the map's output that
     * holds its sum. */
    umbra_rotation *giants;
    size_t giant_count;
    int *sum_of, sum_count;
} merge;

/* One entry for each (tensor, ciphertext, half, joined). */
static umbra_status find_input(merge *m, umbra_emit_input wanted, int *index)
{
    for (int i = 0; i < m->input_count; i++)
        if (m->inputs[i].tensor == wanted.tensor && m->inputs[i].ciphertext == wanted.ciphertext &&
            m->inputs[i].half_slots == wanted.half_slots && m->inputs[i].joined == wanted.joined) {
            *index = i;
            return UMBRA_OK;
        }
    if ((size_t)m->input_count == m->input_capacity)
        return umbra_fail(UMBRA_E_INTERNAL, "a map has more inputs than were counted");
    UMBRA_TRY(umbra_emit_at_depth(m->e, wanted.tensor, wanted.ciphertext, m->depth, 1,
                                  m->e->build->schedule.in_scale[m->depth], &wanted.reg));
    if (wanted.half_slots != 0)
        UMBRA_TRY(umbra_emit_to_new(
            m->e,
            (umbra_instruction){.op = UMBRA_DO_PAIR, .a = wanted.reg, .slots = wanted.half_slots},
            &wanted.reg));
    if (wanted.joined) {
        int next = -1;
        UMBRA_TRY(umbra_emit_at_depth(m->e, wanted.tensor, wanted.ciphertext + 1, m->depth, 1,
                                      m->e->build->schedule.in_scale[m->depth], &next));
        UMBRA_TRY(umbra_emit_to_new(
            m->e, (umbra_instruction){.op = UMBRA_DO_JOIN, .a = wanted.reg, .b = next},
            &wanted.reg));
    }
    *index = m->input_count;
    m->inputs[m->input_count++] = wanted;
    return UMBRA_OK;
}

/* Coefficients and merged inputs of one set, input by input. */
static umbra_status take_set(merge *m, int set, umbra_weight_source *source)
{
    const umbra_build *b = m->e->build;
    const umbra_linear *l = &b->network.linears[m->linears[set]];
    void *made = NULL;
    int local = 0;
    if (m->sets[set] == NULL)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)m->sets[set]->input_count, sizeof(double),
                                       "a map"));
    source->coefficients[set] = made;
    for (int k = 0; k < l->term_count; k++) {
        int tensor = l->terms[k].tensor;
        if (b->facts[m->linears[set]]->direct[k])
            continue;
        for (int c = 0; c < b->layouts[tensor].ciphertexts; c++, local++) {
            bool joined = m->sets[set]->joined;
            umbra_emit_input wanted = {.tensor = tensor,
                                       .ciphertext = c,
                                       .half_slots = m->sets[set]->half_slots,
                                       .joined = joined && c + 1 < b->layouts[tensor].ciphertexts};
            if (joined && c % 2 == 1) /* it is the one before it that diagonals name */
                continue;
            source->coefficients[set][local] = umbra_emit_slot_coefficient(b, m->linears[set], k);
            UMBRA_TRY(find_input(m, wanted, &m->input_of[set * m->stride + local]));
        }
    }
    return UMBRA_OK;
}

/* A rotation of a group, and where it stands among those that are cut. */
typedef struct place {
    int group;
    int64_t slots;
    size_t at;
} place;

static int by_slots(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->slots > y->slots) - (x->slots < y->slots);
}

static place place_of(const merge *m, const umbra_map_diagonal *d, umbra_rotation_use use)
{
    bool babies = use == UMBRA_ROTATION_BABIES;
    return (place){.group = babies ? d->input : d->output,
                   .slots =
                       umbra_rotation_centred(babies ? d->baby_slots : d->giant_slots,
                                              (int64_t)umbra_params_slots(m->e->build->params))};
}

/* Distinct rotations of the diagonals, ascending; `places` and `rotations` have room for all. */
static size_t distinct(const merge *m, const merged *all, size_t total, umbra_rotation_use use,
                       place *places, umbra_rotation *rotations)
{
    size_t count = 0;
    for (size_t i = 0; i < total; i++)
        places[i] = place_of(m, &all[i].diagonal, use);
    qsort(places, total, sizeof *places, by_slots);
    for (size_t i = 0; i < total; i++) {
        if (count > 0 && by_slots(&places[i], &places[count - 1]) == 0)
            continue;
        places[count] = places[i];
        rotations[count++] = (umbra_rotation){.group = places[i].group, .slots = places[i].slots};
    }
    return count;
}

/* After the cut: where each rotation stands, to be found by what a diagonal says. */
static void index_places(const umbra_rotation *rotations, size_t count, place *places)
{
    for (size_t i = 0; i < count; i++)
        places[i] = (place){rotations[i].group, rotations[i].slots, i};
    qsort(places, count, sizeof *places, by_slots);
}

static size_t find_place(const merge *m, const merged *one, umbra_rotation_use use,
                         const place *places, size_t count)
{
    place wanted = place_of(m, &one->diagonal, use);
    const place *found = bsearch(&wanted, places, count, sizeof *places, by_slots);
    return found->at;
}

/* Turned inputs beside those that are there: inputs[k] becomes the number of rotation k's. */
static umbra_status add_inputs(merge *m, const umbra_rotation *rotations, size_t count, int *inputs)
{
    int old = m->input_count;
    UMBRA_TRY(umbra_memory_grow(&m->inputs, (size_t)old, (size_t)old + count, &m->input_capacity,
                                sizeof *m->inputs, "a map"));
    for (size_t k = 0; k < count; k++) {
        int group = rotations[k].group, reg = inputs[k];
        inputs[k] = group;
        if (reg == m->inputs[group].reg)
            continue;
        if (m->input_count == old || m->inputs[m->input_count - 1].reg != reg) {
            m->inputs[m->input_count] = m->inputs[group];
            m->inputs[m->input_count++].reg = reg;
        }
        inputs[k] = m->input_count - 1;
    }
    return UMBRA_OK;
}

static umbra_status factor_babies(merge *m, merged *all, size_t total, place *places,
                                  umbra_rotation *rotations)
{
    size_t count = distinct(m, all, total, UMBRA_ROTATION_BABIES, places, rotations);
    int64_t slots = (int64_t)umbra_params_slots(m->e->build->params);
    int regs[UMBRA_FACTOR_SIDES], *inputs = NULL;
    if (count > ROTATIONS_MOST || m->input_count > UMBRA_FACTOR_SIDES)
        return UMBRA_OK;
    for (int i = 0; i < m->input_count; i++)
        regs[i] = m->inputs[i].reg;
    UMBRA_TRY(umbra_emit_factor_babies(m->e, rotations, count, regs, &inputs));
    if (inputs == NULL)
        return UMBRA_OK;
    umbra_status status = add_inputs(m, rotations, count, inputs);
    index_places(rotations, count, places);
    for (size_t i = 0; status == UMBRA_OK && i < total; i++) {
        size_t k = find_place(m, &all[i], UMBRA_ROTATION_BABIES, places, count);
        all[i].diagonal.input = inputs[k];
        all[i].diagonal.baby_slots = rotations[k].low & (slots - 1);
    }
    umbra_memory_free(inputs);
    return status;
}

/* Each sum that is turned later is an output of its own. */
static umbra_status factor_giants(merge *m, merged *all, size_t total, int outputs, place *places,
                                  umbra_rotation *rotations)
{
    size_t count = distinct(m, all, total, UMBRA_ROTATION_GIANTS, places, rotations);
    int64_t slots = (int64_t)umbra_params_slots(m->e->build->params);
    int groups = 0;
    void *made = NULL;
    for (size_t k = 0; k < count; k++)
        groups += k == 0 || rotations[k].group != rotations[k - 1].group;
    if (count > ROTATIONS_MOST || groups < outputs)
        return UMBRA_OK;
    umbra_rotations_cut(rotations, count, slots, UMBRA_ROTATION_GIANTS);
    if (umbra_emit_factor_sides(rotations, count) > UMBRA_FACTOR_SIDES)
        return UMBRA_OK;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof(int), "a map"));
    m->sum_of = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof *rotations, "a map"));
    m->giants = made;
    memcpy(m->giants, rotations, count * sizeof *rotations);
    m->giant_count = count;
    for (size_t k = 0; k < count; k++)
        m->sum_of[k] = (int)umbra_emit_factor_sides(rotations, k + 1) - 1;
    m->sum_count = m->sum_of[count - 1] + 1;
    index_places(rotations, count, places);
    for (size_t i = 0; i < total; i++) {
        size_t k = find_place(m, &all[i], UMBRA_ROTATION_GIANTS, places, count);
        all[i].diagonal.output = m->sum_of[k];
        all[i].diagonal.giant_slots = rotations[k].low & (slots - 1);
    }
    return UMBRA_OK;
}

static umbra_status factor(merge *m, merged *all, size_t total, int outputs)
{
    void *places = NULL, *rotations = NULL;
    umbra_status status = umbra_memory_alloc_array(&places, total, sizeof(place), "a map");
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&rotations, total, sizeof(umbra_rotation), "a map");
    if (status == UMBRA_OK)
        status = factor_babies(m, all, total, places, rotations);
    if (status == UMBRA_OK)
        status = factor_giants(m, all, total, outputs, places, rotations);
    umbra_memory_free(places);
    umbra_memory_free(rotations);
    return status;
}

static umbra_status merge_diagonals(merge *m, umbra_program_map *map, umbra_weight_source *source)
{
    void *made = NULL, *p = NULL;
    size_t total = 0, at = 0;
    int first_output = 0;
    for (int s = 0; s < m->count; s++)
        total += m->sets[s] == NULL ? 0 : m->sets[s]->count;
    UMBRA_TRY(umbra_memory_alloc_array(&p, total, sizeof(umbra_map_diagonal), "a map"));
    map->diagonals = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, total, sizeof(uint32_t), "a map"));
    source->set_of = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, total, sizeof(uint32_t), "a map"));
    source->index_of = p;
    UMBRA_TRY(umbra_memory_alloc_array(&made, total, sizeof(merged), "a map"));
    merged *all = made;
    for (int s = 0; s < m->count; s++) {
        const umbra_diagonal_set *set = m->sets[s];
        for (size_t i = 0; set != NULL && i < set->count; i++, at++) {
            const umbra_map_diagonal *shape = &set->shapes[i];
            all[at] = (merged){.diagonal = {.output = first_output + shape->output,
                                            .input = m->input_of[s * m->stride + shape->input],
                                            .giant_slots = shape->giant_slots,
                                            .baby_slots = shape->baby_slots},
                               .set = (uint32_t)s,
                               .index = (uint32_t)i};
        }
        first_output += set == NULL ? 0 : set->output_count;
    }
    umbra_status status = UMBRA_OK;
    if (m->depth < m->e->build->factored_depths)
        status = factor(m, all, total, first_output);
    qsort(all, total, sizeof *all, umbra_map_diagonal_order);
    for (size_t i = 0; i < total; i++) {
        map->diagonals[i] = all[i].diagonal;
        source->set_of[i] = all[i].set;
        source->index_of[i] = all[i].index;
    }
    map->diagonal_count = total;
    umbra_memory_free(made);
    return status;
}

/* Gains between slots: bounds from the matrices, with the coefficients that scale them. */
static void find_gains(const merge *m, umbra_program_map *map)
{
    const umbra_build *b = m->e->build;
    double largest = 0, squares = 0, entry = 0;
    for (int s = 0; s < m->count; s++) {
        const umbra_linear *l = &b->network.linears[m->linears[s]];
        const umbra_facts *f = b->facts[m->linears[s]];
        double sum = 0, square = 0;
        for (int k = 0; k < l->term_count; k++) {
            if (f->direct[k])
                continue;
            double c = fabs(umbra_emit_slot_coefficient(b, m->linears[s], k)), all = 0;
            size_t cells = (size_t)f->to.channels * (size_t)f->in[k].channels;
            for (size_t i = 0; i < cells; i++) {
                all += f->power[k][i];
                entry = fmax(entry, c * sqrt(f->power[k][i]));
            }
            sum += c * f->gain[k];
            square += c * c * all / f->to.channels;
        }
        largest = fmax(largest, sum);
        squares = fmax(squares, square);
    }
    /* Rows at an edge have fewer weights than the mean of squares counts: a bit for them. */
    map->entry_log2 = log2(fmax(entry, 0x1p-40)) + 1;
    map->gain_log2 = log2(fmax(largest, 0x1p-40));
    map->noise_gain_log2 = 0.5 * log2(fmax(squares, 0x1p-80));
}

static umbra_status source_arrays(umbra_weight_source *source, int count)
{
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)count, sizeof(umbra_diagonal_set *), "a map"));
    source->sets = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)count, sizeof(double *), "a map"));
    source->coefficients = p;
    source->set_count = count;
    return UMBRA_OK;
}

static umbra_status merge_arrays(merge *m)
{
    void *p = NULL;
    m->stride = 1;
    m->input_capacity = 1;
    for (int s = 0; s < m->count; s++) {
        int inputs = m->sets[s] == NULL ? 0 : m->sets[s]->input_count;
        m->stride = inputs > m->stride ? inputs : m->stride;
        m->input_capacity += (size_t)inputs;
    }
    UMBRA_TRY(umbra_memory_alloc_array(&p, m->input_capacity, sizeof *m->inputs, "a map"));
    m->inputs = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)(m->stride * m->count), sizeof(int), "a map"));
    m->input_of = p;
    return UMBRA_OK;
}

static int set_outputs(const merge *m)
{
    int outputs = 0;
    for (int s = 0; s < m->count; s++)
        outputs += m->sets[s] == NULL ? 0 : m->sets[s]->output_count;
    return outputs;
}

/* The map's registers; sets without diagonals have no output here (map_outputs stays -1). */
static umbra_status map_registers(merge *m, umbra_program_map *map, int *map_outputs)
{
    const umbra_build *b = m->e->build;
    void *p = NULL;
    int outputs = set_outputs(m), at = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)m->input_count, sizeof(int), "a map"));
    map->inputs = p;
    map->input_count = m->input_count;
    for (int i = 0; i < m->input_count; i++)
        map->inputs[i] = m->inputs[i].reg;
    outputs = m->giants != NULL ? m->sum_count : outputs;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)outputs, sizeof(int), "a map"));
    map->outputs = p;
    for (int k = 0; m->giants != NULL && k < m->sum_count; k++)
        map->outputs[map->output_count++] = m->e->program->register_count++;
    for (int s = 0; s < m->count; s++) {
        int n = b->layouts[b->network.linears[m->linears[s]].tensor].ciphertexts;
        for (int k = 0; m->giants == NULL && m->sets[s] != NULL && k < n; k++) {
            map_outputs[at + k] = m->e->program->register_count++;
            map->outputs[map->output_count++] = map_outputs[at + k];
        }
        at += n;
    }
    return UMBRA_OK;
}

/* The sums of each output, turned and added. */
static umbra_status gather_sums(merge *m, const umbra_program_map *map, int *map_outputs)
{
    const umbra_build *b = m->e->build;
    int at = 0, group = 0;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, m->giant_count, sizeof(int), "a map"));
    int *sums = made;
    umbra_status status = UMBRA_OK;
    for (size_t k = 0; k < m->giant_count; k++)
        sums[k] = map->outputs[m->sum_of[k]];
    for (int s = 0; s < m->count; s++) {
        int n = b->layouts[b->network.linears[m->linears[s]].tensor].ciphertexts;
        for (int k = 0; status == UMBRA_OK && m->sets[s] != NULL && k < n; k++)
            status = umbra_emit_factor_giants(m->e, m->giants, m->giant_count, sums, group++,
                                              &map_outputs[at + k]);
        at += n;
    }
    umbra_memory_free(sums);
    return status;
}

static umbra_status merge_all(merge *m, umbra_weight_source *source, int *map_outputs)
{
    umbra_program_map map = {0};
    const umbra_build *b = m->e->build;
    umbra_instruction i = {.op = UMBRA_DO_MAP, .step = m->e->step};
    umbra_status status;
    bool any = false;
    for (int s = 0; s < m->count; s++) {
        UMBRA_GOTO(fail, status, take_set(m, s, source));
        any |= m->sets[s] != NULL;
    }
    if (!any)
        return UMBRA_OK;
    UMBRA_GOTO(fail, status, merge_diagonals(m, &map, source));
    find_gains(m, &map);
    UMBRA_GOTO(fail, status, map_registers(m, &map, map_outputs));
    map.weight_scale_log2 = umbra_emit_weight_scale(m->e, m->depth);
    for (int s = 0; s < m->count; s++) {
        size_t period = b->facts[m->linears[s]]->period;
        map.period_slots = period > map.period_slots ? period : map.period_slots;
    }
    if (m->giants != NULL) /* an output's noise is spread over its sums */
        map.noise_gain_log2 -= 0.5 * log2((double)m->sum_count / set_outputs(m));
    UMBRA_GOTO(fail, status, umbra_program_add_map(m->e->program, &map, &i.index));
    UMBRA_TRY(umbra_program_append(m->e->program, &i));
    return m->giants == NULL ? UMBRA_OK
                             : gather_sums(m, &m->e->program->maps[i.index], map_outputs);
fail:
    umbra_program_map_free(&map);
    return status;
}

/* Sources follow the numbers of maps. */
static umbra_status keep_source(umbra_build *b, int maps_before, umbra_weight_source *source)
{
    const size_t count = (size_t)maps_before;
    if (b->program.map_count == maps_before) {
        umbra_weight_source_free(source);
        return UMBRA_OK;
    }
    UMBRA_TRY(umbra_memory_grow(&b->sources, count, count + 1, &b->source_capacity, sizeof *source,
                                "a map"));
    b->sources[maps_before] = *source;
    return UMBRA_OK;
}

/* Where the step became a map: one of direct terms alone is none. */
static umbra_status check_size(const umbra_emit *e, int index)
{
    const umbra_program_map *map = e->program->map_count > index ? &e->program->maps[index] : NULL;
    if (map == NULL)
        return UMBRA_OK;
    if (map->input_count <= UMBRA_MAP_CIPHERTEXTS && map->output_count <= UMBRA_MAP_CIPHERTEXTS)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MODEL,
                      "a linear step reads %d ciphertexts and makes %d, and %d are possible: use "
                      "fewer channels or smaller images",
                      map->input_count, map->output_count, UMBRA_MAP_CIPHERTEXTS);
}

umbra_status umbra_emit_map(umbra_emit *e, const int *linears, int count, int depth,
                            int *map_outputs)
{
    umbra_weight_source source = {0};
    merge m = {.e = e, .linears = linears, .count = count, .depth = depth};
    int maps_before = e->program->map_count;
    umbra_status status = source_arrays(&source, count);
    for (int s = 0; status == UMBRA_OK && s < count; s++)
        source.sets[s] = e->build->facts[linears[s]]->set;
    m.sets = source.sets;
    if (status == UMBRA_OK)
        status = merge_arrays(&m);
    if (status == UMBRA_OK)
        status = merge_all(&m, &source, map_outputs);
    if (status == UMBRA_OK)
        status = check_size(e, maps_before);
    if (status == UMBRA_OK)
        status = keep_source(e->build, maps_before, &source);
    umbra_memory_free(m.giants);
    umbra_memory_free(m.sum_of);
    umbra_memory_free(m.inputs);
    umbra_memory_free(m.input_of);
    if (status != UMBRA_OK) {
        if (e->program->map_count > maps_before)
            umbra_program_map_free(&e->program->maps[--e->program->map_count]);
        umbra_weight_source_free(&source);
    }
    return status;
}
