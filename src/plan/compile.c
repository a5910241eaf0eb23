/* Compile a graph into a plan: copy, measure, choose, build, simulate, summarise. */
#include "base/memory.h"
#include "ckks/ciphertext_file.h"
#include "plan/plan_internal.h"
#include "plan/problems.h"

#include <math.h>
#include <string.h>

void umbra_plan_free(umbra_plan *plan)
{
    if (plan == NULL)
        return;
    umbra_build_free(&plan->build);
    umbra_simulation_free(&plan->simulation);
    umbra_memory_free(plan->seeded);
    umbra_facts_store_free(plan->facts);
    umbra_matrices_free(plan->matrices);
    umbra_statistics_free(&plan->statistics);
    umbra_params_free(plan->params);
    umbra_model_info_free(&plan->model);
    umbra_graph_free(plan->graph);
    umbra_memory_free(plan);
}

/* The profile borrows everything from the plan. */
static void make_profile(umbra_plan *plan)
{
    const umbra_build *b = &plan->build;
    const umbra_network *n = &b->network;
    umbra_profile *p = &plan->profile;
    p->params = plan->params;
    p->model = plan->model;
    p->input_layout = b->layouts[n->input];
    p->output_layout = b->layouts[n->output];
    p->input_factor = b->factors[n->input];
    p->output_factor = b->factors[n->output];
    const umbra_simulated *result = &plan->simulation.registers[b->first_register[n->output]];
    p->output_level = result->level;
    p->output_scale_log2 = result->scale_log2;
    p->input_scale_log2 = b->input_scale_log2;
    p->input_level = n->depth;
    p->predicted_bits = b->predicted_bits;
    p->output_error = exp2(-b->predicted_bits) * plan->statistics.output_typical;
    p->keys = plan->simulation.keys;
    p->key_count = plan->simulation.key_count;
}

static bool ranges_known(const umbra_network *n)
{
    for (int i = 0; i < n->tensor_count; i++) {
        const umbra_value *v = &n->graph->values[n->tensors[i].value];
        if (n->tensors[i].kind != UMBRA_TENSOR_INPUT && v->range_min <= v->range_max)
            return true;
    }
    return false;
}

static void make_summary(umbra_plan *plan)
{
    umbra_plan_summary *s = &plan->summary;
    const umbra_params *params = plan->params;
    umbra_key_request request = {
        .params = params, .items = plan->simulation.keys, .count = plan->simulation.key_count};
    *s = (umbra_plan_summary){.degree_log2 = umbra_params_degree_log2(params),
                              .images = plan->decisions.images,
                              .levels = umbra_params_level_count(params),
                              .log2_q = umbra_params_log2_q(params),
                              .log2_qp = umbra_params_log2_qp(params),
                              .predicted_bits = plan->build.predicted_bits,
                              .ranges_known = ranges_known(&plan->build.network)};
    /* Parameters beyond the table's limit for 128 bits do not exist (params_check.c). */
    s->security_bits = UMBRA_SECURITY_BITS;
    for (size_t i = 0; i < plan->simulation.key_count; i++)
        s->rotations += plan->simulation.keys[i].galois != 0;
    s->key_bytes = umbra_key_request_bytes(&request);
    s->query_bytes =
        umbra_ciphertexts_file_bytes(params, UMBRA_ROLE_QUERY, plan->profile.input_level,
                                     plan->profile.input_layout.ciphertexts);
    s->result_bytes =
        umbra_ciphertexts_file_bytes(params, UMBRA_ROLE_RESULT, plan->profile.output_level,
                                     plan->profile.output_layout.ciphertexts);
    s->predicted_memory_bytes = plan->share.needed_bytes;
    s->seeded_keys = plan->share.seeded_keys;
    double ns = 0;
    for (int i = 0; i < plan->build.program.step_count; i++)
        ns += plan->simulation.steps[i].ns;
    s->predicted_seconds = umbra_cost_seconds(&plan->simulation.cost, ns);
    plan->profile.predicted_seconds = s->predicted_seconds;
    plan->profile.predicted_memory_bytes = s->predicted_memory_bytes;
}

/* Decide how keys are held, and charge the steps for it. */
static umbra_status share_memory(umbra_plan *plan)
{
    umbra_simulation *s = &plan->simulation;
    void *list = NULL;
    size_t count = 0;
    plan->share =
        umbra_plan_share_memory(&plan->build, s, plan->threads, plan->memory_budget, s->seeded);
    umbra_simulation_charge_seeds(s);
    umbra_plan_charge_weights(&plan->build, &plan->share, s);
    UMBRA_TRY(umbra_memory_alloc_array(&list, s->key_count + 1, sizeof *plan->seeded,
                                       "a list of seeded keys"));
    umbra_memory_free(plan->seeded); /* of a plan that is finished again, decided otherwise */
    plan->seeded = list;
    for (size_t k = 0; k < s->key_count; k++)
        if (s->seeded[k])
            plan->seeded[count++] = s->keys[k].galois;
    return UMBRA_OK;
}

umbra_status umbra_plan_finish(umbra_plan *plan, umbra_pool *pool)
{
    umbra_cost_model cost =
        umbra_cost_model_for(umbra_params_kernels(plan->params)->name, plan->threads);
    UMBRA_TRY(umbra_build_make(&plan->build, plan->graph, plan->matrices, plan->facts,
                               &plan->statistics, plan->params, &plan->decisions,
                               UMBRA_DIAGONAL_FILL, pool));
    UMBRA_TRY(umbra_simulate(&plan->simulation, &plan->build.program, plan->params, &cost,
                             plan->build.input_scale_log2, plan->build.network.depth));
    if (plan->simulation.headroom_log2 < 1)
        return umbra_fail(
            UMBRA_E_SECURITY,
            "\"%s\" leaves %.1f bits between its values and the modulus: ask for "
            "fewer bits of precision",
            umbra_network_name(&plan->build.network,
                               plan->build.steps[plan->simulation.headroom_step].node_tensor),
            plan->simulation.headroom_log2);
    UMBRA_TRY(share_memory(plan));
    make_profile(plan);
    make_summary(plan);
    return UMBRA_OK;
}

static umbra_status copy_model(umbra_model_info *out, const umbra_model_info *model)
{
    umbra_writer writer = {0};
    umbra_model_info_write(model, &writer);
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK) {
        umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "model information");
        status = umbra_model_info_read(&reader, out);
    }
    umbra_writer_free(&writer);
    return status;
}

static umbra_status measure(umbra_plan *plan, umbra_pool *pool)
{
    unsigned char none[UMBRA_PLAN_MAX_CANDIDATES] = {0};
    umbra_network network;
    UMBRA_TRY(umbra_network_lower(&network, plan->graph, plan->matrices, none,
                                  UMBRA_PLAN_MAX_CANDIDATES, UMBRA_LOWER_ALL));
    umbra_status status =
        network.candidate_count > UMBRA_PLAN_MAX_CANDIDATES
            ? umbra_fail(UMBRA_E_MODEL,
                         "the network has %d sums with several readers, more than %d",
                         network.candidate_count, UMBRA_PLAN_MAX_CANDIDATES)
            : umbra_statistics_measure(&plan->statistics, &network, plan->model.input_abs_max,
                                       pool);
    umbra_network_free(&network);
    return status;
}

static umbra_status check_labels(const umbra_plan *plan)
{
    const umbra_shape *shape = &plan->graph->values[plan->graph->outputs[0]].shape;
    int64_t outputs = umbra_shape_elements(shape);
    if (plan->model.label_count != 0 && plan->model.label_count != outputs)
        return umbra_fail(UMBRA_E_MODEL, "the model has %lld outputs and %d labels",
                          (long long)outputs, plan->model.label_count);
    return UMBRA_OK;
}

/* What a loaded plan hashes from its file. */
static umbra_status hash_plan(umbra_plan *plan)
{
    umbra_writer writer = {0};
    umbra_status status = umbra_plan_write_body(plan, &writer);
    if (status == UMBRA_OK)
        umbra_hash(plan->profile.plan_hash, writer.bytes, writer.size);
    umbra_writer_free(&writer);
    return status;
}

static umbra_status compile(umbra_plan *plan, const umbra_graph *graph,
                            const umbra_model_info *model, const umbra_plan_options *options,
                            umbra_pool *pool)
{
    UMBRA_TRY(umbra_problems_check(graph));
    UMBRA_TRY(umbra_graph_copy(graph, &plan->graph));
    UMBRA_TRY(copy_model(&plan->model, model));
    UMBRA_TRY(check_labels(plan));
    UMBRA_TRY(umbra_matrices_new(&plan->matrices, plan->graph));
    UMBRA_TRY(umbra_facts_store_new(&plan->facts));
    UMBRA_TRY(measure(plan, pool));
    UMBRA_TRY(umbra_plan_choose(plan, options, pool));
    UMBRA_TRY(umbra_plan_finish(plan, pool));
    UMBRA_TRY(umbra_plan_check_memory(plan));
    return hash_plan(plan);
}

umbra_status umbra_plan_compile(umbra_plan **out, const umbra_graph *graph,
                                const umbra_model_info *model, const umbra_plan_options *options)
{
    void *made = NULL;
    umbra_pool *pool = NULL;
    umbra_plan_options defaults = {0};
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_plan), "a plan"));
    umbra_plan *plan = made;
    umbra_status status = umbra_pool_new(&pool, options == NULL ? 0 : options->threads);
    plan->threads = umbra_pool_threads(pool);
    if (status == UMBRA_OK)
        status = compile(plan, graph, model, options == NULL ? &defaults : options, pool);
    umbra_pool_free(pool);
    if (status != UMBRA_OK) {
        umbra_plan_free(plan);
        return status;
    }
    *out = plan;
    return UMBRA_OK;
}

const umbra_params *umbra_plan_params(const umbra_plan *plan)
{
    return plan->params;
}

const umbra_graph *umbra_plan_graph(const umbra_plan *plan)
{
    return plan->graph;
}

const umbra_profile *umbra_plan_profile(const umbra_plan *plan)
{
    return &plan->profile;
}

umbra_key_holding umbra_plan_key_holding(const umbra_plan *plan)
{
    return (umbra_key_holding){plan->seeded, plan->share.seeded_keys};
}

void umbra_plan_summarise(const umbra_plan *plan, umbra_plan_summary *out)
{
    *out = plan->summary;
}
