/* Tests of src/ckks/ciphertext_wire.c. */
#include "scheme.h"

typedef struct message {
    scheme s;
    umbra_ciphertext *ct;
    umbra_writer writer;
} message;

static void open_message(message *m, int seeded)
{
    const umbra_params_literal literal = scheme_chain(12, 1, 30, 24, 1, 22);
    unsigned char seed[UMBRA_SEED_BYTES];
    *m = (message){.ct = NULL};
    scheme_open(&m->s, &literal, NULL, 0, 1);
    double *x = scheme_vector(m->s.slots, 1);
    umbra_plaintext *pt = scheme_encode(&m->s, 1, 22, x, NULL);
    m->ct = scheme_new(&m->s, 1, 2);
    check_ok(umbra_encrypt_secret(m->ct, seed, pt, m->s.secret));
    check_ok(umbra_ciphertext_write(&m->writer, m->ct, seeded ? seed : NULL));
    umbra_plaintext_free(pt);
    free(x);
}

static void close_message(message *m)
{
    umbra_writer_free(&m->writer);
    umbra_ciphertext_free(m->ct);
    scheme_close(&m->s);
}

static umbra_status read_message(const message *m, size_t size, umbra_ciphertext **out)
{
    umbra_reader reader = umbra_reader_make(m->writer.bytes, size, "query.ct");
    return umbra_ciphertext_read(&reader, m->s.params, out);
}

static void both_forms_come_back(void **state)
{
    (void)state;
    for (int seeded = 0; seeded < 2; seeded++) {
        message m;
        umbra_ciphertext *again = NULL;
        open_message(&m, seeded);
        const size_t part = umbra_limb_bytes(m.s.params, 0) + umbra_limb_bytes(m.s.params, 1);
        assert_int_equal(m.writer.size, 36 + part + (seeded ? UMBRA_SEED_BYTES : part));
        check_ok(read_message(&m, m.writer.size, &again));
        for (int p = 0; p < 2; p++)
            assert_memory_equal(again->part[p], m.ct->part[p], 2 * 4096 * 8);
        assert_true(again->scale_log2 == m.ct->scale_log2 && again->level == m.ct->level &&
                    again->noise_log2 == m.ct->noise_log2 && again->key_id == m.ct->key_id &&
                    again->message_log2 == m.ct->message_log2);
        umbra_ciphertext_free(again);
        close_message(&m);
    }
}

static void three_parts_come_back(void **state)
{
    (void)state;
    message m;
    umbra_ciphertext *again = NULL, *three = NULL;
    unsigned char seed[UMBRA_SEED_BYTES] = {0};
    open_message(&m, 0);
    three = scheme_new(&m.s, 1, 3);
    check_ok(umbra_eval_multiply_lazy(m.s.evaluator, three, m.ct, m.ct));
    umbra_writer_free(&m.writer);
    m.writer = (umbra_writer){0};
    check_fails(UMBRA_E_USAGE, "3 parts", umbra_ciphertext_write(&m.writer, three, seed));
    check_ok(umbra_ciphertext_write(&m.writer, three, NULL));
    check_ok(read_message(&m, m.writer.size, &again));
    assert_int_equal(again->parts, 3);
    assert_memory_equal(again->part[2], three->part[2], 2 * 4096 * 8);
    umbra_ciphertext_free(again);
    umbra_ciphertext_free(three);
    close_message(&m);
}

static void truncated_is_refused(void **state)
{
    (void)state;
    for (int seeded = 0; seeded < 2; seeded++) {
        message m;
        umbra_ciphertext *again = NULL;
        open_message(&m, seeded);
        for (size_t size = 0; size < m.writer.size; size += size < 100 ? 1 : 997)
            check_fails(UMBRA_E_INPUT, "query.ct: truncated", read_message(&m, size, &again));
        assert_null(again);
        close_message(&m);
    }
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned char value;
        const char *text;
    } faults[] = {
        {0, 2, "level 2; there are 2 levels"},
        {1, 1, "1 parts"},
        {1, 4, "4 parts"},
        {2, 2, "form 2"},
        {3, 1, "is unknown"},
        {19, 0x7f, "scale"},
        {19, 0xc0, "scale"},
        {27, 0x7f, "values"},
        {35, 0x7f, "error"},
    };
    message m;
    umbra_ciphertext *again = NULL;
    open_message(&m, 1);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const unsigned char kept = m.writer.bytes[faults[i].at];
        m.writer.bytes[faults[i].at] = faults[i].value;
        check_fails(UMBRA_E_INPUT, faults[i].text, read_message(&m, m.writer.size, &again));
        m.writer.bytes[faults[i].at] = kept;
    }
    memset(m.writer.bytes + 36, 0xff, 64); /* larger than any prime of its size */
    check_fails(UMBRA_E_INPUT, "not below its prime, after byte 36",
                read_message(&m, m.writer.size, &again));
    assert_null(again);
    close_message(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_come_back),
        cmocka_unit_test(three_parts_come_back),
        cmocka_unit_test(truncated_is_refused),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
