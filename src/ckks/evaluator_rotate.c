/* Rotations of the slots and conjugation. */
#include "ckks/evaluator_internal.h"

#include <string.h>

static umbra_status check_rotation(const umbra_evaluator *e, const umbra_ciphertext *out,
                                   const umbra_ciphertext *a, uint32_t galois,
                                   const umbra_switch_key **key)
{
    UMBRA_TRY(umbra_check_input(e, a, 2));
    if (a->parts != 2)
        return umbra_fail(UMBRA_E_MISMATCH, "a rotation of a ciphertext of %d parts", a->parts);
    UMBRA_TRY(umbra_check_output(e, out, a->level, 2));
    if (galois == 1)
        return UMBRA_OK;
    return umbra_check_key(e, a, galois, key);
}

static umbra_status apply_galois(umbra_evaluator *e, umbra_ciphertext *out,
                                 const umbra_ciphertext *a, uint32_t galois)
{
    const umbra_switch_key *key = NULL;
    UMBRA_TRY(check_rotation(e, out, a, galois, &key));
    if (galois == 1)
        return umbra_ciphertext_assign(out, a);
    const size_t base = umbra_decomposition_limbs(e->params, a->level, false);
    UMBRA_TRY(umbra_evaluator_reserve(e, base + umbra_switch_special_limbs(e->params),
                                      UMBRA_SWITCH_WORKER_LIMBS));
    umbra_decomposition d;
    UMBRA_TRY(umbra_decompose(e, &d, a->level, a->part[1], e->shared, false));
    const umbra_switch_job job = {.e = e,
                                  .level = a->level,
                                  .digits = &d,
                                  .key = key,
                                  .special = e->shared + base * e->degree,
                                  .add = {a->part[0], NULL},
                                  .index = key->index,
                                  .out = {out->part[0], out->part[1]}};
    UMBRA_TRY(umbra_switch_run(&job));
    umbra_copy_header(out, a);
    out->noise_log2 = umbra_noise_add(a->noise_log2, umbra_noise_key_switch(e->params, a->level));
    return UMBRA_OK;
}

umbra_status umbra_eval_rotate(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                               int64_t step_slots)
{
    return apply_galois(e, out, a,
                        umbra_galois_of_rotation(e->params->literal.degree_log2, step_slots));
}

umbra_status umbra_eval_conjugate(umbra_evaluator *e, umbra_ciphertext *out,
                                  const umbra_ciphertext *a)
{
    return apply_galois(e, out, a, (uint32_t)(2 * e->degree - 1));
}

typedef struct hoisted_job {
    umbra_evaluator *e;
    umbra_ciphertext *const *out;
    umbra_ciphertext a; /* its parts survive the writing of the outputs */
    const int64_t *steps_slots;
    const umbra_decomposition *digits;
} hoisted_job;

static umbra_status hoisted_rotation(void *context, size_t index, int worker)
{
    const hoisted_job *job = context;
    umbra_evaluator *e = job->e;
    umbra_ciphertext *out = job->out[index];
    const umbra_switch_key *key = NULL;
    const uint32_t galois =
        umbra_galois_of_rotation(e->params->literal.degree_log2, job->steps_slots[index]);
    UMBRA_TRY(check_rotation(e, out, &job->a, galois, &key));
    if (galois == 1)
        return umbra_ciphertext_assign(out, &job->a);
    const umbra_switch_job run = {.e = e,
                                  .level = job->a.level,
                                  .digits = job->digits,
                                  .key = key,
                                  .special = umbra_evaluator_worker(e, worker) +
                                             UMBRA_SWITCH_WORKER_LIMBS * e->degree,
                                  .add = {job->a.part[0], NULL},
                                  .index = key->index,
                                  .out = {out->part[0], out->part[1]}};
    UMBRA_TRY(umbra_switch_run(&run));
    umbra_copy_header(out, &job->a);
    out->noise_log2 =
        umbra_noise_add(job->a.noise_log2, umbra_noise_key_switch(e->params, job->a.level));
    return UMBRA_OK;
}

static umbra_status check_hoisted(const umbra_evaluator *e, umbra_ciphertext *const *out,
                                  const umbra_ciphertext *a, const int64_t *steps_slots,
                                  size_t count, bool *aliased)
{
    const umbra_switch_key *key = NULL;
    *aliased = false;
    for (size_t i = 0; i < count; i++) {
        UMBRA_TRY(check_rotation(
            e, out[i], a, umbra_galois_of_rotation(e->params->literal.degree_log2, steps_slots[i]),
            &key));
        *aliased = *aliased || out[i] == a;
    }
    return UMBRA_OK;
}

umbra_status umbra_eval_rotate_hoisted(umbra_evaluator *e, umbra_ciphertext *const *out,
                                       const umbra_ciphertext *a, const int64_t *steps_slots,
                                       size_t count)
{
    bool aliased = false;
    UMBRA_TRY(check_hoisted(e, out, a, steps_slots, count, &aliased));
    const size_t base = umbra_decomposition_limbs(e->params, a->level, true);
    const size_t limbs = (size_t)e->params->levels[a->level].limbs;
    UMBRA_TRY(
        umbra_evaluator_reserve(e, base + (aliased ? 2 * limbs : 0),
                                UMBRA_SWITCH_WORKER_LIMBS + umbra_switch_special_limbs(e->params)));
    umbra_decomposition d;
    hoisted_job job = {.e = e, .out = out, .a = *a, .steps_slots = steps_slots, .digits = &d};
    for (size_t p = 0; aliased && p < 2; p++) {
        job.a.part[p] = e->shared + (base + p * limbs) * e->degree;
        memcpy(job.a.part[p], a->part[p], limbs * e->degree * sizeof(uint64_t));
    }
    UMBRA_TRY(umbra_decompose(e, &d, a->level, job.a.part[1], e->shared, true));
    /* As many for each thread; the threads share the limbs of those that are left. */
    const size_t whole = count - count % e->threads;
    UMBRA_TRY(umbra_pool_run(e->pool, whole, hoisted_rotation, &job));
    for (size_t i = whole; i < count; i++)
        UMBRA_TRY(hoisted_rotation(&job, i, 0));
    return UMBRA_OK;
}
