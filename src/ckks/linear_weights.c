/* Weights of a linear map: from integer coefficients to transformed words, while they are used. */
#include "ckks/linear_internal.h"

#include "base/memory.h"

#include <string.h>

/* The first half of the points are the roots of X^(N/2) - w, w = psi^(N/2): so low + w high is all
 * that is needed of a polynomial. With X = Y / psi these are the roots of Y^(N/2) + 1, since
 * psi^(-N/2) = -w: after a twist by psi^-k it is a negacyclic transform with the root psi^2, whose
 * places come out in the same order: psi^-1 * psi^(2 (2 rev(j) + 1)) = psi^(2 (2 rev(j)) + 1), the
 * reversal over one bit less. */
umbra_status umbra_half_transform_init(umbra_half_transform *half, const umbra_ntt *ntt)
{
    const size_t n = ntt->degree / 2;
    const umbra_modulus *m = &ntt->modulus;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * n, sizeof(uint64_t), "transform tables"));
    half->twist = memory;
    const uint64_t inverse = umbra_mod_inverse(ntt->psi, m);
    uint64_t power = 1;
    for (size_t k = 0; k < n; k++) {
        half->twist[k] = power;
        power = umbra_mod_mul(power, inverse, m);
    }
    for (size_t count = n / 2, step = 2; count > 0; count /= 2, step *= 2)
        for (size_t k = 0; k < count; k++)
            half->twist[2 * n - 2 * count + k] = half->twist[k * step];
    return umbra_ntt_init_root(&half->ntt, m->q, ntt->degree_log2 - 1,
                               umbra_mod_mul(ntt->psi, ntt->psi, m));
}

void umbra_half_transform_free(umbra_half_transform *half)
{
    umbra_memory_free(half->twist);
    umbra_ntt_free(&half->ntt);
}

void umbra_fold(uint64_t *r, const uint64_t *a, size_t n)
{
    memcpy(r, a, n / 2 * sizeof *r);
    for (size_t j = 0; j < n / 2; j++)
        r[n / 2 + j] = a[n - 1 - j];
}

void umbra_fold_index(uint32_t *r, const uint32_t *index, size_t n)
{
    memcpy(r, index, n / 2 * sizeof *r);
    for (size_t j = 0; j < n / 2; j++)
        r[n / 2 + j] = index[n - 1 - j];
}

int umbra_linear_is_symmetric(const umbra_diagonal *diagonal, size_t n)
{
    const int32_t *a = diagonal->coefficients_i32;
    const int64_t *b = diagonal->coefficients_i64;
    int64_t difference = 0;
    n >>= diagonal->fold_log2;
    if (a != NULL) {
        difference = a[n / 2];
        for (size_t k = 1; k < n / 2; k++)
            difference |= (int64_t)a[k] + a[n - k];
    } else if (b != NULL) {
        difference = b[n / 2];
        for (size_t k = 1; k < n / 2; k++)
            difference |= (b[k] + b[n - k]); /* |b| < 2^62 */
    }
    return (a != NULL || b != NULL) && difference == 0;
}

static void reduce(const umbra_kernels *k, uint64_t *r, const umbra_diagonal *diagonal, size_t from,
                   size_t n, const umbra_modulus *m)
{
    if (diagonal->coefficients_i32 != NULL)
        k->reduce_i32(r, diagonal->coefficients_i32 + from, n, m);
    else
        k->reduce_i64(r, diagonal->coefficients_i64 + from, n, m);
}

/* Weights that repeat are a polynomial in Y = X^(2^fold): a transform of N >> fold points, and
 * every word 2^fold times, in NTT order and in folded order.
 *
 * From count words to count << fold_log2, in place: from the end, so that none is overwritten
 * unread. */
static void repeat(uint64_t *r, size_t count, int fold_log2)
{
    const size_t copies = (size_t)1 << fold_log2;
    for (size_t j = count; fold_log2 > 0 && j-- > 0;) {
        const uint64_t word = r[j];
        for (size_t c = 0; c < copies; c++)
            r[j * copies + c] = word;
    }
}

const uint64_t *umbra_linear_weights(const umbra_params *params, int level, int limb,
                                     const umbra_diagonal *diagonal, int symmetric, uint64_t *r,
                                     uint64_t *scratch)
{
    const umbra_kernels *k = params->kernels;
    if (diagonal->limbs != NULL)
        return diagonal->limbs + (size_t)limb * params->degree;
    const int fold = diagonal->fold_log2, prime = params->levels[level].prime[limb];
    const size_t n = params->degree >> fold;
    const umbra_ntt *ntt = &params->ntt[prime];
    const umbra_modulus *m = &ntt->modulus;
    reduce(k, r, diagonal, 0, symmetric ? n / 2 : n, m);
    if (symmetric) {
        const umbra_half_transform *half = &params->half[prime];
        const umbra_ntt half_ntt = umbra_ntt_folded(&half->ntt, fold);
        reduce(k, scratch, diagonal, n / 2, n / 2, m);
        k->mul_scalar_add(r, scratch, ntt->roots[1], n / 2, m);
        k->mul(r, r, half->twist + params->degree - n, n / 2, m); /* after those of smaller folds */
        k->ntt_forward(r, r, &half_ntt);
        repeat(r, n / 2, fold);
        return r;
    }
    const umbra_ntt whole = umbra_ntt_folded(ntt, fold);
    k->ntt_forward(r, r, &whole);
    for (size_t j = 0; j < n / 4; j++) {
        const uint64_t word = r[n / 2 + j];
        r[n / 2 + j] = r[n - 1 - j];
        r[n - 1 - j] = word;
    }
    repeat(r, n, fold);
    return r;
}

umbra_status umbra_linear_prepare(const umbra_params *params, int level,
                                  const umbra_diagonal *diagonal, uint64_t *limbs)
{
    if (level < 0 || level >= params->literal.level_count)
        return umbra_fail(UMBRA_E_USAGE, "level %d: these parameters have levels 0 to %d", level,
                          params->literal.level_count - 1);
    if ((diagonal->coefficients_i32 == NULL) == (diagonal->coefficients_i64 == NULL) ||
        diagonal->limbs != NULL)
        return umbra_fail(UMBRA_E_USAGE, "a diagonal to prepare has one kind of coefficients");
    for (int i = 0; i < params->levels[level].limbs; i++)
        (void)umbra_linear_weights(params, level, i, diagonal, 0,
                                   limbs + (size_t)i * params->degree, NULL);
    return UMBRA_OK;
}
