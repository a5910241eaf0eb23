/* Models that others exported, whole and damaged: imported or clearly refused, never more. */
#include "check.h"

#include "base/memory.h"
#include "graph/onnx.h"
#include "graph/passes.h"
#include "plain/executor.h"
#include "wire/file.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_SECONDS 5 /* of the processor for one import, also under the address sanitizer */

static int imported, refused, runnable, encryptable;

static const char *data_folder(void)
{
    const char *folder = getenv("UMBRA_DATA");
    return folder != NULL ? folder : "../shared/data";
}

/* Zeros in; only that it ends matters here. */
static void try_to_run(const umbra_graph *graph)
{
    umbra_plain *plain = NULL;
    const float *inputs[64] = {NULL};
    if (graph->input_count > 64 || umbra_plain_new(&plain, graph, 2) != UMBRA_OK)
        return;
    for (int i = 0; i < graph->input_count; i++) {
        void *zeros;
        size_t count = (size_t)umbra_shape_elements(&graph->values[graph->inputs[i]].shape);
        check_ok(umbra_memory_alloc_array(&zeros, count, sizeof(float), "zeros"));
        inputs[i] = zeros;
    }
    check_ok(umbra_plain_run(plain, inputs));
    runnable++;
    for (int i = 0; i < graph->input_count; i++)
        umbra_memory_free((void *)inputs[i]);
    umbra_plain_free(plain);
}

typedef enum depth { IMPORT_ONLY, AND_RUN } depth;

static bool try_bytes(const void *bytes, size_t size, const char *name, depth how)
{
    umbra_graph *graph = NULL;
    clock_t start = clock();
    umbra_status status = umbra_onnx_import(bytes, size, name, &graph);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < MOST_SECONDS);
    if (status != UMBRA_OK) {
        assert_true(status == UMBRA_E_INPUT || status == UMBRA_E_MODEL ||
                    status == UMBRA_E_RESOURCE);
        assert_true(strlen(umbra_error_message()) > 20);
        assert_null(graph);
    } else if (how == AND_RUN) {
        try_to_run(graph);
    }
    if (status == UMBRA_OK) {
        umbra_status simple = umbra_graph_simplify(graph);
        assert_true(simple == UMBRA_OK || simple == UMBRA_E_INPUT);
        bool can = simple == UMBRA_OK && umbra_graph_check_encryptable(graph, name) == UMBRA_OK;
        encryptable += how == AND_RUN && can;
    }
    umbra_graph_free(graph);
    return status == UMBRA_OK;
}

/* Cut short at several places, and with single bits turned over. */
static void try_damaged(const unsigned char *bytes, size_t size, const char *name, uint32_t *state)
{
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    for (int i = 0; i < 4; i++) {
        *state = *state * 1664525u + 1013904223u;
        memcpy(copy, bytes, size);
        try_bytes(copy, *state % size, name, IMPORT_ONLY);
    }
    for (int i = 0; i < 12; i++) {
        memcpy(copy, bytes, size);
        for (int k = 0; k <= i % 3; k++) {
            *state = *state * 1664525u + 1013904223u;
            /* the structure is mostly at both ends: weights are a waste of time */
            size_t window = size < 4096 ? size : 4096;
            size_t at = (*state >> 8) % window;
            copy[i % 2 == 0 ? at : size - 1 - at] ^= (unsigned char)(1u << (*state & 7));
        }
        try_bytes(copy, size, name, IMPORT_ONLY);
    }
    free(copy);
}

static void test_shared_models(void **state)
{
    (void)state;
    char folder[700], path[1000];
    uint32_t random = 1;
    snprintf(folder, sizeof folder, "%s/onnx/models", data_folder());
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        print_message("skipped: %s is absent\n", folder);
        skip();
    }
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        umbra_file_map map;
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 5, ".onnx") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        check_ok(umbra_file_map_open(path, &map));
        bool ok = try_bytes(map.bytes, map.size, e->d_name, AND_RUN);
        imported += ok;
        refused += !ok;
        if (!ok && getenv("UMBRA_VERBOSE") != NULL)
            print_message("%s\n", umbra_error_message());
        if (map.size > 0)
            try_damaged(map.bytes, map.size, e->d_name, &random);
        umbra_file_unmap(&map);
    }
    closedir(dir);
    print_message("imported %d, of which run %d and encryptable %d; refused %d\n", imported,
                  runnable, encryptable, refused);
    assert_true(imported > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
