/* Hybrid key switching: decompose, multiply by the key, divide by the special primes. [HK20] */
#include "ckks/evaluator_internal.h"

#include <string.h>

/* Why one key serves every lower level: digit d is a fixed group of data primes, and its gadget
 * factor is P * g_d with g_d = 1 modulo the primes of the digit and 0 modulo all others. For a set
 * S of primes the digit value c_d is the centred c modulo the product of the digit's primes that
 * are in S, so that sum_d c_d g_d = c modulo every prime of S, whatever S is. Limbs of the key
 * outside S are not read. */

size_t umbra_decomposition_limbs(const umbra_params *params, int level, bool extended)
{
    const umbra_level *l = &params->levels[level];
    const size_t base = (size_t)(l->limbs + l->digits);
    const size_t all = (size_t)(l->limbs + params->literal.special_count);
    return base + (extended ? all * (size_t)l->digits : 0);
}

typedef struct decompose_job {
    const umbra_evaluator *e;
    const umbra_level *level;
    umbra_decomposition *d; /* one or several */
    size_t all_limbs, ranges;
} decompose_job;

static int first_limb(const umbra_level *level, int digit)
{
    return level->position[level->digit[digit].prime[0]];
}

static umbra_status scale_limb(void *context, size_t index, int worker)
{
    const decompose_job *job = context;
    (void)worker;
    const size_t n = job->e->degree;
    const umbra_level *level = job->level;
    const umbra_decomposition *d = &job->d[index / (size_t)level->limbs];
    const int limb = (int)(index % (size_t)level->limbs), digit = level->digit_of_limb[limb];
    const umbra_ntt *ntt = &job->e->params->ntt[level->prime[limb]];
    uint64_t *scaled = d->scaled + (size_t)limb * n;
    const umbra_basis *basis = &level->digit[digit];
    job->e->kernels->ntt_inverse(scaled, d->own + (size_t)limb * n, ntt);
    if (basis->count > 1)
        job->e->kernels->mul_scalar(scaled, scaled, basis->scale[limb - first_limb(level, digit)],
                                    n, &ntt->modulus);
    return UMBRA_OK;
}

/* Pointers to the scaled limbs of a digit and to its quotient. */
static void digit_rows(const umbra_evaluator *e, const umbra_decomposition *d, int digit,
                       const uint64_t **rows)
{
    const umbra_level *level = &e->params->levels[d->level];
    const umbra_basis *basis = &level->digit[digit];
    for (int i = 0; i < basis->count; i++)
        rows[i] = d->scaled + (size_t)(first_limb(level, digit) + i) * e->degree;
    rows[basis->count] = d->quotient + (size_t)digit * e->degree;
}

static umbra_status digit_quotient(void *context, size_t index, int worker)
{
    const decompose_job *job = context;
    (void)worker;
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    const umbra_decomposition *d = &job->d[index / (size_t)job->level->digits];
    const size_t digit = index % (size_t)job->level->digits;
    digit_rows(job->e, d, (int)digit, rows);
    umbra_basis_quotient(&job->level->digit[digit], job->e->kernels,
                         d->quotient + digit * job->e->degree, rows, job->e->degree);
    return UMBRA_OK;
}

static bool owns(const umbra_level *level, int digit, int limb)
{
    return limb < level->limbs && level->digit_of_limb[limb] == digit;
}

size_t umbra_switch_ranges(const umbra_evaluator *e, size_t limbs, size_t times)
{
    size_t width = limbs * times / (2 * e->threads);
    width = width < 1 ? 1 : width > UMBRA_SWITCH_WIDTH ? UMBRA_SWITCH_WIDTH : width;
    return (limbs + width - 1) / width;
}

umbra_limb_range umbra_switch_range(size_t ranges, size_t index, size_t first, size_t limbs)
{
    const size_t start = index * limbs / ranges, end = (index + 1) * limbs / ranges;
    return (umbra_limb_range){(int)(first + start), (int)(end - start)};
}

/* A digit in those limbs of a range that are not its own; r[i]: limb number i of the range. */
static void extend(const umbra_evaluator *e, const umbra_decomposition *d, int digit,
                   umbra_limb_range limbs, uint64_t *const r[UMBRA_SWITCH_WIDTH])
{
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    const umbra_level *level = &e->params->levels[d->level];
    int prime[UMBRA_SWITCH_WIDTH];
    uint64_t *to[UMBRA_SWITCH_WIDTH];
    size_t count = 0;
    for (int i = 0; i < limbs.count; i++)
        if (!owns(level, digit, limbs.first + i)) {
            prime[count] = umbra_switch_limb_prime(e->params, d->level, limbs.first + i);
            to[count++] = r[i];
        }
    digit_rows(e, d, digit, rows);
    umbra_basis_transform_each(&level->digit[digit], e->params->ntt, prime, count, e->kernels, to,
                               rows);
}

static uint64_t *extended_at(const umbra_evaluator *e, const umbra_decomposition *d, int limb,
                             int digit)
{
    return d->extended + (size_t)(limb * e->params->levels[d->level].digits + digit) * e->degree;
}

static umbra_status extend_limbs(void *context, size_t index, int worker)
{
    const decompose_job *job = context;
    (void)worker;
    const int digits = job->level->digits, digit = (int)index % digits;
    const umbra_limb_range limbs =
        umbra_switch_range(job->ranges, index / (size_t)digits, 0, job->all_limbs);
    uint64_t *r[UMBRA_SWITCH_WIDTH];
    for (int i = 0; i < limbs.count; i++)
        r[i] = extended_at(job->e, job->d, limbs.first + i, digit);
    extend(job->e, job->d, digit, limbs, r);
    return UMBRA_OK;
}

umbra_status umbra_decompose_each(umbra_evaluator *e, umbra_decomposition *d, size_t count,
                                  int level, const uint64_t *const *own, uint64_t *memory)
{
    const umbra_level *l = &e->params->levels[level];
    for (size_t k = 0; k < count; k++) {
        d[k] = (umbra_decomposition){.level = level, .own = own[k], .scaled = memory};
        d[k].quotient = d[k].scaled + (size_t)l->limbs * e->degree;
        memory = d[k].quotient + (size_t)l->digits * e->degree;
    }
    decompose_job job = {.e = e, .level = l, .d = d};
    UMBRA_TRY(umbra_pool_run(e->pool, count * (size_t)l->limbs, scale_limb, &job));
    return umbra_pool_run(e->pool, count * (size_t)l->digits, digit_quotient, &job);
}

umbra_status umbra_decompose(umbra_evaluator *e, umbra_decomposition *d, int level,
                             const uint64_t *own, uint64_t *memory, bool extended)
{
    const umbra_level *l = &e->params->levels[level];
    UMBRA_TRY(umbra_decompose_each(e, d, 1, level, &own, memory));
    if (!extended)
        return UMBRA_OK;
    d->extended = d->quotient + (size_t)l->digits * e->degree;
    decompose_job job = {.e = e, .level = l, .d = d};
    job.all_limbs = (size_t)(l->limbs + e->params->literal.special_count);
    job.ranges = umbra_switch_ranges(e, job.all_limbs, (size_t)l->digits);
    return umbra_pool_run(e->pool, job.ranges * (size_t)l->digits, extend_limbs, &job);
}

/* Limb and digit of this level in the storage of a key trimmed to another. */
static int key_limb(const umbra_params *params, const umbra_switch_key *key,
                    const umbra_level *level, int limb)
{
    const umbra_level *of_key = &params->levels[key->level];
    return limb < level->limbs ? of_key->position[level->prime[limb]]
                               : of_key->limbs + limb - level->limbs;
}

static int key_digit(const umbra_params *params, const umbra_switch_key *key,
                     const umbra_level *level, int digit)
{
    const umbra_level *of_key = &params->levels[key->level];
    return of_key->digit_of_limb[of_key->position[level->digit[digit].prime[0]]];
}

/* Where the digits of a batch are, for each limb of a range: made in `batch` where they are not
 * there yet. */
static void batch_values(const umbra_evaluator *e, const umbra_decomposition *d, int digit,
                         umbra_limb_range limbs, uint64_t *batch,
                         const uint64_t *values[UMBRA_SWITCH_WIDTH])
{
    const umbra_level *level = &e->params->levels[d->level];
    uint64_t *r[UMBRA_SWITCH_WIDTH];
    for (int i = 0; i < limbs.count; i++) {
        const int limb = limbs.first + i;
        r[i] = batch + (size_t)i * e->degree;
        values[i] = owns(level, digit, limb) ? d->own + (size_t)limb * e->degree
                    : d->extended != NULL    ? extended_at(e, d, limb, digit)
                                             : r[i];
    }
    if (d->extended == NULL)
        extend(e, d, digit, limbs, r);
}

/* Some digits, numbered as the key does, times the key in one limb. */
static void add_digits(const umbra_evaluator *e, int level, const umbra_switch_key *key,
                       const int *digits, const uint64_t *const *values, size_t count, int limb,
                       int accumulate, uint64_t *r0, uint64_t *r1, uint64_t *scratch)
{
    const umbra_params *params = e->params;
    const uint64_t *halves[2][UMBRA_SWITCH_BATCH];
    const int stored = key_limb(params, key, &params->levels[level], limb);
    if (key->words == NULL) {
        umbra_seeded_dot2(params, key, stored, digits, values, count, accumulate, r0, r1, scratch);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (int half = 0; half < 2; half++)
            halves[half][i] = umbra_switch_key_words(key, params, stored, digits[i], half);
    e->kernels->dot2(r0, r1, halves[0], halves[1], values, count, accumulate, e->degree,
                     umbra_params_modulus(params, umbra_switch_limb_prime(params, level, limb)));
}

void umbra_switch_inner(const umbra_evaluator *e, const umbra_decomposition *d,
                        const umbra_switch_key *key, umbra_limb_range limbs,
                        uint64_t *const r[2][UMBRA_SWITCH_WIDTH], uint64_t *batch)
{
    const umbra_level *level = &e->params->levels[d->level];
    uint64_t *scratch = batch + UMBRA_SWITCH_WIDTH * UMBRA_SWITCH_BATCH * e->degree;
    for (int start = 0; start < level->digits; start += UMBRA_SWITCH_BATCH) {
        const uint64_t *values[UMBRA_SWITCH_WIDTH][UMBRA_SWITCH_BATCH];
        const int left = level->digits - start;
        const int count = left < UMBRA_SWITCH_BATCH ? left : UMBRA_SWITCH_BATCH;
        int digits[UMBRA_SWITCH_BATCH];
        for (int k = 0; k < count; k++) {
            const uint64_t *of_digit[UMBRA_SWITCH_WIDTH];
            digits[k] = key_digit(e->params, key, level, start + k);
            batch_values(e, d, start + k, limbs, batch + (size_t)k * UMBRA_SWITCH_WIDTH * e->degree,
                         of_digit);
            for (int i = 0; i < limbs.count; i++)
                values[i][k] = of_digit[i];
        }
        for (int i = 0; i < limbs.count; i++)
            add_digits(e, d->level, key, digits, values[i], (size_t)count, limbs.first + i,
                       start > 0, r[0][i], r[1][i], scratch);
    }
}

size_t umbra_switch_special_limbs(const umbra_params *params)
{
    return 2 * (size_t)(params->literal.special_count + 1);
}

static uint64_t *special_row(const umbra_switch_job *job, int part, int row)
{
    const int rows = job->e->params->literal.special_count + 1;
    return job->special + (size_t)(part * rows + row) * job->e->degree;
}

/* From the sum in one special prime, NTT order, to what the division by P reads. */
static void special_coefficients(const umbra_switch_job *job, int part, int special,
                                 const uint64_t *sum)
{
    const umbra_evaluator *e = job->e;
    const umbra_params *params = e->params;
    const umbra_ntt *ntt = &params->ntt[params->literal.prime_count + special];
    uint64_t *row = special_row(job, part, special);
    e->kernels->ntt_inverse(row, sum, ntt);
    if (params->special.count > 1)
        e->kernels->mul_scalar(row, row, params->special.scale[special], e->degree, &ntt->modulus);
}

/* Digits times key, in some special primes. */
static umbra_status special_inner(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    const umbra_evaluator *e = job->e;
    const int level_limbs = e->params->levels[job->level].limbs;
    const umbra_limb_range limbs = umbra_switch_range(
        job->special_ranges, index, (size_t)level_limbs, (size_t)e->params->literal.special_count);
    uint64_t *rows[2][UMBRA_SWITCH_WIDTH];
    for (int i = 0; i < limbs.count; i++)
        for (int p = 0; p < 2; p++)
            rows[p][i] = special_row(job, p, limbs.first - level_limbs + i);
    umbra_switch_inner(e, job->digits, job->key, limbs, rows, umbra_evaluator_worker(e, worker));
    for (int i = 0; i < limbs.count; i++)
        for (int p = 0; p < 2; p++)
            special_coefficients(job, p, limbs.first - level_limbs + i, rows[p][i]);
    return UMBRA_OK;
}

/* A sum that is given, in one special prime. */
static umbra_status special_sum(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    const int part = (int)index % 2, special = (int)index / 2;
    const int limb = job->e->params->levels[job->level].limbs + special;
    (void)worker;
    special_coefficients(job, part, special, job->sum[part] + (size_t)limb * job->e->degree);
    return UMBRA_OK;
}

static void special_rows(const umbra_switch_job *job, int part, const uint64_t **rows)
{
    for (int i = 0; i <= job->e->params->literal.special_count; i++)
        rows[i] = special_row(job, part, i);
}

static umbra_status special_quotient(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    (void)worker;
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    special_rows(job, (int)index, rows);
    umbra_basis_quotient(&job->e->params->special, job->e->kernels,
                         special_row(job, (int)index, job->e->params->literal.special_count), rows,
                         job->e->degree);
    return UMBRA_OK;
}

/* One limb of one part, of which the sum's special part is `down`. */
static void finish_limb(const umbra_switch_job *job, int part, int limb, const uint64_t *sum,
                        const uint64_t *down, uint64_t *scratch)
{
    const umbra_evaluator *e = job->e;
    const umbra_kernels *k = e->kernels;
    const int prime = e->params->levels[job->level].prime[limb];
    const size_t n = e->degree, at = (size_t)limb * n;
    const umbra_modulus *m = &e->params->ntt[prime].modulus;
    uint64_t *r = job->index == NULL ? job->out[part] + at : scratch;
    k->sub_mul_scalar(scratch, sum, down, e->params->special_inverse[prime], n, m);
    if (job->add[part] != NULL)
        k->add(r, scratch, job->add[part] + at, n, m);
    else if (r != scratch)
        memcpy(r, scratch, n * sizeof *r);
    if (job->index != NULL)
        k->permute(job->out[part] + at, r, job->index, n);
}

static umbra_status data_limbs(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    const umbra_evaluator *e = job->e;
    const umbra_level *level = &e->params->levels[job->level];
    const umbra_limb_range limbs =
        umbra_switch_range(job->data_ranges, index, 0, (size_t)level->limbs);
    uint64_t *batch = umbra_evaluator_worker(e, worker);
    uint64_t *acc[2][UMBRA_SWITCH_WIDTH], *down[UMBRA_SWITCH_WIDTH];
    for (int i = 0; i < limbs.count; i++) {
        uint64_t *own = batch + (size_t)(UMBRA_SWITCH_INNER_LIMBS + 3 * i) * e->degree;
        acc[0][i] = own;
        acc[1][i] = own + e->degree;
        down[i] = own + 2 * e->degree;
    }
    if (job->digits != NULL)
        umbra_switch_inner(e, job->digits, job->key, limbs, acc, batch);
    for (int p = 0; p < 2; p++) {
        const uint64_t *rows[UMBRA_BASIS_MAX + 1];
        special_rows(job, p, rows);
        umbra_basis_transform_each(&e->params->special, e->params->ntt, &level->prime[limbs.first],
                                   (size_t)limbs.count, e->kernels, down, rows);
        for (int i = 0; i < limbs.count; i++)
            finish_limb(job, p, limbs.first + i,
                        job->digits != NULL ? acc[p][i]
                                            : job->sum[p] + (size_t)(limbs.first + i) * e->degree,
                        down[i], acc[p][i]);
    }
    return UMBRA_OK;
}

umbra_status umbra_switch_run(const umbra_switch_job *job)
{
    umbra_switch_job copy = *job; /* the loops take a pointer that is not const */
    const umbra_params *params = job->e->params;
    const size_t special = (size_t)params->literal.special_count;
    copy.special_ranges = umbra_switch_ranges(job->e, special, 1);
    copy.data_ranges = umbra_switch_ranges(job->e, (size_t)params->levels[job->level].limbs, 1);
    if (job->digits != NULL)
        UMBRA_TRY(umbra_pool_run(job->e->pool, copy.special_ranges, special_inner, &copy));
    else
        UMBRA_TRY(umbra_pool_run(job->e->pool, 2 * special, special_sum, &copy));
    UMBRA_TRY(umbra_pool_run(job->e->pool, 2, special_quotient, &copy));
    return umbra_pool_run(job->e->pool, copy.data_ranges, data_limbs, &copy);
}
