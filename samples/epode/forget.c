/* forget.c: epode forget JID */
#include <stdio.h>

#include "cli.h"

int cmd_forget(cli_options *o)
{
    int code = EXIT_USAGE;
    if (o->arg_count != 1 && !(o->arg_count == 0 && o->jid))
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode forget JID [--facts] [--token] [--pins] [--all]");
    if (o->arg_count)
        o->jid = o->args[0];
    int what = (o->facts || o->all ? EPODE_FORGET_FACTS : 0) | (o->token || o->all ? EPODE_FORGET_TOKEN : 0) |
               (o->pins || o->all ? EPODE_FORGET_PINS : 0) | (o->all ? EPODE_FORGET_SESSION : 0);
    if (!what)
        return cli_fail_text(o, EPODE_EINVAL, "say what to forget: --facts, --token, --pins or --all");
    epode_client *client = cli_client(o, NULL, NULL, &code);
    if (!client)
        return code;
    epode_status st = epode_client_forget(client, what);
    epode_client_free(client);
    if (st)
        return cli_fail_text(o, st, "what is remembered could not be dropped");
    if (o->json)
        cli_print_json(json_pack("{s:b,s:b,s:b,s:b}", "facts", what & EPODE_FORGET_FACTS ? 1 : 0, "token",
                                 what & EPODE_FORGET_TOKEN ? 1 : 0, "pins",
                                 what & (EPODE_FORGET_PINS | EPODE_FORGET_FACTS) ? 1 : 0, "session", what & EPODE_FORGET_SESSION ? 1 : 0));
    return EXIT_OK;
}
