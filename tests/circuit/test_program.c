/* Programs: what is refused, and in which order the walker calls and releases. */
#include "check.h"

#include "circuit/ops.h"

#include <stdio.h>

static void append(umbra_program *p, umbra_instruction i)
{
    check_ok(umbra_program_append(p, &i));
}

/* r0 = input; r1 = r0^2; r2 = r0 + r1; output r2 */
static umbra_program small(void)
{
    umbra_program p = {.register_count = 3, .step_count = 2};
    append(&p, (umbra_instruction){.op = UMBRA_DO_INPUT, .out = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_SQUARE, .out = 1, .a = 0});
    append(&p, (umbra_instruction){.op = UMBRA_DO_ADD, .step = 1, .out = 2, .a = 0, .b = 1});
    append(&p, (umbra_instruction){.op = UMBRA_DO_OUTPUT, .step = 1, .a = 2});
    return p;
}

static void test_finish_refuses(void **state)
{
    (void)state;
    umbra_program p = small();
    p.code[2].b = 2;
    check_fails(UMBRA_E_INTERNAL, "instruction 2 of the program reads", umbra_program_finish(&p));
    p.code[2].b = 1;
    p.code[2].out = 1;
    check_fails(UMBRA_E_INTERNAL, "writes twice", umbra_program_finish(&p));
    p.code[2].out = 7;
    check_fails(UMBRA_E_INTERNAL, "register 7", umbra_program_finish(&p));
    p.code[2].out = 2;
    p.code[3].step = 0;
    check_fails(UMBRA_E_INTERNAL, "in step 0", umbra_program_finish(&p));
    p.code[3].step = 1;
    check_ok(umbra_program_finish(&p));
    umbra_program_free(&p);
}

typedef struct trace {
    char text[256];
    size_t used;
} trace;

static void note(trace *t, const char *what, int number)
{
    t->used += (size_t)snprintf(t->text + t->used, sizeof t->text - t->used, "%s%d ", what, number);
}

static umbra_status called(void *self, const umbra_program *program, const umbra_instruction *i)
{
    (void)program;
    note(self, umbra_opcode_name(i->op), i->out);
    return UMBRA_OK;
}

static umbra_status broken(void *self, const umbra_program *program, const umbra_instruction *i)
{
    (void)self;
    (void)program;
    (void)i;
    return umbra_fail(UMBRA_E_RESOURCE, "no room");
}

static void released(void *self, int reg)
{
    note(self, "-", reg);
}

static umbra_status step_done(void *self, int step)
{
    note(self, "step", step);
    return UMBRA_OK;
}

static void test_order(void **state)
{
    (void)state;
    umbra_program p = small();
    trace t = {.used = 0};
    umbra_ops ops = {.release = released, .step_done = step_done};
    for (int i = 0; i < UMBRA_OPCODE_COUNT; i++)
        ops.call[i] = called;
    check_ok(umbra_program_finish(&p));
    check_ok(umbra_program_run(&p, &ops, &t));
    assert_string_equal(t.text, "input0 square1 step0 add2 -0 -1 output0 step1 -2 ");
    ops.call[UMBRA_DO_ADD] = broken;
    check_fails(UMBRA_E_RESOURCE, "step 1, add: no room", umbra_program_run(&p, &ops, &t));
    umbra_program_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finish_refuses),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
