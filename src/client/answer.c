/* An encrypted result becomes logits, probabilities and labels. */
#include "client/answer.h"

#include "base/memory.h"
#include "ckks/encoder.h"
#include "ckks/noise.h"

#include <math.h>

static umbra_status decrypt_one(const umbra_secret_key *key, const umbra_ciphertext *ciphertext,
                                double *slots, size_t count)
{
    umbra_plaintext *plain = NULL;
    UMBRA_TRY(umbra_plaintext_new(&plain, ciphertext->params, ciphertext->level));
    umbra_status status = umbra_decrypt(plain, ciphertext, key);
    if (status == UMBRA_OK)
        status = umbra_decode(plain, slots, NULL, count);
    umbra_plaintext_free(plain);
    return status;
}

umbra_status umbra_answer_decrypt_tensor(const umbra_secret_key *key, const umbra_layout *layout,
                                         double factor, int images,
                                         const umbra_ciphertext *const *ciphertexts, double *values)
{
    size_t total = (size_t)layout->ciphertexts * layout->slots;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, total * sizeof(double)));
    double *slots = memory;
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < layout->ciphertexts && status == UMBRA_OK; i++)
        status = decrypt_one(key, ciphertexts[i], slots + (size_t)i * layout->slots, layout->slots);
    if (status == UMBRA_OK) {
        umbra_layout_gather(layout, slots, images, values);
        for (size_t i = 0; i < (size_t)images * umbra_layout_elements(layout); i++)
            values[i] /= factor;
    }
    umbra_secret_free(slots);
    return status;
}

/* The rounding of answers relies on the plan's scale: a server that names another would be shown
 * digits of the noise. */
static umbra_status check_result(const umbra_profile *profile, const umbra_ciphertext *c, int index)
{
    if (c->level == profile->output_level &&
        fabs(c->scale_log2 - profile->output_scale_log2) <= 0x1p-20)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_MISMATCH,
                      "ciphertext %d of the result has level %d and scale 2^%.4f, and results of "
                      "this plan have level %d and scale 2^%.4f: it was not made by the plan of "
                      "this profile; ask the server again",
                      index, c->level, c->scale_log2, profile->output_level,
                      profile->output_scale_log2);
}

umbra_status umbra_answer_decrypt(const umbra_profile *profile, const umbra_secret_key *key,
                                  int images, const umbra_ciphertext *const *ciphertexts,
                                  double *logits)
{
    for (int i = 0; i < profile->output_layout.ciphertexts; i++)
        UMBRA_TRY(check_result(profile, ciphertexts[i], i));
    UMBRA_TRY(umbra_answer_decrypt_tensor(key, &profile->output_layout, profile->output_factor,
                                          images, ciphertexts, logits));
    size_t count = (size_t)images * umbra_layout_elements(&profile->output_layout);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(logits[i]))
            return umbra_fail(UMBRA_E_INPUT,
                              "output %zu of the result is not a number; ask the server again", i);
    umbra_answer_round(profile, logits, count);
    return UMBRA_OK;
}

/* What the server claims is not enough: below the noise of a fresh ciphertext no digit is an
 * answer. */
static double least_error(const umbra_profile *profile)
{
    double fresh = umbra_noise_fresh_secret(profile->params) - profile->input_scale_log2;
    return fmax(profile->output_error, exp2(fresh) / profile->output_factor);
}

double umbra_answer_grid(const umbra_profile *profile)
{
    return exp2(ceil(log2(least_error(profile))));
}

void umbra_answer_round(const umbra_profile *profile, double *values, size_t count)
{
    double grid = umbra_answer_grid(profile);
    for (size_t i = 0; i < count; i++)
        values[i] = nearbyint(values[i] / grid) * grid;
}

double umbra_answer_sigmoid(double logit)
{
    return logit >= 0 ? 1 / (1 + exp(-logit)) : exp(logit) / (1 + exp(logit));
}
