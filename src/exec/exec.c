/* Executors: made for a plan and keys, run on queries. */
#include "exec/exec.h"

#include "base/clock.h"
#include "base/memory.h"
#include "exec/exec_internal.h"

#include <math.h>
#include <string.h>

static umbra_status check_keys(const umbra_plan *plan, const umbra_evaluation_keys *keys)
{
    for (size_t i = 0; i < plan->profile.key_count; i++) {
        const umbra_key_item *item = &plan->profile.keys[i];
        if (!umbra_evaluation_keys_have(keys, item->galois, item->level))
            return umbra_fail(UMBRA_E_MISMATCH,
                              "the keys lack Galois element %u at level %d, which this plan needs: "
                              "make them from the client profile that came with the plan",
                              item->galois, item->level);
    }
    return UMBRA_OK;
}

static umbra_status check_memory(const umbra_plan *plan, const umbra_evaluation_keys *keys)
{
    uint64_t available = umbra_memory_available_bytes();
    uint64_t needed = plan->summary.predicted_memory_bytes;
    /* Keys may be loaded already, and what came with the plan is: what remains is counted. */
    uint64_t awaited = umbra_evaluation_keys_awaited_bytes(keys);
    uint64_t loaded = plan->share.key_bytes > awaited ? plan->share.key_bytes - awaited : 0;
    loaded += plan->share.held_bytes;
    uint64_t remaining = needed > loaded ? needed - loaded : 0;
    if (available != 0 && remaining > available)
        return umbra_fail(UMBRA_E_RESOURCE,
                          "this run needs %.1f GB more, and %.1f GB are free: close other programs "
                          "or use a machine with more memory",
                          (double)remaining * 1e-9, (double)available * 1e-9);
    return UMBRA_OK;
}

umbra_status umbra_exec_new(umbra_exec **out, const umbra_plan *plan,
                            const umbra_evaluation_keys *keys, umbra_pool *pool)
{
    void *made = NULL;
    if (keys != NULL) {
        UMBRA_TRY(check_keys(plan, keys));
        UMBRA_TRY(check_memory(plan, keys));
    }
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_exec), "an executor"));
    umbra_exec *exec = made;
    *exec = (umbra_exec){.plan = plan, .keys = keys, .pool = pool};
    umbra_status status = UMBRA_OK;
    if (keys != NULL)
        status = umbra_evaluator_new(&exec->evaluator, plan->params, keys, pool);
    if (keys != NULL && status == UMBRA_OK)
        status = umbra_exec_prepare_maps(exec);
    if (keys != NULL && status == UMBRA_OK)
        status = umbra_exec_make_rooms(exec);
    if (status != UMBRA_OK) {
        umbra_exec_free(exec);
        return status;
    }
    *out = exec;
    return UMBRA_OK;
}

umbra_exec_preparation umbra_exec_prepared(const umbra_exec *exec)
{
    umbra_exec_preparation sum = exec->weights_made;
    uint64_t wall_ns = 0, cpu_ns = 0;
    if (exec->keys != NULL)
        umbra_evaluation_keys_reading_ns(exec->keys, &wall_ns, &cpu_ns);
    sum.wall_ns += wall_ns;
    sum.cpu_ns += cpu_ns;
    return sum;
}

void umbra_exec_free(umbra_exec *exec)
{
    if (exec == NULL)
        return;
    umbra_exec_free_maps(exec);
    umbra_exec_free_rooms(exec);
    umbra_evaluator_free(exec->evaluator);
    umbra_memory_free(exec);
}

/* A square reports the polynomial's value: a ((x + s)^2 - s^2) + c of its own slot. */
static void describe_square(const umbra_plan *plan, int tensor, umbra_exec_event *event)
{
    const umbra_tensor *t = &plan->build.network.tensors[tensor];
    const umbra_node *n = &plan->graph->nodes[t->node];
    const double *c = n->attr.coefficient;
    event->value = t->shift == 0 && c[1] != 0 ? -1 : n->output;
    event->factor = plan->build.factors[tensor] / c[2];
    event->shift = -c[0];
}

void umbra_exec_describe(const umbra_plan *plan, int step, int k, umbra_exec_event *event)
{
    const umbra_step_info *info = &plan->build.steps[step];
    int tensor = info->tensors[k];
    const umbra_tensor *t = &plan->build.network.tensors[tensor];
    *event = (umbra_exec_event){.step = step,
                                .step_count = plan->build.program.step_count,
                                .name = umbra_network_name(&plan->build.network, tensor),
                                .error_bits = -plan->build.error_log2[tensor],
                                .value = t->part == 0 ? t->value : -1,
                                .factor = plan->build.factors[tensor],
                                .shift = t->shift,
                                .layout = &plan->build.layouts[tensor]};
    if (t->kind == UMBRA_TENSOR_SQUARE && t->part == 0)
        describe_square(plan, tensor, event);
}

static umbra_status check_query(const umbra_plan *plan, const umbra_ciphertext *const *query,
                                int query_count, int result_count)
{
    const umbra_profile *p = &plan->profile;
    if (query_count != p->input_layout.ciphertexts || result_count != p->output_layout.ciphertexts)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the query has %d ciphertexts, this plan takes %d: encrypt it with the "
                          "profile of this plan",
                          query_count, p->input_layout.ciphertexts);
    for (int i = 0; i < query_count; i++) {
        if (memcmp(umbra_params_hash(query[i]->params), umbra_params_hash(plan->params),
                   UMBRA_HASH_BYTES) != 0)
            return umbra_fail(UMBRA_E_MISMATCH,
                              "the query has other parameters than this plan: encrypt it with the "
                              "profile of this plan");
        if (query[i]->level != p->input_level ||
            fabs(query[i]->scale_log2 - p->input_scale_log2) > 1e-6)
            return umbra_fail(UMBRA_E_MISMATCH,
                              "the query is at level %d and scale 2^%.2f, this plan takes level %d "
                              "and scale 2^%.2f: encrypt it with the profile of this plan",
                              query[i]->level, query[i]->scale_log2, p->input_level,
                              p->input_scale_log2);
        if (query[i]->parts != 2)
            return umbra_fail(UMBRA_E_INPUT, "a query's ciphertext has %d parts", query[i]->parts);
    }
    return UMBRA_OK;
}

static umbra_status check_key_id(const umbra_exec *exec, const umbra_ciphertext *const *query,
                                 int query_count)
{
    uint64_t id = umbra_evaluation_keys_id(exec->keys);
    for (int i = 0; i < query_count; i++)
        if (query[i]->key_id != id)
            return umbra_fail(UMBRA_E_MISMATCH,
                              "the query was encrypted under another key than the evaluation keys "
                              "were made from");
    return UMBRA_OK;
}

umbra_status umbra_exec_run(umbra_exec *exec, const umbra_ciphertext *const *query, int query_count,
                            umbra_ciphertext **result, int result_count,
                            umbra_exec_progress progress, void *context)
{
    const umbra_program *program = &exec->plan->build.program;
    if (exec->keys == NULL)
        return umbra_fail(UMBRA_E_USAGE, "this executor was made without keys");
    UMBRA_TRY(check_query(exec->plan, query, query_count, result_count));
    UMBRA_TRY(check_key_id(exec, query, query_count));
    void *registers = NULL;
    const size_t register_count = (size_t)program->register_count + 1;
    UMBRA_TRY(umbra_memory_alloc_array(&registers, register_count + exec->room_count,
                                       sizeof(umbra_ciphertext *), "registers"));
    umbra_cipher_run run = {.exec = exec,
                            .query = query,
                            .registers = registers,
                            .spare = (umbra_ciphertext **)registers + register_count,
                            .result = result,
                            .progress = progress,
                            .context = context,
                            .step_started_ns =
                                umbra_clock_ns() - umbra_exec_prepared(exec).wall_ns};
    for (int i = 0; i < result_count; i++)
        result[i] = NULL;
    umbra_status status = umbra_program_run(program, &umbra_cipher_ops, &run);
    umbra_memory_free(registers);
    for (int i = 0; status != UMBRA_OK && i < result_count; i++) {
        umbra_ciphertext_free(result[i]);
        result[i] = NULL;
    }
    return status;
}
