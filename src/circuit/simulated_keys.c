/* The keys of a simulated program: which it needs, at which level, and how often each is read. */
#include "circuit/simulated_keys.h"

#include "base/memory.h"
#include "math/ntt.h"

#include <string.h>

/* Of a key trimmed to a level, and of an inner product at it: limbs times digits. */
static int rows_of(const umbra_params *params, int level)
{
    return (umbra_params_level_limbs(params, level) + umbra_params_special_count(params)) *
           umbra_params_level_digits(params, level);
}

static umbra_status note_use(umbra_simulation *out, int step, uint32_t galois, int level)
{
    UMBRA_TRY(umbra_memory_grow(&out->uses, out->use_count, out->use_count + 1, &out->use_capacity,
                                sizeof *out->uses, "a list of keys"));
    out->uses[out->use_count++] =
        (umbra_key_use){.galois = galois, .step = step, .rows = rows_of(out->params, level)};
    return UMBRA_OK;
}

/* The lowest level from `level` up that has all primes of both: a key trimmed to it serves both. */
static umbra_status covering_level(const umbra_params *params, int level, int other, int *out)
{
    uint64_t wanted = umbra_params_level_set(params, level) | umbra_params_level_set(params, other);
    int count = umbra_params_level_count(params);
    for (*out = level > other ? level : other; *out < count; ++*out)
        if ((wanted & ~umbra_params_level_set(params, *out)) == 0)
            return UMBRA_OK;
    return umbra_fail(UMBRA_E_INTERNAL, "no level has the primes of both levels %d and %d", level,
                      other);
}

/* A key is needed at this level: add it in its place, or raise it. */
static umbra_status need_key(umbra_simulation *out, uint32_t galois, int level)
{
    size_t at = 0;
    while (at < out->key_count && out->keys[at].galois < galois)
        at++;
    if (at < out->key_count && out->keys[at].galois == galois)
        return covering_level(out->params, out->keys[at].level, level, &out->keys[at].level);
    UMBRA_TRY(umbra_memory_grow(&out->keys, out->key_count, out->key_count + 1, &out->key_capacity,
                                sizeof *out->keys, "a list of keys"));
    memmove(out->keys + at + 1, out->keys + at, (out->key_count - at) * sizeof *out->keys);
    out->keys[at] = (umbra_key_item){.galois = galois, .level = level};
    out->key_count++;
    return UMBRA_OK;
}

umbra_status umbra_simulation_use_key(umbra_simulation *simulation, int step, uint32_t galois,
                                      int level)
{
    UMBRA_TRY(need_key(simulation, galois, level));
    return note_use(simulation, step, galois, level);
}

static uint32_t galois_of(const umbra_simulation *simulation, int64_t slots)
{
    return umbra_galois_of_rotation(umbra_params_degree_log2(simulation->params), slots);
}

/* Diagonals share their rotations: of the low bits of a rotation, which one was asked for last. */
#define RECENT 1024

static umbra_status need_map_keys(umbra_simulation *out, const umbra_program_map *map, int level)
{
    int64_t recent[RECENT] = {0}; /* 0 needs no key */
    for (size_t d = 0; d < map->diagonal_count; d++) {
        const int64_t slots[2] = {map->diagonals[d].baby_slots, map->diagonals[d].giant_slots};
        for (int k = 0; k < 2; k++) {
            int64_t *last = &recent[(slots[k] ^ slots[k] >> 10) & (RECENT - 1)];
            if (*last != slots[k] && slots[k] != 0)
                UMBRA_TRY(need_key(out, galois_of(out, slots[k]), level));
            *last = slots[k];
        }
    }
    return UMBRA_OK;
}

typedef struct map_uses {
    umbra_simulation *out;
    int step, level;
    umbra_status status;
} map_uses;

static void note_rotation(void *context, int64_t slots)
{
    map_uses *u = context;
    if (u->status == UMBRA_OK)
        u->status = note_use(u->out, u->step, galois_of(u->out, slots), u->level);
}

umbra_status umbra_simulation_use_map_keys(umbra_simulation *simulation, int step,
                                           const umbra_program_map *map, int level)
{
    map_uses uses = {.out = simulation, .step = step, .level = level, .status = UMBRA_OK};
    UMBRA_TRY(need_map_keys(simulation, map, level));
    umbra_map_rotations(map, note_rotation, &uses);
    return uses.status;
}

/* Every use is of a key in the list. */
static size_t key_of_use(const umbra_simulation *simulation, const umbra_key_use *use)
{
    size_t low = 0, high = simulation->key_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (simulation->keys[middle].galois <= use->galois)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Stable, for a few hundred keys. */
static void sort_by_use(umbra_simulation *out)
{
    for (size_t k = 0; k < out->key_count; k++) {
        size_t at = k;
        for (; at > 0 && out->times_read[out->by_use[at - 1]] < out->times_read[k]; at--)
            out->by_use[at] = out->by_use[at - 1];
        out->by_use[at] = k;
    }
}

umbra_status umbra_simulation_count_uses(umbra_simulation *out)
{
    void *times = NULL, *order = NULL, *seeded = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&times, out->key_count + 1, sizeof(double), "key uses"));
    out->times_read = times;
    UMBRA_TRY(umbra_memory_alloc_array(&order, out->key_count + 1, sizeof(size_t), "key uses"));
    out->by_use = order;
    UMBRA_TRY(umbra_memory_alloc(&seeded, out->key_count + 1, "key uses"));
    out->seeded = seeded;
    for (size_t u = 0; u < out->use_count; u++)
        out->times_read[key_of_use(out, &out->uses[u])] += out->uses[u].rows;
    for (size_t k = 0; k < out->key_count; k++)
        out->times_read[k] /= rows_of(out->params, out->keys[k].level);
    sort_by_use(out);
    return UMBRA_OK;
}

double umbra_simulation_key_rows(const umbra_simulation *simulation, size_t k)
{
    return simulation->times_read[k] * rows_of(simulation->params, simulation->keys[k].level);
}

void umbra_simulation_charge_seeds(umbra_simulation *simulation)
{
    int degree_log2 = umbra_params_degree_log2(simulation->params);
    for (size_t u = 0; u < simulation->use_count; u++) {
        const umbra_key_use *use = &simulation->uses[u];
        if (simulation->seeded[key_of_use(simulation, use)])
            simulation->steps[use->step].ns +=
                umbra_cost_seeded_rows(&simulation->cost, degree_log2, use->rows);
    }
}
