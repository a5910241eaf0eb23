/* Computing on ciphertexts: what a server does. No function here knows a secret. */
#ifndef UMBRA_CKKS_EVALUATOR_H
#define UMBRA_CKKS_EVALUATOR_H

#include "ckks/encoder.h"
#include "ckks/keys.h"

/* Holds references to parameters, keys and pool (borrowed) and its scratch. One call at a time. */
typedef struct umbra_evaluator umbra_evaluator;

/* keys may be NULL where none are needed; pool NULL: one thread. */
umbra_status umbra_evaluator_new(umbra_evaluator **out, const umbra_params *params,
                                 const umbra_evaluation_keys *keys,
                                 umbra_pool *pool) UMBRA_MUST_USE;
/* Scratch, in limbs of N words: of all threads together, and of each one. */
typedef struct umbra_scratch {
    size_t shared, worker;
} umbra_scratch;
/* What all calls but linear maps need of each thread. Shared scratch is not told: linear maps
 * need far more of it, as a rule. */
umbra_scratch umbra_evaluator_scratch(const umbra_params *params);
/* Take so much scratch at once. Calls take what they need in any case, but a block that grows map
 * by map costs fresh pages each time. */
umbra_status umbra_evaluator_prepare(umbra_evaluator *evaluator,
                                     umbra_scratch scratch) UMBRA_MUST_USE;
void umbra_evaluator_free(umbra_evaluator *evaluator);

/* In all calls: out must have the parameters and enough room (umbra_ciphertext_new at the same or a
 * higher level; its level, parts, scale, noise are set); out may be an input. Two operands must
 * agree in level, key and, for sums, in scale within 2^-20 relative: UMBRA_E_MISMATCH says which
 * differs and how to mend it. */
umbra_status umbra_eval_add(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                            const umbra_ciphertext *b) UMBRA_MUST_USE;
umbra_status umbra_eval_sub(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                            const umbra_ciphertext *b) UMBRA_MUST_USE;
umbra_status umbra_eval_negate(umbra_evaluator *e, umbra_ciphertext *out,
                               const umbra_ciphertext *a) UMBRA_MUST_USE;
umbra_status umbra_eval_add_plain(umbra_evaluator *e, umbra_ciphertext *out,
                                  const umbra_ciphertext *a,
                                  const umbra_plaintext *b) UMBRA_MUST_USE;
umbra_status umbra_eval_multiply_plain(umbra_evaluator *e, umbra_ciphertext *out,
                                       const umbra_ciphertext *a,
                                       const umbra_plaintext *b) UMBRA_MUST_USE;
/* Add a real number to every slot. */
umbra_status umbra_eval_add_scalar(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a, double value) UMBRA_MUST_USE;
/* Multiply by value rounded at scale 2^scale_log2 (the result's scale grows by it). A value of 1
 * with a whole scale_log2 is exact: it only raises the scale. */
umbra_status umbra_eval_multiply_scalar(umbra_evaluator *e, umbra_ciphertext *out,
                                        const umbra_ciphertext *a, double value,
                                        double scale_log2) UMBRA_MUST_USE;
/* Multiply two ciphertexts (or square when a == b) and relinearise: one call, parts stay 2. */
umbra_status umbra_eval_multiply(umbra_evaluator *e, umbra_ciphertext *out,
                                 const umbra_ciphertext *a,
                                 const umbra_ciphertext *b) UMBRA_MUST_USE;
/* Parts 3, without relinearisation; and relinearisation on its own. */
umbra_status umbra_eval_multiply_lazy(umbra_evaluator *e, umbra_ciphertext *out,
                                      const umbra_ciphertext *a,
                                      const umbra_ciphertext *b) UMBRA_MUST_USE;
umbra_status umbra_eval_relinearise(umbra_evaluator *e, umbra_ciphertext *out,
                                    const umbra_ciphertext *a) UMBRA_MUST_USE;
/* One level down, divided by the primes dropped (scale shrinks by umbra_params_rescale_log2). */
umbra_status umbra_eval_rescale(umbra_evaluator *e, umbra_ciphertext *out,
                                const umbra_ciphertext *a) UMBRA_MUST_USE;
/* To a lower level whose primes are a subset, same scale. */
umbra_status umbra_eval_drop_level(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a, int level) UMBRA_MUST_USE;
/* Slots turn to the left by step_slots. */
umbra_status umbra_eval_rotate(umbra_evaluator *e, umbra_ciphertext *out, const umbra_ciphertext *a,
                               int64_t step_slots) UMBRA_MUST_USE;
umbra_status umbra_eval_conjugate(umbra_evaluator *e, umbra_ciphertext *out,
                                  const umbra_ciphertext *a) UMBRA_MUST_USE;
/* count rotations of one ciphertext with one decomposition. */
umbra_status umbra_eval_rotate_hoisted(umbra_evaluator *e, umbra_ciphertext *const *out,
                                       const umbra_ciphertext *a, const int64_t *steps_slots,
                                       size_t count) UMBRA_MUST_USE;

#endif
