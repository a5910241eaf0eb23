/* A client profile made without a planner: a small ring, one level, a 2 x 8 x 8 tensor. */
#ifndef UMBRA_TESTS_CLIENT_PROFILE_BY_HAND_H
#define UMBRA_TESTS_CLIENT_PROFILE_BY_HAND_H

#include "check.h"
#include "ckks/secret.h"
#include "plan/profile.h"

#define HAND_ELEMENTS 128 /* 2 * 8 * 8 */

/* items: one relinearisation key and one rotation, static. */
static inline void hand_profile_open(umbra_profile *profile)
{
    static umbra_key_item items[2];
    umbra_params_literal literal;
    const double base_bits = 49;
    check_ok(umbra_params_literal_chain(&literal, 12, 1, &base_bits, 0, NULL, 1, 30));
    *profile = (umbra_profile){.input_factor = 0.5,
                               .input_scale_log2 = 30,
                               .output_factor = 0.5,
                               .output_scale_log2 = 30,
                               .output_error = 0x1p-7,
                               .predicted_bits = 12,
                               .keys = items,
                               .key_count = 2};
    check_ok(umbra_params_new(&profile->params, &literal));
    items[0] = (umbra_key_item){0, 0};
    items[1] = (umbra_key_item){5, 0};
    const size_t slots = umbra_params_slots(profile->params);
    check_ok(umbra_layout_multiplexed(&profile->input_layout, 2, 8, 8, 8, 8, 1, slots));
    profile->output_layout = profile->input_layout;
    profile->model.input_abs_max = 2;
}

static inline void hand_profile_close(umbra_profile *profile)
{
    umbra_params_free(profile->params);
}

#endif
