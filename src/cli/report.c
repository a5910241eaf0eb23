/* Results on stdout: the JSON object, and the figures that several commands print. */
#include "cli/report.h"

#include "base/machine.h"
#include "base/memory.h"
#include "math/kernels.h"

#include <math.h>

umbra_status umbra_report_print(json_t *object)
{
    if (object == NULL)
        return umbra_fail(UMBRA_E_INPUT, "a name is not UTF-8 and cannot stand in JSON; what the "
                                         "command writes is written: rename the file, or leave "
                                         "--json out");
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (failed != 0)
        return umbra_fail(UMBRA_E_IO, "cannot write the JSON report to stdout");
    putchar('\n');
    return UMBRA_OK;
}

void umbra_report_machine(json_t *object, int threads)
{
    json_object_set_new(object, "isa", json_string(umbra_kernels_get()->name));
    json_object_set_new(object, "threads", json_integer(threads));
    json_object_set_new(object, "peak_memory_bytes",
                        json_integer((json_int_t)umbra_memory_peak_bytes()));
}

void umbra_report_plan(json_t *object, const umbra_plan_summary *s)
{
    json_object_set_new(object, "ring_degree", json_integer((json_int_t)1 << s->degree_log2));
    json_object_set_new(object, "log2_q", json_real(s->log2_q));
    json_object_set_new(object, "log2_qp", json_real(s->log2_qp));
    json_object_set_new(object, "security_bits", json_integer((json_int_t)s->security_bits));
    json_object_set_new(object, "levels", json_integer(s->levels));
    json_object_set_new(object, "images", json_integer(s->images));
    json_object_set_new(object, "rotations", json_integer(s->rotations));
    json_object_set_new(object, "key_bytes", json_integer((json_int_t)s->key_bytes));
    json_object_set_new(object, "seeded_keys", json_integer((json_int_t)s->seeded_keys));
    json_object_set_new(object, "query_bytes", json_integer((json_int_t)s->query_bytes));
    json_object_set_new(object, "result_bytes", json_integer((json_int_t)s->result_bytes));
    json_object_set_new(object, "predicted_seconds", json_real(s->predicted_seconds));
    json_object_set_new(object, "predicted_bits", json_real(s->predicted_bits));
    json_object_set_new(object, "ranges_known", json_boolean(s->ranges_known));
    json_object_set_new(object, "predicted_memory_bytes",
                        json_integer((json_int_t)s->predicted_memory_bytes));
}

double umbra_report_bits(const double *a, const double *b, size_t count, double *max_abs_error)
{
    double error = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs(a[i] - b[i]);
        error = isnan(difference) ? INFINITY : fmax(error, difference);
        largest = fmax(largest, fabs(b[i]));
    }
    if (max_abs_error != NULL)
        *max_abs_error = error;
    if (error == 0)
        return 60;
    return fmin(60, -log2(error / largest));
}
