/* Files that commands of the client find for the user. */
#include "cli/files.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHIPPED_MODEL "chest-resnet20-f8"

umbra_status umbra_cli_open_encoder(const umbra_cli *cli, const umbra_model_info *info,
                                    const char *profile_path, umbra_image_encoder **out)
{
    *out = NULL;
    if (info->input_kind != UMBRA_INPUT_XRAY)
        return UMBRA_OK;
    if (cli->text[UMBRA_OPT_ENCODER] != NULL)
        return umbra_image_encoder_open(cli->text[UMBRA_OPT_ENCODER], info, cli->threads, out);
    char folder[4096], path[4096];
    const char *slash = strrchr(profile_path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - profile_path);
    if (length >= sizeof folder)
        return umbra_fail(UMBRA_E_USAGE,
                          "the path of the profile is too long; use one of fewer than 4096 bytes");
    memcpy(folder, profile_path, length);
    folder[length] = '\0';
    UMBRA_TRY(umbra_cli_join(path, slash == NULL ? "." : folder, "encoder.onnx"));
    umbra_status status = umbra_image_encoder_open(path, info, cli->threads, out);
    return status == UMBRA_OK
               ? status
               : umbra_fail_within(status, "cannot open the encoder beside the profile (or give "
                                           "--encoder)");
}

void umbra_cli_warn_shared_key(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        umbra_log_warning("%s can be read by other accounts of this machine; chmod 600 mends it",
                          path);
}

static bool has_model(const char *folder, char out[4096])
{
    char path[4096];
    if (umbra_cli_join(out, folder, SHIPPED_MODEL) != UMBRA_OK ||
        umbra_cli_join(path, out, "model.json") != UMBRA_OK)
        return false;
    return access(path, R_OK) == 0;
}

umbra_status umbra_cli_shipped_model(char out[4096])
{
    const char *named = getenv("UMBRA_MODELS");
    if (named != NULL) {
        if (has_model(named, out))
            return UMBRA_OK;
        return umbra_fail(UMBRA_E_INPUT, "UMBRA_MODELS is %s, but %s/%s/model.json cannot be read",
                          named, named, SHIPPED_MODEL);
    }
    if (has_model("models", out))
        return UMBRA_OK;
    char program[2048];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 16);
    if (length > 0) {
        program[length] = '\0';
        char *slash = strrchr(program, '/');
        *slash = '\0'; /* build/umbra: models/ stands beside build/ */
        slash = strrchr(program, '/');
        if (slash != NULL && (size_t)(slash - program) + sizeof "/models" <= sizeof program) {
            strcpy(slash, "/models");
            if (has_model(program, out))
                return UMBRA_OK;
        }
    }
    return umbra_fail(UMBRA_E_INPUT,
                      "cannot find models/%s; set UMBRA_MODELS to the folder that holds it",
                      SHIPPED_MODEL);
}
