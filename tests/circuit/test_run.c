/* The walker on random programs: every register lives from its one write to its last use. */
#include "check.h"

#include "base/memory.h"
#include "circuit/ops.h"

#include <stdbool.h>
#include <stdlib.h>

#define REGISTERS_MOST 80
#define PROGRAMS 400

typedef enum state { UNWRITTEN, LIVE, RELEASED } state;

/* An interpreter that only keeps books. */
typedef struct books {
    const umbra_program *program;
    state registers[REGISTERS_MOST];
    size_t next; /* instruction expected */
    int steps_done, last_step;
    size_t fail_at; /* this instruction fails */
    int fail_step;  /* this step's report fails */
} books;

static uint64_t seed = 99;

static int below(int bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((seed >> 33) % (uint64_t)bound);
}

static bool has_two(umbra_opcode op)
{
    return op == UMBRA_DO_ADD || op == UMBRA_DO_MULTIPLY || op == UMBRA_DO_JOIN;
}

/* Registers that an instruction reads (at most 4) and writes (at most 3). */
static int reads(const umbra_program *p, const umbra_instruction *i, int out[4])
{
    const umbra_program_map *map = i->op == UMBRA_DO_MAP ? &p->maps[i->index] : NULL;
    int count = 0;
    for (int k = 0; map != NULL && k < map->input_count; k++)
        out[count++] = map->inputs[k];
    if (map == NULL && i->op != UMBRA_DO_INPUT)
        out[count++] = i->a;
    if (has_two(i->op))
        out[count++] = i->b;
    return count;
}

static int writes(const umbra_program *p, const umbra_instruction *i, int out[4])
{
    const umbra_program_map *map = i->op == UMBRA_DO_MAP ? &p->maps[i->index] : NULL;
    for (int k = 0; map != NULL && k < map->output_count; k++)
        out[k] = map->outputs[k];
    if (map != NULL)
        return map->output_count;
    out[0] = i->out;
    return i->op == UMBRA_DO_OUTPUT ? 0 : 1;
}

static umbra_status call(void *self, const umbra_program *p, const umbra_instruction *i)
{
    books *b = self;
    int list[4];
    assert_ptr_equal(p, b->program);
    assert_ptr_equal(i, &p->code[b->next]);
    if (b->next == b->fail_at)
        return umbra_fail(UMBRA_E_RESOURCE, "on purpose");
    for (int k = reads(p, i, list) - 1; k >= 0; k--)
        assert_int_equal(b->registers[list[k]], LIVE);
    for (int k = writes(p, i, list) - 1; k >= 0; k--) {
        assert_int_equal(b->registers[list[k]], UNWRITTEN);
        b->registers[list[k]] = LIVE;
    }
    b->next++;
    return UMBRA_OK;
}

static bool is_read(const umbra_program *p, size_t at, int reg)
{
    int list[4];
    for (int k = reads(p, &p->code[at], list) - 1; k >= 0; k--)
        if (list[k] == reg)
            return true;
    return false;
}

static bool is_output(const umbra_program *p, size_t at, int step)
{
    return at < p->count && p->code[at].op == UMBRA_DO_OUTPUT && p->code[at].step == step;
}

/* At once; outputs in a row all after the last of them. */
static bool is_time(const umbra_program *p, size_t at, int reg)
{
    int step = p->code[at].step;
    if (!is_output(p, at, step))
        return is_read(p, at, reg);
    if (is_output(p, at + 1, step))
        return false;
    for (; !is_read(p, at, reg); at--)
        if (at == 0 || !is_output(p, at - 1, step))
            return false;
    return true;
}

static void release(void *self, int reg)
{
    books *b = self;
    assert_int_equal(b->registers[reg], LIVE);
    b->registers[reg] = RELEASED;
    assert_true(is_time(b->program, b->next - 1, reg));
    for (size_t at = b->next; at < b->program->count; at++)
        assert_false(is_read(b->program, at, reg)); /* and not too early */
    /* The report of a step comes before its registers go. */
    bool last = b->next == b->program->count ||
                b->program->code[b->next].step != b->program->code[b->next - 1].step;
    assert_int_equal(b->last_step == b->program->code[b->next - 1].step, last);
}

static umbra_status step_done(void *self, int step)
{
    books *b = self;
    assert_true(step > b->last_step);
    assert_int_equal(step, b->program->code[b->next - 1].step);
    b->last_step = step;
    b->steps_done++;
    return step == b->fail_step ? umbra_fail(UMBRA_E_CANCELLED, "enough") : UMBRA_OK;
}

static umbra_ops book_keeper(void)
{
    umbra_ops ops = {.release = release, .step_done = step_done};
    for (int op = 0; op < UMBRA_OPCODE_COUNT; op++)
        ops.call[op] = call;
    return ops;
}

static books open_books(const umbra_program *p)
{
    return (books){.program = p, .last_step = -1, .fail_at = SIZE_MAX, .fail_step = -1};
}

static int *numbers(int count, int first)
{
    void *made;
    check_ok(umbra_memory_alloc_array(&made, 4, sizeof(int), "a test"));
    for (int k = 0; k < count; k++)
        ((int *)made)[k] = first + k;
    return made;
}

static void append_map(umbra_program *p, umbra_instruction *i)
{
    int in = 1 + below(p->register_count < 3 ? p->register_count : 3), out = 1 + below(3);
    umbra_program_map map = {.input_count = in,
                             .output_count = out,
                             .inputs = numbers(in, below(p->register_count - in + 1)),
                             .outputs = numbers(out, p->register_count)};
    p->register_count += out;
    check_ok(umbra_program_add_map(p, &map, &i->index));
}

/* Results are some registers, read again or never read besides. */
static umbra_program random_program(void)
{
    umbra_program p = {.step_count = 1};
    int length = 1 + below(60);
    for (int n = 0; n < length && p.register_count < REGISTERS_MOST - 4; n++) {
        umbra_opcode op = n == 0 ? UMBRA_DO_INPUT : (umbra_opcode)below(UMBRA_OPCODE_COUNT);
        umbra_instruction i = {.op = op, .step = p.step_count - 1};
        if (below(4) == 0)
            i.step = p.step_count++;
        i.a = n == 0 ? -1 : below(p.register_count);
        i.b = !has_two(op) ? -1 : below(3) == 0 ? i.a : below(p.register_count);
        if (op == UMBRA_DO_INPUT)
            i.a = -1;
        if (op == UMBRA_DO_MAP)
            append_map(&p, &i);
        else if (op != UMBRA_DO_OUTPUT)
            i.out = p.register_count++;
        check_ok(umbra_program_append(&p, &i));
    }
    check_ok(umbra_program_finish(&p));
    return p;
}

static void test_lives_of_registers(void **unused)
{
    const umbra_ops ops = book_keeper();
    int released = 0, kept = 0;
    (void)unused;
    for (int n = 0; n < PROGRAMS; n++) {
        umbra_program p = random_program();
        books b = open_books(&p);
        check_ok(umbra_program_run(&p, &ops, &b));
        assert_int_equal(b.next, p.count);
        for (int r = 0; r < p.register_count; r++) {
            bool read = false;
            for (size_t at = 0; at < p.count; at++)
                read = read || is_read(&p, at, r);
            assert_int_equal(b.registers[r], read ? RELEASED : LIVE);
            released += read;
            kept += !read;
        }
        umbra_program_free(&p);
    }
    assert_true(released > PROGRAMS && kept > PROGRAMS);
}

/* Nothing is called after a failure, and the message says where it was. */
static void test_stops_at_failure(void **unused)
{
    const umbra_ops ops = book_keeper();
    (void)unused;
    for (int n = 0; n < PROGRAMS; n++) {
        umbra_program p = random_program();
        books b = open_books(&p);
        b.fail_at = (size_t)below((int)p.count);
        check_fails(UMBRA_E_RESOURCE, umbra_opcode_name(p.code[b.fail_at].op),
                    umbra_program_run(&p, &ops, &b));
        assert_non_null(strstr(umbra_error_message(), "on purpose"));
        assert_int_equal(b.next, b.fail_at);
        b = open_books(&p);
        b.fail_step = p.code[below((int)p.count)].step;
        check_fails(UMBRA_E_CANCELLED, "enough", umbra_program_run(&p, &ops, &b));
        assert_int_equal(b.last_step, b.fail_step);
        umbra_program_free(&p);
    }
}

/* One thing wrong anywhere in a program that was right. */
static void test_finish_finds_one_fault(void **unused)
{
    (void)unused;
    for (int n = 0; n < PROGRAMS; n++) {
        umbra_program p = random_program();
        umbra_instruction *i = &p.code[below((int)p.count)];
        int list[4], old = i->op == UMBRA_DO_MAP ? -1 : i->a;
        if (old >= 0) {
            const int wrong[3] = {-1, p.register_count, i->op == UMBRA_DO_OUTPUT ? -7 : i->out};
            for (int k = 0; k < 3; k++) {
                i->a = wrong[k];
                check_fails(UMBRA_E_INTERNAL, "reads the unset", umbra_program_finish(&p));
            }
            i->a = old;
        }
        if (i > p.code && i->op != UMBRA_DO_MAP && i->op != UMBRA_DO_OUTPUT &&
            writes(&p, i - 1, list) > 0) {
            old = i->out;
            i->out = list[0];
            check_fails(UMBRA_E_INTERNAL, "register", umbra_program_finish(&p));
            i->out = old;
        }
        i->step = p.step_count;
        check_fails(UMBRA_E_INTERNAL, "is in step", umbra_program_finish(&p));
        umbra_program_free(&p);
    }
}

static void test_names(void **unused)
{
    (void)unused;
    for (int a = 0; a < UMBRA_OPCODE_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(umbra_opcode_name((umbra_opcode)a),
                                    umbra_opcode_name((umbra_opcode)b));
    assert_string_equal(umbra_opcode_name(UMBRA_OPCODE_COUNT), "unknown");
    assert_string_equal(umbra_opcode_name((umbra_opcode)-1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_of_registers),
        cmocka_unit_test(test_stops_at_failure),
        cmocka_unit_test(test_finish_finds_one_fault),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
