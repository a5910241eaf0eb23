/* From one point of the search to the best near it: bits, special primes, what is composed, and
 * where rotations are made of a few. */
#include "plan/tune.h"

#include <math.h>

#define PRECISION_ROUNDS 5
#define PROMISE_ROUNDS 3
#define PRECISION_STEP 4 /* bits by which scales are moved to see what each is worth */
#define FACTOR_GRID 6    /* steps from no depth to all whose rotations are made of a few */
#define FREE_STEP 0.25   /* bits taken at once, of those that cost nothing */
#define FREE_STEPS 6
#define LEAST_GAIN 0.002 /* a change must save this share of the time */
#define TUNE_ROUNDS 4
#define PAIR_REACH 8    /* from one candidate to another that changes with it */
#define SPECIAL_REACH 2 /* special primes more or fewer, with one candidate decided anew */

/* ---- precision: scale and weight bits ---- */

void umbra_tune_set_bits(umbra_decisions *d, double scale_bits, double weight_bits)
{
    /* Where rescaling brings scales back to: see umbra_params_rescaled_log2. */
    d->scale_bits = nearbyint(fmin(fmax(scale_bits, 14), 75) * 0x1p16) * 0x1p-16;
    d->weight_bits = fmin(fmax(weight_bits, 8), 55);
    d->base_bits = d->scale_bits + UMBRA_HEADROOM_BITS;
}

/* The error is a 4^-s + b 4^-w, about: roundings at the scale, and roundings of weights. s + w,
 * which every level costs, is least where both parts are equal. */
static umbra_status fit_precision(umbra_search *s, umbra_trial *t)
{
    double scale = t->decisions.scale_bits, weight = t->decisions.weight_bits;
    umbra_trial moved = *t;
    umbra_tune_set_bits(&moved.decisions, scale + PRECISION_STEP, weight);
    UMBRA_TRY(umbra_trial_judge(s, &moved));
    if (isinf(moved.log2_qp)) /* no room to look further: nothing was learned */
        return UMBRA_OK;
    double here = exp2(-2 * t->nominal_bits), there = exp2(-2 * moved.nominal_bits);
    double of_scale = fmax(here - there, here * 1e-3) / (1 - exp2(-2 * PRECISION_STEP));
    double of_weight = fmax(here - of_scale, here * 1e-3);
    double target = exp2(-2 * s->wanted_bits);
    umbra_tune_set_bits(&t->decisions, scale + 0.5 * log2(2 * of_scale / target),
                        weight + 0.5 * log2(2 * of_weight / target));
    return umbra_trial_judge(s, t);
}

/* Scale and weights of the wanted precision, as small as they may be. */
umbra_status umbra_tune_reach(umbra_search *s, umbra_trial *t)
{
    UMBRA_TRY(umbra_trial_judge(s, t));
    if (isinf(t->log2_qp)) /* too deep to be judged at all */
        return UMBRA_OK;
    UMBRA_TRY(fit_precision(s, t));
    if (isinf(t->log2_qp)) /* no sets hold what is needed; its bits are those of the trial before */
        return UMBRA_OK;
    for (int i = 0; i < PRECISION_ROUNDS; i++) {
        double over = t->nominal_bits - s->wanted_bits, move = -over;
        if (fabs(over) < UMBRA_PRECISION_NEAR / 2)
            return UMBRA_OK;
        umbra_tune_set_bits(&t->decisions, t->decisions.scale_bits + move,
                            t->decisions.weight_bits + move);
        UMBRA_TRY(umbra_trial_judge(s, t));
        if (isinf(t->log2_qp))
            return UMBRA_OK;
    }
    return UMBRA_OK;
}

/* What is promised is what the primes leave, which may be a little less than was decided. */
static umbra_status keep_promise(umbra_search *s, umbra_trial *t)
{
    for (int i = 0; i < PROMISE_ROUNDS && t->bits < s->wanted_bits; i++) {
        umbra_trial moved = *t;
        double more = fmax(s->wanted_bits - t->bits, 0.02);
        umbra_tune_set_bits(&moved.decisions, t->decisions.scale_bits + more,
                            t->decisions.weight_bits + more);
        UMBRA_TRY(umbra_trial_judge(s, &moved));
        if (!moved.feasible || moved.bits <= t->bits)
            return UMBRA_OK;
        *t = moved;
    }
    return UMBRA_OK;
}

/* Words are full of bits that nobody asked for: a finer scale that costs no time. */
static umbra_status take_free_bits(umbra_search *s, umbra_trial *t)
{
    umbra_trial from = *t, moved = *t;
    for (int i = 1; i <= FREE_STEPS; i++) {
        double step = FREE_STEP * i;
        umbra_tune_set_bits(&moved.decisions, from.decisions.scale_bits + step,
                            from.decisions.weight_bits + step);
        UMBRA_TRY(umbra_trial_judge(s, &moved));
        if (moved.feasible && moved.bits > t->bits &&
            umbra_trial_score(s, &moved) <= umbra_trial_score(s, &from))
            *t = moved;
    }
    return UMBRA_OK;
}

/* ---- one change ---- */

umbra_status umbra_tune_consider(umbra_search *s, const umbra_decisions *decisions,
                                 umbra_trial *best)
{
    umbra_trial t = {.decisions = *decisions};
    UMBRA_TRY(umbra_trial_judge(s, &t));
    if (umbra_trial_better(s, &t, best))
        *best = t;
    return UMBRA_OK;
}

/* The best number of depths whose rotations are made of a few, coarsely, then finer: keys of the
 * first ones are the largest. Where keys are few enough as they are, nothing is tried. */
static umbra_status tune_factored(umbra_search *s, umbra_trial *t)
{
    umbra_decisions d = t->decisions;
    const int depth = t->depth;
    int step = depth <= FACTOR_GRID ? 1 : depth / FACTOR_GRID;
    bool large =
        (double)t->key_bytes > UMBRA_KEY_BYTES_FREE || t->memory_bytes > s->plan->memory_budget;
    if (d.factored_depths == 0 && !large)
        return UMBRA_OK;
    for (d.factored_depths = 0; d.factored_depths <= depth; d.factored_depths += step)
        UMBRA_TRY(umbra_tune_consider(s, &d, t));
    for (step /= 2; step > 0; step /= 2) {
        int middle = t->decisions.factored_depths;
        for (int side = -1; side <= 1; side += 2) {
            d.factored_depths = middle + side * step;
            if (d.factored_depths >= 0 && d.factored_depths <= depth)
                UMBRA_TRY(umbra_tune_consider(s, &d, t));
        }
    }
    return UMBRA_OK;
}

/* Rounds over many candidates end here, wherever they are: what stands is a plan all the same. */
static bool is_enough(const umbra_search *s)
{
    return s->trials >= s->most_trials;
}

static umbra_status flip(umbra_search *s, const umbra_trial *from, int candidate, umbra_trial *best)
{
    umbra_decisions d = from->decisions;
    d.compose[candidate] = !d.compose[candidate];
    return umbra_tune_consider(s, &d, best);
}

/* What each flip alone would save, first of all; later the most promising is tried again, and done
 * if it still promises more than the next. Flips hardly help one another, so old promises are
 * bounds. */
static umbra_status flip_all(umbra_search *s, umbra_trial *best)
{
    int count = best->decisions.compose_count;
    double promise[UMBRA_PLAN_MAX_CANDIDATES] = {0};
    umbra_trial t;
    for (int i = 0; i < count && !is_enough(s); i++) {
        t = *best;
        UMBRA_TRY(flip(s, best, i, &t));
        promise[i] = umbra_trial_gain(s, &t, best);
    }
    for (int tries = 0; tries < 4 * count && !is_enough(s); tries++) {
        int most = 0;
        double next = 0;
        for (int i = 1; i < count; i++)
            most = promise[i] > promise[most] ? i : most;
        for (int i = 0; i < count; i++)
            next = i != most && promise[i] > next ? promise[i] : next;
        if (count == 0 || promise[most] < LEAST_GAIN)
            return UMBRA_OK;
        t = *best;
        UMBRA_TRY(flip(s, best, most, &t));
        promise[most] = umbra_trial_gain(s, &t, best);
        if (promise[most] < LEAST_GAIN || promise[most] < next)
            continue;
        *best = t;
        promise[most] = 0;
    }
    return UMBRA_OK;
}

/* One candidate kept and another composed, of those that are near each other in the graph, and two
 * neighbours both: the second of two may bring what the first costs. */
static umbra_status flip_pairs(umbra_search *s, umbra_trial *t)
{
    for (int i = 0; i < t->decisions.compose_count; i++)
        for (int k = i + 1; k < t->decisions.compose_count && k <= i + PAIR_REACH; k++) {
            umbra_decisions d = t->decisions;
            if ((d.compose[i] == d.compose[k] && k > i + 1) || is_enough(s))
                continue;
            d.compose[i] = !d.compose[i];
            d.compose[k] = !d.compose[k];
            UMBRA_TRY(umbra_tune_consider(s, &d, t));
        }
    return UMBRA_OK;
}

/* Other numbers of special primes, each also with one candidate decided anew: a prime more takes
 * the bits that a level has, and the other way round. */
static umbra_status tune_special(umbra_search *s, umbra_trial *t)
{
    const umbra_trial from = *t;
    for (int move = -SPECIAL_REACH; move <= SPECIAL_REACH; move++) {
        umbra_trial moved = from;
        moved.decisions.special_count += move;
        if (move == 0 || moved.decisions.special_count < 1 ||
            moved.decisions.special_count > UMBRA_MAX_SPECIAL)
            continue;
        UMBRA_TRY(umbra_tune_consider(s, &moved.decisions, t));
        for (int i = 0; i < moved.decisions.compose_count && !is_enough(s); i++)
            UMBRA_TRY(flip(s, &moved, i, t));
    }
    return UMBRA_OK;
}

umbra_status umbra_tune(umbra_search *s, umbra_trial *t)
{
    s->most_trials = s->trials + (s->tune_trials > 0 ? s->tune_trials : UMBRA_TUNE_TRIALS);
    for (int round = 0; round < TUNE_ROUNDS && !is_enough(s); round++) {
        const umbra_trial from = *t;
        UMBRA_TRY(tune_factored(s, t));
        UMBRA_TRY(flip_all(s, t));
        umbra_trial moved = *t;
        UMBRA_TRY(umbra_tune_reach(s, &moved));
        if (umbra_trial_better(s, &moved, t))
            *t = moved;
        UMBRA_TRY(tune_special(s, t));
        UMBRA_TRY(flip_pairs(s, t));
        if (round > 0 && umbra_trial_gain(s, t, &from) < LEAST_GAIN)
            break;
    }
    UMBRA_TRY(keep_promise(s, t));
    UMBRA_TRY(take_free_bits(s, t));
    return tune_factored(s, t);
}
