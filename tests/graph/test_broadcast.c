/* Strided walks against plain index arithmetic, on random shapes. */
#include "check.h"

#include "graph/broadcast.h"
#include "graph/build.h"

#include <math.h>

#define ROOM 4096

static uint32_t state_word = 99;

static int random_below(int n)
{
    state_word = state_word * 1664525u + 1013904223u;
    return (int)((state_word >> 8) % (unsigned)n);
}

static umbra_shape random_shape(void)
{
    umbra_shape s = {.rank = random_below(5)};
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = 1 + random_below(4);
    return s;
}

/* The same tensor, with some dimensions 1 and some in front missing. */
static umbra_shape smaller(const umbra_shape *full)
{
    umbra_shape s = {.rank = random_below(full->rank + 1)};
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = random_below(3) == 0 ? 1 : full->dim[full->rank - s.rank + i];
    return s;
}

/* Element of a broadcast operand for output index `at`, digit by digit. */
static int64_t offset(const umbra_shape *out, const umbra_shape *in, int64_t at)
{
    int64_t result = 0, step = 1;
    for (int i = out->rank - 1; i >= 0; i--) {
        int64_t digit = at % out->dim[i];
        int k = i - (out->rank - in->rank);
        at /= out->dim[i];
        if (k >= 0) {
            result += (in->dim[k] == 1 ? 0 : digit) * step;
            step *= in->dim[k];
        }
    }
    return result;
}

static double expected(umbra_arithmetic op, float a, float b)
{
    switch (op) {
    case UMBRA_ARITHMETIC_ADD:
        return (double)(a + b);
    case UMBRA_ARITHMETIC_SUB:
        return (double)(a - b);
    case UMBRA_ARITHMETIC_MUL:
        return (double)(a * b);
    case UMBRA_ARITHMETIC_DIV:
        return (double)(a / b);
    default:
        return (double)powf(a, b);
    }
}

static void test_arithmetic(void **state)
{
    (void)state;
    static float a[ROOM], b[ROOM], out[ROOM + 1];
    for (int i = 0; i < ROOM; i++) {
        a[i] = 0.5f + (float)random_below(100) / 50.0f;
        b[i] = 1.0f + (float)random_below(3);
    }
    for (int round = 0; round < 500; round++) {
        umbra_shape full = random_shape(), sa = smaller(&full), sb = smaller(&full), shape;
        umbra_arithmetic op = (umbra_arithmetic)random_below(5);
        assert_true(umbra_shape_broadcast(&sa, &sb, &shape));
        int64_t count = umbra_shape_elements(&shape);
        out[count] = 77.0f;
        umbra_broadcast_f32(op, out, &shape, a, &sa, b, &sb);
        assert_true(out[count] == 77.0f);
        for (int64_t i = 0; i < count; i++) {
            double want = expected(op, a[offset(&shape, &sa, i)], b[offset(&shape, &sb, i)]);
            assert_true(fabs((double)out[i] - want) <= 1e-6 * fabs(want));
        }
    }
}

/* Gathering by permuted strides and scattering by the same gives the tensor back. */
static void test_gather_then_scatter(void **state)
{
    (void)state;
    static float in[ROOM], moved[ROOM], back[ROOM];
    for (int i = 0; i < ROOM; i++)
        in[i] = (float)i;
    for (int round = 0; round < 200; round++) {
        umbra_shape s = random_shape(), t = s;
        int64_t own[UMBRA_MAX_RANK] = {0}, strides[UMBRA_MAX_RANK] = {0};
        umbra_shape_strides(&s, own);
        for (int i = 0; i < s.rank; i++) { /* rotate the dimensions */
            int from = (i + round) % s.rank;
            t.dim[i] = s.dim[from];
            strides[i] = own[from];
        }
        int64_t count = umbra_shape_elements(&s);
        umbra_gather_strided(moved, &t, in, 0, strides, sizeof(float));
        memset(back, 0, sizeof back);
        umbra_scatter_strided(back, 0, strides, moved, &t, sizeof(float));
        assert_memory_equal(in, back, (size_t)count * sizeof(float));
    }
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    umbra_shape a = {.rank = 2, .dim = {2, 3}}, b = {.rank = 1, .dim = {2}}, out;
    assert_false(umbra_shape_broadcast(&a, &b, &out));
    umbra_shape big = {.rank = 2, .dim = {1 << 20, 1 << 20}};
    assert_int_equal(umbra_shape_elements(&big), -1);
    umbra_shape zero = {.rank = 3, .dim = {INT64_MAX, 0, INT64_MAX}};
    assert_int_equal(umbra_shape_elements(&zero), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_gather_then_scatter),
        cmocka_unit_test(test_shapes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
