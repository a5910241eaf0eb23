/* What the machine, and the container around this process, leave to it. */
#define _GNU_SOURCE /* CPU_COUNT */
#include "base/machine.h"

#include <inttypes.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_PROCESSORS 1024
#define PATH_BYTES 4096

/* The first line of root/folder/name, without its end. */
static bool read_line(char *line, int size, const char *root, const char *folder, const char *name)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s%s/%s", root, folder, name);
    if (length < 0 || length >= (int)sizeof path)
        return false;
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    bool read = fgets(line, size, f) != NULL;
    fclose(f);
    if (read)
        line[strcspn(line, "\n")] = 0;
    return read;
}

static bool read_number(uint64_t *out, const char *root, const char *folder, const char *name)
{
    char line[64];
    return read_line(line, sizeof line, root, folder, name) && sscanf(line, "%" SCNu64, out) == 1;
}

/* The folder of this process in one hierarchy of control groups; `controller` "" is version 2. */
static bool find_group(char folder[PATH_BYTES], const char *root, const char *controller)
{
    char path[PATH_BYTES], line[PATH_BYTES];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL)
            continue;
        *group++ = 0;
        found = strcmp(controllers + 1, controller) == 0;
        int length = snprintf(folder, PATH_BYTES, "/sys/fs/cgroup%s%s%s",
                              controller[0] == 0 ? "" : "/", controller, group);
        found = found && length < PATH_BYTES;
    }
    fclose(f);
    return found;
}

/* Inside a container the group's path often names a folder that only the host sees, and the limit
 * stands at the top; outside, a limit may stand at any parent. So: the group and all above it. */
static bool to_parent(char *folder, size_t top)
{
    char *slash = strrchr(folder, '/');
    if (slash == NULL || (size_t)(slash - folder) < top)
        return false;
    *slash = 0;
    return true;
}

static uint64_t least_left(const char *root, const char *controller, const char *limit_name,
                           const char *used_name)
{
    char folder[PATH_BYTES];
    uint64_t least = UINT64_MAX;
    if (!find_group(folder, root, controller))
        return least;
    size_t top = strlen("/sys/fs/cgroup") + (controller[0] == 0 ? 0 : 1 + strlen(controller));
    do {
        uint64_t limit = 0, used = 0;
        if (read_number(&limit, root, folder, limit_name) &&
            read_number(&used, root, folder, used_name)) {
            uint64_t left = limit > used ? limit - used : 0;
            least = left < least ? left : least;
        }
    } while (to_parent(folder, top));
    return least;
}

uint64_t umbra_machine_container_bytes(const char *root)
{
    uint64_t two = least_left(root, "", "memory.max", "memory.current");
    uint64_t one = least_left(root, "memory", "memory.limit_in_bytes", "memory.usage_in_bytes");
    return one < two ? one : two;
}

static int quota_of(const char *root, const char *folder, bool version_two)
{
    char line[64];
    int64_t quota = 0, period = 0;
    if (version_two) {
        if (!read_line(line, sizeof line, root, folder, "cpu.max") ||
            sscanf(line, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
            return MAX_PROCESSORS; /* "max 100000": no quota */
    } else {
        if (!read_line(line, sizeof line, root, folder, "cpu.cfs_quota_us") ||
            sscanf(line, "%" SCNd64, &quota) != 1 ||
            !read_line(line, sizeof line, root, folder, "cpu.cfs_period_us") ||
            sscanf(line, "%" SCNd64, &period) != 1)
            return MAX_PROCESSORS;
    }
    if (quota <= 0 || period <= 0 || quota / period >= MAX_PROCESSORS)
        return MAX_PROCESSORS;
    int processors =
        (int)((quota + period - 1) / period); /* half a processor still needs one thread */
    return processors < 1 ? 1 : processors;
}

int umbra_machine_container_processors(const char *root)
{
    static const char *const controllers[] = {"", "cpu", "cpu,cpuacct"};
    int least = MAX_PROCESSORS;
    for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) {
        char folder[PATH_BYTES];
        if (!find_group(folder, root, controllers[i]))
            continue;
        size_t top = strlen("/sys/fs/cgroup") + (i == 0 ? 0 : 1 + strlen(controllers[i]));
        do {
            int quota = quota_of(root, folder, i == 0);
            least = quota < least ? quota : least;
        } while (to_parent(folder, top));
    }
    return least;
}

int umbra_machine_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int allowed = CPU_COUNT(&set), quota = umbra_machine_container_processors("");
    int processors = allowed < quota ? allowed : quota;
    return processors < 1 ? 1 : processors;
}

static uint64_t machine_bytes(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    if (f == NULL)
        return UINT64_MAX;
    char line[256];
    uint64_t kib = 0, bytes = UINT64_MAX;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
            bytes = kib * 1024;
    fclose(f);
    return bytes;
}

/* What RLIMIT_AS leaves of this process's address space. */
static uint64_t address_space_bytes(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    uint64_t pages = 0, used = 0;
    if (read_number(&pages, "", "/proc/self", "statm"))
        used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return limit.rlim_cur > used ? limit.rlim_cur - used : 1; /* 1: known, and none */
}

uint64_t umbra_memory_available_bytes(void)
{
    uint64_t sources[] = {machine_bytes(), umbra_machine_container_bytes(""),
                          address_space_bytes()};
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        least = sources[i] < least ? sources[i] : least;
    return least == UINT64_MAX ? 0 : least < 1 ? 1 : least;
}

uint64_t umbra_memory_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (uint64_t)usage.ru_maxrss * 1024;
}

void umbra_machine_prepare(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)prctl(PR_SET_DUMPABLE, 0); /* also for a handler that ignores the limit, and for ptrace */
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_TOP_PAD, 64 << 20);
#endif
}
