/* The complex FFT over memory on vectors of LANES doubles: one text, included once for each
 * instruction set.
 *
 * Everywhere the same butterflies with the same roundings, whatever LANES is, so that all sets give
 * the same bits; the build forbids fused operations (-ffp-contract=off). Real and imaginary parts
 * stand apart. Root j of the level `half` is at half + j. Transforms of at least 64 slots do the
 * bit reversal and the three levels next to it in one pass over tiles of 8 by 8, the other levels
 * in pairs. */
#include "math/bits.h"
#include "math/kernel_sets.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

typedef double vec __attribute__((vector_size(LANES * 8)));
/* The same in memory, where only doubles are aligned. */
typedef double vec_memory __attribute__((vector_size(LANES * 8), aligned(8), may_alias));

#define LOAD(p) (*(const vec_memory *)(const void *)(p))
#define STORE(p, x) (*(vec_memory *)(void *)(p) = (x))

/* x, y -> x + w*y, x - w*y; and the opposite: x + y, (x - y) * conj(w). Factors are vectors or
 * scalars. */
#define BUTTERFLY(xr, xi, yr, yi, wr, wi)                                                          \
    do {                                                                                           \
        vec tr_ = (yr) * (wr) - (yi) * (wi), ti_ = (yr) * (wi) + (yi) * (wr);                      \
        (yr) = (xr)-tr_;                                                                           \
        (yi) = (xi)-ti_;                                                                           \
        (xr) = (xr) + tr_;                                                                         \
        (xi) = (xi) + ti_;                                                                         \
    } while (0)
#define INVERSE_BUTTERFLY(xr, xi, yr, yi, wr, wi)                                                  \
    do {                                                                                           \
        vec dr_ = (xr) - (yr), di_ = (xi) - (yi);                                                  \
        (xr) = (xr) + (yr);                                                                        \
        (xi) = (xi) + (yi);                                                                        \
        (yr) = dr_ * (wr) + di_ * (wi);                                                            \
        (yi) = di_ * (wr)-dr_ * (wi);                                                              \
    } while (0)

/* Tables and the place of the transform. */
typedef struct embedding {
    double *re, *im;
    size_t slots;
    const double *wr, *wi;
} embedding;

/* LANES rows of as many words, in place. */
INLINE void transpose(vec *x)
{
#if LANES == 2
    vec a = x[0], b = x[1];
    x[0] = __builtin_shufflevector(a, b, 0, 2);
    x[1] = __builtin_shufflevector(a, b, 1, 3);
#else
    vec y[LANES];
    UNROLL
    for (int k = 0; k < LANES; k += 2) { /* the lowest bits of row and column */
#if LANES == 4
        y[k] = __builtin_shufflevector(x[k], x[k + 1], 0, 4, 2, 6);
        y[k + 1] = __builtin_shufflevector(x[k], x[k + 1], 1, 5, 3, 7);
#else
        y[k] = __builtin_shufflevector(x[k], x[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        y[k + 1] = __builtin_shufflevector(x[k], x[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
#endif
    }
    UNROLL
    for (int k = 0; k < LANES; k++) { /* the next bits */
        if ((k & 2) != 0)
            continue;
#if LANES == 4
        x[k] = __builtin_shufflevector(y[k], y[k + 2], 0, 1, 4, 5);
        x[k + 2] = __builtin_shufflevector(y[k], y[k + 2], 2, 3, 6, 7);
#else
        x[k] = __builtin_shufflevector(y[k], y[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        x[k + 2] = __builtin_shufflevector(y[k], y[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
#endif
    }
#if LANES == 8
    UNROLL
    for (int k = 0; k < 4; k++) { /* the highest bits */
        vec a = x[k], b = x[k + 4];
        x[k] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        x[k + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
#endif
#endif
}

static const unsigned char reversed[8] = {0, 4, 2, 6, 1, 5, 3, 7};

/* The levels 1, 2, 4 on eight rows of a tile, LANES columns of it. */
INLINE void tile_levels(vec *xr, vec *xi, const embedding *e)
{
    UNROLL
    for (int half = 1; half < 8; half *= 2)
        UNROLL
    for (int k = 0; k < 8; k++)
        if ((k & half) == 0) {
            const double wr = e->wr[half + k % half], wi = e->wi[half + k % half];
            BUTTERFLY(xr[k], xi[k], xr[k + half], xi[k + half], wr, wi);
        }
}

INLINE void tile_levels_inverse(vec *xr, vec *xi, const embedding *e)
{
    UNROLL
    for (int half = 4; half > 0; half /= 2)
        UNROLL
    for (int k = 0; k < 8; k++)
        if ((k & half) == 0) {
            const double wr = e->wr[half + k % half], wi = e->wi[half + k % half];
            INVERSE_BUTTERFLY(xr[k], xi[k], xr[k + half], xi[k + half], wr, wi);
        }
}

/* out[c][k] = in[k][c] for the LANES columns from `column`; out has eight words a row. */
INLINE void turn_columns(double *out, const vec *x, int column)
{
    UNROLL
    for (int k = 0; k < 8; k += LANES) {
        vec part[LANES];
        UNROLL
        for (int l = 0; l < LANES; l++)
            part[l] = x[k + l];
        transpose(part);
        UNROLL
        for (int l = 0; l < LANES; l++)
            STORE(out + 8 * (column + l) + k, part[l]);
    }
}

/* One tile with the middle bits m: rows are the high three bits of an index. Row k of the tile in
 * the order of the levels is row reversed[k] in memory. out: [low bits][row], to be stored at the
 * reversed place. */
static void tile_forward(double out[2][64], const embedding *e, size_t m)
{
    const size_t stride = e->slots / 8;
    for (int column = 0; column < 8; column += LANES) {
        vec xr[8], xi[8];
        UNROLL
        for (size_t k = 0; k < 8; k++) {
            const size_t at = reversed[k] * stride + 8 * m + (size_t)column;
            xr[k] = LOAD(e->re + at);
            xi[k] = LOAD(e->im + at);
        }
        tile_levels(xr, xi, e);
        turn_columns(out[0], xr, column);
        turn_columns(out[1], xi, column);
    }
}

/* The same backwards: the low bits turn into rows, then the levels, then 1/slots, exact as a power
 * of two. */
static void tile_inverse(double out[2][64], const embedding *e, size_t m)
{
    const size_t stride = e->slots / 8;
    const double scale = 1.0 / (double)e->slots;
    double turned[2][64];
    for (int column = 0; column < 8; column += LANES) {
        vec xr[8], xi[8];
        UNROLL
        for (size_t k = 0; k < 8; k++) {
            const size_t at = reversed[k] * stride + 8 * m + (size_t)column;
            xr[k] = LOAD(e->re + at);
            xi[k] = LOAD(e->im + at);
        }
        turn_columns(turned[0], xr, column);
        turn_columns(turned[1], xi, column);
    }
    for (int column = 0; column < 8; column += LANES) {
        vec xr[8], xi[8];
        UNROLL
        for (int k = 0; k < 8; k++) {
            xr[k] = LOAD(turned[0] + 8 * k + column);
            xi[k] = LOAD(turned[1] + 8 * k + column);
        }
        tile_levels_inverse(xr, xi, e);
        UNROLL
        for (int k = 0; k < 8; k++) {
            STORE(out[0] + 8 * k + column, xr[k] * scale);
            STORE(out[1] + 8 * k + column, xi[k] * scale);
        }
    }
}

static void tile_store(double in[2][64], const embedding *e, size_t m)
{
    for (size_t k = 0; k < 8; k++) {
        const size_t at = reversed[k] * (e->slots / 8) + 8 * m;
        memcpy(e->re + at, in[0] + 8 * k, 8 * sizeof(double));
        memcpy(e->im + at, in[1] + 8 * k, 8 * sizeof(double));
    }
}

/* Tiles change places in pairs, as their middle bits are reversed. */
INLINE void tiles(const embedding *e, void (*work)(double[2][64], const embedding *, size_t))
{
    const int bits = __builtin_ctzll(e->slots) - 6;
    for (uint32_t m = 0; m < (uint32_t)1 << bits; m++) {
        const uint32_t other = umbra_bit_reverse(m, bits);
        double first[2][64], second[2][64];
        if (other < m)
            continue;
        work(first, e, m);
        if (other != m) {
            work(second, e, other);
            tile_store(second, e, m);
        }
        tile_store(first, e, other);
    }
}

/* Fewer than 64 slots. */
static void small_reverse(double *a, size_t slots)
{
    const int bits = __builtin_ctzll(slots);
    for (uint32_t i = 0; i < slots; i++) {
        const uint32_t j = umbra_bit_reverse(i, bits);
        if (i < j) {
            const double t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
    }
}

static void small_forward(const embedding *e)
{
    double *re = e->re, *im = e->im;
    small_reverse(re, e->slots);
    small_reverse(im, e->slots);
    for (size_t half = 1; half < e->slots; half *= 2)
        for (size_t i = 0; i < e->slots; i++) {
            if ((i & half) != 0)
                continue;
            const double wr = e->wr[half + i % half], wi = e->wi[half + i % half];
            const double yr = re[i + half], yi = im[i + half];
            const double tr = yr * wr - yi * wi, ti = yr * wi + yi * wr;
            re[i + half] = re[i] - tr;
            im[i + half] = im[i] - ti;
            re[i] = re[i] + tr;
            im[i] = im[i] + ti;
        }
}

static void small_inverse(const embedding *e)
{
    double *re = e->re, *im = e->im;
    for (size_t half = e->slots / 2; half >= 1; half /= 2)
        for (size_t i = 0; i < e->slots; i++) {
            if ((i & half) != 0)
                continue;
            const double wr = e->wr[half + i % half], wi = e->wi[half + i % half];
            const double dr = re[i] - re[i + half], di = im[i] - im[i + half];
            re[i] = re[i] + re[i + half];
            im[i] = im[i] + im[i + half];
            re[i + half] = dr * wr + di * wi;
            im[i + half] = di * wr - dr * wi;
        }
    small_reverse(re, e->slots);
    small_reverse(im, e->slots);
    for (size_t i = 0; i < e->slots; i++) {
        re[i] *= 1.0 / (double)e->slots;
        im[i] *= 1.0 / (double)e->slots;
    }
}

/* The levels half and, with `levels` 2, 2*half over all blocks; half >= 8. */
INLINE void rows_pass(const embedding *e, size_t half, int levels, int inverse)
{
    const size_t rows = (size_t)1 << levels;
    for (size_t block = 0; block < e->slots; block += rows * half)
        for (size_t j = 0; j < half; j += LANES) {
            vec xr[4], xi[4];
            double *re = e->re + block + j, *im = e->im + block + j;
            UNROLL
            for (size_t k = 0; k < rows; k++) {
                xr[k] = LOAD(re + k * half);
                xi[k] = LOAD(im + k * half);
            }
            UNROLL
            for (int l = 0; l < levels; l++) {
                const size_t distance = (size_t)1 << (inverse ? levels - 1 - l : l);
                UNROLL
                for (size_t k = 0; k < rows; k++) {
                    if ((k & distance) != 0)
                        continue;
                    const size_t root = distance * half + k % distance * half + j;
                    const vec wr = LOAD(e->wr + root), wi = LOAD(e->wi + root);
                    if (inverse)
                        INVERSE_BUTTERFLY(xr[k], xi[k], xr[k + distance], xi[k + distance], wr, wi);
                    else
                        BUTTERFLY(xr[k], xi[k], xr[k + distance], xi[k + distance], wr, wi);
                }
            }
            UNROLL
            for (size_t k = 0; k < rows; k++) {
                STORE(re + k * half, xr[k]);
                STORE(im + k * half, xi[k]);
            }
        }
}

INLINE void embed_slots(double *re, double *im, size_t slots, const double *wr, const double *wi)
{
    const embedding e = {re, im, slots, wr, wi};
    if (slots < 64) {
        small_forward(&e);
        return;
    }
    tiles(&e, tile_forward);
    size_t half = 8;
    if (__builtin_ctzll(slots) % 2 == 0) { /* an odd number of levels is left */
        rows_pass(&e, half, 1, 0);
        half *= 2;
    }
    for (; half < slots; half *= 4)
        rows_pass(&e, half, 2, 0);
}

INLINE void embed_inverse_slots(double *re, double *im, size_t slots, const double *wr,
                                const double *wi)
{
    const embedding e = {re, im, slots, wr, wi};
    if (slots < 64) {
        small_inverse(&e);
        return;
    }
    size_t half = slots / 4;
    for (; half >= 8; half /= 4)
        rows_pass(&e, half, 2, 1);
    if (__builtin_ctzll(slots) % 2 == 0)
        rows_pass(&e, 8, 1, 1);
    tiles(&e, tile_inverse);
}
