/* Centred conversion from a small set of primes to any other primes, a few limbs at a time. */
#include "ckks/basis.h"

#include "base/memory.h"

#include <math.h>

/* Words of each row that are combined for one prime after the other: 9 rows of them take 288 KiB
 * of a second cache. */
#define STRIP 4096

static void fill(umbra_basis *basis, const umbra_ntt *ntt, int total)
{
    const int count = basis->count;
    for (int i = 0; i < count; i++) {
        const umbra_modulus *m = &ntt[basis->prime[i]].modulus;
        uint64_t others = 1;
        for (int k = 0; k < count; k++)
            if (k != i)
                others =
                    umbra_mod_mul(others, umbra_mod_reduce(ntt[basis->prime[k]].modulus.q, m), m);
        basis->scale[i] = umbra_mod_inverse(others, m);
        basis->inverse[i] = m->inverse;
        basis->log2 += log2((double)m->q);
    }
    for (int t = 0; t < total; t++) {
        const umbra_modulus *m = &ntt[t].modulus;
        uint64_t *row = basis->weights + (size_t)t * (size_t)(count + 1);
        uint64_t all = 1;
        for (int i = 0; i < count; i++) {
            row[i] = 1;
            for (int k = 0; k < count; k++)
                if (k != i)
                    row[i] = umbra_mod_mul(row[i],
                                           umbra_mod_reduce(ntt[basis->prime[k]].modulus.q, m), m);
            all = umbra_mod_mul(all, umbra_mod_reduce(ntt[basis->prime[i]].modulus.q, m), m);
        }
        row[count] = umbra_mod_sub(0, all, m);
    }
}

umbra_status umbra_basis_init(umbra_basis *basis, const umbra_ntt *ntt, int total,
                              const int *primes, int count)
{
    if (count < 1 || count > UMBRA_BASIS_MAX)
        return umbra_fail(UMBRA_E_INPUT,
                          "a step between levels drops %d primes; 1 to %d are possible", count,
                          UMBRA_BASIS_MAX);
    void *memory = NULL;
    const size_t n = (size_t)count;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * n + (size_t)total * (n + 1), sizeof(uint64_t),
                                       "base conversion tables"));
    *basis = (umbra_basis){.count = count, .memory = memory};
    basis->scale = memory;
    basis->inverse = (double *)(void *)(basis->scale + n);
    basis->weights = basis->scale + 2 * n;
    for (int i = 0; i < count; i++)
        basis->prime[i] = primes[i];
    fill(basis, ntt, total);
    return UMBRA_OK;
}

void umbra_basis_free(umbra_basis *basis)
{
    umbra_memory_free(basis->memory);
    basis->memory = NULL;
}

void umbra_basis_quotient(const umbra_basis *basis, const umbra_kernels *kernels,
                          uint64_t *quotient, const uint64_t *const *scaled, size_t n)
{
    if (basis->count > 1)
        kernels->round_quotient(quotient, scaled, basis->inverse, (size_t)basis->count, n);
}

/* Words start .. start + n - 1 of the rows, modulo each prime in turn. */
static void combine_strip(const umbra_basis *basis, const umbra_ntt *ntt, const int *prime,
                          size_t count, const umbra_kernels *kernels, uint64_t *const *r,
                          const uint64_t *const *rows, size_t start, size_t n)
{
    const size_t width = (size_t)basis->count + 1;
    const uint64_t *at[UMBRA_BASIS_MAX + 1];
    for (size_t i = 0; i < width; i++)
        at[i] = rows[i] + start;
    for (size_t i = 0; i < count; i++)
        kernels->combine(r[i] + start, at, basis->weights + (size_t)prime[i] * width, width, n,
                         &ntt[prime[i]].modulus);
}

void umbra_basis_transform_each(const umbra_basis *basis, const umbra_ntt *ntt, const int *prime,
                                size_t count, const umbra_kernels *kernels, uint64_t *const *r,
                                const uint64_t *const *rows)
{
    const size_t n = ntt[0].degree;
    for (size_t start = 0; basis->count > 1 && start < n; start += STRIP)
        combine_strip(basis, ntt, prime, count, kernels, r, rows, start,
                      n - start < STRIP ? n - start : STRIP);
    for (size_t i = 0; i < count; i++)
        if (basis->count > 1)
            kernels->ntt_forward(r[i], r[i], &ntt[prime[i]]);
        else
            kernels->ntt_forward_centred(r[i], rows[0], ntt[basis->prime[0]].modulus.q,
                                         &ntt[prime[i]]);
}

void umbra_basis_transform(const umbra_basis *basis, const umbra_ntt *ntt, int prime,
                           const umbra_kernels *kernels, uint64_t *r, const uint64_t *const *rows)
{
    umbra_basis_transform_each(basis, ntt, &prime, 1, kernels, &r, rows);
}
