/* The program on ciphertexts. */
#include "base/clock.h"
#include "ckks/monomial.h"
#include "exec/exec_internal.h"

#include <math.h>

static umbra_status new_register(umbra_cipher_run *r, int reg, int level, umbra_ciphertext **out)
{
    const size_t limbs = (size_t)umbra_params_level_limbs(r->exec->plan->params, level);
    UMBRA_TRY(umbra_exec_take_room(r, limbs, out));
    (*out)->level = level;
    (*out)->parts = 2;
    r->registers[reg] = *out;
    return UMBRA_OK;
}

/* A new register at the level of operand a. */
static umbra_status result_like(umbra_cipher_run *r, const umbra_instruction *i,
                                umbra_ciphertext **out)
{
    return new_register(r, i->out, r->registers[i->a]->level, out);
}

static umbra_status cipher_input(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, r->query[i->index]->level, &out));
    UMBRA_TRY(umbra_ciphertext_assign(out, r->query[i->index]));
    /* The plan's bound on the input, whatever the sender says. */
    out->message_log2 = 0;
    return UMBRA_OK;
}

static umbra_status cipher_map(void *self, const umbra_program *program, const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    const umbra_program_map *shape = &program->maps[i->index];
    const umbra_ciphertext *in[UMBRA_MAP_CIPHERTEXTS];
    umbra_ciphertext *out[UMBRA_MAP_CIPHERTEXTS];
    UMBRA_TRY(umbra_exec_need_map(r->exec, i->index));
    for (int k = 0; k < shape->input_count; k++)
        in[k] = r->registers[shape->inputs[k]];
    for (int k = 0; k < shape->output_count; k++)
        UMBRA_TRY(new_register(r, shape->outputs[k], in[0]->level, &out[k]));
    umbra_exec_stream_map stream = {.exec = r->exec, .map = i->index};
    umbra_linear_map map = {.input_count = shape->input_count,
                            .output_count = shape->output_count,
                            .weight_scale_log2 = shape->weight_scale_log2,
                            .gain_log2 = shape->gain_log2,
                            .weight_noise_gain_log2 = shape->noise_gain_log2,
                            .diagonals = r->exec->maps[i->index].diagonals,
                            .diagonal_count = shape->diagonal_count,
                            .stream = r->exec->maps[i->index].streamed ? umbra_exec_stream : NULL,
                            .stream_context = &stream};
    return umbra_eval_linear_map(r->exec->evaluator, out, in, &map);
}

static umbra_status cipher_square(void *self, const umbra_program *program,
                                  const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    const umbra_ciphertext *a = r->registers[i->a];
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    return umbra_eval_multiply(r->exec->evaluator, out, a, a);
}

static umbra_status cipher_multiply(void *self, const umbra_program *program,
                                    const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    return umbra_eval_multiply(r->exec->evaluator, out, r->registers[i->a], r->registers[i->b]);
}

static umbra_status cipher_raise(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    return umbra_eval_multiply_scalar(r->exec->evaluator, out, r->registers[i->a], i->value,
                                      i->bits);
}

static umbra_status cipher_rescale(void *self, const umbra_program *program,
                                   const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, r->registers[i->a]->level - 1, &out));
    UMBRA_TRY(umbra_eval_rescale(r->exec->evaluator, out, r->registers[i->a]));
    /* Calibration bounds the result: the worst case of sums of weights would grow without end. */
    out->message_log2 = i->value;
    return UMBRA_OK;
}

static umbra_status cipher_drop(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, i->index, &out));
    return umbra_eval_drop_level(r->exec->evaluator, out, r->registers[i->a], i->index);
}

static umbra_status cipher_add(void *self, const umbra_program *program, const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    return umbra_eval_add(r->exec->evaluator, out, r->registers[i->a], r->registers[i->b]);
}

static umbra_status cipher_add_plain(void *self, const umbra_program *program,
                                     const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    umbra_plaintext *bias = r->exec->bias;
    const umbra_ciphertext *a = r->registers[i->a];
    const umbra_program_vector *v = &program->vectors[i->index];
    UMBRA_TRY(result_like(r, i, &out));
    bias->level = a->level;
    UMBRA_TRY(umbra_encode(bias, a->scale_log2, v->values, NULL, v->count));
    return umbra_eval_add_plain(r->exec->evaluator, out, a, bias);
}

/* out = a + turned, where out holds `turned` already */
static umbra_status add_to_result(umbra_cipher_run *r, const umbra_instruction *i,
                                  umbra_ciphertext *out)
{
    return umbra_eval_add(r->exec->evaluator, out, r->registers[i->a], out);
}

static umbra_status cipher_add_turned(void *self, const umbra_program *program,
                                      const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    UMBRA_TRY(umbra_eval_rotate(r->exec->evaluator, out, r->registers[i->a], i->slots));
    return add_to_result(r, i, out);
}

/* This and the turns of the same register that follow it, with one decomposition. */
static umbra_status cipher_rotate(void *self, const umbra_program *program,
                                  const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out[64];
    int64_t slots[64];
    size_t count = 0;
    const umbra_instruction *end = program->code + program->count;
    if (r->registers[i->out] != NULL) /* a neighbour before it has made it */
        return UMBRA_OK;
    for (const umbra_instruction *k = i;
         k < end && k->op == UMBRA_DO_ROTATE && k->a == i->a && count < 64; k++, count++) {
        slots[count] = k->slots;
        UMBRA_TRY(result_like(r, k, &out[count]));
    }
    return umbra_eval_rotate_hoisted(r->exec->evaluator, out, r->registers[i->a], slots, count);
}

static umbra_status cipher_pair(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    UMBRA_TRY(umbra_eval_rotate(r->exec->evaluator, out, r->registers[i->a], i->slots));
    UMBRA_TRY(umbra_eval_multiply_i(r->exec->evaluator, out, out));
    return add_to_result(r, i, out);
}

static umbra_status cipher_join(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    UMBRA_TRY(umbra_eval_multiply_i(r->exec->evaluator, out, r->registers[i->b]));
    return add_to_result(r, i, out);
}

static umbra_status cipher_real(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    umbra_ciphertext *out = NULL;
    (void)program;
    UMBRA_TRY(result_like(r, i, &out));
    UMBRA_TRY(umbra_eval_conjugate(r->exec->evaluator, out, r->registers[i->a]));
    return add_to_result(r, i, out);
}

static umbra_status cipher_output(void *self, const umbra_program *program,
                                  const umbra_instruction *i)
{
    umbra_cipher_run *r = self;
    (void)program;
    return umbra_ciphertext_copy(&r->result[i->index], r->registers[i->a]);
}

static void cipher_release(void *self, int reg)
{
    umbra_cipher_run *r = self;
    if (r->registers[reg] != NULL)
        r->spare[r->spare_count++] = r->registers[reg];
    r->registers[reg] = NULL;
}

/* One event for each tensor that the step made; the time stands in the first. */
static umbra_status cipher_step_done(void *self, int step)
{
    umbra_cipher_run *r = self;
    const umbra_plan *plan = r->exec->plan;
    const umbra_step_info *info = &plan->build.steps[step];
    uint64_t now = umbra_clock_ns() - umbra_exec_prepared(r->exec).wall_ns;
    double seconds = (double)(now - r->step_started_ns) * 1e-9;
    for (int k = 0; k < info->tensor_count && r->progress != NULL; k++) {
        umbra_exec_event event;
        umbra_exec_describe(plan, step, k, &event);
        int first = plan->build.first_register[info->tensors[k]];
        event.seconds = k == 0 ? seconds : 0;
        event.level = r->registers[first]->level;
        event.ciphertexts = (const umbra_ciphertext *const *)&r->registers[first];
        event.ciphertext_count = event.layout->ciphertexts;
        if (r->progress(r->context, &event) != 0)
            return umbra_fail(UMBRA_E_CANCELLED, "stopped after \"%s\"", event.name);
    }
    r->step_started_ns = umbra_clock_ns() - umbra_exec_prepared(r->exec).wall_ns;
    return UMBRA_OK;
}

const umbra_ops umbra_cipher_ops = {
    .call = {[UMBRA_DO_INPUT] = cipher_input,
             [UMBRA_DO_MAP] = cipher_map,
             [UMBRA_DO_SQUARE] = cipher_square,
             [UMBRA_DO_MULTIPLY] = cipher_multiply,
             [UMBRA_DO_RAISE] = cipher_raise,
             [UMBRA_DO_RESCALE] = cipher_rescale,
             [UMBRA_DO_DROP] = cipher_drop,
             [UMBRA_DO_ADD] = cipher_add,
             [UMBRA_DO_ADD_PLAIN] = cipher_add_plain,
             [UMBRA_DO_ROTATE] = cipher_rotate,
             [UMBRA_DO_ADD_TURNED] = cipher_add_turned,
             [UMBRA_DO_PAIR] = cipher_pair,
             [UMBRA_DO_JOIN] = cipher_join,
             [UMBRA_DO_REAL] = cipher_real,
             [UMBRA_DO_OUTPUT] = cipher_output},
    .release = cipher_release,
    .step_done = cipher_step_done,
};
