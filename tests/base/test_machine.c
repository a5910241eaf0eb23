/* Tests of src/base/machine.c on made-up control groups. */
#include "base/machine.h"
#include "check.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];

static int setup(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/umbra-test-machine-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* Write root/path, making its folders. */
static void put(const char *path, const char *text)
{
    char full[400];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void no_container_sets_no_limit(void **state)
{
    (void)state;
    assert_true(umbra_machine_container_bytes(root) == UINT64_MAX);
    assert_int_equal(umbra_machine_container_processors(root), 1024);
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/memory.max", "max\n");
    put("sys/fs/cgroup/memory.current", "1000\n");
    put("sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_true(umbra_machine_container_bytes(root) == UINT64_MAX);
    assert_int_equal(umbra_machine_container_processors(root), 1024);
}

static void the_tightest_parent_counts(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/b/memory.max", "max\n");
    put("sys/fs/cgroup/a/b/memory.current", "10\n");
    put("sys/fs/cgroup/a/memory.max", "5000\n");
    put("sys/fs/cgroup/a/memory.current", "1800\n");
    put("sys/fs/cgroup/memory.max", "9000\n");
    assert_int_equal(umbra_machine_container_bytes(root), 3200);
    put("sys/fs/cgroup/memory.current", "0\n"); /* 9000 are left at the top */
    assert_int_equal(umbra_machine_container_bytes(root), 3200);
    put("sys/fs/cgroup/memory.current", "8999\n");
    assert_int_equal(umbra_machine_container_bytes(root), 1);
    put("sys/fs/cgroup/memory.current", "9001\n");
    assert_int_equal(umbra_machine_container_bytes(root), 0);
    put("sys/fs/cgroup/a/b/cpu.max", "350000 100000\n");
    assert_int_equal(umbra_machine_container_processors(root), 4);
    put("sys/fs/cgroup/a/cpu.max", "20000 100000\n");
    assert_int_equal(umbra_machine_container_processors(root), 1);
}

static void a_group_that_only_the_host_sees_falls_back_to_the_top(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/host/only\n");
    put("sys/fs/cgroup/memory.max", "7000\n");
    put("sys/fs/cgroup/memory.current", "0\n");
    assert_int_equal(umbra_machine_container_bytes(root), 7000);
}

static void version_one_counts_too(void **state)
{
    (void)state;
    put("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/\n");
    put("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "6000\n");
    put("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "2000\n");
    put("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "200000\n");
    put("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(umbra_machine_container_bytes(root), 4000);
    assert_int_equal(umbra_machine_container_processors(root), 2);
    put("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(umbra_machine_container_processors(root), 1024);
}

static void nonsense_is_not_believed(void **state)
{
    (void)state;
    put("proc/self/cgroup", "no colons\n0::/\n");
    put("sys/fs/cgroup/memory.max", "\n");
    put("sys/fs/cgroup/cpu.max", "100000 0\n");
    assert_true(umbra_machine_container_bytes(root) == UINT64_MAX);
    assert_int_equal(umbra_machine_container_processors(root), 1024);
}

static void this_machine_is_plausible(void **state)
{
    (void)state;
    assert_in_range(umbra_machine_processors(), 1, sysconf(_SC_NPROCESSORS_CONF));
    assert_in_range(umbra_memory_peak_bytes(), 100 << 10, (uint64_t)1 << 40);
    assert_in_range(umbra_memory_available_bytes(), 1 << 20, (uint64_t)1 << 50);
}

/* In a child: lower a limit, and report a figure through the exit code. */
static int in_child(int (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int under_address_limit(void)
{
    struct rlimit limit = {(rlim_t)1 << 20, (rlim_t)1 << 20}; /* less than is used already */
    return setrlimit(RLIMIT_AS, &limit) == 0 ? (int)umbra_memory_available_bytes() : 99;
}

static int without_core_dumps(void)
{
    struct rlimit limit = {1, 1};
    umbra_machine_prepare();
    return getrlimit(RLIMIT_CORE, &limit) == 0 ? (int)(limit.rlim_cur + limit.rlim_max) : 99;
}

static void limits_of_the_process_are_seen_and_set(void **state)
{
    (void)state;
    assert_int_equal(in_child(under_address_limit), 1);
    assert_int_equal(in_child(without_core_dumps), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_container_sets_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(the_tightest_parent_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_that_only_the_host_sees_falls_back_to_the_top,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(version_one_counts_too, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_not_believed, setup, teardown),
        cmocka_unit_test(this_machine_is_plausible),
        cmocka_unit_test(limits_of_the_process_are_seen_and_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
