/* Options of the command line: what is taken, what is refused, and in which words. */
#include "check.h"

#include "cli/cli.h"

static umbra_status nothing(const umbra_cli *cli)
{
    (void)cli;
    return UMBRA_OK;
}

static const umbra_command sample = {
    .name = "sample",
    .summary = "a command made for this test",
    .usage = "umbra sample MODEL -o DIR",
    .details = "Does nothing.",
    .example = "umbra sample m -o d",
    .options = 1u << UMBRA_OPT_OUTPUT | 1u << UMBRA_OPT_EXPLAIN | 1u << UMBRA_OPT_PRECISION_BITS |
               1u << UMBRA_OPT_MEMORY | 1u << UMBRA_OPT_RUNS,
    .least_arguments = 1,
    .most_arguments = 2,
    .run = nothing,
};

static umbra_cli cli;
static bool help;

#define PARSE(...) parse((const char *[]){__VA_ARGS__, NULL})

static umbra_status parse(const char **words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    help = false;
    return umbra_cli_parse(&cli, &sample, count, (char **)(uintptr_t)words, &help);
}

static void takes_every_form(void **state)
{
    (void)state;
    check_ok(PARSE("m", "-o", "d"));
    assert_string_equal(cli.text[UMBRA_OPT_OUTPUT], "d");
    assert_string_equal(cli.argument[0], "m");
    check_ok(PARSE("--output", "d", "m", "--json", "-q", "--threads", "3"));
    assert_true(cli.json && cli.quiet && cli.threads == 3);
    check_ok(PARSE("--output=-odd", "--explain", "m", "second"));
    assert_string_equal(cli.text[UMBRA_OPT_OUTPUT], "-odd");
    assert_non_null(cli.text[UMBRA_OPT_EXPLAIN]);
    assert_int_equal(cli.argument_count, 2);
    check_ok(PARSE("--threads=1024", "--", "--json", "-o"));
    assert_string_equal(cli.argument[1], "-o");
    assert_false(cli.json);
    check_ok(PARSE("-"));
    assert_string_equal(cli.argument[0], "-");
}

static void refuses_by_name(void **state)
{
    (void)state;
    check_fails(UMBRA_E_USAGE, "does not know the option --profile", PARSE("m", "--profile", "p"));
    check_fails(UMBRA_E_USAGE, "umbra sample --help", PARSE("m", "-x"));
    check_fails(UMBRA_E_USAGE, "-od", PARSE("m", "-od"));
    check_fails(UMBRA_E_USAGE, "--outpu", PARSE("m", "--outpu", "d"));
    check_fails(UMBRA_E_USAGE, "given twice", PARSE("m", "-o", "a", "--output=b"));
    check_fails(UMBRA_E_USAGE, "--output needs a value", PARSE("m", "-o"));
    check_fails(UMBRA_E_USAGE, "--output needs a value", PARSE("m", "--output="));
    check_fails(UMBRA_E_USAGE, "needs a value before --json", PARSE("m", "-o", "--json"));
    check_fails(UMBRA_E_USAGE, "takes no value", PARSE("m", "--explain=yes"));
}

static void counts_arguments(void **state)
{
    (void)state;
    check_fails(UMBRA_E_USAGE, "usage: umbra sample", PARSE("--json"));
    check_fails(UMBRA_E_USAGE, "\"c\" is one argument too many", PARSE("a", "b", "c"));
    static const char *many[UMBRA_CLI_MAX_ARGUMENTS + 2];
    for (int i = 0; i <= UMBRA_CLI_MAX_ARGUMENTS; i++)
        many[i] = "a";
    check_fails(UMBRA_E_USAGE, "more than", parse(many));
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    check_ok(PARSE("--help"));
    assert_true(help);
    check_ok(PARSE("-h", "--unknown"));
    assert_true(help);
}

static void threads_have_a_range(void **state)
{
    (void)state;
    const char *wrong[] = {"0", "-1", "1025", "two", "1x", "", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(UMBRA_E_USAGE, "1 to 1024", PARSE("m", "--threads", wrong[i]));
    check_fails(UMBRA_E_USAGE, "1 to 1024", PARSE("m", "--threads"));
    check_ok(PARSE("m"));
    assert_true(umbra_cli_threads(&cli) >= 1);
}

static umbra_status number(const char *text, double *out)
{
    UMBRA_TRY(PARSE("m", "--precision-bits", text));
    return umbra_cli_number(&cli, UMBRA_OPT_PRECISION_BITS, 8, 1, 40, out);
}

static void numbers_have_a_range(void **state)
{
    (void)state;
    double value = 0;
    check_ok(number("12.5", &value));
    assert_true(value > 12.4 && value < 12.6);
    check_ok(PARSE("m"));
    check_ok(umbra_cli_number(&cli, UMBRA_OPT_PRECISION_BITS, 8, 1, 40, &value));
    assert_true(value > 7.9 && value < 8.1);
    const char *wrong[] = {"0.5", "41", "nan", "inf", "1e999", "12bits", "many"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(UMBRA_E_USAGE, "from 1 to 40", number(wrong[i], &value));
}

static umbra_status bytes(const char *text, uint64_t *out)
{
    UMBRA_TRY(PARSE("m", "--memory", text));
    return umbra_cli_bytes(&cli, UMBRA_OPT_MEMORY, 7, out);
}

static void bytes_take_suffixes(void **state)
{
    (void)state;
    uint64_t value = 0;
    check_ok(bytes("6G", &value));
    assert_true(value == (uint64_t)6 << 30);
    check_ok(bytes("1.5K", &value));
    assert_true(value == 1536);
    check_ok(bytes("800M", &value));
    assert_true(value == (uint64_t)800 << 20);
    check_ok(bytes("123", &value));
    assert_true(value == 123);
    const char *wrong[] = {"0", "6GB", "G", "nan", "1e300", "9999999999G", "6 G"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(UMBRA_E_USAGE, "as 6G or 800M", bytes(wrong[i], &value));
}

static umbra_status count(const char *text, uint64_t *out)
{
    UMBRA_TRY(PARSE("m", "-n", text));
    return umbra_cli_count(&cli, UMBRA_OPT_RUNS, 1, 100, out);
}

static void counts_are_whole(void **state)
{
    (void)state;
    uint64_t value = 0;
    check_ok(count("100", &value));
    assert_true(value == 100);
    const char *wrong[] = {"0", "101", "2.5", "+3", " 3", "3 ", "x", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_fails(UMBRA_E_USAGE, "whole number from 1 to 100", count(wrong[i], &value));
}

static void required_options_are_named(void **state)
{
    (void)state;
    const char *path = "untouched";
    check_ok(PARSE("m"));
    check_fails(UMBRA_E_USAGE, "--output PATH is missing; usage: umbra sample",
                umbra_cli_require(&cli, UMBRA_OPT_OUTPUT, &path));
    assert_string_equal(path, "untouched");
}

static void help_shows_options_and_example(void **state)
{
    (void)state;
    char text[4096];
    FILE *file = tmpfile();
    assert_non_null(file);
    umbra_cli_print_help(&sample, file);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *wanted[] = {"a command made", "usage: umbra sample", "-o, --output PATH",
                            "--explain",      "--threads N",         "example:\n  umbra sample"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_non_null(strstr(text, wanted[i]));
    assert_null(strstr(text, "--profile"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_form),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(counts_arguments),
        cmocka_unit_test(help_needs_nothing_else),
        cmocka_unit_test(threads_have_a_range),
        cmocka_unit_test(numbers_have_a_range),
        cmocka_unit_test(bytes_take_suffixes),
        cmocka_unit_test(counts_are_whole),
        cmocka_unit_test(required_options_are_named),
        cmocka_unit_test(help_shows_options_and_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
