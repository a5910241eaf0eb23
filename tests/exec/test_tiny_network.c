/* The tiny model from its ONNX file to decrypted answers: right, in time stopped, and only its own.
 */
#include "check.h"

#include "base/memory.h"
#include "ckks/secret.h"
#include "exec/exec.h"
#include "graph/npy.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MODEL "tests/cli/tiny/classifier.onnx"
#define ELEMENTS 128 /* 2 x 8 x 8 */
#define OUTPUTS 3
#define ABS_MAX 2.0
#define IMAGES 12

typedef struct tiny {
    umbra_graph *graph;
    umbra_plan *plan;
    umbra_plain *plain;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
} tiny;

static tiny t;

static void compile(umbra_plan **plan, double precision_bits)
{
    const umbra_model_info model = {.input_abs_max = ABS_MAX};
    const umbra_plan_options options = {.precision_bits = precision_bits, .threads = 1};
    check_ok(umbra_plan_compile(plan, t.graph, &model, &options));
}

static void make_keys(const umbra_profile *p, umbra_secret_key **secret,
                      umbra_evaluation_keys **keys, size_t count)
{
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = count};
    check_ok(umbra_secret_key_generate(secret, p->params));
    check_ok(umbra_evaluation_keys_generate(keys, *secret, &request, NULL, NULL));
}

static int setup(void **state)
{
    (void)state;
    check_ok(umbra_onnx_import_file(MODEL, &t.graph));
    check_ok(umbra_graph_simplify(t.graph));
    compile(&t.plan, 0);
    const umbra_profile *p = umbra_plan_profile(t.plan);
    assert_int_equal(umbra_layout_elements(&p->input_layout), ELEMENTS);
    assert_int_equal(umbra_layout_elements(&p->output_layout), OUTPUTS);
    check_ok(umbra_plain_new(&t.plain, umbra_plan_graph(t.plan), 1));
    make_keys(p, &t.secret, &t.keys, p->key_count);
    check_ok(umbra_exec_new(&t.exec, t.plan, t.keys, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    umbra_exec_free(t.exec);
    umbra_evaluation_keys_free(t.keys);
    umbra_secret_key_free(t.secret);
    umbra_plain_free(t.plain);
    umbra_plan_free(t.plan);
    umbra_graph_free(t.graph);
    return 0;
}

/* Noise, but for the first ones: zero, both ends of the range, and half of each. */
static void fill_image(float *image, int number)
{
    static uint64_t seed = 5;
    for (int i = 0; i < ELEMENTS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double noise = (double)(int64_t)seed * 0x1p-63;
        const double special[4] = {0, 1, -1, i % 2 ? 1 : -1};
        image[i] = (float)(ABS_MAX * (number < 4 ? special[number] : noise));
    }
}

static umbra_ciphertext *encrypt(const umbra_profile *p, const umbra_secret_key *secret,
                                 const float *image)
{
    umbra_ciphertext *ct = NULL;
    umbra_plaintext *pt = NULL;
    unsigned char unused[UMBRA_SEED_BYTES];
    size_t slots = p->input_layout.slots;
    double *x = calloc(slots, sizeof *x);
    assert_int_equal(p->input_layout.ciphertexts, 1);
    umbra_layout_scatter(&p->input_layout, image, 1, x);
    for (size_t i = 0; i < slots; i++)
        x[i] *= p->input_factor;
    check_ok(umbra_plaintext_new(&pt, p->params, p->input_level));
    check_ok(umbra_encode(pt, p->input_scale_log2, x, NULL, slots));
    check_ok(umbra_ciphertext_new(&ct, p->params, p->input_level, 2));
    check_ok(umbra_encrypt_secret(ct, unused, pt, secret));
    umbra_plaintext_free(pt);
    free(x);
    return ct;
}

static void decrypt(const umbra_ciphertext *ct, double *output)
{
    const umbra_profile *p = umbra_plan_profile(t.plan);
    umbra_plaintext *pt = NULL;
    double *x = calloc(p->output_layout.slots, sizeof *x);
    check_ok(umbra_plaintext_new(&pt, p->params, ct->level));
    check_ok(umbra_decrypt(pt, ct, t.secret));
    check_ok(umbra_decode(pt, x, NULL, p->output_layout.slots));
    umbra_layout_gather(&p->output_layout, x, 1, output);
    for (int i = 0; i < OUTPUTS; i++)
        output[i] /= p->output_factor;
    umbra_plaintext_free(pt);
    free(x);
}

/* Returns bits: -log2(largest error / largest output); infinite where nothing is to be measured. */
static double encrypted_bits(const float *image, const float *expected)
{
    umbra_ciphertext *query = encrypt(umbra_plan_profile(t.plan), t.secret, image), *result = NULL;
    const umbra_ciphertext *queries[1] = {query};
    double output[OUTPUTS], error = 0, largest = 0;
    check_ok(umbra_exec_run(t.exec, queries, 1, &result, 1, NULL, NULL));
    decrypt(result, output);
    for (int i = 0; i < OUTPUTS; i++) {
        error = fmax(error, fabs(output[i] - (double)expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    umbra_ciphertext_free(result);
    umbra_ciphertext_free(query);
    return -log2(error / largest);
}

static const float *run_plain_network(const float *image)
{
    const float *inputs[1] = {image};
    check_ok(umbra_plain_run(t.plain, inputs));
    return umbra_plain_value(t.plain, umbra_plan_graph(t.plan)->outputs[0]);
}

/* The program on slots is the network itself. */
static void test_slots_against_plain(void **state)
{
    float image[ELEMENTS];
    double slots[OUTPUTS];
    (void)state;
    for (int n = 0; n < IMAGES; n++) {
        fill_image(image, n);
        const float *expected = run_plain_network(image);
        check_ok(umbra_exec_run_plain(t.exec, image, slots, NULL, NULL));
        for (int i = 0; i < OUTPUTS; i++)
            if (!(fabs(slots[i] - (double)expected[i]) < 1e-5))
                fail_msg("image %d, output %d: %.7f, expected %.7f", n, i, slots[i],
                         (double)expected[i]);
    }
}

/* No image has fewer bits than were promised, and the worst one not many more. */
static void test_promised_bits(void **state)
{
    float image[ELEMENTS];
    double promised = umbra_plan_profile(t.plan)->predicted_bits, least = INFINITY;
    (void)state;
    for (int n = 4; n < 4 + IMAGES; n++) {
        fill_image(image, n);
        double bits = encrypted_bits(image, run_plain_network(image));
        if (!(bits >= promised))
            fail_msg("image %d: %.2f bits, %.2f were promised", n, bits, promised);
        least = fmin(least, bits);
    }
    if (!(least < promised + 4))
        fail_msg("%.2f bits at least, only %.2f were promised", least, promised);
}

/* The files that PyTorch wrote, and images that fill the range. */
static void test_expected_outputs(void **state)
{
    double promised = umbra_plan_profile(t.plan)->predicted_bits;
    (void)state;
    for (int k = 0; k < 2; k++) {
        umbra_shape shape;
        float *image = NULL, *expected = NULL;
        char path[80];
        snprintf(path, sizeof path, "tests/cli/tiny/expected/input_%d.npy", k);
        check_ok(umbra_npy_read_f32(path, &shape, &image));
        assert_int_equal(umbra_shape_elements(&shape), ELEMENTS);
        snprintf(path, sizeof path, "tests/cli/tiny/expected/output_%d.npy", k);
        check_ok(umbra_npy_read_f32(path, &shape, &expected));
        assert_int_equal(umbra_shape_elements(&shape), OUTPUTS);
        assert_true(encrypted_bits(image, expected) >= promised);
        umbra_memory_free(image);
        umbra_memory_free(expected);
    }
    for (int n = 0; n < 4; n++) {
        float image[ELEMENTS];
        fill_image(image, n);
        assert_true(encrypted_bits(image, run_plain_network(image)) >= promised - 1);
    }
}

typedef struct stop {
    int events, at, last_step;
} stop;

static int stop_at(void *context, const umbra_exec_event *event)
{
    stop *s = context;
    assert_non_null(event->name);
    assert_true(event->step >= s->last_step && event->step < event->step_count);
    assert_true(event->seconds >= 0);
    s->last_step = event->step;
    return ++s->events == s->at;
}

/* Stopped after any step nothing comes out, and the next run is as good as ever. */
static void test_cancel_everywhere(void **state)
{
    float image[ELEMENTS];
    stop all = {.at = -1};
    umbra_ciphertext *result = NULL;
    (void)state;
    fill_image(image, 20);
    umbra_ciphertext *query = encrypt(umbra_plan_profile(t.plan), t.secret, image);
    const umbra_ciphertext *queries[1] = {query};
    check_ok(umbra_exec_run(t.exec, queries, 1, &result, 1, stop_at, &all));
    umbra_ciphertext_free(result);
    result = NULL;
    assert_int_equal(all.last_step + 1, umbra_plan_node_count(t.plan));
    for (int at = 1; at <= all.events; at++) {
        stop one = {.at = at};
        check_fails(UMBRA_E_CANCELLED, "stopped after \"",
                    umbra_exec_run(t.exec, queries, 1, &result, 1, stop_at, &one));
        assert_int_equal(one.events, at);
        assert_null(result);
    }
    umbra_ciphertext_free(query);
    assert_true(encrypted_bits(image, run_plain_network(image)) >=
                umbra_plan_profile(t.plan)->predicted_bits);
}

/* Any key less than all of them, and keys with other primes. */
static void test_keys_refused(void **state)
{
    const umbra_profile *p = umbra_plan_profile(t.plan);
    umbra_exec *exec = NULL;
    umbra_secret_key *secret = NULL;
    umbra_evaluation_keys *keys = NULL;
    (void)state;
    for (size_t count = 1; count < p->key_count; count += p->key_count / 3 + 1) {
        make_keys(p, &secret, &keys, count);
        check_fails(UMBRA_E_MISMATCH, "client profile", umbra_exec_new(&exec, t.plan, keys, NULL));
        umbra_evaluation_keys_free(keys);
        umbra_secret_key_free(secret);
    }
    /* The same Galois elements and levels on a ring whose primes are others. */
    umbra_params_literal literal;
    umbra_params *params = NULL;
    double steps[UMBRA_MAX_LEVELS], base = 33;
    int level_count = umbra_params_level_count(p->params);
    for (int i = 0; i < level_count; i++)
        steps[i] = 28;
    check_ok(umbra_params_literal_chain(&literal, umbra_params_degree_log2(p->params), 1, &base,
                                        level_count - 1, steps, 1, 25));
    check_ok(umbra_params_new(&params, &literal));
    umbra_profile other = *p;
    other.params = params;
    make_keys(&other, &secret, &keys, p->key_count);
    umbra_status status = umbra_exec_new(&exec, t.plan, keys, NULL);
    assert_true(status == UMBRA_E_MISMATCH);
    umbra_evaluation_keys_free(keys);
    umbra_secret_key_free(secret);
    umbra_params_free(params);
}

static void refused(const umbra_ciphertext *const *query, int query_count, int result_count)
{
    umbra_ciphertext *result[2] = {NULL, NULL};
    umbra_status status =
        umbra_exec_run(t.exec, query, query_count, result, result_count, NULL, NULL);
    assert_true(status == UMBRA_E_MISMATCH);
    assert_non_null(strstr(umbra_error_message(), "query"));
    assert_null(result[0]);
}

static void test_queries_refused(void **state)
{
    const umbra_profile *p = umbra_plan_profile(t.plan);
    umbra_profile changed = *p;
    umbra_secret_key *stranger = NULL;
    float image[ELEMENTS];
    (void)state;
    fill_image(image, 30);
    umbra_ciphertext *good = encrypt(p, t.secret, image);
    const umbra_ciphertext *two[2] = {good, good};
    refused(two, 2, 1);
    refused(two, 0, 1);
    refused(two, 1, 0);
    refused(two, 1, 2);
    umbra_ciphertext_free(good);

    changed.input_level = p->input_level - 1;
    umbra_ciphertext *low = encrypt(&changed, t.secret, image);
    refused((const umbra_ciphertext *const *)&low, 1, 1);
    umbra_ciphertext_free(low);

    check_ok(umbra_secret_key_generate(&stranger, p->params));
    umbra_ciphertext *foreign = encrypt(p, stranger, image);
    refused((const umbra_ciphertext *const *)&foreign, 1, 1);
    umbra_ciphertext_free(foreign);
    umbra_secret_key_free(stranger);
}

/* An executor without keys runs on slots only. */
static void test_without_keys(void **state)
{
    umbra_exec *exec = NULL;
    umbra_ciphertext *result = NULL;
    float image[ELEMENTS];
    double a[OUTPUTS], b[OUTPUTS];
    (void)state;
    fill_image(image, 31);
    check_ok(umbra_exec_new(&exec, t.plan, NULL, NULL));
    check_ok(umbra_exec_run_plain(exec, image, a, NULL, NULL));
    check_ok(umbra_exec_run_plain(t.exec, image, b, NULL, NULL));
    assert_memory_equal(a, b, sizeof a);
    umbra_ciphertext *query = encrypt(umbra_plan_profile(t.plan), t.secret, image);
    const umbra_ciphertext *queries[1] = {query};
    check_fails(UMBRA_E_USAGE, "without keys",
                umbra_exec_run(exec, queries, 1, &result, 1, NULL, NULL));
    umbra_ciphertext_free(query);
    umbra_exec_free(exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_against_plain), cmocka_unit_test(test_promised_bits),
        cmocka_unit_test(test_expected_outputs),    cmocka_unit_test(test_cancel_everywhere),
        cmocka_unit_test(test_keys_refused),        cmocka_unit_test(test_queries_refused),
        cmocka_unit_test(test_without_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
