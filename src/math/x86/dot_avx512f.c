/* Sums of products in doubles, eight residues at a time. */
#include "math/x86/fma_avx512f.h"

#define TERMS_AHEAD 64
#include "math/x86/dot_fma.h"
#include "math/x86/sets_x86.h"

void umbra_dot2_avx512f(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                        const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                        int accumulate, size_t n, const umbra_modulus *m)
{
    dot2_fma(r0, r1, a0, a1, b, count, accumulate, n, m);
}

void umbra_split_weights_avx512f(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    split_weights_fma(r, a, n, m);
}

void umbra_dot_block_avx512f(const umbra_dot_block *b, size_t n, const umbra_modulus *m)
{
    dot_block_fma(b, n, m);
}

void umbra_combine_avx512f(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                           size_t n, const umbra_modulus *m)
{
    combine_fma(r, a, w, count, n, m);
}
