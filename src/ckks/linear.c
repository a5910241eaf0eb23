/* Linear transforms by generalised diagonals: baby step giant step, hoisted. [HS18] */
#include "ckks/linear_internal.h"

#include <math.h>
#include <string.h>

/* Groups at a time where weights are made for them: as few as pay, since all of theirs are in
 * memory. */
#define STREAM_CHUNK UMBRA_LINEAR_STREAM_GROUPS

typedef struct linear_job {
    umbra_evaluator *e;
    const umbra_level *of_level;
    int level;
    const umbra_ciphertext *const *in;
    const umbra_linear_map *map;
    umbra_linear_plan plan;
    size_t limbs;
    size_t marked;     /* the first diagonal of those that are asked for symmetry */
    uint64_t *babies;  /* for each rotation, part, limb: folded */
    size_t baby_words; /* from one part to the next */
    int fold_log2;     /* the least of all diagonals; 0 where some have their words ready */
    /* one input after the other */
    int input;
    umbra_decomposition digits;
    /* one chunk of groups after the other */
    const umbra_linear_group *groups;
    size_t chunk;                          /* how many groups */
    uint64_t *sums[UMBRA_LINEAR_CHUNK][2]; /* of each part, by limb */
    uint64_t *inner;  /* of the sums; before them, of the decompositions of inputs */
    uint64_t *memory; /* of decompositions, a division by P, or weights */
    umbra_linear_turn turn;
} linear_job;

static umbra_status mark_symmetric(void *context, size_t index, int worker)
{
    linear_job *job = context;
    (void)worker;
    index += job->marked;
    job->plan.symmetric[index] =
        (unsigned char)umbra_linear_is_symmetric(&job->map->diagonals[index], job->e->degree);
    return UMBRA_OK;
}

static uint64_t *baby_at(const linear_job *job, size_t rotation, size_t part, size_t limb)
{
    return job->babies + (rotation * 2 + part) * job->baby_words + limb * job->e->degree;
}

/* What a rotation by nothing comes to. */
typedef struct fold_job {
    const linear_job *job;
    size_t rotation;
} fold_job;

static umbra_status fold_limb(void *context, size_t index, int worker)
{
    const fold_job *fold = context;
    const linear_job *job = fold->job;
    const size_t n = job->e->degree, part = index / job->limbs, limb = index % job->limbs;
    (void)worker;
    umbra_fold(baby_at(job, fold->rotation, part, limb), job->in[job->input]->part[part] + limb * n,
               n);
    return UMBRA_OK;
}

static umbra_status baby_step(void *context, size_t index, int worker)
{
    linear_job *job = context;
    umbra_evaluator *e = job->e;
    const umbra_linear_rotation *rotation = &job->plan.rotations[index];
    const umbra_ciphertext *a = job->in[job->input];
    const size_t n = e->degree;
    if (rotation->input != job->input)
        return UMBRA_OK;
    if (rotation->key == NULL) {
        fold_job fold = {job, index};
        return umbra_pool_run(e->pool, 2 * job->limbs, fold_limb, &fold);
    }
    uint64_t *scratch = umbra_evaluator_worker(e, worker) + UMBRA_SWITCH_WORKER_LIMBS * n;
    uint32_t *folded = (uint32_t *)(void *)(scratch + umbra_switch_special_limbs(e->params) * n);
    umbra_fold_index(folded, rotation->key->index, n);
    const umbra_switch_job run = {.e = e,
                                  .level = job->level,
                                  .digits = &job->digits,
                                  .key = rotation->key,
                                  .special = scratch,
                                  .add = {a->part[0], NULL},
                                  .index = folded,
                                  .out = {baby_at(job, index, 0, 0), baby_at(job, index, 1, 0)}};
    return umbra_switch_run(&run);
}

static umbra_status baby_steps(linear_job *job)
{
    const umbra_linear_plan *plan = &job->plan;
    for (job->input = 0; job->input < job->map->input_count; job->input++) {
        size_t switched = 0, count = 0;
        for (size_t r = 0; r < plan->rotation_count; r++) {
            count += plan->rotations[r].input == job->input;
            switched += plan->rotations[r].input == job->input && plan->rotations[r].key != NULL;
        }
        if (switched > 0)
            UMBRA_TRY(umbra_decompose(job->e, &job->digits, job->level,
                                      job->in[job->input]->part[1], job->inner, switched > 1));
        /* As many for each thread; the threads share the limbs of those that are left. */
        size_t whole = plan->rotation_count;
        for (size_t left = count % job->e->threads; left > 0; whole--)
            left -= plan->rotations[whole - 1].input == job->input;
        UMBRA_TRY(umbra_pool_run(job->e->pool, whole, baby_step, job));
        for (size_t r = whole; r < plan->rotation_count; r++)
            UMBRA_TRY(baby_step(job, r, 0));
    }
    return UMBRA_OK;
}

/* Add a batch of products to the folded accumulators, one half of the points at a time. */
static void add_products(const linear_job *job, size_t first, size_t count, size_t limb,
                         const uint64_t *const *weights, uint64_t *const acc[2], int accumulate)
{
    const size_t n = job->e->degree, half = n / 2;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->of_level->prime[limb]);
    for (size_t h = 0; h < 2; h++) {
        const uint64_t *parts[2][UMBRA_LINEAR_WEIGHT_BATCH], *w[UMBRA_LINEAR_WEIGHT_BATCH];
        for (size_t i = 0; i < count; i++) {
            const size_t rotation = job->plan.rotation_of[first + i];
            for (size_t p = 0; p < 2; p++)
                parts[p][i] = baby_at(job, rotation, p, limb) + h * half;
            w[i] = weights[i] + (job->plan.symmetric[first + i] ? 0 : h * half);
        }
        job->e->kernels->dot2(acc[0] + h * half, acc[1] + h * half, parts[0], parts[1], w, count,
                              accumulate, half, m);
    }
}

/* The inner sum of one group in one limb. Limbs are the outer loop: the rotated inputs of one limb,
 * and not those of all, have to stay in the shared cache. */
static umbra_status inner_sum(void *context, size_t index, int worker)
{
    const linear_job *job = context;
    umbra_evaluator *e = job->e;
    const size_t n = e->degree, limb = index / job->chunk, g = index % job->chunk;
    const umbra_linear_group *group = &job->groups[g];
    uint64_t *words = umbra_evaluator_worker(e, worker),
             *scratch = words + UMBRA_LINEAR_WEIGHT_BATCH * n;
    uint64_t *const acc[2] = {scratch + n, scratch + 2 * n};
    for (size_t done = 0; done < group->count; done += UMBRA_LINEAR_WEIGHT_BATCH) {
        const uint64_t *weights[UMBRA_LINEAR_WEIGHT_BATCH];
        const size_t left = group->count - done, first = group->first + done;
        const size_t count = left < UMBRA_LINEAR_WEIGHT_BATCH ? left : UMBRA_LINEAR_WEIGHT_BATCH;
        for (size_t i = 0; i < count; i++)
            weights[i] = umbra_linear_weights(
                e->params, job->level, (int)limb, &job->map->diagonals[first + i],
                job->plan.symmetric[first + i], 0, words + i * n, scratch);
        add_products(job, first, count, limb, weights, acc, done > 0);
    }
    for (size_t p = 0; p < 2; p++)
        umbra_fold(job->sums[g][p] + limb * n, acc[p], n);
    return UMBRA_OK;
}

/* Ask for the weights of the groups at hand. */
static umbra_status stream_chunk(linear_job *job)
{
    const umbra_linear_group *last = &job->groups[job->chunk - 1];
    size_t first = job->groups[0].first, count = last->first + last->count - first;
    if (job->map->stream == NULL)
        return UMBRA_OK;
    UMBRA_TRY(job->map->stream(job->map->stream_context, first, count));
    job->marked = first;
    return umbra_pool_run(job->e->pool, count, mark_symmetric, job);
}

/* The inner sums of a chunk. */
static umbra_status chunk_sums(linear_job *job)
{
    umbra_linear_block block = {.e = job->e,
                                .level = job->level,
                                .map = job->map,
                                .plan = &job->plan,
                                .fold_log2 = job->fold_log2,
                                .groups = job->groups,
                                .count = job->chunk,
                                .babies = job->babies,
                                .baby_words = job->baby_words};
    if (job->fold_log2 < UMBRA_LINEAR_BLOCK_FOLD_LOG2)
        return umbra_pool_run(job->e->pool, job->limbs * job->chunk, inner_sum, job);
    memcpy(block.sums, job->sums, sizeof block.sums);
    block.weights = job->memory;
    return umbra_linear_block_run(&block);
}

/* Whether group g is the first of its output, and whether it is the last. */
static bool opens(const umbra_linear_plan *plan, size_t g)
{
    return g == 0 || plan->groups[g - 1].output != plan->groups[g].output;
}

static bool closes(const umbra_linear_plan *plan, size_t g)
{
    return g + 1 == plan->group_count || opens(plan, g + 1);
}

/* How many groups from g on, of those at hand, are of its output and turned: at most `most`. */
static size_t turned_together(const linear_job *job, size_t g, size_t most)
{
    size_t count = 0;
    while (count < most && g + count < job->chunk && job->groups[g + count].key != NULL &&
           job->groups[g + count].output == job->groups[g].output)
        count++;
    return count;
}

/* Groups first .. first+chunk-1. What needs no giant step and is alone is its output; any other
 * group without one is the first of its output, since giant steps ascend. */
static umbra_status run_chunk(linear_job *job, size_t first, size_t chunk,
                              umbra_ciphertext *const *out)
{
    const umbra_linear_plan *plan = &job->plan;
    bool alone[UMBRA_LINEAR_CHUNK];
    job->groups = plan->groups + first;
    job->chunk = chunk;
    for (size_t g = 0; g < chunk; g++) {
        alone[g] = opens(plan, first + g) && closes(plan, first + g) && job->groups[g].key == NULL;
        for (size_t p = 0; p < 2; p++)
            job->sums[g][p] = alone[g] ? out[job->groups[g].output]->part[p]
                                       : job->inner + (2 * g + p) * job->limbs * job->e->degree;
    }
    UMBRA_TRY(stream_chunk(job));
    UMBRA_TRY(chunk_sums(job));
    for (size_t g = 0, count = 1; g < chunk; g += count) {
        count = turned_together(job, g, 2 * job->turn.lanes);
        if (count > 0)
            UMBRA_TRY(umbra_linear_turn_groups(&job->turn, job->groups + g, job->sums + g, count));
        else if (!alone[g])
            UMBRA_TRY(umbra_linear_turn_nothing(&job->turn, job->sums[g]));
        count = count > 0 ? count : 1;
        if (!alone[g] && closes(plan, first + g + count - 1))
            UMBRA_TRY(umbra_linear_turn_end(&job->turn, out[job->groups[g].output]));
    }
    return UMBRA_OK;
}

static umbra_linear_shape shape_of(const linear_job *job)
{
    umbra_linear_shape shape = {.rotations = job->plan.rotation_count,
                                .groups = job->plan.group_count,
                                .fold = (size_t)1 << job->fold_log2};
    for (size_t r = 0; r < job->plan.rotation_count; r++)
        shape.switched += job->plan.rotations[r].key != NULL;
    return shape;
}

static umbra_status reserve(linear_job *job)
{
    umbra_evaluator *e = job->e;
    const umbra_linear_shape shape = shape_of(job);
    const umbra_linear_room room = umbra_linear_divide(e->params, job->level, &shape);
    UMBRA_TRY(umbra_evaluator_prepare(e, room.all));
    job->baby_words = job->limbs * e->degree + UMBRA_LINEAR_GAP_WORDS;
    job->babies = e->shared + room.babies * e->degree;
    job->inner = e->shared + room.sums * e->degree;
    job->memory = e->shared + room.rest * e->degree;
    job->turn = (umbra_linear_turn){
        .e = e,
        .level = job->level,
        .lanes = umbra_linear_lanes(job->limbs + (size_t)e->params->literal.special_count),
        .wide = e->shared + room.wide * e->degree,
        .memory = job->memory};
    return UMBRA_OK;
}

static void set_header(const linear_job *job, umbra_ciphertext *out, double noise_log2,
                       const umbra_ciphertext *in, double message_log2)
{
    out->level = job->level;
    out->parts = 2;
    out->scale_log2 = in->scale_log2 + job->map->weight_scale_log2;
    out->message_log2 = message_log2 + job->map->gain_log2;
    out->noise_log2 = noise_log2;
    out->key_id = in->key_id;
}

static void set_headers(const linear_job *job, umbra_ciphertext *const *out)
{
    const umbra_linear_plan *plan = &job->plan;
    const umbra_ciphertext first_in = *job->in[0];
    double message = first_in.message_log2, noise = first_in.noise_log2;
    for (int i = 1; i < job->map->input_count; i++) {
        message = fmax(message, job->in[i]->message_log2);
        noise = fmax(noise, job->in[i]->noise_log2);
    }
    for (size_t first = 0, end; first < plan->group_count; first = end) {
        size_t diagonals = 0, giants = 0;
        const int output = plan->groups[first].output;
        for (end = first; end < plan->group_count && plan->groups[end].output == output; end++) {
            diagonals += plan->groups[end].count;
            giants += plan->groups[end].key != NULL;
        }
        set_header(job, out[output],
                   umbra_noise_linear_map(job->e->params, job->level, message, first_in.scale_log2,
                                          noise, job->map->weight_scale_log2,
                                          job->map->weight_noise_gain_log2, diagonals, giants),
                   &first_in, message);
    }
}

/* Weights that repeat everywhere, and are not transformed ahead. */
static int common_fold(const umbra_linear_map *map)
{
    int fold = map->diagonals[0].fold_log2;
    for (size_t i = 0; i < map->diagonal_count; i++) {
        const umbra_diagonal *d = &map->diagonals[i];
        const int own = d->limbs != NULL ? 0 : d->fold_log2;
        fold = own < fold ? own : fold;
    }
    return fold;
}

umbra_status umbra_eval_linear_map(umbra_evaluator *e, umbra_ciphertext *const *out,
                                   const umbra_ciphertext *const *in, const umbra_linear_map *map)
{
    linear_job job = {.e = e, .in = in, .map = map};
    UMBRA_TRY(umbra_linear_plan_make(e, &job.plan, in, map));
    job.level = in[0]->level;
    job.of_level = &e->params->levels[job.level];
    job.limbs = (size_t)job.of_level->limbs;
    for (int i = 0; i < map->output_count; i++)
        UMBRA_TRY(umbra_check_output(e, out[i], job.level, 2));
    job.fold_log2 = common_fold(map);
    UMBRA_TRY(reserve(&job));
    if (map->stream == NULL)
        UMBRA_TRY(umbra_pool_run(e->pool, map->diagonal_count, mark_symmetric, &job));
    UMBRA_TRY(baby_steps(&job));
    const size_t step = map->stream != NULL
                            ? STREAM_CHUNK
                            : umbra_linear_chunk(job.plan.group_count, (size_t)1 << job.fold_log2);
    for (size_t g = 0, left = job.plan.group_count; left > 0; g += step) {
        const size_t chunk = left < step ? left : step;
        UMBRA_TRY(run_chunk(&job, g, chunk, out));
        left -= chunk;
    }
    set_headers(&job, out);
    return UMBRA_OK;
}
