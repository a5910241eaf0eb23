/* Tests of src/wire/bytes.c. */
#include "base/memory.h"
#include "check.h"
#include "wire/bytes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static void numbers_are_little_endian(void **state)
{
    (void)state;
    static const unsigned char expected[] = {0xfe, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xef, 0xcd,
                                             0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0,    0,    0,
                                             0,    0,    0,    0xf8, 0xbf, 0,    0,    0x20, 0x40,
                                             2,    0,    0,    0,    'h',  'i',  9,    8,    7};
    umbra_writer writer = {0};
    umbra_write_u8(&writer, 0xfe);
    umbra_write_u16(&writer, 0x1234);
    umbra_write_u32(&writer, 0x12345678);
    umbra_write_u64(&writer, 0x0123456789abcdef);
    umbra_write_f64(&writer, -1.5);
    umbra_write_f32(&writer, 2.5f);
    umbra_write_string(&writer, "hi");
    umbra_write_bytes(&writer, (unsigned char[]){9, 8, 7}, 3);
    umbra_write_bytes(&writer, NULL, 0);
    check_ok(umbra_writer_check(&writer));
    assert_int_equal(writer.size, sizeof expected);
    assert_memory_equal(writer.bytes, expected, sizeof expected);
    umbra_writer_free(&writer);
    umbra_writer_free(&writer);
    assert_null(writer.bytes);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    umbra_writer writer = {0};
    umbra_write_f64(&writer, DBL_MIN / 4); /* a subnormal */
    umbra_write_f64(&writer, INFINITY);
    umbra_write_f32(&writer, NAN);
    umbra_write_string(&writer, "");
    umbra_write_string(&writer, "Lungenödem");
    umbra_write_u16(&writer, 65535);
    umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "memory");
    assert_true(umbra_read_f64(&reader) == DBL_MIN / 4);
    assert_true(isinf(umbra_read_f64(&reader)));
    assert_true(isnan(umbra_read_f32(&reader)));
    char *empty = NULL, *text = NULL;
    check_ok(umbra_read_string(&reader, 0, &empty));
    assert_string_equal(empty, "");
    check_ok(umbra_read_string(&reader, 11, &text)); /* ö has two bytes */
    assert_string_equal(text, "Lungenödem");
    assert_int_equal(umbra_read_u16(&reader), 65535);
    assert_int_equal(umbra_reader_left(&reader), 0);
    check_ok(umbra_reader_check(&reader, "record"));
    umbra_memory_free(empty);
    umbra_memory_free(text);
    umbra_writer_free(&writer);
}

/* On the heap in exactly its size, so that the sanitizer run sees a read past the end. */
static unsigned char *bytes_of(size_t size)
{
    unsigned char *bytes = malloc(size + (size == 0));
    assert_non_null(bytes);
    memset(bytes, 0x11, size);
    return bytes;
}

static void reading_past_the_end_fails_for_good(void **state)
{
    (void)state;
    unsigned char *bytes = bytes_of(7);
    umbra_reader reader = umbra_reader_make(bytes, 7, "query.ct");
    reader.base_offset = 128;
    assert_int_equal(umbra_read_u32(&reader), 0x11111111);
    assert_int_equal(umbra_reader_left(&reader), 3);
    assert_int_equal(umbra_read_u32(&reader), 0);
    assert_int_equal(umbra_reader_left(&reader), 0);
    assert_int_equal(umbra_read_u8(&reader), 0); /* though three bytes are left */
    assert_null(umbra_read_view(&reader, 0));
    unsigned char out[4] = {5, 5, 5, 5};
    assert_false(umbra_read_copy(&reader, out, 4));
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_false(umbra_read_copy(&reader, out, 0));
    check_fails(UMBRA_E_INPUT, "query.ct: truncated level at byte 132",
                umbra_reader_check(&reader, "level"));
    free(bytes);
}

static void every_read_is_bounded(void **state)
{
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        unsigned char *bytes = bytes_of(size);
        for (int kind = 0; kind < 8; kind++) {
            static const size_t needs[] = {1, 2, 4, 8, 8, 4, 6, 5};
            umbra_reader reader = umbra_reader_make(bytes, size, "x");
            unsigned char out[8];
            switch (kind) {
            case 0:
                (void)umbra_read_u8(&reader);
                break;
            case 1:
                (void)umbra_read_u16(&reader);
                break;
            case 2:
                (void)umbra_read_u32(&reader);
                break;
            case 3:
                (void)umbra_read_u64(&reader);
                break;
            case 4:
                (void)umbra_read_f64(&reader);
                break;
            case 5:
                (void)umbra_read_f32(&reader);
                break;
            case 6:
                (void)umbra_read_view(&reader, 6);
                break;
            default:
                (void)umbra_read_copy(&reader, out, 5);
                break;
            }
            assert_int_equal(reader.failed, size < needs[kind]);
        }
        free(bytes);
    }
    umbra_reader reader = umbra_reader_make("abc", 3, "x");
    assert_non_null(umbra_read_view(&reader, 3));
    assert_null(umbra_read_view(&reader, SIZE_MAX)); /* no wrap-around */
    umbra_reader empty = umbra_reader_make(NULL, 0, "x");
    assert_true(umbra_read_copy(&empty, NULL, 0));
    assert_int_equal(umbra_read_u8(&empty), 0);
    assert_true(empty.failed);
}

static void bad_strings_are_refused(void **state)
{
    (void)state;
    char *text = (char *)state;
    umbra_reader reader = umbra_reader_make("\5\0\0\0hello", 9, "p.plan");
    check_fails(UMBRA_E_INPUT, "5 bytes at byte 0, at most 4",
                umbra_read_string(&reader, 4, &text));
    reader = umbra_reader_make("\6\0\0\0hello", 9, "p.plan");
    check_fails(UMBRA_E_INPUT, "truncated string at byte 4", umbra_read_string(&reader, 99, &text));
    reader = umbra_reader_make("\5\0\0\0he\0lo", 9, "p.plan");
    check_fails(UMBRA_E_INPUT, "at byte 0 is no text (byte 6)",
                umbra_read_string(&reader, 99, &text));
    reader = umbra_reader_make("\5\0\0", 3, "p.plan");
    check_fails(UMBRA_E_INPUT, "truncated string length", umbra_read_string(&reader, 99, &text));
    reader = umbra_reader_make("\377\377\377\377", 4, "p.plan");
    check_fails(UMBRA_E_INPUT, "truncated string", umbra_read_string(&reader, SIZE_MAX, &text));
    assert_ptr_equal(text, state);
}

static void a_writer_grows_and_reports_when_it_cannot(void **state)
{
    (void)state;
    umbra_writer writer = {0};
    for (uint32_t i = 0; i < 100000; i++)
        umbra_write_u32(&writer, i);
    assert_int_equal(writer.size, 400000);
    unsigned char *room = umbra_write_reserve(&writer, 1000000);
    assert_non_null(room);
    memset(room, 1, 1000000);
    umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "x");
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(umbra_read_u32(&reader), i);
    assert_null(umbra_write_reserve(&writer, SIZE_MAX / 4));
    umbra_write_u8(&writer, 1); /* stays failed */
    assert_int_equal(writer.size, 1400000);
    check_fails(UMBRA_E_RESOURCE, "more than 1400000 bytes", umbra_writer_check(&writer));
    umbra_writer_free(&writer);
    assert_null(umbra_write_reserve(&writer, SIZE_MAX));
    assert_true(writer.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(reading_past_the_end_fails_for_good),
        cmocka_unit_test(every_read_is_bounded),
        cmocka_unit_test(bad_strings_are_refused),
        cmocka_unit_test(a_writer_grows_and_reports_when_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
