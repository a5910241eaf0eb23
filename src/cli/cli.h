/* What the subcommands of `umbra` share: options, reports, progress. */
#ifndef UMBRA_CLI_CLI_H
#define UMBRA_CLI_CLI_H

#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define UMBRA_CLI_MAX_ARGUMENTS 4096
#define UMBRA_CLI_PHANTOM_SIDE 1024 /* of `umbra phantom`, and of the film that demo draws */

/* Every option of every subcommand; a command names those that it takes. */
typedef enum umbra_cli_option {
    UMBRA_OPT_OUTPUT,
    UMBRA_OPT_PROFILE,
    UMBRA_OPT_KEY,
    UMBRA_OPT_KEYS,
    UMBRA_OPT_PLAN,
    UMBRA_OPT_MODEL,
    UMBRA_OPT_IMAGE,
    UMBRA_OPT_ENCODER,
    UMBRA_OPT_PRECISION_BITS,
    UMBRA_OPT_MEMORY,
    UMBRA_OPT_EXPLAIN,
    UMBRA_OPT_MIN_BITS,
    UMBRA_OPT_LABELS,
    UMBRA_OPT_SPLIT,
    UMBRA_OPT_PART,
    UMBRA_OPT_EXPECTED,
    UMBRA_OPT_ANSWERS,
    UMBRA_OPT_RUNS,
    UMBRA_OPT_SHAPE,
    UMBRA_OPT_OVERWRITE,
    UMBRA_OPT_NUMBER,
    UMBRA_OPT_BATCH,
    UMBRA_OPT_MODE,
    UMBRA_OPT_ACTIVATION,
    UMBRA_OPT_RECEIPT,
    UMBRA_OPT_COUNT
} umbra_cli_option;

typedef struct umbra_cli {
    const struct umbra_command *command;
    const char *text[UMBRA_OPT_COUNT]; /* NULL: not given; "" for a flag that was given */
    const char *argument[UMBRA_CLI_MAX_ARGUMENTS];
    int argument_count;
    bool json, quiet;
    int threads; /* 0: all */
} umbra_cli;

typedef struct umbra_command {
    const char *name, *summary;
    const char *usage;        /* "umbra plan MODEL -o DIR [--explain]" */
    const char *arguments[2]; /* what each that is needed is: "MODEL" */
    const char *details;
    const char *example;
    uint32_t options; /* bits 1 << umbra_cli_option */
    int least_arguments, most_arguments;
    umbra_status (*run)(const umbra_cli *cli);
} umbra_command;

extern const umbra_command umbra_command_doctor, umbra_command_demo, umbra_command_plan,
    umbra_command_keygen, umbra_command_encrypt, umbra_command_run, umbra_command_decrypt,
    umbra_command_classify, umbra_command_verify, umbra_command_bench, umbra_command_phantom,
    umbra_command_adapt;

/* Parse argv after the subcommand's name.
 *
 * Returns: UMBRA_E_USAGE with one line that says what is wrong. *help is set where --help was
 * given. */
umbra_status umbra_cli_parse(umbra_cli *cli, const umbra_command *command, int argc, char **argv,
                             bool *help) UMBRA_MUST_USE;
void umbra_cli_print_help(const umbra_command *command, FILE *out);
/* The program: dispatch over commands, print failures, return the exit code. */
int umbra_cli_main(int argc, char **argv, const umbra_command *const *commands, int count);

/* An option that must be there. */
umbra_status umbra_cli_require(const umbra_cli *cli, umbra_cli_option option,
                               const char **out) UMBRA_MUST_USE;
/* Whether both names are of one file. NULL names none. */
bool umbra_cli_same_file(const char *a, const char *b);
/* An output that is one of the command's own input files would destroy an image or a key. */
umbra_status umbra_cli_check_output(const umbra_cli *cli) UMBRA_MUST_USE;
umbra_status umbra_cli_number(const umbra_cli *cli, umbra_cli_option option, double fallback,
                              double low, double high, double *out) UMBRA_MUST_USE;
/* Bytes with an optional suffix K, M, G (powers of 1024). */
umbra_status umbra_cli_bytes(const umbra_cli *cli, umbra_cli_option option, uint64_t fallback,
                             uint64_t *out) UMBRA_MUST_USE;

/* A whole number. */
umbra_status umbra_cli_count(const umbra_cli *cli, umbra_cli_option option, uint64_t fallback,
                             uint64_t most, uint64_t *out) UMBRA_MUST_USE;
/* What --precision-bits, --memory, --batch and --mode ask of a plan; threads are left as they are.
 */
umbra_status umbra_cli_plan_options(const umbra_cli *cli, umbra_plan_options *out) UMBRA_MUST_USE;
/* --threads, or every processor that this process may use. */
int umbra_cli_threads(const umbra_cli *cli);

/* True once SIGINT or SIGTERM arrived; long work looks at it between steps. */
bool umbra_cli_interrupted(void);
umbra_status umbra_cli_check_interrupt(void) UMBRA_MUST_USE;

/* One line on stderr that is written over; only on a terminal and without --quiet. */
void umbra_cli_progress(const umbra_cli *cli, const char *fmt, ...) UMBRA_PRINTF(2, 3);
void umbra_cli_progress_clear(const umbra_cli *cli);

/* "12.3 MB" into buffer of 32. */
const char *umbra_cli_size_text(char buffer[32], uint64_t bytes);

/* folder/name into out (4096 bytes). */
umbra_status umbra_cli_join(char out[4096], const char *folder, const char *name) UMBRA_MUST_USE;
/* With its parents; one that is there already is fine. */
umbra_status umbra_cli_make_folder(const char *path) UMBRA_MUST_USE;

#endif
