/* umbra bench ckks: operations of the scheme, on one thread and on all. */
#include "base/memory.h"
#include "bench/bench.h"
#include "ckks/linear.h"
#include "ckks/secret.h"
#include "math/roof.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_BYTES ((size_t)96 << 20) /* more than the last cache holds */

enum { HOISTED = 8, BABIES = 8, GIANTS = 8, DIAGONALS = BABIES * GIANTS };

/* Rings with as many 50-bit data primes as 128 bits of security leave, and one or more special
 * primes. */
static const umbra_bench_shape shapes[] = {
    {14, 6, 2, 50}, {15, 16, 1, 50}, {15, 12, 5, 50}, {16, 28, 6, 50}};

typedef struct bench_scheme {
    umbra_params *params;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys, *seeded; /* seeded: the rotation by 1, held by its seed */
    umbra_evaluator *evaluator, *seeded_evaluator;
    umbra_plaintext *plain, *decrypted;
    umbra_ciphertext *a, *b, *out, *rotated[HOISTED];
    double *values;
    int32_t *weights;
    umbra_diagonal diagonals[2][DIAGONALS]; /* of complex and of real weights */
} bench_scheme;

static void close_scheme(bench_scheme *s)
{
    for (int i = 0; i < HOISTED; i++)
        umbra_ciphertext_free(s->rotated[i]);
    umbra_ciphertext_free(s->a);
    umbra_ciphertext_free(s->b);
    umbra_ciphertext_free(s->out);
    umbra_plaintext_free(s->plain);
    umbra_plaintext_free(s->decrypted);
    umbra_evaluator_free(s->evaluator);
    umbra_evaluator_free(s->seeded_evaluator);
    umbra_evaluation_keys_free(s->keys);
    umbra_evaluation_keys_free(s->seeded);
    umbra_secret_key_free(s->secret);
    umbra_params_free(s->params);
    umbra_memory_free(s->values);
    umbra_memory_free(s->weights);
}

static umbra_status make_params(umbra_params **out, const umbra_bench_shape *shape)
{
    umbra_params_literal literal;
    double bits[UMBRA_MAX_PRIMES];
    for (int i = 0; i < shape->data; i++)
        bits[i] = shape->data_bits;
    UMBRA_TRY(umbra_params_literal_chain(&literal, shape->degree_log2, 1, bits, shape->data - 1,
                                         bits, shape->special, shape->data_bits - 10));
    return umbra_params_new(out, &literal);
}

static umbra_status make_keys(bench_scheme *s, const umbra_bench_shape *shape, int top,
                              umbra_pool *pool)
{
    umbra_key_item items[HOISTED + GIANTS] = {{0, top}};
    size_t count = 1;
    for (int i = 1; i <= HOISTED; i++)
        items[count++] = (umbra_key_item){umbra_galois_of_rotation(shape->degree_log2, i), top};
    for (int i = 2; i < GIANTS; i++)
        items[count++] =
            (umbra_key_item){umbra_galois_of_rotation(shape->degree_log2, i * BABIES), top};
    const umbra_key_request request = {s->params, items, count};
    UMBRA_TRY(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, NULL, pool));
    const umbra_key_request one = {s->params, items + 1, 1};
    const umbra_key_holding holding = {&items[1].galois, 1};
    return umbra_evaluation_keys_generate(&s->seeded, s->secret, &one, &holding, pool);
}

static double scale_log2(const bench_scheme *s)
{
    return umbra_params_level_scale_log2(s->params, 0);
}

static umbra_status make_objects(bench_scheme *s, int top)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    void *memory = NULL;
    const size_t slots = umbra_params_slots(s->params);
    UMBRA_TRY(umbra_memory_alloc_array(&memory, slots, sizeof(double), "values"));
    s->values = memory;
    for (size_t i = 0; i < slots; i++)
        s->values[i] = (double)(i * 7919 % 2003) / 2003 - 0.5;
    UMBRA_TRY(umbra_plaintext_new(&s->plain, s->params, top));
    UMBRA_TRY(umbra_plaintext_new(&s->decrypted, s->params, top));
    UMBRA_TRY(umbra_encode(s->plain, scale_log2(s), s->values, NULL, slots));
    umbra_ciphertext **all[] = {&s->a, &s->b, &s->out};
    for (int i = 0; i < 3; i++)
        UMBRA_TRY(umbra_ciphertext_new(all[i], s->params, top, 2));
    for (int i = 0; i < HOISTED; i++)
        UMBRA_TRY(umbra_ciphertext_new(&s->rotated[i], s->params, top, 2));
    UMBRA_TRY(umbra_encrypt_secret(s->a, seed, s->plain, s->secret));
    return umbra_encrypt_secret(s->b, seed, s->plain, s->secret);
}

/* Weights of 24 bits, those of the second set of real vectors: c[N/2] = 0, c[N-k] = -c[k]. */
static umbra_status make_diagonals(bench_scheme *s, size_t n)
{
    void *memory = NULL;
    uint64_t state = 1;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * DIAGONALS * n, sizeof(int32_t), "weights"));
    s->weights = memory;
    for (size_t i = 0; i < 2 * DIAGONALS * n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        s->weights[i] = (int32_t)(state >> 40) - (1 << 23);
    }
    for (size_t i = 0; i < 2 * DIAGONALS; i++) {
        int32_t *w = s->weights + i * n;
        const size_t diagonal = i % DIAGONALS;
        for (size_t k = 1; i >= DIAGONALS && k <= n / 2; k++)
            w[n - k] = k == n / 2 ? 0 : -w[k];
        s->diagonals[i / DIAGONALS][diagonal] =
            (umbra_diagonal){.giant_slots = (int64_t)(diagonal / BABIES) * BABIES,
                             .baby_slots = (int64_t)(diagonal % BABIES),
                             .coefficients_i32 = w};
    }
    return UMBRA_OK;
}

static umbra_status open_scheme(bench_scheme *s, const umbra_bench_shape *shape, umbra_pool *pool)
{
    UMBRA_TRY(make_params(&s->params, shape));
    const int top = umbra_params_level_count(s->params) - 1;
    UMBRA_TRY(umbra_secret_key_generate(&s->secret, s->params));
    UMBRA_TRY(make_keys(s, shape, top, pool));
    UMBRA_TRY(make_diagonals(s, (size_t)1 << shape->degree_log2));
    return make_objects(s, top);
}

static umbra_status run_encode(void *context)
{
    bench_scheme *s = context;
    return umbra_encode(s->plain, scale_log2(s), s->values, NULL, umbra_params_slots(s->params));
}

static umbra_status run_encrypt(void *context)
{
    bench_scheme *s = context;
    unsigned char seed[UMBRA_SEED_BYTES];
    return umbra_encrypt_secret(s->out, seed, s->plain, s->secret);
}

static umbra_status run_decrypt(void *context)
{
    bench_scheme *s = context;
    return umbra_decrypt(s->decrypted, s->a, s->secret);
}

static umbra_status run_add(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_add(s->evaluator, s->out, s->a, s->b);
}

static umbra_status run_multiply_plain(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_multiply_plain(s->evaluator, s->out, s->a, s->plain);
}

static umbra_status run_multiply(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_multiply(s->evaluator, s->out, s->a, s->b);
}

/* After run_multiply: `out` holds a product, of the scale that rescaling needs. */
static umbra_status run_rescale(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_rescale(s->evaluator, s->rotated[0], s->out);
}

static umbra_status run_rotate(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_rotate(s->evaluator, s->out, s->a, 1);
}

/* What it costs to make the other half of the key again. */
static umbra_status run_rotate_seeded(void *context)
{
    bench_scheme *s = context;
    return umbra_eval_rotate(s->seeded_evaluator, s->out, s->a, 1);
}

static umbra_status run_rotate_hoisted(void *context)
{
    static const int64_t steps[HOISTED] = {1, 2, 3, 4, 5, 6, 7, 8};
    bench_scheme *s = context;
    return umbra_eval_rotate_hoisted(s->evaluator, s->rotated, s->a, steps, HOISTED);
}

static umbra_status run_linear(bench_scheme *s, const umbra_diagonal *diagonals)
{
    const umbra_linear_map map = {.input_count = 1,
                                  .output_count = 1,
                                  .weight_scale_log2 = 24,
                                  .diagonals = diagonals,
                                  .diagonal_count = DIAGONALS};
    const umbra_ciphertext *in = s->a;
    return umbra_eval_linear_map(s->evaluator, &s->out, &in, &map);
}

static umbra_status run_linear_complex(void *context)
{
    bench_scheme *s = context;
    return run_linear(s, s->diagonals[0]);
}

static umbra_status run_linear_real(void *context)
{
    bench_scheme *s = context;
    return run_linear(s, s->diagonals[1]);
}

/* What an operation cannot do without, in limbs of N words: transforms, products, and words of
 * keys, weights and ciphertexts that are read or written once. */
typedef struct bench_work {
    double transforms, products, words;
} bench_work;

static bench_work add_work(bench_work a, double times, bench_work b)
{
    return (bench_work){a.transforms + times * b.transforms, a.products + times * b.products,
                        a.words + times * b.words};
}

/* Of the conversion from a digit, or from the special primes, to one other prime. */
static double conversion_products(const umbra_bench_shape *s)
{
    return s->special > 1 ? s->special + 1 : 0;
}

static bench_work work_decompose(const umbra_bench_shape *s)
{
    const double digits = (s->data + s->special - 1) / s->special;
    const double extended = digits * (s->data + s->special) - s->data;
    return (bench_work){s->data + extended, extended * conversion_products(s), 0};
}

static bench_work work_inner(const umbra_bench_shape *s) /* with a key */
{
    const double words = 2.0 * ((s->data + s->special - 1) / s->special) * (s->data + s->special);
    return (bench_work){0, words, words};
}

static bench_work work_down(const umbra_bench_shape *s) /* division by P */
{
    return (bench_work){2.0 * (s->data + s->special), 2 * s->data * (conversion_products(s) + 1),
                        2.0 * s->data};
}

static bench_work work_rotations(const umbra_bench_shape *s, double count)
{
    const bench_work input = {0, 0, 2.0 * s->data};
    const bench_work each = add_work(work_inner(s), 1, work_down(s));
    return add_work(add_work(input, 1, work_decompose(s)), count, each);
}

static bench_work work_rotate(const umbra_bench_shape *s)
{
    return work_rotations(s, 1);
}

static bench_work work_hoisted(const umbra_bench_shape *s)
{
    return work_rotations(s, HOISTED);
}

static bench_work work_multiply(const umbra_bench_shape *s)
{
    const bench_work products = {0, 4.0 * s->data, 2.0 * s->data};
    return add_work(work_rotations(s, 1), 1, products);
}

/* parts: 2 halves of each transform of weights, or 1 */
static bench_work work_linear(const umbra_bench_shape *s, double parts)
{
    const bench_work weights = {s->data * parts / 2, s->data * (2 + parts / 2), 0.5};
    const bench_work giant = add_work(work_decompose(s), 1, work_inner(s));
    bench_work work = add_work(work_rotations(s, BABIES - 1), GIANTS - 1, giant);
    return add_work(add_work(work, 1, work_down(s)), DIAGONALS, weights);
}

static bench_work work_complex(const umbra_bench_shape *s)
{
    return work_linear(s, 2);
}

static bench_work work_real(const umbra_bench_shape *s)
{
    return work_linear(s, 1);
}

typedef struct bench_roofs {
    umbra_roof multiply;
    double memory_bytes_per_ns;
} bench_roofs;

/* By CPU time, so that a busy machine does not flatter or blame. */
static void hold_to_roofs(umbra_bench_figure *figure, const bench_work *work,
                          const bench_roofs *roofs)
{
    const double n = (double)((size_t)1 << figure->degree_log2);
    const double multiplied =
        work->transforms * umbra_roof_ntt_ns(&roofs->multiply, figure->degree_log2) +
        umbra_roof_products_ns(&roofs->multiply, work->products * n);
    figure->roof_share = multiplied / figure->cpu_ns;
    figure->memory_share = 8 * n * work->words / roofs->memory_bytes_per_ns / figure->cpu_ns;
}

typedef struct bench_case {
    const char *name;
    umbra_bench_body body;
    int threaded; /* the others run on one thread whatever the number */
    bench_work (*work)(const umbra_bench_shape *shape); /* NULL: not told */
} bench_case;

static const bench_case cases[] = {
    {"encode", run_encode, 0, NULL},
    {"encrypt", run_encrypt, 0, NULL},
    {"decrypt", run_decrypt, 0, NULL},
    {"add", run_add, 1, NULL},
    {"multiply_plain", run_multiply_plain, 1, NULL},
    {"multiply_relinearise", run_multiply, 1, work_multiply},
    {"rescale", run_rescale, 1, NULL},
    {"rotate", run_rotate, 1, work_rotate},
    {"rotate_seeded_key", run_rotate_seeded, 1, NULL},
    {"rotate_hoisted_8", run_rotate_hoisted, 1, work_hoisted},
    {"linear_map_64_complex", run_linear_complex, 1, work_complex},
    {"linear_map_64_real", run_linear_real, 1, work_real},
};

static umbra_status run_cases(const umbra_bench_options *options, bench_scheme *s,
                              const umbra_bench_shape *shape, const bench_roofs *roofs,
                              umbra_pool *pool, umbra_bench_sink sink, void *context)
{
    const double log2_q = umbra_params_log2_q(s->params);
    UMBRA_TRY(umbra_evaluator_new(&s->evaluator, s->params, s->keys, pool));
    UMBRA_TRY(umbra_evaluator_new(&s->seeded_evaluator, s->params, s->seeded, pool));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char note[96];
        snprintf(note, sizeof note, "%d data primes, %d special%s", shape->data, shape->special,
                 cases[i].threaded ? "" : "; works on one thread whatever the number");
        umbra_bench_figure figure = {.name = cases[i].name,
                                     .isa = umbra_params_kernels(s->params)->name,
                                     .degree_log2 = shape->degree_log2,
                                     .threads = umbra_pool_threads(pool),
                                     .shape = shape,
                                     .log2_q = log2_q,
                                     .log2_p = umbra_params_log2_qp(s->params) - log2_q,
                                     .note = note};
        UMBRA_TRY(umbra_bench_measure(options, cases[i].body, s, &figure));
        if (cases[i].work != NULL && figure.threads == 1) {
            const bench_work work = cases[i].work(shape);
            hold_to_roofs(&figure, &work, roofs);
        }
        if (sink(context, &figure) != 0)
            return umbra_fail(UMBRA_E_CANCELLED, "stopped");
    }
    umbra_evaluator_free(s->evaluator);
    umbra_evaluator_free(s->seeded_evaluator);
    s->evaluator = s->seeded_evaluator = NULL;
    return UMBRA_OK;
}

static umbra_status measure_roofs(bench_roofs *roofs)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, MEMORY_BYTES, "benchmark"));
    roofs->memory_bytes_per_ns = umbra_roof_memory_bytes_per_ns(memory, MEMORY_BYTES);
    roofs->multiply = umbra_roof_measure(umbra_kernels_get());
    umbra_memory_free(memory);
    return UMBRA_OK;
}

static umbra_status run_shape(const umbra_bench_options *options, const umbra_bench_shape *shape,
                              umbra_pool *pool, umbra_bench_sink sink, void *context)
{
    bench_scheme s = {.params = NULL};
    bench_roofs roofs;
    umbra_status status = measure_roofs(&roofs);
    if (status == UMBRA_OK)
        status = open_scheme(&s, shape, pool);
    if (status == UMBRA_OK)
        status = run_cases(options, &s, shape, &roofs, NULL, sink, context);
    if (status == UMBRA_OK && umbra_pool_threads(pool) > 1)
        status = run_cases(options, &s, shape, &roofs, pool, sink, context);
    close_scheme(&s);
    return status;
}

umbra_status umbra_bench_ckks(const umbra_bench_options *options, umbra_bench_sink sink,
                              void *context)
{
    umbra_pool *pool = NULL;
    UMBRA_TRY(umbra_pool_new(&pool, options->threads));
    umbra_status status = UMBRA_OK;
    if (options->shape != NULL)
        status = run_shape(options, options->shape, pool, sink, context);
    for (size_t i = 0; options->shape == NULL && i < sizeof shapes / sizeof *shapes; i++) {
        if (status == UMBRA_OK)
            status = run_shape(options, &shapes[i], pool, sink, context);
    }
    umbra_pool_free(pool);
    return status;
}
