/* The store of matrices: nodes of the graph, identities, products and sums, computed when needed.
 */
#include "plan/matrices.h"

#include "base/memory.h"
#include "plan/compose.h"
#include "plan/selection.h"

#include <string.h>

typedef enum matrix_kind { FROM_NODE, SELECTION, IDENTITY, PRODUCT, SUM } matrix_kind;

typedef struct entry {
    matrix_kind kind;
    int a, b; /* a is the node of FROM_NODE and SELECTION, b the input of the latter */
    double ka, kb;
    size_t rows, columns, row_channels, column_channels;
    umbra_sparse *sparse;
} entry;

struct umbra_matrices {
    const umbra_graph *graph;
    entry *entries;
    int count, capacity;
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
    if (store->count == store->capacity) {
        void *grown = NULL;
        int capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
        UMBRA_TRY(umbra_memory_alloc_array(&grown, (size_t)capacity, sizeof *wanted, "matrices"));
        if (store->count > 0)
            memcpy(grown, store->entries, (size_t)store->count * sizeof *wanted);
        umbra_memory_free(store->entries);
        store->entries = grown;
        store->capacity = capacity;
    }
    store->entries[store->count] = *wanted;
    *id = store->count++;
    return UMBRA_OK;
}

umbra_status umbra_matrices_node(umbra_matrices *store, int node, umbra_side rows,
                                 umbra_side columns, int *id)
{
    entry e = {.kind = FROM_NODE,
               .a = node,
               .rows = rows.size,
               .columns = columns.size,
               .row_channels = rows.channels,
               .column_channels = columns.channels};
    return intern(store, &e, id);
}

umbra_status umbra_matrices_selection(umbra_matrices *store, int node, int input, umbra_side rows,
                                      umbra_side columns, int *id)
{
    entry e = {.kind = SELECTION,
               .a = node,
               .b = input,
               .rows = rows.size,
               .columns = columns.size,
               .row_channels = rows.channels,
               .column_channels = columns.channels};
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
    return intern(store, &e, id);
}

umbra_status umbra_matrices_sum(umbra_matrices *store, int a, double ka, int b, double kb, int *id)
{
    const entry *x = &store->entries[a];
    entry e = {.kind = SUM, .a = a, .b = b, .ka = ka, .kb = kb};
    e.rows = x->rows;
    e.columns = x->columns;
    e.row_channels = x->row_channels;
    e.column_channels = x->column_channels;
    return intern(store, &e, id);
}

static umbra_status scaled_copy(umbra_sparse **out, const umbra_sparse *in, double factor)
{
    umbra_sparse *identity = NULL;
    void *rows = NULL;
    UMBRA_TRY(umbra_sparse_identity(&identity, in->columns));
    umbra_status status = umbra_sparse_multiply(out, in, identity);
    umbra_sparse_free(identity);
    if (status != UMBRA_OK)
        return status;
    status = umbra_memory_alloc_array(&rows, in->rows, sizeof(double), "matrices");
    if (status != UMBRA_OK) {
        umbra_sparse_free(*out);
        *out = NULL;
        return status;
    }
    for (size_t r = 0; r < in->rows; r++)
        ((double *)rows)[r] = factor;
    umbra_sparse_scale(*out, rows, NULL);
    umbra_memory_free(rows);
    return UMBRA_OK;
}

static umbra_status make_sum(const entry *e, const umbra_sparse *a, const umbra_sparse *b,
                             umbra_sparse **out)
{
    umbra_sparse *x = NULL, *y = NULL;
    umbra_status status;
    UMBRA_GOTO(done, status, scaled_copy(&x, a, e->ka));
    UMBRA_GOTO(done, status, scaled_copy(&y, b, e->kb));
    UMBRA_GOTO(done, status, umbra_sparse_add(out, x, y));
done:
    umbra_sparse_free(x);
    umbra_sparse_free(y);
    return status;
}

static umbra_status make_product(const umbra_matrices *store, const entry *e, const umbra_sparse *a,
                                 const umbra_sparse *b, umbra_sparse **out)
{
    const entry *x = &store->entries[e->a], *y = &store->entries[e->b];
    umbra_compose_channels channels = {
        .out = x->row_channels, .middle = x->column_channels, .in = y->column_channels};
    /* A flattened tensor changes what a channel is: then there are no points to speak of. */
    if (x->column_channels != y->row_channels || channels.out == 0 || channels.in == 0)
        return umbra_sparse_multiply(out, a, b);
    return umbra_sparse_compose(out, a, b, channels);
}

static umbra_status make_pair(const umbra_matrices *store, const entry *e, umbra_sparse **out)
{
    const umbra_sparse *a = NULL, *b = NULL;
    umbra_sparse *own_a = NULL, *own_b = NULL;
    umbra_status status;
    UMBRA_GOTO(done, status, umbra_matrices_view(store, e->a, &a, &own_a));
    UMBRA_GOTO(done, status, umbra_matrices_view(store, e->b, &b, &own_b));
    status = e->kind == SUM ? make_sum(e, a, b, out) : make_product(store, e, a, b, out);
done:
    umbra_sparse_free(own_a);
    umbra_sparse_free(own_b);
    return status;
}

umbra_status umbra_matrices_view(const umbra_matrices *store, int id, const umbra_sparse **out,
                                 umbra_sparse **owned)
{
    const entry *e = &store->entries[id];
    *owned = NULL;
    umbra_status status = UMBRA_OK;
    if (e->sparse == NULL && e->kind == FROM_NODE)
        status = umbra_sparse_from_node(owned, store->graph, e->a);
    else if (e->sparse == NULL && e->kind == SELECTION)
        status = umbra_selection_matrix(owned, store->graph, e->a, e->b);
    else if (e->sparse == NULL && e->kind == IDENTITY)
        status = umbra_sparse_identity(owned, e->rows);
    else if (e->sparse == NULL)
        status = make_pair(store, e, owned);
    *out = e->sparse != NULL ? e->sparse : *owned;
    return status;
}

umbra_status umbra_matrices_get(umbra_matrices *store, int id, const umbra_sparse **out)
{
    entry *e = &store->entries[id];
    if (e->sparse == NULL)
        UMBRA_TRY(umbra_matrices_view(store, id, out, &e->sparse));
    *out = e->sparse;
    return UMBRA_OK;
}
