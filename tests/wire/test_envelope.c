/* Tests of src/wire/envelope.c against golden files that Umbra's code did not write. */
#include "check.h"
#include "wire/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static umbra_status open_golden(const char *name, umbra_file_copy *content,
                                umbra_envelope *envelope, umbra_reader *body)
{
    static char path[200]; /* the reader names it later */
    snprintf(path, sizeof path, "tests/wire/golden/%s", name);
    return umbra_envelope_load(path, UMBRA_KIND_PLAN, 1, content, envelope, body);
}

static void golden_file_opens(void **state)
{
    (void)state;
    umbra_file_copy content = {0};
    umbra_envelope envelope;
    umbra_reader body;
    check_ok(open_golden("plan_v1.umbra", &content, &envelope, &body));
    assert_int_equal(envelope.kind, UMBRA_KIND_PLAN);
    assert_int_equal(envelope.version, 1);
    assert_int_equal(envelope.key_id, 0x0123456789abcdef);
    assert_int_equal(envelope.body_bytes, 119);
    for (int i = 0; i < UMBRA_HASH_BYTES; i++)
        assert_int_equal(envelope.parameter_hash[i], i);
    assert_int_equal(umbra_reader_left(&body), 119);
    assert_memory_equal(umbra_read_view(&body, 19), "Umbra golden body: ", 19);
    assert_null(umbra_read_view(&body, 101));
    check_fails(UMBRA_E_INPUT, "plan_v1.umbra: truncated weights at byte 147",
                umbra_reader_check(&body, "weights"));
    check_fails(UMBRA_E_INPUT, "plan_v1.umbra: too much at byte 147",
                umbra_reader_fail(&body, "too much"));
    umbra_file_unload(&content);
    check_ok(open_golden("empty_body.umbra", &content, &envelope, &body));
    assert_int_equal(umbra_reader_left(&body), 0);
    umbra_file_unload(&content);
}

static void each_fault_has_its_error(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        umbra_code code;
        const char *text;
    } faults[] = {
        {"bad_magic.umbra", UMBRA_E_INPUT, "not an Umbra file"},
        {"bad_header_hash.umbra", UMBRA_E_INPUT, "damaged header"},
        {"bad_parameter_hash.umbra", UMBRA_E_INPUT, "damaged header"},
        {"bad_reserved.umbra", UMBRA_E_INPUT, "reserved"},
        {"bad_body.umbra", UMBRA_E_INPUT, "damaged content"},
        {"unknown_kind.umbra", UMBRA_E_INPUT, "kind 8"},
        {"zero_kind.umbra", UMBRA_E_INPUT, "kind 0"},
        {"secret_key.umbra", UMBRA_E_MISMATCH,
         "\"secret key\" where \"plan\" was expected; a secret key never leaves its owner"},
        {"newer_version.umbra", UMBRA_E_INPUT, "version 2, this Umbra reads version 1"},
        {"truncated_body.umbra", UMBRA_E_INPUT, "announces 119 bytes of content, 118 are there"},
        {"truncated_header.umbra", UMBRA_E_INPUT, "truncated: 127 bytes"},
        {"trailing_byte.umbra", UMBRA_E_INPUT, "1 bytes too many after the content, from byte 247"},
        {"huge_length.umbra", UMBRA_E_INPUT, "announces 9223372036854775927 bytes"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        umbra_file_copy content = {0};
        umbra_envelope envelope = {.version = 77};
        umbra_reader body = {.size = 77};
        check_fails(faults[i].code, faults[i].text,
                    open_golden(faults[i].file, &content, &envelope, &body));
        assert_non_null(strstr(umbra_error_message(), faults[i].file));
        assert_int_equal(envelope.version, 77); /* outputs untouched */
        assert_int_equal(body.size, 77);
        assert_null(content.bytes);
    }
}

static void every_bit_flip_and_every_truncation_is_noticed(void **state)
{
    (void)state;
    umbra_file_copy content = {0};
    umbra_envelope envelope;
    umbra_reader body;
    check_ok(open_golden("plan_v1.umbra", &content, &envelope, &body));
    unsigned char *copy = malloc(content.size);
    assert_non_null(copy);
    memcpy(copy, content.bytes, content.size);
    for (size_t bit = 0; bit < 8 * content.size; bit++) {
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_not_equal(umbra_envelope_open(copy, content.size, "x", UMBRA_KIND_PLAN, 1, true,
                                                 &envelope, &body),
                             UMBRA_OK);
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t size = 0; size < content.size; size++)
        assert_int_equal(
            umbra_envelope_open(copy, size, "x", UMBRA_KIND_PLAN, 1, true, &envelope, &body),
            UMBRA_E_INPUT);
    check_fails(UMBRA_E_INPUT, "is empty",
                umbra_envelope_open(NULL, 0, "x", UMBRA_KIND_PLAN, 1, true, &envelope, &body));
    free(copy);
    umbra_file_unload(&content);
}

static void the_content_is_not_read_unless_asked(void **state)
{
    (void)state;
    umbra_file_copy content = {0};
    umbra_envelope envelope;
    umbra_reader body;
    check_fails(UMBRA_E_INPUT, "damaged content",
                open_golden("bad_body.umbra", &content, &envelope, &body));
    assert_null(content.bytes);
    check_ok(umbra_file_load("tests/wire/golden/bad_body.umbra", &content));
    check_ok(umbra_envelope_open(content.bytes, content.size, "x", UMBRA_KIND_PLAN, 1, false,
                                 &envelope, &body));
    umbra_file_unload(&content);
}

static void sealing_gives_the_golden_bytes(void **state)
{
    (void)state;
    umbra_file_copy content = {0};
    umbra_envelope envelope;
    umbra_reader body;
    check_ok(open_golden("plan_v1.umbra", &content, &envelope, &body));
    unsigned char header[UMBRA_ENVELOPE_BYTES];
    umbra_envelope_seal(header, UMBRA_KIND_PLAN, 1, content.bytes + 16, 0x0123456789abcdef,
                        content.bytes + 128, 119);
    assert_memory_equal(header, content.bytes, sizeof header);
    memset(header, 0, sizeof header);
    umbra_envelope_seal_hashed(header, &envelope);
    assert_memory_equal(header, content.bytes, sizeof header);
    char path[] = "/tmp/umbra-test-envelope-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    check_ok(umbra_envelope_write_file(path, true, UMBRA_KIND_PLAN, 1, content.bytes + 16,
                                       0x0123456789abcdef, content.bytes + 128, 119));
    umbra_file_copy written = {0};
    check_ok(umbra_file_load(path, &written));
    assert_int_equal(written.size, content.size);
    assert_memory_equal(written.bytes, content.bytes, content.size);
    umbra_file_unload(&written);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    unlink(path);
    umbra_file_unload(&content);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(umbra_kind_name(UMBRA_KIND_SECRET_KEY), "secret key");
    assert_string_equal(umbra_kind_name(UMBRA_KIND_PROFILE), "client profile");
    assert_string_equal(umbra_kind_name((umbra_kind)0), "unknown kind");
    assert_string_equal(umbra_kind_name(UMBRA_KIND_RECEIPT), "receipt");
    assert_string_equal(umbra_kind_name((umbra_kind)8), "unknown kind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_file_opens),
        cmocka_unit_test(each_fault_has_its_error),
        cmocka_unit_test(every_bit_flip_and_every_truncation_is_noticed),
        cmocka_unit_test(the_content_is_not_read_unless_asked),
        cmocka_unit_test(sealing_gives_the_golden_bytes),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
