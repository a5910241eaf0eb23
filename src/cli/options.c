/* Options of the command line: parsing, checking, help. */
#include "cli/cli.h"

#include "base/machine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEAST_MEMORY ((uint64_t)1 << 20)

typedef struct option_text {
    const char *name;
    char letter;
    const char *value; /* NULL: a flag */
    const char *help;
} option_text;

static const option_text option_texts[UMBRA_OPT_COUNT] = {
    [UMBRA_OPT_OUTPUT] = {"output", 'o', "PATH", "where the result is written"},
    [UMBRA_OPT_PROFILE] = {"profile", 'p', "FILE", "client.profile, written by umbra plan"},
    [UMBRA_OPT_KEY] = {"key", 'k', "FILE",
                       "secret.key, written by umbra keygen; never leaves here"},
    [UMBRA_OPT_KEYS] = {"keys", 0, "FILE", "evaluation.keys, written by umbra keygen"},
    [UMBRA_OPT_PLAN] = {"plan", 0, "FILE", "server.plan, written by umbra plan"},
    [UMBRA_OPT_MODEL] = {"model", 'm', "MODEL", "a model folder, or a .onnx file"},
    [UMBRA_OPT_IMAGE] = {"image", 'i', "FILE", "PNG, JPEG, TIFF or DICOM (default: a phantom)"},
    [UMBRA_OPT_ENCODER] = {"encoder", 0, "FILE", "encoder.onnx (default: beside the profile)"},
    [UMBRA_OPT_PRECISION_BITS] = {"precision-bits", 0, "P",
                                  "bits that the answer must keep, 1 to 32 (8)"},
    [UMBRA_OPT_MEMORY] = {"memory", 0, "BYTES",
                          "that a run may take on the server, as 6G or 800M (8G)"},
    [UMBRA_OPT_EXPLAIN] = {"explain", 0, NULL, "print the plan node by node, with the reasons"},
    [UMBRA_OPT_MIN_BITS] = {"min-bits", 0, "P", "fail below P bits (default: those predicted)"},
    [UMBRA_OPT_LABELS] = {"labels", 0, "CSV", "true labels by file name, for AUROC"},
    [UMBRA_OPT_SPLIT] = {"split", 0, "CSV", "split by file name: only images of --part are read"},
    [UMBRA_OPT_PART] = {"part", 0, "NAME", "part of the split (validation)"},
    [UMBRA_OPT_EXPECTED] = {"expected", 0, "DIR", "another runtime's outputs, NAME.npy each"},
    [UMBRA_OPT_ANSWERS] = {"answers", 0, NULL, "compare the answers only, not every node: faster"},
    [UMBRA_OPT_RUNS] = {"runs", 'n', "K", "how many runs or inputs at most"},
    [UMBRA_OPT_SHAPE] = {"shape", 0, "R:D:S[:B]",
                         "bench ckks: N = 2^R, D data and S special primes"},
    [UMBRA_OPT_NUMBER] = {"number", 'n', "NUMBER",
                          "which film; the same number draws the same (1)"},
    [UMBRA_OPT_BATCH] = {"batch", 0, "B", "images in one run, at least (1)"},
    [UMBRA_OPT_RECEIPT] = {"receipt", 0, "FILE",
                           "query.ct.receipt, written by umbra encrypt: which images these are"},
    [UMBRA_OPT_MODE] = {"mode", 0, "MODE",
                        "latency: the fastest answer (default); throughput: most images an hour"},
    [UMBRA_OPT_ACTIVATION] = {"activation", 0, "KIND", "fit, square, or A,B,C"},
    [UMBRA_OPT_OVERWRITE] = {"force", 'f', NULL, "write over what is already there"},
};

static bool takes(const umbra_command *command, int option)
{
    return (command->options >> option & 1u) != 0;
}

static int find_option(const umbra_command *command, const char *name, size_t length, char letter)
{
    for (int i = 0; i < UMBRA_OPT_COUNT; i++) {
        if (!takes(command, i))
            continue;
        bool same_name = name != NULL && strlen(option_texts[i].name) == length &&
                         strncmp(option_texts[i].name, name, length) == 0;
        if (same_name || (name == NULL && option_texts[i].letter == letter))
            return i;
    }
    return -1;
}

static umbra_status parse_threads(umbra_cli *cli, const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = text == NULL ? 0 : strtol(text, &end, 10);
    if (text == NULL || errno != 0 || end == text || *end != '\0' || value < 1 || value > 1024)
        return umbra_fail(UMBRA_E_USAGE, "--threads needs a number from 1 to 1024");
    cli->threads = (int)value;
    return UMBRA_OK;
}

/* A long option that was cut short is named in full. */
static umbra_status refuse_option(const umbra_command *command, const char *word, const char *name,
                                  size_t length)
{
    char meant[64] = "";
    for (int i = 0; i < UMBRA_OPT_COUNT && length > 0; i++)
        if (takes(command, i) && strncmp(option_texts[i].name, name, length) == 0)
            snprintf(meant, sizeof meant, " (--%s?)", option_texts[i].name);
    return umbra_fail(UMBRA_E_USAGE, "umbra %s does not know the option %s%s; see umbra %s --help",
                      command->name, word, meant, command->name);
}

/* One word that starts with '-'; *index moves over a value in the next word. */
static umbra_status parse_option(umbra_cli *cli, int argc, char **argv, int *index, bool *help)
{
    const char *word = argv[*index];
    bool is_long = word[1] == '-';
    const char *name = is_long ? word + 2 : NULL;
    const char *equals = is_long ? strchr(name, '=') : NULL;
    size_t length = name == NULL ? 0 : equals == NULL ? strlen(name) : (size_t)(equals - name);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        *help = true;
        return UMBRA_OK;
    }
    if (strcmp(word, "--json") == 0) {
        cli->json = true;
        return UMBRA_OK;
    }
    if (strcmp(word, "--quiet") == 0 || strcmp(word, "-q") == 0) {
        cli->quiet = true;
        return UMBRA_OK;
    }
    const char *next = equals != NULL ? equals + 1 : *index + 1 < argc ? argv[*index + 1] : NULL;
    if (length == 7 && strncmp(name, "threads", 7) == 0) {
        *index += equals == NULL;
        return parse_threads(cli, next);
    }
    int option = is_long || word[2] == '\0' ? find_option(cli->command, name, length, word[1]) : -1;
    if (option < 0)
        return refuse_option(cli->command, word, name, length);
    if (cli->text[option] != NULL)
        return umbra_fail(UMBRA_E_USAGE, "--%s is given twice", option_texts[option].name);
    if (option_texts[option].value == NULL) {
        if (equals != NULL)
            return umbra_fail(UMBRA_E_USAGE, "--%s takes no value", option_texts[option].name);
        cli->text[option] = "";
        return UMBRA_OK;
    }
    if (next == NULL || next[0] == '\0')
        return umbra_fail(UMBRA_E_USAGE, "--%s needs a value: %s", option_texts[option].name,
                          option_texts[option].value);
    if (equals == NULL && next[0] == '-' && next[1] != '\0') /* forgotten, rather than meant */
        return umbra_fail(UMBRA_E_USAGE, "--%s needs a value before %s (or --%s=%s)",
                          option_texts[option].name, next, option_texts[option].name, next);
    *index += equals == NULL;
    cli->text[option] = next;
    return UMBRA_OK;
}

umbra_status umbra_cli_parse(umbra_cli *cli, const umbra_command *command, int argc, char **argv,
                             bool *help)
{
    *cli = (umbra_cli){.command = command};
    bool only_arguments = false;
    for (int i = 0; i < argc && !*help; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
            UMBRA_TRY(parse_option(cli, argc, argv, &i, help));
        } else {
            if (cli->argument_count == UMBRA_CLI_MAX_ARGUMENTS)
                return umbra_fail(
                    UMBRA_E_USAGE,
                    "more than %d arguments; adapt, classify and verify also take a folder",
                    UMBRA_CLI_MAX_ARGUMENTS);
            cli->argument[cli->argument_count++] = argv[i];
        }
    }
    if (*help)
        return UMBRA_OK;
    if (cli->argument_count < command->least_arguments)
        return umbra_fail(UMBRA_E_USAGE, "an argument is missing: %s; usage: %s",
                          command->arguments[cli->argument_count], command->usage);
    if (cli->argument_count > command->most_arguments)
        return umbra_fail(UMBRA_E_USAGE, "\"%s\" is one argument too many; usage: %s",
                          cli->argument[command->most_arguments], command->usage);
    return UMBRA_OK;
}

void umbra_cli_print_help(const umbra_command *command, FILE *out)
{
    fprintf(out, "%s\n\nusage: %s\n\n%s\n\noptions:\n", command->summary, command->usage,
            command->details);
    for (int i = 0; i < UMBRA_OPT_COUNT; i++) {
        const option_text *text = &option_texts[i];
        if (!takes(command, i))
            continue;
        char form[64];
        snprintf(form, sizeof form, "%s%c%s--%s %s", text->letter ? "-" : "",
                 text->letter ? text->letter : ' ', text->letter ? ", " : "   ", text->name,
                 text->value == NULL ? "" : text->value);
        fprintf(out, "  %-28s %s\n", form, text->help);
    }
    fprintf(out, "  %-28s %s\n  %-28s %s\n  %-28s %s\n  %-28s %s\n", "    --threads N",
            "processors to use (all)", "    --json", "one JSON object on stdout", "-q, --quiet",
            "no progress on stderr", "-h, --help", "this text");
    fprintf(out, "\nexample:\n  %s\n", command->example);
}

umbra_status umbra_cli_require(const umbra_cli *cli, umbra_cli_option option, const char **out)
{
    if (cli->text[option] == NULL)
        return umbra_fail(UMBRA_E_USAGE, "--%s %s is missing; usage: %s", option_texts[option].name,
                          option_texts[option].value, cli->command->usage);
    *out = cli->text[option];
    return UMBRA_OK;
}

static bool is_file(const char *path, struct stat *info)
{
    return path != NULL && stat(path, info) == 0 && S_ISREG(info->st_mode);
}

bool umbra_cli_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return is_file(a, &one) && is_file(b, &other) && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

umbra_status umbra_cli_check_output(const umbra_cli *cli)
{
    for (int i = 0; i < UMBRA_OPT_COUNT + cli->argument_count; i++) {
        const char *path = i < UMBRA_OPT_COUNT ? cli->text[i] : cli->argument[i - UMBRA_OPT_COUNT];
        if (i != UMBRA_OPT_OUTPUT && umbra_cli_same_file(cli->text[UMBRA_OPT_OUTPUT], path))
            return umbra_fail(UMBRA_E_USAGE,
                              "the output %s is the input %s and would be written over; choose "
                              "another name",
                              cli->text[UMBRA_OPT_OUTPUT], path);
    }
    return UMBRA_OK;
}

umbra_status umbra_cli_number(const umbra_cli *cli, umbra_cli_option option, double fallback,
                              double low, double high, double *out)
{
    const char *text = cli->text[option];
    *out = fallback;
    if (text == NULL)
        return UMBRA_OK;
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high))
        return umbra_fail(UMBRA_E_USAGE, "--%s needs a number from %g to %g, not \"%s\"",
                          option_texts[option].name, low, high, text);
    *out = value;
    return UMBRA_OK;
}

umbra_status umbra_cli_count(const umbra_cli *cli, umbra_cli_option option, uint64_t fallback,
                             uint64_t most, uint64_t *out)
{
    const char *text = cli->text[option];
    *out = fallback;
    if (text == NULL)
        return UMBRA_OK;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1 || value > most)
        return umbra_fail(UMBRA_E_USAGE, "--%s needs a whole number from 1 to %llu, not \"%s\"",
                          option_texts[option].name, (unsigned long long)most, text);
    *out = value;
    return UMBRA_OK;
}

umbra_status umbra_cli_plan_options(const umbra_cli *cli, umbra_plan_options *out)
{
    uint64_t batch = 0;
    const char *mode = cli->text[UMBRA_OPT_MODE];
    UMBRA_TRY(umbra_cli_number(cli, UMBRA_OPT_PRECISION_BITS, 0, 1, UMBRA_PLAN_MOST_BITS,
                               &out->precision_bits));
    UMBRA_TRY(umbra_cli_bytes(cli, UMBRA_OPT_MEMORY, 0, &out->memory_bytes));
    UMBRA_TRY(umbra_cli_count(cli, UMBRA_OPT_BATCH, 1, UMBRA_PLAN_MAX_IMAGES, &batch));
    if (cli->text[UMBRA_OPT_MEMORY] != NULL && out->memory_bytes < LEAST_MEMORY)
        return umbra_fail(
            UMBRA_E_USAGE,
            "--memory %s is %llu bytes, too few for any run; write 8G for 8 gigabytes, "
            "800M for 800 megabytes",
            cli->text[UMBRA_OPT_MEMORY], (unsigned long long)out->memory_bytes);
    if (mode != NULL && strcmp(mode, "latency") != 0 && strcmp(mode, "throughput") != 0)
        return umbra_fail(UMBRA_E_USAGE, "--mode is latency or throughput, not \"%s\"", mode);
    out->images = (int)batch;
    out->mode = mode != NULL && mode[0] == 't' ? UMBRA_PLAN_THROUGHPUT : UMBRA_PLAN_LATENCY;
    return UMBRA_OK;
}

int umbra_cli_threads(const umbra_cli *cli)
{
    return cli->threads != 0 ? cli->threads : umbra_machine_processors();
}

umbra_status umbra_cli_bytes(const umbra_cli *cli, umbra_cli_option option, uint64_t fallback,
                             uint64_t *out)
{
    const char *text = cli->text[option];
    *out = fallback;
    if (text == NULL)
        return UMBRA_OK;
    char *end = NULL;
    double value = strtod(text, &end);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    end += shift != 0;
    value = ldexp(value, shift);
    if (end == text || *end != '\0' || !(value >= 1 && value < 0x1p62))
        return umbra_fail(UMBRA_E_USAGE, "--%s needs bytes, as 6G or 800M, not \"%s\"",
                          option_texts[option].name, text);
    *out = (uint64_t)value;
    return UMBRA_OK;
}
