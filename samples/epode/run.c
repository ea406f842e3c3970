/* run.c: the loop of the program: the client's one descriptor and a signal. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "cli.h"

volatile int cli_interrupted;

static void on_signal(int sig)
{
    (void)sig;
    cli_interrupted++;
}

void cli_catch_signals(void)
{
    struct sigaction sa = { .sa_handler = on_signal };
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

int cli_run(const cli_options *o, epode_client *client)
{
    (void)o;
    cli_catch_signals();
    int asked = 0;
    for (;;) {
        struct pollfd p = { .fd = epode_client_fd(client), .events = POLLIN };
        while (epode_client_process(client) == EPODE_OK)
            ;
        if (epode_client_state(client) == EPODE_STOPPED)
            return EXIT_OK;
        if (cli_interrupted > asked) {
            /* The first asks nicely, the second does not wait for the server. */
            epode_client_stop(client, asked ? EPODE_STOP_RESUMABLE : EPODE_STOP_CLOSE);
            asked = cli_interrupted;
            continue;
        }
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return EXIT_OTHER;
    }
}
