/* The parameters of the golden files, made once. */
#ifndef UMBRA_FUZZ_GOLDEN_PARAMS_H
#define UMBRA_FUZZ_GOLDEN_PARAMS_H

#include "ckks/params.h"

#include <stdlib.h>

static inline const umbra_params *golden_params(void)
{
    static umbra_params *params;
    const double bits = 26;
    umbra_params_literal literal;
    if (params == NULL &&
        (umbra_params_literal_chain(&literal, 12, 1, &bits, 0, NULL, 1, 20) != UMBRA_OK ||
         umbra_params_new(&params, &literal) != UMBRA_OK))
        abort();
    return params;
}

#endif
