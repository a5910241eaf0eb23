/* A bounded reader and a growing writer of little-endian bytes. */
#include "wire/bytes.h"

#include "base/checked.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <string.h>

#define FIRST_CAPACITY_BYTES 256

umbra_reader umbra_reader_make(const void *bytes, size_t size, const char *name)
{
    return (umbra_reader){.bytes = bytes, .size = size, .name = name};
}

const unsigned char *umbra_read_view(umbra_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->offset) {
        reader->failed = true;
        return NULL;
    }
    const unsigned char *view = reader->bytes + reader->offset;
    reader->offset += size;
    return view;
}

bool umbra_read_copy(umbra_reader *reader, void *out, size_t size)
{
    if (size == 0)
        return !reader->failed; /* memcpy may not be given the NULL of an empty reader */
    const unsigned char *view = umbra_read_view(reader, size);
    if (view == NULL)
        memset(out, 0, size);
    else
        memcpy(out, view, size);
    return view != NULL;
}

static uint64_t read_little_endian(umbra_reader *reader, size_t bytes)
{
    const unsigned char *view = umbra_read_view(reader, bytes);
    uint64_t v = 0;
    for (size_t i = bytes; view != NULL && i-- > 0;)
        v = v << 8 | view[i];
    return v;
}

uint8_t umbra_read_u8(umbra_reader *reader)
{
    return (uint8_t)read_little_endian(reader, 1);
}

uint16_t umbra_read_u16(umbra_reader *reader)
{
    return (uint16_t)read_little_endian(reader, 2);
}

uint32_t umbra_read_u32(umbra_reader *reader)
{
    return (uint32_t)read_little_endian(reader, 4);
}

uint64_t umbra_read_u64(umbra_reader *reader)
{
    return read_little_endian(reader, 8);
}

double umbra_read_f64(umbra_reader *reader)
{
    uint64_t bits = umbra_read_u64(reader);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

float umbra_read_f32(umbra_reader *reader)
{
    uint32_t bits = umbra_read_u32(reader);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

size_t umbra_reader_left(const umbra_reader *reader)
{
    return reader->failed ? 0 : reader->size - reader->offset;
}

umbra_status umbra_reader_check(const umbra_reader *reader, const char *what)
{
    if (!reader->failed)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INPUT, "%s: truncated %s at byte %llu; fetch or make the file again",
                      reader->name, what,
                      (unsigned long long)(reader->base_offset + reader->offset));
}

umbra_status umbra_reader_fail(const umbra_reader *reader, const char *what)
{
    return umbra_fail(UMBRA_E_INPUT, "%s: %s at byte %llu", reader->name, what,
                      (unsigned long long)(reader->base_offset + reader->offset));
}

void umbra_writer_free(umbra_writer *writer)
{
    if (writer->bytes != NULL)
        umbra_secret_wipe(writer->bytes, writer->capacity); /* a secret key may have passed here */
    umbra_memory_free(writer->bytes);
    *writer = (umbra_writer){0};
}

/* Not umbra_memory_grow: a secret key may have passed through the old block, so it is wiped. */
static bool ensure_room(umbra_writer *writer, size_t size)
{
    size_t needed = 0;
    if (writer->failed || !umbra_size_add(writer->size, size, &needed))
        return false;
    if (needed <= writer->capacity)
        return true;
    size_t capacity = writer->capacity == 0 ? FIRST_CAPACITY_BYTES : writer->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    void *grown = NULL;
    if (umbra_memory_alloc(&grown, capacity, "a message being written") != UMBRA_OK)
        return false;
    if (writer->bytes != NULL) {
        memcpy(grown, writer->bytes, writer->size);
        umbra_secret_wipe(writer->bytes, writer->capacity);
        umbra_memory_free(writer->bytes);
    }
    writer->bytes = grown;
    writer->capacity = capacity;
    return true;
}

unsigned char *umbra_write_reserve(umbra_writer *writer, size_t size)
{
    if (!ensure_room(writer, size)) {
        writer->failed = true;
        return NULL;
    }
    unsigned char *room = writer->bytes + writer->size;
    writer->size += size;
    return room;
}

void umbra_write_bytes(umbra_writer *writer, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    unsigned char *room = umbra_write_reserve(writer, size);
    if (room != NULL)
        memcpy(room, bytes, size);
}

static void write_little_endian(umbra_writer *writer, uint64_t v, size_t bytes)
{
    unsigned char *room = umbra_write_reserve(writer, bytes);
    for (size_t i = 0; room != NULL && i < bytes; i++)
        room[i] = (unsigned char)(v >> 8 * i);
}

void umbra_write_u8(umbra_writer *writer, uint8_t v)
{
    write_little_endian(writer, v, 1);
}

void umbra_write_u16(umbra_writer *writer, uint16_t v)
{
    write_little_endian(writer, v, 2);
}

void umbra_write_u32(umbra_writer *writer, uint32_t v)
{
    write_little_endian(writer, v, 4);
}

void umbra_write_u64(umbra_writer *writer, uint64_t v)
{
    write_little_endian(writer, v, 8);
}

void umbra_write_f64(umbra_writer *writer, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    umbra_write_u64(writer, bits);
}

void umbra_write_f32(umbra_writer *writer, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    umbra_write_u32(writer, bits);
}

umbra_status umbra_writer_check(const umbra_writer *writer)
{
    if (!writer->failed)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_RESOURCE,
                      "cannot allocate memory for a message of more than %zu bytes; close other "
                      "programs or use a machine with more memory",
                      writer->size);
}

void umbra_write_string(umbra_writer *writer, const char *text)
{
    size_t length = strlen(text);
    if (length > UINT32_MAX) {
        writer->failed = true;
        return;
    }
    umbra_write_u32(writer, (uint32_t)length);
    umbra_write_bytes(writer, text, length);
}

umbra_status umbra_read_string(umbra_reader *reader, size_t max_bytes, char **out)
{
    unsigned long long at = reader->base_offset + reader->offset;
    size_t length = umbra_read_u32(reader);
    UMBRA_TRY(umbra_reader_check(reader, "string length"));
    if (length > max_bytes)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: a string of %zu bytes at byte %llu, at most %zu are allowed here; "
                          "the file is damaged",
                          reader->name, length, at, max_bytes);
    const unsigned char *view = umbra_read_view(reader, length);
    UMBRA_TRY(umbra_reader_check(reader, "string"));
    size_t wrong = 0;
    if (length > 0 && !umbra_utf8_is_text((const char *)view, length, &wrong))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the string at byte %llu is no text (byte %llu); the file is damaged",
                          reader->name, at, at + 4 + wrong);
    void *copy = NULL;
    UMBRA_TRY(umbra_memory_alloc(&copy, length + 1, "a string"));
    if (length > 0)
        memcpy(copy, view, length);
    *out = copy;
    return UMBRA_OK;
}
