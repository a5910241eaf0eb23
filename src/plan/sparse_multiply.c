/* The product of two sparse matrices, row by row (Gustavson). */
#include "base/checked.h"
#include "base/memory.h"
#include "plan/sparse_internal.h"

#include <string.h>

#define PAGE_LOG2                                                                                  \
    5 /* columns are found again by pages of 32, so that a row costs what it touches */
#define PAGE ((size_t)1 << PAGE_LOG2)

/* One row of the product: sums by column, and which pages of columns were touched. */
typedef struct accumulator {
    double *sum;
    unsigned char *touched;
    size_t pages;
} accumulator;

static void accumulator_free(accumulator *acc)
{
    umbra_memory_free(acc->sum);
    umbra_memory_free(acc->touched);
}

static umbra_status accumulator_make(accumulator *acc, size_t columns)
{
    void *sum = NULL, *touched = NULL;
    size_t pages = columns / PAGE + 1;
    UMBRA_TRY(umbra_memory_alloc_array(&sum, pages * PAGE, sizeof(double), "a matrix product"));
    umbra_status status = umbra_memory_alloc(&touched, pages, "a matrix product");
    if (status != UMBRA_OK) {
        umbra_memory_free(sum);
        return status;
    }
    *acc = (accumulator){.sum = sum, .touched = touched, .pages = pages};
    return UMBRA_OK;
}

/* sum += weight * row of b */
static void add_row(accumulator *acc, double weight, const umbra_sparse *b, size_t row)
{
    double *restrict sum = acc->sum;
    unsigned char *restrict touched = acc->touched;
    const uint32_t *column = b->column;
    const double *factor = b->weight;
    for (size_t i = b->row_start[row], end = b->row_start[row + 1]; i < end; i++) {
        sum[column[i]] += weight * factor[i];
        touched[column[i] >> PAGE_LOG2] = 1;
    }
}

/* Append the sums that are not zero to the matrix, and clear them. Room for them is there. */
static size_t take_row(accumulator *acc, umbra_sparse *matrix, size_t at)
{
    for (size_t page = 0; page < acc->pages; page++) {
        if (!acc->touched[page])
            continue;
        acc->touched[page] = 0;
        double *sum = acc->sum + page * PAGE;
        for (size_t i = 0; i < PAGE; i++) {
            if (sum[i] == 0.0)
                continue;
            matrix->column[at] = (uint32_t)(page * PAGE + i);
            matrix->weight[at++] = sum[i];
            sum[i] = 0.0;
        }
    }
    return at;
}

/* Entries of the product's row at most. */
static size_t row_bound(const umbra_sparse *a, const umbra_sparse *b, size_t row)
{
    size_t bound = 0;
    for (size_t i = a->row_start[row]; i < a->row_start[row + 1]; i++) {
        bound += b->row_start[a->column[i] + 1] - b->row_start[a->column[i]];
        if (bound > b->columns)
            return b->columns;
    }
    return bound;
}

static umbra_status grow(umbra_sparse *matrix, size_t used, size_t needed, size_t *capacity)
{
    if (needed <= *capacity)
        return UMBRA_OK;
    size_t wanted = *capacity > SIZE_MAX / 2 ? needed : *capacity + *capacity / 2;
    wanted = wanted < needed ? needed : wanted;
    uint32_t *column = matrix->column;
    double *weight = matrix->weight;
    UMBRA_TRY(umbra_sparse_reserve(matrix, wanted));
    if (used > 0) {
        memcpy(matrix->column, column, used * sizeof *column);
        memcpy(matrix->weight, weight, used * sizeof *weight);
    }
    umbra_memory_free(column);
    umbra_memory_free(weight);
    *capacity = wanted;
    return UMBRA_OK;
}

static umbra_status multiply_rows(umbra_sparse *matrix, const umbra_sparse *a,
                                  const umbra_sparse *b, accumulator *acc)
{
    size_t used = 0, capacity = 0;
    for (size_t r = 0; r < a->rows; r++) {
        size_t needed = 0;
        double offset = a->offset[r];
        if (!umbra_size_add(used, row_bound(a, b, r), &needed))
            return umbra_fail(UMBRA_E_RESOURCE, "a matrix product of more than %zu entries", used);
        UMBRA_TRY(grow(matrix, used, needed, &capacity));
        for (size_t i = a->row_start[r]; i < a->row_start[r + 1]; i++) {
            add_row(acc, a->weight[i], b, a->column[i]);
            offset += a->weight[i] * b->offset[a->column[i]];
        }
        used = take_row(acc, matrix, used);
        matrix->row_start[r + 1] = used;
        matrix->offset[r] = offset;
    }
    return UMBRA_OK;
}

umbra_status umbra_sparse_multiply(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b)
{
    if (a->columns != b->rows)
        return umbra_fail(UMBRA_E_MISMATCH, "a product of matrices of %zu x %zu and %zu x %zu",
                          a->rows, a->columns, b->rows, b->columns);
    umbra_sparse *matrix = NULL;
    accumulator acc = {0};
    UMBRA_TRY(umbra_sparse_new(&matrix, a->rows, b->columns));
    umbra_status status = accumulator_make(&acc, b->columns);
    if (status == UMBRA_OK)
        status = multiply_rows(matrix, a, b, &acc);
    accumulator_free(&acc);
    if (status != UMBRA_OK) {
        umbra_sparse_free(matrix);
        return status;
    }
    *out = matrix;
    return UMBRA_OK;
}
