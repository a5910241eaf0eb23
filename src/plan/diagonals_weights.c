/* The weights of a diagonal, slot by slot: which two elements it joins, and what their tile says.
 */
#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <assert.h>
#include <string.h>

#define NONE UINT32_MAX

/* Which element stands in a slot of each ciphertext: channel << shift | point, or NONE. */
typedef struct places {
    size_t period;
    int shift;
    uint32_t *element; /* ciphertext * period + slot */
} places;

typedef struct term_weights {
    umbra_sparse *matrix;
    uint32_t *row_length; /* by tile: entries of every row, which follow each other; 0: not so */
    places in;
    int first, end; /* of the term's input ciphertexts */
    size_t modulus;
    double factor;
} term_weights;

struct umbra_diagonal_weights {
    size_t slots, half, out_period;
    bool rooms, joined;
    int term_count, input_count;
    int *term_of; /* by input ciphertext; -1: none */
    term_weights *terms;
    places out;
};

void umbra_diagonal_weights_free(umbra_diagonal_weights *w)
{
    if (w == NULL)
        return;
    for (int t = 0; w->terms != NULL && t < w->term_count; t++) {
        umbra_sparse_free(w->terms[t].matrix);
        umbra_memory_free(w->terms[t].row_length);
        umbra_memory_free(w->terms[t].in.element);
    }
    umbra_memory_free(w->terms);
    umbra_memory_free(w->term_of);
    umbra_memory_free(w->out.element);
    umbra_memory_free(w);
}

static umbra_status make_places(places *out, const umbra_diagonal_side *side, size_t slots,
                                int first, int ciphertexts, size_t period)
{
    void *p = NULL;
    size_t count = (size_t)ciphertexts * period;
    *out = (places){.period = period};
    while ((size_t)1 << out->shift < side->points)
        out->shift++;
    if (side->channels >= (size_t)NONE >> out->shift)
        return umbra_fail(UMBRA_E_MODEL, "a tensor of %zu x %zu elements in a linear map",
                          side->channels, side->points);
    UMBRA_TRY(umbra_memory_alloc_array(&p, count, sizeof(uint32_t), "diagonals"));
    out->element = p;
    memset(p, 0xff, count * sizeof(uint32_t));
    for (size_t c = 0; c < side->channels; c++)
        for (size_t i = 0; i < side->points; i++) {
            size_t at = (size_t)side->channel[c] + side->point[i] - (size_t)first * slots;
            out->element[at / slots * period + (at & (slots - 1))] =
                (uint32_t)(c << out->shift | i);
        }
    return UMBRA_OK;
}

/* Of a tile whose rows all have the same number of entries, for channels in a row. */
static uint32_t row_length(const umbra_sparse *m, size_t t)
{
    size_t first = m->tile_start[t], count = m->tile_start[t + 1] - first;
    size_t length = count / m->out.channels;
    if (length * m->out.channels != count)
        return 0;
    for (size_t k = 0; k < count; k++)
        if (m->entry_out[first + k] != k / length ||
            m->entry_in[first + k] != m->entry_in[first + k / length * length] + k % length)
            return 0;
    return (uint32_t)length;
}

static umbra_status make_term(term_weights *term, const umbra_diagonal_problem *problem,
                              const umbra_diagonal_split *split, int t)
{
    const umbra_map_term *from = &problem->terms[t];
    size_t period = umbra_layout_period(from->layout);
    void *p = NULL;
    UMBRA_TRY(umbra_sparse_copy(&term->matrix, from->matrix));
    term->first = from->input;
    term->end = from->input + from->layout->ciphertexts;
    term->modulus = umbra_diagonal_modulus(problem, period, split->window);
    term->factor = umbra_diagonal_factor(problem, period, split->window) *
                   (split->half > 0 || problem->joined ? 0.5 : 1.0);
    UMBRA_TRY(make_places(&term->in, &problem->in[t], problem->slots, from->input,
                          from->layout->ciphertexts, period));
    UMBRA_TRY(umbra_memory_alloc_array(&p, from->matrix->tile_count, sizeof(uint32_t), "tiles"));
    term->row_length = p;
    for (size_t k = 0; k < from->matrix->tile_count; k++)
        term->row_length[k] = row_length(from->matrix, k);
    return UMBRA_OK;
}

static umbra_status make_weights(umbra_diagonal_weights *w, const umbra_diagonal_problem *problem,
                                 const umbra_diagonal_split *split)
{
    void *p = NULL;
    *w = (umbra_diagonal_weights){.slots = problem->slots,
                                  .half = split->half,
                                  .out_period = problem->out_period,
                                  .rooms = problem->rooms,
                                  .joined = problem->joined,
                                  .input_count = problem->inputs};
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)problem->inputs, sizeof(int), "diagonals"));
    w->term_of = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, (size_t)problem->term_count, sizeof(term_weights),
                                       "diagonals"));
    w->terms = p;
    w->term_count = problem->term_count;
    for (int i = 0; i < problem->inputs; i++)
        w->term_of[i] = -1;
    for (int t = 0; t < problem->term_count; t++) {
        UMBRA_TRY(make_term(&w->terms[t], problem, split, t));
        for (int i = 0; i < problem->terms[t].layout->ciphertexts; i++)
            w->term_of[problem->terms[t].input + i] = t;
    }
    return make_places(&w->out, &problem->out, problem->slots, 0, problem->outputs,
                       problem->out_period);
}

umbra_status umbra_diagonal_weights_make(umbra_diagonal_weights **out,
                                         const umbra_diagonal_problem *problem,
                                         const umbra_diagonal_split *split)
{
    void *made = NULL;
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_diagonal_weights), "diagonals"));
    umbra_status status = make_weights(made, problem, split);
    if (status != UMBRA_OK) {
        umbra_diagonal_weights_free(made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}

/* The place of input point q among those of output point p, or SIZE_MAX. Neighbours in a diagonal
 * are mostly at the same distance, and so at the same number among their points: *guess. */
static inline size_t find_point(const umbra_sparse *m, size_t p, uint32_t q, size_t *guess)
{
    size_t first = m->start[p], end = m->start[p + 1];
    if (*guess < end - first && m->point[first + *guess] == q)
        return first + *guess;
    size_t low = first, high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->point[middle] < q)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == end || m->point[low] != q)
        return SIZE_MAX;
    *guess = low - first;
    return low;
}

static inline double find_weight(const term_weights *term, uint32_t tile, uint32_t out, uint32_t in)
{
    const umbra_sparse *m = term->matrix;
    size_t low = m->tile_start[tile], high = m->tile_start[tile + 1];
    uint32_t length = term->row_length[tile];
    if (length > 0) {
        low += (size_t)out * length;
        uint32_t k = in - m->entry_in[low]; /* wraps to a large number below the first */
        return k < length ? m->entry_weight[low + k] : 0.0;
    }
    uint64_t wanted = (uint64_t)out << 32 | in;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (((uint64_t)m->entry_out[middle] << 32 | m->entry_in[middle]) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    bool found =
        low < m->tile_start[tile + 1] && m->entry_out[low] == out && m->entry_in[low] == in;
    return found ? m->entry_weight[low] : 0.0;
}

/* What a part of a diagonal reads: out and in have the elements of its output and input slots. */
typedef struct part_source {
    const term_weights *term;
    const uint32_t *out, *in;
    int out_shift;
    double sign;
} part_source;

static inline double join(const part_source *source, size_t p, size_t q, size_t *guess)
{
    const term_weights *term = source->term;
    const uint32_t to = source->out[p], from = source->in[q];
    if (to == NONE || from == NONE)
        return 0;
    const size_t k = find_point(term->matrix, to & (((uint32_t)1 << source->out_shift) - 1),
                                from & (((uint32_t)1 << term->in.shift) - 1), guess);
    if (k == SIZE_MAX)
        return 0;
    return source->sign * find_weight(term, term->matrix->tile[k], to >> source->out_shift,
                                      from >> term->in.shift);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One part of a diagonal: what the shift `baby + giant` of input ciphertext `input`, which is the
 * shape's or the one that is joined to it, brings together, stored for the turn by
 * giant. The stored slot is the input's less the baby, or the output's and the giant, whichever has
 * the longer period. */
static void fill_part(const umbra_diagonal_weights *w, const umbra_map_diagonal *shape, int input,
                      size_t baby, double sign, double *part, size_t slots)
{
    const term_weights *term = &w->terms[w->term_of[shape->input]];
    const size_t period = term->in.period, out_period = w->out_period;
    const size_t giant = (size_t)shape->giant_slots, shift = (baby + giant) & (term->modulus - 1);
    const bool by_column = period >= out_period;
    const size_t own = by_column ? period : out_period, count = smaller(own, slots);
    /* Of a room, outputs stand at the start; else they repeat. */
    const size_t turn = w->rooms ? w->slots - 1 : out_period - 1;
    const part_source source = {.term = term,
                                .out = w->out.element + (size_t)shape->output * out_period,
                                .in = term->in.element + (size_t)(input - term->first) * period,
                                .out_shift = w->out.shift,
                                .sign = sign};
    size_t guess = 0;
    for (size_t s = 0; s < count; s++) {
        size_t p = (s - giant) & (out_period - 1), q = (p + shift) & (period - 1);
        if (by_column) {
            q = (s + baby) & (period - 1);
            p = ((w->rooms ? q & (out_period - 1) : q) - shift) & turn;
        }
        part[s] = p < out_period ? join(&source, p, q, &guess) : 0;
    }
    for (size_t done = count; done < slots; done *= 2)
        memcpy(part + done, part, smaller(done, slots - done) * sizeof *part);
}

void umbra_diagonal_fill(const umbra_diagonal_set *set, size_t i, size_t slots, double *re,
                         double *im)
{
    const umbra_diagonal_weights *w = set->weights;
    assert(i < set->count && w != NULL && slots >= 1 && slots <= set->slots);
    const umbra_map_diagonal *shape = &set->shapes[i];
    const term_weights *term = &w->terms[w->term_of[shape->input]];
    size_t baby = (size_t)shape->baby_slots;
    fill_part(w, shape, shape->input, baby, term->factor, re, slots);
    if (w->half > 0 && w->half < term->modulus)
        fill_part(w, shape, shape->input, baby + w->half, -term->factor, im, slots);
    else if (w->joined && shape->input + 1 < term->end)
        fill_part(w, shape, shape->input + 1, baby, -term->factor, im, slots);
    else
        memset(im, 0, slots * sizeof *im);
}
