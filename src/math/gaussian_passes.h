/* The cumulative table of the discrete Gaussian, searched for vectors of LANES samples: one text,
 * included once for each instruction set.
 *
 * All entries are compared with all samples, whatever they are, so that time and memory accesses
 * tell nothing. */
#include "math/gaussian_table.h"
#include "math/kernel_sets.h"

#include <string.h>

typedef uint64_t words __attribute__((vector_size(LANES * 8)));
typedef int64_t signs __attribute__((vector_size(LANES * 8)));
#define SAMPLES 16 /* of a block: their vectors share the loading of an entry */
#define BLOCK (SAMPLES / LANES)
#define TOP ((uint64_t)1 << 63)

/* Samples from pairs of words, the low one first; sign in the top bit of the high one.
 *
 * u - entry, of 127 bits each, borrows where the entry is above: the top bit of the difference of
 * the high words, less the borrow of the low ones. Low words are compared as signed numbers, their
 * top bits turned (`entry` too), for want of an unsigned comparison in AVX2. */
static inline __attribute__((always_inline)) void gaussian_block(int32_t *r,
                                                                 const unsigned char *bytes)
{
    words low[BLOCK], high[BLOCK], below[BLOCK];
    for (int b = 0; b < BLOCK; b++) {
        uint64_t pairs[2 * LANES];
        memcpy(pairs, bytes + sizeof pairs * (size_t)b, sizeof pairs);
        for (int i = 0; i < LANES; i++) {
            low[b][i] = pairs[2 * i] ^ TOP;
            high[b][i] = pairs[2 * i + 1];
        }
        below[b] = (words){0};
    }
    for (int k = 0; k < UMBRA_GAUSSIAN_CUT; k++) {
        const words entry = (words){0} + umbra_gaussian_table[k][0];
        const signs entry_low = (signs)((words){0} + (umbra_gaussian_table[k][1] ^ TOP));
#pragma GCC unroll 4
        for (int b = 0; b < BLOCK; b++) {
            const words borrow = (words)((signs)low[b] < entry_low); /* all ones */
            below[b] += ((high[b] & ~TOP) - entry + borrow) >> 63;
        }
    }
    for (int b = 0; b < BLOCK; b++) {
        const words sign = (words){0} - (high[b] >> 63);
        const words x = ((UMBRA_GAUSSIAN_CUT - below[b]) ^ sign) - sign;
        for (int i = 0; i < LANES; i++)
            r[b * LANES + i] = (int32_t)(int64_t)x[i];
    }
}

static inline void gaussian_samples(int32_t *r, const unsigned char *bytes, size_t n)
{
    assert(n % SAMPLES == 0);
    for (size_t i = 0; i < n; i += SAMPLES)
        gaussian_block(r + i, bytes + 16 * i);
}
