/* Outputs that another runtime gave for the inputs of umbra verify. */
#ifndef UMBRA_CLI_VERIFY_EXPECTED_H
#define UMBRA_CLI_VERIFY_EXPECTED_H

#include "umbra/status.h"

#include <stddef.h>

/* Read folder/NAME.npy for an input PATH/NAME.EXT into count doubles.
 *
 * Returns: UMBRA_E_INPUT naming the file, where it is missing, holds another number of elements, or
 * one that is not finite; values is untouched then */
umbra_status umbra_verify_expected(const char *folder, const char *input, double *values,
                                   size_t count) UMBRA_MUST_USE;

#endif
