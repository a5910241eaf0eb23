/* The list of inputs of a command: files, folders, and those of one part of a split. */
#ifndef UMBRA_CLI_INPUTS_H
#define UMBRA_CLI_INPUTS_H

#include "cli/cli.h"

#include <stddef.h>

typedef struct umbra_inputs {
    char **path; /* sorted within a folder */
    size_t count, capacity;
} umbra_inputs;

/* Whether a file is there and can be opened: asked before planning and keys take their time. */
umbra_status umbra_input_check(const char *path) UMBRA_MUST_USE;
/* Expand arguments from `first` on; a folder stands for the files in it. With --split only files
 * whose name stands there in --part (default validation) remain; --runs bounds the number, spread
 * evenly.
 *
 * Returns: UMBRA_E_INPUT where nothing remains */
umbra_status umbra_inputs_collect(const umbra_cli *cli, int first,
                                  umbra_inputs *out) UMBRA_MUST_USE;
void umbra_inputs_free(umbra_inputs *inputs);
/* The part of a path after its last slash. */
const char *umbra_base_name(const char *path);

#endif
