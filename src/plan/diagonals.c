/* From a sparse matrix between two layouts to generalised diagonals in baby and giant steps. */
#include "plan/diagonals.h"

#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The shapes of one pair, appended where set->shapes is there, counted in either case. */
static void pair_shapes(umbra_diagonal_set *set, const umbra_diagonal_problem *problem,
                        const umbra_diagonal_split *split, int output, int input, uint32_t *cover,
                        unsigned char *marks)
{
    size_t pair = (size_t)output * (size_t)problem->inputs + (size_t)input;
    size_t first = problem->pair_start[pair], count = problem->pair_start[pair + 1] - first;
    if (count == 0)
        return;
    size_t period = problem->period[input];
    size_t modulus = umbra_diagonal_modulus(problem, period, split->window);
    size_t made = umbra_diagonal_cover(split->half, problem->residues + first, count,
                                       umbra_diagonal_base(problem, period), modulus, cover, marks);
    for (size_t i = 0; set->shapes != NULL && i < made; i++) {
        size_t baby, giant;
        umbra_diagonal_split_residue(split, modulus, problem->slots, cover[i], &baby, &giant);
        set->shapes[set->count + i] = (umbra_map_diagonal){.output = output,
                                                           .input = input,
                                                           .giant_slots = (int64_t)giant,
                                                           .baby_slots = (int64_t)baby};
    }
    set->count += made;
}

static void all_shapes(umbra_diagonal_set *set, const umbra_diagonal_problem *problem,
                       const umbra_diagonal_split *split, uint32_t *cover, unsigned char *marks)
{
    set->count = 0;
    for (int output = 0; output < problem->outputs; output++) {
        const size_t before = set->count;
        for (int input = 0; input < problem->inputs; input++)
            pair_shapes(set, problem, split, output, input, cover, marks);
        if (set->count > before)
            continue;
        if (set->shapes != NULL) /* weights of zero: every output has a sum */
            set->shapes[set->count] = (umbra_map_diagonal){.output = output};
        set->count++;
    }
}

static umbra_status make_shapes(umbra_diagonal_set *set, const umbra_diagonal_problem *problem,
                                const umbra_diagonal_split *split)
{
    void *cover = NULL, *marks = NULL, *shapes = NULL;
    umbra_status status;
    UMBRA_GOTO(end, status,
               umbra_memory_alloc_array(&cover, problem->slots, sizeof(uint32_t), "diagonals"));
    UMBRA_GOTO(end, status, umbra_memory_alloc(&marks, problem->slots, "diagonals"));
    all_shapes(set, problem, split, cover, marks);
    UMBRA_GOTO(
        end, status,
        umbra_memory_alloc_array(&shapes, set->count, sizeof(umbra_map_diagonal), "diagonals"));
    set->shapes = shapes;
    all_shapes(set, problem, split, cover, marks);
    qsort(set->shapes, set->count, sizeof *set->shapes, umbra_map_diagonal_order);
end:
    umbra_memory_free(cover);
    umbra_memory_free(marks);
    return status;
}

/* Giants follow each other in the order of the shapes; babies are found by marks. */
static umbra_status count_rotations(umbra_diagonal_set *set)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)set->input_count, set->slots, "diagonals"));
    unsigned char *seen = made;
    for (size_t k = 0; k < set->count; k++) {
        const umbra_map_diagonal *shape = &set->shapes[k], *last = k > 0 ? shape - 1 : NULL;
        bool same = last != NULL && last->output == shape->output &&
                    last->giant_slots == shape->giant_slots;
        set->giant_rotations += !same && shape->giant_slots != 0;
        unsigned char *at = &seen[(size_t)shape->input * set->slots + (size_t)shape->baby_slots];
        set->baby_rotations += *at == 0 && shape->baby_slots != 0;
        *at = 1;
    }
    umbra_memory_free(seen);
    return UMBRA_OK;
}

/* Each entry stands in `lifts` of the max(P, Q) slots of its diagonal's period, times `factor`. */
static umbra_status find_gains(umbra_diagonal_set *set, const umbra_diagonal_problem *problem,
                               const umbra_diagonal_split *split)
{
    double largest = 0.0, squares = 0.0;
    size_t rows = umbra_layout_elements(problem->to);
    void *made = NULL;
    umbra_status status;
    UMBRA_TRY(umbra_memory_alloc_array(&made, rows, sizeof(double), "diagonals"));
    umbra_sparse_sums sums = {.row = made};
    for (int t = 0; t < problem->term_count; t++) {
        size_t period = umbra_layout_period(problem->terms[t].layout);
        double lifts = (double)umbra_diagonal_lifts(problem, period, split->window);
        double factor = umbra_diagonal_factor(problem, period, split->window);
        sums.squares = 0.0;
        UMBRA_GOTO(done, status, umbra_sparse_sum(problem->terms[t].matrix, &sums));
        squares += sums.squares * factor * factor * lifts /
                   (double)umbra_diagonal_max(period, problem->out_period);
    }
    for (size_t r = 0; r < rows; r++)
        largest = fmax(largest, sums.row[r]);
    set->gain_log2 = log2(fmax(largest, 0x1p-100));
    set->noise_gain_log2 = 0.5 * log2(fmax(squares, 0x1p-200));
    status = UMBRA_OK;
done:
    umbra_memory_free(made);
    return status;
}

/* Copies of the matrices, and which element stands in each slot. */
static uint64_t weights_bytes(const umbra_diagonal_problem *problem)
{
    uint64_t bytes = (uint64_t)problem->outputs * problem->out_period * sizeof(uint32_t);
    for (int t = 0; t < problem->term_count; t++) {
        const umbra_sparse *m = problem->terms[t].matrix;
        uint64_t places = m->start[m->out.points], entries = m->tile_start[m->tile_count];
        bytes += (uint64_t)problem->terms[t].layout->ciphertexts *
                     umbra_layout_period(problem->terms[t].layout) * sizeof(uint32_t) +
                 places * 8 + m->out.points * sizeof(size_t) + entries * 16;
    }
    return bytes;
}

static umbra_status make_set(umbra_diagonal_set *set, const umbra_diagonal_problem *problem,
                             const umbra_diagonal_split *split, umbra_diagonal_mode mode)
{
    set->slots = problem->slots;
    set->input_count = problem->inputs;
    set->output_count = problem->outputs;
    set->half_slots = (int64_t)split->half;
    set->joined = problem->joined;
    set->memory_bytes = weights_bytes(problem);
    for (size_t step = split->window; step < problem->largest_period; step *= 2)
        set->sum_slots[set->sum_count++] = (int64_t)step;
    UMBRA_TRY(make_shapes(set, problem, split));
    UMBRA_TRY(count_rotations(set));
    UMBRA_TRY(find_gains(set, problem, split));
    umbra_diagonal_weights *weights = NULL;
    if (mode == UMBRA_DIAGONAL_FILL)
        UMBRA_TRY(umbra_diagonal_weights_make(&weights, problem, split));
    set->weights = weights;
    return UMBRA_OK;
}

/* The problem with its inputs joined or not, and the best split of it. */
static umbra_status solve(umbra_diagonal_problem *problem, umbra_diagonal_split *split,
                          const umbra_map_term *terms, int term_count, const umbra_layout *to,
                          const umbra_diagonal_cost *cost, bool joined)
{
    UMBRA_TRY(umbra_diagonal_problem_make(problem, terms, term_count, to));
    problem->joined = joined;
    umbra_status status = umbra_diagonal_find_residues(problem);
    if (status == UMBRA_OK)
        status = umbra_diagonal_choose(problem, cost, split);
    if (status != UMBRA_OK)
        umbra_diagonal_problem_free(problem);
    return status;
}

static umbra_status solve_best(umbra_diagonal_problem *problem, umbra_diagonal_split *split,
                               const umbra_map_term *terms, int term_count, const umbra_layout *to,
                               const umbra_diagonal_cost *cost)
{
    umbra_diagonal_problem other;
    umbra_diagonal_split other_split;
    bool several = false;
    for (int t = 0; t < term_count; t++)
        several |= terms[t].layout->ciphertexts > 1;
    UMBRA_TRY(solve(problem, split, terms, term_count, to, cost, false));
    if (!several)
        return UMBRA_OK;
    umbra_status status = solve(&other, &other_split, terms, term_count, to, cost, true);
    if (status != UMBRA_OK) {
        umbra_diagonal_problem_free(problem);
        return status;
    }
    if (other_split.cost_ns < split->cost_ns) {
        umbra_diagonal_problem swap = *problem;
        *problem = other;
        *split = other_split;
        other = swap;
    }
    umbra_diagonal_problem_free(&other);
    return UMBRA_OK;
}

umbra_status umbra_diagonals_make(umbra_diagonal_set **out, const umbra_map_term *terms,
                                  int term_count, const umbra_layout *to,
                                  const umbra_diagonal_cost *cost, umbra_diagonal_mode mode)
{
    assert(term_count > 0 && cost != NULL);
    umbra_diagonal_problem problem;
    umbra_diagonal_split split;
    void *set = NULL;
    UMBRA_TRY(solve_best(&problem, &split, terms, term_count, to, cost));
    umbra_status status = umbra_memory_alloc(&set, sizeof(umbra_diagonal_set), "diagonals");
    if (status == UMBRA_OK)
        status = make_set(set, &problem, &split, mode);
    umbra_diagonal_problem_free(&problem);
    if (status != UMBRA_OK) {
        umbra_diagonal_set_free(set);
        return status;
    }
    *out = set;
    return UMBRA_OK;
}

void umbra_diagonal_set_free(umbra_diagonal_set *set)
{
    if (set == NULL)
        return;
    umbra_memory_free(set->shapes);
    umbra_diagonal_weights_free(set->weights);
    umbra_memory_free(set);
}
