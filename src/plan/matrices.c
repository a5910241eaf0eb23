/* The store of matrices: nodes of the graph, identities, products and sums, computed when needed.
 */
#include "plan/matrices.h"

#include "base/memory.h"
#include "plan/selection.h"

/* Of one matrix: operands that are not kept are made for every use. A sum of all that goes around
 * the activations of a deep network has hundreds; a file of forty nodes may ask for 2^40. */
#define MOST_MADE 65536.0
#define MOST_NESTED 1024 /* which is a recursion */

typedef enum matrix_kind { FROM_NODE, SELECTION, IDENTITY, PRODUCT, SUM } matrix_kind;

typedef struct entry {
    matrix_kind kind;
    int a, b; /* a is the node of FROM_NODE and SELECTION, b the input of the latter */
    double ka, kb;
    size_t rows, columns, row_channels, column_channels;
    double made; /* how many matrices are made for this one */
    int nested;
    umbra_sparse *sparse;
} entry;

struct umbra_matrices {
    const umbra_graph *graph;
    entry *entries;
    int count;
    size_t capacity;
};

umbra_status umbra_matrices_new(umbra_matrices **out, const umbra_graph *graph)
{
    void *store = NULL;
    UMBRA_TRY(umbra_memory_alloc(&store, sizeof(umbra_matrices), "matrices"));
    *out = store;
    (*out)->graph = graph;
    return UMBRA_OK;
}

void umbra_matrices_free(umbra_matrices *store)
{
    if (store == NULL)
        return;
    for (int i = 0; i < store->count; i++)
        umbra_sparse_free(store->entries[i].sparse);
    umbra_memory_free(store->entries);
    umbra_memory_free(store);
}

static bool same(const entry *x, const entry *y)
{
    return x->kind == y->kind && x->a == y->a && x->b == y->b && x->ka == y->ka && x->kb == y->kb &&
           x->rows == y->rows && x->columns == y->columns;
}

static umbra_status intern(umbra_matrices *store, const entry *wanted, int *id)
{
    for (int i = 0; i < store->count; i++)
        if (same(&store->entries[i], wanted)) {
            *id = i;
            return UMBRA_OK;
        }
    UMBRA_TRY(umbra_memory_grow(&store->entries, (size_t)store->count, (size_t)store->count + 1,
                                &store->capacity, sizeof *wanted, "matrices"));
    store->entries[store->count] = *wanted;
    *id = store->count++;
    return UMBRA_OK;
}

/* A product or sum. */
static umbra_status intern_pair(umbra_matrices *store, entry *wanted, int *id)
{
    const entry *x = &store->entries[wanted->a], *y = &store->entries[wanted->b];
    wanted->made = 1 + x->made + y->made;
    wanted->nested = 1 + (x->nested > y->nested ? x->nested : y->nested);
    if (wanted->made > MOST_MADE || wanted->nested > MOST_NESTED)
        return umbra_fail(UMBRA_E_MODEL,
                          "linear nodes one after another take %.0f products and sums of matrices, "
                          "%d of them nested; %.0f and %d are possible: fold them when you export",
                          wanted->made, wanted->nested, MOST_MADE, MOST_NESTED);
    return intern(store, wanted, id);
}

static entry between_sides(umbra_side rows, umbra_side columns)
{
    return (entry){.rows = rows.size,
                   .columns = columns.size,
                   .row_channels = rows.channels,
                   .column_channels = columns.channels};
}

umbra_status umbra_matrices_node(umbra_matrices *store, int node, umbra_side rows,
                                 umbra_side columns, int *id)
{
    entry e = between_sides(rows, columns);
    e.kind = FROM_NODE;
    e.a = node;
    return intern(store, &e, id);
}

umbra_status umbra_matrices_selection(umbra_matrices *store, int node, int input, umbra_side rows,
                                      umbra_side columns, int *id)
{
    entry e = between_sides(rows, columns);
    e.kind = SELECTION;
    e.a = node;
    e.b = input;
    return intern(store, &e, id);
}

umbra_status umbra_matrices_identity(umbra_matrices *store, size_t size, int *id)
{
    entry e = {.kind = IDENTITY, .rows = size, .columns = size};
    return intern(store, &e, id);
}

int umbra_matrices_is_identity(const umbra_matrices *store, int id)
{
    return store->entries[id].kind == IDENTITY;
}

size_t umbra_matrices_rows(const umbra_matrices *store, int id)
{
    return store->entries[id].rows;
}

umbra_status umbra_matrices_product(umbra_matrices *store, int a, int b, int *id)
{
    const entry *x = &store->entries[a], *y = &store->entries[b];
    if (x->columns != y->rows)
        return umbra_fail(UMBRA_E_INTERNAL, "a product of matrices of %zu x %zu and %zu x %zu",
                          x->rows, x->columns, y->rows, y->columns);
    if (x->kind == IDENTITY || y->kind == IDENTITY) {
        *id = x->kind == IDENTITY ? b : a;
        return UMBRA_OK;
    }
    entry e = {.kind = PRODUCT,
               .a = a,
               .b = b,
               .rows = x->rows,
               .columns = y->columns,
               .row_channels = x->row_channels,
               .column_channels = y->column_channels};
    return intern_pair(store, &e, id);
}

umbra_status umbra_matrices_sum(umbra_matrices *store, int a, double ka, int b, double kb, int *id)
{
    const entry *x = &store->entries[a];
    entry e = {.kind = SUM, .a = a, .b = b, .ka = ka, .kb = kb};
    e.rows = x->rows;
    e.columns = x->columns;
    e.row_channels = x->row_channels;
    e.column_channels = x->column_channels;
    return intern_pair(store, &e, id);
}

static bool same_side(umbra_sparse_side a, umbra_sparse_side b)
{
    return a.channels == b.channels && a.points == b.points;
}

/* *out becomes `wanted` as it is, or with other sides; then *owned holds it, in place of what it
 * held. */
static umbra_status give_sides(const umbra_sparse **out, umbra_sparse **owned,
                               umbra_sparse_side rows, umbra_sparse_side columns)
{
    umbra_sparse *made = NULL;
    UMBRA_TRY(umbra_sparse_reshape(&made, *out, rows, columns));
    if (made == NULL)
        return UMBRA_OK;
    umbra_sparse_free(*owned);
    *out = *owned = made;
    return UMBRA_OK;
}

/* A flattened tensor changes what a channel is: then one of two matrices has to follow. */
static umbra_status make_sum(const entry *e, const umbra_sparse *a, const umbra_sparse *b,
                             umbra_sparse **out)
{
    umbra_sparse *owned = NULL;
    const umbra_sparse *other = b;
    UMBRA_TRY(give_sides(&other, &owned, a->out, a->in));
    umbra_status status = umbra_sparse_add(out, e->ka, a, e->kb, other);
    umbra_sparse_free(owned);
    return status;
}

static umbra_status make_product(const umbra_sparse *a, const umbra_sparse *b, umbra_sparse **out)
{
    umbra_sparse *owned = NULL;
    umbra_status status = UMBRA_OK;
    if (a->in.points == 1)
        status = give_sides(&a, &owned, a->out, b->out);
    else
        status = give_sides(&b, &owned, a->in, b->in);
    if (status == UMBRA_OK)
        status = umbra_sparse_multiply(out, a, b);
    umbra_sparse_free(owned);
    return status;
}

/* An identity is made with the sides that its neighbour has. */
static umbra_status look_at(const umbra_matrices *store, int id, const umbra_sparse *beside,
                            const umbra_sparse **out, umbra_sparse **owned)
{
    const entry *e = &store->entries[id];
    if (e->kind != IDENTITY)
        return umbra_matrices_view(store, id, NULL, NULL, out, owned);
    umbra_sparse_side side = {1, e->rows};
    if (beside != NULL && same_side(beside->out, beside->in))
        side = beside->out;
    UMBRA_TRY(umbra_sparse_identity(owned, side));
    *out = *owned;
    return UMBRA_OK;
}

static umbra_status make_pair(const umbra_matrices *store, const entry *e, umbra_sparse **out)
{
    const umbra_sparse *a = NULL, *b = NULL;
    umbra_sparse *own_a = NULL, *own_b = NULL;
    bool b_first = store->entries[e->a].kind == IDENTITY;
    umbra_status status = UMBRA_OK;
    if (b_first)
        UMBRA_GOTO(done, status, look_at(store, e->b, NULL, &b, &own_b));
    UMBRA_GOTO(done, status, look_at(store, e->a, b, &a, &own_a));
    if (!b_first)
        UMBRA_GOTO(done, status, look_at(store, e->b, a, &b, &own_b));
    status = e->kind == SUM ? make_sum(e, a, b, out) : make_product(a, b, out);
done:
    umbra_sparse_free(own_a);
    umbra_sparse_free(own_b);
    return status;
}

static umbra_status make_selection(const umbra_matrices *store, const entry *e, umbra_sparse **out)
{
    umbra_selection s = {0};
    UMBRA_TRY(umbra_selection_of_node(&s, store->graph, e->a, e->b));
    umbra_status status = umbra_sparse_select(
        out, (umbra_sparse_side){e->row_channels, e->rows / e->row_channels},
        (umbra_sparse_side){e->column_channels, e->columns / e->column_channels}, s.column,
        s.weight);
    umbra_selection_free(&s);
    return status;
}

static umbra_status make_matrix(const umbra_matrices *store, int id, const umbra_sparse_side *rows,
                                umbra_sparse **out)
{
    const entry *e = &store->entries[id];
    switch (e->kind) {
    case FROM_NODE:
        return umbra_sparse_from_node(out, store->graph, e->a);
    case SELECTION:
        return make_selection(store, e, out);
    case IDENTITY:
        return umbra_sparse_identity(out, rows != NULL ? *rows : (umbra_sparse_side){1, e->rows});
    default:
        return make_pair(store, e, out);
    }
}

umbra_status umbra_matrices_view(const umbra_matrices *store, int id, const umbra_sparse_side *rows,
                                 const umbra_sparse_side *columns, const umbra_sparse **out,
                                 umbra_sparse **owned)
{
    const umbra_sparse *held = store->entries[id].sparse;
    umbra_sparse *made = NULL;
    umbra_status status = UMBRA_OK;
    *owned = NULL;
    if (held == NULL) {
        UMBRA_TRY(make_matrix(store, id, rows, &made));
        held = made;
    }
    if (rows != NULL && columns != NULL)
        status = give_sides(&held, &made, *rows, *columns);
    if (status != UMBRA_OK) {
        umbra_sparse_free(made);
        return status;
    }
    *out = held;
    *owned = made;
    return UMBRA_OK;
}

umbra_status umbra_matrices_get(umbra_matrices *store, int id, const umbra_sparse **out)
{
    entry *e = &store->entries[id];
    if (e->sparse == NULL)
        UMBRA_TRY(umbra_matrices_view(store, id, NULL, NULL, out, &e->sparse));
    *out = e->sparse;
    return UMBRA_OK;
}
