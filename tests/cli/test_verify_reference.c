/* A plan that computes another function than the network is told, single precision is allowed for.
 */
#include "check.h"

#include "cli/verify_reference.h"

#include <math.h>

static void what_single_precision_loses_is_allowed(void **state)
{
    const double values[3] = {1.0 / 3, -8, 0}, rounded[3] = {(double)(1.0f / 3), -8, 1e-7};
    (void)state;
    check_ok(umbra_verify_reference_check("fc", values, rounded, 3));
    check_ok(umbra_verify_reference_check("fc", values, values, 3));
}

static void another_function_is_told(void **state)
{
    const double values[3] = {0.25, -8, 0}, other[3] = {0.25, -8, 8 * 0x1.1p-10};
    const double none[3] = {0, 0, 0}, broken[3] = {NAN, -8, 0};
    (void)state;
    check_fails(UMBRA_E_INTERNAL, "\"fc\": the plan's program",
                umbra_verify_reference_check("fc", values, other, 3));
    check_fails(UMBRA_E_INTERNAL, "fc", umbra_verify_reference_check("fc", values, none, 3));
    check_fails(UMBRA_E_INTERNAL, "fc", umbra_verify_reference_check("fc", broken, values, 3));
    check_fails(UMBRA_E_INTERNAL, "fc", umbra_verify_reference_check("fc", values, broken, 3));
}

static void nothing_is_freed_twice(void **state)
{
    umbra_verify_reference reference = {0};
    (void)state;
    umbra_verify_reference_free(&reference);
    umbra_verify_reference_free(&reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_single_precision_loses_is_allowed),
        cmocka_unit_test(another_function_is_told),
        cmocka_unit_test(nothing_is_freed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
