/* Results on stdout: the JSON object, and the figures that several commands print. */
#ifndef UMBRA_CLI_REPORT_H
#define UMBRA_CLI_REPORT_H

#include "cli/cli.h"
#include "plan/plan.h"

#include <jansson.h>

/* Print a JSON object and release it. */
umbra_status umbra_report_print(json_t *object) UMBRA_MUST_USE;
/* isa, threads, peak_memory_bytes. */
void umbra_report_machine(json_t *object, int threads);
/* ring_degree log2_q log2_qp security_bits levels rotations key_bytes query_bytes result_bytes
 * seeded_keys predicted_seconds predicted_bits predicted_memory_bytes */
void umbra_report_plan(json_t *object, const umbra_plan_summary *summary);
/* -log2(max |a - b| / max |b|): bits of precision of a against the reference b; 60 at most. */
double umbra_report_bits(const double *a, const double *b, size_t count, double *max_abs_error);

#endif
