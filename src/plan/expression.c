/* Linear values as sums of matrices times tensors. */
#include "base/memory.h"
#include "plan/lower.h"

#include <string.h>

void umbra_expression_free(umbra_expression *e)
{
    umbra_memory_free(e->terms);
    umbra_memory_free(e->offset);
    *e = (umbra_expression){0};
}

umbra_status umbra_offset_add(double **offset, const double *addend, double coefficient,
                              size_t size)
{
    if (addend == NULL)
        return UMBRA_OK;
    if (*offset == NULL) {
        void *made = NULL;
        UMBRA_TRY(umbra_memory_alloc_array(&made, size, sizeof(double), "offsets"));
        *offset = made;
    }
    for (size_t i = 0; i < size; i++)
        (*offset)[i] += coefficient * addend[i];
    return UMBRA_OK;
}

umbra_status umbra_expression_copy(umbra_expression *out, const umbra_expression *in, size_t size)
{
    umbra_expression made = {.count = in->count, .gap = in->gap};
    void *terms = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&terms, (size_t)in->count + 1, sizeof *in->terms, "terms"));
    made.terms = terms;
    made.capacity = (size_t)in->count + 1;
    if (in->count > 0)
        memcpy(made.terms, in->terms, (size_t)in->count * sizeof *in->terms);
    umbra_status status = umbra_offset_add(&made.offset, in->offset, 1, size);
    if (status != UMBRA_OK) {
        umbra_expression_free(&made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}

static umbra_status merge_term(umbra_lowering *l, umbra_term *into, const umbra_term *term)
{
    if (into->matrix == term->matrix) {
        into->coefficient += term->coefficient;
        return UMBRA_OK;
    }
    UMBRA_TRY(umbra_matrices_sum(l->network->matrices, into->matrix, into->coefficient,
                                 term->matrix, term->coefficient, &into->matrix));
    into->coefficient = 1;
    return UMBRA_OK;
}

umbra_status umbra_expression_add_term(umbra_lowering *l, umbra_expression *e, umbra_term term)
{
    for (int i = 0; i < e->count; i++)
        if (e->terms[i].tensor == term.tensor)
            return merge_term(l, &e->terms[i], &term);
    UMBRA_TRY(umbra_memory_grow(&e->terms, (size_t)e->count, (size_t)e->count + 1, &e->capacity,
                                sizeof term, "terms"));
    e->terms[e->count++] = term;
    return UMBRA_OK;
}

/* out += coefficient * matrix * offset */
static umbra_status apply_offset(umbra_lowering *l, umbra_expression *out, const double *offset,
                                 int matrix, double coefficient)
{
    umbra_matrices *store = l->network->matrices;
    size_t rows = umbra_matrices_rows(store, matrix);
    const umbra_sparse *m = NULL;
    void *image = NULL;
    if (offset == NULL)
        return UMBRA_OK;
    if (umbra_matrices_is_identity(store, matrix))
        return umbra_offset_add(&out->offset, offset, coefficient, rows);
    UMBRA_TRY(umbra_matrices_get(store, matrix, &m));
    UMBRA_TRY(umbra_memory_alloc_array(&image, rows, sizeof(double), "offsets"));
    umbra_status status = umbra_sparse_apply(m, offset, image);
    if (status == UMBRA_OK)
        status = umbra_offset_add(&out->offset, image, coefficient, rows);
    umbra_memory_free(image);
    return status;
}

umbra_status umbra_expression_apply(umbra_lowering *l, umbra_expression *out,
                                    const umbra_expression *in, int matrix, double coefficient)
{
    for (int i = 0; i < in->count; i++) {
        umbra_term term = in->terms[i];
        term.coefficient *= coefficient;
        UMBRA_TRY(umbra_matrices_product(l->network->matrices, matrix, in->terms[i].matrix,
                                         &term.matrix));
        UMBRA_TRY(umbra_expression_add_term(l, out, term));
    }
    return apply_offset(l, out, in->offset, matrix, coefficient);
}
