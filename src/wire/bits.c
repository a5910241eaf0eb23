/* Residues packed at a fixed number of bits, least significant bit first. */
#include "wire/bytes.h"

#include <assert.h>
#include <string.h>

size_t umbra_packed_bytes(size_t count, int bits)
{
    assert(bits >= 1 && bits <= 64);
    size_t width = (size_t)bits, eighths = count / 8, rest = (count % 8 * width + 7) / 8;
    if (eighths > (SIZE_MAX - rest) / width)
        return SIZE_MAX;
    return eighths * width + rest; /* eight values fill exactly `bits` bytes */
}

static uint64_t load_word(const unsigned char *in, size_t bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes >= 8) {
        uint64_t word;
        memcpy(&word, in, 8);
        return word;
    }
#endif
    uint64_t v = 0;
    for (size_t i = bytes < 8 ? bytes : 8; i-- > 0;)
        v = v << 8 | in[i];
    return v;
}

static void store_word(unsigned char *out, uint64_t v, size_t bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes >= 8) {
        memcpy(out, &v, 8);
        return;
    }
#endif
    for (size_t i = 0; i < bytes && i < 8; i++)
        out[i] = (unsigned char)(v >> 8 * i);
}

void umbra_pack_bits(unsigned char *out, const uint64_t *values, size_t count, int bits)
{
    assert(bits >= 1 && bits <= 64);
    uint64_t pending = 0; /* `filled` low bits are waiting to be stored, filled < 64 */
    int filled = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t v = values[i];
        assert(bits == 64 || v >> bits == 0);
        pending |= v << filled;
        filled += bits;
        if (filled >= 64) {
            store_word(out, pending, 8);
            out += 8;
            filled -= 64;
            pending = filled == 0 ? 0 : v >> (bits - filled); /* the part of v that did not fit */
        }
    }
    store_word(out, pending, (size_t)(filled + 7) / 8);
}

/* Eight values end at a byte, and each lies in the 8 bytes that start where it does. Returns a sign
 * where one is above `largest`, which is below 2^63; bits <= 56. */
static inline uint64_t unpack_eight(uint64_t *values, const unsigned char *in, int bits,
                                    uint64_t largest)
{
    const uint64_t mask = UINT64_MAX >> (64 - bits);
    uint64_t above = 0;
    for (int k = 0; k < 8; k++) {
        const uint64_t v = load_word(in + k * bits / 8, 8) >> (k * bits % 8) & mask;
        above |= largest - v;
        values[k] = v;
    }
    return above;
}

bool umbra_unpack_bits(uint64_t *values, const unsigned char *in, size_t count, int bits,
                       uint64_t limit)
{
    assert(bits >= 1 && bits <= 64);
    uint64_t mask = UINT64_MAX >> (64 - bits), largest = limit == 0 ? UINT64_MAX : limit - 1;
    size_t left = umbra_packed_bytes(count, bits);
    uint64_t waiting = 0, bad = 0; /* `filled` low bits read from `in` and not yet given out */
    int filled = 0;
    size_t i = 0;
    const uint64_t short_largest = largest >> 63 != 0 ? INT64_MAX : largest;
    for (; bits <= 56 && left >= (size_t)bits + 8 && count - i >= 8; i += 8, in += bits) {
        /* The width of most primes as a constant: its shifts are then constants too. */
        const uint64_t above = bits == 50 ? unpack_eight(values + i, in, 50, short_largest)
                                          : unpack_eight(values + i, in, bits, short_largest);
        bad |= above >> 63;
        left -= (size_t)bits;
    }
    for (; i < count; i++) {
        uint64_t v = waiting;
        if (filled < bits) {
            uint64_t word = load_word(in, left);
            size_t taken = left < 8 ? left : 8;
            in += taken;
            left -= taken;
            v |= word << filled;
            int used = bits - filled; /* 1..64 of the bits of word */
            waiting = used == 64 ? 0 : word >> used;
            filled = 64 - used;
        } else {
            waiting = bits == 64 ? 0 : waiting >> bits;
            filled -= bits;
        }
        v &= mask;
        bad |= v > largest; /* no early exit: the residues may be secret */
        values[i] = v;
    }
    return bad == 0 && waiting == 0; /* what is left are the padding bits of the last byte */
}
