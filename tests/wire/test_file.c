/* Tests of src/wire/file.c: nothing half-written, nothing overwritten, nothing left behind. */
#include "check.h"
#include "temporary_folder.h"
#include "wire/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
    (void)state;
    return make_folder("out.umbra");
}

static void expect_content(const char *file, const void *bytes, size_t size)
{
    umbra_file_copy content = {0};
    check_ok(umbra_file_load(file, &content));
    assert_int_equal(content.size, size);
    if (size > 0)
        assert_memory_equal(content.bytes, bytes, size);
    umbra_file_unload(&content);
    assert_null(content.bytes);
}

static void write_small(const char *file, const char *text, bool private_mode)
{
    umbra_file_writer *writer = NULL;
    check_ok(umbra_file_create(&writer, file, private_mode));
    check_ok(umbra_file_append(writer, text, strlen(text)));
    check_ok(umbra_file_commit(writer));
}

static void commit_replaces_at_once(void **state)
{
    (void)state;
    write_small(path, "old", false);
    umbra_file_writer *writer = NULL;
    check_ok(umbra_file_create(&writer, path, false));
    check_ok(umbra_file_append(writer, "new content", 11));
    assert_int_equal(umbra_file_size(writer), 11);
    expect_content(path, "old", 3);
    check_ok(umbra_file_commit(writer));
    expect_content(path, "new content", 11);
    assert_int_equal(clear_folder(), 1);
}

static void pieces_of_any_size_and_patches_add_up(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 65535, 65536, 65537, 0, 3, 300000, 7, 65529, 65536, 1};
    size_t total = 0, at = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        total += pieces[i];
    unsigned char *bytes = malloc(total);
    assert_non_null(bytes);
    for (size_t i = 0; i < total; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    umbra_file_writer *writer = NULL;
    check_ok(umbra_file_create(&writer, path, false));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        check_ok(umbra_file_append(writer, bytes + at, pieces[i]));
        at += pieces[i];
        assert_int_equal(umbra_file_size(writer), at);
        if (at >= 20) {
            memset(bytes + at - 20, (int)i, 20);
            check_ok(umbra_file_patch(writer, at - 20, bytes + at - 20, 20));
        }
    }
    memset(bytes, 0xee, 128);
    check_ok(umbra_file_patch(writer, 0, bytes, 128));
    check_fails(UMBRA_E_INTERNAL, "past the end", umbra_file_patch(writer, total - 1, bytes, 2));
    check_fails(UMBRA_E_INTERNAL, "past the end", umbra_file_patch(writer, UINT64_MAX, bytes, 2));
    check_ok(umbra_file_commit(writer));
    expect_content(path, bytes, total);
    free(bytes);
    clear_folder();
}

static int mode_of(const char *file)
{
    struct stat info;
    assert_int_equal(stat(file, &info), 0);
    return (int)(info.st_mode & 0777);
}

static void a_private_file_is_private_from_the_start(void **state)
{
    (void)state;
    mode_t old = umask(022);
    write_small(path, "x", false);
    assert_int_equal(mode_of(path), 0644);
    umask(0);
    umbra_file_writer *writer = NULL;
    check_ok(umbra_file_create(&writer, path, true));
    DIR *d = opendir(folder);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (strstr(e->d_name, ".part") != NULL) {
            struct stat info;
            assert_int_equal(fstatat(dirfd(d), e->d_name, &info, 0), 0);
            assert_int_equal(info.st_mode & 0777, 0600);
        }
    closedir(d);
    check_ok(umbra_file_commit(writer));
    assert_int_equal(mode_of(path), 0600); /* the looser mode of the file before is gone */
    umask(old);
    clear_folder();
}

static void discard_leaves_nothing(void **state)
{
    (void)state;
    umbra_file_writer *writer = NULL;
    check_ok(umbra_file_create(&writer, path, false));
    check_ok(umbra_file_append(writer, "abc", 3));
    umbra_file_discard(writer);
    umbra_file_discard(NULL);
    assert_int_equal(clear_folder(), 0);
    write_small(path, "kept", false);
    check_ok(umbra_file_create(&writer, path, false));
    umbra_file_discard(writer);
    expect_content(path, "kept", 4);
    assert_int_equal(clear_folder(), 1);
}

static void on_signal(int signal_number)
{
    umbra_file_remove_pending();
    _exit(128 + signal_number);
}

static void a_signal_removes_what_is_half_written(void **state)
{
    (void)state;
    write_small(path, "kept", false);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        umbra_file_writer *a = NULL, *b = NULL;
        char other[160];
        snprintf(other, sizeof other, "%s.2", path);
        signal(SIGINT, on_signal);
        if (umbra_file_create(&a, path, false) != UMBRA_OK ||
            umbra_file_create(&b, other, true) != UMBRA_OK ||
            umbra_file_append(a, "half", 4) != UMBRA_OK || write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char r;
    assert_int_equal(read(ready[0], &r, 1), 1);
    assert_int_equal(kill(child, SIGINT), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    expect_content(path, "kept", 4);
    assert_int_equal(clear_folder(), 1);
    close(ready[0]);
    close(ready[1]);
}

/* A limit on the size of a file stands in for a full disk: the same calls fail, with EFBIG. */
static umbra_status write_over_limit(size_t size, int *files_before_discard)
{
    static unsigned char bytes[200000];
    struct rlimit old, tight;
    getrlimit(RLIMIT_FSIZE, &old);
    tight = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    umbra_file_writer *writer = NULL;
    umbra_status status = umbra_file_create(&writer, path, false);
    size_t at = 0;
    while (status == UMBRA_OK && at < size) {
        size_t piece = size - at < 30000 ? size - at : 30000;
        status = umbra_file_append(writer, bytes, piece);
        at += piece;
    }
    if (status == UMBRA_OK) {
        status = umbra_file_commit(writer);
    } else {
        *files_before_discard = 1;
        assert_int_equal(umbra_file_patch(writer, 0, bytes, 10), UMBRA_E_IO);
        status = umbra_file_commit(writer); /* a writer that failed once does not commit */
    }
    setrlimit(RLIMIT_FSIZE, &old);
    return status;
}

static void a_full_disk_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    int early = 0;
    write_small(path, "kept", false);
    check_ok(write_over_limit(99999, &early));
    write_small(path, "kept", false);
    check_fails(UMBRA_E_IO, "free some space", write_over_limit(101000, &early)); /* by commit */
    assert_int_equal(early, 0);
    check_fails(UMBRA_E_IO, "earlier write failed", write_over_limit(200000, &early));
    assert_int_equal(early, 1);
    expect_content(path, "kept", 4);
    assert_int_equal(clear_folder(), 1);
}

static void targets_that_are_no_files_are_refused(void **state)
{
    (void)state;
    umbra_file_writer *writer = NULL;
    char text[200];
    check_fails(UMBRA_E_INPUT, "folder", umbra_file_create(&writer, folder, false));
    check_fails(UMBRA_E_INPUT, "regular", umbra_file_create(&writer, "/dev/null", false));
    check_fails(UMBRA_E_INPUT, "name", umbra_file_create(&writer, "", false));
    snprintf(text, sizeof text, "%s/no/such/folder", folder);
    check_fails(UMBRA_E_INPUT, "its folder does not exist",
                umbra_file_create(&writer, text, false));
    char *long_name = malloc(6000);
    assert_non_null(long_name);
    memset(long_name, 'a', 5999);
    long_name[5999] = 0;
    check_fails(UMBRA_E_INPUT, "aaa", umbra_file_create(&writer, long_name, false));
    free(long_name);
    assert_null(writer);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(clear_folder(), 0);
}

static void a_link_keeps_pointing_to_the_file(void **state)
{
    (void)state;
    char target[160];
    snprintf(target, sizeof target, "%s.real", path);
    write_small(target, "old", false);
    assert_int_equal(symlink(target, path), 0);
    write_small(path, "new", false);
    expect_content(target, "new", 3);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    clear_folder();
}

static void writers_are_many_and_come_back(void **state)
{
    (void)state;
    umbra_file_writer *writers[33] = {0};
    for (int rounds = 0; rounds < 3; rounds++) {
        for (int i = 0; i < 32; i++)
            check_ok(umbra_file_create(&writers[i], path, false));
        check_fails(UMBRA_E_RESOURCE, "32 files", umbra_file_create(&writers[32], path, false));
        for (int i = 0; i < 32; i++)
            umbra_file_discard(writers[i]);
    }
    assert_int_equal(clear_folder(), 0);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    umbra_file_copy content = {.size = 77};
    char fifo[160];
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    check_fails(UMBRA_E_INPUT, "No such file", umbra_file_load(path, &content));
    check_fails(UMBRA_E_INPUT, "folder", umbra_file_load(folder, &content));
    check_fails(UMBRA_E_INPUT, "regular", umbra_file_load("/dev/null", &content));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    check_fails(UMBRA_E_INPUT, "regular", umbra_file_load(fifo, &content)); /* and does not wait */
    assert_int_equal(content.size, 77);
    write_small(path, "", false);
    expect_content(path, "", 0);
    clear_folder();
}

/* What is in memory stays as it was checked, whatever becomes of the file. */
static void a_file_in_memory_is_a_copy(void **state)
{
    (void)state;
    umbra_file_copy content = {0};
    static char big[300000];
    memset(big, 'a', sizeof big);
    write_small(path, "old content", false);
    check_ok(umbra_file_load(path, &content));
    FILE *other = fopen(path, "r+b"); /* in place: not a new file under the old name */
    assert_non_null(other);
    assert_int_equal(fwrite("new", 1, 3, other), 3);
    assert_int_equal(fclose(other), 0);
    assert_memory_equal(content.bytes, "old content", 11);
    assert_int_equal(truncate(path, 0), 0);
    assert_memory_equal(content.bytes, "old content", 11); /* a mapping would end in SIGBUS */
    umbra_file_unload(&content);
    other = fopen(path, "wb");
    assert_non_null(other);
    assert_int_equal(fwrite(big, 1, sizeof big, other), sizeof big);
    assert_int_equal(fclose(other), 0);
    expect_content(path, big, sizeof big);
    clear_folder();
}

static void pieces_are_read_where_they_stand(void **state)
{
    (void)state;
    char piece[8] = "-------";
    umbra_file_reader file;
    write_small(path, "0123456789", false);
    check_ok(umbra_file_open(path, &file));
    assert_int_equal(file.size, 10);
    check_ok(umbra_file_read_at(&file, 3, piece, 4));
    assert_string_equal(piece, "3456---");
    check_ok(umbra_file_read_at(&file, 10, piece, 0));
    check_fails(UMBRA_E_INTERNAL, "past the end", umbra_file_read_at(&file, 7, piece, 4));
    check_fails(UMBRA_E_INTERNAL, "past the end", umbra_file_read_at(&file, 11, piece, 0));
    check_fails(UMBRA_E_INTERNAL, "past the end", umbra_file_read_at(&file, UINT64_MAX, piece, 2));
    assert_int_equal(truncate(path, 5), 0);
    check_ok(umbra_file_read_at(&file, 3, piece, 2));
    check_fails(UMBRA_E_IO, "became shorter than 10 bytes", umbra_file_read_at(&file, 3, piece, 4));
    umbra_file_close(&file);
    clear_folder();
}

static void a_file_beyond_memory_is_refused_at_once(void **state)
{
    (void)state;
    umbra_file_copy content = {.size = 77};
    write_small(path, "", false);
    if (truncate(path, (off_t)1 << 42) != 0) { /* sparse; not every file system has such */
        clear_folder();
        skip();
    }
    check_fails(UMBRA_E_RESOURCE, "4194304 MiB do not fit into memory",
                umbra_file_load(path, &content));
    assert_int_equal(content.size, 77);
    clear_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit_replaces_at_once),
        cmocka_unit_test(pieces_of_any_size_and_patches_add_up),
        cmocka_unit_test(a_private_file_is_private_from_the_start),
        cmocka_unit_test(discard_leaves_nothing),
        cmocka_unit_test(a_signal_removes_what_is_half_written),
        cmocka_unit_test(a_full_disk_is_reported_and_leaves_nothing),
        cmocka_unit_test(targets_that_are_no_files_are_refused),
        cmocka_unit_test(a_link_keeps_pointing_to_the_file),
        cmocka_unit_test(writers_are_many_and_come_back),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(a_file_in_memory_is_a_copy),
        cmocka_unit_test(pieces_are_read_where_they_stand),
        cmocka_unit_test(a_file_beyond_memory_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
