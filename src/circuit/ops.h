/* The table of operations that plain numbers, ciphertexts and the simulator each implement. */
#ifndef UMBRA_CIRCUIT_OPS_H
#define UMBRA_CIRCUIT_OPS_H

#include "circuit/program.h"

/* One instruction; the interpreter keeps its registers. */
typedef umbra_status (*umbra_op_call)(void *self, const umbra_program *program,
                                      const umbra_instruction *i);

typedef struct umbra_ops {
    umbra_op_call call[UMBRA_OPCODE_COUNT];
    /* A register is not read again. */
    void (*release)(void *self, int reg);
    /* A step is done: report it. May be NULL. */
    umbra_status (*step_done)(void *self, int step);
} umbra_ops;

/* The one walker: depth, keys and precision cannot differ between interpreters. */
umbra_status umbra_program_run(const umbra_program *program, const umbra_ops *ops,
                               void *self) UMBRA_MUST_USE;
const char *umbra_opcode_name(umbra_opcode op);

#endif
