/* A plan told to people: one line for each step, and the figures that decide. */
#include "plan/plan_internal.h"

#include <math.h>

int umbra_plan_node_count(const umbra_plan *plan)
{
    return plan->build.program.step_count;
}

void umbra_plan_node_get(const umbra_plan *plan, int index, umbra_plan_node *out)
{
    const umbra_step_info *info = &plan->build.steps[index];
    const umbra_simulated_step *step = &plan->simulation.steps[index];
    int tensor = info->tensor_count > 0 ? info->tensors[info->tensor_count - 1] : info->node_tensor;
    *out =
        (umbra_plan_node){.name = umbra_network_name(&plan->build.network, info->node_tensor),
                          .kind = info->kind,
                          .why = info->why,
                          .level = step->level,
                          .scale_log2 = step->scale_log2,
                          .predicted_bits = -plan->build.error_log2[tensor],
                          .predicted_seconds = umbra_cost_seconds(&plan->simulation.cost, step->ns),
                          .diagonals = step->diagonals,
                          .rotations = step->rotations};
}

static const char words[] =
    "How to read this. The image arrives as one or a few ciphertexts, each a list of %zu "
    "encrypted\n"
    "numbers (slots) that are added and multiplied all at once. A level is what one "
    "multiplication\n"
    "uses up; fewer remaining levels make every operation cheaper. A linear step multiplies by a\n"
    "matrix, one diagonal at a time; each rotation moves slots and costs about as much as tens of\n"
    "diagonals. Bits are the precision that is left: 10 bits are three decimal digits.\n\n";

umbra_status umbra_plan_explain(const umbra_plan *plan, FILE *out)
{
    umbra_plan_summary s;
    umbra_plan_node node;
    umbra_plan_summarise(plan, &s);
    fprintf(out, words, umbra_params_slots(plan->params));
    fprintf(out, "%5s %-8s %-34s %5s %6s %6s %6s %8s\n", "step", "kind", "node", "level", "diag.",
            "rot.", "bits", "seconds");
    for (int i = 0; i < umbra_plan_node_count(plan); i++) {
        umbra_plan_node_get(plan, i, &node);
        fprintf(out, "%5d %-8s %-34s %5d %6zu %6zu %6.1f %8.3f\n", i, node.kind, node.name,
                node.level, node.diagonals, node.rotations, node.predicted_bits,
                node.predicted_seconds);
        fprintf(out, "      %s\n", node.why);
    }
    fprintf(out,
            "\nring degree 2^%d, %d levels, log2(Q) %.1f, log2(QP) %.1f of at most %.0f for 128 "
            "bits of security\n",
            s.degree_log2, s.levels, s.log2_q, s.log2_qp, umbra_security_limit_log2(s.degree_log2));
    fprintf(out, "%d rotation keys, %.0f MB; query %.1f MB, result %.2f MB; memory %.1f GB\n",
            s.rotations, (double)s.key_bytes * 1e-6, (double)s.query_bytes * 1e-6,
            (double)s.result_bytes * 1e-6, (double)s.predicted_memory_bytes * 1e-9);
    fprintf(out, "predicted: %.2f s on %d thread%s (%s), %.1f bits\n", s.predicted_seconds,
            plan->threads, plan->threads == 1 ? "" : "s", umbra_params_kernels(plan->params)->name,
            s.predicted_bits);
    if (ferror(out))
        return umbra_fail(UMBRA_E_IO, "the explanation could not be written");
    return UMBRA_OK;
}
