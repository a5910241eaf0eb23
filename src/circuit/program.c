/* Programs: growing, checking and freeing them. */
#include "circuit/program.h"

#include "base/memory.h"

#include <stdbool.h>

static const size_t never = SIZE_MAX;

void umbra_program_map_free(umbra_program_map *map)
{
    umbra_memory_free(map->inputs);
    umbra_memory_free(map->outputs);
    umbra_memory_free(map->diagonals);
    *map = (umbra_program_map){0};
}

/* Coefficients of a polynomial are averages of its slots, and no larger than the largest. */
size_t umbra_program_map_coefficient_bytes(const umbra_program_map *map)
{
    return map->weight_scale_log2 + map->entry_log2 < 30 ? sizeof(int32_t) : sizeof(int64_t);
}

int umbra_map_diagonal_order(const void *a, const void *b)
{
    const umbra_map_diagonal *x = a, *y = b;
    if (x->output != y->output)
        return x->output < y->output ? -1 : 1;
    if (x->giant_slots != y->giant_slots)
        return x->giant_slots < y->giant_slots ? -1 : 1;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return (x->baby_slots > y->baby_slots) - (x->baby_slots < y->baby_slots);
}

void umbra_program_free(umbra_program *program)
{
    for (int i = 0; i < program->map_count; i++)
        umbra_program_map_free(&program->maps[i]);
    for (int i = 0; i < program->vector_count; i++)
        umbra_memory_free(program->vectors[i].values);
    umbra_memory_free(program->maps);
    umbra_memory_free(program->vectors);
    umbra_memory_free(program->code);
    umbra_memory_free(program->last_use);
    *program = (umbra_program){0};
}

umbra_status umbra_program_append(umbra_program *program, const umbra_instruction *i)
{
    UMBRA_TRY(umbra_memory_grow(&program->code, program->count, program->count + 1,
                                &program->capacity, sizeof *i, "a program"));
    program->code[program->count++] = *i;
    return UMBRA_OK;
}

umbra_status umbra_program_add_map(umbra_program *program, umbra_program_map *map, int *index)
{
    const size_t count = (size_t)program->map_count;
    umbra_status status = umbra_memory_grow(&program->maps, count, count + 1,
                                            &program->map_capacity, sizeof *map, "a program");
    if (status != UMBRA_OK) {
        umbra_program_map_free(map);
        return status;
    }
    program->maps[program->map_count] = *map;
    *index = program->map_count++;
    *map = (umbra_program_map){0};
    return UMBRA_OK;
}

umbra_status umbra_program_add_vector(umbra_program *program, umbra_program_vector *vector,
                                      int *index)
{
    const size_t count = (size_t)program->vector_count;
    umbra_status status = umbra_memory_grow(&program->vectors, count, count + 1,
                                            &program->vector_capacity, sizeof *vector, "a program");
    if (status != UMBRA_OK) {
        umbra_memory_free(vector->values);
        return status;
    }
    program->vectors[program->vector_count] = *vector;
    *index = program->vector_count++;
    *vector = (umbra_program_vector){0};
    return UMBRA_OK;
}

static umbra_status wrong(size_t at, const char *what, int reg)
{
    return umbra_fail(UMBRA_E_INTERNAL, "instruction %zu of the program %s register %d", at, what,
                      reg);
}

static umbra_status note_read(umbra_program *program, const bool *written, size_t at, int reg)
{
    if (reg < 0 || reg >= program->register_count || !written[reg])
        return wrong(at, "reads the unset", reg);
    program->last_use[reg] = at;
    return UMBRA_OK;
}

static umbra_status note_write(umbra_program *program, bool *written, size_t at, int reg)
{
    if (reg < 0 || reg >= program->register_count || written[reg])
        return wrong(at, "writes twice or out of range", reg);
    written[reg] = true;
    program->last_use[reg] = at;
    return UMBRA_OK;
}

static umbra_status note_map(umbra_program *program, bool *written, size_t at)
{
    const umbra_program_map *map = &program->maps[program->code[at].index];
    for (int k = 0; k < map->input_count; k++)
        UMBRA_TRY(note_read(program, written, at, map->inputs[k]));
    for (int k = 0; k < map->output_count; k++)
        UMBRA_TRY(note_write(program, written, at, map->outputs[k]));
    return UMBRA_OK;
}

static umbra_status note_instruction(umbra_program *program, bool *written, size_t at)
{
    const umbra_instruction *i = &program->code[at];
    if (i->step < 0 || i->step >= program->step_count ||
        (at > 0 && i->step < program->code[at - 1].step))
        return umbra_fail(UMBRA_E_INTERNAL, "instruction %zu of the program is in step %d", at,
                          i->step);
    if (i->op == UMBRA_DO_MAP)
        return note_map(program, written, at);
    if (i->op != UMBRA_DO_INPUT)
        UMBRA_TRY(note_read(program, written, at, i->a));
    if (umbra_opcode_reads_two(i->op))
        UMBRA_TRY(note_read(program, written, at, i->b));
    if (i->op != UMBRA_DO_OUTPUT)
        UMBRA_TRY(note_write(program, written, at, i->out));
    return UMBRA_OK;
}

umbra_status umbra_program_finish(umbra_program *program)
{
    void *written = NULL, *last = NULL;
    size_t registers = (size_t)program->register_count + 1;
    UMBRA_TRY(umbra_memory_alloc_array(&last, registers, sizeof(size_t), "a program"));
    umbra_memory_free(program->last_use);
    program->last_use = last;
    for (size_t r = 0; r < registers; r++)
        program->last_use[r] = never;
    UMBRA_TRY(umbra_memory_alloc_array(&written, registers, sizeof(bool), "a program"));
    umbra_status status = UMBRA_OK;
    for (size_t at = 0; status == UMBRA_OK && at < program->count; at++)
        status = note_instruction(program, written, at);
    umbra_memory_free(written);
    return status;
}
