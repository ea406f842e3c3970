/* echo.c: a bot that says back what it is told, once, whatever happens to it or to the network in between; also what it
 * was told while it was away, but not what was said before its first start.
 *
 * What a callback does is on the disk together or not at all: an answer, and that its message was displayed. So what is not
 * displayed is not answered, and after a kill those are looked up whose event was never told. */
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

static bool answer_rest(const epode_conversation *c, void *user)
{
    epode_query q = { .size = sizeof q, .peer = c->peer, .archive = c->archive, .from_row = c->displayed_row };
    epode_cursor *cursor;
    const epode_message *m;
    /* Of those who were never answered it may be history. */
    if (!c->unread || !c->displayed_row || epode_store_messages(epode_client_store(user), &q, &cursor))
        return true;
    while (epode_cursor_next(cursor, &m) == EPODE_OK)
        answer(m, user);
    epode_cursor_free(cursor);
    return true;
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    bool *begun = user;
    if (!*begun) /* with the first event: nothing has come yet */
        epode_store_conversations(epode_client_store(client), answer_rest, client);
    *begun = true;
    if (event->type == EPODE_EV_MESSAGE && event->change == EPODE_CHANGE_NEW && !event->history)
        epode_store_message(epode_client_store(client), event->row, answer, client);
    else if (event->type == EPODE_EV_STATE && event->state == EPODE_READY)
        fprintf(stderr, "here as %s\n", epode_session_jid(epode_client_session(client)));
    else if (event->type == EPODE_EV_STATE && event->error)
        fprintf(stderr, "%s\n", epode_error_text(event->error));
}

int main(void)
{
    bool begun = false;
    epode_client *client = account_client(on_event, &begun);
    if (!client)
        return 1;
    epode_client_start(client);
    epode_client_run(client, -1); /* it comes back by itself; only a final error stops it */
    epode_client_free(client);
    return 1;
}
