/* A tensor becomes an encrypted query. */
#include "client/query.h"

#include "base/log.h"
#include "base/memory.h"
#include "ckks/ciphertext_file.h"
#include "ckks/encoder.h"

#include <math.h>

static umbra_status check_tensors(const umbra_profile *profile, const float *tensors, size_t count)
{
    size_t wanted = umbra_layout_elements(&profile->input_layout);
    if (count == 0 || count % wanted != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "the input has %zu numbers, the model takes %zu (%d x %d x %d)", count,
                          wanted, profile->input_layout.channels, profile->input_layout.height,
                          profile->input_layout.width);
    if (count / wanted > (size_t)profile->input_layout.images)
        return umbra_fail(UMBRA_E_INPUT,
                          "%zu inputs, and the plan takes %d in one run: send several queries, or "
                          "plan with a larger --batch",
                          count / wanted, profile->input_layout.images);
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(tensors[i]))
            return umbra_fail(UMBRA_E_INPUT,
                              "input %zu holds a NaN or an infinity at index %zu; mend the file",
                              i / wanted, i % wanted);
        largest = fmax(largest, fabs((double)tensors[i]));
    }
    double bound = profile->model.input_abs_max;
    if (largest > 4 * bound)
        return umbra_fail(
            UMBRA_E_INPUT,
            "the input goes more than 4 times beyond +-%.3g, the range that the model was "
            "calibrated for; scale it as in training",
            bound);
    if (largest > bound)
        umbra_log_warning(
            "the input goes beyond +-%.3g, the range that the model was calibrated for; "
            "the answer may be less precise",
            bound);
    return UMBRA_OK;
}

static umbra_status encrypt_one(const umbra_profile *profile, const umbra_secret_key *key,
                                const double *slots, umbra_ciphertext **out,
                                unsigned char seed[UMBRA_SEED_BYTES])
{
    umbra_plaintext *plain = NULL;
    umbra_ciphertext *ciphertext = NULL;
    umbra_status status = umbra_plaintext_new(&plain, profile->params, profile->input_level);
    if (status == UMBRA_OK)
        status = umbra_encode(plain, profile->input_scale_log2, slots, NULL,
                              profile->input_layout.slots);
    if (status == UMBRA_OK)
        status = umbra_ciphertext_new(&ciphertext, profile->params, profile->input_level, 2);
    if (status == UMBRA_OK)
        status = umbra_encrypt_secret(ciphertext, seed, plain, key);
    if (status == UMBRA_OK)
        ciphertext->message_log2 =
            0; /* the calibrated bound: the real size is the client's secret */
    umbra_plaintext_free(plain);
    if (status != UMBRA_OK)
        umbra_ciphertext_free(ciphertext);
    else
        *out = ciphertext;
    return status;
}

umbra_status umbra_query_encrypt(const umbra_profile *profile, const umbra_secret_key *key,
                                 const float *tensors, size_t count, umbra_ciphertext **ciphertexts,
                                 unsigned char (*seeds)[UMBRA_SEED_BYTES])
{
    UMBRA_TRY(check_tensors(profile, tensors, count));
    const umbra_layout *layout = &profile->input_layout;
    size_t total = (size_t)layout->ciphertexts * layout->slots;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, total * sizeof(double)));
    double *slots = memory;
    umbra_layout_scatter(layout, tensors, (int)(count / umbra_layout_elements(layout)), slots);
    for (size_t i = 0; i < total; i++)
        slots[i] *= profile->input_factor;
    umbra_status status = UMBRA_OK;
    int made = 0;
    for (; made < layout->ciphertexts && status == UMBRA_OK; made++)
        status = encrypt_one(profile, key, slots + (size_t)made * layout->slots, &ciphertexts[made],
                             seeds[made]);
    if (status != UMBRA_OK)
        for (int i = 0; i < made - 1; i++)
            umbra_ciphertext_free(ciphertexts[i]);
    umbra_secret_free(slots);
    return status;
}

umbra_status umbra_query_save(const umbra_profile *profile, const umbra_secret_key *key,
                              const float *tensors, size_t count, unsigned char *query_id,
                              const char *path, uint64_t *file_bytes)
{
    size_t number = (size_t)profile->input_layout.ciphertexts;
    const umbra_ciphertexts_use use = {UMBRA_ROLE_QUERY, profile->plan_hash, query_id};
    void *ciphertexts_memory = NULL, *seeds_memory = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&ciphertexts_memory, number, sizeof(umbra_ciphertext *), "query"));
    umbra_ciphertext **ciphertexts = ciphertexts_memory;
    umbra_status status =
        umbra_memory_alloc_array(&seeds_memory, number, UMBRA_SEED_BYTES, "seeds");
    unsigned char(*seeds)[UMBRA_SEED_BYTES] = seeds_memory;
    if (status == UMBRA_OK)
        status = umbra_query_encrypt(profile, key, tensors, count, ciphertexts, seeds);
    if (status == UMBRA_OK) {
        status = umbra_ciphertexts_save(
            path, &use, (const umbra_ciphertext *const *)ciphertexts, (int)number,
            (const unsigned char(*)[UMBRA_SEED_BYTES])seeds, file_bytes);
        for (size_t i = 0; i < number; i++)
            umbra_ciphertext_free(ciphertexts[i]);
    }
    umbra_memory_free(seeds);
    umbra_memory_free(ciphertexts);
    return status;
}
