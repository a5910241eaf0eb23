/* Products of a linear map whose weights repeat: many sums over the same rotated inputs at a time.
 */
#include "ckks/linear_internal.h"

#define SPANS 16            /* of the points, each a task */
#define TERMS_MOST 1024     /* of one sum of the kernel */
#define DIAGONALS_MOST 8192 /* of one part */
#define SUMS_MOST (UMBRA_LINEAR_CHUNK + DIAGONALS_MOST / TERMS_MOST)
#define WEIGHT_GAP_WORDS 8

/* As many diagonals as the room for weights holds, in one limb. */
typedef struct part {
    const umbra_linear_block *block;
    size_t first, count;              /* diagonals */
    size_t stride;                    /* words of each one's weights */
    size_t row_count;                 /* rotated inputs that they multiply */
    umbra_dot_sum sums[2][SUMS_MOST]; /* with the weights of each half of the points */
    int group_of[SUMS_MOST];
    size_t sum_count;
    size_t limb;
} part;

/* Words of a diagonal's weights in one limb. */
static size_t weight_words(const umbra_linear_block *block)
{
    return block->e->degree >> block->fold_log2;
}

static umbra_status transform_one(void *context, size_t index, int worker)
{
    const part *p = context;
    const umbra_linear_block *b = p->block;
    const umbra_kernels *k = b->e->kernels;
    const size_t n = b->e->degree;
    const int symmetric = b->plan->symmetric[p->first + index];
    const umbra_modulus *m =
        umbra_params_modulus(b->e->params, b->e->params->levels[b->level].prime[p->limb]);
    uint64_t *out = b->weights + index * p->stride, *own = umbra_evaluator_worker(b->e, worker);
    uint64_t *words = k->split_weights == NULL ? out : own;
    (void)umbra_linear_weights(b->e->params, b->level, (int)p->limb,
                               &b->map->diagonals[p->first + index], symmetric, b->fold_log2, words,
                               own + n);
    if (k->split_weights != NULL)
        k->split_weights(out, own, n >> (b->fold_log2 + symmetric), m);
    return UMBRA_OK;
}

static umbra_status sum_span(void *context, size_t index, int worker)
{
    const part *p = context;
    const umbra_linear_block *b = p->block;
    const size_t n = b->e->degree, half = 2 * index / SPANS, start = index * (n / SPANS);
    umbra_dot_block block = {.a0 = b->plan->words[0],
                             .a1 = b->plan->words[1],
                             .row_count = p->row_count,
                             .sums = p->sums[half],
                             .sum_count = p->sum_count,
                             .start = start,
                             .weight_start = (start - half * n / 2) >> b->fold_log2,
                             .fold_log2 = b->fold_log2,
                             .mirror = half == 0 ? 0 : 3 * n / 2,
                             .scratch = umbra_evaluator_worker(b->e, worker)};
    b->e->kernels->dot_block(
        &block, n / SPANS,
        umbra_params_modulus(b->e->params, b->e->params->levels[b->level].prime[p->limb]));
    return UMBRA_OK;
}

/* Number the rotated inputs that the part reads: rows[0] of each diagonal, rows[1] of each row the
 * rotation. */
static void list_rows(part *p)
{
    const umbra_linear_plan *plan = p->block->plan;
    uint32_t *row = plan->rows[0] + p->first, *rotation = plan->rows[1];
    p->row_count = 0;
    for (size_t i = 0; i < p->count; i++) {
        const uint32_t wanted = plan->rotation_of[p->first + i];
        uint32_t r = 0;
        while (r < p->row_count && rotation[r] != wanted)
            r++;
        row[i] = r;
        rotation[r] = wanted;
        p->row_count += r == p->row_count;
    }
}

/* The sums of the part: those of its groups, in pieces that the kernel takes. */
static void list_sums(part *p)
{
    const umbra_linear_block *b = p->block;
    p->sum_count = 0;
    for (size_t g = 0; g < b->count; g++) {
        const umbra_linear_group *group = &b->groups[g];
        const size_t end = group->first + group->count, last = p->first + p->count;
        size_t d = group->first > p->first ? group->first : p->first;
        for (const size_t stop = end < last ? end : last; d < stop;) {
            const size_t count = stop - d < TERMS_MOST ? stop - d : TERMS_MOST;
            for (size_t h = 0; h < 2; h++)
                p->sums[h][p->sum_count] =
                    (umbra_dot_sum){.weights = b->plan->words[2 + h] + (d - p->first),
                                    .row = b->plan->rows[0] + d,
                                    .count = count,
                                    .accumulate = d > group->first};
            p->group_of[p->sum_count++] = (int)g;
            d += count;
        }
    }
}

/* Where weights stand: where symmetric, the second half of the points has those of the first. */
static void place_weights(const part *p)
{
    const umbra_linear_block *b = p->block;
    for (size_t i = 0; i < p->count; i++) {
        const uint64_t *at = b->weights + i * p->stride;
        b->plan->words[2][i] = at;
        b->plan->words[3][i] = at + (b->plan->symmetric[p->first + i] ? 0 : weight_words(b) / 2);
    }
}

static umbra_status run_limb(part *p, size_t limb)
{
    const umbra_linear_block *b = p->block;
    const size_t n = b->e->degree;
    p->limb = limb;
    for (size_t r = 0; r < p->row_count; r++)
        for (size_t h = 0; h < 2; h++)
            b->plan->words[h][r] =
                b->babies + (2 * (size_t)b->plan->rows[1][r] + h) * b->baby_words + limb * n;
    for (size_t s = 0; s < p->sum_count; s++)
        for (size_t h = 0; h < 2; h++) {
            p->sums[h][s].r0 = b->sums[p->group_of[s]][0] + limb * n;
            p->sums[h][s].r1 = b->sums[p->group_of[s]][1] + limb * n;
        }
    UMBRA_TRY(umbra_pool_run(b->e->pool, p->count, transform_one, p));
    return umbra_pool_run(b->e->pool, SPANS, sum_span, p);
}

umbra_status umbra_linear_block_run(umbra_linear_block *block)
{
    const umbra_linear_group *last = &block->groups[block->count - 1];
    const size_t end = last->first + last->count;
    part p = {.block = block, .stride = weight_words(block) + WEIGHT_GAP_WORDS};
    size_t most = UMBRA_LINEAR_WEIGHT_LIMBS(block->e->degree) * block->e->degree / p.stride;
    most = most < DIAGONALS_MOST ? most : DIAGONALS_MOST;
    for (p.first = block->groups[0].first; p.first < end; p.first += p.count) {
        p.count = end - p.first < most ? end - p.first : most;
        list_rows(&p);
        list_sums(&p);
        place_weights(&p);
        for (size_t limb = 0; limb < (size_t)block->e->params->levels[block->level].limbs; limb++)
            UMBRA_TRY(run_limb(&p, limb));
    }
    return UMBRA_OK;
}
