/* LeNet on a latent of 4 x 32 x 32: two ciphertexts a tensor, wide dense layers. */
#include "exec_session.h"

static void test_lenet(void **state)
{
    (void)state;
    check_network(small_lenet(32, 32, 120));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lenet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
