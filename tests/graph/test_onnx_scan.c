/* The first look at a file bounds what unpacking it may cost. */
#include "check.h"

#include "graph/onnx_internal.h"

#include <stdlib.h>

static void refuse(const char *bytes, size_t size, const char *text)
{
    check_fails(UMBRA_E_INPUT, text, umbra_onnx_scan((const unsigned char *)bytes, size, "f"));
}

static void test_well_formed(void **state)
{
    (void)state;
    /* ir_version 8; producer_name "me"; graph with one node without anything; unknown fields of
     * each wire type */
    static const char good[] = "\x08\x08\x12\x02me\x3a\x02\x0a\x00"
                               "\xa0\x06\x01\xa5\x06\0\0\0\0\xa1\x06\0\0\0\0\0\0\0\0\xa2\x06\x01x";
    check_ok(umbra_onnx_scan((const unsigned char *)good, sizeof good - 1, "f"));
}

static void test_damaged(void **state)
{
    (void)state;
    refuse("", 0, "empty");
    refuse("\x08", 1, "damaged at byte 1"); /* a number without value */
    refuse("\x12\x05me", 4, "damaged");     /* longer than the file */
    refuse("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "damaged");
    refuse("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "damaged"); /* 77 bits */
    refuse("\x0b\x0c", 2, "damaged");            /* groups are not used */
    refuse("\x3a\x03\x0a\x05xyz", 7, "damaged"); /* inner length beyond the outer one */
    refuse("\x0d\x00\x00", 3, "damaged");
}

/* Two bytes a field: unpacking would take a hundred times the file. */
static void test_many_fields(void **state)
{
    (void)state;
    size_t size = (size_t)3 << 20;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = i % 2 == 0 ? 0x42 : 0x00; /* opset_import, empty */
    refuse(bytes, size, "fields");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_many_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
