/* What a linear map's matrices tell the planner, so that the matrices themselves need not be kept.
 */
#ifndef UMBRA_PLAN_FACTS_H
#define UMBRA_PLAN_FACTS_H

#include "base/threads.h"
#include "circuit/cost.h"
#include "plan/diagonals.h"
#include "plan/network.h"

#define UMBRA_FACTS_TERMS 8 /* tensors that one linear map reads at most */

/* Of one linear map of a network, whatever the factors of its tensors. */
typedef struct umbra_facts {
    int term_count;
    int matrix[UMBRA_FACTS_TERMS];
    bool direct[UMBRA_FACTS_TERMS]; /* same element, same slot: no diagonal */
    umbra_layout in[UMBRA_FACTS_TERMS], to;
    size_t period; /* slots after which all weights repeat: the longest of the layouts */
    umbra_diagonal_mode mode;
    umbra_diagonal_set *set;        /* of the terms that are not direct; NULL where there is none */
    double gain[UMBRA_FACTS_TERMS]; /* largest sum |w| of a row */
    double *power[UMBRA_FACTS_TERMS]; /* mean over an output channel's rows of the sum of w^2 over
                                         an input channel: output channels x input channels */
    double
        repeats; /* diagonals of the same weights, whose roundings are the same: most of a term */
} umbra_facts;

typedef struct umbra_facts_store umbra_facts_store;

umbra_status umbra_facts_store_new(umbra_facts_store **out) UMBRA_MUST_USE;
void umbra_facts_store_free(umbra_facts_store *store);

/* Facts of the used linears of a network, in facts[linear]; found in the store or made, on all
 * threads. layouts: by tensor. shapes: of a key switch at the depth of a linear, by depth. The
 * facts belong to the store. */
umbra_status umbra_facts_find(umbra_facts_store *store, const umbra_network *network,
                              const umbra_layout *layouts, const umbra_cost_shape *shapes,
                              umbra_diagonal_mode mode, umbra_pool *pool,
                              const umbra_facts **facts) UMBRA_MUST_USE;

#endif
