/* Products, and relinearisation. */
#include "ckks/evaluator_internal.h"

#include <string.h>

typedef struct product_job {
    const umbra_evaluator *e;
    const umbra_level *level;
    umbra_ciphertext *out;
    const umbra_ciphertext *a, *b;
    const umbra_plaintext *plain;
    uint64_t *square; /* the part of s^2 */
} product_job;

static umbra_status plain_limb(void *context, size_t index, int worker)
{
    const product_job *job = context;
    (void)worker;
    const size_t n = job->e->degree, at = index * n;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->level->prime[index]);
    for (int p = 0; p < job->a->parts; p++)
        job->e->kernels->mul(job->out->part[p] + at, job->a->part[p] + at, job->plain->limbs + at,
                             n, m);
    return UMBRA_OK;
}

umbra_status umbra_eval_multiply_plain(umbra_evaluator *e, umbra_ciphertext *out,
                                       const umbra_ciphertext *a, const umbra_plaintext *b)
{
    const double scale = a->scale_log2 + b->scale_log2;
    UMBRA_TRY(umbra_check_input(e, a, 3));
    if (memcmp(b->params->hash, e->params->hash, UMBRA_HASH_BYTES) != 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a plaintext was made with other parameters than the evaluator's");
    UMBRA_TRY(umbra_check_levels(a->level, b->level));
    UMBRA_TRY(umbra_check_product_scale(e->params, a->level, scale));
    UMBRA_TRY(umbra_check_output(e, out, a->level, a->parts));
    product_job job = {
        .e = e, .level = &e->params->levels[a->level], .out = out, .a = a, .plain = b};
    UMBRA_TRY(umbra_pool_run(e->pool, (size_t)job.level->limbs, plain_limb, &job));
    umbra_copy_header(out, a);
    out->noise_log2 = umbra_noise_multiply(a->message_log2, a->scale_log2, a->noise_log2,
                                           b->message_log2, b->scale_log2, b->noise_log2);
    out->message_log2 = a->message_log2 + b->message_log2;
    out->scale_log2 = scale;
    return UMBRA_OK;
}

/* (a0 + a1 s)(b0 + b1 s). out may be a or b: the cross term waits in scratch. */
static umbra_status tensor_limb(void *context, size_t index, int worker)
{
    const product_job *job = context;
    const umbra_kernels *k = job->e->kernels;
    const size_t n = job->e->degree, at = index * n;
    const umbra_modulus *m = umbra_params_modulus(job->e->params, job->level->prime[index]);
    const uint64_t *a0 = job->a->part[0] + at, *a1 = job->a->part[1] + at;
    const uint64_t *b0 = job->b->part[0] + at, *b1 = job->b->part[1] + at;
    uint64_t *cross = umbra_evaluator_worker(job->e, worker);
    k->mul(job->square + at, a1, b1, n, m);
    k->mul(cross, a0, b1, n, m);
    if (job->a == job->b)
        k->add(cross, cross, cross, n, m);
    else
        k->mul_add(cross, a1, b0, n, m);
    k->mul(job->out->part[0] + at, a0, b0, n, m);
    memcpy(job->out->part[1] + at, cross, n * sizeof *cross);
    return UMBRA_OK;
}

static umbra_status check_product(umbra_evaluator *e, const umbra_ciphertext *out,
                                  const umbra_ciphertext *a, const umbra_ciphertext *b, int parts)
{
    UMBRA_TRY(umbra_check_input(e, a, 2));
    UMBRA_TRY(umbra_check_input(e, b, 2));
    if (a->parts != 2 || b->parts != 2)
        return umbra_fail(UMBRA_E_MISMATCH, "a factor has one part; it is not a ciphertext");
    UMBRA_TRY(umbra_check_levels(a->level, b->level));
    if (a->key_id != b->key_id)
        return umbra_fail(UMBRA_E_MISMATCH, "operands under different keys, %016llx and %016llx",
                          (unsigned long long)a->key_id, (unsigned long long)b->key_id);
    UMBRA_TRY(umbra_check_product_scale(e->params, a->level, a->scale_log2 + b->scale_log2));
    return umbra_check_output(e, out, a->level, parts);
}

/* square: limbs of the level; NULL puts it into out->part[2]. */
static umbra_status tensor(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                           const umbra_ciphertext *b, uint64_t *square)
{
    product_job job = {.e = e,
                       .level = &e->params->levels[a->level],
                       .out = out,
                       .a = a,
                       .b = b,
                       .square = square == NULL ? out->part[2] : square};
    const double noise = umbra_noise_multiply(a->message_log2, a->scale_log2, a->noise_log2,
                                              b->message_log2, b->scale_log2, b->noise_log2);
    const double message = a->message_log2 + b->message_log2, scale = a->scale_log2 + b->scale_log2;
    UMBRA_TRY(umbra_pool_run(e->pool, (size_t)job.level->limbs, tensor_limb, &job));
    umbra_copy_header(out, a);
    out->parts = square == NULL ? 3 : 2;
    out->scale_log2 = scale;
    out->message_log2 = message;
    out->noise_log2 = noise;
    return UMBRA_OK;
}

/* out = (add0, add1) + the switched `square`. */
static umbra_status switch_square(umbra_evaluator *e, umbra_ciphertext *out, int level,
                                  const uint64_t *square, uint64_t *const add[2],
                                  const umbra_switch_key *key, uint64_t *memory)
{
    umbra_decomposition d;
    UMBRA_TRY(umbra_decompose(e, &d, level, square, memory, false));
    const umbra_switch_job job = {
        .e = e,
        .level = level,
        .digits = &d,
        .key = key,
        .special = memory + umbra_decomposition_limbs(e->params, level, false) * e->degree,
        .add = {add[0], add[1]},
        .out = {out->part[0], out->part[1]}};
    return umbra_switch_run(&job);
}

umbra_status umbra_eval_multiply(umbra_evaluator *e, umbra_ciphertext *out,
                                 const umbra_ciphertext *a, const umbra_ciphertext *b)
{
    const umbra_switch_key *key = NULL;
    UMBRA_TRY(check_product(e, out, a, b, 2));
    UMBRA_TRY(umbra_check_key(e, a, 0, &key));
    const size_t limbs = (size_t)e->params->levels[a->level].limbs;
    UMBRA_TRY(umbra_evaluator_reserve(e,
                                      limbs +
                                          umbra_decomposition_limbs(e->params, a->level, false) +
                                          umbra_switch_special_limbs(e->params),
                                      UMBRA_SWITCH_WORKER_LIMBS));
    UMBRA_TRY(tensor(e, out, a, b, e->shared));
    UMBRA_TRY(switch_square(e, out, out->level, e->shared, out->part, key,
                            e->shared + limbs * e->degree));
    out->noise_log2 =
        umbra_noise_add(out->noise_log2, umbra_noise_key_switch(e->params, out->level));
    return UMBRA_OK;
}

umbra_status umbra_eval_multiply_lazy(umbra_evaluator *e, umbra_ciphertext *out,
                                      const umbra_ciphertext *a, const umbra_ciphertext *b)
{
    UMBRA_TRY(check_product(e, out, a, b, 3));
    UMBRA_TRY(umbra_evaluator_reserve(e, 0, 1));
    return tensor(e, out, a, b, NULL);
}

umbra_status umbra_eval_relinearise(umbra_evaluator *e, umbra_ciphertext *out,
                                    const umbra_ciphertext *a)
{
    const umbra_switch_key *key = NULL;
    UMBRA_TRY(umbra_check_input(e, a, 3));
    if (a->parts != 3)
        return umbra_fail(UMBRA_E_MISMATCH, "a ciphertext of %d parts needs no relinearisation",
                          a->parts);
    UMBRA_TRY(umbra_check_output(e, out, a->level, 2));
    UMBRA_TRY(umbra_check_key(e, a, 0, &key));
    UMBRA_TRY(umbra_evaluator_reserve(e,
                                      umbra_decomposition_limbs(e->params, a->level, false) +
                                          umbra_switch_special_limbs(e->params),
                                      UMBRA_SWITCH_WORKER_LIMBS));
    UMBRA_TRY(switch_square(e, out, a->level, a->part[2], a->part, key, e->shared));
    umbra_copy_header(out, a);
    out->noise_log2 = umbra_noise_add(a->noise_log2, umbra_noise_key_switch(e->params, a->level));
    out->parts = 2;
    return UMBRA_OK;
}
