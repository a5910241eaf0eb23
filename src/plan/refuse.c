/* Why nothing fits: which node runs out of what, by how much, and what would help. */
#include "plan/tune.h"

#include <math.h>
#include <stdio.h>

#define USUAL_BITS 32 /* of s + w above twice the precision */
#define PRIME_BITS 50 /* of the one special prime that squares and rotations need at least, too */

/* The first tensor that is evaluated after so many rescalings. */
static const char *name_at_depth(const umbra_network *network, int depth)
{
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used && network->tensors[i].depth >= depth)
            return umbra_network_name(network, i);
    return "the output";
}

/* What every level takes in the largest ring: as decided by the nearest trial, and twice what that
 * one lacks of the precision, since scales and weights both carry it. */
static double level_bits(const umbra_search *s, const umbra_decisions *d)
{
    double missing = s->wanted_bits - s->nearest.nominal_bits;
    bool judged = s->nearest.decisions.scale_bits > 0 && isfinite(s->nearest.log2_qp);
    bool lacks = judged && isfinite(missing) && missing > 0;
    return d->scale_bits + d->weight_bits + (lacks ? 2 * missing : 0);
}

/* Which node runs out of modulus in the largest ring, by how much, and what would do. */
static umbra_status refuse_bits(const umbra_search *s, const umbra_network *network)
{
    umbra_decisions d = s->nearest.decisions;
    umbra_schedule schedule;
    if (d.scale_bits == 0) /* not even tried */
        umbra_tune_set_bits(&d, s->wanted_bits + 17, s->wanted_bits + 13);
    double level = level_bits(s, &d), more = level - d.scale_bits - d.weight_bits;
    UMBRA_TRY(umbra_schedule_make(&schedule, network, &d));
    double secure = umbra_security_limit_log2(UMBRA_DEGREE_MOST_LOG2) - PRIME_BITS;
    double limit = fmin(secure, umbra_schedule_widest_log2()), used = d.base_bits;
    int last = 0;
    for (int i = 0; i < schedule.depth; i++) {
        used += schedule.rescale_bits[i] + more;
        last = used <= limit ? i + 1 : last;
    }
    /* Levels take whole primes: they may miss a modulus by less than one where the bits do not. */
    bool whole = used - limit < 1;
    double over = whole ? PRIME_BITS : used - limit;
    double fewer = ceil(over / (2 * network->depth)), usual = 2 * s->wanted_bits + USUAL_BITS;
    char remedy[120] = "", wide[160] = "";
    if (fewer < s->wanted_bits - 2)
        snprintf(remedy, sizeof remedy, ", or ask for about %.0f bit%s fewer (--precision-bits)",
                 fewer, fewer == 1 ? "" : "s");
    if (level > usual + 8)
        snprintf(wide, sizeof wide,
                 ". About %.0f bits a level are usual: here values have wide or unknown ranges "
                 "(\"ranges\" in model.json), and errors grow with them",
                 usual);
    int activations = (int)ceil(over / level);
    return umbra_fail(
        UMBRA_E_SECURITY,
        "the network is %d levels deep, and %.0f bits of precision take about %.0f bits of "
        "modulus for each: %.0f in all, and %s ring degree 2^%d, the largest, has no more than "
        "%.0f. It is "
        "used up at \"%s\", %s%.0f bits short. Use %d activation%s fewer in a row%s%s",
        network->depth, s->wanted_bits, level, used,
        secure <= limit ? "at 128 bits of security" : "with 60 primes of 50 bits",
        UMBRA_DEGREE_MOST_LOG2, limit,
        name_at_depth(network, last < network->depth ? last + 1 : last),
        whole ? "and with primes that have to be whole up to " : "", over, activations,
        activations == 1 ? "" : "s", remedy, wide);
}

static umbra_status refuse_depth(const umbra_search *s, const umbra_network *network)
{
    if (network->depth < UMBRA_MAX_LEVELS)
        return refuse_bits(s, network);
    return umbra_fail(
        UMBRA_E_SECURITY,
        "the network is %d levels deep and %d are possible, used up at \"%s\": a level is what one "
        "activation after another uses up, so use at least %d activations fewer in a row",
        network->depth, UMBRA_MAX_LEVELS - 1, name_at_depth(network, UMBRA_MAX_LEVELS),
        network->depth - UMBRA_MAX_LEVELS + 1);
}

/* Why nothing fits: a layout that no ring holds, or a network that is too deep. */
umbra_status umbra_refuse(const umbra_search *s, const umbra_network *network)
{
    umbra_layout layout;
    size_t slots = (size_t)1 << (UMBRA_DEGREE_MOST_LOG2 - 1);
    if (s->builds == 0 && s->no_build[0] != '\0')
        return umbra_fail(UMBRA_E_MODEL, "%s", s->no_build);
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used)
            UMBRA_TRY(umbra_network_layout(network, i, slots, &layout));
    return refuse_depth(s, network);
}
