/* The search: parameters and decisions with the least predicted time that reach the precision. */
#include "plan/tune.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_BITS 8
#define DEGREE_LEAST_LOG2 13
#define DEGREE_WORTH 1.6 /* what an operation costs at least on twice the ring */
#define SPECIAL_FIRST 3
#define STARTS 4
#define STARTS_TUNED 2
#define GUARD_WIDE_BITS 8 /* of a kept sum's scale above that of what is squared */
#define GUARD_NARROW_BITS 3
/* Bits of the scale and of weights above those wanted: where the search sets out (scales of the
 * zoo's networks end 17 to 21 above), and so few that no network does with them. */
#define FIRST_SCALE_BITS 17
#define FIRST_WEIGHT_BITS 13
#define LEAST_SCALE_BITS 12
#define LEAST_WEIGHT_BITS 8
#define KEPT_GRID 9 /* numbers of kept candidates that are tried at first */

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
    umbra_tune_set_bits(&d, s->wanted_bits + LEAST_SCALE_BITS, s->wanted_bits + LEAST_WEIGHT_BITS);
    UMBRA_TRY(umbra_trial_modulus(s, &d, &log2_qp));
    *may = log2_qp <= umbra_security_limit_log2(degree_log2);
    return UMBRA_OK;
}

/* The first `kept` candidates kept and all others composed. Early sums are read at many limbs,
 * where diagonals are dear, and late ones at few: nearly the best order of decisions. */
static umbra_status try_kept(umbra_search *s, const umbra_trial *from, int kept, umbra_trial *best)
{
    umbra_decisions d = from->decisions;
    for (int i = 0; i < d.compose_count; i++)
        d.compose[i] = i >= kept;
    return umbra_tune_consider(s, &d, best);
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

/* The best numbers of special primes and of kept candidates, from one start. */
static umbra_status scan(umbra_search *s, const umbra_trial *start, umbra_trial *out)
{
    umbra_trial t = {0};
    for (int special = 1, worse = 0; special <= UMBRA_MAX_SPECIAL && worse < 2; special++) {
        umbra_trial before = t;
        UMBRA_TRY(best_kept(s, start, special, &t));
        worse = !t.feasible || umbra_trial_better(s, &t, &before) ? 0 : worse + 1;
        if (!t.feasible && special > SPECIAL_FIRST)
            break;
    }
    *out = t;
    return UMBRA_OK;
}

/* Kept sums at a wide guard and at a narrow one, rotations whole and made of a few: one valley
 * each. */
static umbra_status scan_all(umbra_search *s, const umbra_trial *first, umbra_trial *starts)
{
    /* Where keys are large, whole rotations make the search look for few bytes first of all. */
    const bool large = (double)first->key_bytes > UMBRA_KEY_BYTES_FREE;
    const bool fits = first->memory_bytes <= s->plan->memory_budget;
    for (int i = 0; i < STARTS; i++) {
        const bool factored = i % 2 == 1;
        umbra_trial start = *first;
        start.decisions.guard_bits = i / 2 == 0 ? GUARD_WIDE_BITS : GUARD_NARROW_BITS;
        start.decisions.factored_depths = factored ? UMBRA_MAX_LEVELS : 0;
        starts[i] = (umbra_trial){0};
        if (factored ? large || !fits : fits)
            UMBRA_TRY(scan(s, &start, &starts[i]));
    }
    return UMBRA_OK;
}

/* fastest: as if every number of levels were secure, which bounds what larger rings can do. */
static umbra_status search_degree(umbra_search *s, int degree_log2, const umbra_network *network,
                                  umbra_trial *best, double *fastest)
{
    int candidates = network->candidate_count;
    umbra_trial first = {.decisions = {.degree_log2 = degree_log2,
                                       .images = network->images,
                                       .guard_bits = GUARD_WIDE_BITS,
                                       .special_count = SPECIAL_FIRST,
                                       .compose_count = candidates}};
    umbra_trial starts[STARTS];
    memset(first.decisions.compose, 1, (size_t)candidates);
    umbra_tune_set_bits(&first.decisions, s->wanted_bits + FIRST_SCALE_BITS,
                        s->wanted_bits + FIRST_WEIGHT_BITS);
    UMBRA_TRY(umbra_tune_reach(s, &first));
    *fastest = first.seconds;
    s->nearest = first;
    UMBRA_TRY(scan_all(s, &first, starts));
    for (int n = 0; n < STARTS_TUNED; n++) {
        int most = 0;
        for (int i = 1; i < STARTS; i++)
            most = umbra_trial_better(s, &starts[i], &starts[most]) ? i : most;
        if (!starts[most].feasible)
            break;
        UMBRA_TRY(umbra_tune(s, &starts[most]));
        *fastest = fmin(*fastest, starts[most].seconds);
        if (umbra_trial_better(s, &starts[most], best))
            *best = starts[most];
        starts[most].feasible = false;
    }
    return UMBRA_OK;
}

/* More images than the largest ring has room for, though it has room for one. */
static umbra_status check_images(const umbra_search *s, int wanted)
{
    bool fit = false, several = false;
    int most = wanted;
    UMBRA_TRY(look_at_ring(s, most, UMBRA_DEGREE_MOST_LOG2, &fit, &several));
    while (most > 1 && !fit)
        UMBRA_TRY(look_at_ring(s, most /= 2, UMBRA_DEGREE_MOST_LOG2, &fit, &several));
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
        umbra_trial t = {.decisions = best->decisions};
        t.decisions.compose[i] = !t.decisions.compose[i];
        UMBRA_TRY(umbra_trial_judge(s, &t));
        s->plan->flips[i] = (umbra_flip){.fits_ring = t.feasible,
                                         .keeps_promise = umbra_trial_keeps_promise(s, &t),
                                         .fits_memory = t.memory_bytes <= s->plan->memory_budget,
                                         .seconds = t.seconds,
                                         .bits = t.bits,
                                         .key_bytes = t.key_bytes,
                                         .memory_bytes = t.memory_bytes};
    }
    return UMBRA_OK;
}

/* More images a run while that lowers the seconds of each, within the memory. Twice as many may
 * not pay where four times as many do. No larger ring than for the first: twice the images in twice
 * the ring have the rooms that they had, and an operation costs more than twice. */
static umbra_status search_throughput(umbra_search *s, umbra_network *network, umbra_trial *best)
{
    int least = network->images;
    int most_log2 = best->feasible ? best->decisions.degree_log2 : UMBRA_DEGREE_MOST_LOG2;
    for (int k = 2 * least, worse = 0; k <= UMBRA_PLAN_MAX_IMAGES && worse < 2; k *= 2) {
        umbra_trial t = {0};
        bool fit = false, several = false;
        network->images = k;
        UMBRA_TRY(look_at_ring(s, k, UMBRA_DEGREE_MOST_LOG2, &fit, &several));
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
    UMBRA_TRY(search_rings(s, network, UMBRA_DEGREE_MOST_LOG2, &best));
    if (options->mode == UMBRA_PLAN_THROUGHPUT)
        UMBRA_TRY(search_throughput(s, network, &best));
    if (!best.feasible)
        return umbra_refuse(s, network);
    if (!isfinite(best.bits) || best.bits <= 0)
        return umbra_fail(UMBRA_E_SECURITY,
                          "no precision can be promised: the values of this network may grow "
                          "until the errors of encryption are as large as they are. Say how large "
                          "they are (\"ranges\" in model.json; docs/models.md), or train with "
                          "smaller ranges");
    if (best.bits < s->wanted_bits - UMBRA_PRECISION_NEAR)
        return umbra_fail(UMBRA_E_SECURITY,
                          "%.1f bits of precision are wanted and %.1f can be promised at 128 bits "
                          "of security, %.1f short: the network is %d levels deep, and levels of "
                          "more bits do not fit. Ask for fewer bits (--precision-bits %.0f), use "
                          "fewer activations in a row, or train with smaller ranges",
                          s->wanted_bits, best.bits, s->wanted_bits - best.bits, best.depth,
                          fmax(floor(best.bits), 1));
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
    if (s.wanted_bits > UMBRA_PLAN_MOST_BITS)
        return umbra_fail(UMBRA_E_USAGE,
                          "%.1f bits of precision are wanted; weights and images are numbers of 53 "
                          "bits, with which %d can be promised: ask for %d or fewer "
                          "(--precision-bits)",
                          s.wanted_bits, UMBRA_PLAN_MOST_BITS, UMBRA_PLAN_MOST_BITS);
    int least = 1;
    while (least < options->images)
        least *= 2;
    UMBRA_TRY(umbra_network_lower_images(&network, plan->graph, plan->matrices, NULL, 0,
                                         UMBRA_LOWER_SHAPES, least,
                                         (size_t)1 << (UMBRA_DEGREE_MOST_LOG2 - 1)));
    umbra_status status = search_all(&s, &network, options);
    umbra_network_free(&network);
    return status;
}
