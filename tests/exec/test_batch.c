/* Several images in one run: each as right as alone, and none of it in another's answer. */
#include "exec_session.h"

#define IMAGES 4
#define ELEMENTS 128 /* 2 x 8 x 8 */
#define OUTPUTS 5

typedef struct batch {
    session s;
    float images[IMAGES * ELEMENTS];
    double expected[IMAGES * OUTPUTS];
    double largest; /* of what is expected */
} batch;

/* Nothing, between two that fill the range: what leaks shows in the zeros. */
static void fill_images(float *x)
{
    small_image(x, IMAGES * ELEMENTS);
    for (int i = 0; i < ELEMENTS; i++) {
        x[0 * ELEMENTS + i] = 1;
        x[1 * ELEMENTS + i] = 0;
        x[2 * ELEMENTS + i] = i % 2 ? 1 : -1;
    }
}

static umbra_plan *compile(const umbra_graph *graph, int images, umbra_plan_mode mode)
{
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {
        .precision_bits = 4, .threads = 2, .images = images, .mode = mode};
    check_ok(umbra_plan_compile(&plan, graph, &model, &options));
    return plan;
}

static void open_batch(batch *b, int images, umbra_plan_mode mode)
{
    *b = (batch){.s = {.graph = small_residual()}};
    session *s = &b->s;
    s->plan = compile(s->graph, images, mode);
    fill_images(b->images);
    check_ok(umbra_pool_new(&s->pool, 2));
    check_ok(umbra_plain_new(&s->plain, umbra_plan_graph(s->plan), 1));
    for (int k = 0; k < IMAGES; k++) {
        const float *inputs[1] = {b->images + k * ELEMENTS};
        check_ok(umbra_plain_run(s->plain, inputs));
        const float *y = umbra_plain_value(s->plain, umbra_plan_graph(s->plan)->outputs[0]);
        for (int i = 0; i < OUTPUTS; i++) {
            b->expected[k * OUTPUTS + i] = (double)y[i];
            b->largest = fmax(b->largest, fabs((double)y[i]));
        }
    }
}

static void make_keys(batch *b)
{
    session *s = &b->s;
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = p->key_count};
    check_ok(umbra_secret_key_generate(&s->secret, p->params));
    check_ok(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, NULL, s->pool));
    check_ok(umbra_exec_new(&s->exec, s->plan, s->keys, s->pool));
}

/* Fewer images than the plan takes: the rest is zero. */
static void encrypt_batch(batch *b, int count)
{
    const umbra_profile *p = umbra_plan_profile(b->s.plan);
    size_t slots = p->input_layout.slots, number = (size_t)p->input_layout.ciphertexts;
    double *all = calloc(slots * number, sizeof(double));
    umbra_plaintext *pt = NULL;
    unsigned char seed[UMBRA_SEED_BYTES];
    assert_non_null(all);
    assert_true(number <= SESSION_CIPHERTEXTS);
    umbra_layout_scatter(&p->input_layout, b->images, count, all);
    for (size_t i = 0; i < slots * number; i++)
        all[i] *= p->input_factor;
    check_ok(umbra_plaintext_new(&pt, p->params, p->input_level));
    for (size_t k = 0; k < number; k++) {
        check_ok(umbra_encode(pt, p->input_scale_log2, all + k * slots, NULL, slots));
        check_ok(umbra_ciphertext_new(&b->s.query[k], p->params, p->input_level, 2));
        check_ok(umbra_encrypt_secret(b->s.query[k], seed, pt, b->s.secret));
    }
    umbra_plaintext_free(pt);
    free(all);
}

static void decrypt_batch(batch *b, umbra_ciphertext *result, int count, double *values)
{
    const umbra_profile *p = umbra_plan_profile(b->s.plan);
    double *slots = calloc(p->output_layout.slots, sizeof(double));
    umbra_plaintext *pt = NULL;
    assert_non_null(slots);
    check_ok(umbra_plaintext_new(&pt, p->params, result->level));
    check_ok(umbra_decrypt(pt, result, b->s.secret));
    check_ok(umbra_decode(pt, slots, NULL, p->output_layout.slots));
    umbra_layout_gather(&p->output_layout, slots, count, values);
    for (int i = 0; i < count * OUTPUTS; i++)
        values[i] /= p->output_factor;
    umbra_plaintext_free(pt);
    free(slots);
}

static void check_answers(const batch *b, const double *values, int count, double allowed)
{
    for (int i = 0; i < count * OUTPUTS; i++)
        if (!(fabs(values[i] - b->expected[i]) <= allowed))
            fail_msg("image %d, output %d: %.6f, expected %.6f", i / OUTPUTS, i % OUTPUTS,
                     values[i], b->expected[i]);
}

static void every_image_on_slots_is_as_alone(void **state)
{
    static const int asked[] = {2, 3, 4};
    (void)state;
    for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
        static batch b;
        double values[IMAGES * OUTPUTS];
        open_batch(&b, asked[k], UMBRA_PLAN_LATENCY);
        int images = umbra_plan_profile(b.s.plan)->input_layout.images;
        assert_int_equal(images, asked[k] == 2 ? 2 : 4);
        check_ok(umbra_exec_new(&b.s.exec, b.s.plan, NULL, b.s.pool));
        check_ok(umbra_exec_run_plain(b.s.exec, b.images, values, NULL, NULL));
        check_answers(&b, values, images, 1e-4);
        close_session(&b.s);
    }
}

/* More images than planes fit beside one another: planes fall into phases. */
static void images_beyond_the_planes_are_cut(void **state)
{
    enum { MANY = 512 };
    static batch b;
    static float images[MANY * ELEMENTS];
    static double values[MANY * OUTPUTS];
    (void)state;
    open_batch(&b, MANY, UMBRA_PLAN_LATENCY);
    const umbra_layout *in = &umbra_plan_profile(b.s.plan)->input_layout;
    assert_int_equal(in->images, MANY);
    assert_int_equal(in->kind, UMBRA_LAYOUT_PHASED);
    assert_true(in->slots / MANY < 64); /* an image's room, and a plane of 8 x 8 */
    for (int k = 0; k < MANY; k++)
        memcpy(images + k * ELEMENTS, b.images + k % IMAGES * ELEMENTS, ELEMENTS * sizeof(float));
    check_ok(umbra_exec_new(&b.s.exec, b.s.plan, NULL, b.s.pool));
    check_ok(umbra_exec_run_plain(b.s.exec, images, values, NULL, NULL));
    for (int k = 0; k < MANY; k += IMAGES)
        check_answers(&b, values + k * OUTPUTS, IMAGES, 1e-4);
    close_session(&b.s);
}

/* Three images of four, encrypted. */
static void every_image_under_encryption_is_as_alone(void **state)
{
    static batch b;
    double values[IMAGES * OUTPUTS];
    umbra_ciphertext *result = NULL;
    (void)state;
    open_batch(&b, 3, UMBRA_PLAN_LATENCY);
    make_keys(&b);
    encrypt_batch(&b, 3);
    const umbra_profile *p = umbra_plan_profile(b.s.plan);
    check_ok(umbra_exec_run(b.s.exec, (const umbra_ciphertext *const *)b.s.query,
                            p->input_layout.ciphertexts, &result, 1, NULL, NULL));
    decrypt_batch(&b, result, 3, values);
    print_message("%.1f bits predicted, largest output %.3f\n", p->predicted_bits, b.largest);
    check_answers(&b, values, 3, b.largest * exp2(-p->predicted_bits));
    umbra_ciphertext_free(result);
    close_session(&b.s);
}

/* A plan for throughput takes at least the images asked for, and is no slower for each. */
static void throughput_costs_less_for_each_image(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *one = compile(graph, 1, UMBRA_PLAN_LATENCY);
    umbra_plan *many = compile(graph, 2, UMBRA_PLAN_THROUGHPUT);
    umbra_plan_summary alone, together;
    (void)state;
    umbra_plan_summarise(one, &alone);
    umbra_plan_summarise(many, &together);
    print_message("%d images of %.4f s, alone %.4f s\n", together.images,
                  together.predicted_seconds / together.images, alone.predicted_seconds);
    assert_int_equal(alone.images, 1);
    assert_true(together.images >= 2);
    assert_true(together.predicted_seconds / together.images < alone.predicted_seconds / 2);
    umbra_plan_free(one);
    umbra_plan_free(many);
    umbra_graph_free(graph);
}

static void batches_that_cannot_be_are_refused(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 4, .threads = 2};
    static const int bad[] = {-1, UMBRA_PLAN_MAX_IMAGES + 1, 1000000000, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.images = bad[i];
        check_fails(UMBRA_E_USAGE, "are possible",
                    umbra_plan_compile(&plan, graph, &model, &options));
    }
    options.images = UMBRA_PLAN_MAX_IMAGES; /* each needs slots for its outputs */
    check_fails(UMBRA_E_MODEL, "run it several times",
                umbra_plan_compile(&plan, graph, &model, &options));
    assert_null(plan);
    umbra_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_on_slots_is_as_alone),
        cmocka_unit_test(images_beyond_the_planes_are_cut),
        cmocka_unit_test(every_image_under_encryption_is_as_alone),
        cmocka_unit_test(throughput_costs_less_for_each_image),
        cmocka_unit_test(batches_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
