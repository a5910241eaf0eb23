/* umbra encrypt: an image or a tensor becomes an encrypted query. */
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"

#include "base/clock.h"
#include "base/memory.h"
#include "client/input.h"
#include "client/query.h"
#include "client/receipt.h"

#include <stdio.h>
#include <unistd.h>

static umbra_status print_report(const umbra_cli *cli, const char *path, const char *receipt,
                                 uint64_t bytes, double seconds)
{
    if (cli->json) {
        json_t *object =
            json_pack("{s:I, s:i, s:s, s:f}", "query_bytes", (json_int_t)bytes, "inputs",
                      cli->argument_count, "receipt", receipt, "seconds", seconds);
        umbra_report_machine(object, umbra_cli_threads(cli));
        return umbra_report_print(object);
    }
    char size[32];
    printf("%s   %s, for the server, made in %.2f s\n"
           "%s   stays here: which images it was made from, for umbra decrypt\n",
           path, umbra_cli_size_text(size, bytes), seconds, receipt);
    return UMBRA_OK;
}

/* Every image into its place of the batch, and its name and hash into the receipt. */
static umbra_status read_inputs(const umbra_cli *cli, umbra_image_encoder *encoder, float *tensors,
                                size_t count, umbra_receipt *receipt)
{
    for (int i = 0; i < cli->argument_count; i++) {
        umbra_cli_progress(cli, "encoding image %d of %d", i + 1, cli->argument_count);
        UMBRA_TRY(umbra_input_read(cli->argument[i], encoder, tensors + (size_t)i * count, count));
        UMBRA_TRY(umbra_receipt_add(receipt, cli->argument[i]));
        UMBRA_TRY(umbra_cli_check_interrupt());
    }
    return UMBRA_OK;
}

static umbra_status check_count(const umbra_cli *cli, const umbra_profile *profile)
{
    int most = profile->input_layout.images;
    if (cli->argument_count <= most)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_USAGE,
                      "%d inputs, and the plan takes %d in one run: send several queries, or plan "
                      "with a larger --batch",
                      cli->argument_count, most);
}

static umbra_status encrypt_inputs(const umbra_cli *cli, const umbra_profile *profile,
                                   const char *profile_path, const char *key_path,
                                   const char *output)
{
    uint64_t start = umbra_clock_ns(), bytes = 0;
    umbra_secret_key *key = NULL;
    umbra_image_encoder *encoder = NULL;
    umbra_receipt *receipt = NULL;
    char receipt_path[4096];
    void *tensors = NULL;
    size_t count = umbra_layout_elements(&profile->input_layout);
    size_t total = (size_t)cli->argument_count * count;
    int length = snprintf(receipt_path, sizeof receipt_path, "%s.receipt", output);
    UMBRA_TRY(check_count(cli, profile));
    if (length < 0 || (size_t)length >= sizeof receipt_path)
        return umbra_fail(UMBRA_E_USAGE,
                          "the path of the output is too long; use one of fewer than 4096 bytes");
    umbra_status status = umbra_secret_key_load(key_path, profile->params, &key);
    if (status == UMBRA_OK)
        umbra_cli_warn_shared_key(key_path);
    if (status == UMBRA_OK)
        status = umbra_cli_open_encoder(cli, &profile->model, profile_path, &encoder);
    if (status == UMBRA_OK)
        status = umbra_secret_alloc(&tensors, total * sizeof(float));
    if (status == UMBRA_OK)
        status = umbra_receipt_new(&receipt, umbra_secret_key_id(key));
    if (status == UMBRA_OK)
        status = read_inputs(cli, encoder, tensors, count, receipt);
    umbra_cli_progress(cli, "encrypting");
    if (status == UMBRA_OK)
        status = umbra_query_save(profile, key, tensors, total, receipt->query_id, output, &bytes);
    if (status == UMBRA_OK) {
        status = umbra_receipt_save(receipt, profile, receipt_path);
        if (status != UMBRA_OK)
            unlink(output); /* no query leaves without its receipt */
    }
    umbra_cli_progress_clear(cli);
    umbra_receipt_free(receipt);
    umbra_secret_free(tensors);
    umbra_image_encoder_free(encoder);
    umbra_secret_key_free(key);
    UMBRA_TRY(status);
    return print_report(cli, output, receipt_path, bytes,
                        (double)(umbra_clock_ns() - start) * 1e-9);
}

static umbra_status run_encrypt(const umbra_cli *cli)
{
    const char *profile_path = NULL, *key_path = NULL, *output = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_PROFILE, &profile_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_KEY, &key_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &output));
    umbra_profile *profile = NULL;
    UMBRA_TRY(umbra_profile_load(profile_path, &profile));
    umbra_status status = encrypt_inputs(cli, profile, profile_path, key_path, output);
    umbra_profile_free(profile);
    return status;
}

const umbra_command umbra_command_encrypt = {
    .name = "encrypt",
    .summary = "turn images, or tensors, into an encrypted query",
    .usage = "umbra encrypt --profile P --key KEYDIR/secret.key IMAGE|X.npy... -o query.ct\n"
             "                     [--encoder FILE] [--json]",
    .arguments = {"an image or a .npy"},
    .details =
        "Reads PNG, JPEG, TIFF or DICOM, runs the encoder network here, packs and encrypts. Only\n"
        "query.ct goes to the server. The encoder is taken from beside the profile, where\n"
        "`umbra plan` put it, or from --encoder. A plan made with --batch takes several images in\n"
        "one query, which does not tell how many there are. query.ct.receipt says which they are;\n"
        "it stays here, for umbra decrypt.",
    .example =
        "umbra encrypt --profile plan/client.profile --key keys/secret.key chest.dcm -o query.ct",
    .options = 1u << UMBRA_OPT_PROFILE | 1u << UMBRA_OPT_KEY | 1u << UMBRA_OPT_OUTPUT |
               1u << UMBRA_OPT_ENCODER,
    .least_arguments = 1,
    .most_arguments = UMBRA_CLI_MAX_ARGUMENTS,
    .run = run_encrypt,
};
