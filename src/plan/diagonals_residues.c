/* Which shifts a linear map needs: positions of rows and columns, and their differences. */
#include "base/checked.h"
#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <string.h>

static umbra_status check_terms(const umbra_map_term *terms, int term_count, const umbra_layout *to)
{
    for (int t = 0; t < term_count; t++) {
        const umbra_map_term *term = &terms[t];
        if (term->layout->slots != to->slots || term->layout->images != to->images ||
            term->matrix->rows != umbra_layout_elements(to) ||
            term->matrix->columns != umbra_layout_elements(term->layout) || term->input < 0)
            return umbra_fail(UMBRA_E_MISMATCH,
                              "term %d of a linear map: a matrix of %zu x %zu between layouts of "
                              "%zu and %zu elements",
                              t, term->matrix->rows, term->matrix->columns,
                              umbra_layout_elements(to), umbra_layout_elements(term->layout));
    }
    return UMBRA_OK;
}

static umbra_status positions(uint32_t **out, const umbra_layout *layout, int first)
{
    size_t count = umbra_layout_elements(layout);
    void *made = NULL;
    if ((uint64_t)(first + layout->ciphertexts) * layout->slots > UINT32_MAX)
        return umbra_fail(UMBRA_E_MODEL, "a linear map of more than 2^32 slots");
    UMBRA_TRY(umbra_memory_alloc_array(&made, count, sizeof(uint32_t), "positions"));
    uint32_t *position = made;
    for (size_t e = 0; e < count; e++) {
        int ciphertext;
        size_t slot;
        umbra_layout_position(layout, e, &ciphertext, &slot);
        position[e] = (uint32_t)((size_t)(first + ciphertext) * layout->slots + slot);
    }
    *out = position;
    return UMBRA_OK;
}

/* What a layout repeats with, or in rooms the power of two that its elements stay below. */
static size_t extent_of(const umbra_layout *layout)
{
    return layout->images > 1 && layout->kind == UMBRA_LAYOUT_MODULAR ? layout->modulus
                                                                      : umbra_layout_period(layout);
}

/* No two terms read the same ciphertext: their weights would meet, and the noise gain be too small.
 */
static umbra_status set_periods(umbra_diagonal_problem *problem)
{
    void *made = NULL;
    for (int t = 0; t < problem->term_count; t++) {
        int end = problem->terms[t].input + problem->terms[t].layout->ciphertexts;
        problem->inputs = end > problem->inputs ? end : problem->inputs;
    }
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)problem->inputs, sizeof(size_t), "periods"));
    problem->period = made;
    problem->largest_period = problem->out_period;
    for (int t = 0; t < problem->term_count; t++) {
        const umbra_layout *layout = problem->terms[t].layout;
        size_t period = umbra_layout_period(layout);
        problem->largest_period = umbra_diagonal_max(problem->largest_period, extent_of(layout));
        for (int i = 0; i < layout->ciphertexts; i++) {
            size_t *at = &problem->period[problem->terms[t].input + i];
            if (*at != 0)
                return umbra_fail(UMBRA_E_MISMATCH,
                                  "two terms of a linear map read input %d; add their matrices "
                                  "(umbra_sparse_add)",
                                  problem->terms[t].input + i);
            *at = period;
        }
    }
    return UMBRA_OK;
}

static umbra_status fill_problem(umbra_diagonal_problem *problem)
{
    void *made = NULL;
    UMBRA_TRY(set_periods(problem));
    UMBRA_TRY(positions(&problem->row_position, problem->to, 0));
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)problem->term_count, sizeof(uint32_t *),
                                       "positions"));
    problem->column_position = made;
    for (int t = 0; t < problem->term_count; t++)
        UMBRA_TRY(positions(&problem->column_position[t], problem->terms[t].layout,
                            problem->terms[t].input));
    return UMBRA_OK;
}

umbra_status umbra_diagonal_problem_make(umbra_diagonal_problem *out, const umbra_map_term *terms,
                                         int term_count, const umbra_layout *to)
{
    UMBRA_TRY(check_terms(terms, term_count, to));
    umbra_diagonal_problem problem = {.terms = terms,
                                      .term_count = term_count,
                                      .to = to,
                                      .slots = to->slots,
                                      .outputs = to->ciphertexts,
                                      .rooms = to->images > 1,
                                      .out_period = extent_of(to)};
    umbra_status status = fill_problem(&problem);
    if (status != UMBRA_OK) {
        umbra_diagonal_problem_free(&problem);
        return status;
    }
    *out = problem;
    return UMBRA_OK;
}

void umbra_diagonal_problem_free(umbra_diagonal_problem *problem)
{
    for (int t = 0; problem->column_position != NULL && t < problem->term_count; t++)
        umbra_memory_free(problem->column_position[t]);
    umbra_memory_free(problem->column_position);
    umbra_memory_free(problem->row_position);
    umbra_memory_free(problem->period);
    umbra_memory_free(problem->pair_start);
    umbra_memory_free(problem->residues);
    *problem = (umbra_diagonal_problem){0};
}

/* seen[input * slots + residue] = 1 for the entries of one row. */
static void mark_row(const umbra_diagonal_problem *problem, int t, size_t row, unsigned char *seen)
{
    const umbra_sparse *matrix = problem->terms[t].matrix;
    const uint32_t *position = problem->column_position[t];
    size_t slots = problem->slots, p = problem->row_position[row] & (slots - 1);
    size_t base = umbra_diagonal_base(problem, umbra_layout_period(problem->terms[t].layout));
    for (size_t e = matrix->row_start[row]; e < matrix->row_start[row + 1]; e++) {
        size_t at = position[matrix->column[e]];
        size_t q = at & (slots - 1);
        seen[(at - q) | umbra_diagonal_residue(problem, base, p, q)] = 1;
    }
}

/* Append the residues seen by one output, and clear them. */
static umbra_status take_seen(umbra_diagonal_problem *problem, int output, unsigned char *seen,
                              size_t *capacity)
{
    size_t slots = problem->slots, count = problem->residue_count;
    size_t *start = problem->pair_start + (size_t)output * (size_t)problem->inputs;
    for (int i = 0; i < problem->inputs; i++) {
        unsigned char *at = seen + (size_t)i * slots;
        size_t base =
            problem->period[i] == 0 ? 0 : umbra_diagonal_base(problem, problem->period[i]);
        if (base > *capacity - count) {
            size_t wanted = *capacity * 2 + base;
            void *grown = NULL;
            UMBRA_TRY(umbra_memory_alloc_array(&grown, wanted, sizeof(uint32_t), "residues"));
            if (count > 0)
                memcpy(grown, problem->residues, count * sizeof(uint32_t));
            umbra_memory_free(problem->residues);
            problem->residues = grown;
            *capacity = wanted;
        }
        for (size_t r = 0; r < base; r++)
            if (at[r])
                problem->residues[count++] = (uint32_t)r;
        memset(at, 0, base);
        start[i + 1] = count;
    }
    problem->residue_count = count;
    return UMBRA_OK;
}

/* Elements of a layout stand in ascending ciphertexts, so that the rows of one output follow each
 * other. */
umbra_status umbra_diagonal_find_residues(umbra_diagonal_problem *problem)
{
    void *seen = NULL, *start = NULL;
    size_t pairs = (size_t)problem->inputs * (size_t)problem->outputs, capacity = 0, row = 0;
    UMBRA_TRY(umbra_memory_alloc_array(&start, pairs + 1, sizeof(size_t), "residues"));
    problem->pair_start = start;
    UMBRA_TRY(umbra_memory_alloc_array(&seen, (size_t)problem->inputs, problem->slots, "residues"));
    umbra_status status = UMBRA_OK;
    for (int output = 0; output < problem->outputs && status == UMBRA_OK; output++) {
        size_t end = ((size_t)output + 1) * problem->slots;
        size_t rows = umbra_layout_elements(problem->to);
        for (; row < rows && problem->row_position[row] < end; row++)
            for (int t = 0; t < problem->term_count; t++)
                mark_row(problem, t, row, seen);
        status = take_seen(problem, output, seen, &capacity);
    }
    umbra_memory_free(seen);
    return status;
}
