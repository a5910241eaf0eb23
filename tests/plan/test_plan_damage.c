/* Plan and profile files of the tiny model: every damage is found, and a profile tells no weights.
 */
#include "check.h"
#include "exec/small_network.h"

#include "graph/onnx.h"
#include "graph/passes.h"
#include "plan/plan_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct file {
    const char *name;
    umbra_kind kind;
    char path[64];
    unsigned char *bytes;
    size_t size;
} file;

static file plan_file = {.name = "plan", .kind = UMBRA_KIND_PLAN};
static file profile_file = {.name = "profile", .kind = UMBRA_KIND_PROFILE};
static umbra_plan *plan;
static char changed_path[64];

static void read_whole(file *f)
{
    umbra_file_copy content;
    check_ok(umbra_file_load(f->path, &content));
    f->size = content.size;
    f->bytes = malloc(content.size);
    memcpy(f->bytes, content.bytes, content.size);
    umbra_file_unload(&content);
}

static void put(const void *bytes, size_t size)
{
    FILE *out = fopen(changed_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

/* Load what stands at changed_path; a failure leaves nothing behind. */
static umbra_status load(const file *f)
{
    umbra_plan *p = NULL;
    umbra_profile *q = NULL;
    umbra_status status = f->kind == UMBRA_KIND_PLAN ? umbra_plan_load(changed_path, &p)
                                                     : umbra_profile_load(changed_path, &q);
    assert_true(status == UMBRA_OK || (p == NULL && q == NULL));
    assert_true(status == UMBRA_OK || umbra_error_message()[0] != 0);
    umbra_plan_free(p);
    umbra_profile_free(q);
    return status;
}

static void must_refuse(const file *f, const char *what, size_t at)
{
    umbra_status status = load(f);
    if (status != UMBRA_E_INPUT && status != UMBRA_E_MISMATCH)
        fail_msg("a %s, %s at byte %zu: status %d", f->name, what, at, (int)status);
    if (strstr(umbra_error_message(), changed_path) == NULL)
        fail_msg("the file is not named in: %s", umbra_error_message());
}

static int setup(void **state)
{
    umbra_graph *graph = NULL;
    const umbra_model_info model = {.input_abs_max = 2};
    const umbra_plan_options options = {.threads = 1};
    (void)state;
    long pid = (long)getpid();
    snprintf(plan_file.path, sizeof plan_file.path, "/tmp/umbra-damage-%ld.plan", pid);
    snprintf(profile_file.path, sizeof profile_file.path, "/tmp/umbra-damage-%ld.profile", pid);
    snprintf(changed_path, sizeof changed_path, "/tmp/umbra-damage-%ld.changed", pid);
    check_ok(umbra_onnx_import_file("tests/cli/tiny/classifier.onnx", &graph));
    check_ok(umbra_graph_simplify(graph));
    check_ok(umbra_plan_compile(&plan, graph, &model, &options));
    check_ok(umbra_plan_save(plan, plan_file.path));
    check_ok(umbra_profile_save(umbra_plan_profile(plan), profile_file.path));
    read_whole(&plan_file);
    read_whole(&profile_file);
    umbra_graph_free(graph);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(plan_file.path);
    unlink(profile_file.path);
    unlink(changed_path);
    free(plan_file.bytes);
    free(profile_file.bytes);
    umbra_plan_free(plan);
    return 0;
}

static void check_damage(const file *f)
{
    unsigned char *copy = malloc(f->size + 1);
    memcpy(copy, f->bytes, f->size);
    copy[f->size] = 0;
    put(copy, f->size);
    check_ok(load(f));
    for (size_t cut = 0; cut < f->size; cut += cut < 140 ? 1 : 1 + f->size / 61) {
        put(copy, cut);
        must_refuse(f, "cut", cut);
    }
    put(copy, f->size - 1);
    must_refuse(f, "cut", f->size - 1);
    put(copy, f->size + 1);
    must_refuse(f, "one more", f->size);
    for (size_t at = 0; at < f->size; at += at < UMBRA_ENVELOPE_BYTES ? 1 : 1 + f->size / 97) {
        copy[at] ^= (unsigned char)(1u << at % 8);
        put(copy, f->size);
        must_refuse(f, "a bit turned", at);
        copy[at] ^= (unsigned char)(1u << at % 8);
    }
    free(copy);
}

static void test_damaged_files(void **state)
{
    (void)state;
    check_damage(&plan_file);
    check_damage(&profile_file);
}

/* Of the format, as the planner writes it. */
static uint32_t version_of(const file *f)
{
    return (uint32_t)f->bytes[12] | (uint32_t)f->bytes[13] << 8;
}

static void write_body_as(const file *f, umbra_kind kind, uint32_t version, const void *hash)
{
    check_ok(umbra_envelope_write_file(changed_path, false, kind, version, hash, 0,
                                       f->bytes + UMBRA_ENVELOPE_BYTES,
                                       f->size - UMBRA_ENVELOPE_BYTES));
}

static void check_header(const file *f)
{
    const unsigned char *hash = umbra_params_hash(plan->params);
    write_body_as(f, f->kind, version_of(f), hash);
    check_ok(load(f));
    write_body_as(f, f->kind, version_of(f) + 1, hash);
    must_refuse(f, "another version", 12);
    assert_non_null(strstr(umbra_error_message(), "version"));
    write_body_as(f, f->kind, 0, hash);
    must_refuse(f, "another version", 12);
    for (umbra_kind kind = UMBRA_KIND_SECRET_KEY; kind <= UMBRA_KIND_PROFILE; kind++) {
        if (kind == f->kind)
            continue;
        write_body_as(f, kind, version_of(f), hash);
        must_refuse(f, "another kind", 8);
        assert_non_null(strstr(umbra_error_message(), umbra_kind_name(kind)));
    }
    check_ok(
        umbra_envelope_write_file(changed_path, false, f->kind, version_of(f), hash, 0, "", 0));
    must_refuse(f, "no body", 128);
}

static void test_headers(void **state)
{
    static const unsigned char zeros[UMBRA_HASH_BYTES];
    (void)state;
    check_header(&plan_file);
    check_header(&profile_file);
    write_body_as(&plan_file, UMBRA_KIND_PLAN, version_of(&plan_file), zeros);
    must_refuse(&plan_file, "other parameters", 16);
    write_body_as(&profile_file, UMBRA_KIND_PROFILE, version_of(&profile_file), zeros);
    must_refuse(&profile_file, "other parameters", 16);
}

/* The body changed and sealed again, as somebody would who means harm. Returns the status. */
static umbra_status load_changed(const file *f, size_t at, const void *bytes, size_t size)
{
    unsigned char *copy = malloc(f->size), *body = copy + UMBRA_ENVELOPE_BYTES;
    size_t body_bytes = f->size - UMBRA_ENVELOPE_BYTES;
    memcpy(copy, f->bytes, f->size);
    memcpy(copy + at, bytes, size);
    umbra_envelope_seal(copy, f->kind, version_of(f), umbra_params_hash(plan->params), 0, body,
                        body_bytes);
    put(copy, f->size);
    free(copy);
    return load(f);
}

/* Whatever byte is changed: taken or refused with a reason, within memory. */
static void test_sealed_again(void **state)
{
    const file *files[2] = {&plan_file, &profile_file};
    int refused[2] = {0, 0}, tried[2] = {0, 0};
    (void)state;
    for (int k = 0; k < 2; k++)
        for (size_t at = UMBRA_ENVELOPE_BYTES; at < files[k]->size;
             at += 1 + files[k]->size / 400, tried[k]++) {
            unsigned char byte = files[k]->bytes[at] ^ (unsigned char)(0x80 >> tried[k] % 8);
            umbra_status status = load_changed(files[k], at, &byte, 1);
            refused[k] += status != UMBRA_OK;
            assert_true(status != UMBRA_E_INTERNAL && status != UMBRA_E_CANCELLED);
        }
    print_message("refused: %d of %d changes of a plan, %d of %d of a profile\n", refused[0],
                  tried[0], refused[1], tried[1]);
    assert_true(refused[0] > 0 && refused[1] > 0);
}

static void put_u64(unsigned char *out, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(x >> 8 * i);
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The tail of a plan: counts, diagonals of each map, bits, headroom, keys. */
static void test_edited_predictions(void **state)
{
    const umbra_program *p = &plan->build.program;
    size_t maps = (size_t)p->map_count, keys = plan->simulation.key_count;
    size_t start = plan_file.size - (16 + 8 * maps + 16 + 8 + 8 * keys);
    size_t bits_at = start + 16 + 8 * maps;
    unsigned char word[8];
    (void)state;
    assert_true(keys > 2 && maps > 0);
    put_u64(word, bits_of(plan->build.predicted_bits));
    assert_memory_equal(plan_file.bytes + bits_at, word, 8); /* the place is right */
    for (size_t at = start; at < plan_file.size; at++) {
        if (at >= bits_at && at < bits_at + 16)
            continue;
        unsigned char byte = plan_file.bytes[at] ^ 1;
        if (load_changed(&plan_file, at, &byte, 1) != UMBRA_E_INPUT)
            fail_msg("byte %zu of the predictions was changed and the plan taken", at - start);
    }
    const double edits[] = {0.01, -0.01, 1, NAN, INFINITY};
    for (size_t k = 0; k < sizeof edits / sizeof edits[0]; k++) {
        put_u64(word, bits_of(plan->build.predicted_bits + edits[k]));
        check_fails(UMBRA_E_INPUT, "predictions", load_changed(&plan_file, bits_at, word, 8));
        put_u64(word, bits_of(plan->simulation.headroom_log2 + edits[k]));
        check_fails(UMBRA_E_INPUT, "predictions", load_changed(&plan_file, bits_at + 8, word, 8));
    }
    /* Another machine's last bit is none of this. */
    put_u64(word, bits_of(plan->build.predicted_bits * (1 + 0x1p-50)));
    check_ok(load_changed(&plan_file, bits_at, word, 8));
}

static size_t params_bytes(const umbra_params *params)
{
    umbra_writer w = {0};
    umbra_params_write(params, &w);
    check_ok(umbra_writer_check(&w));
    size_t size = w.size;
    umbra_writer_free(&w);
    return size;
}

/* A decision of `size` bytes at `at`, and what it is changed into. */
static void edit_decision(const file *f, size_t at, size_t size, uint64_t is, uint64_t other,
                          const char *what)
{
    unsigned char word[8];
    put_u64(word, is);
    assert_memory_equal(f->bytes + at, word, size); /* the place is right */
    put_u64(word, other);
    umbra_status status = load_changed(f, at, word, size);
    if (status != UMBRA_E_INPUT)
        fail_msg("%s was changed: status %d, %s", what, (int)status, umbra_error_message());
}

static void edit_decisions(const file *f)
{
    static const char *const names[8] = {"scale bits",      "weight bits",    "guard bits",
                                         "base bits",       "ring degree",    "special primes",
                                         "images of a run", "factored depths"};
    const umbra_decisions *d = &plan->decisions;
    const double bits[4] = {d->scale_bits, d->weight_bits, d->guard_bits, d->base_bits};
    const int is[4] = {d->degree_log2, d->special_count, d->images, d->factored_depths};
    const int other[4] = {is[0] + 1, is[1] + 1, 2 * is[2], is[3] + 3};
    const umbra_program *p = &plan->build.program;
    size_t tail = 16 + 8 * (size_t)p->map_count + 16 + 8 + 8 * plan->simulation.key_count;
    size_t count = (size_t)d->compose_count, size = 4 * 8 + 5 * 4 + count;
    size_t start = f->size - tail - 16 - params_bytes(plan->params) - size;
    assert_true(count > 0);
    for (size_t k = 0; k < 4; k++) {
        for (int step = -1; step <= 1 && k == 0; step += 2) /* the others chose parameters */
            edit_decision(f, start + 8 * k, 8, bits_of(bits[k]), bits_of(bits[k] + step), names[k]);
        edit_decision(f, start + 32 + 4 * k, 4, (uint64_t)is[k], (uint64_t)other[k], names[4 + k]);
    }
    for (size_t k = 0; k < count; k++)
        edit_decision(f, start + 52 + k, 1, d->compose[k], !d->compose[k], "a composition");
}

/* Another decision, in range and sealed again: simulated, and refused, since the predictions or the
 * parameters are not those of it. */
static void test_edited_decisions(void **state)
{
    umbra_plan *tiny = plan;
    umbra_graph *graph = small_residual();
    file residual = {.name = "plan", .kind = UMBRA_KIND_PLAN};
    (void)state;
    plan = small_compile(graph);
    snprintf(residual.path, sizeof residual.path, "%s", changed_path);
    check_ok(umbra_plan_save(plan, residual.path));
    read_whole(&residual);
    edit_decisions(&residual);
    free(residual.bytes);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
    plan = tiny;
}

/* Loaded and saved again: the same bytes. */
static void test_saved_again(void **state)
{
    umbra_plan *p = NULL;
    umbra_profile *q = NULL;
    file again = {.name = "again"};
    (void)state;
    snprintf(again.path, sizeof again.path, "%s", changed_path);
    check_ok(umbra_plan_load(plan_file.path, &p));
    check_ok(umbra_plan_save(p, changed_path));
    read_whole(&again);
    assert_int_equal(again.size, plan_file.size);
    assert_memory_equal(again.bytes, plan_file.bytes, again.size);
    free(again.bytes);
    check_ok(umbra_profile_load(profile_file.path, &q));
    check_ok(umbra_profile_save(q, changed_path));
    read_whole(&again);
    assert_int_equal(again.size, profile_file.size);
    assert_memory_equal(again.bytes, profile_file.bytes, again.size);
    free(again.bytes);
    umbra_plan_free(p);
    umbra_profile_free(q);
}

static bool holds(const file *f, const void *bytes, size_t size)
{
    for (size_t at = 0; at + size <= f->size; at++)
        if (memcmp(f->bytes + at, bytes, size) == 0)
            return true;
    return false;
}

/* A weight as a double, two in a row as floats: all in the plan as floats, none in the profile. */
static void test_profile_holds_no_weights(void **state)
{
    const umbra_graph *g = umbra_plan_graph(plan);
    int looked = 0;
    (void)state;
    for (int v = 0; v < g->value_count; v++) {
        const float *w = g->values[v].f32;
        int64_t count = w == NULL ? 0 : umbra_shape_elements(&g->values[v].shape);
        for (int64_t i = 0; i + 1 < count; i++) {
            double wide = (double)w[i];
            if (w[i] == 0 || w[i + 1] == 0)
                continue;
            looked++;
            assert_true(holds(&plan_file, w + i, 2 * sizeof *w));
            assert_false(holds(&profile_file, w + i, 2 * sizeof *w));
            assert_false(holds(&profile_file, &wide, sizeof wide));
        }
    }
    assert_true(looked > 800);
    assert_true(profile_file.size < 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_sealed_again),
        cmocka_unit_test(test_edited_predictions),
        cmocka_unit_test(test_edited_decisions),
        cmocka_unit_test(test_saved_again),
        cmocka_unit_test(test_profile_holds_no_weights),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
