/* A bounded reader and a growing writer of little-endian bytes. */
#ifndef UMBRA_WIRE_BYTES_H
#define UMBRA_WIRE_BYTES_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads from memory that it does not own. A read past the end sets `failed`, returns zeros, and
 * every later read fails too, so a parser may check once per record with umbra_reader_check. */
typedef struct umbra_reader {
    const unsigned char *bytes;
    size_t size, offset;
    uint64_t base_offset; /* of bytes[0] in its file, for messages */
    const char *name;     /* file or message name, for messages; borrowed */
    bool failed;
} umbra_reader;

umbra_reader umbra_reader_make(const void *bytes, size_t size, const char *name);
uint8_t umbra_read_u8(umbra_reader *reader);
uint16_t umbra_read_u16(umbra_reader *reader);
uint32_t umbra_read_u32(umbra_reader *reader);
uint64_t umbra_read_u64(umbra_reader *reader);
double umbra_read_f64(umbra_reader *reader); /* IEEE 754 binary64 */
float umbra_read_f32(umbra_reader *reader);
/* A view into the reader's memory, NULL past the end. */
const unsigned char *umbra_read_view(umbra_reader *reader, size_t size);
bool umbra_read_copy(umbra_reader *reader, void *out, size_t size);
size_t umbra_reader_left(const umbra_reader *reader);
/* UMBRA_OK, or UMBRA_E_INPUT "<name>: truncated <what> at byte <offset>". */
umbra_status umbra_reader_check(const umbra_reader *reader, const char *what) UMBRA_MUST_USE;
/* UMBRA_E_INPUT "<name>: <what> at byte <offset>", for what was read and cannot be. */
umbra_status umbra_reader_fail(const umbra_reader *reader, const char *what) UMBRA_MUST_USE;

/* Owns its memory; umbra_writer_free. A failed allocation sets `failed`, checked at the end. */
typedef struct umbra_writer {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed;
} umbra_writer;

void umbra_writer_free(umbra_writer *writer);
void umbra_write_u8(umbra_writer *writer, uint8_t v);
void umbra_write_u16(umbra_writer *writer, uint16_t v);
void umbra_write_u32(umbra_writer *writer, uint32_t v);
void umbra_write_u64(umbra_writer *writer, uint64_t v);
void umbra_write_f64(umbra_writer *writer, double v);
void umbra_write_f32(umbra_writer *writer, float v);
void umbra_write_bytes(umbra_writer *writer, const void *bytes, size_t size);
/* Append `size` bytes to be filled by the caller; NULL where memory is short (sets failed). */
unsigned char *umbra_write_reserve(umbra_writer *writer, size_t size);
umbra_status umbra_writer_check(const umbra_writer *writer) UMBRA_MUST_USE;

/* Strings: u32 length, then UTF-8 without a terminating zero. The copy is the caller's, freed with
 * umbra_memory_free; longer than max_bytes, or not umbra_utf8_is_text, is UMBRA_E_INPUT. */
void umbra_write_string(umbra_writer *writer, const char *text);
umbra_status umbra_read_string(umbra_reader *reader, size_t max_bytes, char **out) UMBRA_MUST_USE;

/* Residues packed at `bits` each (1..64), least significant bit first; count * bits bits rounded up
 * to whole bytes (SIZE_MAX where that does not fit), the padding zero.
 *
 * Range in: values[i] < 2^bits
 * Returns:  unpack refuses a value >= limit (limit 0: no check) and padding that is not zero by
 *           returning false; `values` are then unusable
 * CT:       values are secret; count, bits, limit and whether a value was refused are public */
size_t umbra_packed_bytes(size_t count, int bits);
void umbra_pack_bits(unsigned char *out, const uint64_t *values, size_t count, int bits);
bool umbra_unpack_bits(uint64_t *values, const unsigned char *in, size_t count, int bits,
                       uint64_t limit);

#endif
