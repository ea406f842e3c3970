/* history.c: a conversation, newest first, 20 at a time: Enter shows older ones, also such as only the server has.
 *
 *   history PEER */
#include "account.h"

static void show(const epode_message *m)
{
    printf("%s %s\n", m->outgoing ? ">" : "<", m->retracted ? "(retracted)" : m->body ? m->body : "");
}

/* The next ones above this row; the last row that was shown. */
static uint64_t page(epode_client *client, const char *peer, uint64_t from)
{
    epode_query q = EPODE_QUERY_INIT;
    epode_cursor *cursor;
    const epode_message *m;
    q.peer = peer;
    q.newest_first = true;
    q.from_row = from;
    if (epode_store_messages(epode_client_store(client), &q, &cursor))
        return from;
    for (int i = 0; i < 20 && epode_cursor_next(cursor, &m) == EPODE_OK; i++) {
        show(m);
        from = m->row;
    }
    epode_cursor_free(cursor);
    return from;
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    (void)client;
    if (event->type == EPODE_EV_SYNC && (event->synced || event->error))
        *(bool *)user = true; /* what was missing is here, or cannot be had */
}

static void wait_for(epode_client *client, const bool *synced)
{
    for (int i = 0; i < 100 && !*synced; i++)
        epode_client_run(client, 100);
}

int main(int argc, char **argv)
{
    bool synced = false;
    epode_client *client = argc == 2 ? account_client(on_event, &synced) : NULL;
    if (!client)
        return fprintf(stderr, "usage: history PEER\n"), 1;
    epode_client_start(client);
    wait_for(client, &synced);
    uint64_t last = 0, shown;
    do {
        shown = last;
        last = page(client, argv[1], shown);
        synced = false;
        epode_status st = epode_history_fill(client, last, 20);
        if (st == EPODE_OK || st == EPODE_AGAIN) /* again: asked for by reading to the end */
            wait_for(client, &synced);
    } while (last != shown && getchar() != EOF);
    epode_client_free(client);
    return 0;
}
