/* Rescaling from one set of primes to the next. */
#include "ckks/evaluator_internal.h"

#include <string.h>

typedef struct rescale_job {
    const umbra_evaluator *e;
    const umbra_level *from, *to;
    uint64_t *const *in;
    uint64_t *const *out;
    uint64_t *rows; /* for each part: the dropped limbs, scaled, and their quotient */
} rescale_job;

static uint64_t *row_at(const rescale_job *job, size_t part, int row)
{
    const size_t rows = (size_t)job->from->rescale.dropped.count + 1;
    return job->rows + (part * rows + (size_t)row) * job->e->degree;
}

/* Coefficients of A x modulo a dropped prime, ready for conversion. */
static umbra_status dropped_limb(void *context, size_t index, int worker)
{
    const rescale_job *job = context;
    (void)worker;
    const umbra_rescale_table *table = &job->from->rescale;
    const size_t part = index / (size_t)table->dropped.count, n = job->e->degree;
    const int i = (int)(index % (size_t)table->dropped.count), prime = table->dropped.prime[i];
    const umbra_ntt *ntt = &job->e->params->ntt[prime];
    uint64_t *row = row_at(job, part, i);
    job->e->kernels->ntt_inverse(row, job->in[part] + (size_t)job->from->position[prime] * n, ntt);
    if (table->source_factor[i] != 1)
        job->e->kernels->mul_scalar(row, row, table->source_factor[i], n, &ntt->modulus);
    return UMBRA_OK;
}

static void rows_of(const rescale_job *job, size_t part, const uint64_t **rows)
{
    for (int i = 0; i <= job->from->rescale.dropped.count; i++)
        rows[i] = row_at(job, part, i);
}

static umbra_status dropped_quotient(void *context, size_t index, int worker)
{
    const rescale_job *job = context;
    (void)worker;
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    const umbra_basis *dropped = &job->from->rescale.dropped;
    rows_of(job, index, rows);
    umbra_basis_quotient(dropped, job->e->kernels, row_at(job, index, dropped->count), rows,
                         job->e->degree);
    return UMBRA_OK;
}

/* (A x - [A x]_B) / B, modulo one prime of the lower level. */
static umbra_status kept_limb(void *context, size_t index, int worker)
{
    const rescale_job *job = context;
    const umbra_kernels *k = job->e->kernels;
    const umbra_rescale_table *table = &job->from->rescale;
    const size_t part = index / (size_t)job->to->limbs, n = job->e->degree;
    const int j = (int)(index % (size_t)job->to->limbs), prime = job->to->prime[j];
    const umbra_ntt *ntt = &job->e->params->ntt[prime];
    const uint64_t *rows[UMBRA_BASIS_MAX + 1];
    uint64_t *rest = umbra_evaluator_worker(job->e, worker), *scaled = rest + n;
    uint64_t *r = job->out[part] + (size_t)j * n;
    rows_of(job, part, rows);
    umbra_basis_transform(&table->dropped, job->e->params->ntt, prime, k, rest, rows);
    if (table->added_factor[j] == 0) { /* a new prime: A x = 0 there */
        k->mul_scalar(r, rest, umbra_mod_sub(0, table->inverse[j], &ntt->modulus), n,
                      &ntt->modulus);
        return UMBRA_OK;
    }
    const uint64_t *x = job->in[part] + (size_t)job->from->position[prime] * n;
    if (table->added_factor[j] != 1) {
        k->mul_scalar(scaled, x, table->added_factor[j], n, &ntt->modulus);
        x = scaled;
    }
    k->sub_mul_scalar(r, x, rest, table->inverse[j], n, &ntt->modulus);
    return UMBRA_OK;
}

/* Limbs that stay also stay in place: then the limbs may be computed over their sources. */
static bool keeps_places(const umbra_level *from, const umbra_level *to)
{
    for (int j = 0; j < to->limbs; j++)
        if (from->position[to->prime[j]] >= 0 && from->position[to->prime[j]] != j)
            return false;
    return to->limbs <= from->limbs;
}

umbra_status umbra_eval_rescale(umbra_evaluator *e, umbra_ciphertext *out,
                                const umbra_ciphertext *a)
{
    const umbra_params *params = e->params;
    UMBRA_TRY(umbra_check_input(e, a, 3));
    if (a->level < 1)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "level 0 is the lowest; there is nothing to rescale to");
    const umbra_level *from = &params->levels[a->level], *to = &params->levels[a->level - 1];
    const double scale = umbra_params_rescaled_log2(params, a->level, a->scale_log2);
    if (scale < 0)
        return umbra_fail(UMBRA_E_MISMATCH,
                          "rescaling from level %d divides by 2^%.2f and the scale is only 2^%.2f; "
                          "multiply first",
                          a->level, from->rescale.log2, a->scale_log2);
    UMBRA_TRY(umbra_check_output(e, out, a->level - 1, a->parts));
    const size_t parts = (size_t)a->parts, limbs = (size_t)from->limbs;
    const size_t rows = parts * ((size_t)from->rescale.dropped.count + 1);
    const bool copy = out == a && !keeps_places(from, to);
    UMBRA_TRY(umbra_evaluator_reserve(e, rows + (copy ? parts * limbs : 0), 2));
    uint64_t *in[3] = {a->part[0], a->part[1], a->part[2]};
    for (size_t p = 0; copy && p < parts; p++) {
        in[p] = e->shared + (rows + p * limbs) * e->degree;
        memcpy(in[p], a->part[p], limbs * e->degree * sizeof(uint64_t));
    }
    rescale_job job = {
        .e = e, .from = from, .to = to, .in = in, .out = out->part, .rows = e->shared};
    const size_t dropped = (size_t)from->rescale.dropped.count;
    UMBRA_TRY(umbra_pool_run(e->pool, parts * dropped, dropped_limb, &job));
    UMBRA_TRY(umbra_pool_run(e->pool, parts, dropped_quotient, &job));
    UMBRA_TRY(umbra_pool_run(e->pool, parts * (size_t)to->limbs, kept_limb, &job));
    umbra_copy_header(out, a);
    out->noise_log2 =
        umbra_noise_add(a->noise_log2 - from->rescale.log2, umbra_noise_rounding(params, a->parts));
    out->level = a->level - 1;
    out->scale_log2 = scale;
    return UMBRA_OK;
}
