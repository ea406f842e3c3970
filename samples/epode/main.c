/* main.c: finds the command. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct {
    const char *name;
    int (*run)(cli_options *o);
} commands[] = {
    { "connect", cmd_connect },
    { "chat", cmd_chat },
    { "send", cmd_send },
    { "history", cmd_history },
    { "search", cmd_search },
    { "conversations", cmd_conversations },
    { "unread", cmd_unread },
    { "doctor", cmd_doctor },
    { "roster", cmd_roster },
    { "presence", cmd_presence },
    { "watch", cmd_watch },
    { "fetch", cmd_fetch },
    { "join", cmd_join },
    { "forget", cmd_forget },
};

int main(int argc, char **argv)
{
    cli_options o = { 0 };
    int code = EXIT_USAGE;
    if (!cli_parse(&o, argc, argv, &code))
        return code;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(o.command, commands[i].name) == 0) {
            code = commands[i].run(&o);
            cli_options_free(&o);
            return code;
        }
    fprintf(stderr, "epode: there is no command '%s'; try epode --help\n", o.command);
    cli_options_free(&o);
    return EXIT_USAGE;
}
