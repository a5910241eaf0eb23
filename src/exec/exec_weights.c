/* Weights: from a plan's diagonals to integer polynomials, made once, on all threads. */
#include "ckks/weights.h"

#include "base/memory.h"
#include "exec/exec_internal.h"

#include <string.h>

void umbra_exec_weights(const umbra_plan *plan, int map, size_t i, double *re, double *im)
{
    const umbra_weight_source *source = &plan->build.sources[map];
    uint32_t set = source->set_of[i], index = source->index_of[i];
    size_t slots = umbra_params_slots(plan->params);
    umbra_diagonal_fill(source->sets[set], index, re, im);
    double factor = source->coefficients[set][source->sets[set]->shapes[index].input];
    for (size_t s = 0; s < slots; s++) {
        re[s] *= factor;
        im[s] *= factor;
    }
}

typedef struct weight_job {
    umbra_exec *exec;
    int map;
    bool wide; /* coefficients of 64 bits: 32 do not hold the scale that the precision asks for */
    char *coefficients;
    double *scratch; /* of all workers */
    size_t scratch_doubles;
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

static umbra_status encode_one(void *context, size_t index, int worker)
{
    weight_job *job = context;
    const umbra_plan *plan = job->exec->plan;
    const umbra_program_map *map = &plan->build.program.maps[job->map];
    size_t slots = umbra_params_slots(plan->params), period = period_of(plan, job->map);
    double *re = job->scratch + (size_t)worker * job->scratch_doubles, *im = re + slots;
    void *out = job->coefficients + index * 2 * period * coefficient_bytes(job->wide);
    int fold = 0;
    umbra_exec_weights(plan, job->map, index, re, im);
    bool real = true;
    for (size_t s = 0; s < period && real; s++)
        real = im[s] == 0;
    const double *imaginary = real ? NULL : im;
    UMBRA_TRY(job->wide ? umbra_encode_weights_i64(plan->params, out, map->weight_scale_log2, re,
                                                   imaginary, period, im + slots)
                        : umbra_encode_weights_i32(plan->params, out, map->weight_scale_log2, re,
                                                   imaginary, period, im + slots));
    while (period << fold < slots)
        fold++;
    umbra_diagonal *diagonal = &job->exec->maps[job->map].diagonals[index];
    const umbra_map_diagonal *shape = &map->diagonals[index];
    *diagonal = (umbra_diagonal){.output = shape->output,
                                 .input = shape->input,
                                 .giant_slots = shape->giant_slots,
                                 .baby_slots = shape->baby_slots,
                                 .fold_log2 = fold,
                                 .coefficients_i32 = job->wide ? NULL : out,
                                 .coefficients_i64 = job->wide ? out : NULL};
    return UMBRA_OK;
}

static umbra_status prepare_in(weight_job *job, bool wide)
{
    const umbra_plan *plan = job->exec->plan;
    const umbra_program_map *map = &plan->build.program.maps[job->map];
    umbra_exec_map *made = &job->exec->maps[job->map];
    void *p = NULL;
    job->wide = wide;
    umbra_memory_free(made->diagonals);
    umbra_memory_free(made->coefficients);
    *made = (umbra_exec_map){0};
    UMBRA_TRY(umbra_memory_alloc_array(&p, map->diagonal_count, sizeof *made->diagonals,
                                       "a map's diagonals"));
    made->diagonals = p;
    UMBRA_TRY(umbra_memory_alloc_array(&made->coefficients, map->diagonal_count,
                                       2 * period_of(plan, job->map) * coefficient_bytes(wide),
                                       "a map's weights"));
    job->coefficients = made->coefficients;
    return umbra_pool_run(job->exec->pool, map->diagonal_count, encode_one, job);
}

/* The plan's guess at the width may be a bit short: 64 bits hold what 32 did not. */
static umbra_status prepare_map(weight_job *job)
{
    const umbra_program_map *map = &job->exec->plan->build.program.maps[job->map];
    bool wide = umbra_program_map_coefficient_bytes(map) == sizeof(int64_t);
    umbra_status status = prepare_in(job, wide);
    if (status == UMBRA_E_INPUT && !wide)
        status = prepare_in(job, true);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "the weights of map %d", job->map);
    return UMBRA_OK;
}

umbra_status umbra_exec_prepare_maps(umbra_exec *exec)
{
    const umbra_program *program = &exec->plan->build.program;
    size_t slots = umbra_params_slots(exec->plan->params);
    weight_job job = {.exec = exec, .scratch_doubles = 4 * slots};
    void *p = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&p, (size_t)program->map_count + 1, sizeof *exec->maps, "maps"));
    exec->maps = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p,
                                       (size_t)umbra_pool_threads(exec->pool) * job.scratch_doubles,
                                       sizeof(double), "encoding weights"));
    job.scratch = p;
    umbra_status status = UMBRA_OK;
    for (job.map = 0; status == UMBRA_OK && job.map < program->map_count; job.map++)
        status = prepare_map(&job);
    umbra_memory_free(job.scratch);
    return status;
}

void umbra_exec_free_maps(umbra_exec *exec)
{
    for (int m = 0; exec->maps != NULL && m < exec->plan->build.program.map_count; m++) {
        umbra_memory_free(exec->maps[m].diagonals);
        umbra_memory_free(exec->maps[m].coefficients);
    }
    umbra_memory_free(exec->maps);
    exec->maps = NULL;
}
