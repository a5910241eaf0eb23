/* Pairs of registers of eight words, in the orders that the NTT's levels between the lanes want.
 *
 * Of elements 0 .. 15 each level wants its partners in two registers: those of fours in (0-3, 8-11
 * | 4-7, 12-15), those of twos in (0 1 4 5 8 9 12 13 | the others), those of ones in (even | odd).
 */
#ifndef UMBRA_MATH_LANE_PAIRS_H
#define UMBRA_MATH_LANE_PAIRS_H

#include <immintrin.h>

typedef struct pair {
    __m512i a, b;
} pair;

#define PAIRS static inline __attribute__((always_inline))

/* From the order in memory to fours, and back. */
PAIRS pair swap_fours(__m512i a, __m512i b)
{
    return (pair){_mm512_shuffle_i64x2(a, b, 0x44), _mm512_shuffle_i64x2(a, b, 0xee)};
}

/* From fours to twos, and back. */
PAIRS pair swap_twos(__m512i a, __m512i b)
{
    return (pair){_mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), b),
                  _mm512_permutex2var_epi64(a, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), b)};
}

/* From twos to ones, and back. */
PAIRS pair swap_ones(__m512i a, __m512i b)
{
    return (pair){_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)};
}

/* From ones to the order in memory. */
PAIRS pair join_ones(__m512i a, __m512i b)
{
    return (pair){_mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b),
                  _mm512_permutex2var_epi64(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b)};
}

/* From the order in memory to ones. */
PAIRS pair part_ones(__m512i a, __m512i b)
{
    return (pair){_mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b),
                  _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b)};
}

/* p0 p0 p0 p0 p1 p1 p1 p1 */
PAIRS __m512i by_four(const void *p)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 0, 0, 1, 1, 1, 1),
                                    _mm512_castsi128_si512(_mm_loadu_si128(p)));
}

#endif
