/* Tests of src/base/status.c. */
#include "check.h"

static void fail_returns_code_and_message(void **state)
{
    (void)state;
    assert_int_equal(umbra_fail(UMBRA_E_INPUT, "%s: byte %d", "x.ct", 7), UMBRA_E_INPUT);
    assert_string_equal(umbra_error_message(), "x.ct: byte 7");
}

static void message_may_be_an_argument_of_the_next(void **state)
{
    (void)state;
    assert_int_equal(umbra_fail(UMBRA_E_INPUT, "inner"), UMBRA_E_INPUT);
    assert_int_equal(umbra_fail(UMBRA_E_INPUT, "outer (%s)", umbra_error_message()), UMBRA_E_INPUT);
    assert_string_equal(umbra_error_message(), "outer (inner)");
}

static void within_puts_the_place_before(void **state)
{
    (void)state;
    assert_int_equal(umbra_fail(UMBRA_E_INPUT, "bad width"), UMBRA_E_INPUT);
    assert_int_equal(umbra_fail_within(UMBRA_E_INPUT, "node %s", "conv1"), UMBRA_E_INPUT);
    assert_string_equal(umbra_error_message(), "node conv1: bad width");
}

static void long_messages_are_cut_not_overrun(void **state)
{
    (void)state;
    char text[6000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(umbra_fail(UMBRA_E_INPUT, "%s", text), UMBRA_E_INPUT);
    assert_int_equal(strlen(umbra_error_message()), 4095);
    assert_int_equal(umbra_fail_within(UMBRA_E_INPUT, "place"), UMBRA_E_INPUT);
    assert_int_equal(strlen(umbra_error_message()), 4095);
    assert_memory_equal(umbra_error_message(), "place: aaa", 10);
    assert_int_equal(umbra_fail_within(UMBRA_E_INPUT, "%s", text), UMBRA_E_INPUT);
    assert_int_equal(strlen(umbra_error_message()), 4095);
    for (size_t used = 4090; used < 4096;
         used++) { /* no room, or hardly any, for the old message */
        text[used] = 0;
        assert_int_equal(umbra_fail(UMBRA_E_INPUT, "old"), UMBRA_E_INPUT);
        assert_int_equal(umbra_fail_within(UMBRA_E_INPUT, "%s", text), UMBRA_E_INPUT);
        assert_in_range(strlen(umbra_error_message()), 4090, 4095);
        text[used] = 'a';
    }
}

static void exit_codes_are_those_of_the_command_line(void **state)
{
    (void)state;
    static const int expected[][2] = {
        {UMBRA_OK, 0},         {UMBRA_E_USAGE, 2},     {UMBRA_E_INPUT, 3},      {UMBRA_E_MODEL, 3},
        {UMBRA_E_MISMATCH, 3}, {UMBRA_E_SECURITY, 4},  {UMBRA_E_RESOURCE, 5},   {UMBRA_E_IO, 5},
        {UMBRA_E_ACCURACY, 7}, {UMBRA_E_INTERNAL, 70}, {UMBRA_E_CANCELLED, 130}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(umbra_status_exit_code((umbra_status)expected[i][0]), expected[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_returns_code_and_message),
        cmocka_unit_test(message_may_be_an_argument_of_the_next),
        cmocka_unit_test(within_puts_the_place_before),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(exit_codes_are_those_of_the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
