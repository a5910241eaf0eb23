/* The simulator: each operation on level, scale, noise and message alone. */
#include "circuit/ops_simulate.h"

#include "base/memory.h"
#include "circuit/simulated_keys.h"
#include "ckks/linear.h"
#include "ckks/noise.h"
#include "math/ntt.h"

#include <math.h>

typedef struct simulator {
    umbra_simulation *out;
    int *spare; /* limbs of each room that waits to be written again */
    size_t spare_count;
} simulator;

static umbra_simulated_step *step_of(simulator *s, const umbra_instruction *i)
{
    return &s->out->steps[i->step];
}

static umbra_cost_shape shape_at(const simulator *s, int level)
{
    return umbra_cost_shape_at(s->out->params, level);
}

/* The room between a message and the modulus, where it matters: sums and products may wrap around
 * and back, only what is divided or decrypted must fit. */
static void note_headroom(simulator *s, const umbra_instruction *i, const umbra_simulated *r,
                          double message_log2)
{
    double room =
        umbra_params_level_log2_q(s->out->params, r->level) - 1 - r->scale_log2 - message_log2;
    if (room < s->out->headroom_log2) {
        s->out->headroom_log2 = room;
        s->out->headroom_step = i->step;
    }
}

/* The executor's choice: the last one freed that is large enough, or a new one. A register is set
 * once, so that there are no more rooms than registers. */
static int take_room(simulator *s, int limbs)
{
    for (size_t i = s->spare_count; i > 0; i--) {
        int room = s->spare[i - 1];
        if (room < limbs)
            continue;
        s->spare[i - 1] = s->spare[--s->spare_count];
        return room;
    }
    s->out->rooms[s->out->room_count++] = limbs;
    s->out->peak_limbs += (size_t)limbs;
    return limbs;
}

static void set(simulator *s, const umbra_instruction *i, int reg, umbra_simulated r)
{
    int limbs = umbra_params_level_limbs(s->out->params, r.level);
    r.live = true;
    r.room_limbs = take_room(s, limbs);
    s->out->registers[reg] = r;
    umbra_simulated_step *step = step_of(s, i);
    if (step->scale_log2 == 0) /* its first result; what changes the level says so itself */
        step->level = r.level;
    step->scale_log2 = r.scale_log2;
}

static void spend(simulator *s, const umbra_instruction *i, double ns)
{
    step_of(s, i)->ns += ns;
}

static umbra_status simulate_input(void *self, const umbra_program *program,
                                   const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    umbra_simulated r = {.level = s->out->input_level,
                         .scale_log2 = s->out->input_scale_log2,
                         .noise_log2 = umbra_noise_fresh_secret(s->out->params)};
    step_of(s, i)->level = r.level;
    set(s, i, i->out, r);
    return UMBRA_OK;
}

/* All inputs must agree; the noisiest one counts. */
static umbra_status map_inputs(simulator *s, const umbra_program_map *map, umbra_simulated *in)
{
    *in = s->out->registers[map->inputs[0]];
    for (int k = 1; k < map->input_count; k++) {
        const umbra_simulated *r = &s->out->registers[map->inputs[k]];
        if (r->level != in->level || fabs(r->scale_log2 - in->scale_log2) > 0x1p-20)
            return umbra_fail(UMBRA_E_INTERNAL,
                              "inputs of a map differ: level %d and %d, scale 2^%.6f and 2^%.6f",
                              in->level, r->level, in->scale_log2, r->scale_log2);
        in->noise_log2 = fmax(in->noise_log2, r->noise_log2);
        in->message_log2 = fmax(in->message_log2, r->message_log2);
    }
    return UMBRA_OK;
}

/* One output: its own diagonals and giants make its noise. */
static umbra_simulated map_output(const simulator *s, const umbra_program_map *map,
                                  const umbra_simulated *in, int output)
{
    size_t diagonals = 0, giants = 0;
    for (size_t d = 0; d < map->diagonal_count; d++) {
        const umbra_map_diagonal *m = &map->diagonals[d];
        if (m->output != output)
            continue;
        bool first = d == 0 || m[-1].output != output || m[-1].giant_slots != m->giant_slots;
        giants += first && m->giant_slots != 0;
        diagonals++;
    }
    umbra_simulated r = *in;
    r.scale_log2 = in->scale_log2 + map->weight_scale_log2;
    r.message_log2 = in->message_log2 + map->gain_log2;
    r.noise_log2 = umbra_noise_linear_map(s->out->params, in->level, in->message_log2,
                                          in->scale_log2, in->noise_log2, map->weight_scale_log2,
                                          map->noise_gain_log2, diagonals, giants);
    return r;
}

/* The scratch grows to the map's need; each input is taken to be read without a rotation too. */
static void need_scratch(const simulator *s, const umbra_program_map *map,
                         const umbra_map_counts *counts, int level)
{
    const umbra_linear_shape shape = {.rotations = counts->babies + (size_t)map->input_count,
                                      .switched = counts->babies,
                                      .groups = counts->groups,
                                      .fold = counts->fold};
    const umbra_scratch scratch = umbra_linear_scratch(s->out->params, level, &shape);
    umbra_scratch *most = &s->out->scratch;
    most->shared = scratch.shared > most->shared ? scratch.shared : most->shared;
    most->worker = scratch.worker > most->worker ? scratch.worker : most->worker;
}

static umbra_status simulate_map(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    simulator *s = self;
    const umbra_program_map *map = &program->maps[i->index];
    umbra_simulated in;
    umbra_map_counts counts;
    UMBRA_TRY(map_inputs(s, map, &in));
    UMBRA_TRY(umbra_simulation_use_map_keys(s->out, i->step, map, in.level));
    umbra_map_count(map, umbra_params_slots(s->out->params), &counts);
    umbra_simulated_step *step = step_of(s, i);
    step->level = in.level;
    step->diagonals += counts.diagonals;
    step->rotations += counts.babies + counts.giants;
    spend(s, i, umbra_cost_map(&s->out->cost, shape_at(s, in.level), &counts));
    need_scratch(s, map, &counts, in.level);
    for (int k = 0; k < map->output_count; k++)
        set(s, i, map->outputs[k], map_output(s, map, &in, k));
    return UMBRA_OK;
}

static umbra_status simulate_product(simulator *s, const umbra_instruction *i, int second)
{
    umbra_simulated a = s->out->registers[i->a], b = s->out->registers[second], r = a;
    const umbra_params *params = s->out->params;
    if (a.level != b.level)
        return umbra_fail(UMBRA_E_INTERNAL, "factors differ: level %d and %d", a.level, b.level);
    r.scale_log2 = a.scale_log2 + b.scale_log2;
    r.message_log2 = a.message_log2 + b.message_log2;
    r.noise_log2 = umbra_noise_add(umbra_noise_multiply(a.message_log2, a.scale_log2, a.noise_log2,
                                                        b.message_log2, b.scale_log2, b.noise_log2),
                                   umbra_noise_key_switch(params, a.level));
    step_of(s, i)->level = a.level;
    spend(s, i,
          umbra_cost_key_switch(&s->out->cost, shape_at(s, a.level)) +
              umbra_cost_words(&s->out->cost, shape_at(s, a.level),
                               3.0 * umbra_params_level_limbs(params, a.level)));
    set(s, i, i->out, r);
    return umbra_simulation_use_key(s->out, i->step, 0, a.level);
}

static umbra_status simulate_square(void *self, const umbra_program *program,
                                    const umbra_instruction *i)
{
    (void)program;
    return simulate_product(self, i, i->a);
}

static umbra_status simulate_multiply(void *self, const umbra_program *program,
                                      const umbra_instruction *i)
{
    (void)program;
    return simulate_product(self, i, i->b);
}

static umbra_status simulate_raise(void *self, const umbra_program *program,
                                   const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    umbra_simulated r = s->out->registers[i->a];
    double multiplier = log2(fabs(i->value));
    /* value * 2^bits is rounded to an integer; whole bits of 1 are one. */
    double scaled = i->value * exp2(i->bits), missed = fabs(scaled - nearbyint(scaled));
    double rounding = r.message_log2 + r.scale_log2 + log2(fmax(missed, 0x1p-1000));
    r.noise_log2 = umbra_noise_add(r.noise_log2 + multiplier + i->bits, rounding);
    r.message_log2 += multiplier;
    r.scale_log2 += i->bits;
    spend(s, i,
          umbra_cost_words(&s->out->cost, shape_at(s, r.level),
                           2.0 * umbra_params_level_limbs(s->out->params, r.level)));
    set(s, i, i->out, r);
    return UMBRA_OK;
}

static umbra_status simulate_rescale(void *self, const umbra_program *program,
                                     const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    umbra_simulated r = s->out->registers[i->a];
    if (r.level == 0)
        return umbra_fail(UMBRA_E_INTERNAL, "no level is left to rescale");
    spend(s, i, umbra_cost_rescale(&s->out->cost, shape_at(s, r.level)));
    note_headroom(s, i, &r, i->value);
    r.noise_log2 = umbra_noise_rescale(s->out->params, r.level, r.noise_log2);
    r.scale_log2 = umbra_params_rescaled_log2(s->out->params, r.level, r.scale_log2);
    r.level--;
    /* Calibration bounds the result: the worst case of sums of weights would grow without end. */
    r.message_log2 = i->value;
    set(s, i, i->out, r);
    return UMBRA_OK;
}

static umbra_status simulate_drop(void *self, const umbra_program *program,
                                  const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    umbra_simulated r = s->out->registers[i->a];
    if (i->index > r.level || i->index < 0)
        return umbra_fail(UMBRA_E_INTERNAL, "level %d cannot be dropped to %d", r.level, i->index);
    if ((umbra_params_level_set(s->out->params, i->index) &
         ~umbra_params_level_set(s->out->params, r.level)) != 0)
        return umbra_fail(UMBRA_E_INTERNAL, "level %d does not have all primes of level %d",
                          r.level, i->index);
    r.level = i->index;
    set(s, i, i->out, r);
    return UMBRA_OK;
}

static umbra_status simulate_add(void *self, const umbra_program *program,
                                 const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    umbra_simulated a = s->out->registers[i->a], b = s->out->registers[i->b], r = a;
    if (a.level != b.level || fabs(a.scale_log2 - b.scale_log2) > 0x1p-20)
        return umbra_fail(UMBRA_E_INTERNAL,
                          "terms differ: level %d and %d, scale 2^%.6f and 2^%.6f", a.level,
                          b.level, a.scale_log2, b.scale_log2);
    r.noise_log2 = umbra_noise_add(a.noise_log2, b.noise_log2);
    r.message_log2 = log2(exp2(a.message_log2) + exp2(b.message_log2));
    spend(s, i,
          umbra_cost_words(&s->out->cost, shape_at(s, a.level),
                           2.0 * umbra_params_level_limbs(s->out->params, a.level)));
    set(s, i, i->out, r);
    return UMBRA_OK;
}

static umbra_status simulate_add_plain(void *self, const umbra_program *program,
                                       const umbra_instruction *i)
{
    simulator *s = self;
    umbra_simulated r = s->out->registers[i->a];
    const umbra_program_vector *v = &program->vectors[i->index];
    r.noise_log2 = umbra_noise_add(r.noise_log2, umbra_noise_encode(s->out->params));
    r.message_log2 = log2(exp2(r.message_log2) + exp2(v->message_log2));
    spend(s, i,
          umbra_params_level_limbs(s->out->params, r.level) *
              umbra_cost_ntt(&s->out->cost, shape_at(s, r.level)));
    set(s, i, i->out, r);
    return UMBRA_OK;
}

/* a + something switched from a. */
static umbra_status add_switched(simulator *s, const umbra_instruction *i, uint32_t galois)
{
    umbra_simulated a = s->out->registers[i->a], r = a;
    if (galois != 1) /* a turn by 0 needs no key */
        UMBRA_TRY(umbra_simulation_use_key(s->out, i->step, galois, a.level));
    double turned = umbra_noise_add(a.noise_log2, umbra_noise_key_switch(s->out->params, a.level));
    r.noise_log2 = umbra_noise_add(a.noise_log2, turned);
    r.message_log2 = a.message_log2 + 1;
    step_of(s, i)->rotations++;
    spend(s, i, umbra_cost_key_switch(&s->out->cost, shape_at(s, a.level)));
    set(s, i, i->out, r);
    return UMBRA_OK;
}

/* Neighbours that turn the same register share its decomposition. */
static umbra_status simulate_rotate(void *self, const umbra_program *program,
                                    const umbra_instruction *i)
{
    simulator *s = self;
    umbra_simulated r = s->out->registers[i->a];
    const umbra_instruction *before = i > program->code ? i - 1 : NULL;
    bool shared = before != NULL && before->op == i->op && before->a == i->a;
    umbra_cost_shape shape = shape_at(s, r.level);
    if (i->slots != 0) {
        uint32_t galois =
            umbra_galois_of_rotation(umbra_params_degree_log2(s->out->params), i->slots);
        UMBRA_TRY(umbra_simulation_use_key(s->out, i->step, galois, r.level));
    }
    r.noise_log2 = umbra_noise_add(r.noise_log2, umbra_noise_key_switch(s->out->params, r.level));
    step_of(s, i)->rotations++;
    spend(s, i,
          umbra_cost_key_switch(&s->out->cost, shape) -
              (shared ? umbra_cost_decompose(&s->out->cost, shape) : 0));
    set(s, i, i->out, r);
    return UMBRA_OK;
}

static umbra_status simulate_add_turned(void *self, const umbra_program *program,
                                        const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    int degree_log2 = umbra_params_degree_log2(s->out->params);
    return add_switched(s, i, umbra_galois_of_rotation(degree_log2, i->slots));
}

static umbra_status simulate_real(void *self, const umbra_program *program,
                                  const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    uint32_t conjugation = (uint32_t)(2 * umbra_params_degree(s->out->params) - 1);
    return add_switched(s, i, conjugation);
}

static umbra_status simulate_output(void *self, const umbra_program *program,
                                    const umbra_instruction *i)
{
    simulator *s = self;
    (void)program;
    const umbra_simulated *r = &s->out->registers[i->a];
    step_of(s, i)->level = r->level;
    step_of(s, i)->scale_log2 = r->scale_log2;
    note_headroom(s, i, r, r->message_log2);
    return UMBRA_OK;
}

static void simulate_release(void *self, int reg)
{
    simulator *s = self;
    umbra_simulated *r = &s->out->registers[reg];
    if (r->live) {
        s->spare[s->spare_count++] = r->room_limbs;
    }
    r->live = false;
}

static const umbra_ops simulator_ops = {
    .call = {[UMBRA_DO_INPUT] = simulate_input,
             [UMBRA_DO_MAP] = simulate_map,
             [UMBRA_DO_SQUARE] = simulate_square,
             [UMBRA_DO_MULTIPLY] = simulate_multiply,
             [UMBRA_DO_RAISE] = simulate_raise,
             [UMBRA_DO_RESCALE] = simulate_rescale,
             [UMBRA_DO_DROP] = simulate_drop,
             [UMBRA_DO_ADD] = simulate_add,
             [UMBRA_DO_ADD_PLAIN] = simulate_add_plain,
             [UMBRA_DO_ROTATE] = simulate_rotate,
             [UMBRA_DO_ADD_TURNED] = simulate_add_turned,
             [UMBRA_DO_PAIR] = simulate_add_turned,
             [UMBRA_DO_JOIN] = simulate_add,
             [UMBRA_DO_REAL] = simulate_real,
             [UMBRA_DO_OUTPUT] = simulate_output},
    .release = simulate_release,
};

void umbra_simulation_free(umbra_simulation *simulation)
{
    umbra_memory_free(simulation->registers);
    umbra_memory_free(simulation->rooms);
    umbra_memory_free(simulation->steps);
    umbra_memory_free(simulation->keys);
    umbra_memory_free(simulation->uses);
    umbra_memory_free(simulation->by_use);
    umbra_memory_free(simulation->times_read);
    umbra_memory_free(simulation->seeded);
    *simulation = (umbra_simulation){0};
}

umbra_status umbra_simulate(umbra_simulation *out, const umbra_program *program,
                            const umbra_params *params, const umbra_cost_model *cost,
                            double input_scale_log2, int input_level)
{
    void *registers = NULL, *steps = NULL, *rooms = NULL, *spare = NULL;
    const size_t register_count = (size_t)program->register_count + 1;
    umbra_simulation made = {.params = params,
                             .cost = *cost,
                             .input_scale_log2 = input_scale_log2,
                             .input_level = input_level,
                             .scratch = umbra_evaluator_scratch(params),
                             .headroom_log2 = INFINITY};
    UMBRA_TRY(umbra_memory_alloc_array(&registers, register_count, sizeof(umbra_simulated),
                                       "a simulation"));
    made.registers = registers;
    umbra_status status = umbra_memory_alloc_array(&steps, (size_t)program->step_count + 1,
                                                   sizeof(umbra_simulated_step), "a simulation");
    made.steps = steps;
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&rooms, register_count, sizeof(int), "a simulation");
    made.rooms = rooms;
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&spare, register_count, sizeof(int), "a simulation");
    simulator s = {.out = &made, .spare = spare};
    if (status == UMBRA_OK)
        status = umbra_program_run(program, &simulator_ops, &s);
    umbra_memory_free(spare);
    if (status == UMBRA_OK)
        status = umbra_simulation_count_uses(&made);
    if (status != UMBRA_OK) {
        umbra_simulation_free(&made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}
