/* How an answer is shown: labels with probabilities. */
#ifndef UMBRA_CLI_ANSWER_REPORT_H
#define UMBRA_CLI_ANSWER_REPORT_H

#include "cli/cli.h"
#include "plan/profile.h"

#include <jansson.h>

/* Probabilities (sigmoid of logits for multi-label models, the logits themselves otherwise). */
void umbra_answer_values(const umbra_model_info *model, const double *logits, double *values,
                         size_t count);
/* A table on stdout; plain may be NULL. Returns max |encrypted - plain|. */
double umbra_answer_print(const umbra_model_info *model, const double *encrypted,
                          const double *plain, size_t count);
/* labels[], logits[], probabilities[], and plaintext_probabilities[] where plain is given. */
void umbra_answer_json(json_t *object, const umbra_model_info *model, const double *logits,
                       const double *encrypted, const double *plain, size_t count);

#endif
