/* The weights of every diagonal: each entry of the matrices goes to its diagonal and slot. */
#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <string.h>

/* Where entries of one residue of one input go. The stored slot is q + from_column where the
 * input's period is the longer one, p + from_row otherwise, and in both cases already turned by the
 * giant. */
typedef struct route {
    uint32_t diagonal, add, imaginary;
} route;

typedef struct router {
    const umbra_diagonal_problem *problem;
    const umbra_diagonal_split *split;
    const umbra_diagonal_set *set;
    route *routes; /* input * slots + residue, for one output */
    umbra_diagonal_entries *entries;
    size_t *next; /* by diagonal: where its next entry goes; NULL while counting */
} router;

void umbra_diagonal_entries_free(umbra_diagonal_entries *entries)
{
    if (entries == NULL)
        return;
    umbra_memory_free(entries->start);
    umbra_memory_free(entries->period);
    umbra_memory_free(entries->at);
    umbra_memory_free(entries->weight);
    umbra_memory_free(entries);
}

/* Routes of the diagonals first .. end - 1, those of one output. */
static void set_routes(router *r, size_t first, size_t end)
{
    const umbra_diagonal_problem *problem = r->problem;
    size_t slots = problem->slots, half = r->split->half;
    for (size_t k = first; k < end; k++) {
        const umbra_diagonal_shape *shape = &r->set->shapes[k];
        size_t period = problem->period[shape->input];
        size_t modulus = umbra_diagonal_modulus(problem, period, r->split->window);
        size_t baby = (size_t)shape->baby_slots, giant = (size_t)shape->giant_slots;
        route *routes = r->routes + (size_t)shape->input * slots;
        bool by_column = period >= problem->out_period;
        routes[(baby + giant) & (modulus - 1)] =
            (route){.diagonal = (uint32_t)k, .add = (uint32_t)(by_column ? -baby : giant)};
        if (half > 0 && half < modulus)
            routes[(baby + giant + half) & (modulus - 1)] =
                (route){.diagonal = (uint32_t)k,
                        .add = (uint32_t)(by_column ? -(baby + half) : giant),
                        .imaginary = UMBRA_DIAGONAL_IMAGINARY};
    }
}

/* Send one row of one term through the routes: count the entries, or store them. */
static void send_row(router *r, int t, size_t row)
{
    const umbra_diagonal_problem *problem = r->problem;
    const umbra_sparse *matrix = problem->terms[t].matrix;
    const uint32_t *position = problem->column_position[t];
    size_t slots = problem->slots, out_period = problem->out_period;
    size_t period = umbra_layout_period(problem->terms[t].layout);
    size_t modulus = umbra_diagonal_modulus(problem, period, r->split->window);
    size_t lifts = umbra_diagonal_lifts(problem, period, r->split->window);
    size_t p = problem->row_position[row] & (slots - 1);
    bool by_column = period >= out_period;
    uint32_t mask = (uint32_t)(umbra_diagonal_max(period, out_period) - 1);
    double factor =
        umbra_diagonal_factor(problem, period, r->split->window) * (r->split->half > 0 ? 0.5 : 1.0);
    umbra_diagonal_entries *entries = r->entries;
    for (size_t e = matrix->row_start[row]; e < matrix->row_start[row + 1]; e++) {
        size_t column = position[matrix->column[e]], q = column & (slots - 1);
        const route *routes = r->routes + (column - q);
        uint32_t from = (uint32_t)(by_column ? q : p);
        for (size_t lift = 0; lift < lifts; lift++) {
            const route *to =
                &routes[umbra_diagonal_residue(problem, modulus, p + lift * out_period, q)];
            if (r->next == NULL) {
                entries->start[to->diagonal + 1]++;
                continue;
            }
            size_t at = r->next[to->diagonal]++;
            entries->at[at] = ((from + to->add) & mask) | to->imaginary;
            entries->weight[at] = (float)(to->imaginary != 0 ? -factor * matrix->weight[e]
                                                             : factor * matrix->weight[e]);
        }
    }
}

static void send_all(router *r)
{
    const umbra_diagonal_problem *problem = r->problem;
    size_t row = 0, k = 0, rows = umbra_layout_elements(problem->to);
    for (int output = 0; output < problem->outputs; output++) {
        size_t first = k, end = ((size_t)output + 1) * problem->slots;
        while (k < r->set->count && r->set->shapes[k].output == output)
            k++;
        set_routes(r, first, k);
        for (; row < rows && problem->row_position[row] < end; row++)
            for (int t = 0; t < problem->term_count; t++)
                send_row(r, t, row);
    }
}

static umbra_status fill_entries(router *r)
{
    umbra_diagonal_entries *entries = r->entries;
    const umbra_diagonal_problem *problem = r->problem;
    size_t count = r->set->count;
    void *start = NULL, *period = NULL, *at = NULL, *weight = NULL, *next = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&start, count + 1, sizeof(size_t), "diagonals"));
    entries->start = start;
    UMBRA_TRY(
        umbra_memory_alloc_array(&period, (size_t)problem->inputs, sizeof(size_t), "diagonals"));
    entries->period = period;
    for (int i = 0; i < problem->inputs; i++)
        entries->period[i] = umbra_diagonal_max(problem->period[i], problem->out_period);
    send_all(r);
    for (size_t k = 0; k < count; k++)
        entries->start[k + 1] += entries->start[k];
    UMBRA_TRY(umbra_memory_alloc_array(&at, entries->start[count], sizeof(uint32_t), "diagonals"));
    entries->at = at;
    UMBRA_TRY(umbra_memory_alloc_array(&weight, entries->start[count], sizeof(float), "diagonals"));
    entries->weight = weight;
    UMBRA_TRY(umbra_memory_alloc_array(&next, count, sizeof(size_t), "diagonals"));
    if (count > 0)
        memcpy(next, entries->start, count * sizeof(size_t));
    r->next = next;
    send_all(r);
    umbra_memory_free(next);
    return UMBRA_OK;
}

umbra_status umbra_diagonal_entries_make(umbra_diagonal_entries **out,
                                         const umbra_diagonal_problem *problem,
                                         const umbra_diagonal_split *split,
                                         const umbra_diagonal_set *set)
{
    void *entries = NULL, *routes = NULL;
    size_t inputs = (size_t)problem->inputs;
    if (set->count > UINT32_MAX)
        return umbra_fail(UMBRA_E_MODEL, "a linear map of %zu diagonals", set->count);
    UMBRA_TRY(umbra_memory_alloc(&entries, sizeof(umbra_diagonal_entries), "diagonals"));
    umbra_status status =
        umbra_memory_alloc_array(&routes, inputs, problem->slots * sizeof(route), "diagonals");
    if (status == UMBRA_OK) {
        router r = {
            .problem = problem, .split = split, .set = set, .routes = routes, .entries = entries};
        status = fill_entries(&r);
    }
    umbra_memory_free(routes);
    if (status != UMBRA_OK) {
        umbra_diagonal_entries_free(entries);
        return status;
    }
    *out = entries;
    return UMBRA_OK;
}
