/* The list of inputs of a command: files, folders, and those of one part of a split. */
#include "cli/inputs.h"

#include "cli/table.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_INPUTS 1000000

const char *umbra_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

umbra_status umbra_input_check(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || access(path, R_OK) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: cannot open: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return umbra_fail(UMBRA_E_INPUT, "%s: is a folder; give the images in it", path);
    return UMBRA_OK;
}

static umbra_status append(umbra_inputs *inputs, const char *folder, const char *name)
{
    if (inputs->count == MAX_INPUTS)
        return umbra_fail(UMBRA_E_RESOURCE, "more than %d inputs; give fewer", MAX_INPUTS);
    UMBRA_TRY(umbra_memory_grow(&inputs->path, inputs->count, inputs->count + 1, &inputs->capacity,
                                sizeof *inputs->path, "input names"));
    size_t size = strlen(name) + (folder == NULL ? 0 : strlen(folder) + 1) + 1;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, size, "input name"));
    snprintf(memory, size, "%s%s%s", folder == NULL ? "" : folder, folder == NULL ? "" : "/", name);
    inputs->path[inputs->count++] = memory;
    return UMBRA_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static umbra_status append_folder(umbra_inputs *inputs, const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return umbra_fail(UMBRA_E_IO, "cannot list %s: %s", folder, strerror(errno));
    umbra_status status = UMBRA_OK;
    size_t first = inputs->count;
    struct dirent *entry = NULL;
    while (status == UMBRA_OK && (entry = readdir(dir)) != NULL) {
        char path[4096];
        struct stat info;
        if (entry->d_name[0] != '.' && umbra_cli_join(path, folder, entry->d_name) == UMBRA_OK &&
            stat(path, &info) == 0 && S_ISREG(info.st_mode))
            status = append(inputs, folder, entry->d_name);
    }
    closedir(dir);
    if (inputs->count > first)
        qsort(inputs->path + first, inputs->count - first, sizeof *inputs->path, by_name);
    return status;
}

static void keep(umbra_inputs *inputs, size_t index, size_t *kept)
{
    char *path = inputs->path[index];
    inputs->path[index] = inputs->path[*kept];
    inputs->path[(*kept)++] = path;
}

static void truncate_to(umbra_inputs *inputs, size_t count)
{
    for (size_t i = count; i < inputs->count; i++)
        umbra_memory_free(inputs->path[i]);
    inputs->count = count;
}

static umbra_status filter_by_split(const umbra_cli *cli, umbra_inputs *inputs)
{
    const char *path = cli->text[UMBRA_OPT_SPLIT];
    const char *part = cli->text[UMBRA_OPT_PART] == NULL ? "validation" : cli->text[UMBRA_OPT_PART];
    umbra_table table = {0};
    UMBRA_TRY(umbra_table_read(path, &table));
    int file = umbra_table_column(&table, "file"), column = umbra_table_column(&table, "part");
    umbra_status status = UMBRA_OK;
    size_t kept = 0;
    if (file < 0 || column < 0)
        status = umbra_fail(UMBRA_E_INPUT, "%s: the header needs the columns file and part", path);
    for (size_t i = 0; status == UMBRA_OK && i < inputs->count; i++) {
        long row = umbra_table_find(&table, file, umbra_base_name(inputs->path[i]));
        if (row >= 0 && strcmp(umbra_table_cell(&table, (size_t)row, column), part) == 0)
            keep(inputs, i, &kept);
    }
    if (status == UMBRA_OK)
        truncate_to(inputs, kept);
    umbra_table_free(&table);
    return status;
}

static umbra_status limit(const umbra_cli *cli, umbra_inputs *inputs)
{
    uint64_t most = 0;
    UMBRA_TRY(umbra_cli_count(cli, UMBRA_OPT_RUNS, 0, MAX_INPUTS, &most));
    size_t wanted = (size_t)most, kept = 0;
    if (wanted == 0 || wanted >= inputs->count)
        return UMBRA_OK;
    size_t count = inputs->count;
    for (size_t i = 0; i < wanted; i++)
        keep(inputs, i * count / wanted, &kept);
    truncate_to(inputs, kept);
    return UMBRA_OK;
}

umbra_status umbra_inputs_collect(const umbra_cli *cli, int first, umbra_inputs *out)
{
    umbra_inputs inputs = {0};
    umbra_status status = UMBRA_OK;
    for (int i = first; i < cli->argument_count && status == UMBRA_OK; i++) {
        struct stat info;
        bool is_folder = stat(cli->argument[i], &info) == 0 && S_ISDIR(info.st_mode);
        if (!is_folder)
            status = umbra_input_check(cli->argument[i]);
        if (status == UMBRA_OK)
            status = is_folder ? append_folder(&inputs, cli->argument[i])
                               : append(&inputs, NULL, cli->argument[i]);
    }
    if (status == UMBRA_OK && cli->text[UMBRA_OPT_SPLIT] != NULL)
        status = filter_by_split(cli, &inputs);
    if (status == UMBRA_OK)
        status = limit(cli, &inputs);
    if (status == UMBRA_OK && inputs.count == 0)
        status =
            umbra_fail(UMBRA_E_INPUT, "no input remains; give images, .npy files, or a folder of "
                                      "them");
    if (status != UMBRA_OK)
        umbra_inputs_free(&inputs);
    else
        *out = inputs;
    return status;
}

void umbra_inputs_free(umbra_inputs *inputs)
{
    truncate_to(inputs, 0);
    umbra_memory_free(inputs->path);
    *inputs = (umbra_inputs){0};
}
