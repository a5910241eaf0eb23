/* umbra decrypt: an encrypted result becomes an answer. */
#include "cli/answer_report.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"

#include "base/memory.h"
#include "ckks/ciphertext_file.h"
#include "client/answer.h"
#include "graph/npy.h"

static umbra_status write_npy(const char *path, const umbra_layout *layout, const double *logits,
                              size_t count)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count, sizeof(float), "answer"));
    float *values = memory;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)logits[i];
    umbra_shape shape = {2, {1, (int64_t)count}};
    if (layout->height > 1 || layout->width > 1)
        shape = (umbra_shape){4, {1, layout->channels, layout->height, layout->width}};
    umbra_status status = umbra_npy_write_f32(path, &shape, values);
    umbra_secret_wipe(values, count * sizeof *values);
    umbra_memory_free(values);
    return status;
}

static umbra_status print_report(const umbra_cli *cli, const umbra_profile *profile,
                                 const double *logits, double *values, size_t count)
{
    umbra_answer_values(&profile->model, logits, values, count);
    if (!cli->json) {
        umbra_answer_print(&profile->model, values, NULL, count);
        return UMBRA_OK;
    }
    json_t *object = json_object();
    umbra_answer_json(object, &profile->model, logits, values, NULL, count);
    json_object_set_new(object, "predicted_bits", json_real(profile->predicted_bits));
    umbra_report_machine(object, 1);
    return umbra_report_print(object);
}

static umbra_status decrypt_result(const umbra_cli *cli, const umbra_profile *profile,
                                   const umbra_secret_key *key, umbra_ciphertext **result)
{
    const umbra_layout *layout = &profile->output_layout;
    size_t count = umbra_layout_elements(layout);
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, 2 * count * sizeof(double)));
    double *logits = memory;
    umbra_status status =
        umbra_answer_decrypt(profile, key, (const umbra_ciphertext *const *)result, logits);
    if (status == UMBRA_OK && cli->text[UMBRA_OPT_OUTPUT] != NULL)
        status = write_npy(cli->text[UMBRA_OPT_OUTPUT], layout, logits, count);
    if (status == UMBRA_OK)
        status = print_report(cli, profile, logits, logits + count, count);
    umbra_secret_free(logits);
    return status;
}

static umbra_status open_result(const umbra_cli *cli, const umbra_profile *profile,
                                const char *key_path)
{
    int count = profile->output_layout.ciphertexts;
    umbra_secret_key *key = NULL;
    void *memory = NULL;
    umbra_status status = umbra_secret_key_load(key_path, profile->params, &key);
    if (status == UMBRA_OK)
        umbra_cli_warn_shared_key(key_path);
    if (status == UMBRA_OK)
        status =
            umbra_memory_alloc_array(&memory, (size_t)count, sizeof(umbra_ciphertext *), "result");
    umbra_ciphertext **result = memory;
    const umbra_ciphertexts_use use = {UMBRA_ROLE_RESULT, profile->plan_hash};
    if (status == UMBRA_OK)
        status =
            umbra_ciphertexts_load(cli->argument[0], &use, profile->params, count, result, NULL);
    if (status == UMBRA_OK)
        status = decrypt_result(cli, profile, key, result);
    for (int i = 0; result != NULL && i < count; i++)
        umbra_ciphertext_free(result[i]);
    umbra_memory_free(result);
    umbra_secret_key_free(key);
    return status;
}

static umbra_status run_decrypt(const umbra_cli *cli)
{
    const char *profile_path = NULL, *key_path = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_PROFILE, &profile_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_KEY, &key_path));
    umbra_profile *profile = NULL;
    UMBRA_TRY(umbra_profile_load(profile_path, &profile));
    umbra_status status = open_result(cli, profile, key_path);
    umbra_profile_free(profile);
    return status;
}

const umbra_command umbra_command_decrypt = {
    .name = "decrypt",
    .summary = "turn an encrypted result into the answer",
    .usage = "umbra decrypt --profile P --key KEYDIR/secret.key result.ct [-o Y.npy] [--json]",
    .details =
        "Prints labels with probabilities; -o writes the logits as float32. What is printed and\n"
        "written is rounded to the precision that the plan predicts: the digits below are noise.",
    .example = "umbra decrypt --profile plan/client.profile --key keys/secret.key result.ct",
    .options = 1u << UMBRA_OPT_PROFILE | 1u << UMBRA_OPT_KEY | 1u << UMBRA_OPT_OUTPUT,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_decrypt,
};
