/* One point of the search: a whole program through the simulator, with sketched parameters. */
#include "plan/trial.h"

#include <math.h>
#include <stdio.h>

#define HOPELESS_TRIALS 64 /* none of which could be built */

/* The share of the budget that a trial leaves: diagonals may be those of an earlier trial, split
 * for its costs, and then a finished plan needs up to a thousandth more or less. */
#define MEMORY_SPARE 512

static umbra_status sets_of(umbra_search *s, const umbra_decisions *d, double limit_log2,
                            bool *fits, umbra_prime_sets *sets)
{
    umbra_network network;
    umbra_schedule schedule;
    UMBRA_TRY(umbra_network_lower(&network, s->plan->graph, s->plan->matrices, d->compose,
                                  d->compose_count, UMBRA_LOWER_SHAPES));
    *fits = network.depth < UMBRA_MAX_LEVELS;
    umbra_status status = *fits ? umbra_schedule_make(&schedule, &network, d) : UMBRA_OK;
    umbra_network_free(&network);
    if (status != UMBRA_OK || !*fits)
        return status;
    *fits = umbra_schedule_sets(sets, &schedule, d, limit_log2);
    return UMBRA_OK;
}

umbra_status umbra_trial_modulus(umbra_search *s, const umbra_decisions *d, double *log2_qp)
{
    umbra_prime_sets sets;
    bool fits = false;
    UMBRA_TRY(sets_of(s, d, INFINITY, &fits, &sets));
    *log2_qp = fits ? sets.log2_q + 50.0 * d->special_count : INFINITY;
    return UMBRA_OK;
}

static umbra_status literal_of(umbra_search *s, const umbra_decisions *d, double limit_log2,
                               bool *fits, umbra_params_literal *out)
{
    umbra_prime_sets sets;
    UMBRA_TRY(sets_of(s, d, limit_log2, fits, &sets));
    if (!*fits)
        return UMBRA_OK;
    return umbra_params_literal_sets(out, d->degree_log2, sets.prime_count, sets.prime_bits,
                                     d->special_count, sets.level_count, sets.sets, d->scale_bits);
}

umbra_status umbra_trial_params(umbra_search *s, const umbra_decisions *d, umbra_params **out)
{
    umbra_params_literal literal;
    bool fits = false;
    double limit = umbra_security_limit_log2(d->degree_log2) - 50.0 * d->special_count;
    UMBRA_TRY(literal_of(s, d, limit, &fits, &literal));
    if (!fits)
        return umbra_fail(UMBRA_E_INTERNAL, "the chosen levels do not fit their ring");
    return umbra_params_new(out, &literal);
}

static umbra_status judge_build(umbra_search *s, umbra_trial *t, const umbra_params *params,
                                const umbra_build *build)
{
    umbra_simulation simulation;
    double ns = 0;
    UMBRA_TRY(umbra_simulate(&simulation, &build->program, params, &s->cost,
                             build->input_scale_log2, build->network.depth));
    umbra_key_request request = {
        .params = params, .items = simulation.keys, .count = simulation.key_count};
    const uint64_t budget = s->plan->memory_budget - s->plan->memory_budget / MEMORY_SPARE;
    umbra_memory_share share =
        umbra_plan_share_memory(build, &simulation, s->plan->threads, budget, simulation.seeded);
    umbra_simulation_charge_seeds(&simulation);
    umbra_plan_charge_weights(build, &share, &simulation);
    for (int i = 0; i < build->program.step_count; i++)
        ns += simulation.steps[i].ns;
    t->seconds = umbra_cost_seconds(&s->cost, ns);
    t->bits = build->predicted_bits;
    t->depth = build->network.depth;
    t->nominal_bits = build->nominal_bits;
    t->key_bytes = umbra_key_request_bytes(&request);
    t->memory_bytes = share.needed_bytes;
    t->log2_qp = umbra_params_log2_qp(params);
    t->feasible = simulation.headroom_log2 >= 1 &&
                  t->log2_qp <= umbra_security_limit_log2(t->decisions.degree_log2);
    umbra_simulation_free(&simulation);
    return UMBRA_OK;
}

umbra_status umbra_trial_judge(umbra_search *s, umbra_trial *t)
{
    umbra_params_literal literal;
    umbra_params *params = NULL;
    umbra_build build;
    umbra_plan *plan = s->plan;
    double limit =
        umbra_security_limit_log2(t->decisions.degree_log2) - 50.0 * t->decisions.special_count;
    bool fits = false;
    s->trials++;
    t->feasible = false;
    t->log2_qp = INFINITY;
    UMBRA_TRY(literal_of(s, &t->decisions, limit, &fits, &literal));
    const bool within = fits;
    if (!fits) /* beyond security: judged all the same, for what it lacks */
        UMBRA_TRY(literal_of(s, &t->decisions, INFINITY, &fits, &literal));
    if (!fits)
        return UMBRA_OK;
    UMBRA_TRY(umbra_params_new_sketch(&params, &literal));
    umbra_status status =
        umbra_build_make(&build, plan->graph, plan->matrices, plan->facts, &plan->statistics,
                         params, &t->decisions, UMBRA_DIAGONAL_COUNT, s->pool);
    if (status == UMBRA_OK) {
        status = judge_build(s, t, params, &build);
        t->feasible = t->feasible && within;
        umbra_build_free(&build);
        s->builds++;
    }
    umbra_params_free(params);
    if (status != UMBRA_E_MODEL || (s->builds == 0 && s->trials > HOPELESS_TRIALS))
        return status;
    snprintf(s->no_build, sizeof s->no_build, "%s", umbra_error_message());
    return UMBRA_OK; /* with other decisions it may go */
}

double umbra_trial_score(const umbra_search *s, const umbra_trial *t)
{
    double above = log((double)t->key_bytes / UMBRA_KEY_BYTES_FREE);
    double keys = above > 0 ? UMBRA_KEY_BYTES_STEP + UMBRA_KEY_BYTES_WEIGHT * above : 0;
    double missing = UMBRA_MISSING_BITS_WEIGHT * fmax(0, s->wanted_bits - t->bits);
    return t->seconds * (1 + keys) * (1 + missing);
}

bool umbra_trial_keeps_promise(const umbra_search *s, const umbra_trial *t)
{
    return t->bits >= s->wanted_bits - UMBRA_PRECISION_NEAR;
}

double umbra_trial_gain(const umbra_search *s, const umbra_trial *a, const umbra_trial *b)
{
    return 1 - umbra_trial_score(s, a) / umbra_trial_score(s, b);
}

bool umbra_trial_better(const umbra_search *s, const umbra_trial *a, const umbra_trial *b)
{
    bool a_fits = a->memory_bytes <= s->plan->memory_budget;
    bool b_fits = b->memory_bytes <= s->plan->memory_budget;
    if (!a->feasible || !b->feasible)
        return a->feasible && !b->feasible;
    bool a_keeps = umbra_trial_keeps_promise(s, a), b_keeps = umbra_trial_keeps_promise(s, b);
    if (a_keeps != b_keeps)
        return a_keeps;
    if (a_fits != b_fits)
        return a_fits;
    if (!a_fits)
        return a->memory_bytes < b->memory_bytes;
    return umbra_trial_score(s, a) < umbra_trial_score(s, b);
}
