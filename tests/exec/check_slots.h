/* A network compiled and run on slots, against the network in floats. */
#ifndef UMBRA_TESTS_EXEC_CHECK_SLOTS_H
#define UMBRA_TESTS_EXEC_CHECK_SLOTS_H

#include "small_network.h"

#include "exec/exec.h"
#include "plain/executor.h"
#include "plan/plan_internal.h"

#include <stdlib.h>

typedef struct slots_result {
    int depth, most_ciphertexts; /* of a tensor */
} slots_result;

/* Adds the output to the graph and frees the graph. */
static inline slots_result check_slots(umbra_graph *g, int output)
{
    umbra_plain *plain = NULL;
    umbra_exec *exec = NULL;
    umbra_plan *plan = NULL;
    umbra_model_info model = {.input_abs_max = 1};
    umbra_plan_options options = {.precision_bits = 1, .threads = 2};
    check_ok(umbra_graph_add_output(g, output));
    check_ok(umbra_plan_compile(&plan, g, &model, &options));
    const umbra_profile *p = umbra_plan_profile(plan);
    size_t inputs = umbra_layout_elements(&p->input_layout);
    size_t outputs = umbra_layout_elements(&p->output_layout);
    float *image = calloc(inputs, sizeof(float));
    double *slots = calloc(outputs, sizeof(double)), largest = 0;
    const float *images[1] = {image};
    slots_result result = {.depth = plan->build.network.depth};
    for (int i = 0; i < plan->build.network.tensor_count; i++)
        if (plan->build.layouts[i].ciphertexts > result.most_ciphertexts)
            result.most_ciphertexts = plan->build.layouts[i].ciphertexts;
    small_image(image, inputs);
    check_ok(umbra_plain_new(&plain, g, 1));
    check_ok(umbra_plain_run(plain, images));
    check_ok(umbra_exec_new(&exec, plan, NULL, NULL));
    check_ok(umbra_exec_run_plain(exec, image, slots, NULL, NULL));
    const float *expected = umbra_plain_value(plain, output);
    for (size_t i = 0; i < outputs; i++)
        largest = fmax(largest, fabs((double)expected[i]));
    for (size_t i = 0; i < outputs; i++)
        if (!(fabs(slots[i] - (double)expected[i]) < 1e-4 * largest))
            fail_msg("output %zu: %g, expected %g", i, slots[i], (double)expected[i]);
    free(image);
    free(slots);
    umbra_exec_free(exec);
    umbra_plain_free(plain);
    umbra_plan_free(plan);
    umbra_graph_free(g);
    return result;
}

#endif
