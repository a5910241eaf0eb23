/* The complex FFT of the canonical embedding: coefficients <-> slots. */
#ifndef UMBRA_MATH_FFT_H
#define UMBRA_MATH_FFT_H

#include "umbra/status.h"

#include <stddef.h>

/* Tables for ring degree N (slots up to N/2), immutable. */
typedef struct umbra_fft umbra_fft;

umbra_status umbra_fft_new(umbra_fft **out, int degree_log2) UMBRA_MUST_USE;
void umbra_fft_free(umbra_fft *fft);

/* In place on `slots` complex numbers, re and im apart; slots a power of two, 1 .. N/2. [CKKS17]
 *
 * embed_inverse: slot values z -> coefficients: re[k] is the coefficient of X^(k*N/(2*slots)) and
 * im[k] that of X^(N/2 + k*N/(2*slots)), for the polynomial m with m(zeta^(5^j)) = z_j (zeta =
 * exp(i pi / N)), all other coefficients zero: then rotation by the Galois element 5^r turns slot
 * vectors to the left by r. embed:         the opposite. The operations and their order are the
 * same on every instruction set, without fused multiply-add, so the results have the same bits. */
void umbra_fft_embed_inverse(const umbra_fft *fft, double *re, double *im, size_t slots);
void umbra_fft_embed(const umbra_fft *fft, double *re, double *im, size_t slots);

#endif
