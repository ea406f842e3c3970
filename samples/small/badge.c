/* badge.c: how many messages are unread, told anew whenever that changes, on whichever device they were read. */
#include "account.h"

typedef struct badge {
    unsigned count;
    bool more; /* there may be: history is missing in between */
} badge;

static bool add(const epode_conversation *c, void *user)
{
    badge *b = user;
    b->count += c->unread;
    b->more = b->more || c->unread_at_least;
    return true;
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    badge *told = user, now = { 0 };
    if (event->type == EPODE_EV_STATE && event->error)
        fprintf(stderr, "%s\n", epode_error_text(event->error));
    if (event->type != EPODE_EV_MESSAGE && event->type != EPODE_EV_UNREAD && event->type != EPODE_EV_SYNC)
        return;
    epode_store_conversations(epode_client_store(client), add, &now);
    if (now.count == told->count && now.more == told->more)
        return;
    printf("%u%s\n", now.count, now.more ? "+" : "");
    fflush(stdout);
    *told = now;
}

int main(void)
{
    badge told = { 0 };
    epode_client *client = account_client(on_event, &told);
    if (!client)
        return 1;
    epode_client_start(client);
    epode_client_run(client, -1);
    epode_client_free(client);
    return 1;
}
