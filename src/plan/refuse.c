/* Why nothing fits: which node runs out of what, by how much, and what would help. */
#include "plan/tune.h"

#include <math.h>
#include <stdio.h>

#define USUAL_BITS 32 /* of s + w above twice the precision */

/* The first tensor that is evaluated after so many rescalings. */
static const char *name_at_depth(const umbra_network *network, int depth)
{
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used && network->tensors[i].depth >= depth)
            return umbra_network_name(network, i);
    return "the output";
}

/* Which node runs out of modulus in the largest ring, by how much, and what would do. */
static umbra_status refuse_bits(const umbra_search *s, const umbra_network *network)
{
    umbra_decisions d = s->nearest.decisions;
    umbra_schedule schedule;
    if (d.scale_bits == 0) /* not even tried */
        umbra_tune_set_bits(&d, s->wanted_bits + 17, s->wanted_bits + 13);
    double level = d.scale_bits + d.weight_bits;
    UMBRA_TRY(umbra_schedule_make(&schedule, network, &d));
    double limit = umbra_security_limit_log2(UMBRA_DEGREE_MOST_LOG2), used = d.base_bits + 50;
    int last = 0;
    for (int i = 0; i < schedule.depth; i++) {
        used += schedule.rescale_bits[i];
        last = used <= limit ? i + 1 : last;
    }
    double over = fmax(used - limit, 0), fewer = ceil(over / (2 * network->depth));
    double usual = 2 * s->wanted_bits + USUAL_BITS;
    char remedy[120] = "", wide[160] = "";
    if (fewer < s->wanted_bits - 2)
        snprintf(remedy, sizeof remedy, ", or ask for about %.0f bits fewer (--precision-bits)",
                 fewer);
    if (level > usual + 8)
        snprintf(wide, sizeof wide,
                 ". About %.0f bits a level are usual: here values have wide or unknown ranges "
                 "(\"ranges\" in model.json), and errors grow with them",
                 usual);
    if (over == 0) /* more bits are needed than the nearest trial has, and none has room for them */
        return umbra_fail(
            UMBRA_E_SECURITY,
            "the network is %d levels deep, and %.0f bits of precision take more than %.0f bits of "
            "modulus for each: together that is more than even ring degree 2^%d may have at 128 "
            "bits of security (%.0f, of which squares and rotations need a part). Use fewer "
            "activations in a row, or ask for fewer bits (--precision-bits)%s",
            network->depth, s->wanted_bits, level, UMBRA_DEGREE_MOST_LOG2, limit, wide);
    return umbra_fail(
        UMBRA_E_SECURITY,
        "the network is %d levels deep, and %.0f bits of precision take %.0f bits of modulus for "
        "each: %.0f in all, and at 128 bits of security even ring degree 2^%d has no more than "
        "%.0f. They are used up at \"%s\", %.0f bits short. Use %d activations fewer in a row%s%s",
        network->depth, s->wanted_bits, level, used, UMBRA_DEGREE_MOST_LOG2, limit,
        name_at_depth(network, last + 1), over, (int)ceil(over / level), remedy, wide);
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
    for (int i = 0; i < network->tensor_count; i++)
        if (network->tensors[i].used)
            UMBRA_TRY(umbra_network_layout(network, i, slots, &layout));
    return refuse_depth(s, network);
}
