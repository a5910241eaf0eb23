/* The walker that runs a program on any interpreter. */
#include "circuit/ops.h"

#include <stdbool.h>

static const char *const opcode_names[UMBRA_OPCODE_COUNT] = {
    "input",      "linear map", "square", "multiply",  "raise scale",
    "rescale",    "drop level", "add",    "add plain", "rotate",
    "add turned", "pair",       "join",   "real",      "output"};

const char *umbra_opcode_name(umbra_opcode op)
{
    return (int)op >= 0 && op < UMBRA_OPCODE_COUNT ? opcode_names[op] : "unknown";
}

static void release_one(const umbra_program *program, const umbra_ops *ops, void *self, size_t at,
                        int reg)
{
    if (reg >= 0 && program->last_use[reg] == at)
        ops->release(self, reg);
}

/* The ciphertexts of an answer are reported together, after the last one: until then they stay. */
static void release_outputs(const umbra_program *program, const umbra_ops *ops, void *self,
                            size_t at)
{
    const umbra_instruction *code = program->code;
    if (at + 1 < program->count && code[at + 1].op == UMBRA_DO_OUTPUT &&
        code[at + 1].step == code[at].step)
        return;
    for (size_t k = at + 1;
         k-- > 0 && code[k].op == UMBRA_DO_OUTPUT && code[k].step == code[at].step;)
        release_one(program, ops, self, k, code[k].a);
}

static void release_read(const umbra_program *program, const umbra_ops *ops, void *self, size_t at)
{
    const umbra_instruction *i = &program->code[at];
    if (i->op == UMBRA_DO_OUTPUT) {
        release_outputs(program, ops, self, at);
        return;
    }
    if (i->op == UMBRA_DO_MAP) {
        const umbra_program_map *map = &program->maps[i->index];
        for (int k = 0; k < map->input_count; k++)
            release_one(program, ops, self, at, map->inputs[k]);
        return;
    }
    if (i->op != UMBRA_DO_INPUT)
        release_one(program, ops, self, at, i->a);
    if (umbra_opcode_reads_two(i->op) && i->b != i->a)
        release_one(program, ops, self, at, i->b);
}

umbra_status umbra_program_run(const umbra_program *program, const umbra_ops *ops, void *self)
{
    for (size_t at = 0; at < program->count; at++) {
        const umbra_instruction *i = &program->code[at];
        umbra_status status = ops->call[i->op](self, program, i);
        if (status != UMBRA_OK)
            return umbra_fail_within(status, "step %d, %s", i->step, umbra_opcode_name(i->op));
        bool last = at + 1 == program->count || program->code[at + 1].step != i->step;
        /* Reported before its registers are released: the report may show them. */
        if (last && ops->step_done != NULL)
            UMBRA_TRY(ops->step_done(self, i->step));
        release_read(program, ops, self, at);
    }
    return UMBRA_OK;
}
