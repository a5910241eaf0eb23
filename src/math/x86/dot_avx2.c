/* Sums of products in doubles, four residues at a time. */
#include "math/x86/fma_avx2.h"

#define TERMS_AHEAD 0
#include "math/x86/dot_fma.h"
#include "math/x86/sets_x86.h"

void umbra_dot2_avx2(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                     const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                     int accumulate, size_t n, const umbra_modulus *m)
{
    dot2_fma(r0, r1, a0, a1, b, count, accumulate, n, m);
}

void umbra_split_weights_avx2(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m)
{
    split_weights_fma(r, a, n, m);
}

void umbra_dot_block_avx2(const umbra_dot_block *b, size_t n, const umbra_modulus *m)
{
    dot_block_fma(b, n, m);
}

void umbra_combine_avx2(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                        size_t n, const umbra_modulus *m)
{
    combine_fma(r, a, w, count, n, m);
}
