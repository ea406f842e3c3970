/* send.c: epode send PEER TEXT */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct send_run {
    const cli_options *o;
    const char *peer, *text;
    char id[40];
    bool done;
    int code;
} send_run;

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    send_run *run = user;
    if (ev->type == EPODE_EV_STATE && ev->state == EPODE_READY && !run->id[0]) {
        epode_status st = epode_send_chat(client, run->peer, run->text, run->id);
        if (st) {
            run->code = cli_fail_text(run->o, st, "the message cannot be sent: is the peer a JID and the text valid?");
            epode_client_stop(client, EPODE_STOP_CLOSE);
        }
    } else if (ev->type == EPODE_EV_STATE && ev->state == EPODE_STOPPED && ev->error && !run->done) {
        run->code = cli_fail(run->o, ev->error);
    } else if (ev->type == EPODE_EV_DELIVERY && strcmp(ev->id, run->id) == 0 && !run->done) {
        const char *state = ev->delivery == EPODE_DELIVERY_ACKNOWLEDGED ? "acknowledged" : "sent";
        run->done = true;
        if (run->o->json)
            cli_print_json(json_pack("{s:s,s:s,s:s}", "id", run->id, "peer", run->peer, "state", state));
        else
            printf("%s\n", state);
        epode_client_stop(client, EPODE_STOP_CLOSE);
    }
}

int cmd_send(cli_options *o)
{
    send_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count != 2 || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode send PEER TEXT --jid JID");
    run.peer = o->args[0];
    run.text = o->args[1];
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
