/* The search: parameters and decisions with the least predicted time that reach the precision. */
#include "plan/plan_internal.h"

#include <math.h>
#include <string.h>

#define DEFAULT_BITS 8
#define DEGREE_LEAST_LOG2 13
#define DEGREE_MOST_LOG2 16
#define SPECIAL_MOST 8
#define PRIME_BITS 49.95 /* a rescaling after a square: just below the largest prime */
#define HEADROOM_BITS 8  /* of the lowest level above the scale */
#define SCALE_LEAST 22
#define SCALE_MOST 36
#define GUARD_BITS 8
#define KEY_BYTES_MOST ((uint64_t)2000000000)

/* One point of the search. */
typedef struct trial {
    umbra_decisions decisions;
    bool feasible;
    double seconds, bits;
    uint64_t key_bytes;
} trial;

typedef struct search {
    umbra_plan *plan;
    umbra_pool *pool;
    umbra_cost_model cost;
} search;

static void set_scale(umbra_decisions *d, double scale_bits)
{
    d->scale_bits = scale_bits;
    d->weight_bits = PRIME_BITS - scale_bits;
    d->guard_bits = GUARD_BITS;
    d->base_bits = scale_bits + HEADROOM_BITS;
}

/* Parameters of a trial; NULL where 128 bits are not reached, which is no error here. */
static umbra_status make_params(search *s, const umbra_decisions *d, umbra_params **out)
{
    umbra_network network;
    umbra_schedule schedule;
    umbra_params_literal literal;
    *out = NULL;
    UMBRA_TRY(umbra_network_lower(&network, s->plan->graph, s->plan->matrices, d->compose,
                                  d->compose_count, UMBRA_LOWER_SHAPES));
    umbra_status status = umbra_schedule_make(&schedule, &network, d);
    umbra_network_free(&network);
    if (status != UMBRA_OK)
        return status;
    double bits = d->base_bits + 50.0 * d->special_count;
    for (int i = 0; i < schedule.depth; i++)
        bits += schedule.rescale_bits[i];
    if (bits > umbra_security_limit_log2(d->degree_log2) + 0.5)
        return UMBRA_OK;
    UMBRA_TRY(umbra_schedule_literal(&schedule, d, &literal));
    status = umbra_params_new(out, &literal);
    return status == UMBRA_E_SECURITY ? UMBRA_OK : status;
}

static umbra_status judge(search *s, trial *t, const umbra_params *params)
{
    umbra_build build;
    umbra_simulation simulation;
    umbra_plan *plan = s->plan;
    UMBRA_TRY(umbra_build_make(&build, plan->graph, plan->matrices, plan->facts, &plan->statistics,
                               params, &t->decisions, UMBRA_DIAGONAL_COUNT, s->pool));
    umbra_status status = umbra_simulate(&simulation, &build.program, params, &s->cost,
                                         build.input_scale_log2, build.network.depth);
    if (status == UMBRA_OK) {
        double ns = 0;
        umbra_key_request request = {
            .params = params, .items = simulation.keys, .count = simulation.key_count};
        for (int i = 0; i < build.program.step_count; i++)
            ns += simulation.steps[i].ns;
        t->seconds = umbra_cost_seconds(&s->cost, ns);
        t->bits = build.predicted_bits;
        t->key_bytes = umbra_key_request_bytes(&request);
        t->feasible = simulation.headroom_log2 >= 1;
        umbra_simulation_free(&simulation);
    }
    umbra_build_free(&build);
    return status;
}

static umbra_status try_one(search *s, trial *t)
{
    umbra_params *params = NULL;
    t->feasible = false;
    UMBRA_TRY(make_params(s, &t->decisions, &params));
    if (params == NULL)
        return UMBRA_OK;
    umbra_status status = judge(s, t, params);
    umbra_params_free(params);
    return status;
}

static bool better(const trial *a, const trial *b)
{
    bool a_fits = a->key_bytes <= KEY_BYTES_MOST, b_fits = b->key_bytes <= KEY_BYTES_MOST;
    if (!a->feasible || !b->feasible)
        return a->feasible && !b->feasible;
    return a_fits != b_fits ? a_fits : a->seconds < b->seconds;
}

/* The best number of special primes between two bounds. */
static umbra_status best_special(search *s, const umbra_decisions *d, int least, int most,
                                 trial *best)
{
    *best = (trial){.decisions = *d};
    for (int k = least; k <= most; k++) {
        trial t = {.decisions = *d};
        t.decisions.special_count = k;
        if (k < 1 || k > SPECIAL_MOST)
            continue;
        UMBRA_TRY(try_one(s, &t));
        if (better(&t, best))
            *best = t;
    }
    return UMBRA_OK;
}

/* Turn one decision after the other, the most useful first, while that helps; then as many special
 * primes as the bits that were won or lost allow. */
static umbra_status descend(search *s, trial *best)
{
    for (bool moved = true; moved;) {
        trial step = *best;
        moved = false;
        for (int i = 0; i < best->decisions.compose_count; i++) {
            trial t = *best;
            t.decisions.compose[i] = !t.decisions.compose[i];
            UMBRA_TRY(try_one(s, &t));
            if (better(&t, &step)) {
                step = t;
                moved = true;
            }
        }
        trial tuned;
        int k = step.decisions.special_count;
        UMBRA_TRY(best_special(s, &step.decisions, k - 1, k + 1, &tuned));
        moved = moved || better(&tuned, &step);
        *best = better(&tuned, &step) ? tuned : step;
    }
    return UMBRA_OK;
}

static umbra_status try_scale(search *s, const trial *start, double scale, trial *best)
{
    trial t = *start;
    set_scale(&t.decisions, scale);
    UMBRA_TRY(try_one(s, &t));
    if (t.feasible && t.bits > best->bits)
        *best = t;
    return UMBRA_OK;
}

/* The scale costs no time: what the tensors gain the weights lose. Take the most precise. */
static umbra_status best_scale(search *s, trial *best)
{
    trial start = *best;
    for (double scale = SCALE_LEAST; scale <= SCALE_MOST; scale += 3)
        UMBRA_TRY(try_scale(s, &start, scale, best));
    double middle = best->decisions.scale_bits;
    UMBRA_TRY(try_scale(s, &start, middle - 1, best));
    return try_scale(s, &start, middle + 1, best);
}

static bool layouts_fit(const umbra_network *network, int degree_log2)
{
    umbra_layout layout;
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used &&
            umbra_network_layout(network, i, (size_t)1 << (degree_log2 - 1), &layout) != UMBRA_OK)
            return false;
    return true;
}

/* The smallest ring that is large enough for the image and secure at the depth of the network. */
static umbra_status search_degree(search *s, int degree_log2, const umbra_network *network,
                                  trial *best)
{
    umbra_decisions d = {.degree_log2 = degree_log2,
                         .images = network->images,
                         .compose_count = network->candidate_count};
    *best = (trial){.decisions = d};
    if (!layouts_fit(network, degree_log2))
        return UMBRA_OK;
    memset(d.compose, 1, (size_t)d.compose_count);
    set_scale(&d, 28);
    UMBRA_TRY(best_special(s, &d, 1, SPECIAL_MOST, best));
    if (!best->feasible)
        return UMBRA_OK;
    UMBRA_TRY(descend(s, best));
    return best_scale(s, best);
}

/* Why nothing fits: a layout that no ring holds, or a network that is too deep. */
static umbra_status refuse(const search *s, const umbra_network *network)
{
    umbra_layout layout;
    size_t slots = (size_t)1 << (DEGREE_MOST_LOG2 - 1);
    (void)s;
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used)
            UMBRA_TRY(umbra_network_layout(network, i, slots, &layout));
    double limit = umbra_security_limit_log2(DEGREE_MOST_LOG2);
    int levels = (int)((limit - 2 * 50) / 50);
    int node = -1;
    for (int i = 0; i < network->tensor_count && node < 0; i++)
        if (network->tensors[i].used && network->tensors[i].depth > levels)
            node = i;
    return umbra_fail(UMBRA_E_SECURITY,
                      "the network needs %d levels; at 128 bits of security ring degree 2^%d has "
                      "about %d of them, used up at \"%s\": use fewer activations in a row",
                      network->depth, DEGREE_MOST_LOG2, levels,
                      node < 0 ? "the output" : umbra_network_name(network, node));
}

/* More images than the largest ring has room for, though it has room for one. */
static umbra_status check_images(umbra_network *network)
{
    int wanted = network->images, most = wanted;
    while (most > 1 && !layouts_fit(network, DEGREE_MOST_LOG2))
        network->images = most /= 2;
    network->images = wanted;
    if (most == wanted || (most == 1 && wanted > 1 && !layouts_fit(network, DEGREE_MOST_LOG2)))
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MODEL,
                      "%d images do not fit the ciphertexts of one run, %d do: ask for a batch of "
                      "at most %d and run it several times",
                      wanted, most, most);
}

/* For network->images images. */
static umbra_status search_rings(search *s, const umbra_network *network, trial *out)
{
    trial best = {0};
    for (int n = DEGREE_LEAST_LOG2; n <= DEGREE_MOST_LOG2; n++) {
        trial t;
        UMBRA_TRY(search_degree(s, n, network, &t));
        if (t.feasible && (!best.feasible || t.bits > best.bits))
            best = t;
        if (t.feasible)
            break;
    }
    *out = best;
    return UMBRA_OK;
}

static umbra_status search_all(search *s, umbra_network *network, const umbra_plan_options *options,
                               double wanted_bits)
{
    trial best = {0};
    int least = 1;
    while (least < options->images)
        least *= 2;
    network->images = least;
    UMBRA_TRY(check_images(network));
    UMBRA_TRY(search_rings(s, network, &best));
    for (int k = 2 * least; options->mode == UMBRA_PLAN_THROUGHPUT; k *= 2) {
        trial t;
        network->images = k;
        if (k > UMBRA_PLAN_MAX_IMAGES || !layouts_fit(network, DEGREE_MOST_LOG2))
            break;
        UMBRA_TRY(search_rings(s, network, &t));
        if (t.feasible && t.key_bytes <= KEY_BYTES_MOST &&
            (!best.feasible || t.seconds / k < best.seconds / best.decisions.images))
            best = t;
    }
    network->images = least;
    if (!best.feasible)
        return refuse(s, network);
    if (best.bits < wanted_bits)
        return umbra_fail(UMBRA_E_SECURITY,
                          "%.1f bits of precision are wanted and %.1f can be promised at 128 bits "
                          "of security: ask for fewer (--precision-bits), or train with smaller "
                          "ranges",
                          wanted_bits, best.bits);
    s->plan->decisions = best.decisions;
    return make_params(s, &best.decisions, &s->plan->params);
}

umbra_status umbra_plan_choose(umbra_plan *plan, const umbra_plan_options *options,
                               umbra_pool *pool)
{
    umbra_network network;
    search s = {.plan = plan, .pool = pool};
    s.cost = umbra_cost_model_for(umbra_kernels_get()->name, plan->threads);
    plan->wanted_bits = options->precision_bits > 0 ? options->precision_bits : DEFAULT_BITS;
    plan->memory_budget = options->memory_bytes > 0 ? options->memory_bytes : (uint64_t)6 << 30;
    if (options->images < 0 || options->images > UMBRA_PLAN_MAX_IMAGES)
        return umbra_fail(UMBRA_E_USAGE, "a batch of %d images; 1 to %d are possible",
                          options->images, UMBRA_PLAN_MAX_IMAGES);
    UMBRA_TRY(
        umbra_network_lower(&network, plan->graph, plan->matrices, NULL, 0, UMBRA_LOWER_SHAPES));
    umbra_status status = search_all(&s, &network, options, plan->wanted_bits);
    umbra_network_free(&network);
    return status;
}
