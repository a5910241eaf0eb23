/* umbra phantom: draw a chest film, for trying things out without a patient. */
#include "cli/cli.h"
#include "cli/report.h"

#include "imaging/image.h"

static umbra_status run_phantom(const umbra_cli *cli)
{
    const char *output = NULL;
    uint64_t seed = 1;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &output));
    UMBRA_TRY(umbra_cli_count(cli, UMBRA_OPT_NUMBER, 1, 1000000000, &seed));
    umbra_image image = {0};
    UMBRA_TRY(umbra_phantom_chest(UMBRA_CLI_PHANTOM_SIDE, seed, &image));
    umbra_status status = umbra_image_write_png(&image, output);
    umbra_image_free(&image);
    UMBRA_TRY(status);
    if (cli->json)
        return umbra_report_print(json_pack("{s:s, s:I, s:i, s:i}", "file", output, "number",
                                            (json_int_t)seed, "width", UMBRA_CLI_PHANTOM_SIDE,
                                            "height", UMBRA_CLI_PHANTOM_SIDE));
    printf("%s   phantom chest film number %llu, %d x %d\n", output, (unsigned long long)seed,
           UMBRA_CLI_PHANTOM_SIDE, UMBRA_CLI_PHANTOM_SIDE);
    return UMBRA_OK;
}

const umbra_command umbra_command_phantom = {
    .name = "phantom",
    .summary = "draw a chest film that belongs to nobody",
    .usage = "umbra phantom -o FILE.png [-n NUMBER] [--json]",
    .details = "Writes a 1024 x 1024 grey PNG: ribs, lung fields, heart, diaphragm, noise. The "
               "same number\n"
               "(-n, 1 by default) gives the same film.",
    .example = "umbra phantom -o chest.png -n 7",
    .options = 1u << UMBRA_OPT_OUTPUT | 1u << UMBRA_OPT_NUMBER,
    .run = run_phantom,
};
