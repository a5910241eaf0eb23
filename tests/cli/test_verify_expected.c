/* Outputs of another runtime: found by the input's name, refused where they cannot be the answer.
 */
#include "check.h"

#include "cli/verify_expected.h"
#include "graph/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/umbra-test-expected-XXXXXX";

static void write_output(const char *name, const float *data, int64_t count)
{
    char path[128];
    umbra_shape shape = {.rank = 2, .dim = {1, count}};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(umbra_npy_write_f32(path, &shape, data));
}

static void finds_the_file_by_the_name_of_the_input(void **state)
{
    (void)state;
    const float data[3] = {1.5f, -2, 0.25f};
    const char *inputs[] = {"case.npy", "a.b/case.npy", "films/case.png", "case"};
    write_output("case.npy", data, 3);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        double values[4] = {9, 9, 9, 9};
        check_ok(umbra_verify_expected(folder, inputs[i], values, 3));
        assert_true(values[0] == 1.5 && values[1] == -2 && values[2] == 0.25 && values[3] == 9);
    }
}

static void refuses_what_is_no_output_of_the_model(void **state)
{
    (void)state;
    const float data[3] = {1, NAN, INFINITY};
    double values[3] = {9, 9, 9};
    write_output("bad.npy", data, 3);
    check_fails(UMBRA_E_INPUT, "number 1 is not finite",
                umbra_verify_expected(folder, "bad.npy", values, 3));
    check_fails(UMBRA_E_INPUT, "holds 3 numbers, but the model gives 2",
                umbra_verify_expected(folder, "bad.npy", values, 2));
    check_fails(UMBRA_E_INPUT, "none.npy", umbra_verify_expected(folder, "none.npy", values, 2));
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    check_fails(UMBRA_E_INPUT, "too long", umbra_verify_expected(folder, name, values, 2));
    assert_true(values[0] == 9 && values[1] == 9 && values[2] == 9);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    const char *names[] = {"case.npy", "bad.npy"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_file_by_the_name_of_the_input),
        cmocka_unit_test(refuses_what_is_no_output_of_the_model),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
