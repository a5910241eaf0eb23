/* Fuzz target: the reader of evaluation keys, as the bytes are and with their hashes mended. */
#include "ckks/internal.h"
#include "fuzz_target.h"
#include "golden_params.h"

#include <assert.h>
#include <string.h>

static void read_keys(const uint8_t *data, size_t size)
{
    umbra_evaluation_keys *keys = NULL;
    if (umbra_evaluation_keys_read(data, size, "input", golden_params(), NULL, NULL, &keys) !=
        UMBRA_OK) {
        assert(keys == NULL);
        return;
    }
    (void)umbra_evaluation_keys_have(keys, 5, 0);
    umbra_evaluation_keys_free(keys);
}

static uint64_t word_at(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* So that mutations of the table and of residues get past the checksums. */
static void mend(uint8_t *file, size_t size)
{
    const size_t table = UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES;
    uint64_t count = word_at(file + UMBRA_ENVELOPE_BYTES);
    if (count > (size - table) / UMBRA_KEYS_ENTRY_BYTES)
        return;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *row = file + table + i * UMBRA_KEYS_ENTRY_BYTES;
        const uint64_t offset = word_at(row + 8), bytes = word_at(row + 16);
        if (offset <= size && bytes <= size - offset)
            umbra_hash(row + 24, file + offset, (size_t)bytes);
    }
    unsigned char hash[UMBRA_HASH_BYTES];
    memcpy(file + 16, umbra_params_hash(golden_params()), UMBRA_HASH_BYTES);
    umbra_hash(file + 64, file + UMBRA_ENVELOPE_BYTES,
               UMBRA_KEYS_HEADER_BYTES + (size_t)count * UMBRA_KEYS_ENTRY_BYTES);
    umbra_hash(hash, file, 120);
    memcpy(file + 120, hash, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_keys(data, size);
    if (size < UMBRA_ENVELOPE_BYTES + UMBRA_KEYS_HEADER_BYTES)
        return 0;
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    mend(copy, size);
    read_keys(copy, size);
    free(copy);
    return 0;
}
