/* Weights of a linear map: from integer coefficients to transformed words, while they are used. */
#include "ckks/linear_internal.h"

#include "base/memory.h"

#include <string.h>

/* The first level of a transform of N points takes (low, high) to low + w high and low - w high;
 * the rest is two independent transforms of N/2 points. Row l of the roots has 2^l of them, of
 * which the first half belongs to the first transform: copied into rows of their own they are the
 * tables of a transform that the kernels run like any other. */
umbra_status umbra_half_ntt_init(umbra_ntt *half, const umbra_ntt *ntt)
{
    const size_t n = ntt->degree / 2;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 3 * n, sizeof(uint64_t), "transform tables"));
    *half = (umbra_ntt){.modulus = ntt->modulus,
                        .degree_log2 = ntt->degree_log2 - 1,
                        .degree = n,
                        .psi = ntt->psi,
                        .roots = memory,
                        .roots_shoup = (uint64_t *)memory + n,
                        .roots_centred = (double *)memory + 2 * n,
                        .memory = memory};
    for (size_t row = 1; row < n; row *= 2) {
        memcpy(half->roots + row, ntt->roots + 2 * row, row * sizeof(uint64_t));
        memcpy(half->roots_shoup + row, ntt->roots_shoup + 2 * row, row * sizeof(uint64_t));
        memcpy(half->roots_centred + row, ntt->roots_centred + 2 * row, row * sizeof(double));
    }
    return UMBRA_OK;
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

const uint64_t *umbra_linear_weights(const umbra_params *params, int level, int limb,
                                     const umbra_diagonal *diagonal, int symmetric, uint64_t *r,
                                     uint64_t *scratch)
{
    const umbra_kernels *k = params->kernels;
    const size_t n = params->degree;
    if (diagonal->limbs != NULL)
        return diagonal->limbs + (size_t)limb * n;
    const int prime = params->levels[level].prime[limb];
    const umbra_ntt *ntt = &params->ntt[prime];
    const umbra_modulus *m = &ntt->modulus;
    reduce(k, r, diagonal, 0, symmetric ? n / 2 : n, m);
    if (symmetric) {
        reduce(k, scratch, diagonal, n / 2, n / 2, m);
        k->mul_scalar_add(r, scratch, ntt->roots[1], n / 2, m);
        k->ntt_forward(r, r, &params->half[prime]);
        return r;
    }
    k->ntt_forward(r, r, ntt);
    for (size_t j = 0; j < n / 4; j++) {
        const uint64_t word = r[n / 2 + j];
        r[n / 2 + j] = r[n - 1 - j];
        r[n - 1 - j] = word;
    }
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
