/* The work of a plan whatever the machine: transforms, products, and bytes read from memory. */
#include "plan/plan_internal.h"

#define CONSTANTS_LOG2 15 /* the ring that constants of a cost model are for */

/* What all steps cost where one resource costs so much and the others nothing. */
static umbra_status spend(const umbra_plan *plan, const umbra_cost_model *cost, double *sum)
{
    umbra_simulation simulation;
    UMBRA_TRY(umbra_simulate(&simulation, &plan->build.program, plan->params, cost,
                             plan->build.input_scale_log2, plan->build.network.depth));
    *sum = 0;
    for (int i = 0; i < plan->build.program.step_count; i++)
        *sum += simulation.steps[i].ns;
    umbra_simulation_free(&simulation);
    return UMBRA_OK;
}

umbra_status umbra_plan_count_work(const umbra_plan *plan, umbra_plan_work *out)
{
    const double n = (double)((size_t)1 << CONSTANTS_LOG2);
    const umbra_cost_model butterflies = {.ntt_ns = n / 2 * CONSTANTS_LOG2};
    const umbra_cost_model products = {
        .dot_ns = 2 * n, .block_ns = 2 * n, .key_ns = 2 * n, .convert_ns = n};
    const umbra_cost_model bytes = {.key_ns = 2 * n * sizeof(uint64_t)};
    UMBRA_TRY(spend(plan, &butterflies, &out->butterflies));
    UMBRA_TRY(spend(plan, &products, &out->products));
    UMBRA_TRY(spend(plan, &bytes, &out->bytes));
    out->bytes += (double)umbra_plan_weight_bytes(&plan->build);
    return UMBRA_OK;
}
