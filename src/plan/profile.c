/* The client profile: saved, loaded, freed. */
#include "plan/profile.h"

#include "base/memory.h"
#include "plan/plan_internal.h"

#include <math.h>
#include <string.h>

#define MAX_KEYS 8192   /* a plan of a deep network has some hundred */
#define MOST_BITS 100.0 /* of a prediction */

void umbra_profile_free(umbra_profile *profile)
{
    if (profile == NULL)
        return;
    umbra_params_free(profile->params);
    umbra_model_info_free(&profile->model);
    umbra_memory_free(profile->keys);
    umbra_memory_free(profile);
}

static void write_body(const umbra_profile *p, umbra_writer *w)
{
    umbra_params_write(p->params, w);
    umbra_model_info_write(&p->model, w);
    umbra_layout_write(&p->input_layout, w);
    umbra_layout_write(&p->output_layout, w);
    umbra_write_f64(w, p->input_factor);
    umbra_write_f64(w, p->input_scale_log2);
    umbra_write_u32(w, (uint32_t)p->input_level);
    umbra_write_f64(w, p->output_factor);
    umbra_write_u32(w, (uint32_t)p->output_level);
    umbra_write_f64(w, p->output_scale_log2);
    umbra_write_f64(w, p->output_error);
    umbra_write_f64(w, p->predicted_bits);
    umbra_write_f64(w, p->predicted_seconds);
    umbra_write_u64(w, p->predicted_memory_bytes);
    umbra_write_bytes(w, p->plan_hash, sizeof p->plan_hash);
    umbra_write_u32(w, (uint32_t)p->key_count);
    for (size_t i = 0; i < p->key_count; i++) {
        umbra_write_u32(w, p->keys[i].galois);
        umbra_write_u32(w, (uint32_t)p->keys[i].level);
    }
}

umbra_status umbra_profile_save(const umbra_profile *profile, const char *path)
{
    umbra_writer w = {0};
    write_body(profile, &w);
    umbra_status status = umbra_writer_check(&w);
    if (status == UMBRA_OK)
        status = umbra_envelope_write_file(path, false, UMBRA_KIND_PROFILE, UMBRA_PROFILE_VERSION,
                                           umbra_params_hash(profile->params), 0, w.bytes, w.size);
    umbra_writer_free(&w);
    return status;
}

static umbra_status read_keys(umbra_reader *r, umbra_profile *p)
{
    uint32_t count = umbra_read_u32(r), degree = (uint32_t)umbra_params_degree(p->params);
    void *keys = NULL;
    if (count > MAX_KEYS || (uint64_t)count * 8 > umbra_reader_left(r))
        return umbra_reader_fail(r, "too many keys");
    UMBRA_TRY(umbra_memory_alloc_array(&keys, (size_t)count + 1, sizeof *p->keys, "a key request"));
    p->keys = keys;
    p->key_count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t galois = umbra_read_u32(r), level = umbra_read_u32(r);
        bool element = galois == 0 || (galois > 1 && galois < 2 * degree && galois % 2 == 1);
        bool ascending = i == 0 || galois > p->keys[i - 1].galois;
        if (!element || !ascending || level >= (uint32_t)umbra_params_level_count(p->params))
            return umbra_reader_fail(r, "a key that these parameters do not have");
        p->keys[i] = (umbra_key_item){.galois = galois, .level = (int)level};
    }
    return umbra_reader_check(r, "key request");
}

static bool positive(double x)
{
    return isfinite(x) && x > 0;
}

static umbra_status read_numbers(umbra_reader *r, umbra_profile *p)
{
    const uint32_t levels = (uint32_t)umbra_params_level_count(p->params);
    p->input_factor = umbra_read_f64(r);
    p->input_scale_log2 = umbra_read_f64(r);
    uint32_t level = umbra_read_u32(r);
    p->output_factor = umbra_read_f64(r);
    uint32_t output_level = umbra_read_u32(r);
    p->output_scale_log2 = umbra_read_f64(r);
    p->output_error = umbra_read_f64(r);
    p->predicted_bits = umbra_read_f64(r);
    p->predicted_seconds = umbra_read_f64(r);
    p->predicted_memory_bytes = umbra_read_u64(r);
    if (!positive(p->input_factor) || !positive(p->output_factor) ||
        !positive(p->input_scale_log2) || p->input_scale_log2 > 110 || !positive(p->output_error) ||
        p->output_error > 1e30 || !(fabs(p->predicted_bits) <= MOST_BITS) ||
        !isfinite(p->predicted_seconds) || !positive(p->output_scale_log2) ||
        p->output_scale_log2 > 110)
        return umbra_reader_fail(r, "a scale or factor out of range");
    if (level >= levels || output_level >= levels)
        return umbra_reader_fail(r, "a level out of range");
    p->input_level = (int)level;
    p->output_level = (int)output_level;
    umbra_read_copy(r, p->plan_hash, sizeof p->plan_hash);
    return umbra_reader_check(r, "profile");
}

static umbra_status read_body(umbra_reader *r, umbra_profile *p)
{
    UMBRA_TRY(umbra_params_read(r, &p->params));
    UMBRA_TRY(umbra_model_info_read(r, &p->model));
    UMBRA_TRY(umbra_layout_read(r, &p->input_layout));
    UMBRA_TRY(umbra_layout_read(r, &p->output_layout));
    size_t slots = umbra_params_slots(p->params);
    if (p->input_layout.slots != slots || p->output_layout.slots != slots)
        return umbra_reader_fail(r, "a layout of another ring degree");
    if (p->input_layout.images != p->output_layout.images)
        return umbra_reader_fail(r, "as many images go out as come in, and the layouts differ");
    UMBRA_TRY(read_numbers(r, p));
    if (p->model.label_count != 0 &&
        (size_t)p->model.label_count != umbra_layout_elements(&p->output_layout))
        return umbra_reader_fail(r, "as many labels as outputs are needed, and there are others");
    UMBRA_TRY(read_keys(r, p));
    if (umbra_reader_left(r) != 0)
        return umbra_reader_fail(r, "bytes after the end of the profile");
    return UMBRA_OK;
}

/* Whoever reads the header alone must be told the same as who reads the body. */
static umbra_status check_parameters(const umbra_profile *p, const umbra_envelope *envelope,
                                     const char *path)
{
    if (memcmp(umbra_params_hash(p->params), envelope->parameter_hash, UMBRA_HASH_BYTES) == 0)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: the header names other parameters than the profile has: fetch it again",
                      path);
}

umbra_status umbra_profile_load(const char *path, umbra_profile **out)
{
    umbra_file_copy content;
    umbra_envelope envelope;
    umbra_reader body;
    void *made = NULL;
    UMBRA_TRY(umbra_envelope_load(path, UMBRA_KIND_PROFILE, UMBRA_PROFILE_VERSION, &content,
                                  &envelope, &body));
    umbra_status status = umbra_memory_alloc(&made, sizeof(umbra_profile), "a profile");
    if (status == UMBRA_OK)
        status = read_body(&body, made);
    if (status == UMBRA_OK)
        status = check_parameters(made, &envelope, path);
    umbra_file_unload(&content);
    if (status != UMBRA_OK) {
        umbra_profile_free(made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}
