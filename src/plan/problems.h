/* Everything in a graph that the planner cannot take, found before it starts. */
#ifndef UMBRA_PLAN_PROBLEMS_H
#define UMBRA_PLAN_PROBLEMS_H

#include "graph/ir.h"

#define UMBRA_PLAN_NODE_INPUTS 64 /* of a node, at most: plan files and Concat */

/* Returns: UMBRA_E_MODEL with one line for each problem: node, what is wrong, what to do */
umbra_status umbra_problems_check(const umbra_graph *graph) UMBRA_MUST_USE;

#endif
