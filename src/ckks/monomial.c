/* Multiplication by X^(N/2) in NTT order. */
#include "ckks/monomial.h"

#include "ckks/evaluator_internal.h"

/* X^(N/2) at psi^(2*bitrev(j)+1) is I^(2*bitrev(j)+1) with I = psi^(N/2), I^2 = -1: I where
 * bitrev(j) is even, that is j < N/2, and -I in the other half. I is the root of the transform's
 * first level. */
umbra_status umbra_eval_multiply_i(umbra_evaluator *e, umbra_ciphertext *out,
                                   const umbra_ciphertext *a)
{
    UMBRA_TRY(umbra_check_input(e, a, 3));
    UMBRA_TRY(umbra_check_output(e, out, a->level, a->parts));
    const umbra_level *level = &e->params->levels[a->level];
    const size_t half = e->degree / 2;
    for (int p = 0; p < a->parts; p++)
        for (int i = 0; i < level->limbs; i++) {
            const umbra_ntt *ntt = &e->params->ntt[level->prime[i]];
            const umbra_modulus *m = &ntt->modulus;
            const uint64_t *in = a->part[p] + (size_t)i * e->degree;
            uint64_t *r = out->part[p] + (size_t)i * e->degree;
            e->kernels->mul_scalar(r, in, ntt->roots[1], half, m);
            e->kernels->mul_scalar(r + half, in + half, m->q - ntt->roots[1], half, m);
        }
    umbra_copy_header(out, a);
    return UMBRA_OK;
}
