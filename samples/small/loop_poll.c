/* loop_poll.c: epode in a loop of poll(): one descriptor to wait for, one call to make. */
#include <poll.h>

#include "account.h"

static void on_event(epode_client *client, const epode_event *event, void *user)
{
    if (event->type == EPODE_EV_SYNC && event->synced) {
        printf("synced\n");
        epode_client_stop(client, EPODE_STOP_CLOSE);
    } else if (event->type == EPODE_EV_STATE && event->state == EPODE_STOPPED) {
        *(bool *)user = false;
    }
}

int main(void)
{
    bool on = true;
    epode_client *client = account_client(on_event, &on);
    if (!client)
        return 1;
    epode_client_start(client);
    while (on) {
        struct pollfd fds[] = { { .fd = epode_client_fd(client), .events = POLLIN } /* and those of the application */ };
        if (poll(fds, 1, -1) > 0 && fds[0].revents)
            epode_client_process(client);
    }
    epode_client_free(client);
    return 0;
}
