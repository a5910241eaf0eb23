/* Immutable parameters: the tables that every other file of the scheme reads. */
#include "ckks/internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static void list_primes(umbra_params *params, umbra_level *level, uint64_t set)
{
    const int k = params->literal.special_count;
    for (int i = 0; i < params->literal.prime_count; i++) {
        level->position[i] = -1;
        if ((set >> i & 1) == 0)
            continue;
        const int number = i / k;
        if (level->digits == 0 || level->digit_number[level->digits - 1] != number)
            level->digit_number[level->digits++] = number;
        level->digit_of_limb[level->limbs] = level->digits - 1;
        level->position[i] = level->limbs;
        level->prime[level->limbs++] = i;
        level->log2_q += log2((double)params->literal.primes[i]);
    }
}

static umbra_status make_digits(umbra_params *params, umbra_level *level)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)level->digits, sizeof(umbra_basis),
                                       "gadget tables"));
    level->digit = memory;
    for (int d = 0; d < level->digits; d++) {
        int primes[UMBRA_MAX_SPECIAL], count = 0;
        for (int i = 0; i < level->limbs; i++)
            if (level->digit_of_limb[i] == d)
                primes[count++] = level->prime[i];
        UMBRA_TRY(umbra_basis_init(&level->digit[d], params->ntt, params->total, primes, count));
    }
    return UMBRA_OK;
}

/* Product of the primes of `set` modulo m. */
static uint64_t product_mod(const umbra_params *params, uint64_t set, const umbra_modulus *m)
{
    uint64_t product = 1;
    for (int i = 0; i < params->literal.prime_count; i++)
        if ((set >> i & 1) != 0)
            product = umbra_mod_mul(product, umbra_mod_reduce(params->literal.primes[i], m), m);
    return product;
}

static umbra_status make_rescale(umbra_params *params, int number)
{
    umbra_level *level = &params->levels[number], *lower = &params->levels[number - 1];
    umbra_rescale_table *table = &level->rescale;
    const uint64_t from = params->literal.levels[number].prime_set;
    const uint64_t to = params->literal.levels[number - 1].prime_set;
    int dropped[UMBRA_MAX_PRIMES] = {0}, count = 0;
    for (int i = 0; i < level->limbs; i++)
        if (lower->position[level->prime[i]] < 0)
            dropped[count++] = level->prime[i];
    umbra_status status =
        umbra_basis_init(&table->dropped, params->ntt, params->total, dropped, count);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "level %d", number);
    for (int i = 0; i < count; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, dropped[i]);
        table->source_factor[i] =
            umbra_mod_mul(table->dropped.scale[i], product_mod(params, to & ~from, m), m);
    }
    for (int j = 0; j < lower->limbs; j++) {
        const umbra_modulus *m = umbra_params_modulus(params, lower->prime[j]);
        table->added_factor[j] = product_mod(params, to & ~from, m); /* 0 modulo an added prime */
        table->inverse[j] = umbra_mod_inverse(product_mod(params, from & ~to, m), m);
    }
    table->log2 = level->log2_q - lower->log2_q;
    return UMBRA_OK;
}

static umbra_status make_levels(umbra_params *params)
{
    const umbra_params_literal *l = &params->literal;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)l->level_count, sizeof(umbra_level),
                                       "level tables"));
    params->levels = memory;
    for (int i = 0; i < l->level_count; i++) {
        list_primes(params, &params->levels[i], l->levels[i].prime_set);
        UMBRA_TRY(make_digits(params, &params->levels[i]));
        if (i > 0)
            UMBRA_TRY(make_rescale(params, i));
    }
    return UMBRA_OK;
}

static umbra_status make_special(umbra_params *params)
{
    const umbra_params_literal *l = &params->literal;
    int primes[UMBRA_MAX_SPECIAL];
    for (int i = 0; i < l->special_count; i++)
        primes[i] = l->prime_count + i;
    UMBRA_TRY(
        umbra_basis_init(&params->special, params->ntt, params->total, primes, l->special_count));
    for (int i = 0; i < l->prime_count; i++) {
        const umbra_modulus *m = umbra_params_modulus(params, i);
        uint64_t product = 1;
        for (int k = 0; k < l->special_count; k++)
            product = umbra_mod_mul(product, umbra_mod_reduce(l->special[k], m), m);
        params->special_product[i] = product;
        params->special_inverse[i] = umbra_mod_inverse(product, m);
        params->log2_q += log2((double)m->q);
    }
    params->log2_p = params->special.log2;
    return UMBRA_OK;
}

static uint64_t prime_of(const umbra_params_literal *l, int i)
{
    return i < l->prime_count ? l->primes[i] : l->special[i - l->prime_count];
}

static umbra_status make_tables(umbra_params *params)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)params->total, sizeof(umbra_ntt),
                                       "transform tables"));
    params->ntt = memory;
    return UMBRA_OK;
}

/* What conversions and logarithms need of a prime. */
static umbra_status make_moduli(umbra_params *params)
{
    UMBRA_TRY(make_tables(params));
    for (int i = 0; i < params->total; i++)
        UMBRA_TRY(umbra_modulus_init(&params->ntt[i].modulus, prime_of(&params->literal, i)));
    return UMBRA_OK;
}

static umbra_status make_transforms(umbra_params *params)
{
    const umbra_params_literal *l = &params->literal;
    UMBRA_TRY(make_tables(params));
    for (int i = 0; i < params->total; i++)
        UMBRA_TRY(umbra_ntt_init(&params->ntt[i], prime_of(l, i), l->degree_log2));
    return umbra_fft_new(&params->fft, l->degree_log2);
}

static umbra_status make_hash(umbra_params *params)
{
    umbra_writer writer = {0};
    umbra_params_write(params, &writer);
    umbra_status status = umbra_writer_check(&writer);
    if (status == UMBRA_OK)
        umbra_hash(params->hash, writer.bytes, writer.size);
    umbra_writer_free(&writer);
    return status;
}

static umbra_status make(umbra_params **out, const umbra_params_literal *literal,
                         umbra_status (*make_primes)(umbra_params *))
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_params), "parameters"));
    umbra_params *params = memory;
    params->literal = *literal;
    params->degree = (size_t)1 << literal->degree_log2;
    params->total = literal->prime_count + literal->special_count;
    params->kernels = umbra_kernels_get();
    umbra_status status = UMBRA_OK;
    UMBRA_GOTO(fail, status, make_primes(params));
    UMBRA_GOTO(fail, status, make_special(params));
    UMBRA_GOTO(fail, status, make_levels(params));
    UMBRA_GOTO(fail, status, make_hash(params));
    *out = params;
    return UMBRA_OK;
fail:
    umbra_params_free(params);
    return status;
}

umbra_status umbra_params_new(umbra_params **out, const umbra_params_literal *literal)
{
    UMBRA_TRY(umbra_params_check(literal));
    return make(out, literal, make_transforms);
}

umbra_status umbra_params_new_sketch(umbra_params **out, const umbra_params_literal *literal)
{
    UMBRA_TRY(umbra_params_check_shape(literal));
    return make(out, literal, make_moduli);
}

void umbra_params_free(umbra_params *params)
{
    if (params == NULL)
        return;
    for (int i = 0; params->levels != NULL && i < params->literal.level_count; i++) {
        umbra_level *level = &params->levels[i];
        for (int d = 0; level->digit != NULL && d < level->digits; d++)
            umbra_basis_free(&level->digit[d]);
        umbra_memory_free(level->digit);
        umbra_basis_free(&level->rescale.dropped);
    }
    umbra_memory_free(params->levels);
    umbra_basis_free(&params->special);
    for (int i = 0; params->ntt != NULL && i < params->total; i++)
        umbra_ntt_free(&params->ntt[i]);
    umbra_memory_free(params->ntt);
    umbra_fft_free(params->fft);
    umbra_memory_free(params);
}
