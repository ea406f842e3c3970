/* send.c: epode send PEER TEXT */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct send_run {
    const cli_options *o;
    uint64_t row;
    bool done;
    int code;
} send_run;

static void on_delivery(send_run *run, epode_client *client, const epode_event *ev)
{
    static const char *const names[] = { "", "queued", "sent", "acknowledged", "received", "read", "failed" };
    if (ev->delivery < EPODE_DELIVERY_ACKNOWLEDGED || run->done)
        return;
    run->done = true;
    if (run->o->json)
        cli_print_json(json_pack("{s:s?,s:I,s:s,s:s}", "id", ev->id, "row", (json_int_t)ev->row, "peer",
                                 run->o->args[0], "state", names[ev->delivery]));
    else
        printf("%s\n", names[ev->delivery]);
    if (ev->delivery == EPODE_DELIVERY_FAILED)
        run->code = EXIT_SERVER;
    epode_client_stop(client, EPODE_STOP_CLOSE);
}

static void on_event(epode_client *client, const epode_event *ev, void *user)
{
    send_run *run = user;
    if (ev->type == EPODE_EV_DELIVERY && ev->row == run->row)
        on_delivery(run, client, ev);
    else if (ev->type == EPODE_EV_STATE && ev->state == EPODE_STOPPED && ev->error && !run->done)
        run->code = cli_fail(run->o, ev->error);
}

int cmd_send(cli_options *o)
{
    send_run run = { .o = o };
    int code = EXIT_USAGE;
    if (o->arg_count != 2 || !o->jid)
        return cli_fail_text(o, EPODE_EINVAL, "usage: epode send PEER TEXT --jid JID");
    if (!cli_password(o, &code))
        return code;
    epode_client *client = cli_client(o, on_event, &run, &code);
    if (!client)
        return code;
    /* Stored first: if the connection fails, the message leaves with the next one. */
    epode_outgoing m = EPODE_OUTGOING_INIT;
    m.to = o->args[0];
    m.body = o->args[1];
    epode_status st = epode_send_message(client, &m, &run.row);
    if (st) {
        epode_client_free(client);
        return cli_fail_text(o, st, "the message cannot be sent: is the peer a JID and the text valid?");
    }
    code = cli_start(o, client);
    if (!code)
        code = cli_run(o, client);
    epode_client_free(client);
    cli_end();
    return code ? code : run.code;
}
