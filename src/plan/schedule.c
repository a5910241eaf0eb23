/* Scales by depth, and for each level the set of primes that comes to the wanted modulus.
 *
 * Moduli of any size from full machine words and a few shorter primes that come and go between
 * levels: [BitPacker24] and [Grafting24] have the idea. Here the short primes are a
 * pool shared by all levels, found by trying them all. */
#include "plan/schedule.h"

#include <math.h>

#define FULL_BITS 49.999 /* of a word: what 40 primes below 2^50 all reach */
#define POOL_MOST 3
#define POOL_LEAST_BITS 25 /* below, there are too few primes = 1 mod 2^17 to come close */
#define POOL_MOST_BITS 49
#define POOL_STEP_BITS 3
#define FINE_STEP_BITS 0.5
#define WEIGHT_SPARE_BITS 6 /* that weights may have above what is wanted */
#define WIDEST_BITS ((UMBRA_MAX_PRIMES - POOL_MOST) * FULL_BITS)
#define SLACK_BITS 0.25 /* by which a level may miss: primes are not of every size */

/* Depths at which no map reads a square: their maps cost the bits of weights only. The input is
 * one: a fresh ciphertext is precise enough at the single scale and the guard. */
static void find_low_depths(umbra_schedule *s, const umbra_network *n)
{
    for (int d = 0; d <= s->depth; d++)
        s->low[d] = d < s->depth && !umbra_network_has_product(n, d);
}

umbra_status umbra_schedule_make(umbra_schedule *out, const umbra_network *network,
                                 const umbra_decisions *decisions)
{
    *out = (umbra_schedule){.depth = network->depth};
    if (network->depth >= UMBRA_MAX_LEVELS)
        return umbra_fail(UMBRA_E_SECURITY,
                          "the network needs %d levels, more than %d: use fewer activations",
                          network->depth, UMBRA_MAX_LEVELS - 1);
    find_low_depths(out, network);
    for (int d = 0; d <= out->depth; d++) {
        out->scale[d] = decisions->scale_bits + (out->low[d] ? decisions->guard_bits : 0);
        out->in_scale[d] = out->low[d] ? out->scale[d] : 2 * out->scale[d];
    }
    for (int d = 0; d < out->depth; d++)
        out->rescale_bits[d] = out->in_scale[d] + decisions->weight_bits - out->scale[d + 1];
    return UMBRA_OK;
}

#define SUBSETS (1 << POOL_MOST)

void umbra_schedule_fit(umbra_schedule *schedule, const umbra_params *params)
{
    for (int d = 0; d < schedule->depth; d++) {
        double division = umbra_params_rescale_log2(params, schedule->depth - d);
        double excess = division - schedule->rescale_bits[d] - WEIGHT_SPARE_BITS;
        schedule->in_scale[d] -= schedule->raise[d];
        schedule->raise[d] = excess >= 1 ? floor(excess) : 0;
        schedule->in_scale[d] += schedule->raise[d];
    }
}

/* One choice of pool, and what it comes to. */
typedef struct packing {
    double pool[POOL_MOST];
    int pool_count;
    int full[UMBRA_MAX_LEVELS], subset[UMBRA_MAX_LEVELS]; /* by level */
    double work, log2_q;
} packing;

typedef struct pack_search {
    double steps[UMBRA_MAX_LEVELS], base, limit_log2;
    int levels;
    double work[POOL_MOST + 1][SUBSETS][UMBRA_MAX_PRIMES + 1]; /* by pool, subset and full words */
    packing best;
    bool found;
} pack_search;

/* The work of a key switch with these words, about: digits times limbs. Words 0 .. pool-1 are the
 * pool. */
static double work_of(int pool_count, int subset, int full, int special)
{
    int digits = 0, limbs = 0, last = -1;
    for (int i = 0; i < pool_count + full; i++) {
        if (i < pool_count && (subset >> i & 1) == 0)
            continue;
        limbs++;
        digits += i / special != last;
        last = i / special;
    }
    return (double)digits * (limbs + special);
}

static double subset_bits(const packing *p, int subset)
{
    double bits = 0;
    for (int i = 0; i < p->pool_count; i++)
        bits += (subset >> i & 1) != 0 ? p->pool[i] : 0;
    return bits;
}

/* Full words that bring `bits` to at least `least`. */
static int full_words(double least, double bits)
{
    double rest = least - SLACK_BITS - bits;
    return rest <= 0 ? 0 : (int)ceil(rest / FULL_BITS);
}

/* The cheapest set of at least `least` bits, which are below the limit. Returns the bits of it. */
static double pack_level(const pack_search *s, packing *p, int level, double least)
{
    double best = INFINITY, bits = 0;
    for (int subset = 0; subset < 1 << p->pool_count; subset++) {
        double pool = subset_bits(p, subset);
        int full = full_words(least, pool);
        if (full == 0 && subset == 0)
            continue;
        /* Between sets of equal work the smaller one: what is left over is lost to all above. */
        double all = pool + full * FULL_BITS;
        double work = s->work[p->pool_count][subset][full] + 1e-3 * (all - least);
        if (work >= best)
            continue;
        best = work;
        bits = all;
        p->full[level] = full;
        p->subset[level] = subset;
    }
    return bits;
}

/* All levels from the lowest up; the highest has every prime. */
static bool pack(const pack_search *s, packing *p)
{
    int all = (1 << p->pool_count) - 1, most = 0, top = s->levels - 1;
    double bits = 0, least = s->base;
    bool best_fits = s->found && s->best.log2_q <= s->limit_log2;
    p->work = 0;
    for (int i = 0; i < top; i++) {
        bits = pack_level(s, p, i, least);
        least = bits + s->steps[i];
        most = p->full[i] > most ? p->full[i] : most;
        p->work += s->work[p->pool_count][p->subset[i]][p->full[i]];
        if (least > WIDEST_BITS || (best_fits && p->work > s->best.work))
            return false;
    }
    int full = full_words(least, subset_bits(p, all));
    p->subset[top] = all;
    p->full[top] = full > most ? full : most;
    p->log2_q = subset_bits(p, all) + p->full[top] * FULL_BITS;
    p->work += s->work[p->pool_count][all][p->full[top]];
    return p->log2_q <= WIDEST_BITS && p->full[top] + p->pool_count > 0;
}

/* Within the limit before beyond it, then by work, then by bits. */
static bool better(const pack_search *s, const packing *a, const packing *b)
{
    bool a_fits = a->log2_q <= s->limit_log2, b_fits = b->log2_q <= s->limit_log2;
    if (a_fits != b_fits)
        return a_fits;
    if (a_fits && a->work != b->work)
        return a->work < b->work;
    return a->log2_q < b->log2_q;
}

static bool try_pool(pack_search *s, packing *p)
{
    if (!pack(s, p) || (s->found && !better(s, p, &s->best)))
        return false;
    s->best = *p;
    s->found = true;
    return true;
}

static void try_pools(pack_search *s, packing *p)
{
    (void)try_pool(s, p);
    if (p->pool_count == POOL_MOST)
        return;
    p->pool_count++;
    for (double b = POOL_LEAST_BITS; b <= POOL_MOST_BITS; b += POOL_STEP_BITS) {
        p->pool[p->pool_count - 1] = b;
        try_pools(s, p);
    }
    p->pool_count--;
}

/* From the best on the grid to the best near it, moving one prime or two at a time. */
static void refine(pack_search *s, double step)
{
    for (bool moved = true; moved;) {
        packing from = s->best;
        moved = false;
        for (int i = 0; i < from.pool_count; i++)
            for (int k = 0; k < from.pool_count; k++)
                for (int move = 0; move < 9; move++) {
                    packing p = from;
                    p.pool[i] += (move % 3 - 1) * step;
                    p.pool[k] += (i == k ? 0 : move / 3 - 1) * step;
                    if (p.pool[i] >= POOL_LEAST_BITS && p.pool[i] <= POOL_MOST_BITS &&
                        p.pool[k] >= POOL_LEAST_BITS && p.pool[k] <= POOL_MOST_BITS)
                        moved |= try_pool(s, &p);
                }
    }
}

static void fill_work(pack_search *s, int special)
{
    for (int pool = 0; pool <= POOL_MOST; pool++)
        for (int subset = 0; subset < 1 << pool; subset++)
            for (int full = 0; full <= UMBRA_MAX_PRIMES; full++)
                s->work[pool][subset][full] = work_of(pool, subset, full, special);
}

bool umbra_schedule_sets(umbra_prime_sets *out, const umbra_schedule *schedule,
                         const umbra_decisions *decisions, double limit_log2)
{
    pack_search s = {
        .base = decisions->base_bits, .limit_log2 = limit_log2, .levels = schedule->depth + 1};
    packing p = {.pool_count = 0};
    if (decisions->base_bits > WIDEST_BITS)
        return false;
    fill_work(&s, decisions->special_count);
    for (int i = 0; i < schedule->depth; i++)
        s.steps[i] = schedule->rescale_bits[schedule->depth - 1 - i];
    try_pools(&s, &p);
    if (s.found)
        for (double step = POOL_STEP_BITS / 2.0; step >= FINE_STEP_BITS; step /= 3)
            refine(&s, step);
    if (!s.found || s.best.log2_q > limit_log2)
        return false;
    const packing *b = &s.best;
    int words = b->pool_count + b->full[s.levels - 1];
    *out = (umbra_prime_sets){.prime_count = words,
                              .pool_count = b->pool_count,
                              .level_count = s.levels,
                              .log2_q = b->log2_q};
    for (int i = 0; i < words; i++)
        out->prime_bits[i] = i < b->pool_count ? b->pool[i] : 50;
    for (int i = 0; i < s.levels; i++)
        out->sets[i] =
            (uint64_t)b->subset[i] | ((((uint64_t)1 << b->full[i]) - 1) << b->pool_count);
    return true;
}

umbra_status umbra_schedule_literal(const umbra_schedule *schedule,
                                    const umbra_decisions *decisions, umbra_params_literal *out)
{
    umbra_prime_sets sets;
    double limit =
        umbra_security_limit_log2(decisions->degree_log2) - 50.0 * decisions->special_count;
    if (!umbra_schedule_sets(&sets, schedule, decisions, limit - 0.5))
        return umbra_fail(
            UMBRA_E_SECURITY,
            "%d levels do not fit the %.0f bits that ring degree 2^%d has for them at "
            "%d bits of security",
            schedule->depth + 1, fmax(limit, 0), decisions->degree_log2, UMBRA_SECURITY_BITS);
    return umbra_params_literal_sets(out, decisions->degree_log2, sets.prime_count, sets.prime_bits,
                                     decisions->special_count, sets.level_count, sets.sets,
                                     decisions->scale_bits);
}
