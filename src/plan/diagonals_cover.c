/* Which shifts serve a set of residues, when each shift also serves its sum with half. */
#include "plan/diagonals_internal.h"

/* Residues that the digits of a split put side by side must have the same parity of v below, or
 * their covers would use different giants: round as the digits below half do. */
static size_t rounding(const umbra_diagonal_split *split, size_t modulus)
{
    size_t sum = 0, last = 1;
    for (int i = 0; i < 3; i++) {
        if (split->radix[i] > split->half || split->radix[i] >= modulus)
            break;
        if (split->radix[i] > last)
            sum += split->radix[i] / 2;
        last = split->radix[i];
    }
    return sum > 0 ? sum : split->half / 2;
}

/* A run r, r + h, ... r + (L-1) h with r - h absent takes every second shift. It starts one early
 * where v is odd and so costs nothing more when L is odd; when L is even it starts at r. */
static size_t cover_run(size_t r, size_t v, size_t half, size_t mask, uint32_t *cover,
                        unsigned char *marks)
{
    size_t length = 0, count = 0;
    for (size_t x = r; marks[x] != 0; x = (x + half) & mask) {
        marks[x] = 2;
        length++;
    }
    size_t x = v % 2 == 1 && length % 2 == 1 ? (r - half) & mask : r;
    for (; count < (length + 1) / 2; x = (x + 2 * half) & mask)
        cover[count++] = (uint32_t)x;
    return count;
}

size_t umbra_diagonal_cover(const umbra_diagonal_split *split, const uint32_t *residues,
                            size_t count, size_t base, size_t modulus, uint32_t *cover,
                            unsigned char *marks)
{
    size_t mask = modulus - 1, half = split->half, made = 0;
    if (half == 0 ||
        half >= modulus) { /* a rotation by a multiple of the period is no second value */
        for (size_t lift = 0; lift < modulus; lift += base)
            for (size_t i = 0; i < count; i++)
                cover[made++] = (uint32_t)(residues[i] + lift);
        return made;
    }
    size_t round = rounding(split, modulus);
    for (size_t lift = 0; lift < modulus; lift += base)
        for (size_t i = 0; i < count; i++)
            marks[residues[i] + lift] = 1;
    for (size_t lift = 0; lift < modulus; lift += base)
        for (size_t i = 0; i < count; i++) {
            size_t r = residues[i] + lift;
            if (marks[(r - half) & mask] == 0)
                made += cover_run(r, ((r + round) & mask) / half, half, mask, cover + made, marks);
        }
    for (size_t lift = 0; lift < modulus; lift += base)
        for (size_t i = 0; i < count; i++) { /* not met by a run: a full cycle */
            size_t r = residues[i] + lift;
            if (marks[r] == 1 && ((r + round) & mask) / half % 2 == 0)
                cover[made++] = (uint32_t)r;
            marks[r] = 0;
        }
    return made;
}
