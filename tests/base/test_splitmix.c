/* splitmix64 gives the numbers of its published reference. */
#include "base/splitmix.h"

#include "check.h"

static void test_known_numbers(void **state)
{
    static const uint64_t known[] = {6457827717110365317u, 3203168211198807973u,
                                     9817491932198370423u};
    uint64_t from = 1234567, zero = 0;
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(umbra_splitmix_next(&from) == known[i]);
    assert_true(umbra_splitmix_next(&zero) == 0xe220a8397b1dcdafu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
