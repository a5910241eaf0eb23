/* The program `umbra-server-only`: what a server runs, linked without anything that takes a secret
 * key. */
#include "cli/cli.h"

#include "base/machine.h"

static const umbra_command *const commands[] = {&umbra_command_run};

int main(int argc, char **argv)
{
    umbra_machine_prepare();
    return umbra_cli_main(argc, argv, commands, (int)(sizeof commands / sizeof *commands));
}
