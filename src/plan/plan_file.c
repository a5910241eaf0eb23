/* Plan files: saved with their decisions and predictions, loaded by doing it all again. */
#include "base/memory.h"
#include "plan/plan_internal.h"
#include "plan/problems.h"

#include <math.h>
#include <string.h>

/* 2: several images; 3: rotations made of a few; 4: gains; 5: periods; 6: imaginary errors;
 * 7: squares less that of their shift */
#define PLAN_VERSION 7
#define MAX_STATISTICS 100000
#define MAX_CHANNELS (1 << 20)

static void write_decisions(const umbra_decisions *d, umbra_writer *w)
{
    umbra_write_f64(w, d->scale_bits);
    umbra_write_f64(w, d->weight_bits);
    umbra_write_f64(w, d->guard_bits);
    umbra_write_f64(w, d->base_bits);
    umbra_write_u32(w, (uint32_t)d->degree_log2);
    umbra_write_u32(w, (uint32_t)d->special_count);
    umbra_write_u32(w, (uint32_t)d->images);
    umbra_write_u32(w, (uint32_t)d->factored_depths);
    umbra_write_u32(w, (uint32_t)d->compose_count);
    umbra_write_bytes(w, d->compose, (size_t)d->compose_count);
}

static void write_statistics(const umbra_statistics *s, umbra_writer *w)
{
    umbra_write_f64(w, s->output_typical);
    umbra_write_f64(w, s->tail);
    umbra_write_u32(w, (uint32_t)s->count);
    for (int i = 0; i < s->count; i++) {
        const umbra_statistic *x = &s->items[i];
        umbra_write_u8(w, (uint8_t)x->kind);
        umbra_write_u32(w, (uint32_t)x->value);
        umbra_write_u32(w, (uint32_t)x->part);
        umbra_write_f64(w, x->shift);
        umbra_write_f64(w, x->reach);
        umbra_write_u32(w, (uint32_t)x->channels);
        for (int c = 0; c < x->channels; c++) {
            umbra_write_f64(w, x->moment[c]);
            umbra_write_f64(w, x->gain[c]);
        }
    }
}

/* What loading must find again. */
static void write_predictions(const umbra_plan *plan, umbra_writer *w)
{
    const umbra_program *program = &plan->build.program;
    umbra_write_u64(w, program->count);
    umbra_write_u32(w, (uint32_t)program->register_count);
    umbra_write_u32(w, (uint32_t)program->map_count);
    for (int m = 0; m < program->map_count; m++)
        umbra_write_u64(w, program->maps[m].diagonal_count);
    umbra_write_f64(w, plan->build.predicted_bits);
    umbra_write_f64(w, plan->simulation.headroom_log2);
    umbra_write_u64(w, plan->simulation.key_count);
    for (size_t i = 0; i < plan->simulation.key_count; i++) {
        umbra_write_u32(w, plan->simulation.keys[i].galois);
        umbra_write_u32(w, (uint32_t)plan->simulation.keys[i].level);
    }
}

umbra_status umbra_plan_write_body(const umbra_plan *plan, umbra_writer *w)
{
    umbra_model_info_write(&plan->model, w);
    umbra_graph_write(plan->graph, w);
    write_statistics(&plan->statistics, w);
    write_decisions(&plan->decisions, w);
    umbra_params_write(plan->params, w);
    umbra_write_f64(w, plan->wanted_bits);
    umbra_write_u64(w, plan->memory_budget);
    write_predictions(plan, w);
    return umbra_writer_check(w);
}

umbra_status umbra_plan_save(const umbra_plan *plan, const char *path)
{
    umbra_writer w = {0};
    umbra_status status = umbra_plan_write_body(plan, &w);
    if (status == UMBRA_OK)
        status = umbra_envelope_write_file(path, false, UMBRA_KIND_PLAN, PLAN_VERSION,
                                           umbra_params_hash(plan->params), 0, w.bytes, w.size);
    umbra_writer_free(&w);
    return status;
}

static bool between(double x, double low, double high)
{
    return x >= low && x <= high;
}

static umbra_status read_decisions(umbra_reader *r, umbra_decisions *d)
{
    d->scale_bits = umbra_read_f64(r);
    d->weight_bits = umbra_read_f64(r);
    d->guard_bits = umbra_read_f64(r);
    d->base_bits = umbra_read_f64(r);
    uint32_t degree = umbra_read_u32(r), special = umbra_read_u32(r), images = umbra_read_u32(r);
    uint32_t factored = umbra_read_u32(r), count = umbra_read_u32(r);
    if (!between(d->scale_bits, 10, 80) || !between(d->weight_bits, 5, 60) ||
        !between(d->guard_bits, 0, 30) || !between(d->base_bits, 10, 100) || degree < 12 ||
        degree > 17 || special < 1 || special > UMBRA_MAX_SPECIAL || images < 1 ||
        images > UMBRA_PLAN_MAX_IMAGES || (images & (images - 1)) != 0 ||
        factored > UMBRA_MAX_LEVELS || count > UMBRA_PLAN_MAX_CANDIDATES)
        return umbra_reader_fail(r, "a decision out of range");
    d->images = (int)images;
    d->factored_depths = (int)factored;
    d->degree_log2 = (int)degree;
    d->special_count = (int)special;
    d->compose_count = (int)count;
    umbra_read_copy(r, d->compose, count);
    for (uint32_t i = 0; i < count; i++)
        if (d->compose[i] > 1)
            return umbra_reader_fail(r, "a decision out of range");
    return umbra_reader_check(r, "decisions");
}

static umbra_status read_statistic(umbra_reader *r, const umbra_graph *graph, umbra_statistic *s)
{
    void *moment = NULL, *gain = NULL;
    s->kind = umbra_read_u8(r);
    uint32_t value = umbra_read_u32(r), part = umbra_read_u32(r);
    s->shift = umbra_read_f64(r);
    s->reach = umbra_read_f64(r);
    uint32_t channels = umbra_read_u32(r);
    if (s->kind > UMBRA_TENSOR_PRODUCT || part > MAX_STATISTICS ||
        value >= (uint32_t)graph->value_count || !isfinite(s->shift) ||
        !between(s->reach, 0, 1e30) || channels < 1 || channels > MAX_CHANNELS ||
        (uint64_t)channels * 16 > umbra_reader_left(r))
        return umbra_reader_fail(r, "a range that makes no sense");
    s->value = (int)value;
    s->part = (int)part;
    UMBRA_TRY(umbra_memory_alloc_array(&moment, channels, sizeof(double), "statistics"));
    s->moment = moment;
    UMBRA_TRY(umbra_memory_alloc_array(&gain, channels, sizeof(double), "statistics"));
    s->gain = gain;
    s->channels = (int)channels;
    for (uint32_t c = 0; c < channels; c++) {
        s->moment[c] = umbra_read_f64(r);
        s->gain[c] = umbra_read_f64(r);
        if (!between(s->moment[c], 0, 1e60) || !between(s->gain[c], 0, 1e60))
            return umbra_reader_fail(r, "a range that makes no sense");
    }
    return UMBRA_OK;
}

static umbra_status read_statistics(umbra_reader *r, const umbra_graph *graph, umbra_statistics *s)
{
    void *items = NULL;
    s->output_typical = umbra_read_f64(r);
    s->tail = umbra_read_f64(r);
    uint32_t count = umbra_read_u32(r);
    if (count > MAX_STATISTICS || (uint64_t)count * 29 > umbra_reader_left(r) ||
        !between(s->output_typical, 0, 1e30) || !between(s->tail, 1, 1e6))
        return umbra_reader_fail(r, "too many ranges");
    UMBRA_TRY(umbra_memory_alloc_array(&items, (size_t)count + 1, sizeof *s->items, "statistics"));
    s->items = items;
    s->count = (int)count;
    for (uint32_t i = 0; i < count; i++)
        UMBRA_TRY(read_statistic(r, graph, &s->items[i]));
    return umbra_reader_check(r, "ranges");
}

/* The same machine-independent steps give the same figures; doubles may differ in the last bits. */
static umbra_status compare_predictions(const umbra_plan *plan, umbra_reader *r)
{
    const umbra_program *program = &plan->build.program;
    bool same = umbra_read_u64(r) == program->count;
    same &= umbra_read_u32(r) == (uint32_t)program->register_count;
    same &= umbra_read_u32(r) == (uint32_t)program->map_count;
    for (int m = 0; same && m < program->map_count; m++)
        same &= umbra_read_u64(r) == program->maps[m].diagonal_count;
    double bits = umbra_read_f64(r), headroom = umbra_read_f64(r);
    same = same && fabs(bits - plan->build.predicted_bits) < 1e-3 &&
           fabs(headroom - plan->simulation.headroom_log2) < 1e-3;
    same = same && umbra_read_u64(r) == plan->simulation.key_count;
    for (size_t i = 0; same && i < plan->simulation.key_count; i++) {
        same &= umbra_read_u32(r) == plan->simulation.keys[i].galois;
        same &= umbra_read_u32(r) == (uint32_t)plan->simulation.keys[i].level;
    }
    UMBRA_TRY(umbra_reader_check(r, "predictions"));
    if (!same || umbra_reader_left(r) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the plan does not reproduce its own predictions: it was edited, or "
                          "written by another version; compile the model again",
                          r->name);
    return UMBRA_OK;
}

static umbra_status read_plan(umbra_reader *r, umbra_plan *plan, umbra_pool *pool)
{
    UMBRA_TRY(umbra_model_info_read(r, &plan->model));
    UMBRA_TRY(umbra_graph_read(r, &plan->graph));
    UMBRA_TRY(umbra_problems_check(plan->graph));
    UMBRA_TRY(read_statistics(r, plan->graph, &plan->statistics));
    UMBRA_TRY(read_decisions(r, &plan->decisions));
    UMBRA_TRY(umbra_params_read(r, &plan->params));
    if (umbra_params_degree_log2(plan->params) != plan->decisions.degree_log2 ||
        umbra_params_special_count(plan->params) != plan->decisions.special_count)
        return umbra_reader_fail(r, "parameters that are not those of the decisions");
    plan->wanted_bits = umbra_read_f64(r);
    plan->memory_budget = umbra_read_u64(r);
    UMBRA_TRY(umbra_reader_check(r, "options"));
    UMBRA_TRY(umbra_matrices_new(&plan->matrices, plan->graph));
    UMBRA_TRY(umbra_facts_store_new(&plan->facts));
    UMBRA_TRY(umbra_plan_finish(plan, pool));
    return compare_predictions(plan, r);
}

umbra_status umbra_plan_read_body(umbra_reader *reader, umbra_plan **out)
{
    void *made = NULL;
    umbra_pool *pool = NULL;
    UMBRA_TRY(umbra_memory_alloc(&made, sizeof(umbra_plan), "a plan"));
    umbra_plan *plan = made;
    umbra_hash(plan->profile.plan_hash, reader->bytes, reader->size);
    umbra_status status = umbra_pool_new(&pool, 0);
    plan->threads = umbra_pool_threads(pool);
    if (status == UMBRA_OK)
        status = read_plan(reader, plan, pool);
    umbra_pool_free(pool);
    if (status != UMBRA_OK) {
        umbra_plan_free(plan);
        /* What a hostile file makes impossible is the file's fault. */
        bool impossible = status == UMBRA_E_INTERNAL || status == UMBRA_E_MODEL ||
                          status == UMBRA_E_SECURITY || status == UMBRA_E_MISMATCH;
        return impossible ? umbra_fail_within(UMBRA_E_INPUT, "%s", reader->name) : status;
    }
    *out = plan;
    return UMBRA_OK;
}

umbra_status umbra_plan_load(const char *path, umbra_plan **out)
{
    umbra_file_copy content;
    umbra_envelope envelope;
    umbra_reader body;
    umbra_plan *plan = NULL;
    UMBRA_TRY(umbra_envelope_load(path, UMBRA_KIND_PLAN, PLAN_VERSION, &content, &envelope, &body));
    umbra_status status = umbra_plan_read_body(&body, &plan);
    if (status == UMBRA_OK &&
        memcmp(envelope.parameter_hash, umbra_params_hash(plan->params), UMBRA_HASH_BYTES) != 0) {
        umbra_plan_free(plan);
        status = umbra_fail(UMBRA_E_INPUT, "%s: the header names other parameters", path);
    }
    umbra_file_unload(&content);
    if (status == UMBRA_OK)
        *out = plan;
    return status;
}
