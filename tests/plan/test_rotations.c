/* Rotations cut into digits: they add up, come in order, and need few keys. */
#include "check.h"

#include "plan/rotations.h"

#include <stdlib.h>

#define SLOTS 32768
#define MOST 400

typedef struct list {
    umbra_rotation r[MOST];
    size_t count;
} list;

static void add(list *l, int group, int64_t slots)
{
    l->r[l->count++] = (umbra_rotation){.group = group, .slots = slots};
}

static int distinct(const int64_t *x, size_t count)
{
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = x[i] != 0;
        for (size_t k = 0; k < i; k++)
            first = first && x[k] != x[i];
        found += first;
    }
    return found;
}

/* Keys of babies: every digit is a rotation. */
static int digits_of(const list *l)
{
    int64_t all[3 * MOST];
    for (size_t i = 0; i < l->count; i++) {
        all[3 * i] = l->r[i].low;
        all[3 * i + 1] = l->r[i].middle;
        all[3 * i + 2] = l->r[i].high;
    }
    return distinct(all, 3 * l->count);
}

static void check_cut(const list *l, const list *before)
{
    for (size_t i = 0; i < l->count; i++) {
        const umbra_rotation *r = &l->r[i], *last = r - 1;
        size_t found = 0;
        assert_true(r->low + r->middle + r->high == r->slots);
        for (size_t k = 0; k < before->count; k++)
            found += before->r[k].group == r->group && before->r[k].slots == r->slots;
        assert_int_equal(found, 1);
        if (i == 0 || last->group != r->group)
            continue;
        assert_true(last->high <= r->high);
        assert_true(last->high < r->high || last->middle <= r->middle);
        assert_true(last->high < r->high || last->middle < r->middle || last->low < r->low);
    }
}

static void test_centred(void **state)
{
    (void)state;
    assert_true(umbra_rotation_centred(SLOTS - 3, SLOTS) == -3);
    assert_true(umbra_rotation_centred(SLOTS / 2, SLOTS) == -SLOTS / 2);
    assert_true(umbra_rotation_centred(-5, 4) == -1 && umbra_rotation_centred(7, 1) == 0);
}

/* A window of 5 by 5 in rows of 32, at five distances: 12 or 16 keys where 124 rotations are. */
static void test_babies(void **state)
{
    list l = {.count = 0};
    (void)state;
    for (int far = -2; far <= 2; far++)
        for (int row = -2; row <= 2; row++)
            for (int column = -2; column <= 2; column++)
                add(&l, 0, far * 2048 + row * 32 + column);
    list before = l;
    umbra_rotations_cut(l.r, l.count, SLOTS, UMBRA_ROTATION_BABIES);
    check_cut(&l, &before);
    assert_in_range(digits_of(&l), 12, 16);
}

/* One rotation stays whole: turning twice saves no key. */
static void test_single(void **state)
{
    list l = {.count = 0};
    (void)state;
    add(&l, 3, -8191);
    list before = l;
    umbra_rotations_cut(l.r, 1, SLOTS, UMBRA_ROTATION_BABIES);
    check_cut(&l, &before);
    assert_true(l.r[0].low == -8191);
    umbra_rotations_cut(l.r, 1, SLOTS, UMBRA_ROTATION_GIANTS);
    check_cut(&l, &before);
    assert_int_equal(digits_of(&l), 1);
}

/* Equal steps of giants need one key however many they are; two outputs need the same. */
static void test_giants(void **state)
{
    list l = {.count = 0};
    int64_t steps[2 * MOST];
    size_t count = 0;
    (void)state;
    for (int group = 0; group < 2; group++)
        for (int k = 0; k < 8; k++)
            for (int column = -1; column <= 1; column++)
                add(&l, group, k * 2048 + column);
    list before = l;
    umbra_rotations_cut(l.r, l.count, SLOTS, UMBRA_ROTATION_GIANTS);
    check_cut(&l, &before);
    for (size_t i = 0; i < l.count; i++) {
        assert_true(llabs(l.r[i].low) <= 1 && l.r[i].middle + l.r[i].high >= 0);
        steps[count++] = l.r[i].low;
        bool again = i > 0 && l.r[i].group == l.r[i - 1].group;
        int64_t rest = l.r[i].middle + l.r[i].high;
        if (again && rest != l.r[i - 1].middle + l.r[i - 1].high)
            steps[count++] = rest - l.r[i - 1].middle - l.r[i - 1].high;
    }
    assert_int_equal(distinct(steps, count), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_centred),
        cmocka_unit_test(test_babies),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_giants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
