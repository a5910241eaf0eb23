/* Weights: from a plan's diagonals to integer polynomials, on all threads; made once where memory
 * allows, and else each time that they are read. */
#include "ckks/weights.h"

#include "base/clock.h"
#include "base/memory.h"
#include "exec/exec_internal.h"

#include <string.h>

void umbra_exec_weights(const umbra_plan *plan, int map, size_t i, size_t slots, double *re,
                        double *im)
{
    const umbra_weight_source *source = &plan->build.sources[map];
    uint32_t set = source->set_of[i], index = source->index_of[i];
    umbra_diagonal_fill(source->sets[set], index, slots, re, im);
    double factor = source->coefficients[set][source->sets[set]->shapes[index].input];
    for (size_t s = 0; s < slots; s++) {
        re[s] *= factor;
        im[s] *= factor;
    }
}

/* Diagonals first, first + 1, ... of a map, into coefficients. */
typedef struct weight_job {
    umbra_exec *exec;
    int map;
    size_t first;
    char *coefficients;
} weight_job;

/* Weights repeat with the period of the map's layouts: what is kept is one period. */
static size_t period_of(const umbra_plan *plan, int map)
{
    size_t period = plan->build.program.maps[map].period_slots;
    size_t slots = umbra_params_slots(plan->params);
    size_t least = slots < 256 ? slots : 256;
    return period < least ? least : period;
}

static size_t coefficient_bytes(bool wide)
{
    return wide ? sizeof(int64_t) : sizeof(int32_t);
}

static size_t diagonal_bytes(const umbra_exec *exec, int map)
{
    return 2 * period_of(exec->plan, map) * coefficient_bytes(exec->maps[map].wide);
}

static umbra_status encode_one(void *context, size_t index, int worker)
{
    weight_job *job = context;
    const umbra_plan *plan = job->exec->plan;
    umbra_exec_map *made = &job->exec->maps[job->map];
    double scale = plan->build.program.maps[job->map].weight_scale_log2;
    size_t slots = umbra_params_slots(plan->params), period = period_of(plan, job->map);
    double *re = job->exec->scratch + (size_t)worker * 4 * slots, *im = re + slots;
    void *out = job->coefficients + index * diagonal_bytes(job->exec, job->map);
    umbra_exec_weights(plan, job->map, job->first + index, period, re, im);
    bool real = true;
    for (size_t s = 0; s < period && real; s++)
        real = im[s] == 0;
    const double *imaginary = real ? NULL : im;
    UMBRA_TRY(made->wide ? umbra_encode_weights_i64(plan->params, out, scale, re, imaginary, period,
                                                    im + slots)
                         : umbra_encode_weights_i32(plan->params, out, scale, re, imaginary, period,
                                                    im + slots));
    umbra_diagonal *diagonal = &made->diagonals[job->first + index];
    diagonal->coefficients_i32 = made->wide ? NULL : out;
    diagonal->coefficients_i64 = made->wide ? out : NULL;
    return UMBRA_OK;
}

/* Room for `count` diagonals in *block, which only grows. */
static umbra_status reserve(umbra_exec *exec, int map, size_t count, void **block, size_t *bytes)
{
    size_t wanted = count * diagonal_bytes(exec, map);
    if (*block != NULL && wanted <= *bytes)
        return UMBRA_OK;
    umbra_memory_free(*block);
    *block = NULL;
    *bytes = 0;
    UMBRA_TRY(umbra_memory_alloc(block, wanted, "a map's weights"));
    *bytes = wanted;
    return UMBRA_OK;
}

/* The plan's guess at the width may be a bit short: 64 bits hold what 32 did not. */
static umbra_status encode(umbra_exec *exec, int map, size_t first, size_t count, void **block,
                           size_t *bytes)
{
    weight_job job = {.exec = exec, .map = map, .first = first};
    UMBRA_TRY(reserve(exec, map, count, block, bytes));
    job.coefficients = *block;
    umbra_status status = umbra_pool_run(exec->pool, count, encode_one, &job);
    if (status == UMBRA_E_INPUT && !exec->maps[map].wide) {
        exec->maps[map].wide = true;
        return encode(exec, map, first, count, block, bytes);
    }
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "the weights of map %d", map);
    return UMBRA_OK;
}

umbra_status umbra_exec_stream(void *context, size_t first, size_t count)
{
    const umbra_exec_stream_map *s = context;
    return encode(s->exec, s->map, first, count, &s->exec->block, &s->exec->block_bytes);
}

/* What is known of diagonals without their weights. */
static umbra_status make_diagonals(umbra_exec *exec, int index)
{
    const umbra_program_map *map = &exec->plan->build.program.maps[index];
    size_t slots = umbra_params_slots(exec->plan->params), period = period_of(exec->plan, index);
    void *p = NULL;
    int fold = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&p, map->diagonal_count, sizeof(umbra_diagonal),
                                       "a map's diagonals"));
    exec->maps[index].diagonals = p;
    exec->maps[index].wide = umbra_program_map_coefficient_bytes(map) == sizeof(int64_t);
    while (period << fold < slots)
        fold++;
    for (size_t i = 0; i < map->diagonal_count; i++)
        exec->maps[index].diagonals[i] =
            (umbra_diagonal){.output = map->diagonals[i].output,
                             .input = map->diagonals[i].input,
                             .giant_slots = map->diagonals[i].giant_slots,
                             .baby_slots = map->diagonals[i].baby_slots,
                             .fold_log2 = fold};
    return UMBRA_OK;
}

/* Maps are kept one after the other, while there is room: a byte costs the same time in each. */
static umbra_status prepare_map(umbra_exec *exec, int index, uint64_t *room)
{
    const umbra_program_map *map = &exec->plan->build.program.maps[index];
    UMBRA_TRY(make_diagonals(exec, index));
    uint64_t wanted = (uint64_t)map->diagonal_count * diagonal_bytes(exec, index);
    if (wanted > *room) {
        exec->maps[index].streamed = true;
        return UMBRA_OK;
    }
    *room -= wanted;
    return UMBRA_OK;
}

umbra_status umbra_exec_need_map(umbra_exec *exec, int index)
{
    size_t count = exec->plan->build.program.maps[index].diagonal_count, bytes = 0;
    umbra_exec_map *map = &exec->maps[index];
    if (map->streamed || map->coefficients != NULL)
        return UMBRA_OK;
    uint64_t wall_ns = umbra_clock_ns(), cpu_ns = umbra_clock_cpu_ns();
    umbra_status status = encode(exec, index, 0, count, &map->coefficients, &bytes);
    exec->weights_made.wall_ns += umbra_clock_ns() - wall_ns;
    exec->weights_made.cpu_ns += umbra_clock_cpu_ns() - cpu_ns;
    if (status != UMBRA_OK) {
        umbra_memory_free(map->coefficients);
        map->coefficients = NULL;
    }
    return status;
}

umbra_status umbra_exec_prepare(umbra_exec *exec)
{
    for (int m = 0; exec->maps != NULL && m < exec->plan->build.program.map_count; m++)
        UMBRA_TRY(umbra_exec_need_map(exec, m));
    return UMBRA_OK;
}

umbra_status umbra_exec_prepare_maps(umbra_exec *exec)
{
    const umbra_program *program = &exec->plan->build.program;
    size_t slots = umbra_params_slots(exec->plan->params);
    uint64_t room = umbra_plan_kept_weight_bytes(exec->plan);
    void *p = NULL;
    UMBRA_TRY(umbra_evaluator_prepare(exec->evaluator, exec->plan->simulation.scratch));
    UMBRA_TRY(
        umbra_memory_alloc_array(&p, (size_t)program->map_count + 1, sizeof *exec->maps, "maps"));
    exec->maps = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)umbra_pool_threads(exec->pool) * 4 * slots,
                                       sizeof(double), "encoding weights"));
    exec->scratch = p;
    for (int m = 0; m < program->map_count; m++)
        UMBRA_TRY(prepare_map(exec, m, &room));
    return UMBRA_OK;
}

void umbra_exec_free_maps(umbra_exec *exec)
{
    for (int m = 0; exec->maps != NULL && m < exec->plan->build.program.map_count; m++) {
        umbra_memory_free(exec->maps[m].diagonals);
        umbra_memory_free(exec->maps[m].coefficients);
    }
    umbra_memory_free(exec->maps);
    umbra_memory_free(exec->scratch);
    umbra_memory_free(exec->block);
    exec->maps = NULL;
}
