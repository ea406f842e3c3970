/* transport.c: --transport: whose loop the program waits in. */
#include <errno.h>
#include <poll.h>

#include <epode/strophe.h>

#include "cli.h"

/* How long libstrophe's loop is waited in at most, so that signals and typed lines are seen. */
#define TURN_MS 50

static struct {
    xmpp_ctx_t *ctx; /* NULL: the client's own descriptor is waited for */
    xmpp_conn_t *conn;
} strophe;

static int strophe_start(const cli_options *o, epode_client *client)
{
    epode_strophe_options options = EPODE_STROPHE_OPTIONS_INIT;
    options.flags = EPODE_STROPHE_SENDS_BY_EPODE | (o->listen ? EPODE_STROPHE_RECONNECT : 0);
    xmpp_initialize();
    strophe.ctx = xmpp_ctx_new(NULL, NULL);
    strophe.conn = strophe.ctx ? xmpp_conn_new(strophe.ctx) : NULL;
    epode_status st = strophe.conn ? epode_strophe_set(client, &options) : EPODE_ENOMEM;
    if (!st)
        st = epode_strophe_connect(client, strophe.conn, NULL, NULL);
    return st ? cli_fail_text(o, st, "libstrophe's connection cannot be used") : 0;
}

int cli_start(const cli_options *o, epode_client *client)
{
    if (o->strophe)
        return strophe_start(o, client);
    epode_client_start(client);
    return 0;
}

bool cli_wait(epode_client *client, int input, int max_ms, bool *typed)
{
    struct pollfd p[] = { { .fd = input, .events = POLLIN }, { .fd = epode_client_fd(client), .events = POLLIN } };
    *typed = false;
    if (strophe.ctx)
        xmpp_run_once(strophe.ctx, max_ms < 0 || max_ms > TURN_MS ? TURN_MS : (unsigned long)max_ms);
    if (strophe.ctx && input < 0)
        return true;
    if (poll(p, strophe.ctx ? 1 : 2, strophe.ctx ? 0 : max_ms) < 0 && errno != EINTR)
        return false;
    *typed = p[0].revents != 0;
    return true;
}

void cli_process(epode_client *client)
{
    /* libstrophe's loop does by itself. */
    while (!strophe.ctx && epode_client_process(client) == EPODE_OK)
        ;
}

void cli_end(void)
{
    if (strophe.conn)
        xmpp_conn_release(strophe.conn);
    if (strophe.ctx)
        xmpp_ctx_free(strophe.ctx);
    strophe.conn = NULL;
    strophe.ctx = NULL;
}
