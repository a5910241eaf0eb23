/* A plan told to people: what each step does and why, and what it all comes to, in words. */
#include "plan/plan_internal.h"

#include <math.h>
#include <string.h>

#define DEAREST 3 /* steps that the summary names */

int umbra_plan_node_count(const umbra_plan *plan)
{
    return plan->build.program.step_count;
}

static int main_tensor(const umbra_step_info *info)
{
    return info->tensor_count > 0 ? info->tensors[info->tensor_count - 1] : info->node_tensor;
}

void umbra_plan_node_get(const umbra_plan *plan, int index, umbra_plan_node *out)
{
    const umbra_step_info *info = &plan->build.steps[index];
    const umbra_simulated_step *step = &plan->simulation.steps[index];
    *out =
        (umbra_plan_node){.name = umbra_network_name(&plan->build.network, info->node_tensor),
                          .kind = info->kind,
                          .why = info->why,
                          .level = step->level,
                          .words = umbra_params_level_limbs(plan->params, step->level),
                          .scale_log2 = step->scale_log2,
                          .predicted_bits = -plan->build.error_log2[main_tensor(info)],
                          .predicted_seconds = umbra_cost_seconds(&plan->simulation.cost, step->ns),
                          .diagonals = step->diagonals,
                          .rotations = step->rotations};
}

static const char how_to_read[] =
    "HOW TO READ THIS\n"
    "The input arrives as ciphertexts, each a list of %zu encrypted numbers (slots) that can only\n"
    "be added, multiplied and rotated, all at once.\n"
    "  step     linear: a matrix (convolution, pooling, batch norm, dense layer; several in a row\n"
    "           are one). square: an activation, as the square that it comes down to.\n"
    "  level    how many more linear steps the ciphertext can take. Each uses one up, because its\n"
    "           result must be divided back to its scale; none can be won back. Behind them\n"
    "           stands the modulus, below which all integers stay: each level takes its bits of\n"
    "           it, and for the same security a longer one needs longer ciphertexts (a larger\n"
    "           ring degree), with which every step takes twice the time.\n"
    "  words    machine words that one encrypted number takes at that level. The time of an\n"
    "           operation grows a little faster than the words, so early steps are dear.\n"
    "  scale    numbers are kept as integers, times 2^scale.\n"
    "  diag.    products: a matrix is multiplied diagonal by diagonal.\n"
    "  rot.     rotations, which bring slots to where a diagonal needs them; one costs as much as\n"
    "           ten or more diagonals, and each distance needs a key from the client.\n"
    "  bits     how far the step's typical error is below the largest value that the tensor can\n"
    "           have: 10 bits are a thousandth. What is predicted in the end is less, because it\n"
    "           is the worst error of an answer, which one answer in a thousand may pass.\n\n";

static void print_layout(const umbra_layout *l, FILE *out)
{
    const char *s = l->ciphertexts == 1 ? "" : "s";
    if (l->kind == UMBRA_LAYOUT_MODULAR) {
        fprintf(out, "      layout: %d numbers, repeated every %zu slots, in one ciphertext%s\n",
                l->channels, umbra_layout_period(l),
                l->images > 1 ? "; each time those of another image" : "");
        return;
    }
    fprintf(out, "      layout: %d channels of %dx%d in %d ciphertext%s", l->channels, l->height,
            l->width, l->ciphertexts, s);
    if (l->kind == UMBRA_LAYOUT_PHASED)
        fprintf(out, "; each plane cut into %d of %dx%d by its even and odd rows and columns%s",
                l->gap * l->gap, l->grid_height, l->grid_width, l->gap > 2 ? " and so on" : "");
    else if (l->gap > 1)
        fprintf(out, "; %d channels share a plane of %dx%d, each in one of %d rows and columns",
                l->gap * l->gap, l->grid_height, l->grid_width, l->gap);
    if (l->copies > 1)
        fprintf(out, "; %zu copies", l->copies);
    if (l->images > 1)
        fprintf(out, "; %d images side by side", l->images);
    fputc('\n', out);
}

/* What the other decision would have cost: time, or else what time was not taken for. */
static void print_flip(const umbra_plan *plan, const umbra_flip *flip, bool composed, FILE *out)
{
    const umbra_plan_summary *s = &plan->summary;
    if (!flip->fits_ring) {
        fprintf(out, "; %s does not fit the ring", composed ? "keeping it" : "composing it");
        return;
    }
    fprintf(out, "; %s, the run would take %.2f s and not %.2f s", composed ? "kept" : "composed",
            flip->seconds, s->predicted_seconds);
    if (!flip->keeps_promise)
        fprintf(out, ", and %.1f bits would be kept of the answer", flip->bits);
    else if (!flip->fits_memory)
        fprintf(out, ", and need %.1f GB of memory", (double)flip->memory_bytes * 1e-9);
    else if (flip->seconds < s->predicted_seconds)
        fprintf(out, ", with %.0f MB of keys and not %.0f MB", (double)flip->key_bytes * 1e-6,
                (double)s->key_bytes * 1e-6);
}

/* The other decision about each of the sums of this step. */
static void print_decisions(const umbra_plan *plan, int index, FILE *out)
{
    const umbra_step_info *info = &plan->build.steps[index];
    const umbra_network *n = &plan->build.network;
    for (int i = 0; i < n->linear_count; i++) {
        int candidate = n->linears[i].candidate;
        bool here = false;
        for (int k = 0; k < info->tensor_count; k++)
            here |= n->linears[i].tensor == info->tensors[k];
        if (!here || candidate < 0 || candidate >= plan->decisions.compose_count)
            continue;
        bool composed = plan->decisions.compose[candidate];
        fprintf(out, "      sum \"%s\": %s", umbra_network_name(n, n->linears[i].tensor),
                composed ? "composed into the steps that read it (no level, more diagonals)"
                         : "kept for the steps that read it (one level, fewer diagonals)");
        if (candidate < plan->flip_count)
            print_flip(plan, &plan->flips[candidate], composed, out);
        fputc('\n', out);
    }
}

static bool same_layout(const umbra_layout *a, const umbra_layout *b)
{
    return a->kind == b->kind && a->channels == b->channels && a->height == b->height &&
           a->width == b->width && a->gap == b->gap && a->copies == b->copies &&
           a->modulus == b->modulus;
}

/* In full once; a deep network says the same of most of its steps. */
static void print_why(const umbra_plan *plan, int index, FILE *out)
{
    for (int i = 0; i < index; i++)
        if (strcmp(plan->build.steps[i].why, plan->build.steps[index].why) == 0) {
            fprintf(out, "      as step %d\n", i);
            return;
        }
    fprintf(out, "      %s\n", plan->build.steps[index].why);
}

static void print_steps(const umbra_plan *plan, FILE *out)
{
    const umbra_layout *last = NULL;
    fprintf(out, "%4s  %-7s %-36s %5s %5s %5s %5s %5s %5s %8s\n", "step", "kind", "node", "level",
            "words", "scale", "diag.", "rot.", "bits", "seconds");
    for (int i = 0; i < umbra_plan_node_count(plan); i++) {
        umbra_plan_node node;
        umbra_plan_node_get(plan, i, &node);
        fprintf(out, "%4d  %-7s %-36s %5d %5d %5.0f %5zu %5zu %5.1f %8.3f\n", i, node.kind,
                node.name, node.level, node.words, node.scale_log2, node.diagonals, node.rotations,
                node.predicted_bits, node.predicted_seconds);
        print_why(plan, i, out);
        print_decisions(plan, i, out);
        const umbra_layout *layout = &plan->build.layouts[main_tensor(&plan->build.steps[i])];
        if (last == NULL || !same_layout(layout, last))
            print_layout(layout, out);
        last = layout;
    }
}

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static void print_sums(const umbra_plan *plan, FILE *out)
{
    int composed = 0, count = plan->decisions.compose_count;
    for (int i = 0; i < count; i++)
        composed += plan->decisions.compose[i];
    if (count > 0)
        fprintf(out,
                "  Of %d sums that several steps read, %d are kept and %d composed: keeping one "
                "costs a\n  level, composing one costs diagonals, and the faster was taken each "
                "time.\n",
                count, count - composed, composed);
}

static void print_dearest(const umbra_plan *plan, FILE *out)
{
    int count = umbra_plan_node_count(plan);
    double below = INFINITY;
    fprintf(out, "  The dearest steps:");
    for (int k = 0; k < DEAREST && k < count; k++) {
        umbra_plan_node node, most = {.predicted_seconds = -1};
        int at = 0;
        for (int i = 0; i < count; i++) {
            umbra_plan_node_get(plan, i, &node);
            if (node.predicted_seconds < below && node.predicted_seconds > most.predicted_seconds) {
                most = node;
                at = i;
            }
        }
        if (most.predicted_seconds < 0)
            break;
        below = most.predicted_seconds;
        fprintf(out, "%s %d \"%s\" with %.2f s", k == 0 ? "" : ",", at, most.name, below);
    }
    fprintf(out, ".\n");
}

/* What it takes to hold keys by their seeds. */
static void print_seeded(const umbra_plan *plan, FILE *out)
{
    const umbra_simulation *simulation = &plan->simulation;
    umbra_memory_share whole =
        umbra_plan_share_memory(&plan->build, simulation, plan->threads, UINT64_MAX, NULL);
    double rows = 0, saved = (double)(whole.key_bytes - plan->share.key_bytes);
    for (size_t k = 0; k < simulation->key_count; k++)
        rows += simulation->seeded[k] ? umbra_simulation_key_rows(simulation, k) : 0;
    if (plan->share.seeded_keys == 0)
        return;
    fprintf(
        out,
        "  To stay within %.1f GB (--memory), %zu of %zu keys are kept as one half of each, and "
        "the other half is\n  made again whenever it is read: that saves %.1f GB and takes %.2f "
        "s.\n",
        (double)plan->memory_budget * 1e-9, plan->share.seeded_keys, simulation->key_count,
        saved * 1e-9,
        umbra_cost_seconds(
            &simulation->cost,
            umbra_cost_seeded_rows(&simulation->cost, plan->summary.degree_log2, rows)));
}

static void print_summary(const umbra_plan *plan, FILE *out)
{
    const umbra_plan_summary *s = &plan->summary;
    const umbra_decisions *d = &plan->decisions;
    double limit = umbra_security_limit_log2(s->degree_log2);
    int steps = s->levels - 1;
    fprintf(out, "\nIN SHORT\n");
    fprintf(out,
            "  The network is %d linear step%s deep. Each uses up about %.0f bits of the modulus: "
            "%.0f for the\n  scale of the numbers and %.0f for the weights, as little as %.1f bits "
            "of precision allow.\n",
            steps, plural(steps), d->scale_bits + d->weight_bits, d->scale_bits, d->weight_bits,
            plan->wanted_bits);
    fprintf(out,
            "  That makes a modulus of %.0f bits, and %d special prime%s of 50 bits for rotations "
            "and squares:\n  %.0f bits of the %.0f that ring degree %d may have at 128 bits of "
            "security.%s\n",
            s->log2_q, d->special_count, plural(d->special_count), s->log2_qp, limit,
            1 << s->degree_log2,
            s->degree_log2 > 13 ? "\n  No smaller ring was faster or had room." : "");
    print_sums(plan, out);
    print_dearest(plan, out);
    fprintf(
        out,
        "  Predicted: %.2f s on %d thread%s (%s), %.1f GB of memory, and %.1f bits of precision "
        "of the output,\n  or more, in 999 answers of a thousand.\n",
        s->predicted_seconds, plan->threads, plural(plan->threads),
        umbra_params_kernels(plan->params)->name, (double)s->predicted_memory_bytes * 1e-9,
        s->predicted_bits);
    print_seeded(plan, out);
    fprintf(
        out,
        "  The client uploads %.0f MB of keys once (%d for rotations%s), and\n  %.1f MB for each "
        "query; %.2f MB come back.\n",
        (double)s->key_bytes * 1e-6, s->rotations,
        plan->simulation.key_count > (size_t)s->rotations ? ", one for squares" : "",
        (double)s->query_bytes * 1e-6, (double)s->result_bytes * 1e-6);
    fprintf(
        out,
        "  To be faster: fewer bits (--precision-bits; one bit less takes %d bits off the "
        "modulus), fewer\n  activations in a row (each is a level or two), fewer channels in the "
        "dearest steps.\n",
        2 * steps);
}

umbra_status umbra_plan_explain(const umbra_plan *plan, FILE *out)
{
    fprintf(out, how_to_read, umbra_params_slots(plan->params));
    print_steps(plan, out);
    print_summary(plan, out);
    fputc('\n', out);
    if (ferror(out))
        return umbra_fail(UMBRA_E_IO, "the explanation could not be written");
    return UMBRA_OK;
}
