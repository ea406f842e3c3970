/* bridge.c: libstrophe's connection as the client's transport. Its callbacks come from libstrophe's loop; what they bring
 * is one turn of the client's, which ends at the next tick. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "client/internal.h"
#include "net/socket.h"

/* While names are resolved nothing wakes libstrophe's loop, which sleeps for its whole timeout where it has no socket: they
 * are waited for here, and then it is given a turn. libstrophe itself resolves to the end. */
#define RESOLVING_US (250 * 1000)
#define RESOLVING_MS 5
#define MS_MAX       60000

static const ep_transport_ops transport_ops;

/* --- turns ------------------------------------------------------------------------------- */

static bool is_resolving(const ep_bridge *b)
{
    return b->pick && !b->up && !b->waits && ep_conn_is_idle(b->link);
}

static epode_status turn(ep_bridge *b)
{
    const int64_t end = ep_loop_refresh(b->c->loop) + RESOLVING_US;
    epode_status st = epode_client_process(b->c);
    while (!b->gone && is_resolving(b) && ep_loop_now_us(b->c->loop) < end) {
        ep_loop_wait(b->c->loop, end - ep_loop_now_us(b->c->loop));
        st = epode_client_process(b->c);
    }
    return st;
}

static unsigned long tick_pause(const ep_bridge *b, epode_status st)
{
    const epode_client *c = b->c;
    if (st == EPODE_OK)
        return 1; /* there was something, and may be more */
    if (is_resolving(b))
        return RESOLVING_MS;
    int64_t due = ep_timers_next(ep_loop_timers(c->loop)), now = ep_loop_now_us(c->loop);
    int64_t ms = due == EP_NEVER ? MS_MAX : (due - now) / 1000 + 1;
    ms = ms < 1 ? 1 : ms;
    return ms < b->idle_ms ? (unsigned long)ms : b->idle_ms;
}

static unsigned long on_tick(void *user)
{
    ep_bridge *b = user;
    /* Within a callback of the client's somebody runs this loop: the client goes on when that returns. */
    if (b->ticking || b->c->processing)
        return 1;
    b->ticking = true;
    epode_status st = turn(b);
    b->ticking = false;
    if (!b->gone)
        return tick_pause(b, st);
    ep_free(b);
    return 0;
}

/* --- the connection ---------------------------------------------------------------------- */

static void bridge_enter(ep_bridge *b)
{
    ep_loop_enter(b->c->loop);
}

static void bridge_leave(ep_bridge *b)
{
    ep_ticks_soon(b->ticks);
    ep_loop_leave(b->c->loop);
}

static void on_tcp_up(void *user)
{
    ep_bridge *b = user;
    b->tcp_us = ep_loop_refresh(b->c->loop);
    if (b->pick)
        ep_pick_tcp_up(b->pick);
}

static void on_tls(void *user, int fd)
{
    ep_bridge *b = user;
    b->tls_us = ep_loop_refresh(b->c->loop);
    if (fd >= 0)
        b->guard = ep_guard_new(fd, b->c->connect_deadline_us - b->tls_us);
}

static bool on_tls_over(void *user)
{
    ep_bridge *b = user;
    bool cut = ep_guard_end(b->guard);
    b->guard = NULL;
    return cut;
}

static void note_info(ep_bridge *b)
{
    ep_net_timeline *t = &b->info.timeline;
    /* libstrophe tells neither. */
    b->info.tls_version = b->info.cipher = "";
    b->info.names_others = b->c->cert_file && !ep_conn_names_only(b->link, b->c->jid.bare);
    t->tls_start_us = b->tls_us;
    t->tls_us = ep_loop_refresh(b->c->loop);
    t->waits.tls = 1;
    t->waits.preface = b->direct ? 0 : 1;
}

static void on_up(void *user, bool headers)
{
    ep_bridge *b = user;
    if (!b->pick || !ep_pick_won(b->pick, &b->info)) {
        ep_conn_cut(b->link, NULL); /* the time was over just now */
        return;
    }
    bridge_enter(b);
    b->up = true;
    b->headers = headers;
    note_info(b);
    ep_client_net_events.on_up(b->c, &b->info);
    bridge_leave(b);
}

static void on_element(void *user, ep_elem *e)
{
    ep_bridge *b = user;
    if (!b->up)
        return;
    /* The turn ends with the tick: all that libstrophe reads at once is one. */
    ep_loop_hold(b->c->loop);
    ep_client_take_element(b->c, e);
    ep_ticks_soon(b->ticks);
    ep_loop_release(b->c->loop);
}

static void on_header(void *user)
{
    (void)user; /* the first element says the same */
}

static void on_link_closed(void *user, const ep_error *why, int error)
{
    ep_bridge *b = user;
    b->error = error;
    bridge_enter(b);
    if (b->waits) {
        b->waits = false;
        ep_loop_defer(b->c->loop, &b->connect_job);
    } else if (b->up) {
        ep_client_carried_end(b->c, why);
    } else if (b->pick) {
        ep_pick_failed(b->pick, why);
    }
    ep_client_schedule(b->c); /* what waited for this may be told */
    bridge_leave(b);
}

static const ep_conn_events link_events = { on_tcp_up, on_tls, on_tls_over, on_up, on_element, on_header, on_link_closed };

static void connect_run(ep_job *job, void *user)
{
    ep_bridge *b = user;
    const epode_client *c = b->c;
    ep_error err = { 0 };
    const ep_conn_target target = { b->address, b->port, b->direct, b->jid, c->jid.ascii, c->ca_file, c->cert_file, c->key_file };
    (void)job;
    if (b->pick && ep_conn_connect(b->link, &target, &err))
        ep_pick_failed(b->pick, &err);
}

/* --- where to ---------------------------------------------------------------------------- */

static void on_try(void *user, const char *address, uint16_t port, bool direct)
{
    ep_bridge *b = user;
    memcpy(b->address, address, strlen(address) + 1);
    b->port = port;
    b->direct = direct;
    b->waits = !ep_conn_is_idle(b->link);
    if (!b->waits)
        ep_loop_defer(b->c->loop, &b->connect_job);
}

static void on_dns(void *user, const void *facts, size_t n, int64_t expires_wall_ms)
{
    ep_client_net_events.on_dns(((ep_bridge *)user)->c, facts, n, expires_wall_ms);
}

static void on_lost(void *user, const ep_error *error)
{
    ep_bridge *b = user;
    ep_conn_cut(b->link, NULL);
    ep_client_net_events.on_closed(b->c, error);
}

static const ep_pick_events pick_events = { on_try, on_dns, on_lost };

epode_status ep_bridge_attempt(epode_client *c, const ep_net_config *config)
{
    ep_bridge *b = c->bridge;
    char *jid = ep_asprintf("%s@%s", c->jid.local, c->jid.ascii);
    if (!jid)
        return EPODE_ENOMEM;
    ep_free(b->jid);
    b->jid = jid;
    b->up = b->waits = false;
    memset(&b->info, 0, sizeof b->info);
    epode_status st = ep_pick_new(&b->pick, c->loop, config, &pick_events, b);
    if (!st)
        c->net = &b->transport;
    ep_ticks_soon(b->ticks);
    return st;
}

/* --- as a transport ---------------------------------------------------------------------- */

static ep_bridge *bridge_of(const ep_transport *t)
{
    return (ep_bridge *)(uintptr_t)t;
}

/* The attempt is over, or left; the bridge stays for the next one. */
static void bridge_free(ep_transport *t)
{
    ep_bridge *b = bridge_of(t);
    ep_pick_free(b->pick);
    b->pick = NULL;
    b->up = b->waits = false;
    ep_job_cancel(&b->connect_job);
    ep_conn_cut(b->link, NULL);
}

static epode_status bridge_write(ep_transport *t, const void *data, size_t n)
{
    ep_bridge *b = bridge_of(t);
    b->info.timeline.bytes_out += n;
    return ep_conn_write(b->link, data, n);
}

static void bridge_flush(ep_transport *t)
{
    (void)t; /* libstrophe's loop does */
}

static void bridge_switch(ep_transport *t, bool on)
{
    (void)t, (void)on; /* libstrophe reads, in any case */
}

static void bridge_close(ep_transport *t, bool orderly)
{
    (void)orderly; /* the server's end tag has closed it already, or will not come */
    ep_conn_cut(bridge_of(t)->link, NULL);
}

static const ep_net_info *bridge_info(const ep_transport *t)
{
    const ep_bridge *b = bridge_of(t);
    return b->up ? &b->info : NULL;
}

static epode_status bridge_channel_binding(const ep_transport *t, const char *type, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    if (!ep_streq(type, "tls-server-end-point"))
        return EPODE_ESTATE;
    return ep_certificate_end_point(ep_conn_certificate(bridge_of(t)->link), out, cap, n);
}

static const ep_transport_ops transport_ops = { bridge_free,   bridge_write, bridge_flush, bridge_switch,
                                                bridge_switch, bridge_close, bridge_info,  bridge_channel_binding };

/* Only the connection's own libstrophe can begin a new document for its parser. */
epode_status ep_bridge_header(epode_client *c)
{
    ep_bridge *b = c->bridge;
    ep_buf *out = ep_stream_output(c->stream);
    char *from = ep_asprintf("%s@%s", c->jid.local, c->jid.domain);
    epode_status st = from ? EPODE_OK : EPODE_ENOMEM;
    if (!st && out->len) {
        st = bridge_write(&b->transport, ep_buf_ptr(out), out->len);
        ep_buf_consume(out, out->len);
    }
    if (!st)
        st = ep_conn_header(b->link, c->jid.domain, from);
    ep_free(from);
    return st;
}

/* --- life -------------------------------------------------------------------------------- */

epode_status ep_bridge_open(epode_client *c, xmpp_conn_t *conn, const epode_strophe_options *o, xmpp_conn_handler callback,
                            void *userdata)
{
    const ep_conn_hooks hooks = { o->certfail, o->sockopt, ep_socket_tune, ep_socket_cut };
    ep_bridge *b = ep_calloc(1, sizeof *b);
    if (!b)
        return EPODE_ENOMEM;
    *b = (ep_bridge){ .transport = { &transport_ops }, .c = c, .conn = conn, .ctx = xmpp_conn_get_context(conn),
                      .flags = o->flags, .idle_ms = o->idle_ms ? o->idle_ms : 100, .callback = callback,
                      .userdata = userdata };
    b->connect_job = (ep_job){ .run = connect_run, .user = b };
    b->link = ep_conn_new(conn, &hooks, &link_events, b, callback, userdata);
    b->ticks = b->link ? ep_ticks_new(b->ctx, on_tick, b) : NULL;
    if (!b->ticks) {
        ep_conn_free(b->link);
        ep_free(b);
        return EPODE_ENOMEM;
    }
    xmpp_conn_clone(conn);
    xmpp_ctx_set_timeout(b->ctx, b->idle_ms);
    c->bridge = b;
    return EPODE_OK;
}

void ep_bridge_leave(epode_client *c)
{
    ep_bridge *b = c->bridge;
    if (!b)
        return;
    c->bridge = NULL;
    if (c->net == &b->transport) {
        bridge_free(&b->transport);
        c->net = NULL;
    }
    ep_job_cancel(&b->connect_job);
    b->c = NULL;
    ep_ticks_free(b->ticks);
    ep_conn_free(b->link);
    xmpp_conn_release(b->conn);
    ep_free(b->jid);
    b->jid = NULL;
    b->gone = true;
    if (!b->ticking)
        ep_free(b);
}

ep_stream_headers ep_bridge_headers(const epode_client *c)
{
    return !c->bridge ? EP_HEADERS_WRITTEN : c->bridge->headers ? EP_HEADERS_TOLD : EP_HEADERS_FIRST;
}

bool ep_client_wants_sm(const epode_client *c)
{
    return !(c->flags & EPODE_NO_SM) && (!c->bridge || (c->bridge->flags & EPODE_STROPHE_SENDS_BY_EPODE));
}

bool ep_client_reconnects(const epode_client *c)
{
    return !(c->flags & EPODE_NO_RECONNECT) && (!c->bridge || (c->bridge->flags & EPODE_STROPHE_RECONNECT));
}

const char *ep_bridge_left_out(const epode_client *c, size_t i)
{
    static const char *const names[] = { "early-data", "tls-tickets", "channel-binding-exporter", "channel-binding-unique",
                                         "address-race", "starttls-pipelining", "legacy-pipelining", "stream-management" };
    size_t n = sizeof names / sizeof *names - (c->bridge && (c->bridge->flags & EPODE_STROPHE_SENDS_BY_EPODE) ? 1 : 0);
    return c->bridge && i < n ? names[i] : NULL;
}
