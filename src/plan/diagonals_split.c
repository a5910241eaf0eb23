/* The choice of window, half, babies and giants that costs least. */
#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CANDIDATES (32 * 32) /* windows times halves, both powers of two below 2^32 */

/* x modulo radix, nearest to 0, in two's complement. */
static size_t centred(size_t x, size_t radix)
{
    return ((x + radix / 2) & (radix - 1)) - radix / 2;
}

void umbra_diagonal_split_residue(const umbra_diagonal_split *split, size_t modulus, size_t slots,
                                  size_t residue, size_t *baby, size_t *giant)
{
    size_t digit[3], rest = residue;
    for (int k = 0; k < 3; k++) {
        digit[k] = centred(rest, umbra_diagonal_min(split->radix[k], modulus));
        rest -= digit[k];
    }
    *baby = (digit[0] + digit[2]) & (slots - 1);
    *giant = (digit[1] + (rest & (modulus - 1))) & (slots - 1);
}

/* A window and half, the products that they need, and a bound below the cost of any split. */
typedef struct candidate {
    size_t window, half;
    double fixed, bound;
} candidate;

/* Ciphertexts of equal residues need equally many babies (inputs) or giants (outputs): each kind is
 * counted once, times the ciphertexts that it stands for. */
typedef struct search {
    const umbra_diagonal_problem *problem;
    const umbra_diagonal_cost *cost;
    int *output, *input; /* one ciphertext of each kind */
    double *output_weight, *input_weight;
    int output_kinds, input_kinds;
    size_t *start; /* of the cover of pair (output kind, input kind) */
    uint32_t *cover, *giant;
    uint32_t *stamp, now; /* stamp[slot] == now: already counted */
    unsigned char *marks;
    candidate *candidates;
    size_t candidate_count;
    double best_cost;
    umbra_diagonal_split best;
} search;

static bool equal_pairs(const umbra_diagonal_problem *problem, int o1, int i1, int o2, int i2)
{
    const size_t *start = problem->pair_start;
    size_t a = (size_t)o1 * (size_t)problem->inputs + (size_t)i1;
    size_t b = (size_t)o2 * (size_t)problem->inputs + (size_t)i2;
    size_t count = start[a + 1] - start[a];
    return problem->period[i1] == problem->period[i2] && count == start[b + 1] - start[b] &&
           (count == 0 || memcmp(problem->residues + start[a], problem->residues + start[b],
                                 count * sizeof(uint32_t)) == 0);
}

static void find_output_kinds(search *s)
{
    const umbra_diagonal_problem *problem = s->problem;
    for (int o = 0; o < problem->outputs; o++) {
        int kind = 0;
        for (; kind < s->output_kinds; kind++) {
            int i = 0;
            while (i < problem->inputs && equal_pairs(problem, o, i, s->output[kind], i))
                i++;
            if (i == problem->inputs)
                break;
        }
        if (kind == s->output_kinds)
            s->output[s->output_kinds++] = o;
        s->output_weight[kind] += 1.0;
    }
}

static void find_input_kinds(search *s)
{
    const umbra_diagonal_problem *problem = s->problem;
    for (int i = 0; i < problem->inputs; i++) {
        int kind = 0;
        for (; kind < s->input_kinds; kind++) {
            int o = 0;
            while (o < s->output_kinds &&
                   equal_pairs(problem, s->output[o], i, s->output[o], s->input[kind]))
                o++;
            if (o == s->output_kinds)
                break;
        }
        if (kind == s->input_kinds)
            s->input[s->input_kinds++] = i;
        s->input_weight[kind] += 1.0;
    }
}

static size_t modulus_of(const search *s, int input, size_t window)
{
    return umbra_diagonal_modulus(s->problem, s->problem->period[input], window);
}

static size_t base_of(const search *s, int input)
{
    return umbra_diagonal_base(s->problem, s->problem->period[input]);
}

/* The covers of all pairs of kinds. Returns: products, over all ciphertexts; *largest: of one pair.
 */
static double cover_all(search *s, size_t window, size_t half, size_t *largest)
{
    const umbra_diagonal_problem *problem = s->problem;
    double products = 0.0;
    size_t at = 0, k = 0;
    *largest = 0;
    for (int o = 0; o < s->output_kinds; o++)
        for (int i = 0; i < s->input_kinds; i++, k++) {
            size_t pair = (size_t)s->output[o] * (size_t)problem->inputs + (size_t)s->input[i];
            size_t first = problem->pair_start[pair], end = problem->pair_start[pair + 1];
            size_t count = problem->period[s->input[i]] == 0
                               ? 0
                               : umbra_diagonal_cover(half, problem->residues + first, end - first,
                                                      base_of(s, s->input[i]),
                                                      modulus_of(s, s->input[i], window),
                                                      s->cover + at, s->marks);
            s->start[k] = at;
            at += count;
            products += (double)count * s->output_weight[o] * s->input_weight[i];
            *largest = umbra_diagonal_max(*largest, count);
        }
    s->start[k] = at;
    return products;
}

static bool count_once(search *s, size_t slot)
{
    if (slot == 0 || s->stamp[slot] == s->now)
        return false;
    s->stamp[slot] = s->now;
    return true;
}

/* Babies of every input, with the giants left in s->giant for the second half. */
static double baby_cost(search *s, const umbra_diagonal_split *split)
{
    double cost = 0.0;
    for (int i = 0; i < s->input_kinds; i++) {
        size_t modulus = modulus_of(s, s->input[i], split->window);
        s->now++;
        for (int o = 0; o < s->output_kinds; o++) {
            size_t k = (size_t)o * (size_t)s->input_kinds + (size_t)i;
            for (size_t e = s->start[k]; e < s->start[k + 1]; e++) {
                size_t baby, giant;
                umbra_diagonal_split_residue(split, modulus, s->problem->slots, s->cover[e], &baby,
                                             &giant);
                s->giant[e] = (uint32_t)giant;
                if (count_once(s, baby))
                    cost += s->cost->baby_ns * s->input_weight[i];
            }
        }
    }
    return cost;
}

static double giant_cost(search *s)
{
    double cost = 0.0;
    size_t kinds = (size_t)s->input_kinds;
    for (int o = 0; o < s->output_kinds; o++) {
        s->now++;
        for (size_t e = s->start[(size_t)o * kinds]; e < s->start[((size_t)o + 1) * kinds]; e++)
            if (count_once(s, s->giant[e]))
                cost += s->cost->giant_ns * s->output_weight[o];
    }
    return cost;
}

static void try_split(search *s, const candidate *c, size_t r0, size_t r1, size_t r2)
{
    umbra_diagonal_split split = {.window = c->window, .half = c->half, .radix = {r0, r1, r2}};
    double cost = c->fixed + baby_cost(s, &split);
    if (cost >= s->best_cost)
        return;
    cost += giant_cost(s);
    if (cost < s->best_cost) {
        s->best_cost = cost;
        s->best = split;
    }
}

/* All ways to cut a shift's digits in at most four, taken in turn as baby and giant. */
static void try_splits(search *s, const candidate *c)
{
    size_t top = umbra_diagonal_modulus(s->problem, s->problem->largest_period, c->window), largest;
    (void)cover_all(s, c->window, c->half, &largest);
    for (size_t r0 = 1; r0 <= top; r0 *= 2)
        for (size_t r1 = r0 == top ? top : 2 * r0; r1 <= top; r1 *= 2)
            for (size_t r2 = r1 == top ? top : 2 * r1; r2 <= top; r2 *= 2)
                try_split(s, c, r0, r1, r2);
}

/* What does not depend on the split: products, rotations by half, conjugations, sum steps. A
 * rotation that shares nothing costs a baby and a giant. */
static void add_candidate(search *s, size_t window, size_t half)
{
    const umbra_diagonal_problem *problem = s->problem;
    const umbra_diagonal_cost *cost = s->cost;
    double rotation = cost->baby_ns + cost->giant_ns;
    size_t largest;
    candidate *c = &s->candidates[s->candidate_count++];
    *c = (candidate){.window = window, .half = half};
    c->fixed = cover_all(s, window, half, &largest) * cost->product_ns;
    for (size_t step = window; step < problem->largest_period; step *= 2)
        c->fixed += rotation * problem->outputs;
    if (half > 0)
        c->fixed += rotation * (problem->inputs + problem->outputs);
    if (problem->joined)
        c->fixed += rotation * problem->outputs;
    /* babies * giants >= largest, and one of each is free */
    double least = 2.0 * sqrt(cost->baby_ns * cost->giant_ns * (double)largest) - rotation;
    c->bound = c->fixed + (least > 0.0 ? least : 0.0);
}

static int by_bound(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->bound != y->bound)
        return x->bound < y->bound ? -1 : 1;
    if (x->window != y->window)
        return x->window < y->window ? -1 : 1;
    return (x->half > y->half) - (x->half < y->half);
}

static void run(search *s)
{
    const umbra_diagonal_problem *problem = s->problem;
    find_output_kinds(s);
    find_input_kinds(s);
    size_t last = problem->rooms ? problem->out_period : problem->largest_period;
    for (size_t window = problem->out_period; window <= last; window *= 2) {
        size_t largest_modulus = 1;
        for (int i = 0; i < problem->inputs; i++)
            largest_modulus = umbra_diagonal_max(largest_modulus, modulus_of(s, i, window));
        add_candidate(s, window, 0);
        for (size_t half = 1; half < largest_modulus && !problem->joined; half *= 2)
            add_candidate(s, window, half);
    }
    qsort(s->candidates, s->candidate_count, sizeof *s->candidates, by_bound);
    s->best_cost = INFINITY;
    for (size_t i = 0; i < s->candidate_count && s->candidates[i].bound < s->best_cost; i++)
        try_splits(s, &s->candidates[i]);
    assert(s->best_cost < INFINITY);
}

static umbra_status allocate(search *s)
{
    const umbra_diagonal_problem *problem = s->problem;
    size_t inputs = (size_t)problem->inputs, outputs = (size_t)problem->outputs;
    size_t lifts = problem->largest_period / problem->out_period;
    size_t covers = problem->residue_count;
    const struct {
        void **at;
        size_t count, size;
    } wanted[] = {{(void **)&s->output, outputs, sizeof(int)},
                  {(void **)&s->input, inputs, sizeof(int)},
                  {(void **)&s->output_weight, outputs, sizeof(double)},
                  {(void **)&s->input_weight, inputs, sizeof(double)},
                  {(void **)&s->start, inputs * outputs + 1, sizeof(size_t)},
                  {(void **)&s->cover, covers, lifts * sizeof(uint32_t)},
                  {(void **)&s->giant, covers, lifts * sizeof(uint32_t)},
                  {(void **)&s->stamp, problem->slots, sizeof(uint32_t)},
                  {(void **)&s->marks, problem->slots, 1},
                  {(void **)&s->candidates, MAX_CANDIDATES, sizeof(candidate)}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *made = NULL;
        UMBRA_TRY(umbra_memory_alloc_array(&made, wanted[i].count, wanted[i].size,
                                           "the choice of rotations"));
        memcpy(wanted[i].at, &made, sizeof made);
    }
    return UMBRA_OK;
}

static void release(search *s)
{
    umbra_memory_free(s->output);
    umbra_memory_free(s->input);
    umbra_memory_free(s->output_weight);
    umbra_memory_free(s->input_weight);
    umbra_memory_free(s->start);
    umbra_memory_free(s->cover);
    umbra_memory_free(s->giant);
    umbra_memory_free(s->stamp);
    umbra_memory_free(s->marks);
    umbra_memory_free(s->candidates);
}

umbra_status umbra_diagonal_choose(const umbra_diagonal_problem *problem,
                                   const umbra_diagonal_cost *cost, umbra_diagonal_split *out)
{
    search s = {.problem = problem, .cost = cost};
    umbra_status status = allocate(&s);
    if (status == UMBRA_OK) {
        run(&s);
        *out = s.best;
        out->cost_ns = s.best_cost;
    }
    release(&s);
    return status;
}
