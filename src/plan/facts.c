/* Facts of linear maps: made in parallel, kept by what they are made of. */
#include "plan/facts.h"

#include "base/memory.h"

#include <math.h>

struct umbra_facts_store {
    umbra_facts **items;
    int count;
    size_t capacity;
};

umbra_status umbra_facts_store_new(umbra_facts_store **out)
{
    void *store = NULL;
    UMBRA_TRY(umbra_memory_alloc(&store, sizeof(umbra_facts_store), "facts"));
    *out = store;
    return UMBRA_OK;
}

static void facts_free(umbra_facts *f)
{
    if (f == NULL)
        return;
    umbra_diagonal_set_free(f->set);
    for (int k = 0; k < f->term_count; k++)
        umbra_memory_free(f->power[k]);
    umbra_memory_free(f);
}

void umbra_facts_store_free(umbra_facts_store *store)
{
    if (store == NULL)
        return;
    for (int i = 0; i < store->count; i++)
        facts_free(store->items[i]);
    umbra_memory_free(store->items);
    umbra_memory_free(store);
}

static bool same_layout(const umbra_layout *a, const umbra_layout *b)
{
    return a->kind == b->kind && a->channels == b->channels && a->height == b->height &&
           a->width == b->width && a->slots == b->slots && a->ciphertexts == b->ciphertexts &&
           a->grid_height == b->grid_height && a->grid_width == b->grid_width && a->gap == b->gap &&
           a->blocks == b->blocks && a->copies == b->copies && a->modulus == b->modulus &&
           a->images == b->images;
}

static bool same_facts(const umbra_facts *a, const umbra_facts *b)
{
    if (a->term_count != b->term_count || a->mode != b->mode || !same_layout(&a->to, &b->to))
        return false;
    for (int k = 0; k < a->term_count; k++)
        if (a->matrix[k] != b->matrix[k] || !same_layout(&a->in[k], &b->in[k]))
            return false;
    return true;
}

static umbra_status key_of(umbra_facts *key, const umbra_network *n, const umbra_layout *layouts,
                           int linear, umbra_diagonal_mode mode)
{
    const umbra_linear *l = &n->linears[linear];
    if (l->term_count > UMBRA_FACTS_TERMS)
        return umbra_fail(UMBRA_E_MODEL,
                          "\"%s\" adds %d tensors, more than %d: use fewer shortcuts",
                          umbra_network_name(n, l->tensor), l->term_count, UMBRA_FACTS_TERMS);
    *key = (umbra_facts){.term_count = l->term_count, .mode = mode, .to = layouts[l->tensor]};
    key->period = umbra_layout_period(&key->to);
    for (int k = 0; k < l->term_count; k++) {
        key->matrix[k] = l->terms[k].matrix;
        key->in[k] = layouts[l->terms[k].tensor];
        size_t period = umbra_layout_period(&key->in[k]);
        key->period = period > key->period ? period : key->period;
        key->direct[k] = umbra_matrices_is_identity(n->matrices, key->matrix[k]) &&
                         same_layout(&key->in[k], &key->to);
    }
    return UMBRA_OK;
}

static umbra_status add_facts(umbra_facts_store *store, const umbra_facts *key, umbra_facts **out)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_grow(&store->items, (size_t)store->count, (size_t)store->count + 1,
                                &store->capacity, sizeof *store->items, "facts"));
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_facts), "facts"));
    *out = made;
    **out = *key;
    store->items[store->count++] = *out;
    return UMBRA_OK;
}

/* One linear whose facts are to be made. */
typedef struct facts_task {
    umbra_facts *facts;
    umbra_cost_shape shape;
} facts_task;

typedef struct facts_job {
    const umbra_matrices *matrices;
    facts_task *tasks;
    size_t count;
} facts_job;

static size_t points_of(const umbra_layout *layout)
{
    return (size_t)layout->height * (size_t)layout->width;
}

static umbra_sparse_side side_of(const umbra_layout *layout)
{
    return (umbra_sparse_side){(size_t)layout->channels, points_of(layout)};
}

static umbra_status measure_term(umbra_facts *f, int k, const umbra_sparse *m)
{
    size_t cells = (size_t)f->to.channels * (size_t)f->in[k].channels;
    void *rows = NULL, *power = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&power, cells, sizeof(double), "facts"));
    f->power[k] = power;
    UMBRA_TRY(umbra_memory_alloc_array(&rows, m->rows, sizeof(double), "facts"));
    umbra_sparse_sums sums = {.row = rows, .power = power};
    umbra_status status = umbra_sparse_sum(m, &sums);
    for (size_t i = 0; i < cells; i++)
        f->power[k][i] /= (double)points_of(&f->to);
    for (size_t r = 0; r < m->rows; r++)
        f->gain[k] = fmax(f->gain[k], sums.row[r]);
    f->repeats = fmax(f->repeats, sums.repeats);
    umbra_memory_free(rows);
    return status;
}

static umbra_status measure_direct(umbra_facts *f, int k)
{
    size_t channels = (size_t)f->to.channels;
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, channels * channels, sizeof(double), "facts"));
    f->power[k] = made;
    for (size_t c = 0; c < channels; c++)
        f->power[k][c * channels + c] = 1;
    f->gain[k] = 1;
    return UMBRA_OK;
}

static umbra_diagonal_cost cost_at(const umbra_facts *f, umbra_cost_shape shape)
{
    /* The split of rotations must not depend on the machine: one set of constants decides. */
    umbra_cost_model model = umbra_cost_model_for("avx512ifma", 1);
    size_t fold = f->to.slots / f->period;
    return (umbra_diagonal_cost){
        .baby_ns = umbra_cost_inner(&model, shape) + umbra_cost_mod_down(&model, shape),
        .giant_ns = umbra_cost_decompose(&model, shape) + umbra_cost_inner(&model, shape),
        .product_ns = umbra_cost_product(&model, shape, fold)};
}

static umbra_status make_facts(void *context, size_t index, int worker)
{
    const facts_job *job = context;
    umbra_facts *f = job->tasks[index].facts;
    umbra_map_term terms[UMBRA_FACTS_TERMS];
    umbra_sparse *owned[UMBRA_FACTS_TERMS] = {NULL};
    int count = 0, input = 0;
    umbra_status status = UMBRA_OK;
    (void)worker;
    for (int k = 0; status == UMBRA_OK && k < f->term_count; k++) {
        const umbra_sparse *m = NULL;
        if (f->direct[k]) {
            status = measure_direct(f, k);
            continue;
        }
        umbra_sparse_side rows = side_of(&f->to), columns = side_of(&f->in[k]);
        status = umbra_matrices_view(job->matrices, f->matrix[k], &rows, &columns, &m, &owned[k]);
        if (status == UMBRA_OK)
            status = measure_term(f, k, m);
        terms[count++] = (umbra_map_term){.matrix = m, .layout = &f->in[k], .input = input};
        input += f->in[k].ciphertexts;
    }
    umbra_diagonal_cost cost = cost_at(f, job->tasks[index].shape);
    if (status == UMBRA_OK && count > 0)
        status = umbra_diagonals_make(&f->set, terms, count, &f->to, &cost, f->mode);
    if (status == UMBRA_OK && f->set != NULL) /* sum steps add slots of one diagonal */
        f->repeats = fmax(f->repeats * exp2(-f->set->sum_count), 1);
    for (int k = 0; k < f->term_count; k++)
        umbra_sparse_free(owned[k]);
    return status;
}

static umbra_status find_one(umbra_facts_store *store, const umbra_facts *key, facts_job *job,
                             umbra_cost_shape shape, const umbra_facts **out)
{
    umbra_facts *made = NULL;
    for (int i = 0; i < store->count; i++)
        if (same_facts(store->items[i], key)) {
            *out = store->items[i];
            return UMBRA_OK;
        }
    UMBRA_TRY(add_facts(store, key, &made));
    job->tasks[job->count++] = (facts_task){.facts = made, .shape = shape};
    *out = made;
    return UMBRA_OK;
}

/* After a failure some facts are empty: none of the new ones may be found again. */
static void forget(umbra_facts_store *store, size_t count)
{
    for (size_t i = 0; i < count; i++)
        facts_free(store->items[--store->count]);
}

umbra_status umbra_facts_find(umbra_facts_store *store, const umbra_network *network,
                              const umbra_layout *layouts, const umbra_cost_shape *shapes,
                              umbra_diagonal_mode mode, umbra_pool *pool, const umbra_facts **facts)
{
    facts_job job = {.matrices = network->matrices};
    void *tasks = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&tasks, (size_t)network->linear_count + 1,
                                       sizeof(facts_task), "facts"));
    job.tasks = tasks;
    umbra_status status = UMBRA_OK;
    for (int i = 0; status == UMBRA_OK && i < network->linear_count; i++) {
        const umbra_linear *l = &network->linears[i];
        umbra_facts key;
        facts[i] = NULL;
        if (!network->tensors[l->tensor].used)
            continue;
        status = key_of(&key, network, layouts, i, mode);
        if (status == UMBRA_OK)
            status = find_one(store, &key, &job, shapes[l->depth], &facts[i]);
    }
    if (status == UMBRA_OK)
        status = umbra_pool_run(pool, job.count, make_facts, &job);
    if (status != UMBRA_OK)
        forget(store, job.count);
    umbra_memory_free(tasks);
    return status;
}
