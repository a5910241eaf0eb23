/* Each operation of the table on plain slots, on ciphertexts and in the simulator: one oracle. */
#include "../plan/sparse_nodes.h"

#include "base/memory.h"
#include "ckks/secret.h"
#include "exec/exec_internal.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#define DEGREE_LOG2 13
#define SLOTS ((size_t)1 << (DEGREE_LOG2 - 1))
#define SIDE 64 /* SIDE^2 = SLOTS: element s of a channel is slot s */
#define TOP 2
#define SCALE 35.0
#define INPUTS 2
#define MOST 40
#define INPUT_FACTOR 0.5
#define OUTPUT_FACTOR 0.25

/* A plan by hand: every register is also an output of its own. */
typedef struct table {
    umbra_plan plan;
    umbra_step_info step;
    umbra_diagonal_set *sets[2];
    umbra_weight_source sources[2];
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
    umbra_ciphertext *query[INPUTS], *result[MOST];
    float *image;
    double complex *expected[MOST]; /* by register, after the oracle */
    double *plain;                  /* outputs of the run on slots */
} table;

static table t;

static int append(umbra_instruction i)
{
    umbra_program *p = &t.plan.build.program;
    if (i.op != UMBRA_DO_MAP)
        i.out = p->register_count++;
    check_ok(umbra_program_append(p, &i));
    return i.out;
}

static void append_outputs(int from)
{
    umbra_program *p = &t.plan.build.program;
    for (int r = from; r < p->register_count; r++) {
        umbra_instruction i = {.op = UMBRA_DO_OUTPUT, .a = r, .index = r};
        check_ok(umbra_program_append(p, &i));
    }
}

/* Registers in, registers made: count of them as the set says. Returns the first one made. */
static int append_map(int which, const int *inputs, double weight_scale_log2)
{
    umbra_program *p = &t.plan.build.program;
    const umbra_diagonal_set *set = t.sets[which];
    umbra_weight_source *source = &t.sources[which];
    void *in, *out, *diagonals, *sets, *coefficients, *one, *set_of, *index_of;
    size_t n = set->count, most = (size_t)set->input_count + (size_t)set->output_count;
    int index, first = p->register_count;
    check_ok(umbra_memory_alloc_array(&in, most, sizeof(int), "a test"));
    check_ok(umbra_memory_alloc_array(&out, most, sizeof(int), "a test"));
    check_ok(umbra_memory_alloc_array(&diagonals, n, sizeof(umbra_map_diagonal), "a test"));
    check_ok(umbra_memory_alloc_array(&sets, 1, sizeof(void *), "a test"));
    check_ok(umbra_memory_alloc_array(&coefficients, 1, sizeof(double *), "a test"));
    check_ok(umbra_memory_alloc_array(&one, most, sizeof(double), "a test"));
    check_ok(umbra_memory_alloc_array(&set_of, n, sizeof(uint32_t), "a test"));
    check_ok(umbra_memory_alloc_array(&index_of, n, sizeof(uint32_t), "a test"));
    *source = (umbra_weight_source){.set_count = 1,
                                    .sets = sets,
                                    .coefficients = coefficients,
                                    .set_of = set_of,
                                    .index_of = index_of};
    source->sets[0] = set;
    source->coefficients[0] = one;
    umbra_program_map map = {.input_count = set->input_count,
                             .output_count = set->output_count,
                             .inputs = in,
                             .outputs = out,
                             .diagonals = diagonals,
                             .diagonal_count = n,
                             .weight_scale_log2 = weight_scale_log2,
                             .gain_log2 = set->gain_log2,
                             .noise_gain_log2 = set->noise_gain_log2,
                             .period_slots = SLOTS};
    for (int k = 0; k < set->input_count; k++) {
        map.inputs[k] = inputs[k];
        source->coefficients[0][k] = 1;
    }
    for (int k = 0; k < set->output_count; k++)
        map.outputs[k] = p->register_count++;
    for (size_t d = 0; d < n; d++) {
        const umbra_map_diagonal *s = &set->shapes[d];
        map.diagonals[d] = (umbra_map_diagonal){s->output, s->input, s->giant_slots, s->baby_slots};
        source->index_of[d] = (uint32_t)d;
    }
    check_ok(umbra_program_add_map(p, &map, &index));
    append((umbra_instruction){.op = UMBRA_DO_MAP, .index = index});
    return first;
}

static void make_set(int which, const umbra_sparse *matrix, const umbra_layout *layout)
{
    const umbra_map_term term = {.matrix = matrix, .layout = layout};
    const umbra_diagonal_cost cost = {.baby_ns = 1, .giant_ns = 1, .product_ns = 1};
    check_ok(umbra_diagonals_make(&t.sets[which], &term, 1, layout, &cost, UMBRA_DIAGONAL_FILL));
}

static void make_sets(void)
{
    umbra_layout vector, image;
    umbra_sparse *dense = dense_matrix(16, 16), *conv = conv_matrix(8, 8, 32, 3, 1);
    check_ok(umbra_layout_modular(&vector, 16, SLOTS));
    check_ok(umbra_layout_multiplexed(&image, 8, 32, 32, 32, 32, 1, SLOTS));
    make_set(0, dense, &vector);
    make_set(1, conv, &image);
    umbra_sparse_free(dense);
    umbra_sparse_free(conv);
    assert_true(t.sets[0]->half_slots != 0); /* complex weights */
    assert_int_equal(t.sets[1]->input_count, 2);
    assert_int_equal(t.sets[1]->output_count, 2);
}

static void add_vector(void)
{
    void *values;
    int index;
    check_ok(umbra_memory_alloc_array(&values, 8, sizeof(double), "a test"));
    umbra_program_vector vector = {.count = 8, .values = values};
    for (int k = 0; k < 8; k++)
        vector.values[k] = k == 5 ? -0.875 : 0.1 * k;
    check_ok(umbra_program_add_vector(&t.plan.build.program, &vector, &index));
}

/* Every operation at the top level, then again where levels and scales have moved. */
static void make_program(void)
{
    umbra_program *p = &t.plan.build.program;
    p->step_count = 1;
    add_vector();
    int x = append((umbra_instruction){.op = UMBRA_DO_INPUT, .index = 0});
    int y = append((umbra_instruction){.op = UMBRA_DO_INPUT, .index = 1});
    append((umbra_instruction){.op = UMBRA_DO_ADD, .a = x, .b = y});
    append((umbra_instruction){.op = UMBRA_DO_ADD, .a = y, .b = y});
    append((umbra_instruction){.op = UMBRA_DO_ADD_PLAIN, .a = y, .index = 0});
    append((umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .a = x, .slots = 5});
    append((umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .a = x, .slots = (int64_t)SLOTS - 7});
    append((umbra_instruction){.op = UMBRA_DO_ROTATE, .a = x, .slots = 5});
    append((umbra_instruction){.op = UMBRA_DO_ROTATE, .a = x, .slots = (int64_t)SLOTS - 7});
    append((umbra_instruction){.op = UMBRA_DO_ROTATE, .a = y, .slots = 5});
    int z = append((umbra_instruction){.op = UMBRA_DO_PAIR, .a = x, .slots = 9});
    int half =
        append((umbra_instruction){.op = UMBRA_DO_PAIR, .a = y, .slots = t.sets[0]->half_slots});
    append((umbra_instruction){.op = UMBRA_DO_PAIR, .a = z, .slots = 3}); /* of complex slots */
    append((umbra_instruction){.op = UMBRA_DO_REAL, .a = z});
    append((umbra_instruction){.op = UMBRA_DO_RAISE, .a = x, .value = 1, .bits = 10});
    int raised =
        append((umbra_instruction){.op = UMBRA_DO_RAISE, .a = z, .value = -0.37, .bits = 35});
    int square = append((umbra_instruction){.op = UMBRA_DO_SQUARE, .a = x});
    append((umbra_instruction){.op = UMBRA_DO_MULTIPLY, .a = x, .b = y});
    append((umbra_instruction){.op = UMBRA_DO_MULTIPLY, .a = z, .b = y});
    int complex_square = append((umbra_instruction){.op = UMBRA_DO_SQUARE, .a = z});
    int low = append((umbra_instruction){.op = UMBRA_DO_RESCALE, .a = square, .value = 0});
    append((umbra_instruction){.op = UMBRA_DO_RESCALE, .a = complex_square, .value = 1});
    append((umbra_instruction){.op = UMBRA_DO_RESCALE, .a = raised, .value = 0});
    int dropped = append((umbra_instruction){.op = UMBRA_DO_DROP, .a = y, .index = 1});
    append((umbra_instruction){.op = UMBRA_DO_ADD_TURNED, .a = dropped, .slots = 5});
    append((umbra_instruction){.op = UMBRA_DO_DROP, .a = z, .index = 0});
    int low_square = append((umbra_instruction){.op = UMBRA_DO_SQUARE, .a = low});
    append((umbra_instruction){.op = UMBRA_DO_RESCALE, .a = low_square, .value = 0});
    int mapped = append_map(0, &half, 30);
    append((umbra_instruction){.op = UMBRA_DO_REAL, .a = mapped});
    int joined = append((umbra_instruction){.op = UMBRA_DO_JOIN, .a = x, .b = y});
    append((umbra_instruction){.op = UMBRA_DO_JOIN, .a = z, .b = z}); /* of complex slots */
    append_map(1, (int[]){t.sets[1]->joined ? joined : x, y}, 25);
    append_outputs(0);
    assert_true(p->register_count <= MOST);
    check_ok(umbra_program_finish(p));
}

static void simulate(void)
{
    umbra_cost_model cost = umbra_cost_model_for("portable", 1);
    check_ok(umbra_simulate(&t.plan.simulation, &t.plan.build.program, t.plan.params, &cost, SCALE,
                            TOP));
    umbra_profile *p = &t.plan.profile;
    *p = (umbra_profile){.params = t.plan.params,
                         .input_factor = INPUT_FACTOR,
                         .output_factor = OUTPUT_FACTOR,
                         .input_scale_log2 = SCALE,
                         .input_level = TOP,
                         .keys = t.plan.simulation.keys,
                         .key_count = t.plan.simulation.key_count};
    check_ok(umbra_layout_multiplexed(&p->input_layout, INPUTS, SIDE, SIDE, SIDE, SIDE, 1, SLOTS));
    check_ok(umbra_layout_multiplexed(&p->output_layout, t.plan.build.program.register_count, SIDE,
                                      SIDE, SIDE, SIDE, 1, SLOTS));
    assert_int_equal(p->input_layout.ciphertexts, INPUTS);
    assert_int_equal(p->output_layout.ciphertexts, t.plan.build.program.register_count);
}

static void encrypt_inputs(void)
{
    double *slots = calloc(SLOTS, sizeof *slots);
    uint64_t seed = 77;
    unsigned char unused[UMBRA_SEED_BYTES];
    t.image = calloc(INPUTS * SLOTS, sizeof *t.image);
    for (size_t i = 0; i < INPUTS * SLOTS; i++)
        t.image[i] = (float)(random_unit(&seed) / INPUT_FACTOR);
    t.image[3] = 1 / INPUT_FACTOR; /* the ends of the range */
    t.image[4] = -1 / INPUT_FACTOR;
    for (size_t k = 0; k < INPUTS; k++) {
        umbra_plaintext *pt = NULL;
        for (size_t s = 0; s < SLOTS; s++)
            slots[s] = INPUT_FACTOR * (double)t.image[k * SLOTS + s];
        check_ok(umbra_plaintext_new(&pt, t.plan.params, TOP));
        check_ok(umbra_encode(pt, SCALE, slots, NULL, SLOTS));
        check_ok(umbra_ciphertext_new(&t.query[k], t.plan.params, TOP, 2));
        check_ok(umbra_encrypt_secret(t.query[k], unused, pt, t.secret));
        umbra_plaintext_free(pt);
    }
    free(slots);
}

/* Slots turned to the left. */
static double complex at(int reg, size_t s, int64_t turn)
{
    return t.expected[reg][(s + (size_t)turn) & (SLOTS - 1)];
}

static void oracle_map(const umbra_program_map *map, const umbra_diagonal_set *set)
{
    double *re = calloc(2 * SLOTS, sizeof *re), *im = re + SLOTS;
    for (size_t d = 0; d < map->diagonal_count; d++) {
        const umbra_map_diagonal *m = &map->diagonals[d];
        umbra_diagonal_fill(set, d, SLOTS, re, im);
        for (size_t s = 0; s < SLOTS; s++) {
            size_t w = (s + (size_t)m->giant_slots) & (SLOTS - 1);
            t.expected[map->outputs[m->output]][s] +=
                (re[w] + im[w] * I) * at(map->inputs[m->input], s, m->giant_slots + m->baby_slots);
        }
    }
    free(re);
}

static double complex oracle_slot(const umbra_instruction *i, size_t s)
{
    const umbra_program_vector *vectors = t.plan.build.program.vectors;
    double complex a = i->op == UMBRA_DO_INPUT ? 0 : at(i->a, s, 0);
    switch (i->op) {
    case UMBRA_DO_INPUT:
        return INPUT_FACTOR * (double)t.image[(size_t)i->index * SLOTS + s];
    case UMBRA_DO_SQUARE:
        return a * a;
    case UMBRA_DO_MULTIPLY:
        return a * at(i->b, s, 0);
    case UMBRA_DO_RAISE:
        return a * i->value;
    case UMBRA_DO_ADD:
        return a + at(i->b, s, 0);
    case UMBRA_DO_ADD_PLAIN:
        return a + vectors[i->index].values[s % vectors[i->index].count];
    case UMBRA_DO_ADD_TURNED:
        return a + at(i->a, s, i->slots);
    case UMBRA_DO_ROTATE:
        return at(i->a, s, i->slots);
    case UMBRA_DO_PAIR:
        return a + I * at(i->a, s, i->slots);
    case UMBRA_DO_JOIN:
        return a + I * at(i->b, s, 0);
    case UMBRA_DO_REAL:
        return a + conj(a);
    default:
        return a;
    }
}

static void run_oracle(void)
{
    const umbra_program *p = &t.plan.build.program;
    for (int r = 0; r < p->register_count; r++)
        t.expected[r] = calloc(SLOTS, sizeof *t.expected[r]);
    for (size_t k = 0; k < p->count; k++) {
        const umbra_instruction *i = &p->code[k];
        if (i->op == UMBRA_DO_MAP)
            oracle_map(&p->maps[i->index], t.sets[i->index]);
        else if (i->op != UMBRA_DO_OUTPUT)
            for (size_t s = 0; s < SLOTS; s++)
                t.expected[i->out][s] = oracle_slot(i, s);
    }
}

static int setup(void **state)
{
    umbra_params_literal literal;
    const double base = 44, steps[TOP] = {40, 42};
    (void)state;
    check_ok(umbra_params_literal_chain(&literal, DEGREE_LOG2, 1, &base, TOP, steps, 1, SCALE));
    check_ok(umbra_params_new(&t.plan.params, &literal));
    t.plan.build.params = t.plan.params;
    t.plan.memory_budget = UINT64_MAX;
    make_sets();
    make_program();
    t.plan.build.sources = t.sources;
    t.plan.build.steps = &t.step;
    simulate();
    umbra_key_request request = {
        .params = t.plan.params, .items = t.plan.profile.keys, .count = t.plan.profile.key_count};
    check_ok(umbra_secret_key_generate(&t.secret, t.plan.params));
    check_ok(umbra_evaluation_keys_generate(&t.keys, t.secret, &request, NULL, NULL));
    check_ok(umbra_exec_new(&t.exec, &t.plan, t.keys, NULL));
    encrypt_inputs();
    run_oracle();
    int count = t.plan.build.program.register_count;
    t.plain = calloc((size_t)count * SLOTS, sizeof *t.plain);
    check_ok(umbra_exec_run_plain(t.exec, t.image, t.plain, NULL, NULL));
    check_ok(umbra_exec_run(t.exec, (const umbra_ciphertext *const *)t.query, INPUTS, t.result,
                            count, NULL, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int r = 0; r < MOST; r++) {
        umbra_ciphertext_free(t.result[r]);
        free(t.expected[r]);
    }
    for (int k = 0; k < INPUTS; k++)
        umbra_ciphertext_free(t.query[k]);
    free(t.plain);
    free(t.image);
    umbra_exec_free(t.exec);
    umbra_evaluation_keys_free(t.keys);
    umbra_secret_key_free(t.secret);
    umbra_simulation_free(&t.plan.simulation);
    for (int m = 0; m < 2; m++) {
        umbra_weight_source_free(&t.sources[m]);
        umbra_diagonal_set_free(t.sets[m]);
    }
    umbra_program_free(&t.plan.build.program);
    umbra_params_free(t.plan.params);
    return 0;
}

static const umbra_instruction *maker(int reg)
{
    const umbra_program *p = &t.plan.build.program;
    const umbra_instruction *map = NULL;
    for (size_t k = 0; k < p->count; k++) {
        if (p->code[k].op == UMBRA_DO_MAP)
            map = &p->code[k];
        else if (p->code[k].op != UMBRA_DO_OUTPUT && p->code[k].out == reg)
            return &p->code[k];
    }
    return map;
}

static const char *name(int reg)
{
    return umbra_opcode_name(maker(reg)->op);
}

/* The simulator takes all errors for independent and all products for rounded: a + a has half a bit
 * more than it says, and an exact product far less. */
static bool noise_is_coarse(int reg)
{
    const umbra_instruction *i = maker(reg);
    return (i->op == UMBRA_DO_ADD && i->a == i->b) || (i->op == UMBRA_DO_RAISE && i->value == 1);
}

static void test_all_operations_used(void **state)
{
    bool used[UMBRA_OPCODE_COUNT] = {0};
    const umbra_program *p = &t.plan.build.program;
    (void)state;
    for (size_t k = 0; k < p->count; k++)
        used[p->code[k].op] = true;
    for (int op = 0; op < UMBRA_OPCODE_COUNT; op++)
        if (!used[op])
            fail_msg("%s is not tested", umbra_opcode_name((umbra_opcode)op));
}

/* The run on slots is the oracle's, but for the rounding of doubles. */
static void test_plain_slots(void **state)
{
    (void)state;
    for (int r = 0; r < t.plan.build.program.register_count; r++)
        for (size_t s = 0; s < SLOTS; s++) {
            double got = t.plain[(size_t)r * SLOTS + s] * OUTPUT_FACTOR;
            if (!(fabs(got - creal(t.expected[r][s])) < 1e-12))
                fail_msg("%s (register %d), slot %zu: %.15f, expected %.15f", name(r), r, s, got,
                         creal(t.expected[r][s]));
        }
}

/* Level and scale of each ciphertext are those that were simulated; so is the noise. */
static void test_levels_and_scales(void **state)
{
    (void)state;
    for (int r = 0; r < t.plan.build.program.register_count; r++) {
        const umbra_simulated *s = &t.plan.simulation.registers[r];
        const umbra_ciphertext *ct = t.result[r];
        if (ct->level != s->level || fabs(ct->scale_log2 - s->scale_log2) > 1e-9)
            fail_msg("%s (register %d): level %d, scale 2^%.9f; simulated %d, 2^%.9f", name(r), r,
                     ct->level, ct->scale_log2, s->level, s->scale_log2);
        if (!noise_is_coarse(r) && !(fabs(ct->noise_log2 - s->noise_log2) < 0.05))
            fail_msg("%s (register %d): noise 2^%.2f, simulated 2^%.2f", name(r), r, ct->noise_log2,
                     s->noise_log2);
        assert_int_equal(ct->parts, 2);
    }
}

/* log2 of the root mean square of the errors, of real parts or of imaginary parts. */
static double measured_log2(int reg)
{
    umbra_plaintext *pt = NULL;
    double *re = calloc(2 * SLOTS, sizeof *re), *im = re + SLOTS, real = 0, imaginary = 0;
    check_ok(umbra_plaintext_new(&pt, t.plan.params, t.result[reg]->level));
    check_ok(umbra_decrypt(pt, t.result[reg], t.secret));
    check_ok(umbra_decode(pt, re, im, SLOTS));
    for (size_t s = 0; s < SLOTS; s++) {
        real += pow(re[s] - creal(t.expected[reg][s]), 2);
        imaginary += pow(im[s] - cimag(t.expected[reg][s]), 2);
    }
    umbra_plaintext_free(pt);
    free(re);
    return 0.5 * log2(fmax(real, imaginary) / (double)SLOTS);
}

/* Values are right within the bits that the simulator predicts, and not by far better: a model that
 * promises too little fails as one that promises too much. Bounds on messages leave products 2 bits
 * of slack; an error and its own conjugate add up to half a bit more than two strangers. */
static void test_predicted_bits(void **state)
{
    (void)state;
    for (int r = 0; r < t.plan.build.program.register_count; r++) {
        umbra_opcode op = maker(r)->op;
        const umbra_simulated *s = &t.plan.simulation.registers[r];
        double predicted = s->noise_log2 - s->scale_log2, measured = measured_log2(r);
        double over = op == UMBRA_DO_REAL || noise_is_coarse(r) ? 0.6 : 0.15;
        bool bounded = op == UMBRA_DO_MAP || op == UMBRA_DO_SQUARE || op == UMBRA_DO_MULTIPLY ||
                       op == UMBRA_DO_REAL;
        double under = bounded ? 2 : 0.15;
        if (op == UMBRA_DO_RAISE && noise_is_coarse(r))
            under = INFINITY;
        if (!(measured < predicted + over) || !(measured > predicted - under))
            fail_msg("%s (register %d): errors of 2^%.2f, predicted 2^%.2f", name(r), r, measured,
                     predicted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_operations_used),
        cmocka_unit_test(test_plain_slots),
        cmocka_unit_test(test_levels_and_scales),
        cmocka_unit_test(test_predicted_bits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
