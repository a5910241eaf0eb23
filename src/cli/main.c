/* The program `umbra`: every command. */
#include "cli/cli.h"

#include "base/machine.h"

static const umbra_command *const commands[] = {
    &umbra_command_doctor,  &umbra_command_demo,  &umbra_command_plan,    &umbra_command_keygen,
    &umbra_command_encrypt, &umbra_command_run,   &umbra_command_decrypt, &umbra_command_classify,
    &umbra_command_verify,  &umbra_command_bench, &umbra_command_phantom, &umbra_command_adapt,
};

int main(int argc, char **argv)
{
    umbra_machine_prepare();
    return umbra_cli_main(argc, argv, commands, (int)(sizeof commands / sizeof *commands));
}
