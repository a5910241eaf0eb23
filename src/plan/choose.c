/* The search: parameters and decisions with the least predicted time that reach the precision. */
#include "plan/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_BITS 8
#define BITS_MOST 32
#define USUAL_BITS 32 /* of s + w above twice the precision */
#define DEGREE_LEAST_LOG2 13
#define DEGREE_MOST_LOG2 17
#define DEGREE_WORTH 1.6 /* what an operation costs at least on twice the ring */
#define SPECIAL_MOST UMBRA_MAX_SPECIAL
#define SPECIAL_FIRST 3
#define KEPT_GRID 9 /* numbers of kept candidates that are tried at first */
#define PRECISION_ROUNDS 5
#define PROMISE_ROUNDS 3
#define PRECISION_STEP 4 /* bits by which scales are moved to see what each is worth */
#define FACTOR_GRID 6    /* steps from no depth to all whose rotations are made of a few */
#define FREE_STEP 0.5
#define FREE_STEPS 6
#define LEAST_GAIN 0.002 /* a flip must save this share of the time */

/* ---- precision: scale and weight bits ---- */

static void set_bits(umbra_decisions *d, double scale, double weight)
{
    d->scale_bits = fmin(fmax(scale, 14), 75);
    d->weight_bits = fmin(fmax(weight, 8), 55);
    d->guard_bits = UMBRA_GUARD_BITS;
    d->base_bits = d->scale_bits + UMBRA_HEADROOM_BITS;
}

/* The error is a 4^-s + b 4^-w, about: roundings at the scale, and roundings of weights. s + w,
 * which every level costs, is least where both parts are equal. */
static umbra_status fit_precision(umbra_search *s, umbra_trial *t)
{
    double scale = t->decisions.scale_bits, weight = t->decisions.weight_bits;
    umbra_trial moved = *t;
    set_bits(&moved.decisions, scale + PRECISION_STEP, weight);
    UMBRA_TRY(umbra_trial_judge(s, &moved));
    if (isinf(moved.log2_qp)) /* no room to look further: nothing was learned */
        return UMBRA_OK;
    double here = exp2(-2 * t->nominal_bits), there = exp2(-2 * moved.nominal_bits);
    double of_scale = fmax(here - there, here * 1e-3) / (1 - exp2(-2 * PRECISION_STEP));
    double of_weight = fmax(here - of_scale, here * 1e-3);
    double target = exp2(-2 * s->wanted_bits);
    set_bits(&t->decisions, scale + 0.5 * log2(2 * of_scale / target),
             weight + 0.5 * log2(2 * of_weight / target));
    return umbra_trial_judge(s, t);
}

/* Scale and weights of the wanted precision, as small as they may be. */
static umbra_status reach_precision(umbra_search *s, umbra_trial *t)
{
    UMBRA_TRY(umbra_trial_judge(s, t));
    if (isinf(t->log2_qp)) /* too deep to be judged at all */
        return UMBRA_OK;
    UMBRA_TRY(fit_precision(s, t));
    for (int i = 0; i < PRECISION_ROUNDS; i++) {
        double over = t->nominal_bits - s->wanted_bits, move = -over;
        if (fabs(over) < UMBRA_PRECISION_NEAR / 2)
            return UMBRA_OK;
        set_bits(&t->decisions, t->decisions.scale_bits + move, t->decisions.weight_bits + move);
        UMBRA_TRY(umbra_trial_judge(s, t));
        if (isinf(t->log2_qp)) /* its bits are those of the trial before */
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
        set_bits(&moved.decisions, t->decisions.scale_bits + more, t->decisions.weight_bits + more);
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
        double step = FREE_STEP * i / 2;
        set_bits(&moved.decisions, from.decisions.scale_bits + step,
                 from.decisions.weight_bits + step);
        UMBRA_TRY(umbra_trial_judge(s, &moved));
        if (moved.feasible && moved.bits > t->bits &&
            umbra_trial_score(s, &moved) <= umbra_trial_score(s, &from))
            *t = moved;
    }
    return UMBRA_OK;
}

/* ---- special primes ---- */

static umbra_status try_special(umbra_search *s, const umbra_trial *from, int special,
                                umbra_trial *best)
{
    umbra_trial t = *from;
    if (special < 1 || special > SPECIAL_MOST)
        return UMBRA_OK;
    t.decisions.special_count = special;
    UMBRA_TRY(umbra_trial_judge(s, &t));
    if (umbra_trial_better(s, &t, best))
        *best = t;
    return UMBRA_OK;
}

/* Walk to the best number of special primes: time has one valley in it. */
static umbra_status tune_special(umbra_search *s, umbra_trial *t)
{
    for (int step = -1; step <= 1; step += 2) {
        umbra_trial from;
        do {
            from = *t;
            UMBRA_TRY(try_special(s, &from, from.decisions.special_count + step, t));
        } while (umbra_trial_better(s, t, &from));
    }
    return UMBRA_OK;
}

/* ---- rotations made of a few ---- */

static umbra_status try_factored(umbra_search *s, const umbra_trial *from, int depths,
                                 umbra_trial *best)
{
    umbra_trial t = *from;
    if (depths < 0 || depths > from->depth)
        return UMBRA_OK;
    t.decisions.factored_depths = depths;
    UMBRA_TRY(umbra_trial_judge(s, &t));
    if (umbra_trial_better(s, &t, best))
        *best = t;
    return UMBRA_OK;
}

/* The best number of depths, coarsely, then finer: keys of the first ones are the largest. Where
 * keys are few enough as they are, nothing is tried. */
static umbra_status tune_factored(umbra_search *s, umbra_trial *t)
{
    umbra_trial from = *t;
    int step = t->depth <= FACTOR_GRID ? 1 : t->depth / FACTOR_GRID;
    bool large =
        (double)t->key_bytes > UMBRA_KEY_BYTES_FREE || t->memory_bytes > s->plan->memory_budget;
    if (t->decisions.factored_depths == 0 && !large)
        return UMBRA_OK;
    for (int depths = 0; depths <= from.depth; depths += step)
        UMBRA_TRY(try_factored(s, &from, depths, t));
    for (step /= 2; step > 0; step /= 2) {
        int middle = t->decisions.factored_depths;
        for (int side = -1; side <= 1; side += 2)
            UMBRA_TRY(try_factored(s, &from, middle + side * step, t));
    }
    return UMBRA_OK;
}

/* ---- composing ---- */

static umbra_status flip(umbra_search *s, const umbra_trial *from, int candidate, umbra_trial *out)
{
    *out = *from;
    out->decisions.compose[candidate] = !out->decisions.compose[candidate];
    return umbra_trial_judge(s, out);
}

/* What each flip alone would save, first of all; later the most promising is tried again, and done
 * if it still promises more than the next. Flips hardly help one another, so old promises are
 * bounds. */
static umbra_status flip_all(umbra_search *s, umbra_trial *best)
{
    int count = best->decisions.compose_count;
    double promise[UMBRA_PLAN_MAX_CANDIDATES];
    umbra_trial t;
    for (int i = 0; i < count; i++) {
        UMBRA_TRY(flip(s, best, i, &t));
        promise[i] = umbra_trial_better(s, &t, best) ? umbra_trial_gain(s, &t, best) : 0;
    }
    for (int tries = 0; tries < 4 * count; tries++) {
        int most = 0;
        double next = 0;
        for (int i = 1; i < count; i++)
            most = promise[i] > promise[most] ? i : most;
        for (int i = 0; i < count; i++)
            next = i != most && promise[i] > next ? promise[i] : next;
        if (count == 0 || promise[most] < LEAST_GAIN)
            return UMBRA_OK;
        UMBRA_TRY(flip(s, best, most, &t));
        promise[most] = umbra_trial_better(s, &t, best) ? umbra_trial_gain(s, &t, best) : 0;
        if (promise[most] < LEAST_GAIN || promise[most] < next)
            continue;
        *best = t;
        promise[most] = 0;
    }
    return UMBRA_OK;
}

/* ---- rings ---- */

/* Whether every tensor has a layout in a ring, and whether one needs several ciphertexts: then a
 * larger ring needs fewer, and costs hardly more. */
static umbra_status look_at_ring(const umbra_search *s, int images, int degree_log2, bool *fit,
                                 bool *several)
{
    size_t slots = (size_t)1 << (degree_log2 - 1);
    umbra_network network;
    umbra_layout layout;
    UMBRA_TRY(umbra_network_lower_images(&network, s->plan->graph, s->plan->matrices, NULL, 0,
                                         UMBRA_LOWER_SHAPES, images, slots));
    *fit = true;
    *several = false;
    for (int i = 0; i < network.tensor_count && *fit; i++) {
        if (!network.tensors[i].used)
            continue;
        *fit = umbra_network_layout(&network, i, slots, &layout) == UMBRA_OK;
        *several = *several || (*fit && layout.ciphertexts > 1);
    }
    umbra_network_free(&network);
    return UMBRA_OK;
}

/* Whether a ring may be secure at all: everything composed, and scales below what is needed. */
static umbra_status may_be_secure(umbra_search *s, int degree_log2, int candidates, bool *may)
{
    umbra_decisions d = {
        .degree_log2 = degree_log2, .special_count = 1, .compose_count = candidates};
    double log2_qp = 0;
    memset(d.compose, 1, (size_t)candidates);
    set_bits(&d, s->wanted_bits + 12, s->wanted_bits + 8);
    UMBRA_TRY(umbra_trial_modulus(s, &d, &log2_qp));
    *may = log2_qp <= umbra_security_limit_log2(degree_log2);
    return UMBRA_OK;
}

/* The first `kept` candidates kept and all others composed. Early sums are read at many limbs,
 * where diagonals are dear, and late ones at few: nearly the best order of decisions. */
static umbra_status try_kept(umbra_search *s, const umbra_trial *from, int kept, umbra_trial *best)
{
    umbra_trial t = *from;
    int count = t.decisions.compose_count;
    for (int i = 0; i < count; i++)
        t.decisions.compose[i] = i >= kept;
    UMBRA_TRY(umbra_trial_judge(s, &t));
    if (umbra_trial_better(s, &t, best))
        *best = t;
    return UMBRA_OK;
}

static int kept_count(const umbra_decisions *d)
{
    int kept = 0;
    for (int i = 0; i < d->compose_count; i++)
        kept += d->compose[i] == 0;
    return kept;
}

/* The best number of kept candidates with so many special primes: coarsely, then finer. */
static umbra_status best_kept(umbra_search *s, const umbra_trial *from, int special,
                              umbra_trial *best)
{
    umbra_trial t = *from, found = {0};
    int count = t.decisions.compose_count, step = count <= KEPT_GRID ? 1 : count / KEPT_GRID;
    t.decisions.special_count = special;
    for (int kept = 0; kept <= count; kept += step)
        UMBRA_TRY(try_kept(s, &t, kept, &found));
    for (; step > 1 && found.feasible; step /= 2) {
        int middle = kept_count(&found.decisions);
        for (int kept = middle - step / 2; kept <= middle + step / 2; kept += step)
            if (kept >= 0 && kept <= count && kept != middle)
                UMBRA_TRY(try_kept(s, &t, kept, &found));
    }
    if (umbra_trial_better(s, &found, best))
        *best = found;
    return UMBRA_OK;
}

/* fastest: as if every number of levels were secure, which bounds what larger rings can do. */
static umbra_status search_degree(umbra_search *s, int degree_log2, const umbra_network *network,
                                  umbra_trial *best, double *fastest)
{
    int candidates = network->candidate_count;
    umbra_trial first = {.decisions = {.degree_log2 = degree_log2,
                                       .images = network->images,
                                       .special_count = SPECIAL_FIRST,
                                       .compose_count = candidates}};
    memset(first.decisions.compose, 1, (size_t)candidates);
    set_bits(&first.decisions, s->wanted_bits + 17, s->wanted_bits + 13);
    UMBRA_TRY(reach_precision(s, &first));
    *fastest = first.seconds;
    s->nearest = first;
    /* Else the search would look for few bytes of keys first of all. */
    if (first.memory_bytes > s->plan->memory_budget)
        first.decisions.factored_depths = UMBRA_MAX_LEVELS;
    umbra_trial t = {0};
    for (int special = 1, worse = 0; special <= SPECIAL_MOST && worse < 2; special++) {
        umbra_trial before = t;
        UMBRA_TRY(best_kept(s, &first, special, &t));
        worse = !t.feasible || umbra_trial_better(s, &t, &before) ? 0 : worse + 1;
        if (!t.feasible && special > SPECIAL_FIRST)
            break;
    }
    if (!t.feasible)
        return UMBRA_OK;
    UMBRA_TRY(tune_factored(s, &t));
    UMBRA_TRY(flip_all(s, &t));
    UMBRA_TRY(reach_precision(s, &t));
    UMBRA_TRY(tune_special(s, &t));
    UMBRA_TRY(flip_all(s, &t));
    UMBRA_TRY(tune_factored(s, &t));
    UMBRA_TRY(keep_promise(s, &t));
    UMBRA_TRY(take_free_bits(s, &t));
    UMBRA_TRY(tune_factored(s, &t));
    *fastest = fmin(*fastest, t.seconds);
    if (umbra_trial_better(s, &t, best))
        *best = t;
    return UMBRA_OK;
}

/* The first tensor that is evaluated after so many rescalings. */
static const char *name_at_depth(const umbra_network *network, int depth)
{
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used && network->tensors[i].depth >= depth)
            return umbra_network_name(network, i);
    return "the output";
}

/* Which node runs out of modulus in the largest ring, by how much, and what would do. */
static umbra_status refuse_bits(const umbra_search *s, const umbra_network *network)
{
    umbra_decisions d = s->nearest.decisions;
    umbra_schedule schedule;
    if (d.scale_bits == 0) /* not even tried */
        set_bits(&d, s->wanted_bits + 17, s->wanted_bits + 13);
    double level = d.scale_bits + d.weight_bits;
    UMBRA_TRY(umbra_schedule_make(&schedule, network, &d));
    double limit = umbra_security_limit_log2(DEGREE_MOST_LOG2), used = d.base_bits + 50;
    int last = 0;
    for (int i = 0; i < schedule.depth; i++) {
        used += schedule.rescale_bits[i];
        last = used <= limit ? i + 1 : last;
    }
    double over = fmax(used - limit, 0), fewer = ceil(over / (2 * network->depth));
    double usual = 2 * s->wanted_bits + USUAL_BITS;
    char remedy[120] = "", wide[160] = "";
    if (fewer < s->wanted_bits - 2)
        snprintf(remedy, sizeof remedy, ", or ask for about %.0f bits fewer (--precision-bits)",
                 fewer);
    if (level > usual + 8)
        snprintf(wide, sizeof wide,
                 ". About %.0f bits a level are usual: here values have wide or unknown ranges "
                 "(\"ranges\" in model.json), and errors grow with them",
                 usual);
    if (over == 0) /* more bits are needed than the nearest trial has, and none has room for them */
        return umbra_fail(
            UMBRA_E_SECURITY,
            "the network is %d levels deep, and %.0f bits of precision take more than %.0f bits of "
            "modulus for each: together that is more than even ring degree 2^%d may have at 128 "
            "bits of security (%.0f, of which squares and rotations need a part). Use fewer "
            "activations in a row, or ask for fewer bits (--precision-bits)%s",
            network->depth, s->wanted_bits, level, DEGREE_MOST_LOG2, limit, wide);
    return umbra_fail(
        UMBRA_E_SECURITY,
        "the network is %d levels deep, and %.0f bits of precision take %.0f bits of modulus for "
        "each: %.0f in all, and at 128 bits of security even ring degree 2^%d has no more than "
        "%.0f. They are used up at \"%s\", %.0f bits short. Use %d activations fewer in a row%s%s",
        network->depth, s->wanted_bits, level, used, DEGREE_MOST_LOG2, limit,
        name_at_depth(network, last + 1), over, (int)ceil(over / level), remedy, wide);
}

static umbra_status refuse_depth(const umbra_search *s, const umbra_network *network)
{
    if (network->depth < UMBRA_MAX_LEVELS)
        return refuse_bits(s, network);
    return umbra_fail(
        UMBRA_E_SECURITY,
        "the network is %d levels deep and %d are possible, used up at \"%s\": a level is what one "
        "activation after another uses up, so use at least %d activations fewer in a row",
        network->depth, UMBRA_MAX_LEVELS - 1, name_at_depth(network, UMBRA_MAX_LEVELS),
        network->depth - UMBRA_MAX_LEVELS + 1);
}

/* Why nothing fits: a layout that no ring holds, or a network that is too deep. */
static umbra_status refuse(const umbra_search *s, const umbra_network *network)
{
    umbra_layout layout;
    size_t slots = (size_t)1 << (DEGREE_MOST_LOG2 - 1);
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used)
            UMBRA_TRY(umbra_network_layout(network, i, slots, &layout));
    return refuse_depth(s, network);
}

/* More images than the largest ring has room for, though it has room for one. */
static umbra_status check_images(const umbra_search *s, int wanted)
{
    bool fit = false, several = false;
    int most = wanted;
    UMBRA_TRY(look_at_ring(s, most, DEGREE_MOST_LOG2, &fit, &several));
    while (most > 1 && !fit)
        UMBRA_TRY(look_at_ring(s, most /= 2, DEGREE_MOST_LOG2, &fit, &several));
    if (most == wanted || !fit)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MODEL,
                      "%d images do not fit the ciphertexts of one run, %d do: ask for a batch of "
                      "at most %d and run it several times",
                      wanted, most, most);
}

/* Every ring, from the smallest. A larger one is left out where it cannot win: with one ciphertext
 * a tensor an operation costs twice as much there, and more levels do not make up for that. */
static umbra_status search_rings(umbra_search *s, const umbra_network *network, int most_log2,
                                 umbra_trial *out)
{
    umbra_trial best = {0};
    double bound = 0;
    for (int n = DEGREE_LEAST_LOG2; n <= most_log2; n++) {
        bool may = false, fit = false, several = false;
        UMBRA_TRY(look_at_ring(s, network->images, n, &fit, &several));
        if (!fit)
            continue;
        UMBRA_TRY(may_be_secure(s, n, network->candidate_count, &may));
        bool done = best.feasible && best.memory_bytes <= s->plan->memory_budget &&
                    umbra_trial_keeps_promise(s, &best);
        if (!may || (done && bound > best.seconds))
            continue;
        double fastest = 0;
        UMBRA_TRY(search_degree(s, n, network, &best, &fastest));
        bound = fastest * (several ? 1 : DEGREE_WORTH);
    }
    *out = best;
    return UMBRA_OK;
}

/* What each decision about a candidate is worth, for the explanation. */
static umbra_status note_flips(umbra_search *s, const umbra_trial *best)
{
    s->plan->flip_count = best->decisions.compose_count;
    for (int i = 0; i < s->plan->flip_count; i++) {
        umbra_trial t;
        UMBRA_TRY(flip(s, best, i, &t));
        s->plan->flip_seconds[i] = t.feasible ? t.seconds : INFINITY;
    }
    return UMBRA_OK;
}

/* More images a run while that lowers the seconds of each, within the memory. Twice as many may
 * not pay where four times as many do. No larger ring than for the first: twice the images in twice
 * the ring have the rooms that they had, and an operation costs more than twice. */
static umbra_status search_throughput(umbra_search *s, umbra_network *network, umbra_trial *best)
{
    int least = network->images;
    int most_log2 = best->feasible ? best->decisions.degree_log2 : DEGREE_MOST_LOG2;
    for (int k = 2 * least, worse = 0; k <= UMBRA_PLAN_MAX_IMAGES && worse < 2; k *= 2) {
        umbra_trial t = {0};
        bool fit = false, several = false;
        network->images = k;
        UMBRA_TRY(look_at_ring(s, k, DEGREE_MOST_LOG2, &fit, &several));
        if (fit)
            UMBRA_TRY(search_rings(s, network, most_log2, &t));
        if (!t.feasible || t.memory_bytes > s->plan->memory_budget)
            break;
        bool better = !best->feasible || umbra_trial_score(s, &t) / k <
                                             umbra_trial_score(s, best) / best->decisions.images;
        worse = better ? 0 : worse + 1;
        *best = better ? t : *best;
    }
    network->images = least;
    return UMBRA_OK;
}

static umbra_status search_all(umbra_search *s, umbra_network *network,
                               const umbra_plan_options *options)
{
    umbra_trial best = {0};
    UMBRA_TRY(check_images(s, network->images));
    UMBRA_TRY(search_rings(s, network, DEGREE_MOST_LOG2, &best));
    if (options->mode == UMBRA_PLAN_THROUGHPUT)
        UMBRA_TRY(search_throughput(s, network, &best));
    if (!best.feasible)
        return refuse(s, network);
    if (!isfinite(best.bits) || best.bits <= 0)
        return umbra_fail(UMBRA_E_SECURITY,
                          "no precision can be promised: the values of this network may grow "
                          "until the errors of encryption are as large as they are. Say how large "
                          "they are (\"ranges\" in model.json; docs/models.md), or train with "
                          "smaller ranges");
    if (best.bits < s->wanted_bits - UMBRA_PRECISION_NEAR)
        return umbra_fail(UMBRA_E_SECURITY,
                          "%.1f bits of precision are wanted and %.1f can be promised at 128 bits "
                          "of security: ask for fewer (--precision-bits), or train with smaller "
                          "ranges",
                          s->wanted_bits, best.bits);
    s->plan->decisions = best.decisions;
    UMBRA_TRY(note_flips(s, &best));
    return umbra_trial_params(s, &best.decisions, &s->plan->params);
}

umbra_status umbra_plan_choose(umbra_plan *plan, const umbra_plan_options *options,
                               umbra_pool *pool)
{
    umbra_network network;
    umbra_search s = {.plan = plan, .pool = pool};
    s.cost = umbra_cost_model_for(umbra_kernels_get()->name, plan->threads);
    plan->wanted_bits = options->precision_bits > 0 ? options->precision_bits : DEFAULT_BITS;
    plan->memory_budget = options->memory_bytes > 0 ? options->memory_bytes : (uint64_t)8 << 30;
    if (options->images < 0 || options->images > UMBRA_PLAN_MAX_IMAGES)
        return umbra_fail(UMBRA_E_USAGE, "a batch of %d images; 1 to %d are possible",
                          options->images, UMBRA_PLAN_MAX_IMAGES);
    s.wanted_bits = plan->wanted_bits;
    if (s.wanted_bits > BITS_MOST)
        return umbra_fail(UMBRA_E_USAGE,
                          "%.1f bits of precision are wanted; weights and images are numbers of 53 "
                          "bits, with which %d can be promised (--precision-bits)",
                          s.wanted_bits, BITS_MOST);
    int least = 1;
    while (least < options->images)
        least *= 2;
    UMBRA_TRY(umbra_network_lower_images(&network, plan->graph, plan->matrices, NULL, 0,
                                         UMBRA_LOWER_SHAPES, least,
                                         (size_t)1 << (DEGREE_MOST_LOG2 - 1)));
    umbra_status status = search_all(&s, &network, options);
    umbra_network_free(&network);
    return status;
}
