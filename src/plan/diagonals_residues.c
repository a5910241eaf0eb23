/* Which shifts a linear map needs: positions of rows and columns, and their differences. */
#include "base/checked.h"
#include "base/memory.h"
#include "plan/diagonals_internal.h"

#include <string.h>

static bool fits(umbra_sparse_side side, const umbra_layout *layout)
{
    return side.channels == (size_t)layout->channels &&
           side.points == (size_t)layout->height * (size_t)layout->width;
}

static umbra_status check_terms(const umbra_map_term *terms, int term_count, const umbra_layout *to)
{
    for (int t = 0; t < term_count; t++) {
        const umbra_map_term *term = &terms[t];
        if (term->layout->slots != to->slots || term->layout->images != to->images ||
            !fits(term->matrix->out, to) || !fits(term->matrix->in, term->layout) ||
            term->input < 0)
            return umbra_fail(UMBRA_E_MISMATCH,
                              "term %d of a linear map: a matrix of %zu x %zu between layouts of "
                              "%zu and %zu elements, or of other channels",
                              t, term->matrix->rows, term->matrix->columns,
                              umbra_layout_elements(to), umbra_layout_elements(term->layout));
    }
    return UMBRA_OK;
}

static uint32_t position_of(const umbra_layout *layout, size_t element, int first)
{
    int ciphertext;
    size_t slot;
    umbra_layout_position(layout, element, &ciphertext, &slot);
    return (uint32_t)((size_t)(first + ciphertext) * layout->slots + slot);
}

static umbra_status positions(umbra_diagonal_side *out, const umbra_layout *layout, int first)
{
    size_t channels = (size_t)layout->channels;
    size_t points = (size_t)layout->height * (size_t)layout->width;
    void *made = NULL;
    if ((uint64_t)(first + layout->ciphertexts) * layout->slots > UINT32_MAX)
        return umbra_fail(UMBRA_E_MODEL, "a linear map of more than 2^32 slots");
    *out = (umbra_diagonal_side){.channels = channels, .points = points};
    UMBRA_TRY(umbra_memory_alloc_array(&made, channels, sizeof(uint32_t), "positions"));
    out->channel = made;
    UMBRA_TRY(umbra_memory_alloc_array(&made, points, sizeof(uint32_t), "positions"));
    out->point = made;
    for (size_t c = 0; c < channels; c++)
        out->channel[c] = position_of(layout, c * points, first);
    for (size_t p = 0; p < points; p++)
        out->point[p] = position_of(layout, p, first) - out->channel[0];
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
    UMBRA_TRY(positions(&problem->out, problem->to, 0));
    UMBRA_TRY(umbra_memory_alloc_array(&made, (size_t)problem->term_count,
                                       sizeof(umbra_diagonal_side), "positions"));
    problem->in = made;
    for (int t = 0; t < problem->term_count; t++)
        UMBRA_TRY(positions(&problem->in[t], problem->terms[t].layout, problem->terms[t].input));
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

static void side_free(umbra_diagonal_side *side)
{
    umbra_memory_free(side->channel);
    umbra_memory_free(side->point);
}

void umbra_diagonal_problem_free(umbra_diagonal_problem *problem)
{
    for (int t = 0; problem->in != NULL && t < problem->term_count; t++)
        side_free(&problem->in[t]);
    side_free(&problem->out);
    umbra_memory_free(problem->in);
    umbra_memory_free(problem->period);
    umbra_memory_free(problem->pair_start);
    umbra_memory_free(problem->residues);
    *problem = (umbra_diagonal_problem){0};
}

/* A tile between two points gives the residues of every other two at the same distance. */
typedef struct use {
    uint32_t tile, from, to; /* tile + 1; 0: free */
} use;

typedef struct marker {
    const umbra_diagonal_problem *problem;
    uint64_t **seen; /* by pair: a bit for each residue; NULL: none yet */
    use *uses;       /* of one term, by hash */
    size_t use_count, use_size;
} marker;

static size_t find_use(const marker *m, use wanted)
{
    uint64_t hash = ((uint64_t)wanted.from << 32 | wanted.to) * 0x9e3779b97f4a7c15u + wanted.tile;
    hash *= 0xbf58476d1ce4e5b9u;
    size_t at = (size_t)(hash >> 32) & (m->use_size - 1);
    while (m->uses[at].tile != 0 &&
           (m->uses[at].tile != wanted.tile || m->uses[at].from != wanted.from ||
            m->uses[at].to != wanted.to))
        at = (at + 1) & (m->use_size - 1);
    return at;
}

static umbra_status grow_uses(marker *m)
{
    void *made = NULL;
    use *old = m->uses;
    size_t size = m->use_size;
    UMBRA_TRY(umbra_memory_alloc_array(&made, size * 2, sizeof(use), "residues"));
    m->uses = made;
    m->use_size = size * 2;
    for (size_t i = 0; i < size; i++)
        if (old[i].tile != 0)
            m->uses[find_use(m, old[i])] = old[i];
    umbra_memory_free(old);
    return UMBRA_OK;
}

/* Mark the residues of a tile between an output and an input point. */
static umbra_status mark_tile(marker *m, int t, uint32_t tile, uint32_t to, uint32_t from)
{
    const umbra_diagonal_problem *problem = m->problem;
    const umbra_sparse *matrix = problem->terms[t].matrix;
    const uint32_t *row = problem->out.channel, *column = problem->in[t].channel;
    size_t slots = problem->slots, inputs = (size_t)problem->inputs;
    size_t base = umbra_diagonal_base(problem, umbra_layout_period(problem->terms[t].layout));
    for (size_t e = matrix->tile_start[tile]; e < matrix->tile_start[tile + 1]; e++) {
        size_t p = row[matrix->entry_out[e]] + to, q = column[matrix->entry_in[e]] + from;
        size_t input = q / slots, first = (size_t)problem->terms[t].input;
        if (problem->joined)
            input -= (input - first) % 2;
        uint64_t **seen = &m->seen[p / slots * inputs + input];
        size_t r = umbra_diagonal_residue(problem, base, p & (slots - 1), q & (slots - 1));
        void *made = NULL;
        if (*seen == NULL) {
            UMBRA_TRY(
                umbra_memory_alloc_array(&made, slots / 64 + 1, sizeof(uint64_t), "residues"));
            *seen = made;
        }
        (*seen)[r / 64] |= (uint64_t)1 << r % 64;
    }
    return UMBRA_OK;
}

/* Where results are not cyclic and may stand in parts of a room, only equal points are alike. */
static use use_of(const umbra_diagonal_problem *problem, size_t base, uint32_t tile, uint32_t to,
                  uint32_t from)
{
    uint32_t low = (uint32_t)problem->slots - 1;
    if (problem->rooms && problem->out_period < problem->largest_period)
        return (use){.tile = tile + 1, .from = from, .to = to};
    return (use){.tile = tile + 1,
                 .from = (from & ~low) | ((from - to) & (uint32_t)(base - 1)),
                 .to = to & ~low};
}

static umbra_status mark_term(marker *m, int t)
{
    const umbra_diagonal_problem *problem = m->problem;
    const umbra_sparse *matrix = problem->terms[t].matrix;
    size_t base = umbra_diagonal_base(problem, umbra_layout_period(problem->terms[t].layout));
    memset(m->uses, 0, m->use_size * sizeof(use));
    m->use_count = 0;
    for (size_t p = 0; p < matrix->out.points; p++)
        for (size_t k = matrix->start[p]; k < matrix->start[p + 1]; k++) {
            uint32_t to = problem->out.point[p], from = problem->in[t].point[matrix->point[k]];
            use u = use_of(problem, base, matrix->tile[k], to, from);
            size_t at = find_use(m, u);
            if (m->uses[at].tile != 0)
                continue;
            m->uses[at] = u;
            UMBRA_TRY(mark_tile(m, t, matrix->tile[k], to, from));
            if (2 * ++m->use_count > m->use_size)
                UMBRA_TRY(grow_uses(m));
        }
    return UMBRA_OK;
}

/* The bits of all pairs as lists. */
static umbra_status take_seen(umbra_diagonal_problem *problem, const marker *m)
{
    size_t pairs = (size_t)problem->inputs * (size_t)problem->outputs, count = 0;
    size_t words = problem->slots / 64 + 1;
    void *made = NULL;
    for (size_t k = 0; k < pairs; k++)
        for (size_t i = 0; m->seen[k] != NULL && i < words; i++)
            for (uint64_t rest = m->seen[k][i]; rest != 0; rest &= rest - 1)
                count++;
    UMBRA_TRY(umbra_memory_alloc_array(&made, count + 1, sizeof(uint32_t), "residues"));
    problem->residues = made; /* one more: written before it is known to count */
    problem->residue_count = count;
    count = 0;
    for (size_t k = 0; k < pairs; k++) {
        for (size_t i = 0; m->seen[k] != NULL && i < words; i++)
            for (size_t bit = 0; m->seen[k][i] >> bit != 0; bit++) {
                problem->residues[count] = (uint32_t)(i * 64 + bit);
                count += m->seen[k][i] >> bit & 1;
                if (bit == 63)
                    break;
            }
        problem->pair_start[k + 1] = count;
    }
    return UMBRA_OK;
}

umbra_status umbra_diagonal_find_residues(umbra_diagonal_problem *problem)
{
    void *p = NULL;
    size_t pairs = (size_t)problem->inputs * (size_t)problem->outputs;
    marker m = {.problem = problem, .use_size = 1024};
    umbra_status status;
    UMBRA_TRY(umbra_memory_alloc_array(&p, pairs + 1, sizeof(size_t), "residues"));
    problem->pair_start = p;
    UMBRA_TRY(umbra_memory_alloc_array(&p, pairs, sizeof(uint64_t *), "residues"));
    m.seen = p;
    UMBRA_GOTO(done, status, umbra_memory_alloc_array(&p, m.use_size, sizeof(use), "residues"));
    m.uses = p;
    for (int t = 0; t < problem->term_count; t++)
        UMBRA_GOTO(done, status, mark_term(&m, t));
    status = take_seen(problem, &m);
done:
    for (size_t k = 0; k < pairs; k++)
        umbra_memory_free(m.seen[k]);
    umbra_memory_free(m.seen);
    umbra_memory_free(m.uses);
    return status;
}
