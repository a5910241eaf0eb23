/* Keys of which only the b halves stand in memory: the a halves are made while they are read. */
#include "ckks/internal.h"

#include "base/memory.h"

/* Rows are made an eighth at a time: a batch of two rows a digit is then one limb, and at N = 2^15
 * its 256 KiB stay in the cache of a core between being made and being read. */
#define PIECES 8

bool umbra_key_holding_seeds(const umbra_key_holding *holding, uint32_t galois)
{
    size_t low = 0, high = holding == NULL ? 0 : holding->seeded_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (holding->seeded[middle] < galois)
            low = middle + 1;
        else
            high = middle;
    }
    return holding != NULL && low < holding->seeded_count && holding->seeded[low] == galois;
}

uint64_t umbra_key_whole_bytes(const umbra_params *params, int level)
{
    const umbra_level *l = &params->levels[level];
    const uint64_t rows =
        (uint64_t)(l->limbs + params->literal.special_count) * (uint64_t)l->digits * 2;
    return rows * params->degree * sizeof(uint64_t);
}

uint64_t umbra_key_seeded_bytes(const umbra_params *params, int level)
{
    return umbra_switch_blob_bytes(params, level);
}

void umbra_seeded_dot2(const umbra_params *params, const umbra_switch_key *key, int limb,
                       const int *digits, const uint64_t *const *values, size_t count,
                       int accumulate, uint64_t *r0, uint64_t *r1, uint64_t *scratch)
{
    const size_t piece = params->degree / PIECES;
    const int prime = umbra_switch_limb_prime(params, key->level, limb);
    const umbra_modulus *m = umbra_params_modulus(params, prime);
    const size_t packed_bytes = umbra_packed_bytes(piece, m->bits); /* no bits between pieces */
    umbra_uniform uniform[UMBRA_SWITCH_BATCH];
    const unsigned char *packed[UMBRA_SWITCH_BATCH];
    for (size_t i = 0; i < count; i++) {
        packed[i] = key->packed + umbra_switch_blob_offset(params, key->level, limb, digits[i]);
        umbra_uniform_start(
            &uniform[i], m, key->seed,
            umbra_switch_stream(params->levels[key->level].digit_number[digits[i]], prime));
    }
    for (size_t at = 0; at < params->degree; at += piece) {
        const uint64_t *halves[2][UMBRA_SWITCH_BATCH], *pieces[UMBRA_SWITCH_BATCH];
        for (size_t i = 0; i < count; i++) {
            uint64_t *b = scratch + 2 * i * piece, *a = b + piece;
            const bool whole = umbra_unpack_bits(b, packed[i], piece, m->bits, 0);
            (void)whole; /* residues and padding were checked when the key came */
            umbra_uniform_next(&uniform[i], a, piece);
            packed[i] += packed_bytes;
            halves[0][i] = b;
            halves[1][i] = a;
            pieces[i] = values[i] + at;
        }
        params->kernels->dot2(r0 + at, r1 + at, halves[0], halves[1], pieces, count, accumulate,
                              piece, m);
    }
}
