/* Samplers over ChaCha20 streams. */
#include "math/sample.h"

#include "base/memory.h"
#include "math/kernels.h"
#include "math/scalar.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define STREAM_TERNARY UINT64_C(0x7465726e61727931)  /* "ternary1" */
#define STREAM_GAUSSIAN UINT64_C(0x6761757373313238) /* "gauss128" */
#define BUFFER_BYTES UMBRA_STREAM_BUFFER_BYTES
#define BLOCK_BYTES 64 /* ChaCha20 */

/* The nonce is the stream number in little-endian bytes. */
static void reader_start(umbra_stream *r, const unsigned char seed[UMBRA_SEED_BYTES],
                         uint64_t stream)
{
    /* It picks the fastest ChaCha20; where it fails, it is for want of randomness, not needed here.
     */
    const int ready = sodium_init();
    (void)ready;
    memcpy(r->key, seed, sizeof r->key);
    for (int i = 0; i < 8; i++)
        r->nonce[i] = (unsigned char)(stream >> (8 * i));
    r->next_block = 0;
}

/* count: at most BUFFER_BYTES; the next bytes of the stream, from a block's beginning. */
static void reader_fill(umbra_stream *r, size_t count)
{
    assert(count <= BUFFER_BYTES);
    memset(r->bytes, 0, count);
    crypto_stream_chacha20_xor_ic(r->bytes, r->bytes, count, r->nonce, r->next_block, r->key);
    r->next_block += (count + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

static uint64_t load_le(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

umbra_status umbra_seed_random(unsigned char seed[UMBRA_SEED_BYTES])
{
    if (sodium_init() < 0)
        return umbra_fail(UMBRA_E_RESOURCE, "libsodium cannot start: no source of randomness");
    randombytes_buf(seed, UMBRA_SEED_BYTES);
    return UMBRA_OK;
}

void umbra_seed_derive(unsigned char out[UMBRA_SEED_BYTES],
                       const unsigned char seed[UMBRA_SEED_BYTES], const char *label,
                       uint64_t number)
{
    unsigned char tail[8];
    crypto_generichash_state state;
    for (int i = 0; i < 8; i++)
        tail[i] = (unsigned char)(number >> (8 * i));
    /* The terminating zero goes in too, so that no label is a beginning of another with its number.
     */
    (void)crypto_generichash_init(&state, seed, UMBRA_SEED_BYTES, UMBRA_SEED_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)label, strlen(label) + 1);
    (void)crypto_generichash_update(&state, tail, sizeof tail);
    (void)crypto_generichash_final(&state, out, UMBRA_SEED_BYTES);
    umbra_secret_wipe(&state, sizeof state);
}

void umbra_uniform_start(umbra_uniform *u, const umbra_modulus *m,
                         const unsigned char seed[UMBRA_SEED_BYTES], uint64_t stream)
{
    reader_start(&u->source, seed, stream);
    u->at = BUFFER_BYTES; /* nothing is read yet */
    u->q = m->q;
    u->mask = ((uint64_t)1 << m->bits) - 1;
    u->width_bytes = (size_t)(m->bits + 7) / 8;
}

/* Eight candidates at once, where all are residues; else nothing. */
static bool take_eight(const umbra_uniform *u, uint64_t *r, size_t at)
{
    uint64_t x[8], above = 0; /* a sign where a candidate is not below q */
    for (size_t i = 0; i < 8; i++) {
        x[i] = load_le(u->source.bytes + at + i * u->width_bytes) & u->mask;
        above |= u->q - 1 - x[i];
    }
    if (above >> 63 != 0)
        return false;
    memcpy(r, x, sizeof x);
    return true;
}

void umbra_uniform_next(umbra_uniform *u, uint64_t *r, size_t n)
{
    const size_t width = u->width_bytes;
    size_t made = 0, at = u->at;
    while (made < n) {
        /* Whole 8-byte loads: the few bytes at a buffer's end that no load may start at are
         * skipped. */
        if (at + 8 > BUFFER_BYTES) {
            reader_fill(&u->source, BUFFER_BYTES);
            at = 0;
        }
        if (n - made >= 8 && at + 7 * width + 8 <= BUFFER_BYTES && take_eight(u, r + made, at)) {
            made += 8;
            at += 8 * width;
            continue;
        }
        for (int i = 0; i < 8 && at + 8 <= BUFFER_BYTES && made < n; i++, at += width) {
            uint64_t x = load_le(u->source.bytes + at) & u->mask;
            r[made] = x;
            made += x < u->q;
        }
    }
    u->at = at;
}

void umbra_sample_uniform(uint64_t *r, size_t n, const umbra_modulus *m,
                          const unsigned char seed[UMBRA_SEED_BYTES], uint64_t stream)
{
    umbra_uniform u;
    umbra_uniform_start(&u, m, seed, stream);
    umbra_uniform_next(&u, r, n);
}

void umbra_sample_ternary(int32_t *r, size_t n, const unsigned char seed[UMBRA_SEED_BYTES])
{
    umbra_stream source;
    reader_start(&source, seed, STREAM_TERNARY);
    for (size_t made = 0; made < n;) {
        size_t count = n - made < BUFFER_BYTES / 8 ? n - made : BUFFER_BYTES / 8;
        reader_fill(&source, count * 8);
        /* floor(3u / 2^64) takes each of 0, 1, 2 for floor or ceiling of 2^64/3 words u. */
        for (size_t i = 0; i < count; i++)
            r[made + i] = (int32_t)umbra_scalar_high(load_le(source.bytes + 8 * i), 3) - 1;
        made += count;
    }
    umbra_secret_wipe(&source, sizeof source);
}

void umbra_sample_gaussian(int32_t *r, size_t n, const unsigned char seed[UMBRA_SEED_BYTES])
{
    const umbra_kernels *kernels = umbra_kernels_get();
    umbra_stream source;
    reader_start(&source, seed, STREAM_GAUSSIAN);
    for (size_t made = 0; made < n;) {
        size_t count = n - made < BUFFER_BYTES / 16 ? n - made : BUFFER_BYTES / 16;
        reader_fill(&source, count * 16);
        kernels->gaussian(r + made, source.bytes, count);
        made += count;
    }
    umbra_secret_wipe(&source, sizeof source);
}
