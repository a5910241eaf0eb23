/* One program, three interpreters: plaintext network, slot vectors, ciphertexts, and the simulator.
 */
#include "small_network.h"

#include "ckks/secret.h"
#include "exec/exec.h"
#include "plain/executor.h"
#include "plan/plan_internal.h"

#include <stdlib.h>

typedef struct session {
    umbra_graph *graph;
    umbra_plan *plan;
    umbra_plain *plain;
    umbra_pool *pool;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
    umbra_ciphertext *query;
    float image[2 * 8 * 8];
    int events, stop_at;
    double worst_excess; /* of measured over predicted errors, in bits */
} session;

static void open_session(session *s, umbra_graph *graph)
{
    *s = (session){.graph = graph, .stop_at = -1, .worst_excess = -100};
    s->plan = small_compile(graph);
    const umbra_profile *p = umbra_plan_profile(s->plan);
    small_image(s->image, umbra_layout_elements(&p->input_layout));
    check_ok(umbra_pool_new(&s->pool, 2));
    check_ok(umbra_plain_new(&s->plain, umbra_plan_graph(s->plan), 1));
    const float *inputs[1] = {s->image};
    check_ok(umbra_plain_run(s->plain, inputs));
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = p->key_count};
    check_ok(umbra_secret_key_generate(&s->secret, p->params));
    check_ok(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, s->pool));
    check_ok(umbra_exec_new(&s->exec, s->plan, s->keys, s->pool));
}

static void close_session(session *s)
{
    umbra_ciphertext_free(s->query);
    umbra_exec_free(s->exec);
    umbra_evaluation_keys_free(s->keys);
    umbra_secret_key_free(s->secret);
    umbra_plain_free(s->plain);
    umbra_pool_free(s->pool);
    umbra_plan_free(s->plan);
    umbra_graph_free(s->graph);
}

static void encrypt(session *s, double scale_log2)
{
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_plaintext *pt = NULL;
    unsigned char seed[UMBRA_SEED_BYTES];
    double *slots = calloc(p->input_layout.slots, sizeof(double));
    umbra_layout_scatter(&p->input_layout, s->image, slots);
    for (size_t i = 0; i < p->input_layout.slots; i++)
        slots[i] *= p->input_factor;
    check_ok(umbra_plaintext_new(&pt, p->params, p->input_level));
    check_ok(umbra_encode(pt, scale_log2, slots, NULL, p->input_layout.slots));
    umbra_ciphertext_free(s->query);
    check_ok(umbra_ciphertext_new(&s->query, p->params, p->input_level, 2));
    check_ok(umbra_encrypt_secret(s->query, seed, pt, s->secret));
    umbra_plaintext_free(pt);
    free(slots);
}

static void decrypt(const session *s, const umbra_ciphertext *ct, const umbra_layout *layout,
                    double *values)
{
    umbra_plaintext *pt = NULL;
    double *slots = calloc(layout->slots, sizeof(double));
    check_ok(umbra_plaintext_new(&pt, ct->params, ct->level));
    check_ok(umbra_decrypt(pt, ct, s->secret));
    check_ok(umbra_decode(pt, slots, NULL, layout->slots));
    umbra_layout_gather(layout, slots, values);
    umbra_plaintext_free(pt);
    free(slots);
}

/* Level and scale are exactly the simulator's; errors are within what was predicted. */
static int on_step(void *context, const umbra_exec_event *event)
{
    session *s = context;
    const umbra_build *b = &s->plan->build;
    const umbra_ciphertext *ct = event->ciphertexts[0];
    double values[512], sum = 0;
    size_t count = umbra_layout_elements(event->layout);
    s->events++;
    for (int t = 0; t < b->network.tensor_count; t++) {
        if (&b->layouts[t] != event->layout)
            continue;
        const umbra_simulated *r = &s->plan->simulation.registers[b->first_register[t]];
        assert_int_equal(ct->level, r->level);
        assert_true(fabs(ct->scale_log2 - r->scale_log2) < 1e-6);
        assert_true(fabs(ct->noise_log2 - r->noise_log2) < 1.0);
    }
    const float *reference = event->value < 0 ? NULL : umbra_plain_value(s->plain, event->value);
    if (reference != NULL && count <= 512) {
        decrypt(s, ct, event->layout, values);
        for (size_t i = 0; i < count; i++) {
            double slot = event->factor * ((double)reference[i] + event->shift);
            sum += (values[i] - slot) * (values[i] - slot) / (double)count;
        }
        s->worst_excess = fmax(s->worst_excess, 0.5 * log2(sum) + event->noise_bits);
    }
    return s->events == s->stop_at;
}

static double run_encrypted(session *s, double *output)
{
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_ciphertext *result = NULL;
    const umbra_ciphertext *query[1] = {s->query};
    const float *expected = umbra_plain_value(s->plain, umbra_plan_graph(s->plan)->outputs[0]);
    double error = 0, largest = 0;
    size_t count = umbra_layout_elements(&p->output_layout);
    check_ok(umbra_exec_run(s->exec, query, 1, &result, 1, on_step, s));
    assert_int_equal(result->level, 0);
    decrypt(s, result, &p->output_layout, output);
    for (size_t i = 0; i < count; i++) {
        output[i] /= p->output_factor;
        error = fmax(error, fabs(output[i] - (double)expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    umbra_ciphertext_free(result);
    return -log2(error / largest);
}

static void check_network(umbra_graph *graph)
{
    session s;
    double slots[16], encrypted[16];
    open_session(&s, graph);
    const float *expected = umbra_plain_value(s.plain, umbra_plan_graph(s.plan)->outputs[0]);
    size_t count = umbra_layout_elements(&umbra_plan_profile(s.plan)->output_layout);
    check_ok(umbra_exec_run_plain(s.exec, s.image, slots));
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(slots[i] - (double)expected[i]) < 1e-4);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    double bits = run_encrypted(&s, encrypted);
    double predicted = umbra_plan_profile(s.plan)->predicted_bits;
    print_message("%.2f bits, %.2f predicted; errors %.2f bits over the model\n", bits, predicted,
                  s.worst_excess);
    assert_true(bits >= predicted);
    assert_true(bits < predicted + 7);
    assert_true(s.worst_excess < 1.0);
    assert_true(s.events >= s.plan->build.program.step_count);
    close_session(&s);
}

static void test_residual(void **state)
{
    (void)state;
    check_network(small_residual());
}

static void test_plain(void **state)
{
    (void)state;
    check_network(small_plain());
}

static void test_refusals(void **state)
{
    session s;
    umbra_ciphertext *result = NULL;
    umbra_secret_key *other = NULL;
    umbra_evaluation_keys *few = NULL;
    umbra_exec *exec = NULL;
    (void)state;
    open_session(&s, small_plain());
    const umbra_profile *p = umbra_plan_profile(s.plan);
    encrypt(&s, p->input_scale_log2 + 1);
    const umbra_ciphertext *query[1] = {s.query};
    check_fails(UMBRA_E_MISMATCH, "profile of this plan",
                umbra_exec_run(s.exec, query, 1, &result, 1, NULL, NULL));
    check_fails(UMBRA_E_MISMATCH, "ciphertexts",
                umbra_exec_run(s.exec, query, 0, &result, 1, NULL, NULL));
    encrypt(&s, p->input_scale_log2);
    query[0] = s.query;
    s.query->key_id ^= 1;
    check_fails(UMBRA_E_MISMATCH, "another key",
                umbra_exec_run(s.exec, query, 1, &result, 1, NULL, NULL));
    s.query->key_id ^= 1;
    s.stop_at = 2;
    check_fails(UMBRA_E_CANCELLED, "stopped",
                umbra_exec_run(s.exec, query, 1, &result, 1, on_step, &s));
    assert_null(result);
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = 1};
    check_ok(umbra_secret_key_generate(&other, p->params));
    check_ok(umbra_evaluation_keys_generate(&few, other, &request, NULL));
    check_fails(UMBRA_E_MISMATCH, "the keys lack", umbra_exec_new(&exec, s.plan, few, NULL));
    umbra_evaluation_keys_free(few);
    umbra_secret_key_free(other);
    close_session(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
