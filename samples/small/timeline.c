/* timeline.c: what a start sent, when, and when the answer was there. Run it twice: the second one remembers. */
#include "account.h"

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    (void)user;
    if (event->type == EPODE_EV_STATE && event->error)
        fprintf(stderr, "%s\n", epode_error_text(event->error));
    if (event->type != EPODE_EV_STATE || event->state != EPODE_READY)
        return;
    const epode_session *s = epode_client_session(client);
    for (size_t i = 0; i < epode_session_flight_count(s); i++) {
        const epode_flight *f = epode_session_flight_at(s, i);
        printf("%-5s %8.1f ms  %8.1f ms  %s\n", f->layer, (double)f->sent_us / 1000, (double)f->answered_us / 1000, f->held);
    }
    printf("ready as %s after %.1f ms\n", epode_session_jid(s), (double)epode_session_ready_us(s) / 1000);
    epode_client_stop(client, EPODE_STOP_CLOSE);
}

int main(void)
{
    epode_client *client = account_client(on_event, NULL);
    if (!client)
        return 1;
    epode_client_start(client);
    epode_client_run(client, 60000);
    epode_client_free(client);
    return 0;
}
