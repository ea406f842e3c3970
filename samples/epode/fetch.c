/* fetch.c: epode fetch JID: what an application does when a push wakes it: everything new, within a time, and gone. */
#include <stdio.h>

#include "cli.h"

typedef struct fetch_run {
    const cli_options *o;
    int code;
} fetch_run;

static void on_fetched(fetch_run *run, epode_client *client, const epode_event *ev)
{
    const epode_session *s = epode_client_session(client);
    double ms = s && epode_session_synced_us(s) >= 0 ? (double)epode_session_synced_us(s) / 1000.0 : 0;
    if (run->o->json)
        cli_print_json(json_pack("{s:b,s:I,s:f,s:s?}", "complete", ev->synced, "new_messages", (json_int_t)ev->done, "synced_ms",
                                 ms, "why", ev->error ? epode_error_text(ev->error) : NULL));
    else
        printf("%zu new messages%s%s\n", ev->done, ev->synced ? "" : ", and there may be more: ",
               ev->synced || !ev->error ? "" : epode_error_text(ev->error));
    run->code = ev->synced ? EXIT_OK : EXIT_NETWORK;
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    if (ev->type == EPODE_EV_FETCHED)
        on_fetched(user, client, ev);
}

int cmd_fetch(cli_options *o)
{
    fetch_run run = { .o = o, .code = EXIT_OTHER };
    int code = EXIT_USAGE;
    if (o->arg_count > 1 || (!o->jid && !o->arg_count))
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode fetch JID [--timeout SECONDS]");
    if (o->arg_count)
        o->jid = o->args[0];
    if (!cli_password(o, &code))
        return code;
    epode_client *client = cli_client(o, on_event, &run, &code);
    if (!client)
        return code;
    epode_status st = epode_client_fetch(client, o->timeout_s * 1000);
    code = st ? cli_fail_text(o, st, "nothing can be fetched") : cli_run(o, client);
    epode_client_free(client);
    return code ? code : run.code;
}
