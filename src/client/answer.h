/* An encrypted result becomes logits, probabilities and labels. */
#ifndef UMBRA_CLIENT_ANSWER_H
#define UMBRA_CLIENT_ANSWER_H

#include "ckks/secret.h"
#include "plan/profile.h"

/* Decrypt the first `images` tensors (1 to layout->images) that stand in `layout` with slot =
 * factor * value.
 *
 * values:  images times umbra_layout_elements(layout) doubles, exact as decrypted: for the key
 * holder only. They carry the noise of the computation, from which the key could be attacked once
 * they are published; round them with umbra_answer_round before they leave ([LM21]) Returns:
 * UMBRA_E_MISMATCH for ciphertexts of another key or other parameters */
umbra_status umbra_answer_decrypt_tensor(const umbra_secret_key *key, const umbra_layout *layout,
                                         double factor, int images,
                                         const umbra_ciphertext *const *ciphertexts,
                                         double *values) UMBRA_MUST_USE;

/* Decrypt the answers to the first `images` inputs and round them: what may be shown and written.
 * logits holds images times the output's elements. */
umbra_status umbra_answer_decrypt(const umbra_profile *profile, const umbra_secret_key *key,
                                  int images, const umbra_ciphertext *const *ciphertexts,
                                  double *logits) UMBRA_MUST_USE;

/* Round to the power of two at or above the error that the plan predicts, but never finer than the
 * noise of a fresh ciphertext: the digits below are noise that depends on the key. The grid is the
 * same for every answer, so that an answer near zero shows zero, and not its noise. */
void umbra_answer_round(const umbra_profile *profile, double *values, size_t count);
/* That power of two: in logits, as the answer. */
double umbra_answer_grid(const umbra_profile *profile);

double umbra_answer_sigmoid(double logit);

#endif
