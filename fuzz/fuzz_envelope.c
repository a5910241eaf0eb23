/* Fuzz target: the envelope and the byte reader on arbitrary bytes. */
#include "base/memory.h"
#include "fuzz_target.h"
#include "wire/envelope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void read_body(umbra_reader body)
{
    uint64_t values[64];
    char *text = NULL;
    int bits = umbra_read_u8(&body) % 64 + 1;
    size_t count = umbra_read_u8(&body) % 64;
    if (umbra_read_string(&body, 1000, &text) == UMBRA_OK)
        assert(strlen(text) <= 1000);
    umbra_memory_free(text);
    const unsigned char *packed = umbra_read_view(&body, umbra_packed_bytes(count, bits));
    if (packed != NULL && umbra_unpack_bits(values, packed, count, bits, 0)) {
        unsigned char again[64 * 8];
        umbra_pack_bits(again, values, count, bits);
        assert(memcmp(again, packed, umbra_packed_bytes(count, bits)) == 0);
    }
    (void)umbra_read_f64(&body);
    assert(umbra_reader_left(&body) <= body.size);
}

/* The bytes as they are, and then with the hashes mended, so that mutations get past them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_envelope envelope;
    umbra_reader body;
    if (umbra_envelope_open(data, size, "input", UMBRA_KIND_PLAN, 1, true, &envelope, &body) ==
        UMBRA_OK)
        read_body(body);
    if (size < UMBRA_ENVELOPE_BYTES)
        return 0;
    uint8_t *mended = malloc(size);
    if (mended == NULL)
        return 0;
    memcpy(mended, data, size);
    unsigned char hash[UMBRA_HASH_BYTES];
    umbra_hash(hash, mended + UMBRA_ENVELOPE_BYTES, size - UMBRA_ENVELOPE_BYTES);
    memcpy(mended + 64, hash, sizeof hash);
    umbra_hash(hash, mended, 120);
    memcpy(mended + 120, hash, 8);
    if (umbra_envelope_open(mended, size, "input", UMBRA_KIND_PLAN, 1, true, &envelope, &body) ==
        UMBRA_OK)
        read_body(body);
    free(mended);
    return 0;
}
