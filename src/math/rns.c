/* Conversions between residue number system bases. */
#include "math/rns.h"

#include "base/memory.h"
#include "math/scalar.h"

#include <assert.h>
#include <string.h>

/* Columns converted at a time: the limbs of one block stay in the first cache. */
#define BLOCK 512
/* One less than `combine` takes: the quotient of the exact form is a limb of its own. */
#define COUNT_MAX 63

struct umbra_base_conversion {
    int count_from, count_to;
    const umbra_modulus **from, **to;
    uint64_t *punctured_inverse; /* (A / a_i)^-1 mod a_i, count_from words */
    double *inverse;             /* 1 / a_i */
    uint64_t *weights;           /* row j: A / a_i mod b_j for all i, then -A mod b_j */
};

static void fill_constants(umbra_base_conversion *c)
{
    for (int i = 0; i < c->count_from; i++) {
        const umbra_modulus *m = c->from[i];
        uint64_t product = 1;
        for (int k = 0; k < c->count_from; k++)
            if (k != i)
                product = umbra_mod_mul(product, umbra_mod_reduce(c->from[k]->q, m), m);
        c->punctured_inverse[i] = umbra_mod_inverse(product, m);
        c->inverse[i] = m->inverse;
    }
    for (int j = 0; j < c->count_to; j++) {
        const umbra_modulus *m = c->to[j];
        uint64_t *row = c->weights + (size_t)j * (size_t)(c->count_from + 1);
        uint64_t all = 1;
        for (int i = 0; i < c->count_from; i++) {
            row[i] = 1;
            for (int k = 0; k < c->count_from; k++)
                if (k != i)
                    row[i] = umbra_mod_mul(row[i], umbra_mod_reduce(c->from[k]->q, m), m);
            all = umbra_mod_mul(all, umbra_mod_reduce(c->from[i]->q, m), m);
        }
        row[c->count_from] = umbra_mod_sub(0, all, m);
    }
}

static umbra_status check_bases(const umbra_modulus *const *from, int count_from, int count_to)
{
    if (count_from < 1 || count_from > COUNT_MAX || count_to < 0)
        return umbra_fail(UMBRA_E_USAGE,
                          "a base conversion takes 1 to %d primes, not %d (to %d); use digits",
                          COUNT_MAX, count_from, count_to);
    for (int i = 0; i < count_from; i++)
        for (int k = 0; k < i; k++)
            if (from[i]->q == from[k]->q)
                return umbra_fail(UMBRA_E_USAGE, "prime %llu stands twice in one base",
                                  (unsigned long long)from[i]->q);
    return UMBRA_OK;
}

umbra_status umbra_base_conversion_new(umbra_base_conversion **out,
                                       const umbra_modulus *const *from, int count_from,
                                       const umbra_modulus *const *to, int count_to)
{
    UMBRA_TRY(check_bases(from, count_from, count_to));
    const size_t nf = (size_t)count_from, nt = (size_t)count_to;
    const size_t words = nf + nf + nt * (nf + 1) + nf + nt; /* pointers count as words */
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, words + sizeof(umbra_base_conversion) / 8 + 1, 8,
                                       "base conversion"));
    umbra_base_conversion *c = memory;
    uint64_t *next = (uint64_t *)(void *)(c + 1);
    c->count_from = count_from;
    c->count_to = count_to;
    c->punctured_inverse = next;
    c->weights = next + nf;
    c->inverse = (double *)(void *)(c->weights + nt * (nf + 1));
    c->from = (const umbra_modulus **)(void *)(c->inverse + nf);
    c->to = c->from + nf;
    memcpy(c->from, from, nf * sizeof *from);
    if (nt != 0)
        memcpy(c->to, to, nt * sizeof *to);
    fill_constants(c);
    *out = c;
    return UMBRA_OK;
}

void umbra_base_conversion_free(umbra_base_conversion *conversion)
{
    umbra_memory_free(conversion);
}

size_t umbra_base_conversion_scratch_bytes(const umbra_base_conversion *conversion, size_t n)
{
    return (size_t)(conversion->count_from + 1) * (n < BLOCK ? n : BLOCK) * sizeof(uint64_t);
}

/* Columns start .. start+n-1. exact adds the limb of quotients, 0 leaves it out. */
static void convert_block(const umbra_base_conversion *c, uint64_t *const *to,
                          const uint64_t *const *from, size_t start, size_t n, int exact,
                          uint64_t *scratch)
{
    const umbra_kernels *kernels = umbra_kernels_get();
    const uint64_t *rows[COUNT_MAX + 1];
    const size_t count = (size_t)c->count_from;
    for (size_t i = 0; i < count; i++) {
        uint64_t *row = scratch + i * n;
        kernels->mul_scalar(row, from[i] + start, c->punctured_inverse[i], n, c->from[i]);
        rows[i] = row;
    }
    if (exact) {
        /* x/A + v = sum of row_i/a_i for an integer v; v rounded to nearest centres x. At most 63
         * terms below 1, each with error 2^-52, and 63 roundings of a sum below 64: error below
         * 2^-40. */
        uint64_t *row = scratch + count * n;
        kernels->round_quotient(row, rows, c->inverse, count, n);
        rows[count] = row;
    }
    for (int j = 0; j < c->count_to; j++)
        kernels->combine(to[j] + start, rows, c->weights + (size_t)j * (count + 1),
                         count + (exact ? 1 : 0), n, c->to[j]);
}

static void convert(const umbra_base_conversion *c, uint64_t *const *to,
                    const uint64_t *const *from, size_t n, int exact, void *scratch)
{
    assert(n % 16 == 0);
    for (size_t start = 0; start < n; start += BLOCK)
        convert_block(c, to, from, start, n - start < BLOCK ? n - start : BLOCK, exact, scratch);
}

void umbra_base_convert_approximate(const umbra_base_conversion *conversion, uint64_t *const *to,
                                    const uint64_t *const *from, size_t n, void *scratch)
{
    convert(conversion, to, from, n, 0, scratch);
}

void umbra_base_convert_exact(const umbra_base_conversion *conversion, uint64_t *const *to,
                              const uint64_t *const *from, size_t n, void *scratch)
{
    convert(conversion, to, from, n, 1, scratch);
}
