/* Scales by depth, and for each level the set of primes that comes to the wanted modulus.
 *
 * Moduli of any size from full machine words and a few shorter primes that come and go between
 * levels: [BitPacker24] and [Grafting24] have the idea. Here the short primes are a
 * pool shared by all levels, found on a grid and then near the best points of it. */
#include "plan/schedule.h"

#include <math.h>

#define FULL_BITS 49.999 /* of a word: what 40 primes below 2^50 all reach */
#define POOL_MOST 4
#define POOL_LEAST_BITS 25 /* below, there are too few primes = 1 mod 2^17 to come close */
#define POOL_MOST_BITS 49
#define POOL_STEP_BITS 3
#define FINE_STEP_BITS 0.5
#define STARTS 6        /* points of the grid from which a set within a tight limit is looked for */
#define BIT_WORK 1.0    /* what a bit left over costs each level above, in digits times limbs */
#define NEED_WEIGHT 0.2 /* of the bits that are needed beside those that are taken */
#define WEIGHT_SPARE_BITS 6 /* that weights may have above what is wanted */
#define WIDEST_BITS ((UMBRA_MAX_PRIMES - POOL_MOST) * FULL_BITS)
#define GIVE_BITS 0.75  /* by which a level may divide by less, where the levels below left more */
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

#define SUBSETS (1 << POOL_MOST)

/* One choice of pool, and what it comes to. */
typedef struct packing {
    double pool[POOL_MOST];
    int pool_count;
    int full[UMBRA_MAX_LEVELS], subset[UMBRA_MAX_LEVELS]; /* by level */
    double bits[SUBSETS];                                 /* of each subset */
    double work, log2_q;
    double least;     /* what the highest level needs, before it takes what is there */
    double give_bits; /* see GIVE_BITS */
    double bit_work;  /* what a bit left over is taken to cost each level above */
} packing;

typedef struct pack_search {
    double steps[UMBRA_MAX_LEVELS], base, limit_log2;
    int levels;
    double work[POOL_MOST + 1][SUBSETS][UMBRA_MAX_PRIMES + 1]; /* by pool, subset and full words */
    packing starts[STARTS]; /* the best on the grid, the best first */
    int start_count;
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

static void fill_bits(packing *p)
{
    p->bits[0] = 0;
    for (int i = 0; i < p->pool_count; i++)
        for (int k = 0; k < 1 << i; k++)
            p->bits[k | 1 << i] = p->bits[k] + p->pool[i];
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
    double best = INFINITY, bits = 0, weight = 1e-3 + p->bit_work * (s->levels - 1 - level);
    for (int subset = 0; subset < 1 << p->pool_count; subset++) {
        double pool = p->bits[subset];
        int full = full_words(least, pool);
        if (full == 0 && subset == 0)
            continue;
        /* What is left over is lost to all levels above. */
        double all = pool + full * FULL_BITS;
        double work = s->work[p->pool_count][subset][full] + weight * (all - least);
        if (work >= best)
            continue;
        best = work;
        bits = all;
        p->full[level] = full;
        p->subset[level] = subset;
    }
    return bits;
}

/* All levels from the lowest up; the highest has every prime. False also where it comes out worse
 * than a rival, which may be NULL. */
static bool pack(const pack_search *s, packing *p, const packing *rival)
{
    int all = (1 << p->pool_count) - 1, most = 0, top = s->levels - 1;
    double bits = 0, least = s->base, wanted = s->base;
    bool rival_fits = rival != NULL && rival->log2_q <= s->limit_log2;
    p->work = 0;
    fill_bits(p);
    for (int i = 0; i < top; i++) {
        bits = pack_level(s, p, i, least);
        wanted += s->steps[i];
        least = fmax(bits + s->steps[i] - p->give_bits, wanted);
        most = p->full[i] > most ? p->full[i] : most;
        p->work += s->work[p->pool_count][p->subset[i]][p->full[i]];
        if (least > WIDEST_BITS || (rival_fits && p->work > rival->work))
            return false;
    }
    int full = full_words(least, p->bits[all]);
    p->least = least;
    p->subset[top] = all;
    p->full[top] = full > most ? full : most;
    p->log2_q = p->bits[all] + p->full[top] * FULL_BITS;
    p->work += s->work[p->pool_count][all][p->full[top]];
    return p->log2_q <= WIDEST_BITS && p->full[top] + p->pool_count > 0;
}

/* Within the limit before beyond it, then by work, then by bits. Where the number of full words
 * does not change, what the levels need leads the way. */
static bool better(const pack_search *s, const packing *a, const packing *b)
{
    bool a_fits = a->log2_q <= s->limit_log2, b_fits = b->log2_q <= s->limit_log2;
    if (a_fits != b_fits)
        return a_fits;
    if (a_fits && a->work != b->work)
        return a->work < b->work;
    return a->log2_q + NEED_WEIGHT * a->least < b->log2_q + NEED_WEIGHT * b->least;
}

/* Keep the best few, the best first. */
static void note_start(pack_search *s, const packing *p)
{
    int at = s->start_count;
    while (at > 0 && better(s, p, &s->starts[at - 1]))
        at--;
    if (at == STARTS)
        return;
    s->start_count += s->start_count < STARTS;
    for (int i = s->start_count - 1; i > at; i--)
        s->starts[i] = s->starts[i - 1];
    s->starts[at] = *p;
}

/* Pools in ascending order. */
static void try_pools(pack_search *s, packing *p)
{
    if (pack(s, p, s->start_count < STARTS ? NULL : &s->starts[STARTS - 1]))
        note_start(s, p);
    if (p->pool_count == POOL_MOST)
        return;
    double first = p->pool_count == 0 ? POOL_LEAST_BITS : p->pool[p->pool_count - 1];
    p->pool_count++;
    for (double b = first; b <= POOL_MOST_BITS; b += POOL_STEP_BITS) {
        p->pool[p->pool_count - 1] = b;
        try_pools(s, p);
    }
    p->pool_count--;
}

static bool in_range(double bits)
{
    return bits >= POOL_LEAST_BITS && bits <= POOL_MOST_BITS;
}

/* From a point of the grid to the best near it, moving one prime or two at a time. */
static void refine(const pack_search *s, packing *best, double step)
{
    for (bool moved = true; moved;) {
        packing from = *best;
        moved = false;
        for (int i = 0; i < from.pool_count; i++)
            for (int k = i; k < from.pool_count; k++)
                for (int move = 0; move < 9; move++) {
                    packing p = from;
                    p.pool[i] += (move % 3 - 1) * step;
                    p.pool[k] += (i == k ? 0 : move / 3 - 1) * step;
                    if (!in_range(p.pool[i]) || !in_range(p.pool[k]) || !pack(s, &p, best) ||
                        !better(s, &p, best))
                        continue;
                    *best = p;
                    moved = true;
                }
    }
}

/* The best near the best points of the grid, as the first start; beyond the first point only while
 * nothing fits. */
static void search_pools(pack_search *s, double give_bits)
{
    packing p = {.give_bits = give_bits};
    p.bit_work = BIT_WORK;
    try_pools(s, &p);
    p.bit_work = 0;
    if (s->start_count > 0 && s->starts[0].log2_q <= s->limit_log2)
        try_pools(s, &p);
    for (int i = 0; i < s->start_count && (i == 0 || s->starts[0].log2_q > s->limit_log2); i++) {
        for (double step = POOL_STEP_BITS / 2.0; step >= FINE_STEP_BITS; step /= 3)
            refine(s, &s->starts[i], step);
        if (better(s, &s->starts[i], &s->starts[0]))
            s->starts[0] = s->starts[i];
    }
}

static void fill_work(pack_search *s, int special)
{
    for (int pool = 0; pool <= POOL_MOST; pool++)
        for (int subset = 0; subset < 1 << pool; subset++)
            for (int full = 0; full <= UMBRA_MAX_PRIMES; full++)
                s->work[pool][subset][full] = work_of(pool, subset, full, special);
}

double umbra_schedule_widest_log2(void)
{
    return WIDEST_BITS;
}

bool umbra_schedule_sets(umbra_prime_sets *out, const umbra_schedule *schedule,
                         const umbra_decisions *decisions, double limit_log2)
{
    pack_search s = {
        .base = decisions->base_bits, .limit_log2 = limit_log2, .levels = schedule->depth + 1};
    if (decisions->base_bits > WIDEST_BITS)
        return false;
    fill_work(&s, decisions->special_count);
    double least = decisions->base_bits - SLACK_BITS;
    for (int i = 0; i < schedule->depth; i++) {
        s.steps[i] = schedule->rescale_bits[schedule->depth - 1 - i];
        least += s.steps[i] - SLACK_BITS;
    }
    if (least > limit_log2)
        return false;
    search_pools(&s, 0);
    if (s.start_count == 0 || s.starts[0].log2_q > limit_log2)
        search_pools(&s, GIVE_BITS);
    const packing *b = &s.starts[0];
    if (s.start_count == 0 || b->log2_q > limit_log2)
        return false;
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
