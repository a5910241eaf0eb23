/* The kernels of an instruction set that stand in other files than its table: as the table's
 * functions of the same names, math/kernels.h. */
#ifndef UMBRA_MATH_SETS_X86_H
#define UMBRA_MATH_SETS_X86_H

#include "math/kernel_sets.h"

void umbra_ntt_forward_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_avx2(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_forward_centred_avx2(uint64_t *r, const uint64_t *a, uint64_t p,
                                    const umbra_ntt *ntt);
void umbra_ntt_forward_half_avx2(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);
void umbra_dot2_avx2(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                     const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                     int accumulate, size_t n, const umbra_modulus *m);
void umbra_split_weights_avx2(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m);
void umbra_dot_block_avx2(const umbra_dot_block *b, size_t n, const umbra_modulus *m);
void umbra_combine_avx2(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                        size_t n, const umbra_modulus *m);
void umbra_permute_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n);
void umbra_permute_add_avx2(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                            const umbra_modulus *m);

void umbra_ntt_forward_avx512f(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_avx512f(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_forward_centred_avx512f(uint64_t *r, const uint64_t *a, uint64_t p,
                                       const umbra_ntt *ntt);
void umbra_ntt_forward_half_avx512f(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);
void umbra_dot2_avx512f(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0,
                        const uint64_t *const *a1, const uint64_t *const *b, size_t count,
                        int accumulate, size_t n, const umbra_modulus *m);
void umbra_split_weights_avx512f(uint64_t *r, const uint64_t *a, size_t n, const umbra_modulus *m);
void umbra_dot_block_avx512f(const umbra_dot_block *b, size_t n, const umbra_modulus *m);
void umbra_combine_avx512f(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                           size_t n, const umbra_modulus *m);
void umbra_permute_avx512f(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n);
void umbra_permute_add_avx512f(uint64_t *r, const uint64_t *a, const uint32_t *index, size_t n,
                               const umbra_modulus *m);

void umbra_ntt_forward_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_avx512ifma(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_forward_centred_avx512ifma(uint64_t *r, const uint64_t *a, uint64_t p,
                                          const umbra_ntt *ntt);
void umbra_ntt_forward_half_avx512ifma(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);

#endif
