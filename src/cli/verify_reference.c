/* The plan's program in double precision, as the reference of a run of many bits. */
#include "cli/verify_reference.h"

#include "base/memory.h"

#include <math.h>

#define LEAST_AGREEMENT 10 /* bits; deep networks in single precision have 17 and more */

static void forget(umbra_verify_reference *r)
{
    for (int i = 0; i < r->count; i++)
        umbra_secret_free(r->values[i]);
    r->count = 0;
}

void umbra_verify_reference_free(umbra_verify_reference *r)
{
    forget(r);
    umbra_memory_free(r->values);
    umbra_secret_free(r->answers);
    *r = (umbra_verify_reference){0};
}

static umbra_status keep(umbra_verify_reference *r, const umbra_exec_event *event)
{
    size_t count = umbra_layout_elements(event->layout);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_grow(&r->values, (size_t)r->count, (size_t)r->count + 1, &r->room,
                                sizeof *r->values, "values of tensors"));
    if (event->value >= 0)
        UMBRA_TRY(umbra_secret_alloc(&memory, count * sizeof(double)));
    double *values = r->values[r->count++] = memory;
    if (values == NULL)
        return UMBRA_OK;
    umbra_layout_gather(event->layout, event->slots, 1, values);
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] / event->factor - event->shift;
    return UMBRA_OK;
}

static int on_step(void *context, const umbra_exec_event *event)
{
    umbra_verify_reference *r = context;
    r->failure = keep(r, event);
    return r->failure != UMBRA_OK || umbra_cli_interrupted();
}

umbra_status umbra_verify_reference_run(umbra_verify_reference *r, umbra_session *s)
{
    void *memory = NULL;
    forget(r);
    if (r->answers == NULL) {
        UMBRA_TRY(
            umbra_secret_alloc(&memory, (size_t)s->images * s->output_count * sizeof(double)));
        r->answers = memory;
    }
    umbra_cli_progress(s->cli, "computing the reference");
    r->failure = UMBRA_OK;
    umbra_status status = umbra_exec_run_plain(s->exec, s->input, r->answers, on_step, r);
    return r->failure != UMBRA_OK ? r->failure : status;
}

umbra_status umbra_verify_reference_check(const char *name, const double *values,
                                          const double *single, size_t count)
{
    double largest = 0, difference = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(single[i]));
        double apart = fabs(values[i] - single[i]);
        difference = isnan(apart) ? (double)INFINITY : fmax(difference, apart);
    }
    if (isfinite(difference) && difference <= ldexp(largest, -LEAST_AGREEMENT))
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INTERNAL,
                      "\"%s\": the plan's program gives values that are up to %.2g from the "
                      "network's, of which the largest is %.2g; please report this model",
                      name, difference, largest);
}
