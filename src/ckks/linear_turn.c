/* Giant steps of a linear map: several sums are turned at a time. [HS18] */
#include "ckks/linear_internal.h"

#include <string.h>

/* The sums of an output stay multiples of P until its end: what no key has multiplied is multiplied
 * by P, so that one division serves all. */

size_t umbra_linear_lanes(size_t all_limbs)
{
    const size_t lanes = UMBRA_LINEAR_TURN_LIMBS / all_limbs;
    return lanes < 1 ? 1 : lanes > UMBRA_LINEAR_LANES ? UMBRA_LINEAR_LANES : lanes;
}

static size_t data_limbs(const umbra_linear_turn *turn)
{
    return (size_t)turn->e->params->levels[turn->level].limbs;
}

static size_t all_limbs(const umbra_linear_turn *turn)
{
    return data_limbs(turn) + (size_t)turn->e->params->literal.special_count;
}

static uint64_t *wide_at(const umbra_linear_turn *turn, size_t lane, size_t part, size_t limb)
{
    return turn->wide + ((lane * 2 + part) * all_limbs(turn) + limb) * turn->e->degree;
}

static const umbra_modulus *modulus_of(const umbra_linear_turn *turn, size_t limb)
{
    const umbra_params *params = turn->e->params;
    return umbra_params_modulus(params, umbra_switch_limb_prime(params, turn->level, (int)limb));
}

/* P modulo the prime of a data limb. */
static uint64_t special_product(const umbra_linear_turn *turn, size_t limb)
{
    const umbra_params *params = turn->e->params;
    return params->special_product[params->levels[turn->level].prime[limb]];
}

static umbra_status raise_limb(void *context, size_t index, int worker)
{
    const umbra_linear_turn *turn = context;
    const size_t n = turn->e->degree, part = index / all_limbs(turn);
    const size_t limb = index % all_limbs(turn);
    uint64_t *r = wide_at(turn, 0, part, limb);
    (void)worker;
    if (limb < data_limbs(turn))
        turn->e->kernels->mul_scalar(r, turn->plain[part] + limb * n, special_product(turn, limb),
                                     n, modulus_of(turn, limb));
    else
        memset(r, 0, n * sizeof *r); /* P is a multiple of the limb's prime */
    return UMBRA_OK;
}

umbra_status umbra_linear_turn_nothing(umbra_linear_turn *turn, uint64_t *const sum[2])
{
    turn->plain = sum;
    turn->begun[0] = true;
    return umbra_pool_run(turn->e->pool, 2 * all_limbs(turn), raise_limb, turn);
}

/* Some limbs of a group: r = what its key makes of the second part, and P times the first. */
static void switch_limbs(const umbra_linear_turn *turn, size_t g, umbra_limb_range limbs,
                         uint64_t *const r[2][UMBRA_SWITCH_WIDTH], uint64_t *batch)
{
    const umbra_evaluator *e = turn->e;
    umbra_switch_inner(e, &turn->digits[g], turn->groups[g].key, limbs, r, batch);
    for (int i = 0; i < limbs.count; i++) {
        const size_t limb = (size_t)(limbs.first + i);
        if (limb < data_limbs(turn))
            e->kernels->mul_scalar_add(r[0][i], turn->sums[g][0] + limb * e->degree,
                                       special_product(turn, limb), e->degree,
                                       modulus_of(turn, limb));
    }
}

/* Turn a polynomial in one limb, and add it to the lane's, or begin that with it. */
static void turn_part(const umbra_linear_turn *turn, size_t lane, size_t part, size_t limb,
                      const uint64_t *r, const uint32_t *places, bool begun)
{
    const umbra_evaluator *e = turn->e;
    uint64_t *to = wide_at(turn, lane, part, limb);
    if (begun)
        e->kernels->permute_add(to, r, places, e->degree, modulus_of(turn, limb));
    else
        e->kernels->permute(to, r, places, e->degree);
}

/* Some limbs of one lane: every so many groups, one after the other. */
static umbra_status turn_limbs(void *context, size_t index, int worker)
{
    const umbra_linear_turn *turn = context;
    const umbra_evaluator *e = turn->e;
    const size_t n = e->degree, lane = index % turn->lanes;
    const umbra_limb_range limbs =
        umbra_switch_range(turn->ranges, index / turn->lanes, 0, all_limbs(turn));
    uint64_t *batch = umbra_evaluator_worker(e, worker), *r[2][UMBRA_SWITCH_WIDTH];
    for (int i = 0; i < limbs.count; i++)
        for (int p = 0; p < 2; p++)
            r[p][i] = batch + (size_t)(UMBRA_SWITCH_INNER_LIMBS + 2 * i + p) * n;
    bool begun = turn->begun[lane];
    for (size_t g = lane; g < turn->count; g += turn->lanes, begun = true) {
        switch_limbs(turn, g, limbs, r, batch);
        for (int i = 0; i < limbs.count; i++)
            for (size_t p = 0; p < 2; p++)
                turn_part(turn, lane, p, (size_t)(limbs.first + i), r[p][i],
                          turn->groups[g].key->index, begun);
    }
    return UMBRA_OK;
}

umbra_status umbra_linear_turn_groups(umbra_linear_turn *turn, const umbra_linear_group *groups,
                                      uint64_t *const (*sums)[2], size_t count)
{
    const uint64_t *own[UMBRA_LINEAR_TURNS];
    turn->groups = groups;
    turn->sums = sums;
    turn->count = count;
    for (size_t g = 0; g < count; g++)
        own[g] = sums[g][1];
    UMBRA_TRY(umbra_decompose_each(turn->e, turn->digits, count, turn->level, own, turn->memory));
    turn->ranges = umbra_switch_ranges(turn->e, all_limbs(turn), turn->lanes);
    UMBRA_TRY(umbra_pool_run(turn->e->pool, turn->ranges * turn->lanes, turn_limbs, turn));
    for (size_t lane = 0; lane < turn->lanes && lane < count; lane++)
        turn->begun[lane] = true;
    return UMBRA_OK;
}

/* Lane 0 has been begun wherever another one has. */
static umbra_status join_limb(void *context, size_t index, int worker)
{
    const umbra_linear_turn *turn = context;
    const size_t part = index / all_limbs(turn), limb = index % all_limbs(turn);
    uint64_t *r = wide_at(turn, 0, part, limb);
    (void)worker;
    for (size_t lane = 1; lane < turn->lanes; lane++)
        if (turn->begun[lane])
            turn->e->kernels->add(r, r, wide_at(turn, lane, part, limb), turn->e->degree,
                                  modulus_of(turn, limb));
    return UMBRA_OK;
}

umbra_status umbra_linear_turn_end(umbra_linear_turn *turn, umbra_ciphertext *out)
{
    umbra_evaluator *e = turn->e;
    const umbra_switch_job run = {.e = e,
                                  .level = turn->level,
                                  .sum = {wide_at(turn, 0, 0, 0), wide_at(turn, 0, 1, 0)},
                                  .special = turn->memory,
                                  .out = {out->part[0], out->part[1]}};
    if (turn->lanes > 1 && turn->begun[1])
        UMBRA_TRY(umbra_pool_run(e->pool, 2 * all_limbs(turn), join_limb, turn));
    memset(turn->begun, 0, sizeof turn->begun);
    return umbra_switch_run(&run);
}
