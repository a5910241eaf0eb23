/* A network opened on all interpreters: plaintext, slot vectors, ciphertexts, and the simulator. */
#ifndef UMBRA_TESTS_EXEC_SESSION_H
#define UMBRA_TESTS_EXEC_SESSION_H

#include "calibrate.h"
#include "small_network.h"

#include "base/memory.h"
#include "ckks/secret.h"
#include "exec/exec.h"
#include "plain/executor.h"
#include "plan/plan_internal.h"

#include <stdlib.h>

#define SESSION_CIPHERTEXTS 4
#define SESSION_ELEMENTS (3 * 64 * 64) /* of an image, at most */

typedef struct session {
    umbra_graph *graph;
    umbra_plan *plan;
    umbra_plain *plain;
    umbra_pool *pool;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
    umbra_ciphertext *query[SESSION_CIPHERTEXTS];
    float image[SESSION_ELEMENTS];
    int events, plain_events, stop_at;
    double worst_excess, least_excess; /* of measured over predicted errors, beyond what chance does
                                          to them, in bits */
    double output_excess;              /* of the worst error of an output over the promise */
} session;

/* Keys of the plan at hand, and an executor that has them. */
static inline void start_keys(session *s)
{
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_key_request request = {.params = p->params, .items = p->keys, .count = p->key_count};
    check_ok(umbra_secret_key_generate(&s->secret, p->params));
    const umbra_key_holding holding = umbra_plan_key_holding(s->plan);
    check_ok(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, &holding, s->pool));
    check_ok(umbra_exec_new(&s->exec, s->plan, s->keys, s->pool));
}

static inline void free_keys(session *s)
{
    umbra_exec_free(s->exec);
    umbra_evaluation_keys_free(s->keys);
    umbra_secret_key_free(s->secret);
}

/* The image, keys and executor of the plan at hand. */
static inline void start_session(session *s)
{
    const size_t elements = umbra_layout_elements(&umbra_plan_profile(s->plan)->input_layout);
    assert_true(elements <= SESSION_ELEMENTS);
    small_image(s->image, elements);
    check_ok(umbra_pool_new(&s->pool, 2));
    check_ok(umbra_plain_new(&s->plain, umbra_plan_graph(s->plan), 1));
    const float *inputs[1] = {s->image};
    check_ok(umbra_plain_run(s->plain, inputs));
    start_keys(s);
}

/* memory_bytes: the server's budget; 0: the usual one. factored_depths: 0 as compiled, else decided
 * here. */
static inline void open_session_decided(session *s, umbra_graph *graph, double precision_bits,
                                        uint64_t memory_bytes, int factored_depths)
{
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {
        .precision_bits = precision_bits, .memory_bytes = memory_bytes, .threads = 2};
    *s = (session){.graph = graph, .stop_at = -1, .worst_excess = -100, .least_excess = 100};
    calibrate(graph);
    check_ok(umbra_plan_compile(&s->plan, graph, &model, &options));
    if (factored_depths > 0) {
        s->plan->decisions.factored_depths = factored_depths;
        finish_again(s->plan);
    }
    start_session(s);
}

static inline void open_session_within(session *s, umbra_graph *graph, double precision_bits,
                                       uint64_t memory_bytes)
{
    open_session_decided(s, graph, precision_bits, memory_bytes, 0);
}

static inline void open_session_at(session *s, umbra_graph *graph, double precision_bits)
{
    open_session_within(s, graph, precision_bits, 0);
}

static inline void open_session(session *s, umbra_graph *graph)
{
    open_session_at(s, graph, 4);
}

static inline void close_session(session *s)
{
    for (int i = 0; i < SESSION_CIPHERTEXTS; i++)
        umbra_ciphertext_free(s->query[i]);
    free_keys(s);
    umbra_plain_free(s->plain);
    umbra_pool_free(s->pool);
    umbra_plan_free(s->plan);
    umbra_graph_free(s->graph);
}

static inline void encrypt(session *s, double scale_log2)
{
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_plaintext *pt = NULL;
    unsigned char seed[UMBRA_SEED_BYTES];
    size_t slots = p->input_layout.slots, count = (size_t)p->input_layout.ciphertexts;
    double *all = calloc(slots * count, sizeof(double));
    assert_true(count <= SESSION_CIPHERTEXTS);
    umbra_layout_scatter(&p->input_layout, s->image, 1, all);
    for (size_t i = 0; i < slots * count; i++)
        all[i] *= p->input_factor;
    check_ok(umbra_plaintext_new(&pt, p->params, p->input_level));
    for (size_t k = 0; k < count; k++) {
        check_ok(umbra_encode(pt, scale_log2, all + k * slots, NULL, slots));
        umbra_ciphertext_free(s->query[k]);
        check_ok(umbra_ciphertext_new(&s->query[k], p->params, p->input_level, 2));
        check_ok(umbra_encrypt_secret(s->query[k], seed, pt, s->secret));
    }
    umbra_plaintext_free(pt);
    free(all);
}

static inline void decrypt(const session *s, const umbra_ciphertext *const *cts,
                           const umbra_layout *layout, double *values)
{
    umbra_plaintext *pt = NULL;
    size_t count = (size_t)layout->ciphertexts;
    double *slots = calloc(count * layout->slots, sizeof(double));
    check_ok(umbra_plaintext_new(&pt, cts[0]->params, cts[0]->level));
    for (size_t k = 0; k < count; k++) {
        check_ok(umbra_decrypt(pt, cts[k], s->secret));
        check_ok(umbra_decode(pt, slots + k * layout->slots, NULL, layout->slots));
    }
    umbra_layout_gather(layout, slots, 1, values);
    umbra_plaintext_free(pt);
    free(slots);
}

/* Normal deviations that a sound run may show: each with a chance of 1e-9, of a few hundred
 * tensors, from both sides. */
#define SESSION_SIGMAS 6

/* By how many bits the root mean square of `count` independent normal errors lies over its
 * expectation with the chance of `sigmas` normal deviations: half the logarithm of a quantile of
 * chi-square over its degrees of freedom. -INFINITY: so few may be as small as they like.
 *
 * Source: the cube root of chi-square is nearly normal (Wilson and Hilferty, 1931) */
static inline double chance_bits(size_t count, double sigmas)
{
    const double variance = 2 / (9 * (double)count);
    const double root = 1 - variance + sigmas * sqrt(variance);
    return root > 0 ? 1.5 * log2(root) : -INFINITY;
}

/* Level and scale are exactly the simulator's; errors are within what was predicted. */
static inline int on_step(void *context, const umbra_exec_event *event)
{
    session *s = context;
    const umbra_build *b = &s->plan->build;
    const umbra_ciphertext *ct = event->ciphertexts[0];
    double sum = 0;
    size_t count = umbra_layout_elements(event->layout);
    double *values = calloc(count, sizeof(double));
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
    if (reference != NULL) {
        decrypt(s, event->ciphertexts, event->layout, values);
        for (size_t i = 0; i < count; i++) {
            double slot = event->factor * ((double)reference[i] + event->shift);
            sum += (values[i] - slot) * (values[i] - slot) / (double)count;
        }
        const double excess = 0.5 * log2(sum) + event->error_bits;
        s->worst_excess = fmax(s->worst_excess, excess - chance_bits(count, SESSION_SIGMAS));
        s->least_excess = fmin(s->least_excess, excess - chance_bits(count, -SESSION_SIGMAS));
    }
    free(values);
    return s->events == s->stop_at;
}

/* On slot vectors every tensor is the plaintext network's, but for its single precision. */
static inline int on_plain_step(void *context, const umbra_exec_event *event)
{
    session *s = context;
    const float *reference = event->value < 0 ? NULL : umbra_plain_value(s->plain, event->value);
    size_t count = umbra_layout_elements(event->layout);
    double *values = calloc(count, sizeof(double));
    assert_null(event->ciphertexts);
    umbra_layout_gather(event->layout, event->slots, 1, values);
    for (size_t i = 0; reference != NULL && i < count; i++)
        assert_true(fabs(values[i] / event->factor - event->shift - (double)reference[i]) < 1e-4);
    free(values);
    s->plain_events++;
    return 0;
}

static inline double run_encrypted(session *s, double *output)
{
    const umbra_profile *p = umbra_plan_profile(s->plan);
    umbra_ciphertext *result[SESSION_CIPHERTEXTS] = {NULL};
    const float *expected = umbra_plain_value(s->plain, umbra_plan_graph(s->plan)->outputs[0]);
    double error = 0, largest = 0;
    size_t count = umbra_layout_elements(&p->output_layout);
    assert_true(p->output_layout.ciphertexts <= SESSION_CIPHERTEXTS);
    check_ok(umbra_exec_run(s->exec, (const umbra_ciphertext *const *)s->query,
                            p->input_layout.ciphertexts, result, p->output_layout.ciphertexts,
                            on_step, s));
    assert_int_equal(result[0]->level, 0);
    decrypt(s, (const umbra_ciphertext *const *)result, &p->output_layout, output);
    for (size_t i = 0; i < count; i++) {
        output[i] /= p->output_factor;
        error = fmax(error, fabs(output[i] - (double)expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    for (int k = 0; k < SESSION_CIPHERTEXTS; k++)
        umbra_ciphertext_free(result[k]);
    s->output_excess = log2(error / p->output_error);
    return -log2(error / largest);
}

/* The worst output is within the promise. One answer of a thousand may pass it: such a one is
 * computed again under keys of its own, and has to be within it, so that chance fails one run in a
 * million. */
static inline void check_promise(session *s)
{
    print_message("worst output %.2f bits over the promise\n", s->output_excess);
    if (s->output_excess > 0) {
        double *again = calloc(umbra_layout_elements(&umbra_plan_profile(s->plan)->output_layout),
                               sizeof(double));
        const int events = s->events;
        free_keys(s);
        start_keys(s);
        encrypt(s, umbra_plan_profile(s->plan)->input_scale_log2);
        run_encrypted(s, again);
        s->events = events;
        print_message("under other keys %.2f bits over it\n", s->output_excess);
        free(again);
    }
    assert_true(s->output_excess <= 0);
    assert_true(s->output_excess > -7);
}

/* least, most: bits by which the errors of a tensor may differ from those of the model, beyond
 * chance; neighbours share errors that they inherit, so that chance does a little more. */
static inline void check_network_within(umbra_graph *graph, double least, double most)
{
    session s;
    open_session(&s, graph);
    const float *expected = umbra_plain_value(s.plain, umbra_plan_graph(s.plan)->outputs[0]);
    size_t count = umbra_layout_elements(&umbra_plan_profile(s.plan)->output_layout);
    double *slots = calloc(2 * count, sizeof(double)), *encrypted = slots + count;
    check_ok(umbra_exec_run_plain(s.exec, s.image, slots, on_plain_step, &s));
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(slots[i] - (double)expected[i]) < 1e-4);
    encrypt(&s, umbra_plan_profile(s.plan)->input_scale_log2);
    double bits = run_encrypted(&s, encrypted);
    double predicted = umbra_plan_profile(s.plan)->predicted_bits;
    print_message("%.2f bits, %.2f predicted; over the model beyond chance: %.2f to %.2f bits\n",
                  bits, predicted, s.least_excess, s.worst_excess);
    check_promise(&s);
    assert_true(s.worst_excess < most);
    assert_true(s.least_excess > least);
    assert_true(s.events >= s.plan->build.program.step_count);
    assert_int_equal(s.plain_events, s.events);
    free(slots);
    close_session(&s);
}

static inline void check_network(umbra_graph *graph)
{
    check_network_within(graph, -0.5, 0.25);
}

#endif
