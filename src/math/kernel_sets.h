/* The tables of kernels that the instruction sets offer, and the asserts on their common contract.
 */
#ifndef UMBRA_MATH_KERNEL_SETS_H
#define UMBRA_MATH_KERNEL_SETS_H

#include "math/kernels.h"

#include <assert.h>
#include <stdint.h>

extern const umbra_kernels umbra_kernels_portable;
extern const umbra_kernels umbra_kernels_avx2;
extern const umbra_kernels umbra_kernels_avx512f;
extern const umbra_kernels umbra_kernels_avx512ifma;

void umbra_ntt_forward_portable(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
void umbra_ntt_inverse_portable(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt);
/* p < 2q */
void umbra_ntt_forward_centred_portable(uint64_t *r, const uint64_t *a, uint64_t p,
                                        const umbra_ntt *ntt);
void umbra_ntt_forward_half_portable(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt);

/* One transform in several instruction sets, for the tables of kernels. */
void umbra_embed_portable(double *re, double *im, size_t slots, const double *wr, const double *wi);
void umbra_embed_inverse_portable(double *re, double *im, size_t slots, const double *wr,
                                  const double *wi);
void umbra_embed_avx2(double *re, double *im, size_t slots, const double *wr, const double *wi);
void umbra_embed_inverse_avx2(double *re, double *im, size_t slots, const double *wr,
                              const double *wi);
void umbra_embed_avx512f(double *re, double *im, size_t slots, const double *wr, const double *wi);
void umbra_embed_inverse_avx512f(double *re, double *im, size_t slots, const double *wr,
                                 const double *wi);
void umbra_gaussian_avx2(int32_t *r, const unsigned char *bytes, size_t n);
void umbra_gaussian_avx512f(int32_t *r, const unsigned char *bytes, size_t n);
double umbra_madd52_per_ns_avx512ifma(void);
double umbra_fma_per_ns_avx2(void);
double umbra_fma_per_ns_avx512f(void);

/* Shape of every array of a kernel. */
#define UMBRA_ASSERT_VECTOR(p, n) assert(((uintptr_t)(p)&63u) == 0 && (n) % 16 == 0)

#endif
