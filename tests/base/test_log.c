/* Tests of src/base/log.c. */
#include "base/log.h"
#include "check.h"

#include <stdio.h>
#include <unistd.h>

/* What both kinds of line write to stderr at a level. */
static void capture(umbra_log_level level, char *text, size_t size)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    umbra_log_set(level);
    umbra_log_warning("disk %d", 1);
    umbra_log_info("node %s", "conv1");
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
}

static void each_level_lets_through_its_own(void **state)
{
    (void)state;
    char text[200];
    assert_int_equal(umbra_log_get(), UMBRA_LOG_WARNING);
    capture(UMBRA_LOG_QUIET, text, sizeof text);
    assert_string_equal(text, "");
    capture(UMBRA_LOG_WARNING, text, sizeof text);
    assert_string_equal(text, "warning: disk 1\n");
    capture(UMBRA_LOG_INFO, text, sizeof text);
    assert_string_equal(text, "warning: disk 1\nnode conv1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_level_lets_through_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
