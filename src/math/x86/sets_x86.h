/* The vector transforms that their instruction set's table of kernels takes up. */
#ifndef UMBRA_MATH_SETS_X86_H
#define UMBRA_MATH_SETS_X86_H

#include "math/kernel_sets.h"

void umbra_ntt_forward_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
/* p < 2q */
void umbra_ntt_forward_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p,
                                    const umbra_ntt *ntt);
void umbra_ntt_forward_half_avx2(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);
void umbra_ntt_forward_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_forward_centred_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t p,
                                          const umbra_ntt *ntt);
void umbra_ntt_forward_half_avx512ifma(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);

#endif
