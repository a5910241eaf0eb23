/* umbra encrypt: an image or a tensor becomes an encrypted query. */
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"

#include "base/clock.h"
#include "base/memory.h"
#include "client/input.h"
#include "client/query.h"

static umbra_status print_report(const umbra_cli *cli, const char *path, uint64_t bytes,
                                 double seconds)
{
    if (cli->json) {
        json_t *object =
            json_pack("{s:I, s:f}", "query_bytes", (json_int_t)bytes, "seconds", seconds);
        umbra_report_machine(object, umbra_cli_threads(cli));
        return umbra_report_print(object);
    }
    char size[32];
    printf("%s   %s, for the server, made in %.2f s\n", path, umbra_cli_size_text(size, bytes),
           seconds);
    return UMBRA_OK;
}

static umbra_status encrypt_input(const umbra_cli *cli, const umbra_profile *profile,
                                  const char *profile_path, const char *key_path,
                                  const char *output)
{
    uint64_t start = umbra_clock_ns(), bytes = 0;
    umbra_secret_key *key = NULL;
    umbra_image_encoder *encoder = NULL;
    void *tensor = NULL;
    size_t count = umbra_layout_elements(&profile->input_layout);
    umbra_status status = umbra_secret_key_load(key_path, profile->params, &key);
    if (status == UMBRA_OK)
        umbra_cli_warn_shared_key(key_path);
    if (status == UMBRA_OK)
        status = umbra_cli_open_encoder(cli, &profile->model, profile_path, &encoder);
    if (status == UMBRA_OK)
        status = umbra_secret_alloc(&tensor, count * sizeof(float));
    umbra_cli_progress(cli, "encoding the image");
    if (status == UMBRA_OK)
        status = umbra_input_read(cli->argument[0], encoder, tensor, count);
    if (status == UMBRA_OK)
        status = umbra_cli_check_interrupt();
    umbra_cli_progress(cli, "encrypting");
    if (status == UMBRA_OK)
        status = umbra_query_save(profile, key, tensor, count, output, &bytes);
    umbra_cli_progress_clear(cli);
    umbra_secret_free(tensor);
    umbra_image_encoder_free(encoder);
    umbra_secret_key_free(key);
    UMBRA_TRY(status);
    return print_report(cli, output, bytes, (double)(umbra_clock_ns() - start) * 1e-9);
}

static umbra_status run_encrypt(const umbra_cli *cli)
{
    const char *profile_path = NULL, *key_path = NULL, *output = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_PROFILE, &profile_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_KEY, &key_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &output));
    umbra_profile *profile = NULL;
    UMBRA_TRY(umbra_profile_load(profile_path, &profile));
    umbra_status status = encrypt_input(cli, profile, profile_path, key_path, output);
    umbra_profile_free(profile);
    return status;
}

const umbra_command umbra_command_encrypt = {
    .name = "encrypt",
    .summary = "turn an image, or a tensor, into an encrypted query",
    .usage = "umbra encrypt --profile P --key KEYDIR/secret.key IMAGE|X.npy -o query.ct [--json]",
    .details =
        "Reads PNG, JPEG, TIFF or DICOM, runs the encoder network here, packs and encrypts. Only\n"
        "query.ct goes to the server. The encoder is taken from beside the profile, where\n"
        "`umbra plan` put it, or from --encoder.",
    .example =
        "umbra encrypt --profile plan/client.profile --key keys/secret.key chest.dcm -o query.ct",
    .options = 1u << UMBRA_OPT_PROFILE | 1u << UMBRA_OPT_KEY | 1u << UMBRA_OPT_OUTPUT |
               1u << UMBRA_OPT_ENCODER,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_encrypt,
};
