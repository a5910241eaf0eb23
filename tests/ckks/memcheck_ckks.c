/* Run under valgrind: no branch and no address depends on a secret. Secrets are marked as undefined
 * memory, whose use in a branch or an address valgrind reports. With the argument "leak" it does so
 * on purpose. */
#include "base/memory.h"
#include "ckks/encoder.h"
#include "ckks/secret_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

enum { SLOTS = 2048 };

static void must(umbra_status status)
{
    if (status == UMBRA_OK)
        return;
    fprintf(stderr, "%s\n", umbra_error_message());
    exit(1);
}

static void poison(void *p, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, bytes);
}

static void secret_seed(unsigned char seed[UMBRA_SEED_BYTES])
{
    must(umbra_seed_random(seed));
    poison(seed, UMBRA_SEED_BYTES);
}

static void check_result(const umbra_plaintext *pt, const char *what)
{
    static double re[SLOTS], im[SLOTS];
    must(umbra_decode(pt, re, im, SLOTS));
    (void)VALGRIND_MAKE_MEM_DEFINED(re, sizeof re);
    for (size_t i = 0; i < SLOTS; i++)
        if (!(fabs(re[i] - (double)(i % 9) / 9) < 0.1)) {
            fprintf(stderr, "%s: slot %zu is %g\n", what, i, re[i]);
            exit(1);
        }
}

/* Everything that a client does with its secrets. */
static void run(const umbra_params *params, double *values)
{
    unsigned char seed[UMBRA_SEED_BYTES], error_seed[UMBRA_SEED_BYTES],
        public_seed[UMBRA_SEED_BYTES];
    umbra_secret_key *key = NULL;
    umbra_public_key *public = NULL;
    umbra_evaluation_keys *keys = NULL;
    umbra_plaintext *pt = NULL;
    umbra_ciphertext *ct = NULL;
    secret_seed(seed);
    must(umbra_keygen_secret_seeded(&key, params, seed));
    must(umbra_plaintext_new(&pt, params, 0));
    must(umbra_ciphertext_new(&ct, params, 0, 2));
    must(umbra_encode(pt, 20, values, NULL, SLOTS));
    must(umbra_seed_random(public_seed));
    secret_seed(error_seed);
    must(umbra_encrypt_secret_seeded(ct, public_seed, error_seed, pt, key));
    must(umbra_decrypt(pt, ct, key));
    check_result(pt, "secret encryption");
    secret_seed(error_seed);
    must(umbra_keygen_public_seeded(&public, key, public_seed, error_seed));
    must(umbra_encode(pt, 20, values, NULL, SLOTS));
    secret_seed(error_seed);
    must(umbra_encrypt_public_seeded(ct, pt, public, error_seed));
    must(umbra_decrypt(pt, ct, key));
    check_result(pt, "public encryption");
    const umbra_key_item items[2] = {{0, 0}, {5, 0}};
    const umbra_key_request request = {params, items, 2};
    must(umbra_evaluation_keys_generate(&keys, key, &request, NULL, NULL));
    umbra_evaluation_keys_free(keys);
    umbra_public_key_free(public);
    umbra_plaintext_free(pt);
    umbra_ciphertext_free(ct);
    umbra_secret_key_free(key);
}

int main(int argc, char **argv)
{
    const double base = 28;
    static double values[SLOTS];
    umbra_params_literal literal;
    umbra_params *params = NULL;
    must(umbra_kernels_init());
    must(umbra_params_literal_chain(&literal, 12, 1, &base, 0, NULL, 1, 20));
    must(umbra_params_new(&params, &literal));
    for (size_t i = 0; i < SLOTS; i++)
        values[i] = (double)(i % 9) / 9;
    poison(values, sizeof values);
    if (argc > 1 && strcmp(argv[1], "leak") == 0 && values[3] > 0.5)
        puts("a branch on a secret");
    run(params, values);
    umbra_params_free(params);
    printf("memcheck: %s, no secret in a branch or an address\n", umbra_kernels_get()->name);
    return 0;
}
