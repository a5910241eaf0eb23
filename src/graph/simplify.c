/* All passes, in order, for a network that is to be encrypted. */
#include "graph/build.h"
#include "graph/passes.h"

/* Batch norm first, while its input still has one reader; again after polynomials of degree 1 have
 * been found. */
umbra_status umbra_graph_simplify(umbra_graph *graph)
{
    UMBRA_TRY(umbra_pass_fold_constants(graph));
    UMBRA_TRY(umbra_pass_infer_shapes(graph));
    UMBRA_TRY(umbra_pass_fold_pads(graph));
    UMBRA_TRY(umbra_pass_fold_batch_norm(graph));
    UMBRA_TRY(umbra_pass_find_polynomials(graph));
    UMBRA_TRY(umbra_pass_fold_batch_norm(graph));
    UMBRA_TRY(umbra_pass_affine_to_batch_norm(graph));
    return umbra_pass_drop_dead(graph);
}
