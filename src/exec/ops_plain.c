/* The program on complex slot vectors in double precision: the reference of the encrypted run. */
#include "base/memory.h"
#include "exec/exec_internal.h"

#include <math.h>
#include <string.h>

/* Real parts, then imaginary parts. */
typedef struct plain_run {
    const umbra_plan *plan;
    size_t slots;
    double **registers;
    double *input; /* slots of all input ciphertexts */
    double *output;
    umbra_exec_progress progress;
    void *context;
} plain_run;

static umbra_status new_register(plain_run *r, int reg, double **out)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * r->slots, sizeof(double), "slot vectors"));
    r->registers[reg] = made;
    *out = made;
    return UMBRA_OK;
}

static umbra_status plain_input(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    plain_run *r = self;
    double *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, &out));
    memcpy(out, r->input + (size_t)i->index * r->slots, r->slots * sizeof *out);
    return UMBRA_OK;
}

/* out[s] += rotate(rotate(in, baby) * w, giant) */
static void add_diagonal(size_t slots, double *out, const double *in, const double *w, size_t baby,
                         size_t giant)
{
    const double *re = in, *im = in + slots, *wr = w, *wi = w + slots;
    for (size_t s = 0; s < slots; s++) {
        size_t at = (s + giant) & (slots - 1), from = (at + baby) & (slots - 1);
        out[s] += re[from] * wr[at] - im[from] * wi[at];
        out[slots + s] += re[from] * wi[at] + im[from] * wr[at];
    }
}

static umbra_status plain_map(void *self, const umbra_program *program, const umbra_instruction *i)
{
    plain_run *r = self;
    const umbra_program_map *map = &program->maps[i->index];
    void *made = NULL;
    for (int k = 0; k < map->output_count; k++) {
        double *out = NULL;
        UMBRA_TRY(new_register(r, map->outputs[k], &out));
    }
    UMBRA_TRY(umbra_memory_alloc_array(&made, 2 * r->slots, sizeof(double), "slot vectors"));
    double *w = made;
    for (size_t d = 0; d < map->diagonal_count; d++) {
        const umbra_map_diagonal *diagonal = &map->diagonals[d];
        umbra_exec_weights(r->plan, i->index, d, r->slots, w, w + r->slots);
        add_diagonal(r->slots, r->registers[map->outputs[diagonal->output]],
                     r->registers[map->inputs[diagonal->input]], w, (size_t)diagonal->baby_slots,
                     (size_t)diagonal->giant_slots);
    }
    umbra_memory_free(made);
    return UMBRA_OK;
}

static umbra_status plain_product(plain_run *r, const umbra_instruction *i, int second)
{
    double *out = NULL;
    const double *a = r->registers[i->a], *b = r->registers[second];
    UMBRA_TRY(new_register(r, i->out, &out));
    for (size_t s = 0; s < r->slots; s++) {
        out[s] = a[s] * b[s] - a[r->slots + s] * b[r->slots + s];
        out[r->slots + s] = a[s] * b[r->slots + s] + a[r->slots + s] * b[s];
    }
    return UMBRA_OK;
}

static umbra_status plain_square(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    (void)program;
    return plain_product(self, i, i->a);
}

static umbra_status plain_multiply(void *self, const umbra_program *program,
                                   const umbra_instruction *i)
{
    (void)program;
    return plain_product(self, i, i->b);
}

static umbra_status plain_scale(plain_run *r, const umbra_instruction *i, double factor)
{
    double *out = NULL;
    const double *a = r->registers[i->a];
    UMBRA_TRY(new_register(r, i->out, &out));
    for (size_t s = 0; s < 2 * r->slots; s++)
        out[s] = a[s] * factor;
    return UMBRA_OK;
}

static umbra_status plain_raise(void *self, const umbra_program *program,
                                const umbra_instruction *i)
{
    (void)program;
    return plain_scale(self, i, i->value);
}

/* Scales and levels do not exist here. */
static umbra_status plain_copy(void *self, const umbra_program *program, const umbra_instruction *i)
{
    (void)program;
    return plain_scale(self, i, 1);
}

static umbra_status plain_add(void *self, const umbra_program *program, const umbra_instruction *i)
{
    plain_run *r = self;
    double *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, &out));
    for (size_t s = 0; s < 2 * r->slots; s++)
        out[s] = r->registers[i->a][s] + r->registers[i->b][s];
    return UMBRA_OK;
}

static umbra_status plain_add_plain(void *self, const umbra_program *program,
                                    const umbra_instruction *i)
{
    plain_run *r = self;
    const umbra_program_vector *v = &program->vectors[i->index];
    UMBRA_TRY(plain_scale(r, i, 1));
    for (size_t s = 0; s < r->slots; s++)
        r->registers[i->out][s] += v->values[s & (v->count - 1)];
    return UMBRA_OK;
}

static umbra_status plain_add_turned(void *self, const umbra_program *program,
                                     const umbra_instruction *i)
{
    plain_run *r = self;
    const double *a = r->registers[i->a];
    (void)program;
    UMBRA_TRY(plain_scale(r, i, 1));
    double *out = r->registers[i->out];
    for (size_t s = 0; s < r->slots; s++) {
        size_t from = (s + (size_t)i->slots) & (r->slots - 1);
        out[s] += a[from];
        out[r->slots + s] += a[r->slots + from];
    }
    return UMBRA_OK;
}

static umbra_status plain_rotate(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    plain_run *r = self;
    const double *a = r->registers[i->a];
    double *out = NULL;
    (void)program;
    UMBRA_TRY(new_register(r, i->out, &out));
    for (size_t s = 0; s < r->slots; s++) {
        size_t from = (s + (size_t)i->slots) & (r->slots - 1);
        out[s] = a[from];
        out[r->slots + s] = a[r->slots + from];
    }
    return UMBRA_OK;
}

static umbra_status plain_pair(void *self, const umbra_program *program, const umbra_instruction *i)
{
    plain_run *r = self;
    const double *a = r->registers[i->a];
    (void)program;
    UMBRA_TRY(plain_scale(r, i, 1));
    double *out = r->registers[i->out];
    for (size_t s = 0; s < r->slots; s++) {
        size_t from = (s + (size_t)i->slots) & (r->slots - 1);
        out[s] -= a[r->slots + from];
        out[r->slots + s] += a[from];
    }
    return UMBRA_OK;
}

static umbra_status plain_join(void *self, const umbra_program *program, const umbra_instruction *i)
{
    plain_run *r = self;
    double *out = NULL;
    const double *a = r->registers[i->a], *b = r->registers[i->b];
    (void)program;
    UMBRA_TRY(new_register(r, i->out, &out));
    for (size_t s = 0; s < r->slots; s++) {
        out[s] = a[s] - b[r->slots + s];
        out[r->slots + s] = a[r->slots + s] + b[s];
    }
    return UMBRA_OK;
}

static umbra_status plain_real(void *self, const umbra_program *program, const umbra_instruction *i)
{
    plain_run *r = self;
    (void)program;
    UMBRA_TRY(plain_scale(r, i, 2));
    memset(r->registers[i->out] + r->slots, 0, r->slots * sizeof(double));
    return UMBRA_OK;
}

static umbra_status plain_output(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    plain_run *r = self;
    (void)program;
    memcpy(r->output + (size_t)i->index * r->slots, r->registers[i->a], r->slots * sizeof(double));
    return UMBRA_OK;
}

/* They hold what an image was made into. */
static void wipe_and_free(double *slots, size_t count)
{
    if (slots != NULL)
        umbra_secret_wipe(slots, count * sizeof *slots);
    umbra_memory_free(slots);
}

static void plain_release(void *self, int reg)
{
    plain_run *r = self;
    wipe_and_free(r->registers[reg], 2 * r->slots);
    r->registers[reg] = NULL;
}

static umbra_status report_tensor(plain_run *r, int step, int k)
{
    int first = r->plan->build.first_register[r->plan->build.steps[step].tensors[k]];
    umbra_exec_event event;
    umbra_exec_describe(r->plan, step, k, &event);
    size_t count = (size_t)event.layout->ciphertexts;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count * r->slots, sizeof(double), "slot vectors"));
    double *slots = made;
    for (size_t c = 0; c < count; c++)
        memcpy(slots + c * r->slots, r->registers[(size_t)first + c], r->slots * sizeof *slots);
    event.slots = slots;
    int stop = r->progress(r->context, &event);
    wipe_and_free(slots, count * r->slots);
    return stop != 0 ? umbra_fail(UMBRA_E_CANCELLED, "stopped after \"%s\"", event.name) : UMBRA_OK;
}

static umbra_status plain_step_done(void *self, int step)
{
    plain_run *r = self;
    for (int k = 0; k < r->plan->build.steps[step].tensor_count && r->progress != NULL; k++)
        UMBRA_TRY(report_tensor(r, step, k));
    return UMBRA_OK;
}

static const umbra_ops plain_ops = {
    .call = {[UMBRA_DO_INPUT] = plain_input,
             [UMBRA_DO_MAP] = plain_map,
             [UMBRA_DO_SQUARE] = plain_square,
             [UMBRA_DO_MULTIPLY] = plain_multiply,
             [UMBRA_DO_RAISE] = plain_raise,
             [UMBRA_DO_RESCALE] = plain_copy,
             [UMBRA_DO_DROP] = plain_copy,
             [UMBRA_DO_ADD] = plain_add,
             [UMBRA_DO_ADD_PLAIN] = plain_add_plain,
             [UMBRA_DO_ROTATE] = plain_rotate,
             [UMBRA_DO_ADD_TURNED] = plain_add_turned,
             [UMBRA_DO_PAIR] = plain_pair,
             [UMBRA_DO_JOIN] = plain_join,
             [UMBRA_DO_REAL] = plain_real,
             [UMBRA_DO_OUTPUT] = plain_output},
    .release = plain_release,
    .step_done = plain_step_done,
};

static umbra_status plain_room(plain_run *r)
{
    const umbra_profile *p = &r->plan->profile;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)r->plan->build.program.register_count + 1,
                                       sizeof(double *), "slot vectors"));
    r->registers = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)p->input_layout.ciphertexts * r->slots,
                                       sizeof(double), "slot vectors"));
    r->input = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)p->output_layout.ciphertexts * r->slots,
                                       sizeof(double), "slot vectors"));
    r->output = made;
    return UMBRA_OK;
}

umbra_status umbra_exec_run_plain(umbra_exec *exec, const float *input, double *output,
                                  umbra_exec_progress progress, void *context)
{
    const umbra_profile *p = &exec->plan->profile;
    const umbra_program *program = &exec->plan->build.program;
    plain_run r = {.plan = exec->plan,
                   .slots = umbra_params_slots(exec->plan->params),
                   .progress = progress,
                   .context = context};
    umbra_status status = plain_room(&r);
    if (status == UMBRA_OK) {
        umbra_layout_scatter(&p->input_layout, input, p->input_layout.images, r.input);
        for (size_t i = 0; i < (size_t)p->input_layout.ciphertexts * r.slots; i++)
            r.input[i] *= p->input_factor;
        status = umbra_program_run(program, &plain_ops, &r);
    }
    if (status == UMBRA_OK) {
        umbra_layout_gather(&p->output_layout, r.output, p->output_layout.images, output);
        size_t count = umbra_layout_elements(&p->output_layout) * (size_t)p->output_layout.images;
        for (size_t i = 0; i < count; i++)
            output[i] /= p->output_factor;
    }
    for (int i = 0; r.registers != NULL && i < program->register_count; i++)
        plain_release(&r, i);
    umbra_memory_free(r.registers);
    wipe_and_free(r.input, (size_t)p->input_layout.ciphertexts * r.slots);
    wipe_and_free(r.output, (size_t)p->output_layout.ciphertexts * r.slots);
    return status;
}
