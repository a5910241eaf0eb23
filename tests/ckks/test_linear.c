/* Tests of src/ckks/linear*.c: the map against a dense matrix, in every form of weights. */
#include "scheme.h"

/* Two inputs, two outputs, babies 0 1 2 7 and giants 0 16 .. 160 (and none for a few), more than
 * are turned at a time; the second output may lack giant 0. */
enum { INPUTS = 2, OUTPUTS = 2, BABIES = 4, GIANTS = 11 };
static const int64_t babies[BABIES] = {0, 1, 2, 7},
                     giants[GIANTS] = {0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160};
static const int64_t steps[] = {1, 2, 7, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160};

typedef enum weight_form {
    FORM_I32,
    FORM_I64,
    FORM_LIMBS,
    FORM_MIXED,
    FORM_TWICE, /* and 4 times, and 8 times over the slots */
    FORM_FOUR_TIMES,
    FORM_EIGHT_TIMES
} weight_form;

typedef struct transform {
    umbra_linear_map map;
    umbra_diagonal diagonals[OUTPUTS * GIANTS * INPUTS * BABIES];
    double *weights[OUTPUTS * GIANTS * INPUTS * BABIES]; /* not turned */
    void *memory[OUTPUTS * GIANTS * INPUTS * BABIES];
    size_t count;
} transform;

static void *aligned(size_t bytes)
{
    void *p = NULL;
    check_ok(umbra_memory_alloc(&p, bytes, "test"));
    return p;
}

static void add_diagonal(const scheme *s, transform *t, umbra_diagonal d, double weight_scale,
                         weight_form form)
{
    const size_t slots = s->slots, n = 2 * slots;
    const size_t i = t->count++;
    double *turned = malloc(slots * sizeof *turned);
    assert_non_null(turned);
    t->weights[i] = scheme_vector(slots, 100 + i);
    const bool folded = form >= FORM_TWICE;
    const size_t period = folded ? slots >> (1 + form - FORM_TWICE) : slots;
    for (size_t j = period; folded && j < slots; j++)
        t->weights[i][j] = t->weights[i][j % period];
    for (size_t j = 0; j < slots; j++)
        turned[(j + (size_t)d.giant_slots) % slots] = t->weights[i][j];
    if (form == FORM_MIXED)
        form = (weight_form)(i % 3);
    void *words = aligned(n * 8);
    if (folded) {
        int32_t *compact = words;
        check_ok(umbra_encode_coefficients_i32(s->params, words, weight_scale, turned, period));
        for (size_t k = 0; k < 2 * period; k++)
            compact[k] = compact[k * slots / period];
        for (d.fold_log2 = 0; period << d.fold_log2 < slots;)
            d.fold_log2++;
        compact[1] += i % 7 == 5;
        d.coefficients_i32 = compact;
    } else if (form == FORM_I32) {
        check_ok(umbra_encode_coefficients_i32(s->params, words, weight_scale, turned, slots));
        d.coefficients_i32 = words;
        ((int32_t *)words)[1] += i == 5; /* no longer the polynomial of a real vector */
    } else {
        check_ok(umbra_encode_coefficients_i64(s->params, words, weight_scale, turned, slots));
        d.coefficients_i64 = words;
    }
    t->memory[i] = words;
    if (form == FORM_LIMBS) {
        uint64_t *limbs = aligned((size_t)umbra_params_level_limbs(s->params, s->top) * n * 8);
        check_ok(umbra_linear_prepare(s->params, s->top, &d, limbs));
        umbra_memory_free(words);
        d.coefficients_i64 = NULL;
        d.limbs = t->memory[i] = limbs;
    }
    t->diagonals[i] = d;
    free(turned);
}

static void make_transform(const scheme *s, transform *t, double weight_scale, weight_form form,
                           bool turned)
{
    *t = (transform){.count = 0};
    for (int o = 0; o < OUTPUTS; o++)
        for (int g = 0; g < GIANTS; g++)
            for (int i = 0; i < INPUTS; i++)
                for (int b = 0; b < BABIES; b++)
                    if (o + g + i + b != 5 && !(turned && o == 1 && g == 0))
                        add_diagonal(s, t,
                                     (umbra_diagonal){.output = o,
                                                      .input = i,
                                                      .giant_slots = giants[g],
                                                      .baby_slots = babies[b]},
                                     weight_scale, form);
    t->map =
        (umbra_linear_map){.input_count = INPUTS,
                           .output_count = OUTPUTS,
                           .weight_scale_log2 = weight_scale,
                           .gain_log2 = log2((double)t->count / OUTPUTS),
                           .weight_noise_gain_log2 = 0.5 * log2((double)t->count / OUTPUTS / 3),
                           .diagonals = t->diagonals,
                           .diagonal_count = t->count};
}

static void free_transform(transform *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->weights[i]);
        umbra_memory_free(t->memory[i]);
    }
}

/* Row j of the dense matrix, times the inputs. */
static double dense(const transform *t, int output, double *const x[INPUTS], size_t slots, size_t j)
{
    double sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        const umbra_diagonal *d = &t->diagonals[i];
        const size_t column = (j + (size_t)(d->baby_slots + d->giant_slots)) % slots;
        if (d->output == output)
            sum += x[d->input][column] * t->weights[i][j];
    }
    return sum;
}

/* Weights that are there only while they are read. */
typedef struct stream {
    const umbra_linear_map *whole;
    umbra_diagonal *part;
    size_t calls, given;
} stream;

static umbra_status give(void *context, size_t first, size_t count)
{
    stream *s = context;
    for (size_t i = 0; i < s->whole->diagonal_count; i++) {
        s->part[i] = s->whole->diagonals[i];
        if (i >= first && i < first + count)
            continue;
        s->part[i].coefficients_i32 = NULL;
        s->part[i].coefficients_i64 = NULL;
        s->part[i].limbs = NULL;
    }
    s->calls++;
    s->given += count;
    return UMBRA_OK;
}

/* The same bytes as with all weights at hand. */
static void check_stream(const scheme *s, const umbra_linear_map *map,
                         const umbra_ciphertext *const *in, umbra_ciphertext *const *expected)
{
    static umbra_diagonal part[OUTPUTS * GIANTS * INPUTS * BABIES];
    stream state = {.whole = map, .part = part};
    umbra_linear_map streamed = *map;
    umbra_ciphertext *out[OUTPUTS];
    const size_t bytes = (size_t)umbra_params_level_limbs(s->params, s->top) * 2 * s->slots * 8;
    check_ok(give(&state, 0, 0));
    state.calls = 0;
    streamed.diagonals = part;
    streamed.stream = give;
    streamed.stream_context = &state;
    for (int o = 0; o < OUTPUTS; o++)
        out[o] = scheme_new(s, s->top, 2);
    check_ok(umbra_eval_linear_map(s->evaluator, out, in, &streamed));
    assert_true(state.calls >= OUTPUTS);
    assert_int_equal(state.given, map->diagonal_count);
    for (int o = 0; o < OUTPUTS; o++) {
        assert_memory_equal(out[o]->part[0], expected[o]->part[0], bytes);
        assert_memory_equal(out[o]->part[1], expected[o]->part[1], bytes);
        umbra_ciphertext_free(out[o]);
    }
}

/* The same bytes as when nobody knows that the weights repeat. */
static void check_unfolded(const scheme *s, const transform *t, const umbra_ciphertext *const *in,
                           umbra_ciphertext *const *expected)
{
    static umbra_diagonal wide[OUTPUTS * GIANTS * INPUTS * BABIES];
    umbra_linear_map map = t->map;
    umbra_ciphertext *out[OUTPUTS];
    const size_t n = 2 * s->slots,
                 bytes = (size_t)umbra_params_level_limbs(s->params, s->top) * n * 8;
    for (size_t i = 0; i < t->count; i++) {
        wide[i] = t->diagonals[i];
        int32_t *words = aligned(n * sizeof *words);
        for (size_t k = 0; k < n >> wide[i].fold_log2; k++)
            words[k << wide[i].fold_log2] = wide[i].coefficients_i32[k];
        wide[i].coefficients_i32 = words;
        wide[i].fold_log2 = 0;
    }
    map.diagonals = wide;
    for (int o = 0; o < OUTPUTS; o++)
        check_ok(umbra_ciphertext_new(&out[o], s->params, s->top, 2));
    check_ok(umbra_eval_linear_map(s->evaluator, out, in, &map));
    for (int o = 0; o < OUTPUTS; o++) {
        assert_memory_equal(out[o]->part[0], expected[o]->part[0], bytes);
        assert_memory_equal(out[o]->part[1], expected[o]->part[1], bytes);
        umbra_ciphertext_free(out[o]);
    }
    for (size_t i = 0; i < t->count; i++)
        umbra_memory_free((void *)(uintptr_t)wide[i].coefficients_i32);
}

static void check_map(int degree_log2, int chain, double bits, int special, weight_form form,
                      int threads)
{
    umbra_params_literal literal = scheme_chain(degree_log2, chain, bits, bits, special, 26);
    scheme s;
    transform t;
    scheme_open(&s, &literal, steps, sizeof steps / sizeof *steps, threads);
    make_transform(&s, &t, 24, form, form == FORM_I64);
    double *x[INPUTS] = {scheme_vector(s.slots, 7), scheme_vector(s.slots, 8)};
    double *want = malloc(s.slots * sizeof *want);
    umbra_ciphertext *in[INPUTS], *out[OUTPUTS];
    for (int i = 0; i < INPUTS; i++)
        in[i] = scheme_encrypt(&s, s.top, 52, x[i], NULL);
    for (int o = 0; o < OUTPUTS; o++)
        out[o] = scheme_new(&s, s.top, 2);
    check_ok(umbra_eval_linear_map(s.evaluator, out, (const umbra_ciphertext *const *)in, &t.map));
    check_stream(&s, &t.map, (const umbra_ciphertext *const *)in, out);
    if (form >= FORM_TWICE)
        check_unfolded(&s, &t, (const umbra_ciphertext *const *)in, out);
    /* Over its own inputs: the same bytes. */
    check_ok(umbra_eval_linear_map(s.evaluator, in, (const umbra_ciphertext *const *)in, &t.map));
    const size_t bytes = (size_t)umbra_params_level_limbs(s.params, s.top) * 2 * s.slots * 8;
    for (int o = 0; o < OUTPUTS; o++) {
        for (size_t j = 0; j < s.slots; j++)
            want[j] = dense(&t, o, x, s.slots, j);
        scheme_check(&s, out[o], want);
        assert_memory_equal(out[o]->part[0], in[o]->part[0], bytes);
        assert_memory_equal(out[o]->part[1], in[o]->part[1], bytes);
        check_ok(umbra_eval_rescale(s.evaluator, out[o], out[o]));
        scheme_check(&s, out[o], want);
        umbra_ciphertext_free(out[o]);
        umbra_ciphertext_free(in[o]);
    }
    for (int i = 0; i < INPUTS; i++)
        free(x[i]);
    free(want);
    free_transform(&t);
    scheme_close(&s);
}

static void each_form_of_weights(void **state)
{
    (void)state;
    check_map(13, 2, 50, 1, FORM_I32, 1);
    check_map(13, 2, 50, 1, FORM_I64, 2);
    check_map(13, 2, 50, 1, FORM_LIMBS, 2);
    check_map(13, 2, 37, 2, FORM_MIXED, 3);
    check_map(13, 2, 50, 1, FORM_TWICE, 2);
    check_map(13, 2, 50, 1, FORM_FOUR_TIMES, 1);
    check_map(13, 2, 50, 1, FORM_EIGHT_TIMES, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
