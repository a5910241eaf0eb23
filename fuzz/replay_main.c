/* Runs a fuzz target over a corpus and over damaged copies of it, where libFuzzer is not to be had.
 */
#include "fuzz_target.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUTANTS_PER_FILE 256

static char current[4200]; /* what is being run, told if it crashes */
static size_t files_run, mutants_run;

static void tell_and_die(int signal_number)
{
    static const char text[] = "\ncrashed on ";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    (void)!write(STDERR_FILENO, current, strlen(current));
    (void)!write(STDERR_FILENO, "\n", 1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static uint64_t random_state;

static size_t random_below(size_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % bound;
}

/* A copy of exactly the right size, so that a sanitizer sees a read past its end. */
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        exit(1);
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* Truncate, flip a bit, write an extreme byte, or overwrite a run by another one. Returns the size.
 */
static size_t damage(uint8_t *data, size_t size)
{
    static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t at = random_below(size), from = random_below(size), length = 1 + random_below(16);
    switch (random_below(4)) {
    case 0:
        return at;
    case 1:
        data[at] ^= (uint8_t)(1u << random_below(8));
        return size;
    case 2:
        for (size_t i = at; i < size && i < at + length / 2; i++)
            data[i] = extremes[random_below(sizeof extremes)];
        return size;
    default:
        if (length > size - (at > from ? at : from))
            length = size - (at > from ? at : from);
        memmove(data + at, data + from, length);
        return size;
    }
}

static void run_bytes(const char *path, const uint8_t *data, size_t size)
{
    snprintf(current, sizeof current, "%s", path);
    run_copy(data, size);
    files_run++;
    uint8_t *mutant = malloc(size > 0 ? size : 1);
    if (mutant == NULL)
        exit(1);
    for (int i = 0; i < MUTANTS_PER_FILE && size > 0; i++) {
        snprintf(current, sizeof current, "%s, mutant %d", path, i);
        random_state = (uint64_t)i * 1000003u + size;
        memcpy(mutant, data, size);
        size_t left = size;
        for (size_t rounds = 1 + random_below(4); rounds > 0 && left > 0; rounds--)
            left = damage(mutant, left);
        run_copy(mutant, left);
        mutants_run++;
    }
    free(mutant);
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long size = ftell(f);
    rewind(f);
    uint8_t *data = size < 0 ? NULL : malloc((size_t)size + 1);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(f);
    run_bytes(path, data, (size_t)size);
    free(data);
}

static void run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        perror(folder);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_file(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    signal(SIGSEGV, tell_and_die);
    signal(SIGBUS, tell_and_die);
    signal(SIGABRT, tell_and_die);
    signal(SIGFPE, tell_and_die);
    for (int i = 1; i < argc; i++)
        run_folder(argv[i]);
    printf("%zu files and %zu damaged copies replayed\n", files_run, mutants_run);
    return files_run > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
