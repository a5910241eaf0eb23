/* Which shifts serve a set of residues, when each shift also serves its sum with half. */
#include "plan/diagonals_internal.h"

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

size_t umbra_diagonal_cover(size_t half, const uint32_t *residues, size_t count, size_t base,
                            size_t modulus, uint32_t *cover, unsigned char *marks)
{
    size_t mask = modulus - 1, made = 0;
    /* A rotation by a multiple of the period is no second value. */
    if (half == 0 || half >= modulus) {
        for (size_t lift = 0; lift < modulus; lift += base)
            for (size_t i = 0; i < count; i++)
                cover[made++] = (uint32_t)(residues[i] + lift);
        return made;
    }
    size_t round = half / 2; /* multiples of half and their neighbours get the same v */
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
        for (size_t i = 0; i < count; i++) {
            size_t r = residues[i] + lift; /* marked 1: met by no run, so in a full cycle */
            if (marks[r] == 1 && ((r + round) & mask) / half % 2 == 0)
                cover[made++] = (uint32_t)r;
            marks[r] = 0;
        }
    return made;
}
