/* A graph and decisions become a program: the parts in order. */
#include "plan/program_build.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

void umbra_weight_source_free(umbra_weight_source *source)
{
    for (int i = 0; i < source->set_count; i++) {
        if (source->coefficients != NULL)
            umbra_memory_free(source->coefficients[i]);
    }
    umbra_memory_free(source->sets);
    umbra_memory_free(source->coefficients);
    umbra_memory_free(source->set_of);
    umbra_memory_free(source->index_of);
    *source = (umbra_weight_source){0};
}

void umbra_build_free(umbra_build *build)
{
    for (int i = 0; build->sources != NULL && i < build->program.map_count; i++)
        umbra_weight_source_free(&build->sources[i]);
    umbra_memory_free(build->sources);
    umbra_program_free(&build->program);
    umbra_network_free(&build->network);
    umbra_memory_free(build->layouts);
    umbra_memory_free(build->factors);
    umbra_memory_free(build->first_register);
    umbra_memory_free(build->error_log2);
    umbra_memory_free(build->facts);
    umbra_memory_free(build->steps);
    *build = (umbra_build){0};
}

static umbra_status tensor_arrays(umbra_build *build)
{
    size_t count = (size_t)build->network.tensor_count;
    void *p = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&p, count, sizeof(umbra_layout), "a plan"));
    build->layouts = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, count, sizeof(double), "a plan"));
    build->factors = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, count, sizeof(double), "a plan"));
    build->error_log2 = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, count, sizeof(int), "a plan"));
    build->first_register = p;
    return UMBRA_OK;
}

umbra_status umbra_build_geometry(umbra_build *build, const umbra_statistics *statistics)
{
    const umbra_network *n = &build->network;
    size_t slots = umbra_params_slots(build->params);
    UMBRA_TRY(tensor_arrays(build));
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_tensor *t = &n->tensors[i];
        const umbra_statistic *s = umbra_statistics_find(statistics, t);
        if (t->used)
            UMBRA_TRY(umbra_network_layout(n, i, slots, &build->layouts[i]));
        if (s == NULL)
            return umbra_fail(UMBRA_E_INPUT, "\"%s\" has no recorded range",
                              umbra_network_name(n, i));
        build->factors[i] =
            umbra_tensor_is_product(t)
                ? build->factors[t->source] *
                      build->factors[t->kind == UMBRA_TENSOR_SQUARE ? t->source : t->other]
                : 1 / fmax(s->reach, 1e-6);
    }
    build->input_scale_log2 = build->schedule.scale[0];
    return UMBRA_OK;
}

static umbra_status find_facts(umbra_build *build, umbra_facts_store *store,
                               umbra_diagonal_mode mode, umbra_pool *pool)
{
    umbra_cost_shape shapes[UMBRA_MAX_LEVELS];
    void *p = NULL;
    for (int d = 0; d < build->schedule.depth; d++)
        shapes[d] = umbra_cost_shape_at(build->params, build->schedule.depth - d);
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)build->network.linear_count + 1,
                                       sizeof *build->facts, "a plan"));
    build->facts = p;
    return umbra_facts_find(store, &build->network, build->layouts, shapes, mode, pool,
                            build->facts);
}

umbra_status umbra_build_make(umbra_build *out, const umbra_graph *graph, umbra_matrices *matrices,
                              umbra_facts_store *store, const umbra_statistics *statistics,
                              const umbra_params *params, const umbra_decisions *decisions,
                              umbra_diagonal_mode mode, umbra_pool *pool)
{
    umbra_build build = {.params = params};
    umbra_status status;
    UMBRA_GOTO(fail, status,
               umbra_network_lower_images(
                   &build.network, graph, matrices, decisions->compose, decisions->compose_count,
                   mode == UMBRA_DIAGONAL_FILL ? UMBRA_LOWER_ALL : UMBRA_LOWER_SHAPES,
                   decisions->images, umbra_params_slots(params)));
    build.factored_depths = decisions->factored_depths;
    UMBRA_GOTO(fail, status, umbra_schedule_make(&build.schedule, &build.network, decisions));
    if (build.schedule.depth + 1 != umbra_params_level_count(params)) {
        status = umbra_fail(UMBRA_E_MISMATCH, "the program needs %d levels, the parameters have %d",
                            build.schedule.depth + 1, umbra_params_level_count(params));
        goto fail;
    }
    umbra_schedule_fit(&build.schedule, params);
    UMBRA_GOTO(fail, status, umbra_build_geometry(&build, statistics));
    UMBRA_GOTO(fail, status, find_facts(&build, store, mode, pool));
    UMBRA_GOTO(fail, status, umbra_build_program(&build));
    UMBRA_GOTO(fail, status, umbra_build_precision(&build, statistics));
    *out = build;
    return UMBRA_OK;
fail:
    umbra_build_free(&build);
    return status;
}
