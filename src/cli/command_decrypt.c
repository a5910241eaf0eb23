/* umbra decrypt: an encrypted result becomes an answer. */
#include "cli/answer_report.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"

#include "base/memory.h"
#include "ckks/ciphertext_file.h"
#include "client/answer.h"
#include "client/receipt.h"
#include "graph/npy.h"

/* count: of all images together */
static umbra_status write_npy(const char *path, const umbra_layout *layout, const double *logits,
                              size_t count)
{
    int64_t images = (int64_t)(count / umbra_layout_elements(layout));
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count, sizeof(float), "answer"));
    float *values = memory;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)logits[i];
    umbra_shape shape = {2, {images, layout->channels}};
    if (layout->height > 1 || layout->width > 1)
        shape = (umbra_shape){4, {images, layout->channels, layout->height, layout->width}};
    umbra_status status = umbra_npy_write_f32(path, &shape, values);
    umbra_secret_wipe(values, count * sizeof *values);
    umbra_memory_free(values);
    return status;
}

static void add_input(json_t *object, const umbra_receipt_item *item)
{
    char hash[2 * UMBRA_HASH_BYTES + 1];
    for (size_t i = 0; i < UMBRA_HASH_BYTES; i++)
        snprintf(hash + 2 * i, 3, "%02x", item->hash[i]);
    json_object_set_new(object, "input", json_string(item->name));
    json_object_set_new(object, "input_blake2b", json_string(hash));
}

/* How far a logit may be off: by the computation, and by half of a grid. */
static void add_precision(json_t *object, const umbra_profile *profile)
{
    json_object_set_new(object, "predicted_bits", json_real(profile->predicted_bits));
    json_object_set_new(object, "predicted_error", json_real(profile->output_error));
    json_object_set_new(object, "grid", json_real(umbra_answer_grid(profile)));
}

/* With a receipt: one answer for each image, beside its name. values: room for one answer. */
static umbra_status print_answers(const umbra_cli *cli, const umbra_profile *profile,
                                  const umbra_receipt *receipt, const double *logits,
                                  double *values, size_t count)
{
    json_t *object = json_object(), *answers = json_array();
    for (int k = 0; k < receipt->count; k++) {
        const double *own = logits + (size_t)k * count;
        umbra_answer_values(&profile->model, own, values, count);
        if (cli->json) {
            json_t *answer = json_object();
            add_input(answer, &receipt->items[k]);
            umbra_answer_json(answer, &profile->model, own, values, NULL, count);
            json_array_append_new(answers, answer);
            continue;
        }
        printf("%s%s\n", k == 0 ? "" : "\n", receipt->items[k].name);
        umbra_answer_print(&profile->model, values, NULL, count);
    }
    json_object_set_new(object, "answers", answers);
    add_precision(object, profile);
    if (!cli->json) {
        json_decref(object);
        return UMBRA_OK;
    }
    umbra_report_machine(object, 1);
    return umbra_report_print(object);
}

static umbra_status print_one(const umbra_cli *cli, const umbra_profile *profile,
                              const double *logits, double *values, size_t count)
{
    umbra_answer_values(&profile->model, logits, values, count);
    if (!cli->json) {
        umbra_answer_print(&profile->model, values, NULL, count);
        return UMBRA_OK;
    }
    json_t *object = json_object();
    umbra_answer_json(object, &profile->model, logits, values, NULL, count);
    add_precision(object, profile);
    umbra_report_machine(object, 1);
    return umbra_report_print(object);
}

static umbra_status decrypt_result(const umbra_cli *cli, const umbra_profile *profile,
                                   const umbra_secret_key *key, const umbra_receipt *receipt,
                                   umbra_ciphertext **result)
{
    const umbra_layout *layout = &profile->output_layout;
    int images = receipt == NULL ? 1 : receipt->count;
    size_t count = umbra_layout_elements(layout), total = (size_t)images * count;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, (total + count) * sizeof(double)));
    double *logits = memory;
    umbra_status status =
        umbra_answer_decrypt(profile, key, images, (const umbra_ciphertext *const *)result, logits);
    if (status != UMBRA_OK)
        status = umbra_fail_within(status, "%s", cli->argument[0]);
    if (status == UMBRA_OK && cli->text[UMBRA_OPT_OUTPUT] != NULL)
        status = write_npy(cli->text[UMBRA_OPT_OUTPUT], layout, logits, total);
    if (status == UMBRA_OK)
        status = receipt == NULL
                     ? print_one(cli, profile, logits, logits + total, count)
                     : print_answers(cli, profile, receipt, logits, logits + total, count);
    umbra_secret_free(logits);
    return status;
}

/* NULL where none is given, which only a plan for one image allows. */
static umbra_status open_receipt(const umbra_cli *cli, const umbra_profile *profile,
                                 umbra_receipt **out)
{
    const char *path = cli->text[UMBRA_OPT_RECEIPT];
    if (path != NULL)
        return umbra_receipt_load(path, profile, out);
    if (profile->output_layout.images == 1)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_USAGE,
                      "the answers to up to %d images: --receipt is needed, the file that umbra "
                      "encrypt wrote beside the query",
                      profile->output_layout.images);
}

static umbra_status load_result(const umbra_cli *cli, const umbra_profile *profile,
                                const umbra_receipt *receipt, int count, umbra_ciphertext **result)
{
    unsigned char id[UMBRA_QUERY_ID_BYTES];
    const umbra_ciphertexts_use use = {UMBRA_ROLE_RESULT, profile->plan_hash, id};
    UMBRA_TRY(umbra_ciphertexts_load(cli->argument[0], &use, profile->params, count, result, NULL));
    if (receipt == NULL)
        return UMBRA_OK;
    umbra_status status = umbra_receipt_check(receipt, id, result[0]->key_id);
    return status == UMBRA_OK ? status : umbra_fail_within(status, "%s", cli->argument[0]);
}

static umbra_status open_result(const umbra_cli *cli, const umbra_profile *profile,
                                const char *key_path)
{
    int count = profile->output_layout.ciphertexts;
    umbra_secret_key *key = NULL;
    umbra_receipt *receipt = NULL;
    void *memory = NULL;
    umbra_status status = umbra_secret_key_load(key_path, profile->params, &key);
    if (status == UMBRA_OK)
        umbra_cli_warn_shared_key(key_path);
    if (status == UMBRA_OK)
        status = open_receipt(cli, profile, &receipt);
    if (status == UMBRA_OK)
        status =
            umbra_memory_alloc_array(&memory, (size_t)count, sizeof(umbra_ciphertext *), "result");
    umbra_ciphertext **result = memory;
    if (status == UMBRA_OK)
        status = load_result(cli, profile, receipt, count, result);
    if (status == UMBRA_OK)
        status = decrypt_result(cli, profile, key, receipt, result);
    for (int i = 0; result != NULL && i < count; i++)
        umbra_ciphertext_free(result[i]);
    umbra_memory_free(result);
    umbra_receipt_free(receipt);
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
    .usage = "umbra decrypt --profile P --key KEYDIR/secret.key [--receipt R] result.ct [-o Y.npy]",
    .arguments = {"the result, as result.ct"},
    .details =
        "Prints labels with probabilities; -o writes the logits as float32. What is printed and\n"
        "written is rounded to the precision that the plan predicts: the digits below are noise.\n"
        "With the query's receipt every answer stands beside the name of its image, and a result\n"
        "of another query is refused; results of several images need it.",
    .example = "umbra decrypt --profile plan/client.profile --key keys/secret.key result.ct",
    .options = 1u << UMBRA_OPT_PROFILE | 1u << UMBRA_OPT_KEY | 1u << UMBRA_OPT_OUTPUT |
               1u << UMBRA_OPT_RECEIPT,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_decrypt,
};
