/* Inputs of a command: files as named, folders by name, a part of a split, evenly thinned out. */
#include "check.h"

#include "cli/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], split[96];
static umbra_cli cli;
static umbra_inputs inputs;

static void touch(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    char inner[96];
    strcpy(folder, "/tmp/umbra-test-inputs-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(inner, sizeof inner, "%s/folder", folder);
    snprintf(split, sizeof split, "%s/split.csv", folder);
    mkdir(inner, 0700);
    for (char c = 'j'; c >= 'a'; c--) {
        char name[32];
        snprintf(name, sizeof name, "folder/%c.png", c);
        touch(name, "");
    }
    touch("folder/.hidden", "");
    snprintf(inner, sizeof inner, "%s/folder/inner", folder);
    mkdir(inner, 0700);
    touch("split.csv", "file,part\na.png,train\nb.png,validation\nd.png,validation\nj.png,test\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    umbra_inputs_free(&inputs);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static umbra_status collect(const char *first, const char *second)
{
    umbra_inputs_free(&inputs);
    cli.argument[0] = "model";
    cli.argument[1] = first;
    cli.argument[2] = second;
    cli.argument_count = second != NULL ? 3 : first != NULL ? 2 : 1;
    return umbra_inputs_collect(&cli, 1, &inputs);
}

/* The base names, one letter each. */
static void check_letters(const char *wanted)
{
    char found[64] = "";
    for (size_t i = 0; i < inputs.count; i++)
        strncat(found, umbra_base_name(inputs.path[i]), 1);
    assert_string_equal(found, wanted);
}

static const char *inside(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void lists_folders_by_name(void **state)
{
    (void)state;
    cli = (umbra_cli){0};
    check_ok(collect(inside("folder"), NULL));
    check_letters("abcdefghij");
    touch("z.png", "");
    check_ok(collect(inside("z.png"), NULL));
    check_letters("z");
    /* a file that is missing is named before anything else takes time */
    check_fails(UMBRA_E_INPUT, "z/none.png: cannot open", collect("z/none.png", folder));
}

static void thins_out_evenly(void **state)
{
    (void)state;
    cli = (umbra_cli){0};
    cli.text[UMBRA_OPT_RUNS] = "5";
    check_ok(collect(inside("folder"), NULL));
    check_letters("acegi");
    cli.text[UMBRA_OPT_RUNS] = "3";
    check_ok(collect(inside("folder"), NULL));
    check_letters("adg");
    cli.text[UMBRA_OPT_RUNS] = "100";
    check_ok(collect(inside("folder"), NULL));
    assert_int_equal(inputs.count, 10);
    cli.text[UMBRA_OPT_RUNS] = "0";
    check_fails(UMBRA_E_USAGE, "--runs", collect(inside("folder"), NULL));
}

static void keeps_one_part_of_a_split(void **state)
{
    (void)state;
    cli = (umbra_cli){0};
    cli.text[UMBRA_OPT_SPLIT] = split;
    check_ok(collect(inside("folder"), NULL));
    check_letters("bd");
    cli.text[UMBRA_OPT_PART] = "train";
    check_ok(collect(inside("folder"), NULL));
    check_letters("a");
    cli.text[UMBRA_OPT_PART] = "nobody";
    check_fails(UMBRA_E_INPUT, "no input remains", collect(inside("folder"), NULL));
    cli.text[UMBRA_OPT_SPLIT] = "/nowhere.csv";
    check_fails(UMBRA_E_INPUT, "/nowhere.csv", collect(inside("folder"), NULL));
    touch("split.csv", "name,part\na.png,train\n");
    cli.text[UMBRA_OPT_SPLIT] = split;
    check_fails(UMBRA_E_INPUT, "columns file and part", collect(inside("folder"), NULL));
}

static void refuses_an_empty_list(void **state)
{
    (void)state;
    cli = (umbra_cli){0};
    check_fails(UMBRA_E_INPUT, "no input remains", collect(inside("folder/inner"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_folders_by_name),
        cmocka_unit_test(thins_out_evenly),
        cmocka_unit_test(keeps_one_part_of_a_split),
        cmocka_unit_test(refuses_an_empty_list),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
