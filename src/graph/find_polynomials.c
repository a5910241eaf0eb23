/* Powers, products and sums of one tensor with scalars become a single POLYNOMIAL node.
 *
 * Every value is written as a polynomial in a base value. Where a value is needed by more than one
 * final polynomial (a residual branch, say) it is made a base itself, and all is written anew. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/passes.h"

#include <math.h>
#include <string.h>

typedef struct poly {
    int base; /* value index */
    int degree;
    double c[UMBRA_MAX_DEGREE + 1];
} poly;

typedef struct finder {
    umbra_graph *graph;
    poly *of;      /* each value as a polynomial, where it is not cut: what its node computes */
    bool *written; /* the node of this value was written as a polynomial */
    bool *cut;     /* the value is a base for its readers */
    int *root;     /* the final value that a value goes into: itself for a root, -1 not yet known */
} finder;

static poly identity(int value)
{
    poly p = {.base = value, .degree = 1};
    p.c[1] = 1.0;
    return p;
}

/* How a reader sees a value. */
static poly seen(const finder *f, int value)
{
    return f->written[value] && !f->cut[value] ? f->of[value] : identity(value);
}

/* A number for all elements, which does not raise the rank of x. */
static bool scalar(const finder *f, int value, int x, double *out)
{
    const umbra_value *v = &f->graph->values[value];
    const umbra_shape *xs = &f->graph->values[x].shape;
    if (v->f32 == NULL || umbra_shape_elements(&v->shape) != 1 || !isfinite(v->f32[0]) ||
        (xs->rank >= 0 && v->shape.rank > xs->rank) || (xs->rank < 0 && v->shape.rank > 1))
        return false;
    *out = (double)v->f32[0];
    return true;
}

static void trim(poly *p)
{
    while (p->degree > 1 && p->c[p->degree] == 0.0)
        p->degree--;
}

static bool product(const poly *a, const poly *b, poly *out)
{
    poly r = {.base = a->base, .degree = a->degree + b->degree};
    if (a->base != b->base || r.degree > UMBRA_MAX_DEGREE)
        return false;
    for (int i = 0; i <= a->degree; i++)
        for (int k = 0; k <= b->degree; k++)
            r.c[i + k] += a->c[i] * b->c[k];
    trim(&r);
    *out = r;
    return true;
}

/* factor * p + addend, in place. */
static void affine(poly *p, double factor, double addend)
{
    for (int i = 0; i <= p->degree; i++)
        p->c[i] *= factor;
    p->c[0] += addend;
    trim(p);
}

static bool sum(const poly *a, const poly *b, double sign, poly *out)
{
    poly r = *a;
    if (a->base != b->base)
        return false;
    r.degree = a->degree > b->degree ? a->degree : b->degree;
    for (int i = 0; i <= b->degree; i++)
        r.c[i] += sign * b->c[i];
    trim(&r);
    *out = r;
    return true;
}

/* outer(inner(x)) by Horner's rule. */
static bool compose(const double *outer, int degree, const poly *inner, poly *out)
{
    poly r = {.base = inner->base};
    r.c[0] = outer[degree];
    if (degree * inner->degree > UMBRA_MAX_DEGREE)
        return false;
    for (int k = degree - 1; k >= 0; k--) {
        if (!product(&r, inner, &r))
            return false;
        r.c[0] += outer[k];
    }
    r.degree = r.degree < 1 ? 1 : r.degree;
    *out = r;
    return true;
}

/* a op b where both are computed. */
static bool both_computed(umbra_op op, const poly *a, const poly *b, poly *out)
{
    switch (op) {
    case UMBRA_OP_ADD:
        return sum(a, b, 1.0, out);
    case UMBRA_OP_SUB:
        return sum(a, b, -1.0, out);
    case UMBRA_OP_MUL:
        return product(a, b, out);
    default:
        return false;
    }
}

static bool with_scalar(umbra_op op, poly p, double s, bool scalar_first, poly *out)
{
    if (op == UMBRA_OP_ADD)
        affine(&p, 1.0, s);
    else if (op == UMBRA_OP_SUB)
        affine(&p, scalar_first ? -1.0 : 1.0, scalar_first ? s : -s);
    else if (op == UMBRA_OP_MUL)
        affine(&p, s, 0.0);
    else if (op == UMBRA_OP_DIV && !scalar_first && s != 0.0)
        affine(&p, 1.0 / s, 0.0);
    else
        return false;
    *out = p;
    return true;
}

static bool write_node(const finder *f, const umbra_node *node, poly *out)
{
    int a = node->inputs[0], b = node->input_count > 1 ? node->inputs[1] : -1;
    double s;
    if (node->op == UMBRA_OP_POLYNOMIAL) {
        poly p = seen(f, a);
        return compose(node->attr.coefficient, node->attr.degree, &p, out);
    }
    bool wanted = node->op == UMBRA_OP_ADD || node->op == UMBRA_OP_SUB ||
                  node->op == UMBRA_OP_MUL || node->op == UMBRA_OP_DIV || node->op == UMBRA_OP_POW;
    if (!wanted || a < 0 || b < 0)
        return false;
    if (node->op == UMBRA_OP_POW) {
        double power[UMBRA_MAX_DEGREE + 1] = {0};
        if (!scalar(f, b, a, &s) || s < 1.0 || s > UMBRA_MAX_DEGREE || s != floor(s))
            return false;
        poly p = seen(f, a);
        power[(int)s] = 1.0;
        return compose(power, (int)s, &p, out);
    }
    if (scalar(f, b, a, &s))
        return with_scalar(node->op, seen(f, a), s, false, out);
    if (scalar(f, a, b, &s))
        return with_scalar(node->op, seen(f, b), s, true, out);
    poly pa = seen(f, a), pb = seen(f, b);
    return both_computed(node->op, &pa, &pb, out);
}

static bool all_finite(const poly *p)
{
    for (int i = 0; i <= p->degree; i++)
        if (!isfinite(p->c[i]))
            return false;
    return true;
}

static void write_all(finder *f)
{
    for (int i = 0; i < f->graph->node_count; i++) {
        const umbra_node *node = &f->graph->nodes[i];
        poly *p = &f->of[node->output];
        f->written[node->output] = f->graph->values[node->output].shape.rank >= 0 &&
                                   write_node(f, node, p) && all_finite(p);
    }
}

/* Follow every value to the polynomial that it ends in; one that ends in two is cut. */
static bool cut_shared(finder *f)
{
    const umbra_graph *g = f->graph;
    bool changed = false;
    for (int i = 0; i < g->value_count; i++)
        f->root[i] = -1;
    for (int i = 0; i < g->output_count; i++)
        f->root[g->outputs[i]] = g->outputs[i];
    for (int i = g->node_count - 1; i >= 0; i--) {
        const umbra_node *node = &g->nodes[i];
        bool ends = !f->written[node->output] || f->cut[node->output] || f->root[node->output] < 0;
        int root = ends ? node->output : f->root[node->output];
        if (f->cut[node->output])
            f->root[node->output] = node->output;
        for (int k = 0; k < node->input_count; k++) {
            int x = node->inputs[k];
            if (x < 0 || !f->written[x] || f->cut[x])
                continue;
            int into = f->written[node->output] ? root : x;
            if (f->root[x] >= 0 && f->root[x] != into) {
                f->cut[x] = true;
                changed = true;
            }
            f->root[x] = into;
        }
    }
    return changed;
}

static bool is_output(const umbra_graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

/* Roots become POLYNOMIAL nodes over their base; what led to them is dead. x itself needs no node,
 * unless it is an output, whose name must stay. */
static void rewrite(finder *f)
{
    for (int i = 0; i < f->graph->node_count; i++) {
        umbra_node *node = &f->graph->nodes[i];
        int v = node->output;
        bool is_root = f->written[v] && (f->cut[v] || f->root[v] == v);
        if (!is_root)
            continue;
        node->op = UMBRA_OP_POLYNOMIAL;
        node->attr.degree = f->of[v].degree;
        memcpy(node->attr.coefficient, f->of[v].c, sizeof node->attr.coefficient);
        node->inputs[0] = f->of[v].base;
        node->input_count = 1;
        const poly *p = &f->of[v];
        if (p->degree == 1 && p->c[1] == 1.0 && p->c[0] == 0.0 && !is_output(f->graph, v))
            umbra_graph_replace_uses(f->graph, v, p->base);
    }
}

umbra_status umbra_pass_find_polynomials(umbra_graph *graph)
{
    finder f = {.graph = graph};
    size_t count = (size_t)graph->value_count + 1;
    void *memory[4] = {NULL, NULL, NULL, NULL};
    umbra_status status;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&memory[0], count, sizeof(poly), "polynomials"));
    UMBRA_GOTO(end, status, umbra_memory_alloc(&memory[1], count, "polynomials"));
    UMBRA_GOTO(end, status, umbra_memory_alloc(&memory[2], count, "polynomials"));
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&memory[3], count, sizeof(int), "polynomials"));
    f.of = memory[0];
    f.written = memory[1];
    f.cut = memory[2];
    f.root = memory[3];
    do {
        write_all(&f);
    } while (cut_shared(&f));
    rewrite(&f);
end:
    for (int i = 0; i < 4; i++)
        umbra_memory_free(memory[i]);
    UMBRA_TRY(status);
    return umbra_pass_drop_dead(graph);
}
