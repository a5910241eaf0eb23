/* Plan and profile files: what was saved comes back, and nothing else is taken. */
#include "../exec/small_network.h"

#include "base/memory.h"
#include "plan/plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static void read_file(unsigned char **bytes, size_t *size)
{
    umbra_file_copy content;
    check_ok(umbra_file_load(path, &content));
    *bytes = malloc(content.size);
    memcpy(*bytes, content.bytes, content.size);
    *size = content.size;
    umbra_file_unload(&content);
}

static void test_round_trip(void **state)
{
    umbra_graph *graph = small_residual();
    umbra_plan *plan = small_compile(graph), *again = NULL;
    umbra_plan_summary a, b;
    (void)state;
    check_ok(umbra_plan_save(plan, path));
    check_ok(umbra_plan_load(path, &again));
    umbra_plan_summarise(plan, &a);
    umbra_plan_summarise(again, &b);
    assert_int_equal(a.key_bytes, b.key_bytes);
    assert_int_equal(a.rotations, b.rotations);
    assert_int_equal(a.levels, b.levels);
    assert_true(fabs(a.predicted_bits - b.predicted_bits) < 1e-9);
    assert_true(a.log2_qp <= umbra_security_limit_log2(a.degree_log2));
    assert_memory_equal(umbra_plan_profile(plan)->plan_hash, umbra_plan_profile(again)->plan_hash,
                        UMBRA_HASH_BYTES);
    assert_int_equal(umbra_plan_node_count(plan), umbra_plan_node_count(again));
    FILE *out = tmpfile();
    check_ok(umbra_plan_explain(again, out));
    fclose(out);
    umbra_plan_free(again);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* The body with one change, its hashes mended by reading it past the envelope. */
static umbra_status read_changed(const unsigned char *bytes, size_t size)
{
    umbra_plan *plan = NULL;
    umbra_reader reader = umbra_reader_make(bytes, size, "a changed plan");
    umbra_status status = umbra_plan_read_body(&reader, &plan);
    umbra_plan_free(status == UMBRA_OK ? plan : NULL);
    return status;
}

static void test_damage(void **state)
{
    umbra_graph *graph = small_plain();
    umbra_plan *plan = small_compile(graph);
    unsigned char *bytes = NULL;
    size_t size = 0;
    umbra_writer writer = {0};
    umbra_plan *loaded = NULL;
    (void)state;
    check_ok(umbra_plan_save(plan, path));
    read_file(&bytes, &size);
    bytes[size / 2] ^= 4;
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    check_fails(UMBRA_E_INPUT, path, umbra_plan_load(path, &loaded));
    check_ok(umbra_plan_write_body(plan, &writer));
    for (size_t cut = 0; cut < writer.size; cut += writer.size / 23 + 1)
        assert_true(read_changed(writer.bytes, cut) == UMBRA_E_INPUT);
    /* The last bytes are a key's level: a prediction that is not met. */
    writer.bytes[writer.size - 4] ^= 1;
    check_fails(UMBRA_E_INPUT, "predictions", read_changed(writer.bytes, writer.size));
    umbra_writer_free(&writer);
    free(bytes);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

static void test_profile(void **state)
{
    umbra_graph *graph = small_plain();
    umbra_plan *plan = small_compile(graph);
    umbra_profile *profile = NULL;
    umbra_plan *wrong = NULL;
    const umbra_profile *saved = umbra_plan_profile(plan);
    (void)state;
    check_ok(umbra_profile_save(saved, path));
    check_ok(umbra_profile_load(path, &profile));
    assert_int_equal(profile->key_count, saved->key_count);
    assert_memory_equal(profile->plan_hash, saved->plan_hash, UMBRA_HASH_BYTES);
    assert_memory_equal(umbra_params_hash(profile->params), umbra_params_hash(saved->params),
                        UMBRA_HASH_BYTES);
    assert_true(profile->input_scale_log2 == saved->input_scale_log2);
    check_fails(UMBRA_E_MISMATCH, "profile", umbra_plan_load(path, &wrong));
    umbra_profile_free(profile);
    umbra_plan_free(plan);
    umbra_graph_free(graph);
}

/* A network that cannot be taken is refused with every node by name. */
static void test_problems(void **state)
{
    int x, unused = -1;
    umbra_graph *g = small_begin(1, 8, &x);
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    (void)state;
    int y = small_value(g, "y", g->values[x].shape), z = small_value(g, "z", g->values[x].shape);
    check_ok(umbra_graph_add_node(g, UMBRA_OP_RELU, "first", "Relu", &x, 1, y, NULL, &unused));
    check_ok(
        umbra_graph_add_node(g, UMBRA_OP_SIGMOID, "second", "Sigmoid", &y, 1, z, NULL, &unused));
    check_ok(umbra_graph_add_output(g, z));
    check_fails(UMBRA_E_MODEL, "first", umbra_plan_compile(&plan, g, &model, NULL));
    assert_non_null(strstr(umbra_error_message(), "second"));
    umbra_graph_free(g);
}

/* 128 bits and a depth that no ring has: no parameters, and the node where they end. */
static void test_too_deep(void **state)
{
    int x;
    umbra_graph *g = small_begin(1, 4, &x);
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    char name[32];
    int y = x;
    (void)state;
    for (int i = 0; i < 70; i++) {
        snprintf(name, sizeof name, "act%d", i);
        y = small_polynomial(g, name, y);
    }
    check_ok(umbra_graph_add_output(g, y));
    check_fails(UMBRA_E_SECURITY, "levels", umbra_plan_compile(&plan, g, &model, NULL));
    assert_non_null(strstr(umbra_error_message(), "\"act63\""));
    umbra_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_profile),    cmocka_unit_test(test_problems),
        cmocka_unit_test(test_too_deep),
    };
    snprintf(path, sizeof path, "/tmp/umbra-test-plan-%ld", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
