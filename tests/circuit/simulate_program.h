/* A program built by hand and simulated, on a small ring with two levels above the lowest. */
#ifndef UMBRA_TESTS_CIRCUIT_SIMULATE_PROGRAM_H
#define UMBRA_TESTS_CIRCUIT_SIMULATE_PROGRAM_H

#include "check.h"

#include "base/memory.h"
#include "circuit/ops_simulate.h"

#include <math.h>

static umbra_params *params;

static inline int setup(void **state)
{
    umbra_params_literal literal;
    double base = 40, steps[2] = {49.9, 30};
    (void)state;
    check_ok(umbra_params_literal_chain(&literal, 13, 1, &base, 2, steps, 1, 25));
    check_ok(umbra_params_new(&params, &literal));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    umbra_params_free(params);
    return 0;
}

static inline void append(umbra_program *p, umbra_instruction i)
{
    check_ok(umbra_program_append(p, &i));
}

static inline umbra_status simulate(umbra_program *p, umbra_simulation *out)
{
    umbra_cost_model cost = umbra_cost_model_for("avx512ifma", 1);
    check_ok(umbra_program_finish(p));
    return umbra_simulate(out, p, params, &cost, 25, 2);
}

#endif
