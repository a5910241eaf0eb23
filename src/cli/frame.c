/* The frame of the program: dispatch, signals, progress, exit codes. */
#include "cli/cli.h"

#include "math/kernels.h"
#include "wire/file.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UMBRA_VERSION_TEXT "0.1.0"

static volatile sig_atomic_t interrupts, on_terminal;

/* The first signal asks work to stop at the next step; the second ends the program at once. */
static void on_signal(int signal_number)
{
    static const char text[] = "\nstopping after this step; once more to stop at once\n";
    (void)signal_number;
    if (++interrupts > 1) {
        umbra_file_remove_pending();
        _exit(130);
    }
    int before = errno;
    if (on_terminal && write(STDERR_FILENO, text, sizeof text - 1) < 0)
        on_terminal = 0;
    errno = before;
}

static void catch_signals(void)
{
    struct sigaction action = {0};
    on_terminal = isatty(STDERR_FILENO);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a closed pipe or a full disk is an error code, not a death */
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

bool umbra_cli_interrupted(void)
{
    return interrupts != 0;
}

umbra_status umbra_cli_check_interrupt(void)
{
    return umbra_cli_interrupted() ? umbra_fail(UMBRA_E_CANCELLED, "stopped; nothing was written")
                                   : UMBRA_OK;
}

static bool shows_progress(const umbra_cli *cli)
{
    return !cli->quiet && isatty(STDERR_FILENO);
}

void umbra_cli_progress(const umbra_cli *cli, const char *fmt, ...)
{
    if (!shows_progress(cli))
        return;
    va_list args;
    va_start(args, fmt);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, fmt, args);
    fflush(stderr);
    va_end(args);
}

void umbra_cli_progress_clear(const umbra_cli *cli)
{
    if (shows_progress(cli))
        fputs("\r\033[K", stderr);
}

const char *umbra_cli_size_text(char buffer[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    while (value >= 1000 && unit < 4) {
        value /= 1000;
        unit++;
    }
    snprintf(buffer, 32, unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
    return buffer;
}

umbra_status umbra_cli_join(char out[4096], const char *folder, const char *name)
{
    int used = snprintf(out, 4096, "%s/%s", folder, name);
    if (used < 0 || used >= 4096)
        return umbra_fail(UMBRA_E_USAGE,
                          "the path %.64s... is too long; use one of fewer than 4096 bytes",
                          folder);
    return UMBRA_OK;
}

static bool make_one_folder(const char *path)
{
    struct stat info;
    return mkdir(path, 0777) == 0 ||
           (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode));
}

umbra_status umbra_cli_make_folder(const char *path)
{
    char parent[4096];
    size_t length = strlen(path);
    if (length >= sizeof parent)
        return umbra_fail(UMBRA_E_USAGE,
                          "the path %.64s... is too long; use one of fewer than 4096 bytes", path);
    bool made = true;
    for (size_t i = 1; i <= length && made; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(parent, path, i);
        parent[i] = '\0';
        made = make_one_folder(parent);
    }
    if (!made)
        return umbra_fail(UMBRA_E_IO, "cannot make the folder %s: %s", parent,
                          errno == EEXIST ? "a file has this name; choose another"
                                          : strerror(errno));
    return UMBRA_OK;
}

static void print_overview(const umbra_command *const *commands, int count, FILE *out)
{
    fputs("umbra: medical images read by a model that never sees them\n\nusage: umbra COMMAND "
          "...\n\n",
          out);
    for (int i = 0; i < count; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`umbra COMMAND --help` explains a command with an example.", out);
    for (int i = 0; i < count; i++)
        if (strcmp(commands[i]->name, "demo") == 0)
            fputs(" To begin: umbra demo", out);
    fputc('\n', out);
}

static int report(const umbra_cli *cli, umbra_status status)
{
    if (cli != NULL)
        umbra_cli_progress_clear(cli);
    if (status != UMBRA_OK)
        fprintf(stderr, "umbra: %s\n", umbra_error_message());
    return umbra_status_exit_code(status);
}

/* What was printed must have arrived: stdout may be a full disk. */
static umbra_status flush_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return umbra_fail(UMBRA_E_IO, "cannot write the result to stdout: %s", strerror(errno));
    return UMBRA_OK;
}

static int run_command(const umbra_command *command, int argc, char **argv)
{
    static umbra_cli cli; /* large for a stack */
    bool help = false;
    umbra_status status = umbra_cli_parse(&cli, command, argc, argv, &help);
    if (status == UMBRA_OK && help) {
        umbra_cli_print_help(command, stdout);
        return report(&cli, flush_stdout());
    }
    if (status == UMBRA_OK)
        status = umbra_cli_check_output(&cli);
    if (status == UMBRA_OK)
        status = umbra_kernels_init();
    if (status == UMBRA_OK)
        status = command->run(&cli);
    if (status == UMBRA_OK)
        status = flush_stdout();
    return report(&cli, status);
}

int umbra_cli_main(int argc, char **argv, const umbra_command *const *commands, int count)
{
    catch_signals();
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_overview(commands, count, argc > 1 ? stdout : stderr);
        return argc > 1 ? report(NULL, flush_stdout()) : 2;
    }
    if (strcmp(name, "--version") == 0) {
        puts("umbra " UMBRA_VERSION_TEXT);
        return report(NULL, flush_stdout());
    }
    for (int i = 0; i < count; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return run_command(commands[i], argc - 2, argv + 2);
    fprintf(stderr, "umbra: there is no command \"%s\"; see umbra --help\n", name);
    return 2;
}
