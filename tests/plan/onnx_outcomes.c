/* What becomes of every model of ../shared/data/onnx/models: one line each, for
 * docs/onnx-outcomes.md.
 *
 * onnx_outcomes [DUMP]: with a folder, the inputs and outputs of each model that runs are written
 * there as .npy, for tools/compare_onnxruntime.js. */
#include "base/memory.h"
#include "graph/npy.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"
#include "plan/problems.h"
#include "wire/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_INPUTS 64
#define MOST_KEYS 64
#define KEY_BYTES 256

/* Reasons counted: the same one of many nodes is written once. */
typedef struct reasons {
    char key[MOST_KEYS][KEY_BYTES];
    int times[MOST_KEYS], count;
} reasons;

static void count_reason(reasons *r, const char *key, size_t length)
{
    char text[KEY_BYTES];
    size_t n = length < KEY_BYTES - 1 ? length : KEY_BYTES - 1;
    memcpy(text, key, n);
    text[n] = 0;
    for (char *c = text; *c != 0; c++)
        if (*c == '|' || *c == '\n')
            *c = '/';
    int i = 0;
    while (i < r->count && strcmp(r->key[i], text) != 0)
        i++;
    if (i == MOST_KEYS)
        return;
    if (i == r->count)
        memcpy(r->key[r->count++], text, n + 1);
    r->times[i]++;
}

static void print_reasons(const reasons *r)
{
    for (int i = 0; i < r->count; i++)
        printf(r->times[i] > 1 ? "%s%s ×%d" : "%s%s", i == 0 ? "" : "; ", r->key[i], r->times[i]);
}

/* An operator that is known by name alone, or one with a reason of its own. */
static void count_operator(reasons *r, const char *op, int op_length, const char *why,
                           int why_length)
{
    char key[2 * KEY_BYTES];
    bool unknown = strncmp(why, "this operator is not known", 26) == 0;
    int n = unknown ? snprintf(key, sizeof key, "%.*s", op_length, op)
                    : snprintf(key, sizeof key, "%.*s (%.*s)", op_length, op, why_length, why);
    count_reason(r, key, n < (int)sizeof key ? (size_t)n : sizeof key - 1);
}

/* Lines `  node "NAME" (OP): REMEDY`. */
static void count_nodes(reasons *r, const char *list)
{
    for (const char *line = list; line != NULL && *line != 0;) {
        const char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        const char *close = NULL, *open = NULL;
        for (size_t i = 0; i + 3 < length && close == NULL; i++) {
            if (open == NULL && memcmp(line + i, "\" (", 3) == 0)
                open = line + i + 3;
            if (open != NULL && memcmp(line + i, "): ", 3) == 0)
                close = line + i;
        }
        if (close != NULL)
            count_operator(r, open, (int)(close - open), close + 3,
                           (int)(line + length - close) - 3);
        line = end != NULL ? end + 1 : NULL;
    }
}

/* All that the executor cannot run; its own message may be cut short. */
static void count_unknown(reasons *r, const umbra_graph *graph)
{
    static const char integers[] = "integers", unknown[] = "this operator is not known";
    for (int i = 0; i < graph->input_count; i++)
        if (graph->values[graph->inputs[i]].type != UMBRA_F32)
            count_operator(r, "input", 5, integers, (int)sizeof integers - 1);
    for (int i = 0; i < graph->node_count; i++) {
        const umbra_node *n = &graph->nodes[i];
        const char *why = n->note != NULL ? n->note : unknown;
        if (n->op == UMBRA_OP_UNKNOWN)
            count_operator(r, n->op_type, (int)strlen(n->op_type), why, (int)strlen(why));
    }
}

/* Problems of the planner: `"NAME" (OP): TEXT`, or TEXT. */
static void count_problems(reasons *r, const char *message)
{
    const char *line = strchr(message, '\n');
    while (line != NULL) {
        const char *end = strchr(++line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        const char *quote = line[0] == '"' ? memchr(line + 1, '"', length - 1) : NULL;
        const char *start = quote != NULL ? quote + 1 : line;
        while (start < line + length && (*start == ' ' || *start == ':'))
            start++;
        count_reason(r, start, (size_t)(line + length - start));
        line = end;
    }
}

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static void dump(const char *folder, const char *name, const char *kind, int i,
                 const umbra_value *value, const float *data)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s.%s%d.npy", folder, name, kind, i);
    if (data != NULL && umbra_npy_write_f32(path, &value->shape, data) != UMBRA_OK)
        fprintf(stderr, "%s\n", umbra_error_message());
}

static umbra_status run(const umbra_graph *graph, const char *name, const char *folder)
{
    umbra_plain *plain = NULL;
    float *inputs[MOST_INPUTS] = {NULL};
    uint32_t state = 12345;
    UMBRA_TRY(umbra_plain_new(&plain, graph, 1));
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < graph->input_count && i < MOST_INPUTS && status == UMBRA_OK; i++) {
        const umbra_value *v = &graph->values[graph->inputs[i]];
        size_t count = (size_t)umbra_shape_elements(&v->shape);
        void *memory = NULL;
        status = umbra_memory_alloc_array(&memory, count, sizeof(float), "an input");
        inputs[i] = memory;
        for (size_t k = 0; status == UMBRA_OK && k < count; k++)
            inputs[i][k] = noise(&state);
        if (folder != NULL && status == UMBRA_OK)
            dump(folder, name, "in", i, v, inputs[i]);
    }
    if (status == UMBRA_OK)
        status = umbra_plain_run(plain, (const float *const *)inputs);
    for (int i = 0; folder != NULL && status == UMBRA_OK && i < graph->output_count; i++)
        dump(folder, name, "out", i, &graph->values[graph->outputs[i]],
             umbra_plain_value(plain, graph->outputs[i]));
    for (int i = 0; i < MOST_INPUTS; i++)
        umbra_memory_free(inputs[i]);
    umbra_plain_free(plain);
    return status;
}

/* "yes", or why not, for the graph as it was read. */
static void judge_plain(const umbra_graph *graph, const char *name, const char *folder)
{
    reasons r = {.count = 0};
    if (run(graph, name, folder) == UMBRA_OK) {
        printf("yes");
        return;
    }
    const char *message = umbra_error_message();
    count_unknown(&r, graph);
    if (r.count == 0)
        count_reason(&r, message, strlen(message));
    print_reasons(&r);
}

static void judge_encrypted(umbra_graph *graph)
{
    reasons r = {.count = 0};
    char *list = NULL;
    int count = 0;
    umbra_status status = umbra_graph_simplify(graph);
    if (status == UMBRA_OK)
        status = umbra_graph_list_offenders(graph, &list, &count);
    if (status != UMBRA_OK)
        count_reason(&r, umbra_error_message(), strlen(umbra_error_message()));
    else if (count > 0)
        count_nodes(&r, list);
    else if (umbra_problems_check(graph) != UMBRA_OK)
        count_problems(&r, umbra_error_message());
    umbra_memory_free(list);
    if (r.count == 0)
        printf("yes");
    print_reasons(&r);
}

static void judge(const char *path, const char *name, const char *folder)
{
    umbra_graph *graph = NULL;
    printf("| %.*s | ", (int)(strlen(name) - 5), name);
    if (umbra_onnx_import_file(path, &graph) != UMBRA_OK) {
        reasons r = {.count = 0};
        const char *message = umbra_error_message();
        const char *after = strstr(message, ".onnx: ");
        message = after != NULL ? after + 7 : message;
        count_reason(&r, message, strlen(message));
        print_reasons(&r);
        printf(" | not read |\n");
        return;
    }
    judge_plain(graph, name, folder);
    printf(" | ");
    judge_encrypted(graph);
    printf(" |\n");
    umbra_graph_free(graph);
}

static int is_model(const struct dirent *e)
{
    size_t length = strlen(e->d_name);
    return length > 5 && strcmp(e->d_name + length - 5, ".onnx") == 0;
}

int main(int argc, char **argv)
{
    const char *data = getenv("UMBRA_DATA");
    char models[700], path[1000];
    struct dirent **entries;
    snprintf(models, sizeof models, "%s/onnx/models", data != NULL ? data : "../shared/data");
    int count = scandir(models, &entries, is_model, alphasort);
    if (count < 0) {
        fprintf(stderr, "skipped: %s is absent\n", models);
        return 77;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", models, entries[i]->d_name);
        judge(path, entries[i]->d_name, argc > 1 ? argv[1] : NULL);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
