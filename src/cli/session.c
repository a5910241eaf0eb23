/* Client and server in one process: for demo, classify, verify and bench. */
#include "cli/session.h"

#include "base/clock.h"
#include "base/memory.h"
#include "client/answer.h"
#include "client/input.h"
#include "client/query.h"

#include <string.h>

static double since(uint64_t start)
{
    return (double)(umbra_clock_ns() - start) * 1e-9;
}

static int on_key(void *context, size_t done, size_t total)
{
    umbra_cli_progress(context, "making keys: %zu of %zu", done, total);
    return umbra_cli_interrupted();
}

static umbra_status compile(umbra_session *s, const char *model_path)
{
    umbra_plan_options options = {.threads = umbra_pool_threads(s->pool)};
    UMBRA_TRY(umbra_cli_plan_options(s->cli, &options));
    uint64_t start = umbra_clock_ns();
    umbra_cli_progress(s->cli, "reading the model");
    UMBRA_TRY(umbra_model_open(model_path, &s->model));
    if (s->model->encoder_path != NULL)
        UMBRA_TRY(umbra_image_encoder_open(s->model->encoder_path, &s->model->info, s->cli->threads,
                                           &s->encoder));
    UMBRA_TRY(umbra_plain_new(&s->plain, s->model->classifier, s->cli->threads));
    s->times.model = since(start);
    start = umbra_clock_ns();
    umbra_cli_progress(s->cli, "planning");
    UMBRA_TRY(umbra_plan_compile(&s->plan, s->model->classifier, &s->model->info, &options));
    s->times.plan = since(start);
    return umbra_cli_check_interrupt();
}

static umbra_status make_keys(umbra_session *s)
{
    const umbra_profile *profile = umbra_plan_profile(s->plan);
    umbra_key_request request = {profile->params, profile->keys, profile->key_count};
    uint64_t start = umbra_clock_ns();
    on_key((void *)s->cli, 0, profile->key_count);
    UMBRA_TRY(umbra_secret_key_generate(&s->secret, profile->params));
    const umbra_key_holding holding = umbra_plan_key_holding(s->plan);
    UMBRA_TRY(umbra_evaluation_keys_generate(&s->keys, s->secret, &request, &holding, s->pool));
    s->times.keys = since(start);
    return umbra_cli_check_interrupt();
}

static umbra_status allocate(umbra_session *s)
{
    const umbra_profile *profile = umbra_plan_profile(s->plan);
    s->input_count = umbra_layout_elements(&profile->input_layout);
    s->output_count = umbra_layout_elements(&profile->output_layout);
    s->images = profile->input_layout.images;
    size_t inputs = (size_t)s->images * s->input_count;
    size_t outputs = (size_t)s->images * s->output_count;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, inputs * sizeof(float)));
    s->input = memory;
    UMBRA_TRY(umbra_secret_alloc(&memory, 3 * outputs * sizeof(double)));
    s->logits = memory;
    s->exact = s->logits + outputs;
    s->reference = s->exact + outputs;
    return UMBRA_OK;
}

umbra_status umbra_session_open(umbra_session *s, const umbra_cli *cli, const char *model_path)
{
    *s = (umbra_session){.cli = cli};
    UMBRA_TRY(umbra_pool_new(&s->pool, cli->threads));
    UMBRA_TRY(compile(s, model_path));
    UMBRA_TRY(allocate(s));
    UMBRA_TRY(make_keys(s));
    uint64_t start = umbra_clock_ns();
    umbra_cli_progress(cli, "preparing the weights");
    UMBRA_TRY(umbra_exec_new(&s->exec, s->plan, s->keys, s->pool));
    UMBRA_TRY(umbra_exec_prepare(s->exec));
    s->times.prepare = since(start);
    return UMBRA_OK;
}

void umbra_session_close(umbra_session *s)
{
    umbra_secret_free(s->input);
    umbra_secret_free(s->logits);
    umbra_exec_free(s->exec);
    umbra_evaluation_keys_free(s->keys);
    umbra_secret_key_free(s->secret);
    umbra_plan_free(s->plan);
    umbra_plain_free(s->plain);
    umbra_image_encoder_free(s->encoder);
    umbra_model_free(s->model);
    umbra_pool_free(s->pool);
    *s = (umbra_session){0};
}

static umbra_status read_phantom(umbra_session *s, float *input, uint64_t seed)
{
    if (s->encoder == NULL)
        return umbra_fail(UMBRA_E_USAGE, "this model takes no image; give its input as a .npy");
    umbra_image image = {0};
    UMBRA_TRY(umbra_phantom_chest(UMBRA_CLI_PHANTOM_SIDE, seed, &image));
    umbra_status status = umbra_image_encoder_run(s->encoder, &image, input);
    umbra_image_free(&image);
    return status;
}

umbra_status umbra_session_read(umbra_session *s, int image, const char *path,
                                uint64_t phantom_seed)
{
    float *input = s->input + (size_t)image * s->input_count;
    uint64_t start = umbra_clock_ns();
    umbra_cli_progress(s->cli, "encoding the image");
    umbra_status status = path != NULL ? umbra_input_read(path, s->encoder, input, s->input_count)
                                       : read_phantom(s, input, phantom_seed);
    s->times.image = since(start);
    return status;
}

/* The ciphertexts of one inference; released together. */
typedef struct exchange {
    umbra_ciphertext **query, **result;
    unsigned char (*seeds)[UMBRA_SEED_BYTES];
    int query_count, result_count;
} exchange;

static void exchange_release(exchange *x)
{
    for (int i = 0; x->query != NULL && i < x->query_count; i++)
        umbra_ciphertext_free(x->query[i]);
    for (int i = 0; x->result != NULL && i < x->result_count; i++)
        umbra_ciphertext_free(x->result[i]);
    umbra_memory_free(x->query);
    umbra_memory_free(x->result);
    umbra_memory_free(x->seeds);
}

static umbra_status exchange_allocate(exchange *x, const umbra_profile *profile)
{
    void *memory = NULL;
    *x = (exchange){.query_count = profile->input_layout.ciphertexts,
                    .result_count = profile->output_layout.ciphertexts};
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)x->query_count, sizeof *x->query, "query"));
    x->query = memory;
    UMBRA_TRY(
        umbra_memory_alloc_array(&memory, (size_t)x->result_count, sizeof *x->result, "result"));
    x->result = memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)x->query_count, UMBRA_SEED_BYTES, "seeds"));
    x->seeds = memory;
    return UMBRA_OK;
}

static umbra_status compute(umbra_session *s, exchange *x, int count, umbra_exec_progress progress,
                            void *context)
{
    const umbra_profile *profile = umbra_plan_profile(s->plan);
    uint64_t start = umbra_clock_ns();
    UMBRA_TRY(umbra_query_encrypt(profile, s->secret, s->input, (size_t)count * s->input_count,
                                  x->query, x->seeds));
    s->times.encrypt = since(start);
    start = umbra_clock_ns();
    UMBRA_TRY(umbra_exec_run(s->exec, (const umbra_ciphertext *const *)x->query, x->query_count,
                             x->result, x->result_count, progress, context));
    s->times.run = since(start);
    start = umbra_clock_ns();
    UMBRA_TRY(umbra_answer_decrypt_tensor(s->secret, &profile->output_layout,
                                          profile->output_factor, count,
                                          (const umbra_ciphertext *const *)x->result, s->exact));
    memcpy(s->logits, s->exact, (size_t)count * s->output_count * sizeof *s->logits);
    umbra_answer_round(profile, s->logits, (size_t)count * s->output_count);
    s->times.decrypt = since(start);
    return UMBRA_OK;
}

static umbra_status run_reference(umbra_session *s, int count)
{
    uint64_t start = umbra_clock_ns();
    for (int k = count - 1; k >= 0; k--) {
        const float *inputs[1] = {s->input + (size_t)k * s->input_count};
        UMBRA_TRY(umbra_plain_run(s->plain, inputs));
        const float *outputs = umbra_plain_value(s->plain, s->model->classifier->outputs[0]);
        for (size_t i = 0; i < s->output_count; i++)
            s->reference[(size_t)k * s->output_count + i] = (double)outputs[i];
    }
    s->times.plain = since(start);
    return UMBRA_OK;
}

umbra_status umbra_session_infer(umbra_session *s, int count, umbra_exec_progress progress,
                                 void *context)
{
    exchange x;
    UMBRA_TRY(run_reference(s, count)); /* before, so that an observer can compare node by node */
    umbra_status status = exchange_allocate(&x, umbra_plan_profile(s->plan));
    if (status == UMBRA_OK)
        status = compute(s, &x, count, progress, context);
    exchange_release(&x);
    return status;
}
