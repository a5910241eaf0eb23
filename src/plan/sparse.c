/* Sparse matrices: their life, sum and scaling. */
#include "base/memory.h"
#include "plan/sparse_internal.h"

void umbra_sparse_free(umbra_sparse *matrix)
{
    if (matrix == NULL)
        return;
    umbra_memory_free(matrix->row_start);
    umbra_memory_free(matrix->column);
    umbra_memory_free(matrix->weight);
    umbra_memory_free(matrix->offset);
    umbra_memory_free(matrix);
}

umbra_status umbra_sparse_new(umbra_sparse **out, size_t rows, size_t columns)
{
    if (columns > UINT32_MAX || rows > UINT32_MAX)
        return umbra_fail(UMBRA_E_MODEL, "a matrix of %zu x %zu; tensors end at 2^28 elements",
                          rows, columns);
    void *made = NULL, *row_start = NULL, *offset = NULL;
    umbra_status status;
    UMBRA_GOTO(fail, status, umbra_memory_alloc(&made, sizeof(umbra_sparse), "a sparse matrix"));
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&row_start, rows + 1, sizeof(size_t), "a sparse matrix"));
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&offset, rows, sizeof(double), "a sparse matrix"));
    umbra_sparse *matrix = made;
    *matrix =
        (umbra_sparse){.rows = rows, .columns = columns, .row_start = row_start, .offset = offset};
    *out = matrix;
    return UMBRA_OK;
fail:
    umbra_memory_free(made);
    umbra_memory_free(row_start);
    return status;
}

umbra_status umbra_sparse_reserve(umbra_sparse *matrix, size_t count)
{
    void *column = NULL, *weight = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&column, count, sizeof(uint32_t), "a sparse matrix"));
    umbra_status status =
        umbra_memory_alloc_array(&weight, count, sizeof(double), "a sparse matrix");
    if (status != UMBRA_OK) {
        umbra_memory_free(column);
        return status;
    }
    matrix->column = column;
    matrix->weight = weight;
    return UMBRA_OK;
}

umbra_status umbra_sparse_build(umbra_sparse **out, size_t rows, size_t columns,
                                umbra_sparse_row row, const void *context)
{
    umbra_sparse *matrix = NULL;
    UMBRA_TRY(umbra_sparse_new(&matrix, rows, columns));
    umbra_sparse_sink sink = {0};
    for (size_t r = 0; r < rows; r++) {
        row(context, r, &sink);
        matrix->row_start[r + 1] = sink.count;
    }
    umbra_status status = umbra_sparse_reserve(matrix, sink.count);
    if (status != UMBRA_OK) {
        umbra_sparse_free(matrix);
        return status;
    }
    sink = (umbra_sparse_sink){.column = matrix->column, .weight = matrix->weight};
    for (size_t r = 0; r < rows; r++)
        row(context, r, &sink);
    *out = matrix;
    return UMBRA_OK;
}

static void identity_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    (void)context;
    umbra_sparse_emit(sink, row, 1.0);
}

umbra_status umbra_sparse_identity(umbra_sparse **out, size_t size)
{
    return umbra_sparse_build(out, size, size, identity_row, NULL);
}

typedef struct sum {
    const umbra_sparse *a, *b;
} sum;

/* Merge two ascending rows. */
static void sum_row(const void *context, size_t row, umbra_sparse_sink *sink)
{
    const umbra_sparse *a = ((const sum *)context)->a, *b = ((const sum *)context)->b;
    size_t i = a->row_start[row], k = b->row_start[row];
    size_t a_end = a->row_start[row + 1], b_end = b->row_start[row + 1];
    while (i < a_end || k < b_end) {
        uint64_t ca = i < a_end ? a->column[i] : UINT64_MAX;
        uint64_t cb = k < b_end ? b->column[k] : UINT64_MAX;
        double weight = 0.0;
        if (ca <= cb)
            weight += a->weight[i++];
        if (cb <= ca)
            weight += b->weight[k++];
        umbra_sparse_emit(sink, (size_t)(ca < cb ? ca : cb), weight);
    }
}

umbra_status umbra_sparse_add(umbra_sparse **out, const umbra_sparse *a, const umbra_sparse *b)
{
    if (a->rows != b->rows || a->columns != b->columns)
        return umbra_fail(UMBRA_E_MISMATCH, "a sum of matrices of %zu x %zu and %zu x %zu", a->rows,
                          a->columns, b->rows, b->columns);
    umbra_sparse *matrix = NULL;
    UMBRA_TRY(umbra_sparse_build(&matrix, a->rows, a->columns, sum_row, &(sum){a, b}));
    for (size_t r = 0; r < a->rows; r++)
        matrix->offset[r] = a->offset[r] + b->offset[r];
    *out = matrix;
    return UMBRA_OK;
}

/* Weights that become zero are dropped, as in every other way to a matrix. */
void umbra_sparse_scale(umbra_sparse *matrix, const double *row_factor, const double *column_factor)
{
    size_t from = 0, to = 0;
    for (size_t r = 0; r < matrix->rows; r++) {
        double factor = row_factor != NULL ? row_factor[r] : 1.0;
        matrix->offset[r] *= factor;
        for (size_t end = matrix->row_start[r + 1]; from < end; from++) {
            uint32_t column = matrix->column[from];
            double weight = matrix->weight[from] * factor;
            weight *= column_factor != NULL ? column_factor[column] : 1.0;
            matrix->column[to] = column;
            matrix->weight[to] = weight;
            to += weight != 0.0;
        }
        matrix->row_start[r + 1] = to;
    }
}
