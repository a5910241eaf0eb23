/* The largest of many errors lies further out than the largest of a few. */
#include "check.h"

#include "plan/program_build.h"

#include <math.h>

static void test_worst_sigmas(void **state)
{
    (void)state;
    static const size_t outputs[] = {14, 15, 1000, 64 * 64, 128 * 128, 1000 * 256 * 256};
    double last = 0;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        double sigmas = umbra_precision_worst_sigmas(outputs[i]);
        assert_true(sigmas > last);
        assert_true(fabs(erfc(sigmas / sqrt(2)) * (double)outputs[i] - 1) < 1e-6);
        last = sigmas;
    }
    assert_true(fabs(umbra_precision_worst_sigmas(14 * 52) - 3.2) < 0.01);
    assert_true(fabs(umbra_precision_worst_sigmas(52 * 128 * 128) - 4.86) < 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worst_sigmas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
