/* Every foreign ONNX file and damaged copies of it, through all that looks at a model before keys
 * exist.
 *
 * hostile_onnx [MUTANTS]           all files of ../shared/data/onnx, each with so many damaged
 * copies (4) hostile_onnx FILE MUTANT         one damaged copy again; MUTANT 0 is the file itself
 *
 * Each file runs in a process of its own, under limits of processor time and memory; one that
 * breaks them, or dies, is named with the number of the mutant. */
#include "base/memory.h"
#include "graph/build.h"
#include "graph/onnx.h"
#include "graph/onnx_adapt.h"
#include "graph/passes.h"
#include "plan/problems.h"
#include "wire/file.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define MUTANT_SECONDS 60
#define ADDRESS_BYTES                                                                              \
    RLIM_INFINITY /* the sanitizer reserves terabytes; its own limit is resident */
#define RESIDENT_KIB (6L << 20)
#else
#define MUTANT_SECONDS 10
#define ADDRESS_BYTES ((rlim_t)6 << 30)
#define RESIDENT_KIB (3L << 20)
#endif
#define LEAST_MESSAGE 12

/* Shared with the parent: what was being done when a child died, and what became of the mutants. */
typedef struct progress {
    int mutant;
    const char *stage; /* of the same program, so the address holds in both */
    size_t read, refused, encryptable;
} progress;

static progress *shared;

/* A generator of its own for each mutant, so that one can be repeated alone. */
static uint64_t state;

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return bound > 0 ? (size_t)(state >> 11) % bound : 0;
}

/* Structure is mostly at both ends of a file, and in small files everywhere; weights in between. */
static size_t place(size_t size)
{
    size_t near = size < 4096 ? size : 4096;
    switch (below(4)) {
    case 0:
        return below(near);
    case 1:
        return size - 1 - below(near);
    default:
        return below(size);
    }
}

/* One change of the bytes; returns the size, which only shrinks. */
static size_t change(unsigned char *data, size_t size)
{
    static const unsigned char extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t at = place(size), from = place(size), length = 1 + below(24);
    length = length > size - at ? size - at : length;
    length = length > size - from ? size - from : length;
    switch (below(12)) {
    case 0:
        return at;
    case 1:
        data[at] = extremes[below(sizeof extremes)];
        return size;
    case 2:
        memmove(data + at, data + from, length);
        return size;
    case 3: /* a length or dimension of many digits */
        memset(data + at, 0xff, length > 9 ? 9 : length);
        return size;
    case 4: /* leave some out */
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    default:
        data[at] ^= (unsigned char)(1u << below(8));
        return size;
    }
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\nmessage: %s\n", what, umbra_error_message());
    abort();
}

/* Refused in words, and with a kind that a user can do something about. */
static bool passed(umbra_status status)
{
    if (status == UMBRA_OK)
        return true;
    if (status == UMBRA_E_INTERNAL || strlen(umbra_error_message()) < LEAST_MESSAGE)
        fail("a refusal without a reason");
    return false;
}

static void check_graph(const umbra_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *n = &graph->nodes[i];
        umbra_shape shape;
        if (graph->values[n->output].producer != i)
            fail("a value has another producer");
        for (int k = 0; k < n->input_count; k++)
            if (n->inputs[k] >= 0 && graph->values[n->inputs[k]].producer >= i)
                fail("a node reads what is computed after it");
        if (umbra_infer_node(graph, n, &shape) != UMBRA_OK ||
            !umbra_shape_equal(&shape, &graph->values[n->output].shape))
            fail("a shape is not what its node computes");
    }
}

static void judge(umbra_graph *graph)
{
    char *list = NULL;
    int count = 0;
    shared->stage = "the graph as read";
    check_graph(graph);
    shared->stage = "simplification";
    if (!passed(umbra_graph_simplify(graph)))
        return;
    check_graph(graph);
    shared->stage = "the list of offenders";
    if (!passed(umbra_graph_list_offenders(graph, &list, &count)))
        return;
    if ((count == 0) != (list == NULL))
        fail("a list without offenders, or offenders without a list");
    umbra_memory_free(list);
    shared->stage = "the planner's problems";
    shared->encryptable += passed(umbra_problems_check(graph)) && count == 0;
}

/* What was read can be adapted or is refused in words, and what was adapted can be read. */
static void adapt(const unsigned char *bytes, size_t size)
{
    umbra_adapter *adapter = NULL;
    unsigned char *packed = NULL;
    umbra_graph *graph = NULL;
    size_t packed_size = 0;
    shared->stage = "adapting";
    if (!passed(umbra_adapter_open(&adapter, bytes, size, "adapted")))
        return;
    for (int i = 0; i < umbra_adapter_site_count(adapter); i++)
        for (int k = 0; k < 3; k++)
            umbra_adapter_site(adapter, i)->c[k] = 0.5;
    if (passed(umbra_adapter_pack(adapter, NULL, &packed, &packed_size)) &&
        passed(umbra_onnx_import(packed, packed_size, "adapted", &graph)))
        umbra_graph_free(graph);
    umbra_memory_free(packed);
    umbra_adapter_free(adapter);
}

/* Mutant m of a file: some changes that follow from m alone. */
static size_t make_mutant(unsigned char *copy, const umbra_file_copy *content, int m)
{
    size_t size = content->size;
    memcpy(copy, content->bytes, size);
    state = 0x9e3779b97f4a7c15u * (uint64_t)(m + 1) + size;
    for (size_t i = 1 + below(2); m > 0 && i > 0 && size > 0; i--)
        size = change(copy, size);
    return size;
}

static void run_mutant(const umbra_file_copy *content, int m)
{
    umbra_graph *graph = NULL;
    unsigned char *copy = malloc(content->size + 1), *exact;
    if (copy == NULL)
        exit(1);
    size_t size = make_mutant(copy, content, m);
    exact = realloc(copy, size > 0 ? size : 1); /* a sanitizer sees a read past its end */
    shared->mutant = m;
    shared->stage = "import";
    if (passed(umbra_onnx_import(exact, size, "mutant", &graph))) {
        shared->read++;
        judge(graph);
        umbra_graph_free(graph);
        adapt(exact, size);
    } else {
        shared->refused++;
    }
    free(exact);
}

static void run_file(const char *path, int first, int last)
{
    umbra_file_copy content;
    struct rlimit address = {ADDRESS_BYTES, ADDRESS_BYTES};
    struct itimerval limit = {.it_value = {.tv_sec = MUTANT_SECONDS}};
    if (umbra_file_load(path, &content) != UMBRA_OK)
        exit(1);
    setrlimit(RLIMIT_AS, &address);
    for (int m = first; m <= last; m++) {
        setitimer(ITIMER_PROF, &limit, NULL); /* its signal ends the process */
        run_mutant(&content, m);
    }
    umbra_file_unload(&content);
    exit(0);
}

static long worst_kib;
static double worst_seconds;

/* Whether all went well. */
static bool run_child(const char *path, int last)
{
    int status;
    struct rusage use;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_file(path, 0, last);
    if (child < 0 || wait4(child, &status, 0, &use) != child)
        return false;
    double seconds = (double)use.ru_utime.tv_sec + 1e-6 * (double)use.ru_utime.tv_usec;
    worst_kib = use.ru_maxrss > worst_kib ? use.ru_maxrss : worst_kib;
    worst_seconds = seconds > worst_seconds ? seconds : worst_seconds;
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0 && use.ru_maxrss <= RESIDENT_KIB;
    if (!fine)
        fprintf(stderr, "%s, mutant %d, %s: %s %d, %ld MiB\n", path, shared->mutant, shared->stage,
                WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), use.ru_maxrss >> 10);
    return fine;
}

static int files, failures;

static void run_folder(const char *folder, int mutants)
{
    struct dirent **entries;
    char path[1400];
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (length > 5 && strcmp(name + length - 5, ".onnx") == 0) {
            files++;
            failures += !run_child(path, mutants);
        } else if (entries[i]->d_type == DT_DIR && name[0] != '.') {
            run_folder(path, mutants);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    const char *data = getenv("UMBRA_DATA");
    char folder[700];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    if (argc == 3)
        run_file(argv[1], atoi(argv[2]), atoi(argv[2]));
    int mutants = argc == 2 ? atoi(argv[1]) : 4;
    snprintf(folder, sizeof folder, "%s/onnx", data != NULL ? data : "../shared/data");
    run_folder(folder, mutants);
    if (files == 0) {
        printf("skipped: %s is absent\n", folder);
        return 77;
    }
    printf("%d files and %d damaged copies: %zu read, of which %zu could be planned, and %zu "
           "refused; at most "
           "%ld MiB, and %.1f s for all copies of one file; %d failures\n",
           files, files * mutants, shared->read, shared->encryptable, shared->refused,
           worst_kib >> 10, worst_seconds, failures);
    return failures > 0 || shared->read == 0 || shared->refused == 0;
}
