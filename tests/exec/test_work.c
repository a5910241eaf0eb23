/* The work that a plan counts is the work that a run does: kernels that count, over whole runs. */
#include "small_network.h"

#include "ckks/internal.h"
#include "ckks/secret.h"
#include "exec/exec.h"
#include "plan/plan_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

static const umbra_kernels *real;
static atomic_size_t butterflies, products;

static void count_transform(const umbra_ntt *ntt, size_t parts)
{
    const size_t n = (size_t)1 << ntt->degree_log2;
    atomic_fetch_add(&butterflies, n / 2 * (size_t)ntt->degree_log2 / parts);
}

static void ntt_forward(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    count_transform(ntt, 1);
    real->ntt_forward(r, a, ntt);
}

static void ntt_forward_centred(uint64_t *r, const uint64_t *a, uint64_t p, const umbra_ntt *ntt)
{
    count_transform(ntt, 1);
    atomic_fetch_add(&products, (size_t)1 << ntt->degree_log2);
    real->ntt_forward_centred(r, a, p, ntt);
}

static void ntt_inverse(uint64_t *r, const uint64_t *a, const umbra_ntt *ntt)
{
    count_transform(ntt, 1);
    real->ntt_inverse(r, a, ntt);
}

static void ntt_forward_half(uint64_t *r, const uint64_t *p, const umbra_ntt *ntt)
{
    count_transform(ntt, 2);
    real->ntt_forward_half(r, p, ntt);
}

static void dot2(uint64_t *r0, uint64_t *r1, const uint64_t *const *a0, const uint64_t *const *a1,
                 const uint64_t *const *b, size_t count, int accumulate, size_t n,
                 const umbra_modulus *m)
{
    atomic_fetch_add(&products, 2 * count * n);
    real->dot2(r0, r1, a0, a1, b, count, accumulate, n, m);
}

static void dot_block(const umbra_dot_block *block, size_t n, const umbra_modulus *m)
{
    for (size_t s = 0; s < block->sum_count; s++)
        atomic_fetch_add(&products, 2 * block->sums[s].count * n);
    real->dot_block(block, n, m);
}

static void combine(uint64_t *r, const uint64_t *const *a, const uint64_t *w, size_t count,
                    size_t n, const umbra_modulus *m)
{
    atomic_fetch_add(&products, count * n);
    real->combine(r, a, w, count, n, m);
}

static void reduce_centred(uint64_t *r, const uint64_t *a, uint64_t p, size_t n,
                           const umbra_modulus *m)
{
    atomic_fetch_add(&products, n);
    real->reduce_centred(r, a, p, n, m);
}

typedef struct keys {
    umbra_secret_key *secret;
    umbra_evaluation_keys *all;
} keys;

static keys make_keys(const umbra_profile *p)
{
    keys k;
    const umbra_key_request request = {
        .params = p->params, .items = p->keys, .count = p->key_count};
    check_ok(umbra_secret_key_generate(&k.secret, p->params));
    check_ok(umbra_evaluation_keys_generate(&k.all, k.secret, &request, NULL, NULL));
    return k;
}

static umbra_ciphertext *encrypt_zeros(const umbra_profile *p, const umbra_secret_key *secret)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    umbra_plaintext *pt = NULL;
    umbra_ciphertext *ct = NULL;
    double *zeros = calloc(p->input_layout.slots, sizeof *zeros);
    check_ok(umbra_plaintext_new(&pt, p->params, p->input_level));
    check_ok(umbra_encode(pt, p->input_scale_log2, zeros, NULL, p->input_layout.slots));
    check_ok(umbra_ciphertext_new(&ct, p->params, p->input_level, 2));
    check_ok(umbra_encrypt_secret(ct, seed, pt, secret));
    umbra_plaintext_free(pt);
    free(zeros);
    return ct;
}

/* Runs once; the counters hold what it did. */
static void run_counted(umbra_plan *plan)
{
    static umbra_kernels counting;
    const umbra_profile *p = umbra_plan_profile(plan);
    const keys k = make_keys(p);
    umbra_ciphertext *query = encrypt_zeros(p, k.secret), *result = NULL;
    const umbra_ciphertext *queries[1] = {query};
    umbra_exec *exec = NULL;
    assert_int_equal(p->input_layout.ciphertexts, 1);
    real = counting.name != NULL ? real : plan->params->kernels;
    counting = *real;
    counting.ntt_forward = ntt_forward;
    counting.ntt_inverse = ntt_inverse;
    counting.ntt_forward_centred = ntt_forward_centred;
    counting.ntt_forward_half = ntt_forward_half;
    counting.dot2 = dot2;
    counting.dot_block = dot_block;
    counting.combine = combine;
    counting.reduce_centred = reduce_centred;
    plan->params->kernels = &counting;
    check_ok(umbra_exec_new(&exec, plan, k.all, NULL));
    atomic_store(&butterflies, 0);
    atomic_store(&products, 0);
    check_ok(umbra_exec_run(exec, queries, 1, &result, 1, NULL, NULL));
    umbra_exec_free(exec);
    umbra_ciphertext_free(result);
    umbra_ciphertext_free(query);
    umbra_evaluation_keys_free(k.all);
    umbra_secret_key_free(k.secret);
}

static void check_near(const char *what, double counted, double done)
{
    if (fabs(counted - done) > 0.1 * done)
        fail_msg("%s: the plan counts %.4g, the run did %.4g", what, counted, done);
}

static void check_network(umbra_graph *graph)
{
    umbra_plan *plan = small_compile(graph);
    umbra_plan_work work;
    check_ok(umbra_plan_count_work(plan, &work));
    run_counted(plan);
    check_near("butterflies", work.butterflies, (double)atomic_load(&butterflies));
    check_near("products", work.products, (double)atomic_load(&products));
    assert_true(work.bytes > 0);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

static void test_small_networks(void **state)
{
    umbra_graph *(*const make[])(void) = {small_residual, small_gated, small_unet};
    (void)state;
    for (size_t i = 0; i < sizeof make / sizeof *make; i++)
        check_network(make[i]());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
