/* How much scratch a linear map takes, and how it is divided. */
#include "ckks/linear_internal.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t umbra_linear_chunk(size_t groups, size_t fold)
{
    const bool block = fold >= (size_t)1 << UMBRA_LINEAR_BLOCK_FOLD_LOG2;
    const size_t most = block ? UMBRA_LINEAR_CHUNK : UMBRA_LINEAR_CHUNK / 2;
    const size_t chunks = (groups + most - 1) / most;
    return (groups + chunks - 1) / chunks;
}

/* Of each thread: a rotation with its index folded, sums of weights one by one, or many at a time.
 */
static size_t worker_limbs(const umbra_params *params, const umbra_linear_shape *shape)
{
    const size_t block =
        UMBRA_LINEAR_BLOCK_LIMBS + shape->rotations * UMBRA_DOT_SCRATCH_WORDS / params->degree;
    return larger(larger(umbra_evaluator_scratch(params).worker, UMBRA_LINEAR_WEIGHT_BATCH + 3),
                  block);
}

umbra_linear_room umbra_linear_divide(const umbra_params *params, int level,
                                      const umbra_linear_shape *shape)
{
    const size_t n = params->degree, limbs = (size_t)params->levels[level].limbs;
    const size_t all = limbs + (size_t)params->literal.special_count, parts = 2 * shape->rotations;
    const size_t gaps = (parts * UMBRA_LINEAR_GAP_WORDS + n - 1) / n;
    const bool block = shape->fold >= (size_t)1 << UMBRA_LINEAR_BLOCK_FOLD_LOG2;
    const size_t inputs = umbra_decomposition_limbs(params, level, shape->switched > 1);
    const size_t lanes = umbra_linear_lanes(all);
    const size_t giants = larger(2 * lanes * umbra_decomposition_limbs(params, level, false),
                                 umbra_switch_special_limbs(params));
    umbra_linear_room room = {.wide = parts * limbs + gaps};
    room.sums = room.wide + lanes * 2 * all;
    room.rest = room.sums + umbra_linear_chunk(shape->groups, shape->fold) * 2 * limbs;
    room.all.shared = larger(room.sums + inputs,
                             room.rest + larger(giants, block ? UMBRA_LINEAR_WEIGHT_LIMBS(n) : 0));
    room.all.worker = worker_limbs(params, shape);
    return room;
}

umbra_scratch umbra_linear_scratch(const umbra_params *params, int level,
                                   const umbra_linear_shape *shape)
{
    return umbra_linear_divide(params, level, shape).all;
}
