/* A quick proof that the arithmetic and the encryption work on this machine. */
#ifndef UMBRA_CLI_SELFTEST_H
#define UMBRA_CLI_SELFTEST_H

#include "umbra/status.h"

/* Every kernel set against the portable one, on a number-theoretic transform there and back.
 * Returns: UMBRA_E_INTERNAL naming the set that differs */
umbra_status umbra_selftest_kernels(void) UMBRA_MUST_USE;
/* Encrypt and decrypt a vector at 128-bit security. bits: precision reached, -log2 of the largest
 * error. */
umbra_status umbra_selftest_encryption(double *bits) UMBRA_MUST_USE;

#endif
