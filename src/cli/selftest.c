/* A quick proof that the arithmetic and the encryption work on this machine. */
#include "cli/selftest.h"

#include "base/memory.h"
#include "ckks/encoder.h"
#include "ckks/secret.h"
#include "math/kernels.h"

#include <math.h>
#include <string.h>

#define DEGREE_LOG2 13
#define DEGREE ((size_t)1 << DEGREE_LOG2)

static umbra_status compare_set(const umbra_kernels *set, const umbra_kernels *portable,
                                const umbra_ntt *ntt, uint64_t *work)
{
    uint64_t *input = work, *expected = work + DEGREE, *found = work + 2 * DEGREE;
    portable->ntt_forward(expected, input, ntt);
    set->ntt_forward(found, input, ntt);
    if (memcmp(expected, found, DEGREE * sizeof *found) != 0)
        return umbra_fail(UMBRA_E_INTERNAL,
                          "the %s transform gives other bytes than the portable one; set "
                          "UMBRA_CPU=portable and report this machine",
                          set->name);
    set->ntt_inverse(found, found, ntt);
    if (memcmp(input, found, DEGREE * sizeof *found) != 0)
        return umbra_fail(
            UMBRA_E_INTERNAL,
            "the %s transform does not come back; set UMBRA_CPU=portable and report this "
            "machine",
            set->name);
    return UMBRA_OK;
}

umbra_status umbra_selftest_kernels(void)
{
    uint64_t prime = 0;
    umbra_ntt ntt;
    void *memory = NULL;
    UMBRA_TRY(umbra_find_primes(&prime, 1, 49.9, 2 * DEGREE, NULL, 0));
    UMBRA_TRY(umbra_ntt_init(&ntt, prime, DEGREE_LOG2));
    umbra_status status =
        umbra_memory_alloc_array(&memory, 3 * DEGREE, sizeof(uint64_t), "self-test");
    if (status == UMBRA_OK) {
        uint64_t *work = memory, state = 1;
        for (size_t i = 0; i < DEGREE; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            work[i] = (state >> 1) % prime;
        }
        const umbra_kernels *sets[4];
        int count = umbra_kernels_all(sets);
        for (int i = 0; i < count && status == UMBRA_OK; i++)
            status = compare_set(sets[i], sets[0], &ntt, work);
    }
    umbra_memory_free(memory);
    umbra_ntt_free(&ntt);
    return status;
}

static umbra_status round_trip(const umbra_params *params, const umbra_secret_key *key,
                               double *values, double *bits)
{
    size_t slots = umbra_params_slots(params);
    double *decrypted = values + slots, worst = 0;
    umbra_plaintext *plain = NULL;
    umbra_ciphertext *ciphertext = NULL;
    unsigned char seed[UMBRA_SEED_BYTES];
    for (size_t i = 0; i < slots; i++)
        values[i] = sin((double)i);
    umbra_status status = umbra_plaintext_new(&plain, params, 0);
    if (status == UMBRA_OK)
        status = umbra_ciphertext_new(&ciphertext, params, 0, 2);
    if (status == UMBRA_OK)
        status = umbra_encode(plain, 40, values, NULL, slots);
    if (status == UMBRA_OK)
        status = umbra_encrypt_secret(ciphertext, seed, plain, key);
    if (status == UMBRA_OK)
        status = umbra_decrypt(plain, ciphertext, key);
    if (status == UMBRA_OK)
        status = umbra_decode(plain, decrypted, NULL, slots);
    for (size_t i = 0; status == UMBRA_OK && i < slots; i++)
        worst = fmax(worst, fabs(values[i] - decrypted[i]));
    umbra_ciphertext_free(ciphertext);
    umbra_plaintext_free(plain);
    *bits = -log2(worst);
    if (status == UMBRA_OK && !(*bits > 20))
        status = umbra_fail(UMBRA_E_INTERNAL,
                            "a vector came back from encryption with %.1f bits only", *bits);
    return status;
}

umbra_status umbra_selftest_encryption(double *bits)
{
    umbra_params_literal literal;
    umbra_params *params = NULL;
    umbra_secret_key *key = NULL;
    void *memory = NULL;
    const double base_bits[1] = {49};
    UMBRA_TRY(umbra_params_literal_chain(&literal, DEGREE_LOG2, 1, base_bits, 0, NULL, 1, 40));
    UMBRA_TRY(umbra_params_new(&params, &literal));
    umbra_status status = umbra_secret_key_generate(&key, params);
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&memory, DEGREE, sizeof(double), "self-test");
    if (status == UMBRA_OK)
        status = round_trip(params, key, memory, bits);
    umbra_memory_free(memory);
    umbra_secret_key_free(key);
    umbra_params_free(params);
    return status;
}
