/* Sums and differences of ciphertexts, plaintexts and numbers; changes of level without arithmetic.
 */
#include "ckks/evaluator_internal.h"

#include <math.h>
#include <string.h>

typedef enum sum_operation { SUM_ADD, SUM_SUB, SUM_NEGATE, SUM_COPY } sum_operation;

typedef struct sum_job {
    const umbra_evaluator *e;
    const umbra_level *level;
    sum_operation operation;
    umbra_ciphertext *out;
    const umbra_ciphertext *a, *b;
    int parts;
} sum_job;

static umbra_status sum_limb(void *context, size_t index, int worker)
{
    const sum_job *job = context;
    (void)worker;
    const umbra_kernels *k = job->e->kernels;
    const size_t n = job->e->degree, at = index * n;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->level->prime[index]);
    for (int p = 0; p < job->parts; p++) {
        uint64_t *r = job->out->part[p] + at;
        const uint64_t *a = p < job->a->parts ? job->a->part[p] + at : NULL;
        const uint64_t *b = job->b != NULL && p < job->b->parts ? job->b->part[p] + at : NULL;
        if (a != NULL && b != NULL)
            (job->operation == SUM_ADD ? k->add : k->sub)(r, a, b, n, m);
        else if (a == NULL && job->operation == SUM_ADD)
            memmove(r, b, n * sizeof *r);
        else if (a == NULL || job->operation == SUM_NEGATE)
            k->neg(r, a == NULL ? b : a, n, m);
        else
            memmove(r, a, n * sizeof *r);
    }
    return UMBRA_OK;
}

static umbra_status run_sum(umbra_evaluator *e, sum_operation operation, umbra_ciphertext *out,
                            const umbra_ciphertext *a, const umbra_ciphertext *b)
{
    sum_job job = {.e = e,
                   .level = &e->params->levels[a->level],
                   .operation = operation,
                   .out = out,
                   .a = a,
                   .b = b,
                   .parts = b != NULL && b->parts > a->parts ? b->parts : a->parts};
    UMBRA_TRY(umbra_pool_run(e->pool, (size_t)job.level->limbs, sum_limb, &job));
    const double message =
        b == NULL ? a->message_log2 : umbra_log2_sum(a->message_log2, b->message_log2);
    const double noise = b == NULL ? a->noise_log2 : umbra_noise_add(a->noise_log2, b->noise_log2);
    umbra_copy_header(out, a);
    out->message_log2 = message;
    /* The sum of a number and itself doubles its error. */
    out->noise_log2 = a == b ? a->noise_log2 + 1 : noise;
    out->parts = job.parts;
    return UMBRA_OK;
}

static umbra_status check_sum(umbra_evaluator *e, const umbra_ciphertext *out,
                              const umbra_ciphertext *a, const umbra_ciphertext *b)
{
    UMBRA_TRY(umbra_check_input(e, a, 3));
    UMBRA_TRY(umbra_check_input(e, b, 3));
    UMBRA_TRY(umbra_check_levels(a->level, b->level));
    UMBRA_TRY(umbra_check_scales(a->scale_log2, b->scale_log2));
    if (a->key_id != b->key_id)
        return umbra_fail(UMBRA_E_MISMATCH, "operands under different keys, %016llx and %016llx",
                          (unsigned long long)a->key_id, (unsigned long long)b->key_id);
    return umbra_check_output(e, out, a->level, a->parts > b->parts ? a->parts : b->parts);
}

umbra_status umbra_eval_add(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                            const umbra_ciphertext *b)
{
    UMBRA_TRY(check_sum(e, out, a, b));
    return run_sum(e, SUM_ADD, out, a, b);
}

umbra_status umbra_eval_sub(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                            const umbra_ciphertext *b)
{
    UMBRA_TRY(check_sum(e, out, a, b));
    return run_sum(e, SUM_SUB, out, a, b);
}

umbra_status umbra_eval_negate(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a)
{
    UMBRA_TRY(umbra_check_input(e, a, 3));
    UMBRA_TRY(umbra_check_output(e, out, a->level, a->parts));
    return run_sum(e, SUM_NEGATE, out, a, NULL);
}

umbra_status umbra_eval_add_plain(umbra_evaluator *e, umbra_ciphertext *out,
                                  const umbra_ciphertext *a, const umbra_plaintext *b)
{
    /* A plaintext is a ciphertext of one part. */
    const umbra_ciphertext one = {.params = b->params,
                                  .level = b->level,
                                  .parts = 1,
                                  .scale_log2 = b->scale_log2,
                                  .message_log2 = b->message_log2,
                                  .noise_log2 = b->noise_log2,
                                  .key_id = a->key_id,
                                  .part = {b->limbs, NULL, NULL}};
    UMBRA_TRY(check_sum(e, out, a, &one));
    return run_sum(e, SUM_ADD, out, a, &one);
}

/* value is whole, |value| < 2^1000. */
static uint64_t whole_mod(double value, const umbra_modulus *m)
{
    int exponent = 0;
    const int64_t mantissa = (int64_t)ldexp(frexp(value, &exponent), 53);
    uint64_t r = umbra_mod_from_i64(mantissa, m);
    const uint64_t two = exponent >= 53 ? 2 : (m->q + 1) / 2;
    const uint64_t power = (uint64_t)(exponent >= 53 ? exponent - 53 : 53 - exponent);
    r = umbra_mod_mul(r, umbra_mod_pow(two, power, m), m);
    return r;
}

/* Nothing has a finite logarithm too: metadata stays finite. */
static double log2_magnitude(double x)
{
    return fmax(log2(fabs(x)), -1000);
}

/* nearbyint keeps halves even whatever the size; a constant is public. */
static umbra_status round_scaled(double value, double scale_log2, double limit_log2, double *out)
{
    const double scaled = value * exp2(scale_log2);
    if (!(fabs(scaled) < exp2(fmin(limit_log2, 1000))))
        return umbra_fail(UMBRA_E_INPUT, "%g at scale 2^%.2f does not fit the modulus 2^%.1f",
                          value, scale_log2, limit_log2);
    *out = nearbyint(scaled);
    return UMBRA_OK;
}

typedef struct scalar_job {
    const umbra_evaluator *e;
    const umbra_level *level;
    umbra_ciphertext *out;
    const umbra_ciphertext *a;
    double whole;
} scalar_job;

/* The constant polynomial c has the value c everywhere. */
static umbra_status add_scalar_limb(void *context, size_t index, int worker)
{
    const scalar_job *job = context;
    (void)worker;
    const size_t n = job->e->degree, at = index * n;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->level->prime[index]);
    const uint64_t c = whole_mod(job->whole, m), q = m->q;
    for (size_t i = 0; i < n; i++) {
        const uint64_t d = job->a->part[0][at + i] + c - q;
        job->out->part[0][at + i] = d + (q & (0 - (d >> 63)));
    }
    for (int p = 1; p < job->a->parts; p++)
        memmove(job->out->part[p] + at, job->a->part[p] + at, n * sizeof(uint64_t));
    return UMBRA_OK;
}

static umbra_status multiply_scalar_limb(void *context, size_t index, int worker)
{
    const scalar_job *job = context;
    (void)worker;
    const size_t n = job->e->degree, at = index * n;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->level->prime[index]);
    const uint64_t c = whole_mod(job->whole, m);
    for (int p = 0; p < job->a->parts; p++)
        job->e->kernels->mul_scalar(job->out->part[p] + at, job->a->part[p] + at, c, n, m);
    return UMBRA_OK;
}

umbra_status umbra_eval_add_scalar(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a, double value)
{
    UMBRA_TRY(umbra_check_input(e, a, 3));
    UMBRA_TRY(umbra_check_output(e, out, a->level, a->parts));
    scalar_job job = {.e = e, .level = &e->params->levels[a->level], .out = out, .a = a};
    UMBRA_TRY(round_scaled(value, a->scale_log2, job.level->log2_q - 1, &job.whole));
    UMBRA_TRY(umbra_pool_run(e->pool, (size_t)job.level->limbs, add_scalar_limb, &job));
    umbra_copy_header(out, a);
    out->message_log2 = umbra_log2_sum(a->message_log2, log2_magnitude(value));
    out->noise_log2 = umbra_noise_add(a->noise_log2, log2(0.5)); /* the rounding, at most */
    return UMBRA_OK;
}

umbra_status umbra_eval_multiply_scalar(umbra_evaluator *e, umbra_ciphertext *out,
                                        const umbra_ciphertext *a, double value, double scale_log2)
{
    UMBRA_TRY(umbra_check_input(e, a, 3));
    UMBRA_TRY(umbra_check_output(e, out, a->level, a->parts));
    UMBRA_TRY(umbra_check_product_scale(e->params, a->level, a->scale_log2 + scale_log2));
    scalar_job job = {.e = e, .level = &e->params->levels[a->level], .out = out, .a = a};
    UMBRA_TRY(round_scaled(value, scale_log2, job.level->log2_q - 1, &job.whole));
    UMBRA_TRY(umbra_pool_run(e->pool, (size_t)job.level->limbs, multiply_scalar_limb, &job));
    const double rounding = fabs(value * exp2(scale_log2) - job.whole);
    const double message_error = log2_magnitude(rounding) + a->message_log2 + a->scale_log2;
    umbra_copy_header(out, a);
    out->noise_log2 = umbra_noise_add(a->noise_log2 + log2_magnitude(job.whole), message_error);
    out->message_log2 = a->message_log2 + log2_magnitude(value);
    out->scale_log2 = a->scale_log2 + scale_log2;
    return UMBRA_OK;
}

umbra_status umbra_eval_drop_level(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a, int level)
{
    const umbra_params *params = e->params;
    UMBRA_TRY(umbra_check_input(e, a, 3));
    if (level < 0 || level >= params->literal.level_count ||
        (params->literal.levels[level].prime_set & ~params->literal.levels[a->level].prime_set) !=
            0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "level %d cannot drop to level %d: its primes are not among those of the "
                          "higher level; rescale instead",
                          a->level, level);
    UMBRA_TRY(umbra_check_output(e, out, level, a->parts));
    UMBRA_TRY(umbra_check_product_scale(params, level, a->scale_log2));
    const umbra_level *from = &params->levels[a->level], *to = &params->levels[level];
    /* Both lists ascend, so that a limb only ever moves down: safe in place, in this order. */
    for (int p = 0; p < a->parts; p++)
        for (int i = 0; i < to->limbs; i++)
            memmove(out->part[p] + (size_t)i * e->degree,
                    a->part[p] + (size_t)from->position[to->prime[i]] * e->degree,
                    e->degree * sizeof(uint64_t));
    umbra_copy_header(out, a);
    out->level = level;
    return UMBRA_OK;
}
