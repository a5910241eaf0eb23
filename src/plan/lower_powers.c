/* Polynomials of degree three and more, in few levels and products.
 *
 * A polynomial of degree up to 2h, h a power of two, is q(u) T_h(u) + r(u) with the Chebyshev
 * polynomial T_h and a rest of degree below h [PS73]; q and r are done likewise. One product for
 * each such step, and one level for each doubling of the degree past two. T_1 = u runs over [-1, 1]
 * when x keeps to its range, and so does T_2h = 2 T_h^2 - 1: nothing grows on the way, and
 * coefficients of a smooth function stay small. A cubic is u (a u^2 + b u + c) + d. */
#include "plan/lower.h"

#include <math.h>
#include <string.h>

#define DEFAULT_REACH 4 /* of x, where nothing is known */
#define LEVELS 5        /* degrees up to 2^(LEVELS - 1) */

typedef struct powers {
    umbra_lowering *l;
    int node;
    size_t size;
    double reach;          /* u = x / reach */
    bool bounded;          /* the reach is known */
    int part;              /* of the last tensor made */
    int chebyshev[LEVELS]; /* tensors of T_(2^k), -1: not made yet; T_1 is x */
    int squared[LEVELS];   /* their squares */
    int copy;              /* of u, one level below x; -1 */
    int depth;             /* of x */
} powers;

/* The largest |sum a_k T_k| on [-1, 1], about. */
static double reach_of(const double *a, int degree)
{
    double most = 0;
    for (int i = 0; i <= 64; i++) {
        double angle = M_PI * i / 64, sum = 0;
        for (int k = 0; k <= degree; k++)
            sum += a[k] * cos(k * angle);
        most = fmax(most, fabs(sum));
    }
    return most;
}

/* Evaluate and free an expression whose making gave `status`. */
static umbra_status evaluate(powers *p, umbra_status status, umbra_expression *e, double reach,
                             int depth, int *tensor)
{
    umbra_tensor t = {
        .node = p->node, .part = ++p->part, .reach = p->bounded ? reach : 0, .depth = depth};
    int linear = -1;
    if (status == UMBRA_OK)
        status = umbra_lowering_tensor(p->l, p->l->graph->nodes[p->node].output, &t);
    if (status == UMBRA_OK)
        status = umbra_lowering_evaluate(p->l, e, t, -1, tensor, &linear);
    umbra_expression_free(e);
    return status;
}

static umbra_status square_of(powers *p, int k, int *tensor)
{
    if (p->squared[k] < 0)
        UMBRA_TRY(umbra_lowering_square(p->l, p->chebyshev[k], ++p->part, &p->squared[k]));
    *tensor = p->squared[k];
    p->l->network->tensors[*tensor].node = p->node;
    return UMBRA_OK;
}

static umbra_status chebyshev_of(powers *p, int k, int *tensor);

/* out += coefficient * T_(2^k), not evaluated. */
static umbra_status add_chebyshev(powers *p, int k, double coefficient, umbra_expression *out)
{
    int source = -1;
    double scale = k <= 1 ? p->reach : 1;
    if (coefficient == 0)
        return UMBRA_OK;
    if (k == 0)
        return umbra_lowering_read(p->l, p->chebyshev[0], coefficient / scale, out);
    UMBRA_TRY(chebyshev_of(p, k - 1, &source));
    UMBRA_TRY(square_of(p, k - 1, &source));
    UMBRA_TRY(umbra_lowering_read(p->l, source, 2 * coefficient / (scale * scale), out));
    return umbra_lowering_add_constant(p->l, out, -coefficient, p->size);
}

/* T_(2^k) as a tensor, k levels below x. */
static umbra_status chebyshev_of(powers *p, int k, int *tensor)
{
    umbra_expression e = {0};
    if (p->chebyshev[k] < 0) {
        umbra_status status = add_chebyshev(p, k, 1, &e);
        UMBRA_TRY(evaluate(p, status, &e, 1, p->depth + k, &p->chebyshev[k]));
    }
    *tensor = p->chebyshev[k];
    return UMBRA_OK;
}

static umbra_status add_series(powers *p, double *a, int degree, umbra_expression *out);

static int power_of(int number)
{
    int power = 0;
    while (1 << (power + 1) <= number)
        power++;
    return power;
}

/* out += (sum q_k T_k) * factor, both at `depth` */
static umbra_status add_product(powers *p, double *q, int degree, int factor, int depth,
                                umbra_expression *out)
{
    umbra_expression e = {0};
    umbra_tensor t = {.node = p->node, .part = 0};
    int other = -1, product = -1;
    double reach = reach_of(q, degree);
    umbra_status status = UMBRA_OK;
    /* T_2h is the square of T_h, which is there: no product of its own. */
    if (degree > 2) {
        status = add_chebyshev(p, power_of(degree), q[degree], &e);
        q[degree--] = 0;
    }
    if (status == UMBRA_OK)
        status = add_series(p, q, degree, &e);
    UMBRA_TRY(evaluate(p, status, &e, reach, depth, &other));
    UMBRA_TRY(umbra_lowering_tensor(p->l, p->l->graph->nodes[p->node].output, &t));
    t.part = ++p->part;
    UMBRA_TRY(umbra_lowering_multiply(p->l, other, factor, t, &product));
    return umbra_lowering_read(p->l, product, 1, out);
}

/* a_1 T_1 + a_2 T_2 + a_3 T_3 as u times a quadratic, without a rest. */
static umbra_status add_cubic(powers *p, const double *a, umbra_expression *out)
{
    /* T_3 = 4u^3 - 3u, T_2 = 2u^2 - 1; and u^2 = (T_2 + 1) / 2. */
    double q[3] = {a[1] - 3 * a[3] + 2 * a[3], 2 * a[2], 2 * a[3]};
    umbra_expression e = {0};
    if (p->copy < 0) {
        umbra_status status = add_chebyshev(p, 0, 1, &e);
        UMBRA_TRY(evaluate(p, status, &e, 1, p->depth + 1, &p->copy));
    }
    UMBRA_TRY(umbra_lowering_add_constant(p->l, out, a[0] - a[2], p->size));
    return add_product(p, q, 2, p->copy, p->depth + 1, out);
}

/* out += sum a_k T_k */
static umbra_status add_series(powers *p, double *a, int degree, umbra_expression *out)
{
    double q[UMBRA_MAX_DEGREE + 1] = {0}, r[UMBRA_MAX_DEGREE + 1] = {0};
    int k = 1, half = 2, tensor = -1;
    while (degree > 0 && a[degree] == 0)
        degree--;
    if (degree <= 2) {
        UMBRA_TRY(umbra_lowering_add_constant(p->l, out, a[0], p->size));
        for (int i = 1; i <= degree; i++)
            UMBRA_TRY(add_chebyshev(p, i - 1, a[i], out));
        return UMBRA_OK;
    }
    if (degree == 3)
        return add_cubic(p, a, out);
    for (; 2 * half < degree; half *= 2)
        k++; /* half = 2^k */
    /* T_(h+j) = 2 T_h T_j - T_(h-j); and T_h T_0 = T_h. */
    memcpy(r, a, (size_t)half * sizeof *r);
    q[0] = a[half];
    for (int j = 1; j <= half && half + j <= degree; j++) {
        q[j] += 2 * a[half + j];
        r[half - j] -= a[half + j];
    }
    UMBRA_TRY(chebyshev_of(p, k, &tensor));
    UMBRA_TRY(add_product(p, q, half, tensor, p->depth + k, out));
    return add_series(p, r, half - 1, out);
}

/* Coefficients of powers of x become those of Chebyshev polynomials of u = x / reach: u^(n+1) from
 * u^n by u T_k = (T_(k+1) + T_|k-1|) / 2. */
static void to_chebyshev(const double *c, int degree, double reach, double *a)
{
    double power[UMBRA_MAX_DEGREE + 2] = {1}, scale = 1;
    memset(a, 0, (UMBRA_MAX_DEGREE + 1) * sizeof *a);
    for (int n = 0; n <= degree; n++) {
        double next[UMBRA_MAX_DEGREE + 2] = {0};
        for (int k = 0; k <= n; k++) {
            a[k] += c[n] * scale * power[k];
            next[k + 1] += power[k] / 2;
            next[k == 0 ? 1 : k - 1] += power[k] / 2;
        }
        memcpy(power, next, sizeof power);
        scale *= reach;
    }
}

umbra_status umbra_lower_powers(umbra_lowering *l, int node)
{
    const umbra_node *n = &l->graph->nodes[node];
    const umbra_value *x = &l->graph->values[n->inputs[0]];
    umbra_expression *out = &l->values[n->output];
    double a[UMBRA_MAX_DEGREE + 1];
    powers p = {.l = l, .node = node, .size = umbra_lowering_size(l, n->output), .copy = -1};
    int degree = umbra_polynomial_degree(n);
    if (x->range_min <= x->range_max)
        p.reach = fmax(fabs(x->range_min), fabs(x->range_max));
    p.bounded = p.reach > 0;
    if (!p.bounded)
        p.reach = DEFAULT_REACH;
    for (int k = 0; k < LEVELS; k++)
        p.chebyshev[k] = p.squared[k] = -1;
    UMBRA_TRY(
        umbra_lowering_operand(l, n->inputs[0], (umbra_tensor){.node = node}, &p.chebyshev[0]));
    p.depth = l->network->tensors[p.chebyshev[0]].depth;
    to_chebyshev(n->attr.coefficient, degree, p.reach, a);
    UMBRA_TRY(add_series(&p, a, degree, out));
    /* With a rest there are two tensors to read, or more: the planner may add them up first. */
    return out->count > 1 ? umbra_lowering_make_candidate(l, node) : UMBRA_OK;
}
