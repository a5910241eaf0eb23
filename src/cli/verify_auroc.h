/* AUROC of encrypted and plaintext answers against a table of labels. */
#ifndef UMBRA_CLI_VERIFY_AUROC_H
#define UMBRA_CLI_VERIFY_AUROC_H

#include "cli/cli.h"
#include "cli/inputs.h"
#include "plan/profile.h"

#include <jansson.h>

/* *out stays NULL without --labels; otherwise an object with micro, macro, weighted and classes[]
 * for both. Inputs missing in the table, or labels missing in its header, are UMBRA_E_INPUT by
 * name. */
umbra_status umbra_verify_auroc(const umbra_cli *cli, const umbra_model_info *model,
                                const umbra_inputs *inputs, const double *encrypted,
                                const double *plain, size_t outputs, json_t **out) UMBRA_MUST_USE;
void umbra_verify_auroc_print(const json_t *auroc); /* accepts NULL */

#endif
