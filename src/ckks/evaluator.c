/* The evaluator object: its scratch, and the checks of operands. */
#include "ckks/evaluator_internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static int same_params(const umbra_params *a, const umbra_params *b)
{
    return a == b || memcmp(a->hash, b->hash, UMBRA_HASH_BYTES) == 0;
}

umbra_status umbra_evaluator_new(umbra_evaluator **out, const umbra_params *params,
                                 const umbra_evaluation_keys *keys, umbra_pool *pool)
{
    if (keys != NULL && !same_params(keys->params, params))
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the evaluation keys were made for other parameters; generate them with the "
            "profile of this plan");
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_evaluator), "evaluator"));
    umbra_evaluator *e = memory;
    *e = (umbra_evaluator){.params = params,
                           .keys = keys,
                           .pool = pool,
                           .kernels = params->kernels,
                           .degree = params->degree,
                           .threads = (size_t)umbra_pool_threads(pool)};
    *out = e;
    return UMBRA_OK;
}

void umbra_evaluator_free(umbra_evaluator *e)
{
    if (e == NULL)
        return;
    umbra_memory_free(e->shared);
    umbra_memory_free(e->workers);
    umbra_memory_free(e->tables);
    umbra_memory_free(e);
}

/* The old block goes first: its contents are of no use, and both together might not fit. */
static umbra_status grow(uint64_t **memory, size_t *have, size_t want, size_t copies, size_t degree)
{
    void *fresh = NULL;
    if (want <= *have)
        return UMBRA_OK;
    umbra_memory_free(*memory);
    *memory = NULL;
    *have = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&fresh, want * copies, degree * sizeof(uint64_t),
                                       "scratch of the evaluator"));
    *memory = fresh;
    *have = want;
    return UMBRA_OK;
}

umbra_status umbra_evaluator_reserve(umbra_evaluator *e, size_t shared_limbs,
                                     size_t per_worker_limbs)
{
    UMBRA_TRY(grow(&e->shared, &e->shared_limbs, shared_limbs, 1, e->degree));
    return grow(&e->workers, &e->worker_limbs, per_worker_limbs, e->threads, e->degree);
}

umbra_scratch umbra_evaluator_scratch(const umbra_params *params)
{
    return (umbra_scratch){.worker =
                               UMBRA_SWITCH_WORKER_LIMBS + umbra_switch_special_limbs(params) + 1};
}

umbra_status umbra_evaluator_prepare(umbra_evaluator *e, umbra_scratch scratch)
{
    return umbra_evaluator_reserve(e, scratch.shared, scratch.worker);
}

umbra_status umbra_check_input(const umbra_evaluator *e, const umbra_ciphertext *a, int parts_max)
{
    if (!same_params(a->params, e->params))
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a ciphertext was made with other parameters than the evaluator's");
    if (a->parts < 1 || a->parts > parts_max)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "a ciphertext of %d parts where %d are possible; relinearise it first",
                          a->parts, parts_max);
    return UMBRA_OK;
}

umbra_status umbra_check_output(const umbra_evaluator *e, const umbra_ciphertext *out, int level,
                                int parts)
{
    if (!same_params(out->params, e->params))
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the result was allocated with other parameters than the evaluator's");
    const int limbs = e->params->levels[level].limbs;
    if (out->room_limbs < (size_t)limbs || out->room_parts < parts)
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "the result has room for %zu limbs and %d parts; level %d needs %d and %d; "
            "allocate it at that level",
            out->room_limbs, out->room_parts, level, limbs, parts);
    return UMBRA_OK;
}

umbra_status umbra_check_levels(int a, int b)
{
    if (a == b)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MISMATCH,
                      "operands at levels %d and %d; bring the higher one down with drop_level or "
                      "rescale",
                      a, b);
}

umbra_status umbra_check_scales(double a_log2, double b_log2)
{
    if (fabs(a_log2 - b_log2) <= 0x1p-20 * 1.4426950408889634) /* a ratio of 1 +- 2^-20 */
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MISMATCH,
                      "operands with scales 2^%.6f and 2^%.6f; multiply one by a scalar 1 at the "
                      "missing scale",
                      a_log2, b_log2);
}

umbra_status umbra_check_product_scale(const umbra_params *params, int level, double scale_log2)
{
    const double limit = params->levels[level].log2_q - 1;
    if (scale_log2 < limit)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MISMATCH,
                      "a product of scale 2^%.2f passes the modulus of level %d (2^%.2f); rescale "
                      "the operands first",
                      scale_log2, level, limit);
}

umbra_status umbra_check_key(const umbra_evaluator *e, const umbra_ciphertext *a, uint32_t galois,
                             const umbra_switch_key **key)
{
    const char *what = galois == 0 ? "relinearisation key" : "Galois key";
    if (e->keys != NULL && e->keys->key_id != a->key_id)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "the ciphertext is under key %016llx and the evaluation keys are for "
                          "%016llx; use the keys of the client that encrypted",
                          (unsigned long long)a->key_id, (unsigned long long)e->keys->key_id);
    *key = umbra_evaluation_keys_find(e->keys, galois, a->level);
    if (*key == NULL)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "no %s (element %lu) for level %d; generate the evaluation keys with the "
                          "profile of this plan",
                          what, (unsigned long)galois, a->level);
    return umbra_key_source_make_ready(e->keys, *key, e->pool);
}

double umbra_log2_sum(double a_log2, double b_log2)
{
    const double high = fmax(a_log2, b_log2), low = fmin(a_log2, b_log2);
    return isinf(low) ? high : high + log2(1 + exp2(low - high));
}
