/* wake.c: what an application does that a push notification woke: get what is new within its time, show it, and hold
 * nothing when the system stops it. */
#include "account.h"

static void show(const epode_message *m, void *user)
{
    (void)user;
    if (!m->outgoing && m->body)
        printf("%s: %s\n", m->peer, m->body);
}

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    if (event->type == EPODE_EV_MESSAGE && event->change == EPODE_CHANGE_NEW && !event->history)
        epode_store_message(epode_client_store(client), event->row, show, NULL);
    else if (event->type == EPODE_EV_FETCHED)
        *(int *)user = event->synced ? 0 : 2; /* 2: there is more; the next one gets it */
}

int main(void)
{
    int code = -1;
    epode_client *client = account_client(on_event, &code);
    if (!client || epode_client_fetch(client, 20000))
        return 1;
    while (code < 0)
        epode_client_run(client, 1000);
    epode_client_free(client);
    return code;
}
