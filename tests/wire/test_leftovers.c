/* Tests of src/wire/leftovers.c: what a killed program left goes, and nothing else does. */
#include "check.h"
#include "temporary_folder.h"
#include "wire/file.h"
#include "wire/leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS "0123456789abcdef"

static int setup(void **state)
{
    (void)state;
    return make_folder("secret.key");
}

static void put(const char *name)
{
    char file[512];
    snprintf(file, sizeof file, "%s/%s", folder, name);
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool stands(const char *name)
{
    char file[512];
    struct stat info;
    snprintf(file, sizeof file, "%s/%s", folder, name);
    return lstat(file, &info) == 0;
}

static void only_temporary_names_go(void **state)
{
    static const char *const gone[] = {"secret.key." DIGITS ".part",
                                       "secret.key." DIGITS ".part.old"};
    static const char *const kept[] = {"secret.key",
                                       "secret.key.part",
                                       "secret.key.old",
                                       "secret.key." DIGITS,
                                       "secret.key." DIGITS ".part.new",
                                       "secret.key." DIGITS "0.part",
                                       "secret.key.0123456789ABCDEF.part",
                                       "secret.key.123456789abcdef.part",
                                       "other.key." DIGITS ".part",
                                       "asecret.key." DIGITS ".part",
                                       DIGITS ".part"};
    char link_name[256], folder_name[256];
    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        put(gone[i]);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        put(kept[i]);
    snprintf(link_name, sizeof link_name, "%s/secret.key.000000000000000a.part", folder);
    snprintf(folder_name, sizeof folder_name, "%s/secret.key.000000000000000b.part", folder);
    assert_int_equal(symlink("secret.key", link_name), 0);
    assert_int_equal(mkdir(folder_name, 0700), 0);
    umbra_leftovers_remove(path);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_false(stands(gone[i]));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_true(stands(kept[i]));
    assert_true(stands("secret.key.000000000000000a.part"));
    assert_true(stands("secret.key.000000000000000b.part"));
    assert_int_equal(rmdir(folder_name), 0);
    umbra_leftovers_remove("/no/such/folder/secret.key");
}

static void find_temporary(char name[256])
{
    FILE *list;
    char command[256];
    snprintf(command, sizeof command, "cd %s && ls -d live.key.*.part 2>/dev/null", folder);
    list = popen(command, "r");
    assert_non_null(list);
    name[0] = '\0';
    if (fgets(name, 256, list) != NULL)
        name[strcspn(name, "\n")] = '\0';
    pclose(list);
}

/* Two writers of one name: the second does not take the first one's file away. */
static void a_living_writer_keeps_its_file(void **state)
{
    char live[128], name[256];
    umbra_file_writer *first = NULL, *second = NULL;
    (void)state;
    snprintf(live, sizeof live, "%s/live.key", folder);
    check_ok(umbra_file_create(&first, live, true));
    find_temporary(name);
    assert_true(stands(name));
    check_ok(umbra_file_create(&second, live, true));
    assert_true(stands(name));
    check_ok(umbra_file_append(second, "second", 6));
    check_ok(umbra_file_commit(second));
    check_ok(umbra_file_append(first, "first", 5));
    check_ok(umbra_file_commit(first));
    find_temporary(name);
    assert_string_equal(name, "");
    unlink(live);
}

/* A process that is killed while it writes cannot clean up; the next writer does. */
static void the_next_writer_cleans_up_after_a_killed_one(void **state)
{
    char live[128], name[256];
    umbra_file_writer *writer = NULL;
    int ready[2], status = 0;
    char byte;
    (void)state;
    snprintf(live, sizeof live, "%s/live.key", folder);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (umbra_file_create(&writer, live, true) != UMBRA_OK)
            _exit(1);
        (void)!write(ready[1], "r", 1);
        pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    umbra_leftovers_remove(live);
    find_temporary(name);
    assert_true(stands(name));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(stands(name));
    check_ok(umbra_file_create(&writer, live, true));
    assert_false(stands(name));
    umbra_file_discard(writer);
    find_temporary(name);
    assert_string_equal(name, "");
    close(ready[0]);
    close(ready[1]);
}

/* Two files renamed one after the other: the old one's second name, left by a crash in between. */
static void the_next_pair_cleans_up_after_a_crash_between_renames(void **state)
{
    char first_path[128], second_path[128], crashed[256];
    umbra_file_writer *first = NULL, *second = NULL;
    (void)state;
    snprintf(first_path, sizeof first_path, "%s/evaluation.keys", folder);
    snprintf(second_path, sizeof second_path, "%s/pair.key", folder);
    put("evaluation.keys");
    put("pair.key." DIGITS ".part");
    snprintf(crashed, sizeof crashed, "%s.%s.part.old", first_path, DIGITS);
    assert_int_equal(link(first_path, crashed), 0);
    check_ok(umbra_file_create(&first, first_path, false));
    check_ok(umbra_file_create(&second, second_path, true));
    assert_false(stands("evaluation.keys." DIGITS ".part.old"));
    assert_false(stands("pair.key." DIGITS ".part"));
    assert_true(stands("evaluation.keys"));
    check_ok(umbra_file_commit_pair(first, second));
    assert_true(stands("pair.key"));
}

/* Of one that lost its name to another process the writer is told, to make another. */
static void a_file_that_was_taken_is_told(void **state)
{
    char file[512];
    (void)state;
    put("taken");
    snprintf(file, sizeof file, "%s/taken", folder);
    int one = open(file, O_RDONLY), other = open(file, O_RDONLY);
    assert_true(umbra_leftover_lock(one));
    assert_false(umbra_leftover_lock(other));
    close(one);
    assert_true(umbra_leftover_lock(other));
    assert_int_equal(unlink(file), 0);
    assert_false(umbra_leftover_lock(other));
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_temporary_names_go),
        cmocka_unit_test(a_living_writer_keeps_its_file),
        cmocka_unit_test(the_next_writer_cleans_up_after_a_killed_one),
        cmocka_unit_test(the_next_pair_cleans_up_after_a_crash_between_renames),
        cmocka_unit_test(a_file_that_was_taken_is_told),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
