/* connect.c: epode connect JID */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct connect_run {
    const cli_options *o;
    unsigned long messages;
    bool ready;
    int code;
} connect_run;

static void on_state(connect_run *run, epode_client *client, const epode_event *ev)
{
    static const char *const names[] = { "stopped", "connecting", "ready", "offline" };
    const epode_session *s = epode_client_session(client);
    if (ev->state == EPODE_READY) {
        run->ready = true;
        if (run->o->json)
            cli_print_json(cli_session_json(s));
        else
            cli_session_print(s);
        if (!run->o->listen)
            epode_client_stop(client, EPODE_STOP_CLOSE);
        return;
    }
    if (ev->state == EPODE_STOPPED && ev->error) {
        run->code = cli_fail(run->o, ev->error);
        return;
    }
    if (!run->o->listen || ev->state == EPODE_STOPPED)
        return;
    if (run->o->json)
        cli_print_json(json_pack("{s:s,s:s?}", "state", names[ev->state], "why",
                                 ev->error ? epode_error_text(ev->error) : NULL));
    else if (ev->error)
        printf("%s: %s\n", names[ev->state], epode_error_text(ev->error));
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    connect_run *run = user;
    if (ev->type == EPODE_EV_STATE) {
        on_state(run, client, ev);
    } else if (ev->type == EPODE_EV_MESSAGE) {
        run->messages++;
        if (run->o->json)
            cli_print_json(json_pack("{s:s,s:I,s:s%}", "event", "message", "row", (json_int_t)ev->row, "xml", ev->xml,
                                     ev->xml_len));
        else
            printf("message %llu: %s\n", (unsigned long long)ev->row, ev->xml);
        fflush(stdout);
    }
}

int cmd_connect(cli_options *o)
{
    connect_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count != 1 && !(o->arg_count == 0 && o->jid))
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode connect JID");
    if (o->arg_count)
        o->jid = o->args[0];
    if (!cli_password(o, &code))
        return code;
    epode_client *client = cli_client(o, on_event, &run, &code);
    if (!client)
        return code;
    epode_client_start(client);
    code = cli_run(o, client);
    epode_client_free(client);
    return code ? code : run.code;
}
