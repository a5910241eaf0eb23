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

/* From register 0 at level 2 to register 6 at level 1, through every kind of key. */
static inline void append_walk(umbra_program *p)
{
    append(p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(p, (umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .out = 1, .a = 0, .slots = 3});
    append(p, (umbra_instruction){.op = UMBRA_DO_RAISE, .out = 2, .a = 1, .value = 1, .bits = 7});
    append(p, (umbra_instruction){.op = UMBRA_DO_RESCALE, .out = 3, .a = 2});
    append(p, (umbra_instruction){.op = UMBRA_DO_SQUARE, .out = 4, .a = 3});
    append(p, (umbra_instruction){.op = UMBRA_DO_PAIR, .out = 5, .a = 4, .slots = 3});
    append(p, (umbra_instruction){.op = UMBRA_DO_REAL, .out = 6, .a = 5});
}

static inline umbra_status simulate(umbra_program *p, umbra_simulation *out)
{
    umbra_cost_model cost = umbra_cost_model_for("avx512ifma", 1);
    check_ok(umbra_program_finish(p));
    return umbra_simulate(out, p, params, &cost, 25, 2);
}

#endif
