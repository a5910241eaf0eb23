/* Tests of src/imaging/levels.c against sorting. */
#include "check.h"
#include "imaging/levels.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static uint64_t random_state = 42;

static float random_float(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    double unit = (double)(random_state >> 11) * 0x1p-53;
    double wide = pow(10.0, 12.0 * unit - 6.0);
    return (float)((random_state >> 5 & 1) != 0 ? wide : -wide);
}

static void percentiles_equal_those_of_a_sorted_copy(void **state)
{
    (void)state;
    static float values[20001], sorted[20001];
    for (size_t count = 2; count < 20001; count = count * 3 + 1) {
        for (size_t i = 0; i < count; i++)
            sorted[i] = values[i] = random_float();
        qsort(sorted, count, sizeof *sorted, by_value);
        size_t cut = (count - 1) / 200;
        umbra_levels levels;
        check_ok(umbra_levels_from_percentiles(values, count, 1.0f, 0.0f, &levels));
        assert_true(levels.black == sorted[cut]);
        assert_true(levels.white == sorted[count - 1 - cut]);
    }
}

static void padding_and_non_numbers_do_not_count(void **state)
{
    (void)state;
    float values[] = {3.0f, -2000.0f, NAN, 5.0f, INFINITY, -INFINITY, -1999.0f, 4.0f};
    umbra_levels levels;
    check_ok(umbra_levels_from_percentiles(values, 8, -2000.0f, -1999.0f, &levels));
    assert_true(levels.black == 3.0f && levels.white == 5.0f);
    umbra_levels_apply(levels, values, 8);
    assert_true(values[2] == 0.0f && values[4] == 1.0f && values[5] == 0.0f && values[7] == 0.5f);
    check_fails(UMBRA_E_INPUT, "every pixel is padding or not a number",
                umbra_levels_from_percentiles(&(float){NAN}, 1, 1.0f, 0.0f, &levels));
}

static void flat_pictures_have_a_width(void **state)
{
    (void)state;
    float flat[300], spot[300];
    umbra_levels levels;
    for (int i = 0; i < 300; i++)
        flat[i] = spot[i] = 1e30f;
    check_ok(umbra_levels_from_percentiles(flat, 300, 1.0f, 0.0f, &levels));
    assert_true(levels.white > levels.black);
    umbra_levels_apply(levels, flat, 300);
    assert_true(flat[7] == 0.0f);
    spot[9] = 2e30f; /* one bright pixel of 300 is beyond 99.5 %: the extremes are taken */
    check_ok(umbra_levels_from_percentiles(spot, 300, 1.0f, 0.0f, &levels));
    assert_true(levels.black == 1e30f && levels.white == 2e30f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_equal_those_of_a_sorted_copy),
        cmocka_unit_test(padding_and_non_numbers_do_not_count),
        cmocka_unit_test(flat_pictures_have_a_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
