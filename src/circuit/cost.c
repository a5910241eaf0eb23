/* The cost model: transforms, products and passes over limbs, counted for each operation. */
#include "circuit/cost.h"

#include "ckks/linear.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* AVX-512 IFMA: fitted to runs of the shipped ResNet20 on two cores of an EPYC of family 26 (Zen
 * 5), within 10 % on one thread and on two; portable likewise, on a busy machine, within a third.
 * AVX2: what a profile of one thread of a Zen 3 gave each kind of kernel in ResNet20 at f = 16 and
 * 8, ResNet32 at f = 16 and HefNet at f = 4. What the automorphism takes elsewhere is a guess.
 * AVX-512 without IFMA: on an Intel Xeon of model 85 (2.5 GHz, 1 MB of second cache and about 11
 * GB/s of memory for a core, a shared host) what a profile of one thread gave each kind of kernel
 * in the shipped ResNet20, and then a factor for each ring degree, from the medians of some twenty
 * networks of the zoo (N = 2^14 to 2^16). Keys and other sums of products share what was seen as
 * they do with AVX2, blocks are a tenth above what they took alone, and seeds are a guess. */
static const struct {
    const char *name;
    umbra_cost_model model;
} measured[] = {
    {"avx512ifma",
     {.ntt_ns = 62e3,
      .dot_ns = 16e3,
      .block_ns = 16e3,
      .key_ns = 25e3,
      .word_ns = 9e3,
      .permute_ns = 12e3,
      .convert_ns = 7e3,
      .seed_ns = 100e3}},
    {"avx512f",
     {.ntt_ns = 119e3,
      .dot_ns = 59e3,
      .block_ns = 43e3,
      .key_ns = 78e3,
      .word_ns = 76e3,
      .permute_ns = 35e3,
      .convert_ns = 24e3,
      .seed_ns = 250e3,
      .spill = 0.1}},
    {"avx2",
     {.ntt_ns = 128e3,
      .dot_ns = 43e3,
      .block_ns = 44e3,
      .key_ns = 56e3,
      .word_ns = 45e3,
      .permute_ns = 35e3,
      .convert_ns = 17e3,
      .seed_ns = 180e3}},
    {"portable",
     {.ntt_ns = 390e3,
      .dot_ns = 100e3,
      .block_ns = 100e3,
      .key_ns = 118e3,
      .word_ns = 18e3,
      .permute_ns = 24e3,
      .convert_ns = 42e3,
      .seed_ns = 200e3}},
};

/* Processor seconds of HefNet f = 8 with all weights streamed less those with all kept, by the
 * bytes of the weights; measured with AVX2, and in double precision whatever the instruction set.
 */
#define WEIGHT_NS 2.8

umbra_cost_model umbra_cost_model_for(const char *kernels, int threads)
{
    size_t count = sizeof measured / sizeof measured[0], found = count - 1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(measured[i].name, kernels) == 0)
            found = i;
    umbra_cost_model model = measured[found].model;
    model.weight_ns = WEIGHT_NS;
    model.serial = 0.06;
    model.parallel = threads < 1 ? 1 : threads;
    return model;
}

umbra_cost_shape umbra_cost_shape_at(const umbra_params *params, int level)
{
    int special = umbra_params_special_count(params);
    int limbs = umbra_params_level_limbs(params, level);
    return (umbra_cost_shape){.degree_log2 = umbra_params_degree_log2(params),
                              .limbs = limbs,
                              .special = special,
                              .digits = umbra_params_level_digits(params, level)};
}

/* Limbs are proportional to N, and where they leave the caches words are dearer; transforms have
 * log N passes. */
static double size_factor(const umbra_cost_model *m, umbra_cost_shape s)
{
    return exp2((1 + m->spill) * (s.degree_log2 - 15));
}

double umbra_cost_ntt(const umbra_cost_model *m, umbra_cost_shape s)
{
    return m->ntt_ns * size_factor(m, s) * s.degree_log2 / 15;
}

double umbra_cost_words(const umbra_cost_model *m, umbra_cost_shape s, double passes)
{
    return m->word_ns * size_factor(m, s) * passes;
}

/* Terms of converting so many primes to one: theirs and the quotient's, or one reduction. */
static double terms_of(int primes)
{
    return primes > 1 ? primes + 1 : 1;
}

static double permutes(const umbra_cost_model *m, umbra_cost_shape s, double limbs)
{
    return m->permute_ns * size_factor(m, s) * limbs;
}

/* Back to coefficients, scaled, every digit converted to all other primes, and forward again. */
double umbra_cost_decompose(const umbra_cost_model *m, umbra_cost_shape s)
{
    double targets = (double)s.digits * (s.limbs + s.special) - s.limbs;
    double terms = targets * terms_of(s.limbs < s.special ? s.limbs : s.special);
    return (s.limbs + targets) * umbra_cost_ntt(m, s) + terms * m->convert_ns * size_factor(m, s) +
           umbra_cost_words(m, s, s.limbs);
}

double umbra_cost_inner(const umbra_cost_model *m, umbra_cost_shape s)
{
    return (double)(s.limbs + s.special) * s.digits * m->key_ns * size_factor(m, s);
}

double umbra_cost_mod_down(const umbra_cost_model *m, umbra_cost_shape s)
{
    double one = (s.limbs + s.special) * umbra_cost_ntt(m, s) +
                 s.limbs * terms_of(s.special) * m->convert_ns * size_factor(m, s) +
                 umbra_cost_words(m, s, s.limbs);
    return 2 * one;
}

double umbra_cost_key_switch(const umbra_cost_model *m, umbra_cost_shape s)
{
    return umbra_cost_decompose(m, s) + umbra_cost_inner(m, s) + umbra_cost_mod_down(m, s) +
           umbra_cost_words(m, s, 3.0 * s.limbs);
}

/* Halve and transform the weights (N / fold of them; halves have one pass less), then two products
 * a word. Where they are not repeated in memory, they are split once more. */
#define HALVES 0.85
double umbra_cost_product(const umbra_cost_model *m, umbra_cost_shape s, size_t fold)
{
    const bool block = fold >= (size_t)1 << UMBRA_LINEAR_BLOCK_FOLD_LOG2;
    double share = 1.0 / (double)(fold == 0 ? 1 : fold);
    double dot = (block ? m->block_ns : m->dot_ns) * size_factor(m, s);
    return s.limbs * (umbra_cost_ntt(m, s) * HALVES * share +
                      umbra_cost_words(m, s, (block ? 1.5 : 1.0) * share) + dot);
}

double umbra_cost_seeded_rows(const umbra_cost_model *m, int degree_log2, double rows)
{
    return m->seed_ns * exp2(degree_log2 - 15) * rows;
}

double umbra_cost_rescale(const umbra_cost_model *m, umbra_cost_shape s)
{
    return 2 * (s.limbs * umbra_cost_ntt(m, s) + umbra_cost_words(m, s, 3.0 * s.limbs));
}

/* Which (input, baby) were met: by hash while there are not too many, else by looking back. */
#define BABY_PLACES 2048
typedef struct baby_set {
    uint64_t place[BABY_PLACES]; /* input and baby, plus 1; 0: free */
    size_t count;
} baby_set;

static bool same_baby(const umbra_map_diagonal *a, const umbra_map_diagonal *b)
{
    return a->input == b->input && a->baby_slots == b->baby_slots;
}

/* Whether no diagonal before number i has its baby. */
static bool is_first(baby_set *set, const umbra_program_map *map, size_t i)
{
    const umbra_map_diagonal *d = &map->diagonals[i];
    uint64_t key = ((uint64_t)d->input << 32 | (uint64_t)d->baby_slots) + 1;
    size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 40) % BABY_PLACES;
    while (set->place[at] != 0 && set->place[at] != key)
        at = (at + 1) % BABY_PLACES;
    if (set->place[at] == key)
        return false;
    if (set->count < BABY_PLACES / 2) {
        set->place[at] = key;
        set->count++;
        return true;
    }
    size_t before = 0;
    while (before < i && !same_baby(d, &map->diagonals[before]))
        before++;
    return before == i;
}

static bool same_giant(const umbra_map_diagonal *a, const umbra_map_diagonal *b)
{
    return a->output == b->output && a->giant_slots == b->giant_slots;
}

/* Giants are neighbours in the order; a baby is counted where it comes first. */
void umbra_map_count(const umbra_program_map *map, size_t slots, umbra_map_counts *out)
{
    *out = (umbra_map_counts){.diagonals = map->diagonal_count,
                              .outputs = (size_t)map->output_count,
                              .fold = map->period_slots == 0 ? 1 : slots / map->period_slots};
    uint64_t turned[UMBRA_MAP_CIPHERTEXTS / 64] = {0}; /* a bit for each input */
    baby_set met = {.count = 0};
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const umbra_map_diagonal *d = &map->diagonals[i];
        if (i == 0 || !same_giant(d, d - 1)) {
            out->groups++;
            out->giants += d->giant_slots != 0;
        }
        if (d->baby_slots == 0 || !is_first(&met, map, i))
            continue;
        out->babies++;
        const uint64_t bit = (uint64_t)1 << d->input % 64;
        /* A map of more inputs is refused later. */
        if (d->input >= UMBRA_MAP_CIPHERTEXTS || (turned[d->input / 64] & bit) == 0)
            out->decompositions++;
        if (d->input < UMBRA_MAP_CIPHERTEXTS)
            turned[d->input / 64] |= bit;
    }
}

/* Giants are turned over QP and divided by P together, once for an output. */
void umbra_map_rotations(const umbra_program_map *map, void (*turn)(void *context, int64_t slots),
                         void *context)
{
    baby_set met = {.count = 0};
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const umbra_map_diagonal *d = &map->diagonals[i];
        if (d->giant_slots != 0 && (i == 0 || !same_giant(d, d - 1)))
            turn(context, d->giant_slots);
        if (d->baby_slots != 0 && is_first(&met, map, i))
            turn(context, d->baby_slots);
    }
}

/* Babies are turned as they are divided by P, giants as they are added in: both parts over QP, and
 * the part that needs no switch. */
double umbra_cost_map(const umbra_cost_model *m, umbra_cost_shape s, const umbra_map_counts *c)
{
    const size_t turned = c->giants > 0 ? c->outputs : 0;
    return (double)(c->decompositions + c->giants) * umbra_cost_decompose(m, s) +
           (double)(c->babies + c->giants) * umbra_cost_inner(m, s) +
           (double)(c->babies + turned) * umbra_cost_mod_down(m, s) +
           (double)c->babies * permutes(m, s, 2.0 * s.limbs) +
           (double)c->giants * permutes(m, s, 3.0 * s.limbs + 2.0 * s.special) +
           (double)c->diagonals * umbra_cost_product(m, s, c->fold);
}

double umbra_cost_seconds(const umbra_cost_model *m, double ns)
{
    return ns * 1e-9 * (m->serial + (1 - m->serial) / m->parallel);
}
