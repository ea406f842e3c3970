/* echo.c: a bot that says back what it is told, once, whatever happens to it or to the network in between; also what it
 * was told while it was away, but not what was said before its first start. */
#include "account.h"

static void answer(const epode_message *m, void *user)
{
    epode_client *client = user;
    epode_outgoing reply = EPODE_OUTGOING_INIT;
    if (m->outgoing || m->groupchat || !m->body)
        return;
    reply.to = m->peer;
    reply.body = m->body;
    reply.reply_id = m->id;
    reply.reply_to = m->from;
    epode_send_message(client, &reply, NULL);
    epode_mark_displayed(client, m->row, true);
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    (void)user;
    if (event->type == EPODE_EV_MESSAGE && event->change == EPODE_CHANGE_NEW && !event->history)
        epode_store_message(epode_client_store(client), event->row, answer, client);
    else if (event->type == EPODE_EV_STATE && event->state == EPODE_READY)
        fprintf(stderr, "here as %s\n", epode_session_jid(epode_client_session(client)));
    else if (event->type == EPODE_EV_STATE && event->error)
        fprintf(stderr, "%s\n", epode_error_text(event->error));
}

int main(void)
{
    epode_client *client = account_client(on_event, NULL);
    if (!client)
        return 1;
    epode_client_start(client);
    epode_client_run(client, -1); /* it comes back by itself; only a final error stops it */
    epode_client_free(client);
    return 1;
}
