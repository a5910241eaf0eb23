/* Reading parameters. */
#include "ckks/internal.h"

#include <assert.h>
#include <math.h>

static const umbra_level *level_at(const umbra_params *params, int level)
{
    assert(level >= 0 && level < params->literal.level_count);
    return &params->levels[level];
}

int umbra_params_degree_log2(const umbra_params *params)
{
    return params->literal.degree_log2;
}

size_t umbra_params_degree(const umbra_params *params)
{
    return params->degree;
}

size_t umbra_params_slots(const umbra_params *params)
{
    return params->degree / 2;
}

int umbra_params_prime_count(const umbra_params *params)
{
    return params->literal.prime_count;
}

int umbra_params_special_count(const umbra_params *params)
{
    return params->literal.special_count;
}

int umbra_params_level_count(const umbra_params *params)
{
    return params->literal.level_count;
}

const int *umbra_params_level_primes(const umbra_params *params, int level, int *limbs)
{
    const umbra_level *l = level_at(params, level);
    *limbs = l->limbs;
    return l->prime;
}

int umbra_params_level_limbs(const umbra_params *params, int level)
{
    return level_at(params, level)->limbs;
}

uint64_t umbra_params_level_set(const umbra_params *params, int level)
{
    (void)level_at(params, level);
    return params->literal.levels[level].prime_set;
}

int umbra_params_level_digits(const umbra_params *params, int level)
{
    return level_at(params, level)->digits;
}

double umbra_params_level_log2_q(const umbra_params *params, int level)
{
    return level_at(params, level)->log2_q;
}

double umbra_params_level_scale_log2(const umbra_params *params, int level)
{
    (void)level_at(params, level);
    return params->literal.levels[level].scale_log2;
}

double umbra_params_rescale_log2(const umbra_params *params, int level)
{
    assert(level > 0);
    return level_at(params, level)->rescale.log2;
}

double umbra_params_rescaled_log2(const umbra_params *params, int level, double scale_log2)
{
    const double exact = scale_log2 - umbra_params_rescale_log2(params, level);
    const double near = nearbyint(exact * 0x1p16) * 0x1p-16;
    return fabs(exact - near) < 0x1p-36 ? near : exact;
}

double umbra_params_log2_q(const umbra_params *params)
{
    return params->log2_q;
}

double umbra_params_log2_qp(const umbra_params *params)
{
    return params->log2_q + params->log2_p;
}

const umbra_ntt *umbra_params_ntt(const umbra_params *params, int prime)
{
    assert(prime >= 0 && prime < params->total);
    return &params->ntt[prime];
}

const umbra_fft *umbra_params_fft(const umbra_params *params)
{
    return params->fft;
}

const umbra_kernels *umbra_params_kernels(const umbra_params *params)
{
    return params->kernels;
}

const unsigned char *umbra_params_hash(const umbra_params *params)
{
    return params->hash;
}
