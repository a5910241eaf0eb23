/* umbra doctor: what this machine can do, and whether Umbra works on it. */
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"
#include "cli/selftest.h"

#include "base/machine.h"
#include "math/kernels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define MEMORY_WANTED_BYTES ((uint64_t)8 << 30)
#define DISK_WANTED_BYTES ((uint64_t)4 << 30)

/* One finding after the other; the report says ok, warning or failed for each. */
typedef struct findings {
    bool json;
    json_t *list;
    int failed;
} findings;

static void find(findings *f, const char *state, const char *what, const char *text)
{
    if (f->json)
        json_array_append_new(
            f->list, json_pack("{s:s, s:s, s:s}", "check", what, "state", state, "text", text));
    else
        printf("%-8s %-12s %s\n", state, what, text);
    f->failed += strcmp(state, "failed") == 0;
}

static void read_cpu_name(char out[128])
{
    char line[256];
    snprintf(out, 128, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(out, 128, "%.120s", colon + 2);
            out[strcspn(out, "\n")] = '\0';
            break;
        }
    }
    fclose(f);
}

static void check_processor(findings *f)
{
    char name[128], text[256];
    read_cpu_name(name);
    snprintf(text, sizeof text, "%s, %d for this process", name, umbra_machine_processors());
    find(f, "ok", "processor", text);
    const umbra_kernels *sets[4];
    int count = umbra_kernels_all(sets), used = 0;
    for (int i = 0; i < count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", i == 0 ? "" : ", ",
                         sets[i]->name);
    const char *forced = getenv("UMBRA_CPU");
    bool fastest = strcmp(umbra_kernels_get()->name, "avx512ifma") == 0;
    snprintf(text + used, sizeof text - (size_t)used, "; uses %s%s%s", umbra_kernels_get()->name,
             forced == NULL ? "" : " (UMBRA_CPU)",
             fastest ? "" : "; a processor with AVX-512 IFMA takes 0.6 of AVX2's time");
    find(f, fastest ? "ok" : "warning", "kernels", text);
}

static void check_room(findings *f)
{
    char size[32], text[256];
    uint64_t memory = umbra_memory_available_bytes();
    umbra_cli_size_text(size, memory);
    snprintf(text, sizeof text, "%s can be had%s", size,
             memory < MEMORY_WANTED_BYTES ? "; the shipped model wants up to 8 GB" : "");
    find(f, memory < MEMORY_WANTED_BYTES ? "warning" : "ok", "memory", text);
    struct statvfs disk;
    if (statvfs(".", &disk) != 0)
        return;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    umbra_cli_size_text(size, free_bytes);
    snprintf(text, sizeof text, "%s free here%s", size,
             free_bytes < DISK_WANTED_BYTES ? "; evaluation keys want up to 2 GB" : "");
    find(f, free_bytes < DISK_WANTED_BYTES ? "warning" : "ok", "disk", text);
}

static void check_work(findings *f)
{
    char text[4200];
    double bits = 0;
    umbra_status status = umbra_selftest_kernels();
    find(f, status == UMBRA_OK ? "ok" : "failed", "arithmetic",
         status == UMBRA_OK ? "every kernel set gives the same bytes" : umbra_error_message());
    status = umbra_selftest_encryption(&bits);
    if (status == UMBRA_OK)
        snprintf(text, sizeof text, "a vector came back with %.0f bits, at 128-bit security", bits);
    else
        snprintf(text, sizeof text, "%s", umbra_error_message());
    find(f, status == UMBRA_OK ? "ok" : "failed", "encryption", text);
    status = umbra_cli_shipped_model(text);
    find(f, status == UMBRA_OK ? "ok" : "warning", "model",
         status == UMBRA_OK ? text : umbra_error_message());
}

static umbra_status run_doctor(const umbra_cli *cli)
{
    findings f = {.json = cli->json, .list = json_array()};
    find(&f, "ok", "versions", UMBRA_VERSIONS);
    check_processor(&f);
    check_room(&f);
    check_work(&f);
    umbra_status status = UMBRA_OK;
    if (cli->json) {
        json_t *object = json_object();
        json_object_set(object, "checks", f.list);
        umbra_report_machine(object, umbra_machine_processors());
        status = umbra_report_print(object);
    }
    json_decref(f.list);
    if (status == UMBRA_OK && f.failed != 0)
        status = umbra_fail(UMBRA_E_INTERNAL, "%d self-tests failed", f.failed);
    return status;
}

const umbra_command umbra_command_doctor = {
    .name = "doctor",
    .summary = "see what this machine can do, and run a self-test",
    .usage = "umbra doctor [--json]",
    .details =
        "Prints processor, kernels, memory, disk, versions, and whether arithmetic and encryption\n"
        "work here. UMBRA_CPU=portable|avx2|avx512f|avx512ifma forces a weaker\n"
        "set of kernels.",
    .example = "umbra doctor",
    .run = run_doctor,
};
