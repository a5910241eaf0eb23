/* Weights of a linear map: from integer coefficients to transformed words, while they are used. */
#include "ckks/linear_internal.h"

#include <string.h>

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

/* Weights that repeat are a polynomial in Y = X^(2^fold): a transform of N >> fold points, and
 * every word 2^fold times, in NTT order and in folded order.
 *
 * count words at the end of the count * copies of r, count = 0 mod 8: from the start, so that none
 * is overwritten unread. */
static inline void repeat_words(uint64_t *r, size_t count, size_t copies)
{
    const uint64_t *from = r + count * (copies - 1);
    for (size_t j = 0; j < count; j += 8) {
        uint64_t words[8];
        memcpy(words, from + j, sizeof words);
        for (size_t i = 0; i < 8; i++)
            for (size_t c = 0; c < copies; c++)
                r[(j + i) * copies + c] = words[i];
    }
}

static void repeat(uint64_t *r, size_t count, int fold_log2)
{
    if (fold_log2 == 1) /* small numbers of copies as constants: loops that become vectors */
        repeat_words(r, count, 2);
    else if (fold_log2 == 2)
        repeat_words(r, count, 4);
    else if (fold_log2 > 2)
        repeat_words(r, count, (size_t)1 << fold_log2);
}

/* Weights of 64 bits: n words, or n/2 where symmetric. */
static void transform_i64(const umbra_kernels *k, uint64_t *r, const int64_t *a, int symmetric,
                          const umbra_ntt *ntt, uint64_t *scratch)
{
    const size_t n = ntt->degree;
    const umbra_modulus *m = &ntt->modulus;
    k->reduce_i64(r, a, symmetric ? n / 2 : n, m);
    if (symmetric) {
        k->reduce_i64(scratch, a + n / 2, n / 2, m);
        k->mul_scalar_add(r, scratch, ntt->roots[1], n / 2, m);
        k->ntt_forward_half(r, r, ntt);
        return;
    }
    k->ntt_forward(r, r, ntt);
    for (size_t j = 0; j < n / 4; j++) {
        const uint64_t word = r[n / 2 + j];
        r[n / 2 + j] = r[n - 1 - j];
        r[n - 1 - j] = word;
    }
}

const uint64_t *umbra_linear_weights(const umbra_params *params, int level, int limb,
                                     const umbra_diagonal *diagonal, int symmetric, int fold_log2,
                                     uint64_t *r, uint64_t *scratch)
{
    const umbra_kernels *k = params->kernels;
    if (diagonal->limbs != NULL)
        return diagonal->limbs + (size_t)limb * params->degree;
    const int fold = diagonal->fold_log2, prime = params->levels[level].prime[limb];
    const umbra_ntt ntt = umbra_ntt_folded(&params->ntt[prime], fold);
    const size_t half = ntt.degree / 2, count = symmetric ? half : 2 * half;
    uint64_t *words = r + (count << (fold - fold_log2)) - count;
    if (diagonal->coefficients_i32 == NULL)
        transform_i64(k, words, diagonal->coefficients_i64, symmetric, &ntt, scratch);
    for (int h = 0; diagonal->coefficients_i32 != NULL && h < (symmetric ? 1 : 2); h++) {
        uint64_t *part = words + (size_t)h * half;
        k->halve_i32(part, diagonal->coefficients_i32, h, &ntt);
        k->ntt_forward_half(part, part, &ntt);
    }
    repeat(r, count, fold - fold_log2);
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
        (void)umbra_linear_weights(params, level, i, diagonal, 0, 0,
                                   limbs + (size_t)i * params->degree, NULL);
    return UMBRA_OK;
}
