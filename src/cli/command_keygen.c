/* umbra keygen: make the secret key, and the evaluation keys that a server needs. */
#include "cli/cli.h"
#include "cli/report.h"

#include "base/clock.h"
#include "base/threads.h"
#include "ckks/keys.h"
#include "client/keyring.h"

#include <sys/stat.h>

static int on_key(void *context, size_t done, size_t total)
{
    umbra_cli_progress(context, "evaluation keys: %zu of %zu", done, total);
    return umbra_cli_interrupted();
}

static umbra_status refuse_existing(const umbra_cli *cli, const char *path)
{
    struct stat info;
    if (cli->text[UMBRA_OPT_OVERWRITE] == NULL && stat(path, &info) == 0)
        return umbra_fail(
            UMBRA_E_USAGE,
            "%s is already there, and results for it could no longer be decrypted; choose "
            "another folder, or --force",
            path);
    return UMBRA_OK;
}

/* As `umbra plan` counts them: without the relinearisation key. */
static size_t count_rotations(const umbra_profile *profile)
{
    size_t rotations = 0;
    for (size_t i = 0; i < profile->key_count; i++)
        rotations += profile->keys[i].galois != 0;
    return rotations;
}

static umbra_status print_report(const umbra_cli *cli, const char *folder, size_t rotations,
                                 uint64_t key_bytes, double seconds, int threads)
{
    if (cli->json) {
        json_t *object = json_pack("{s:I, s:I, s:f}", "key_bytes", (json_int_t)key_bytes,
                                   "rotations", (json_int_t)rotations, "seconds", seconds);
        umbra_report_machine(object, threads);
        return umbra_report_print(object);
    }
    char size[32];
    printf("%s/secret.key        keep it here; whoever has it reads every answer\n"
           "%s/evaluation.keys   for the server: %s, %zu rotations, made in %.1f s\n",
           folder, folder, umbra_cli_size_text(size, key_bytes), rotations, seconds);
    return UMBRA_OK;
}

static umbra_status make_keys(const umbra_cli *cli, const umbra_profile *profile, umbra_pool *pool,
                              const char *folder)
{
    char secret_path[4096], evaluation_path[4096];
    UMBRA_TRY(umbra_cli_make_folder(folder));
    UMBRA_TRY(umbra_cli_join(secret_path, folder, "secret.key"));
    UMBRA_TRY(umbra_cli_join(evaluation_path, folder, "evaluation.keys"));
    UMBRA_TRY(refuse_existing(cli, secret_path));
    UMBRA_TRY(refuse_existing(cli, evaluation_path));
    uint64_t start = umbra_clock_ns(), bytes = 0;
    UMBRA_TRY(umbra_keyring_create(profile, pool, secret_path, evaluation_path, on_key, (void *)cli,
                                   &bytes));
    umbra_cli_progress_clear(cli);
    return print_report(cli, folder, count_rotations(profile), bytes,
                        (double)(umbra_clock_ns() - start) * 1e-9, umbra_pool_threads(pool));
}

static umbra_status run_keygen(const umbra_cli *cli)
{
    const char *profile_path = NULL, *folder = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_PROFILE, &profile_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &folder));
    umbra_profile *profile = NULL;
    umbra_pool *pool = NULL;
    umbra_status status = umbra_profile_load(profile_path, &profile);
    if (status == UMBRA_OK)
        status = umbra_pool_new(&pool, cli->threads);
    if (status == UMBRA_OK)
        status = make_keys(cli, profile, pool, folder);
    umbra_pool_free(pool);
    umbra_profile_free(profile);
    return status;
}

const umbra_command umbra_command_keygen = {
    .name = "keygen",
    .summary = "make the secret key, and the keys that a server needs",
    .usage = "umbra keygen --profile DIR/client.profile -o KEYDIR [--force] [--json]",
    .details = "Writes KEYDIR/secret.key (mode 0600: it decrypts, and stays with the client) and\n"
               "KEYDIR/evaluation.keys (for the server: it computes, and decrypts nothing).",
    .example = "umbra keygen --profile plan/client.profile -o keys",
    .options = 1u << UMBRA_OPT_PROFILE | 1u << UMBRA_OPT_OUTPUT | 1u << UMBRA_OPT_OVERWRITE,
    .run = run_keygen,
};
