/* Activations by name, and quadratics fitted to them. */
#include "check.h"

#include "graph/activation.h"

#include <math.h>

#define COUNT 4001

/* Numbers evenly from low to high. */
static void fit(const char *name, double low, double high, double c[3])
{
    static float x[COUNT];
    umbra_activation f;
    assert_true(umbra_activation_find(name, &f));
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(low + (high - low) * i / (COUNT - 1));
    umbra_activation_fit(&f, x, COUNT, c);
}

static void expect(const double c[3], double c0, double c1, double c2, double tolerance)
{
    assert_true(fabs(c[0] - c0) <= tolerance);
    assert_true(fabs(c[1] - c1) <= tolerance);
    assert_true(fabs(c[2] - c2) <= tolerance);
}

/* Known in closed form: over [-r, r] the nearest quadratic to ReLU is 15/32r x^2 + x/2 + 3r/32. */
static void test_relu(void **state)
{
    (void)state;
    double c[3];
    fit("Relu", -1, 1, c);
    expect(c, 3.0 / 32, 0.5, 15.0 / 32, 2e-3);
    fit("Relu", -8, 8, c);
    expect(c, 8 * 3.0 / 32, 0.5, 15.0 / 256, 2e-2);
    fit("Relu", 1, 5, c);
    expect(c, 0, 1, 0, 1e-9);
    fit("Relu", -5, -1, c);
    expect(c, 0, 0, 0, 1e-9);
    fit("Relu", 3, 3, c);
    expect(c, 3, 0, 0, 0);
}

/* Odd functions have no square: none is invented, and the line is the one of least squares. */
static void test_odd_functions(void **state)
{
    (void)state;
    double c[3];
    fit("Tanh", -1e-3, 1e-3, c);
    expect(c, 0, 1, 0, 1e-5);
    fit("Tanh", -2, 2, c);
    assert_true(c[2] == 0.0 && fabs(c[0]) < 1e-6 && c[1] > 0.5 && c[1] < 0.7);
}

/* Where most samples are, the fit is best. */
static void test_samples_weigh(void **state)
{
    (void)state;
    static float x[COUNT];
    umbra_activation f;
    double c[3];
    assert_true(umbra_activation_find("Sigmoid", &f));
    for (int i = 0; i < COUNT; i++)
        x[i] = 2.0f + 0.1f * (float)i / COUNT;
    x[0] = -6.0f;
    x[1] = 6.0f;
    umbra_activation_fit(&f, x, COUNT, c);
    double at = c[0] + c[1] * 2.05 + c[2] * 2.05 * 2.05;
    assert_true(fabs(at - 1 / (1 + exp(-2.05))) < 0.02);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double x, y;
    } cases[] = {
        {"LeakyRelu", -2, -0.02},
        {"ThresholdedRelu", 0.5, 0},
        {"ThresholdedRelu", 2, 2},
        {"Elu", -1, -0.6321205588},
        {"Celu", -1, -0.6321205588},
        {"Selu", -1, -1.1113307378},
        {"Selu", 1, 1.0507009873},
        {"Clip", 7, 7},
        {"HardSigmoid", 1, 0.7},
        {"HardSigmoid", -9, 0},
        {"Softplus", 0, 0.6931471806},
        {"Softplus", 800, 800},
        {"Softsign", -3, -0.75},
        {"Silu", 1, 0.7310585786},
        {"HardSwish", 1, 0.6666666667},
        {"HardSwish", -4, 0},
        {"Mish", 1, 0.8650983883},
        {"Gelu", 1, 0.8413447461},
        {"Gelu", -1, -0.1586552539},
        {"Tanh", 1, 0.7615941560},
        {"Sigmoid", 0, 0.5},
    };
    umbra_activation f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(umbra_activation_find(cases[i].name, &f));
        assert_true(fabs(f.function(cases[i].x, f.alpha, f.beta) - cases[i].y) < 1e-7);
    }
    assert_false(umbra_activation_find("Conv", &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relu),
        cmocka_unit_test(test_odd_functions),
        cmocka_unit_test(test_samples_weigh),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
