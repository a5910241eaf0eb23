/* Tests of src/base/checked.h. */
#include "base/checked.h"
#include "check.h"

static void sums_fit_or_are_refused(void **state)
{
    (void)state;
    size_t r = 77;
    assert_true(umbra_size_add(SIZE_MAX - 1, 1, &r));
    assert_int_equal(r, SIZE_MAX);
    r = 77;
    assert_false(umbra_size_add(SIZE_MAX, 1, &r));
    assert_false(umbra_size_add(1, SIZE_MAX, &r));
    assert_false(umbra_size_add(SIZE_MAX, SIZE_MAX, &r));
    assert_int_equal(r, 77); /* untouched */
    assert_true(umbra_size_add(0, 0, &r));
    assert_int_equal(r, 0);
}

static void products_fit_or_are_refused(void **state)
{
    (void)state;
    size_t r = 77, half = (size_t)1 << (sizeof(size_t) * 4);
    assert_false(umbra_size_mul(half, half, &r));
    assert_false(umbra_size_mul(SIZE_MAX, 2, &r));
    assert_false(umbra_size_mul(2, SIZE_MAX, &r));
    assert_int_equal(r, 77);
    assert_true(umbra_size_mul(half, half - 1, &r));
    assert_int_equal(r, half * (half - 1));
    assert_true(umbra_size_mul(SIZE_MAX, 1, &r));
    assert_int_equal(r, SIZE_MAX);
    assert_true(umbra_size_mul(0, SIZE_MAX, &r));
    assert_int_equal(r, 0);
    assert_true(umbra_size_mul(SIZE_MAX, 0, &r));
    assert_int_equal(r, 0);
}

static void lengths_of_files_fit_or_are_refused(void **state)
{
    (void)state;
    size_t r = 77;
    assert_true(umbra_size_from_u64(SIZE_MAX, &r));
    assert_int_equal(r, SIZE_MAX);
#if SIZE_MAX < UINT64_MAX
    assert_false(umbra_size_from_u64((uint64_t)SIZE_MAX + 1, &r));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_fit_or_are_refused),
        cmocka_unit_test(products_fit_or_are_refused),
        cmocka_unit_test(lengths_of_files_fit_or_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
