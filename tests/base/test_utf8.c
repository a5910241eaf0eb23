/* Tests of src/base/utf8.c. */
#include "base/utf8.h"
#include "check.h"

/* The bytes of a code point, by the table of the standard and without checks. */
static size_t encode(unsigned char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (unsigned char)(0x80 | (code & 0x3f));
    out[0] = (unsigned char)(code | (0xf00u >> length & 0xff));
    return length;
}

static bool is_text(const unsigned char *bytes, size_t size)
{
    return umbra_utf8_is_text((const char *)bytes, size, NULL);
}

static void every_code_point_is_judged(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        unsigned char bytes[4];
        size_t length = encode(bytes, code);
        bool expected = (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xd7ff) ||
                        (code >= 0xe000 && code <= 0x10ffff) || code == 9 || code == 10;
        assert_int_equal(is_text(bytes, length), expected);
        if (length > 1) {
            assert_false(is_text(bytes, length - 1)); /* cut off */
            assert_false(is_text(bytes + 1, length - 1));
        }
    }
}

static void overlong_and_broken_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xc0\xaf",         "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",         "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf", "\xff",     "\xfe",         "\xf8\x88\x80\x80\x80", "\xc3(",
        "\xe2\x82(",        "\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(is_text((const unsigned char *)bad[i], strlen(bad[i])));
}

static void the_place_is_told(void **state)
{
    (void)state;
    size_t offset = 77;
    assert_true(umbra_utf8_is_text("", 0, &offset));
    assert_true(umbra_utf8_is_text("Pneumonie – früh\n", 19, &offset));
    assert_int_equal(offset, 77);
    assert_false(umbra_utf8_is_text("früh\x1b[2J", 9, &offset));
    assert_int_equal(offset, 5);
    assert_false(umbra_utf8_is_text("a\0b", 3, &offset));
    assert_int_equal(offset, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_judged),
        cmocka_unit_test(overlong_and_broken_forms_are_refused),
        cmocka_unit_test(the_place_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
