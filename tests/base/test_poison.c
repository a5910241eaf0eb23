/* Tests of src/base/poison.h: valgrind sees a branch on a secret, and none on what was
 * declassified. */
#include "base/memory.h"
#include "base/poison.h"
#include "check.h"

#include <stdlib.h>

static volatile int sink;

static void branch_on(const unsigned char *byte)
{
    if (*byte & 1)
        sink = 1;
    else
        sink = 2;
}

/* With UMBRA_TEST_LEAK in the environment this leaks on purpose, and the run must fail. */
static void a_secret_may_be_computed_with_but_not_branched_on(void **state)
{
    (void)state;
    void *memory = NULL;
    check_ok(umbra_secret_alloc(&memory, 64));
    unsigned char *secret = memory;
    umbra_secret_poison(secret, 64);
    for (int i = 0; i < 64; i++)
        secret[i] = (unsigned char)(secret[i] * 3 + i);
    if (getenv("UMBRA_TEST_LEAK") == NULL)
        umbra_secret_declassify(secret, 64);
    branch_on(secret);
    umbra_secret_declassify(secret, 64);
    umbra_secret_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_may_be_computed_with_but_not_branched_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
