/* The table of names finds what was put in, at any number of names. */
#include "check.h"

#include "graph/names.h"

#include <stdio.h>

#define COUNT 5000

static void test_many_names(void **state)
{
    (void)state;
    static char text[COUNT][16];
    umbra_names names;
    check_ok(umbra_names_init(&names, COUNT));
    for (int i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "name%d", i);
        assert_int_equal(umbra_names_find(&names, text[i]), -1);
        umbra_names_put(&names, text[i], i);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(umbra_names_find(&names, text[i]), i);
    umbra_names_put(&names, "name7", 70000);
    assert_int_equal(umbra_names_find(&names, "name7"), 70000);
    assert_int_equal(names.count, COUNT);
    assert_int_equal(umbra_names_find(&names, ""), -1);
    umbra_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
