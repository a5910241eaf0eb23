/* A small scheme for tests: parameters, keys, random vectors, and errors measured in bits. */
#ifndef UMBRA_TESTS_CKKS_SCHEME_H
#define UMBRA_TESTS_CKKS_SCHEME_H

#include "base/memory.h"
#include "check.h"
#include "ckks/evaluator_internal.h"
#include "ckks/linear.h"
#include "ckks/secret_internal.h"

#include <math.h>
#include <stdlib.h>

typedef struct scheme {
    umbra_params *params;
    umbra_secret_key *secret;
    umbra_evaluation_keys *keys;
    umbra_evaluator *evaluator;
    umbra_pool *pool;
    size_t slots;
    int top;
} scheme;

static inline double scheme_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)*state * 0x1p-63; /* uniform in [-1, 1) */
}

static inline void scheme_fill(double *x, size_t count, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < count; i++)
        x[i] = scheme_random(&state);
}

static inline double *scheme_vector(size_t count, uint64_t seed)
{
    double *x = malloc(count * sizeof *x);
    assert_non_null(x);
    scheme_fill(x, count, seed);
    return x;
}

/* A chain of `steps` levels above the base. Small rings leave room for few and small primes. */
static inline umbra_params_literal scheme_chain(int degree_log2, int steps, double base_bits,
                                                double step_bits, int special, double scale)
{
    umbra_params_literal literal;
    double bits[UMBRA_MAX_PRIMES] = {0};
    for (int i = 0; i < steps; i++)
        bits[i] = step_bits;
    check_ok(umbra_params_literal_chain(&literal, degree_log2, 1, &base_bits, steps, bits, special,
                                        scale));
    return literal;
}

/* Keys for relinearisation, conjugation and the steps, at the top level. */
static inline void scheme_open(scheme *s, const umbra_params_literal *literal, const int64_t *steps,
                               size_t count, int threads)
{
    umbra_key_item items[64] = {{0, literal->level_count - 1}};
    *s = (scheme){.top = literal->level_count - 1};
    check_ok(umbra_params_new(&s->params, literal));
    s->slots = umbra_params_slots(s->params);
    check_ok(umbra_secret_key_generate(&s->secret, s->params));
    check_ok(umbra_pool_new(&s->pool, threads));
    items[1] = (umbra_key_item){(uint32_t)(4 * s->slots - 1), s->top};
    for (size_t i = 0; i < count; i++)
        items[2 + i] =
            (umbra_key_item){umbra_galois_of_rotation(literal->degree_log2, steps[i]), s->top};
    const umbra_key_request request = {s->params, items, 2 + count};
    check_ok(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, NULL, s->pool));
    check_ok(umbra_evaluator_new(&s->evaluator, s->params, s->keys, s->pool));
}

static inline void scheme_close(scheme *s)
{
    umbra_evaluator_free(s->evaluator);
    umbra_evaluation_keys_free(s->keys);
    umbra_pool_free(s->pool);
    umbra_secret_key_free(s->secret);
    umbra_params_free(s->params);
}

static inline umbra_ciphertext *scheme_new(const scheme *s, int level, int parts)
{
    umbra_ciphertext *ct = NULL;
    check_ok(umbra_ciphertext_new(&ct, s->params, level, parts));
    return ct;
}

static inline umbra_plaintext *scheme_encode(const scheme *s, int level, double scale_log2,
                                             const double *re, const double *im)
{
    umbra_plaintext *pt = NULL;
    check_ok(umbra_plaintext_new(&pt, s->params, level));
    check_ok(umbra_encode(pt, scale_log2, re, im, s->slots));
    return pt;
}

static inline umbra_ciphertext *scheme_encrypt(const scheme *s, int level, double scale_log2,
                                               const double *re, const double *im)
{
    unsigned char seed[UMBRA_SEED_BYTES];
    umbra_plaintext *pt = scheme_encode(s, level, scale_log2, re, im);
    umbra_ciphertext *ct = scheme_new(s, level, 2);
    check_ok(umbra_encrypt_secret(ct, seed, pt, s->secret));
    umbra_plaintext_free(pt);
    return ct;
}

/* log2 of the deviation of the real parts from `want`, in units of the encoding. */
static inline double scheme_error_log2(const scheme *s, const umbra_ciphertext *ct,
                                       const double *want)
{
    umbra_plaintext *pt = NULL;
    check_ok(umbra_plaintext_new(&pt, s->params, ct->level));
    check_ok(umbra_decrypt(pt, ct, s->secret));
    double *re = malloc(s->slots * sizeof *re), sum = 0;
    assert_non_null(re);
    check_ok(umbra_decode(pt, re, NULL, s->slots));
    for (size_t i = 0; i < s->slots; i++)
        sum += (re[i] - want[i]) * (re[i] - want[i]);
    free(re);
    umbra_plaintext_free(pt);
    return 0.5 * log2(sum / (double)s->slots) + ct->scale_log2;
}

/* The error is within what the object says: not more than 0.5 bit above, not more than 3 bits
 * below. */
static inline void scheme_check_at(const scheme *s, const umbra_ciphertext *ct, const double *want,
                                   const char *file, int line)
{
    const double measured = scheme_error_log2(s, ct, want);
    if (!(measured <= ct->noise_log2 + 0.5) || !(measured >= ct->noise_log2 - 3)) {
        print_error("error 2^%.2f, predicted 2^%.2f (scale 2^%.2f, level %d)\n", measured,
                    ct->noise_log2, ct->scale_log2, ct->level);
        _fail(file, line);
    }
}

#define scheme_check(s, ct, want) scheme_check_at((s), (ct), (want), __FILE__, __LINE__)

#endif
