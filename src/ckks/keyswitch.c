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

static void extend(const umbra_evaluator *e, const umbra_decomposition *d, int digit, int limb,
                   uint64_t *r)
{
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    const umbra_level *level = &e->params->levels[d->level];
    const int prime = umbra_switch_limb_prime(e->params, d->level, limb);
    digit_rows(e, d, digit, rows);
    umbra_basis_transform(&level->digit[digit], e->params->ntt, prime, e->kernels, r, rows);
}

static umbra_status extend_limb(void *context, size_t index, int worker)
{
    const decompose_job *job = context;
    (void)worker;
    const int digits = job->level->digits;
    const int limb = (int)index / digits, digit = (int)index % digits;
    if (!owns(job->level, digit, limb))
        extend(job->e, job->d, digit, limb, job->d->extended + index * job->e->degree);
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
    const size_t limbs = (size_t)(l->limbs + e->params->literal.special_count);
    return umbra_pool_run(e->pool, limbs * (size_t)l->digits, extend_limb, &job);
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

void umbra_switch_inner(const umbra_evaluator *e, const umbra_decomposition *d,
                        const umbra_switch_key *key, int limb, uint64_t *r0, uint64_t *r1,
                        uint64_t *batch)
{
    const umbra_params *params = e->params;
    const umbra_level *level = &params->levels[d->level];
    const umbra_modulus *m =
        umbra_params_modulus(params, umbra_switch_limb_prime(params, d->level, limb));
    const uint64_t *halves[2][UMBRA_SWITCH_BATCH], *values[UMBRA_SWITCH_BATCH];
    const int stored = key_limb(params, key, level, limb);
    int digits[UMBRA_SWITCH_BATCH];
    for (int start = 0; start < level->digits; start += UMBRA_SWITCH_BATCH) {
        int count = 0;
        for (; count < UMBRA_SWITCH_BATCH && start + count < level->digits; count++) {
            const int digit = start + count;
            digits[count] = key_digit(params, key, level, digit);
            for (int half = 0; half < 2 && key->words != NULL; half++)
                halves[half][count] =
                    umbra_switch_key_words(key, params, stored, digits[count], half);
            uint64_t *r = batch + (size_t)count * e->degree;
            if (owns(level, digit, limb))
                values[count] = d->own + (size_t)limb * e->degree;
            else if (d->extended != NULL)
                values[count] = d->extended + (size_t)(limb * level->digits + digit) * e->degree;
            else {
                extend(e, d, digit, limb, r);
                values[count] = r;
            }
        }
        if (key->words == NULL)
            umbra_seeded_dot2(params, key, stored, digits, values, (size_t)count, start > 0, r0, r1,
                              batch + UMBRA_SWITCH_BATCH * e->degree);
        else
            e->kernels->dot2(r0, r1, halves[0], halves[1], values, (size_t)count, start > 0,
                             e->degree, m);
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

/* Digits times key, in one special prime. */
static umbra_status special_inner(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    const umbra_evaluator *e = job->e;
    const int special = (int)index;
    uint64_t *rows[2] = {special_row(job, 0, special), special_row(job, 1, special)};
    umbra_switch_inner(e, job->digits, job->key, e->params->levels[job->level].limbs + special,
                       rows[0], rows[1], umbra_evaluator_worker(e, worker));
    for (int p = 0; p < 2; p++)
        special_coefficients(job, p, special, rows[p]);
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

static umbra_status data_limb(void *context, size_t index, int worker)
{
    const umbra_switch_job *job = context;
    const umbra_evaluator *e = job->e;
    const umbra_kernels *k = e->kernels;
    const size_t n = e->degree, at = index * n;
    const int prime = e->params->levels[job->level].prime[index];
    const umbra_ntt *ntt = &e->params->ntt[prime];
    uint64_t *batch = umbra_evaluator_worker(e, worker);
    uint64_t *acc[2] = {batch + UMBRA_SWITCH_INNER_LIMBS * n,
                        batch + (UMBRA_SWITCH_INNER_LIMBS + 1) * n};
    uint64_t *down = batch + (UMBRA_SWITCH_INNER_LIMBS + 2) * n;
    const uint64_t *sums[2] = {acc[0], acc[1]};
    if (job->digits != NULL)
        umbra_switch_inner(e, job->digits, job->key, (int)index, acc[0], acc[1], batch);
    else
        for (int p = 0; p < 2; p++)
            sums[p] = job->sum[p] + at;
    for (int p = 0; p < 2; p++) {
        const uint64_t *rows[UMBRA_BASIS_MAX + 1];
        uint64_t *r = job->index == NULL ? job->out[p] + at : acc[p];
        special_rows(job, p, rows);
        umbra_basis_transform(&e->params->special, e->params->ntt, prime, k, down, rows);
        k->sub_mul_scalar(acc[p], sums[p], down, e->params->special_inverse[prime], n,
                          &ntt->modulus);
        if (job->add[p] != NULL)
            k->add(r, acc[p], job->add[p] + at, n, &ntt->modulus);
        else if (r != acc[p])
            memcpy(r, acc[p], n * sizeof *r);
        if (job->index != NULL)
            k->permute(job->out[p] + at, r, job->index, n);
    }
    return UMBRA_OK;
}

umbra_status umbra_switch_run(const umbra_switch_job *job)
{
    umbra_switch_job copy = *job; /* the loops take a pointer that is not const */
    const umbra_params *params = job->e->params;
    const size_t special = (size_t)params->literal.special_count;
    if (job->digits != NULL)
        UMBRA_TRY(umbra_pool_run(job->e->pool, special, special_inner, &copy));
    else
        UMBRA_TRY(umbra_pool_run(job->e->pool, 2 * special, special_sum, &copy));
    UMBRA_TRY(umbra_pool_run(job->e->pool, 2, special_quotient, &copy));
    return umbra_pool_run(job->e->pool, (size_t)params->levels[job->level].limbs, data_limb, &copy);
}
