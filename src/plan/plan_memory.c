/* The server's peak of memory, predicted block by block. */
#include "ckks/linear.h"
#include "plan/plan_internal.h"

#include <math.h>

#define PAGE_BYTES ((uint64_t)4096)
#define TABLE_LIMBS 6                   /* roots, their quotients, twists: of each prime */
#define REST_BYTES ((uint64_t)32 << 20) /* program, libraries, plan without weights */
/* Keys that are read so often in a run come before weights: making a row of a key again takes about
 * 200 us for the 320 KiB that it saves at N = 2^15, and making weights about 3 ns a byte. */
#define WEIGHTS_WORTH 6
#define PERIOD_LEAST 256 /* weights repeat no faster */

/* Pages that are written: of a large block the part beyond its last whole huge page has small ones.
 */
static uint64_t block(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Of a key: whole or seeded, and the table of its automorphism. */
static uint64_t key_bytes(const umbra_params *params, const umbra_key_item *item, bool seeded)
{
    uint64_t words = seeded ? umbra_key_seeded_bytes(params, item->level)
                            : umbra_key_whole_bytes(params, item->level);
    return block(words) + umbra_params_degree(params) * sizeof(uint32_t);
}

static uint64_t diagonal_bytes(const umbra_program_map *map)
{
    uint64_t period = map->period_slots < PERIOD_LEAST ? PERIOD_LEAST : map->period_slots;
    return 2 * period * umbra_program_map_coefficient_bytes(map);
}

uint64_t umbra_plan_weight_bytes(const umbra_build *build)
{
    uint64_t bytes = 0;
    for (int m = 0; m < build->program.map_count; m++)
        bytes +=
            block(build->program.maps[m].diagonal_count * diagonal_bytes(&build->program.maps[m]));
    return bytes;
}

/* Diagonals whose weights a map reads at once where it makes them itself. */
static uint64_t streamed_diagonals(const umbra_program_map *map)
{
    uint64_t most = 0, count = 0;
    int groups = 0;
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const umbra_map_diagonal *d = &map->diagonals[i];
        groups += i == 0 || d->output != (d - 1)->output || d->giant_slots != (d - 1)->giant_slots;
        if (groups > UMBRA_LINEAR_STREAM_GROUPS) {
            groups = 1;
            count = 0;
        }
        count++;
        most = count > most ? count : most;
    }
    return most;
}

/* The block that streamed weights need. */
static uint64_t stream_bytes(const umbra_build *build)
{
    uint64_t most = 0;
    for (int m = 0; m < build->program.map_count; m++) {
        const umbra_program_map *map = &build->program.maps[m];
        uint64_t bytes = block(streamed_diagonals(map) * diagonal_bytes(map));
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Tiles of the maps, from which weights are made. */
static uint64_t matrix_bytes(const umbra_build *build)
{
    uint64_t bytes = 0;
    for (int i = 0; i < build->network.linear_count; i++)
        if (build->facts[i] != NULL && build->facts[i]->set != NULL)
            bytes += build->facts[i]->set->memory_bytes;
    return bytes;
}

static uint64_t all_key_bytes(const umbra_params *params, const umbra_simulation *simulation,
                              bool seeded)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < simulation->key_count; i++)
        bytes += key_bytes(params, &simulation->keys[i], seeded);
    return bytes;
}

/* Constants that are added, as numbers. */
static uint64_t vector_bytes(const umbra_build *build)
{
    uint64_t bytes = 0;
    for (int i = 0; i < build->program.vector_count; i++)
        bytes += build->program.vectors[i].count * sizeof(double);
    return bytes;
}

/* Programs, constants, tables of transforms, tiles: there once the plan is loaded. */
static uint64_t held_bytes(const umbra_build *build)
{
    const umbra_params *params = build->params;
    uint64_t limb = umbra_params_degree(params) * sizeof(uint64_t);
    uint64_t primes =
        (uint64_t)(umbra_params_prime_count(params) + umbra_params_special_count(params));
    return matrix_bytes(build) + vector_bytes(build) + primes * TABLE_LIMBS * limb + REST_BYTES;
}

/* All but keys and weights. */
static uint64_t fixed_bytes(const umbra_build *build, const umbra_simulation *simulation,
                            int threads)
{
    uint64_t limb = umbra_params_degree(build->params) * sizeof(uint64_t);
    uint64_t workers = (uint64_t)(threads < 1 ? 1 : threads) * simulation->scratch.worker;
    return held_bytes(build) + simulation->peak_limbs * 2 * limb +
           block(simulation->scratch.shared * limb) + workers * limb;
}

/* Keys from number `first` on, by how often they are read, as far as they are read at least `least`
 * times: held whole where there is room. Returns the number of the next. */
static size_t hold_whole(const umbra_params *params, const umbra_simulation *simulation,
                         size_t first, double least, uint64_t *room, umbra_memory_share *share,
                         unsigned char *seeded)
{
    size_t k = first;
    for (; k < simulation->key_count && simulation->times_read[simulation->by_use[k]] >= least;
         k++) {
        const umbra_key_item *item = &simulation->keys[simulation->by_use[k]];
        uint64_t more = key_bytes(params, item, false) - key_bytes(params, item, true);
        bool fits = more <= *room;
        if (fits)
            *room -= more;
        share->key_bytes += fits ? more : 0;
        share->seeded_keys -= fits;
        if (seeded != NULL)
            seeded[simulation->by_use[k]] = !fits;
    }
    return k;
}

umbra_memory_share umbra_plan_share_memory(const umbra_build *build,
                                           const umbra_simulation *simulation, int threads,
                                           uint64_t budget_bytes, unsigned char *seeded)
{
    const umbra_params *params = build->params;
    uint64_t weights = umbra_plan_weight_bytes(build), block_bytes = stream_bytes(build);
    umbra_memory_share share = {.key_bytes = all_key_bytes(params, simulation, true),
                                .held_bytes = held_bytes(build),
                                .seeded_keys = simulation->key_count};
    uint64_t fixed = fixed_bytes(build, simulation, threads);
    block_bytes = block_bytes < weights ? block_bytes : weights;
    uint64_t least = fixed + share.key_bytes + block_bytes;
    uint64_t room = budget_bytes > least ? budget_bytes - least : 0;
    size_t next = hold_whole(params, simulation, 0, WEIGHTS_WORTH, &room, &share, seeded);
    bool all = weights - block_bytes <= room;
    if (all)
        room -= weights - block_bytes;
    share.kept_weight_bytes = all ? UINT64_MAX : room;
    room = all ? room : 0;
    hold_whole(params, simulation, next, 0, &room, &share, seeded);
    share.needed_bytes =
        fixed + share.key_bytes + (all ? weights : block_bytes + share.kept_weight_bytes);
    return share;
}

/* As a run decides: map after map is kept while there is room, and makes its weights again where
 * there is none. */
void umbra_plan_charge_weights(const umbra_build *build, const umbra_memory_share *share,
                               umbra_simulation *simulation)
{
    const umbra_program *program = &build->program;
    uint64_t room = share->kept_weight_bytes;
    for (size_t i = 0; i < program->count; i++) {
        const umbra_instruction *code = &program->code[i];
        if (code->op != UMBRA_DO_MAP)
            continue;
        const umbra_program_map *map = &program->maps[code->index];
        uint64_t bytes = map->diagonal_count * diagonal_bytes(map);
        if (bytes <= room)
            room -= bytes;
        else
            simulation->steps[code->step].ns += simulation->cost.weight_ns * (double)bytes;
    }
}

uint64_t umbra_plan_memory_bytes(const umbra_build *build, const umbra_simulation *simulation,
                                 int threads, uint64_t budget_bytes)
{
    return umbra_plan_share_memory(build, simulation, threads, budget_bytes, NULL).needed_bytes;
}

uint64_t umbra_plan_kept_weight_bytes(const umbra_plan *plan)
{
    return umbra_plan_share_memory(&plan->build, &plan->simulation, plan->threads,
                                   plan->memory_budget, NULL)
        .kept_weight_bytes;
}

umbra_status umbra_plan_check_memory(const umbra_plan *plan)
{
    uint64_t needed = plan->summary.predicted_memory_bytes;
    if (needed <= plan->memory_budget)
        return UMBRA_OK;
    double keys = (double)all_key_bytes(plan->params, &plan->simulation, true);
    double weights = (double)stream_bytes(&plan->build);
    return umbra_fail(
        UMBRA_E_RESOURCE,
        "a run needs %.2f GB of memory, the least of all plans that were tried, and %.2f GB are "
        "allowed: %zu keys take at least %.2f GB, weights at least %.2f GB, the rest %.2f GB. "
        "Allow more (--memory %.0fG), ask for fewer bits (--precision-bits), which makes keys "
        "smaller, or use a smaller model",
        (double)needed * 1e-9, (double)plan->memory_budget * 1e-9, plan->simulation.key_count,
        keys * 1e-9, weights * 1e-9, ((double)needed - keys - weights) * 1e-9,
        ceil((double)needed / (double)((uint64_t)1 << 30)));
}
