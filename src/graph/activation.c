/* Activation functions by their ONNX names, and the quadratic that comes nearest to one. */
#include "graph/activation.h"

#include <math.h>
#include <string.h>

static double relu(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return x > 0 ? x : 0;
}

static double leaky_relu(double x, double alpha, double beta)
{
    (void)beta;
    return x > 0 ? x : alpha * x;
}

static double thresholded_relu(double x, double alpha, double beta)
{
    (void)beta;
    return x > alpha ? x : 0;
}

static double elu(double x, double alpha, double beta)
{
    (void)beta;
    return x > 0 ? x : alpha * expm1(x);
}

static double celu(double x, double alpha, double beta)
{
    (void)beta;
    return x > 0 ? x : alpha * expm1(x / alpha);
}

static double selu(double x, double alpha, double beta)
{
    return beta * (x > 0 ? x : alpha * expm1(x));
}

static double clip(double x, double alpha, double beta)
{
    return x < alpha ? alpha : x > beta ? beta : x;
}

static double sigmoid(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return 1 / (1 + exp(-x));
}

static double hard_sigmoid(double x, double alpha, double beta)
{
    return clip(alpha * x + beta, 0, 1);
}

static double tangent(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return tanh(x);
}

static double softplus(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double softsign(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return x / (1 + fabs(x));
}

static double silu(double x, double alpha, double beta)
{
    return x * sigmoid(x, alpha, beta);
}

static double hard_swish(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return x * hard_sigmoid(x, 1.0 / 6, 0.5);
}

static double mish(double x, double alpha, double beta)
{
    return x * tanh(softplus(x, alpha, beta));
}

static double gelu(double x, double alpha, double beta)
{
    (void)alpha;
    (void)beta;
    return x * 0.5 * erfc(-x * 0.70710678118654752440);
}

typedef struct named {
    const char *op_type;
    umbra_activation activation;
} named;

/* With ONNX's default attributes. */
static const named table[] = {
    {"Relu", {relu, 0, 0}},
    {"LeakyRelu", {leaky_relu, 0.01, 0}},
    {"ThresholdedRelu", {thresholded_relu, 1, 0}},
    {"Elu", {elu, 1, 0}},
    {"Celu", {celu, 1, 0}},
    {"Selu", {selu, 1.67326319217681884765625, 1.05070102214813232421875}},
    {"Clip", {clip, -HUGE_VAL, HUGE_VAL}},
    {"Sigmoid", {sigmoid, 0, 0}},
    {"HardSigmoid", {hard_sigmoid, 0.2, 0.5}},
    {"Tanh", {tangent, 0, 0}},
    {"Softplus", {softplus, 0, 0}},
    {"Softsign", {softsign, 0, 0}},
    {"Silu", {silu, 0, 0}},
    {"HardSwish", {hard_swish, 0, 0}},
    {"Mish", {mish, 0, 0}},
    {"Gelu", {gelu, 0, 0}},
};

bool umbra_activation_find(const char *op_type, umbra_activation *out)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].op_type, op_type) == 0) {
            *out = table[i].activation;
            return true;
        }
    return false;
}

/* The normal equations of 1, t, t^2 with the right-hand side in the last column; t is x brought to
 * -1 .. 1, which keeps them well conditioned. */
typedef struct equations {
    double m[3][4];
    double middle, half;
} equations;

static void add_sample(equations *e, const umbra_activation *f, double x, double weight)
{
    double t = (x - e->middle) / e->half, power[3] = {1, t, t * t};
    double y = f->function(x, f->alpha, f->beta);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++)
            e->m[i][k] += weight * power[i] * power[k];
        e->m[i][3] += weight * power[i] * y;
    }
}

/* Gauss-Jordan without pivoting: the matrix is positive definite, by the even grid. */
static void solve(equations *e, double p[3])
{
    for (int i = 0; i < 3; i++)
        for (int r = 0; r < 3; r++) {
            double factor = r == i ? 0 : e->m[r][i] / e->m[i][i];
            for (int k = 0; k < 4; k++)
                e->m[r][k] -= factor * e->m[i][k];
        }
    for (int i = 0; i < 3; i++)
        p[i] = e->m[i][3] / e->m[i][i];
}

#define GRID 65
#define MOST_LINEAR 5e3 /* a smaller square is lost beside the linear term, and not planned */

void umbra_activation_fit(const umbra_activation *f, const float *samples, size_t count,
                          double c[3])
{
    double low = (double)samples[0], high = low, p[3];
    for (size_t i = 1; i < count; i++) {
        low = fmin(low, (double)samples[i]);
        high = fmax(high, (double)samples[i]);
    }
    if (!(high - low > 1e-9 * fmax(1.0, fmax(fabs(low), fabs(high))))) {
        c[0] = f->function(low, f->alpha, f->beta);
        c[1] = c[2] = 0;
        return;
    }
    equations e = {.middle = (low + high) / 2, .half = (high - low) / 2};
    for (size_t i = 0; i < count; i++)
        add_sample(&e, f, (double)samples[i], 0.9 / (double)count);
    for (int i = 0; i < GRID; i++)
        add_sample(&e, f, low + (high - low) * i / (GRID - 1), 0.1 / GRID);
    solve(&e, p);
    bool too_small =
        fabs(p[2]) < 1e-3 * fabs(p[1]) || fabs(p[1]) * e.half > MOST_LINEAR * fabs(p[2]);
    if (too_small) { /* the mean of t^2 stays with the constant */
        p[0] += p[2] / 3;
        p[2] = 0;
    }
    double t0 = -e.middle / e.half; /* t = t0 + x / half */
    c[0] = p[0] + p[1] * t0 + p[2] * t0 * t0;
    c[1] = (p[1] + 2 * p[2] * t0) / e.half;
    c[2] = p[2] / (e.half * e.half);
}
